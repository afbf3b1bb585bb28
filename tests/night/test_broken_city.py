"""One platform dead, one returning garbage, one late: the others finish, and status says whose move it is."""

import pytest

from tests.night.hub import DAY, Hub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("broken")]


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("broken"))
    faults = ("--fault", "dust=dead", "--fault", "lighting=garbage", "--fault", "muck=late:600")
    return hub, hub.run("nightly", "--day", DAY, *faults)


def test_the_night_ends_with_findings(broken):
    _, done = broken
    assert done.returncode == 1, done.stderr[-2000:]


def test_the_other_platforms_are_loaded(broken):
    hub, _ = broken
    states = hub.rows(f"SELECT platform, state FROM delivery WHERE service_day = '{DAY}'")
    good = {platform for platform, state in states if state in {"checked", "published", "empty_confirmed"}}
    assert len(good - {"assessment"}) >= 8
    for platform in ("dust", "lighting", "muck"):
        assert {state for name, state in states if name == platform} == {"failed"}


def test_status_says_what_since_when_and_whose_move(broken):
    hub, _ = broken
    found = hub.json("status", "--day", DAY)
    feeds = {action["feed"] for action in found["actions"]}
    assert {"dust.sample", "lighting.lamp_state", "muck.position"} <= feeds
    for action in found["actions"]:
        assert action["since"]
        assert action["whose_move"]
    screen = hub.run("status", "--day", DAY)
    assert screen.returncode == 1
    assert len(screen.stdout.splitlines()) < 60


def test_indicators_of_the_dead_platform_are_missing_not_zero(broken):
    hub, _ = broken
    rows = hub.sql(
        "SELECT v.* FROM indicator_value v JOIN indicator i ON i.code = v.code "
        f"WHERE i.platform IN ('dust', 'muck') AND v.period = '{DAY}'"
    )
    assert rows
    for row in rows:
        assert row["state"] == "missing", row
        assert row["value"] is None
        assert row["reason"]


def test_indicators_of_the_others_are_there(broken):
    hub, _ = broken
    ((count,),) = hub.rows(
        "SELECT count(DISTINCT v.code) FROM indicator_value v JOIN indicator i ON i.code = v.code "
        f"WHERE i.platform NOT IN ('dust', 'lighting', 'muck') AND v.period = '{DAY}' AND v.value IS NOT NULL"
    )
    assert count >= 25


def test_when_the_platforms_are_back_the_next_night_completes(broken):
    hub, _ = broken
    assert hub.run("nightly", "--day", DAY).returncode == 0
    states = {state for (state,) in hub.rows(f"SELECT state FROM delivery WHERE service_day = '{DAY}'")}
    assert states <= {"checked", "published", "empty_confirmed"}
