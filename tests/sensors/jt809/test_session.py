"""A link: login first, answers by the standard, data to its feed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt809.encode import Sender
from sensors.jt809.frame import LONGEST, TIME, Frame, build, read
from sensors.jt809.messages import ANSWER
from sensors.jt809.session import PATIENCE, Jt809Dialect, Jt809Session
from sensors.jt809.split import pieces
from sensors.tcp.protocol import Reaction, Route
from tests.sensors.jt809.frames import (
    CENTER,
    KEYS,
    PASSWORD,
    PLATE,
    ROUTES,
    USER,
    UTC,
    YELLOW,
    location,
    sender,
    wrapped,
)
from tests.sensors.jt809.test_split import cut


def dialect(routes: tuple[Route, ...] = ROUTES, **more: object) -> Jt809Dialect:
    return Jt809Dialect(routes, user=str(USER), password=PASSWORD, clock=lambda: UTC + 5, **more)  # type: ignore[arg-type]


def keyed(**more: object) -> Jt809Dialect:
    return dialect(m1=str(KEYS.m1), ia1=KEYS.ia1, ic1=KEYS.ic1, **more)


def logged_in(platform: Sender | None = None, of: Jt809Dialect | None = None) -> Jt809Session:
    session = (of or dialect()).session("10.0.0.9:5000")
    assert session.receive((platform or sender()).login(USER, PASSWORD)).close is None
    return session


def answers(data: bytes) -> list[Frame]:
    return [read(piece.raw) for piece in pieces(data)]


@pytest.mark.parametrize("edition", ["2011", "2019"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_login_is_answered_at_once_with_a_verify_code(edition: str, encrypted: bool) -> None:
    platform = sender(edition, KEYS if encrypted else None)
    reaction = keyed().session("p").receive(platform.login(USER, PASSWORD))
    (answer,) = answers(reaction.at_once)
    assert (answer.msg_id, answer.center_id, answer.version) == (0x1002, CENTER, b"\x01\x00\x00")
    time = TIME.pack(UTC + 5) if edition == "2019" else b""
    assert answer.body.startswith(time)
    assert ANSWER.unpack(answer.body[len(time) :])[0] == 0
    assert reaction.close is None
    assert reaction.spool == ()


def test_verify_codes_differ() -> None:
    codes = {dialect().session("p").receive(sender().login(USER, PASSWORD)).at_once[-7:-3] for _ in range(5)}
    assert len(codes) > 1


@pytest.mark.parametrize(
    ("user", "word", "result", "said"),
    [(USER, "wrong", 4, "wrong password"), (USER + 1, PASSWORD, 3, "unknown user"), (USER, "", 4, "wrong password")],
)
def test_a_wrong_login_is_refused_with_its_result_and_the_link_ends(
    user: int, word: str, result: int, said: str
) -> None:
    reaction = dialect().session("p").receive(sender().login(user, word) + sender().position(PLATE, 2, location()))
    assert [ANSWER.unpack(each.body) for each in answers(reaction.at_once)] == [(result, 0)]
    assert reaction.close == f"login refused: {said}"
    assert reaction.spool == ()
    assert PASSWORD not in reaction.close


@pytest.mark.parametrize("of", [dialect(), keyed()])
def test_an_encrypted_login_without_the_right_keys_is_refused(of: Jt809Dialect) -> None:
    strange = Sender(CENTER, cipher=type(KEYS)(1, 2, 3), key=9)
    reaction = of.session("p").receive(strange.login(USER, PASSWORD))
    assert reaction.close is not None


def test_before_the_login_nothing_else_is_taken_or_kept() -> None:
    for frame in (sender().position(PLATE, YELLOW, location()), sender().heartbeat(), sender().logout(USER, PASSWORD)):
        reaction = dialect().session("p").receive(frame)
        assert (reaction.spool, reaction.at_once, reaction.durable) == ((), b"", b"")
        assert "before the login" in (reaction.close or "")
    session = dialect().session("p")
    assert session.receive(b"GET / HTTP/1.1\r\n\r\n\x5bhalf").spool == ()
    assert session.ended().spool == ()


def test_without_user_and_password_every_login_is_accepted() -> None:
    session = Jt809Dialect(ROUTES).session("p")
    assert session.receive(sender().login(1, "x")).close is None


@pytest.mark.parametrize("edition", ["2011", "2019"])
def test_heartbeat_and_logout_are_answered_when_all_before_is_on_disk(edition: str) -> None:
    platform = sender(edition)
    session = logged_in(platform)
    reaction = session.receive(platform.position(PLATE, YELLOW, location()) + platform.heartbeat())
    assert reaction.at_once == b""
    assert [each.msg_id for each in answers(reaction.durable)] == [0x1006]
    assert len(reaction.spool) == 1
    reaction = session.receive(platform.logout(USER, PASSWORD) + platform.heartbeat())
    assert [each.msg_id for each in answers(reaction.durable)] == [0x1004]
    assert reaction.close == "logged out"


def test_data_has_no_answer_and_is_spooled_as_received() -> None:
    platform = sender()
    session = logged_in(platform)
    sent = [platform.register(PLATE, 2), platform.position(PLATE, 2, location()), platform.positions(PLATE, 2, [])]
    reaction = session.receive(b"".join(sent))
    assert reaction.spool == (("muck.position", b"".join(sent), 3),)
    assert (reaction.at_once, reaction.durable, reaction.close) == (b"", b"", None)
    assert reaction.counts["frames"] == 3


@pytest.mark.parametrize("edition", ["2011", "2019"])
def test_encrypted_data_is_stored_readable_with_the_way_back(edition: str) -> None:
    platform = sender(edition, KEYS)
    session = logged_in(platform, keyed())
    sent = platform.position(PLATE, YELLOW, wrapped())
    ((_, stored, _),) = session.receive(sent).spool
    frame, encrypted = read(stored), read(sent)
    assert (frame.encrypted, frame.key) == (0, encrypted.key)
    clear = 8 if edition == "2019" else 0
    assert KEYS.apply(frame.body[clear:], frame.key) == encrypted.body[clear:]


def test_an_encrypted_message_of_the_other_edition_is_read_too() -> None:
    session = logged_in(sender("2011", KEYS), keyed())
    ((_, stored, _),) = session.receive(sender("2019", KEYS).position(PLATE, YELLOW, wrapped())).spool
    assert PLATE.encode("gbk") in stored


def test_encrypted_data_without_keys_is_stored_as_received() -> None:
    session = logged_in()
    sent = sender(cipher=KEYS).position(PLATE, YELLOW, location())
    assert session.receive(sent).spool == (("muck.position", sent, 1),)


def test_routes_by_message_or_by_the_kind_of_its_data() -> None:
    routes = (Route("a", {"msg": frozenset({"0x1202", "0x1203"})}), Route("b", {"msg": frozenset({"0x1200"})}))
    session = logged_in(of=dialect(routes))
    platform = sender()
    sent = [platform.position(PLATE, 2, location()), platform.register(PLATE, 2), platform.positions(PLATE, 2, [])]
    reaction = session.receive(b"".join([*sent, platform.frame(0x1500, b"?")]))
    assert reaction.spool == (("a", sent[0], 1), ("b", sent[1], 1), ("a", sent[2], 1))
    assert reaction.counts["unrouted"] == 1


def test_bad_frames_go_to_the_first_feed_whole() -> None:
    session = logged_in()
    good = sender().position(PLATE, 2, location())
    bad = good[:-3] + bytes((good[-3] ^ 1,)) + good[-2:]
    reaction = session.receive(bad + b"noise" + good + good[:9])
    assert reaction.spool == (("muck.position", bad + b"noise" + good, 3),)
    assert reaction.counts == {"frames": 1, "bad_checksum": 1, "garbage": 1}
    assert session.ended().spool == (("muck.position", good[:9], 1),)


def test_a_broken_login_is_not_stored() -> None:
    session = logged_in()
    good = sender().login(USER, PASSWORD)
    assert session.receive(good[:-4] + good[-3:]).spool == ()
    assert session.receive(good[:-3]).spool == ()
    assert session.ended().spool == ()


def test_line_feeds_between_frames_are_no_fault_worth_storing() -> None:
    session = logged_in()
    assert session.receive(b"\r\n" + sender().heartbeat() + b"\0").spool == ()


def test_floods_end_the_connection() -> None:
    assert "hold no frame" in (logged_in().receive(b"x" * (PATIENCE + 1)).close or "")
    assert "longer than" in (logged_in().receive(b"\x5b" + b"x" * (LONGEST + 1)).close or "")


@given(st.lists(st.integers(0, 4000), max_size=20))
def test_any_split_of_the_stream_stores_and_answers_the_same(places: list[int]) -> None:
    platform = sender()
    stream = platform.login(USER, PASSWORD) + b"".join(
        platform.position(PLATE, 2, location(minute)) + (platform.heartbeat() if minute % 3 == 0 else b"")
        for minute in range(9)
    )
    session, whole = dialect().session("p"), dialect().session("p")
    found = [session.receive(part) for part in cut(stream, places)]
    assert stored(found) == stored([whole.receive(stream)])
    durable = answers(b"".join(reaction.durable for reaction in found))
    assert [each.msg_id for each in durable] == [0x1006] * 3
    assert [each.serial for each in durable] == [2, 3, 4]


def stored(reactions: list[Reaction]) -> bytes:
    return b"".join(raw for reaction in reactions for _, raw, _ in reaction.spool)


@given(
    st.lists(st.binary(max_size=60) | st.integers(0, 0xFFFF).map(lambda msg: build(msg, b"\x12\x02" * 20)), max_size=9)
)
def test_no_bytes_break_a_session(sent: list[bytes]) -> None:
    for session in (logged_in(), keyed().session("p")):
        for data in sent:
            session.receive(data)
        session.ended()


@pytest.mark.parametrize(
    "options",
    [{"user": "1"}, {"user": "x", "password": "y"}, {"user": 1, "password": "ninebytes"}, {"m1": 1, "ia1": 2},
     {"m1": 1, "ia1": 2, "ic1": 1 << 32}],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Jt809Dialect(ROUTES, **options)  # type: ignore[arg-type]
