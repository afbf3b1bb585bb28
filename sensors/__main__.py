"""`python -m sensors KIND` runs a gateway (mqtt, hj212, jt808, jt809); `python -m sensors health KIND` is the
container's health check.
"""

from __future__ import annotations

import sys

from cityhub.errors import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE, HubError
from cityhub.settings import load
from sensors import status
from sensors.run import KINDS, run


def main(arguments: list[str]) -> int:
    """The exit code: 0 fine, 1 unhealthy or stopped by an error, 2 usage or settings, 4 not authorised."""
    settings = load()
    if len(arguments) == 2 and arguments[0] == "health" and arguments[1] in KINDS:
        return EXIT_OK if status.healthy(settings, arguments[1]) else EXIT_FINDINGS
    if len(arguments) != 1 or arguments[0] not in KINDS:
        sys.stderr.write(f"usage: python -m sensors {'|'.join(KINDS)} | health {'|'.join(KINDS)}\n")
        return EXIT_USAGE
    from cityhub.spec.read import read_all

    try:
        run(settings, [spec for spec in read_all(settings.feeds).values() if spec.active], arguments[0])
    except HubError as error:
        sys.stderr.write(error.text() + "\n")
        return error.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
