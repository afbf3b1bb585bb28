"""From a listener to its protocol's dialect, imported when it is needed."""

from __future__ import annotations

from sensors.tcp.listen import Listener
from sensors.tcp.protocol import Dialect

KINDS = ("hj212", "jt808", "jt809")


def dialect(listener: Listener) -> Dialect:
    """The dialect of a listener, with its routes and the options that its feeds' specs name."""
    raise NotImplementedError(listener.kind)
