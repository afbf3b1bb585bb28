"""From a spec to a protocol: options by name, devices by their registry in the warehouse."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors.tcp.dialects import MADE, maker
from sensors.tcp.listen import listeners
from sensors.tcp.protocol import Dialect
from sensors.tcp.registry import Registry
from tests.sensors.hj212.frames import dust
from tests.sensors.tcp.conftest import toy_spec
from warehouse import lake

SITE = "dust.site"


def site_spec(*fields: str) -> FeedSpec:
    spec = toy_spec(feed=SITE)
    named = dict.fromkeys(fields, spec.fields["id"])
    return spec.model_copy(update={"fields": named})


def made(settings: Settings, stack: ExitStack, kind: str = "hj212", *more: FeedSpec, **source: object) -> Dialect:
    specs = {spec.feed: spec for spec in (toy_spec(kind=kind, **source), *more)}
    (listener,) = listeners(kind, [specs["dust.line"]])
    return maker(settings, specs, stack)(listener)


def with_devices(settings: Settings, *rows: tuple[str, str | None]) -> None:
    con = lake.connect(settings)
    with lake.write(con, settings, "devices"):
        con.execute("CREATE TABLE dust_site (mn VARCHAR, password VARCHAR)")
        con.executemany("INSERT INTO dust_site VALUES (?, ?)", [list(row) for row in rows])
    con.close()


def test_every_kind_has_a_dialect(settings: Settings) -> None:
    with ExitStack() as stack:
        assert [made(settings, stack, kind).name for kind in ("hj212", "jt808", "jt809")] == [
            "hj212", "jt808", "jt809",
        ]  # fmt: skip


def test_a_registry_knows_devices_and_passwords_and_everybody_until_it_is_read(settings: Settings) -> None:
    registry = Registry(settings, site_spec("mn", "password"), "mn")
    assert registry.known("anybody")
    with_devices(settings, ("00123", "secret1"), ("B", None))
    registry.read()
    assert registry.known("123")
    assert registry.value("00123", "password") == "secret1"
    assert registry.value("B", "password") is None
    assert not registry.known("anybody")


def test_frames_of_unknown_devices_are_kept_but_not_confirmed(settings: Settings) -> None:
    with_devices(settings, ("TEST00000000000000000001", "secret1"))
    registry = Registry(settings, site_spec("mn", "password"), "mn")
    registry.read()
    (listener,) = listeners("hj212", [toy_spec(registry=SITE)])
    session = MADE["hj212"](listener, registry).session("10.0.0.7:1")
    good = session.receive(dust())
    assert b"CN=9014" in good.durable
    for frame in (dust(MN="TEST00000000000000000002"), dust(PW="wrong")):
        stranger = session.receive(frame)
        assert [number for _, _, number in stranger.spool] == [1]
        assert b"CN=9014" not in stranger.durable + stranger.at_once
        assert "frames" not in stranger.counts


@pytest.mark.parametrize(
    ("kind", "source", "words"),
    [
        ("hj212", {"registry": "dust.nowhere"}, "dust.nowhere"),
        ("hj212", {"sm4_key": "weak"}, "sm4_key"),
        ("jt809", {"user": "weak"}, "go together"),
        ("jt809", {"user": "word", "password": "weak"}, "numbers"),
        ("jt808", {"auth_key": "nobody_set_this"}, "nobody_set_this"),
    ],
)
def test_options_that_cannot_be_used_are_named_without_their_values(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kind: str, source: dict[str, str], words: str
) -> None:
    monkeypatch.setenv("CITYHUB_WEAK", "12")
    monkeypatch.setenv("CITYHUB_WORD", "xyz")
    with ExitStack() as stack, pytest.raises(HubError) as stopped:
        made(settings, stack, kind, **source)
    assert words in stopped.value.text()
    assert "xyz" not in stopped.value.text()
