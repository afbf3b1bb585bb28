"""What nobody foresaw: written into the log with the request's id, told as a problem without a word of itself."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityhub import log
from cityhub.errors import Retry
from serving.call import CALL
from serving.problems import Problem

logger = log.get(__name__)


class Failures:
    """Around the routes: turns an exception into a problem for the edge, which answers it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Half an answer that is out is not mended: the connection closes, so that nobody takes it
        for a whole one."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except ConnectionError:
            raise  # the client is gone
        except Exception as error:
            identity = scope[CALL].request_id
            logger.error("request failed request_id=%s", identity, exc_info=error)
            if started:
                raise
            problem = Problem(Retry("CH-SERVE-014", request_id=identity))
            scope[CALL].code = problem.error.code
            await problem.answer(identity, scope[CALL].path)(scope, receive, send)
