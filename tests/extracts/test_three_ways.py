"""One conformance test for pull, push and ferry: whatever is published, corrected and deleted, all three end with the
same rows, and these are the newest."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from extracts.bundle import bundle
from extracts.prune import prune
from extracts.pull.run import pull
from extracts.pull.source import HttpSource, ferried
from extracts.push.run import push
from extracts.push.template import Template
from tests.extracts.hub import QUICK, client, key, served
from tests.extracts.shelf import Row, Shelf, value
from tests.extracts.upper import Upper
from tests.servers.http import Answer, Request, vendor

DATASET = "indicator_value"
MONTHS = ("2026-10", "2026-11", "2026-12")
TEMPLATE = Template.model_validate(
    {
        "target": "province",
        "title": {"zh": "省", "en": "province"},
        "confidence": "test",
        "address": "upper_url",
        "batch": 4,
        "retries": 2,
        "rate_per_s": 1000,
        "datasets": {DATASET: {"path": "/values", "fields": "all"}},
    }
)


def month_of(chance: random.Random, period: str) -> list[Row]:
    """Some values of a month; a third of all that there could be is missing, a few are empty."""
    numbers = [None, 0.0, 1.0, 0.1 + 0.2, 1e-7, 12345678.9]
    return [
        value(code, unit, chance.choice(numbers), period)
        for code in ("A", "B", "C")
        for unit in ("jincheng", "juji", "road:建设路,“东”段")
        if chance.random() < 0.7
    ]


def rows_of(copy: Path) -> list[Row]:
    with duckdb.connect(str(copy), read_only=True) as con:
        answer = con.execute(f"SELECT * FROM {DATASET} ORDER BY period, code, unit")
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


@pytest.mark.parametrize("seed", range(2))
def test_pull_push_and_ferry_end_with_the_same_rows(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:  # fmt: skip
    chance = random.Random(seed)
    upper, ferry, sailed = Upper(), tmp_path / "ferry.duckdb", 0

    def shaky(number: int, request: Request) -> Answer | None:
        return Answer(status=503) if chance.random() < 0.3 else None

    upper.before = upper.after = shaky
    with vendor(upper) as receiver, served(shelf) as address:
        monkeypatch.setenv("CITYHUB_UPPER_URL", receiver.address)
        secret = key(shelf)
        for _ in range(7):
            period = chance.choice(MONTHS)
            status = chance.choice(["provisional", "final", "correction"])
            newest = shelf.put(period, status, indicator_value=month_of(chance, period))
            if chance.random() < 0.6:
                push(shelf.settings, TEMPLATE, now=True, policy=QUICK)
            if chance.random() < 0.6:
                pull(HttpSource(client(address, secret)), tmp_path / "pull.duckdb")
            if chance.random() < 0.6:
                bundle(shelf.settings, tmp_path / f"{newest}.tar", since=sailed)
                pull(ferried(tmp_path / f"{newest}.tar", ferry, None), ferry)
                sailed = newest
        upper.before = upper.after = lambda number, request: None
        push(shelf.settings, TEMPLATE, now=True, policy=QUICK)
        pull(HttpSource(client(address, secret)), tmp_path / "pull.duckdb")
        if sailed < newest:
            bundle(shelf.settings, tmp_path / "last.tar", since=sailed)
            pull(ferried(tmp_path / "last.tar", ferry, None), ferry)
    expected = shelf.rows(DATASET)
    assert expected
    assert rows_of(tmp_path / "pull.duckdb") == expected
    assert rows_of(ferry) == expected
    assert upper.rows() == expected


def test_a_ferry_after_a_long_time_begins_anew(shelf: Shelf, tmp_path: Path) -> None:
    ferry = tmp_path / "ferry.duckdb"
    shelf.put(indicator_value=[value("A", "juji", 1.0)])
    bundle(shelf.settings, tmp_path / "1.tar")
    assert pull(ferried(tmp_path / "1.tar", ferry, None), ferry)[0].how == "full"
    shelf.put(indicator_value=[value("A", "juji", 2.0)])
    shelf.put(indicator_value=[value("A", "juji", 3.0), value("B", "juji", 3.0)])
    prune(shelf.settings, keep=1)
    bundle(shelf.settings, tmp_path / "2.tar")
    found = pull(ferried(tmp_path / "2.tar", ferry, None), ferry)[0]
    assert (found.how, found.since, found.to) == ("full", 1, 3)
    assert rows_of(ferry) == shelf.rows(DATASET)
