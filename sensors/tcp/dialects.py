"""From a listener to its protocol's dialect, imported when it is needed; secrets by name, devices by registry feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from cityhub.errors import Usage
from cityhub.secrets import secret
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors.tcp.listen import Listener
from sensors.tcp.protocol import Dialect
from sensors.tcp.registry import Registry

KEYS = {"hj212": "mn", "jt808": "terminal_phone"}  # column of a registry's table that names the device
Make = Callable[[Listener], Dialect]


def maker(settings: Settings, specs: Mapping[str, FeedSpec], stack: ExitStack) -> Make:
    """Makes the dialect of a listener; registries are read until `stack` ends.

    `specs` are all feeds, also those of other kinds. Raises `Usage` CH-PUSH-030 for options that cannot be used,
    `Stop` CH-CONF-001 for a secret that nobody has set.
    """

    def make(listener: Listener) -> Dialect:
        return MADE[listener.kind](listener, _registry(listener))

    def _registry(listener: Listener) -> Registry | None:
        feed, key = listener.options.get("registry"), KEYS.get(listener.kind)
        if feed is None or key is None:
            return None
        if feed not in specs or key not in specs[feed].fields:
            raise _bad(listener, f"the registry {feed} is no feed with a field {key}")
        return stack.enter_context(Registry(settings, specs[feed], key))

    return make


def _hj212(listener: Listener, registry: Registry | None) -> Dialect:
    from sensors.hj212.session import Hj212Dialect

    def device(mn: str) -> tuple[str, str | None] | None:
        assert registry is not None
        return (mn, registry.value(mn, "password")) if registry.known(mn) else None

    key = _secret(listener, "sm4_key")
    try:
        return Hj212Dialect(listener.routes, registry=device if registry else None, sm4_key=key)
    except ValueError:
        raise _bad(listener, "the secret of `sm4_key` is no SM4 key: 16 characters, or 32 hexadecimal digits") from None


def _jt808(listener: Listener, registry: Registry | None) -> Dialect:
    from sensors.jt808.session import Jt808Dialect, Options

    options = Options(auth_key=_secret(listener, "auth_key"), known=registry.known if registry else None)
    return Jt808Dialect(listener.routes, options)


def _jt809(listener: Listener, _registry: Registry | None) -> Dialect:
    from sensors.jt809.session import Jt809Dialect

    values = {name: _secret(listener, name) for name in ("user", "password", "m1", "ia1", "ic1")}
    try:
        return Jt809Dialect(listener.routes, **values)  # type: ignore[arg-type]  # texts, by their names
    except ValueError:  # its text may hold the secret
        detail = "user and password, and m1, ia1 and ic1 go together; all but the password are numbers"
        raise _bad(listener, f"{detail}, which has at most 8 characters") from None


MADE: dict[str, Callable[[Listener, Registry | None], Dialect]] = {
    "hj212": _hj212,
    "jt808": _jt808,
    "jt809": _jt809,
}


def _secret(listener: Listener, option: str) -> str | None:
    name = listener.options.get(option)
    return None if name is None else secret(name, feed=", ".join(listener.feeds))


def _bad(listener: Listener, detail: str) -> Usage:
    return Usage("CH-PUSH-030", address=listener.shown, feed=", ".join(listener.feeds), detail=detail)
