"""What a registry said, and when: a terminal that moves to another truck stays explainable."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from tests.load.kit import DAY, Hub, feed

TRUCKS = feed(
    {"sim": {"from": "sim"}, "plate": {"from": "plate"}},
    identity={"key": ["id"], "deletes": "full_compare", "history": ["sim", "plate"]},
)
SECOND, THIRD = DAY + timedelta(days=1), DAY + timedelta(days=2)
SIM = "SELECT key, value, valid_from, valid_to FROM registry_history WHERE column_name = 'sim' ORDER BY valid_from, key"


def truck(name: str, sim: str | None, plate: str = "p") -> dict[str, str | None]:
    return {"id": name, "sim": sim, "plate": plate}


def carried(hub: Hub, sim: str, day: date) -> list[str]:
    """Which truck carried a terminal on a day, as an analyst asks."""
    found = hub.rows(
        f"SELECT key FROM registry_history WHERE table_name = 'mk_trial' AND column_name = 'sim' AND value = '{sim}'"
        f" AND valid_from <= DATE '{day}' AND (valid_to IS NULL OR DATE '{day}' < valid_to)"
    )
    return [key for (key,) in found]


def test_a_terminal_that_moves_is_found_on_the_truck_of_each_day(hub: Hub) -> None:
    hub.prepare(TRUCKS)
    hub.load(TRUCKS, [truck("A", "1"), truck("B", "2")])
    hub.load(TRUCKS, [truck("A", "2"), truck("B", "1")], day=THIRD)
    assert [carried(hub, "1", day) for day in (DAY, SECOND, THIRD)] == [["A"], ["A"], ["B"]]
    assert hub.rows(SIM) == [
        ("A", "1", DAY, THIRD),
        ("B", "2", DAY, THIRD),
        ("A", "2", THIRD, None),
        ("B", "1", THIRD, None),
    ]


def test_what_stays_is_one_row_and_a_second_run_adds_none(hub: Hub) -> None:
    hub.prepare(TRUCKS)
    for day in (DAY, SECOND, SECOND, THIRD):
        hub.load(TRUCKS, [truck("A", "1", plate="x" if day == THIRD else "p")], day=day)
    assert hub.rows(SIM) == [("A", "1", DAY, None)]
    plates = hub.rows("SELECT value, valid_from, valid_to FROM registry_history WHERE column_name = 'plate' ORDER BY 2")
    assert plates == [("p", DAY, THIRD), ("x", THIRD, None)]


def test_a_key_that_is_gone_or_has_no_value_ends(hub: Hub) -> None:
    hub.prepare(TRUCKS)
    hub.load(TRUCKS, [truck("A", "1"), truck("B", "2"), truck("C", "3")])
    hub.load(TRUCKS, [truck("A", None), truck("C", "3")], day=SECOND)
    assert hub.rows(SIM) == [("A", "1", DAY, SECOND), ("B", "2", DAY, SECOND), ("C", "3", DAY, None)]


def test_a_value_corrected_on_the_same_day_never_held(hub: Hub) -> None:
    hub.prepare(TRUCKS)
    hub.load(TRUCKS, [truck("A", "wrong")])
    hub.load(TRUCKS, [truck("A", "1")])
    assert hub.rows(SIM) == [("A", "1", DAY, None)]


def test_an_older_delivery_changes_nothing(hub: Hub) -> None:
    hub.prepare(TRUCKS)
    hub.load(TRUCKS, [truck("A", "1")], day=SECOND)
    hub.load(TRUCKS, [truck("A", "0")], day=DAY)
    assert hub.rows(SIM) == [("A", "1", SECOND, None)]


def test_columns_that_the_spec_no_longer_names_end(hub: Hub) -> None:
    hub.prepare(TRUCKS)
    hub.load(TRUCKS, [truck("A", "1")])
    plain = TRUCKS.model_copy(update={"identity": TRUCKS.identity.model_copy(update={"history": []})})
    hub.load(plain, [truck("A", "2")], day=SECOND)
    assert hub.rows(SIM) == [("A", "1", DAY, SECOND)]


@pytest.mark.parametrize("identity", [{"history": ["nobody"]}, {"history": ["sim"], "day_from": "at"}])
def test_history_is_for_columns_of_registries(identity: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"identity\.history"):
        feed({"sim": {"from": "s"}, "at": {"from": "t", "type": "timestamp"}}, identity={"key": ["id"], **identity})
