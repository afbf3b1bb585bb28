"""Traces of consumers go when they are as old as the file says: never today's, and never more than that."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.errors import Usage
from cityhub.settings import Settings
from cli.main import app
from extracts.traces import Removed, remove
from flow.observe import nights
from serving.access.audit import Audit
from serving.receipts import Receipt, identity, keep
from tests.extracts.months import settings_in

TODAY = "2026-11-20"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation on the twentieth of November 2026."""
    monkeypatch.setenv("CITYHUB_NOW", f"{TODAY}T10:00:00+08:00")
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITYHUB_EXTRACTS", str(tmp_path / "extracts.yaml"))
    (tmp_path / "extracts.yaml").write_text("{}")
    return settings_in(tmp_path / "home")


def says(settings: Settings, **content: Any) -> None:
    (settings.home.parent / "extracts.yaml").write_text(json.dumps(content))


def accessed(settings: Settings, patch: pytest.MonkeyPatch, *months: str) -> None:
    """The service answered something in the middle of these months."""
    for month in months:
        patch.setenv("CITYHUB_NOW", f"{month}-15T10:00:00+08:00")
        log = Audit(settings.home / "audit")
        log.write(status=200)
        log.close()
    patch.setenv("CITYHUB_NOW", f"{TODAY}T10:00:00+08:00")


def took(settings: Settings, *days: str) -> None:
    """A consumer sent a receipt on each of these days."""
    for number, day in enumerate(days, 1):
        at = f"{day}T23:59:59+08:00"
        receipt = Receipt(identity("key", {"day": day}), at, "key", "省", "ranking", number, "0" * 64, 1, 0, True)
        keep(settings.home / "receipts", receipt)


def months(settings: Settings) -> list[str]:
    return sorted(path.name.split(".")[0] for path in (settings.home / "audit").glob("*"))


def days(settings: Settings) -> list[str]:
    found = (json.loads(path.read_text()) for path in (settings.home / "receipts").glob("*/*.json"))
    return sorted(item["at"][:10] for item in found)


def test_as_shipped_a_month_goes_400_days_after_its_end_and_receipts_stay(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    took(settings, "2020-01-01")
    accessed(settings, monkeypatch, "2025-08", "2025-09", "2025-10", "2025-12", "2026-11")
    last = date(2025, 9, 30) + timedelta(days=400)  # so long the last day of September is kept
    for day in (last, last + timedelta(days=1)):
        monkeypatch.setenv("CITYHUB_NOW", f"{day}T00:00:00+08:00")
        before = months(settings)
        done = remove(settings)
        assert before[0] == ("2025-08" if day == last else "2025-09")
        assert done.access_log == (f"{before[0]}.ndjson",)
    assert months(settings) == ["2025-10", "2025-12", "2026-11"]
    assert days(settings) == ["2020-01-01"]


def test_receipts_go_by_the_day_on_which_they_came(settings: Settings) -> None:
    took(settings, "2026-11-09", "2026-11-10", "2026-11-20")
    says(settings, receipt_days=10)
    done = remove(settings)
    assert (done.receipts, done.receipts_before) == (1, date(2026, 11, 10))
    assert done.bytes > 0
    assert days(settings) == ["2026-11-10", "2026-11-20"]
    assert sorted(path.name for path in (settings.home / "receipts").iterdir()) == ["000002", "000003"]


def test_nothing_of_today_goes_whatever_the_file_says(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    took(settings, "2026-11-19", TODAY)
    accessed(settings, monkeypatch, "2026-10", "2026-11")
    says(settings, access_log_days=1, receipt_days=1)
    assert remove(settings).access_log == ("2026-10.ndjson",)
    assert (months(settings), days(settings)) == (["2026-11"], ["2026-11-19", TODAY])
    for never in (0, -1):
        says(settings, access_log_days=never)
        with pytest.raises(Usage, match="CH-EXT-020"):
            remove(settings)
    assert months(settings) == ["2026-11"]


def test_what_is_no_trace_or_cannot_be_read_stays(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    accessed(settings, monkeypatch, "2020-01", "2020-02")
    folder = settings.home / "audit"
    (folder / "2020-02.ndjson").rename(folder / "2020-02.ndjson.gz")  # packed by somebody, and a log all the same
    for name in ("2020-13.ndjson", "notes-2020-01.txt", "2020-01.ndjson.d"):
        (folder / name).write_text("x")
    took(settings, "2020-01-01")
    (path,) = (settings.home / "receipts").glob("*/*.json")
    (path.parent / "broken.json").write_text("{")
    says(settings, access_log_days=30, receipt_days=30)
    assert remove(settings).access_log == ("2020-01.ndjson", "2020-02.ndjson.gz")
    assert sorted(item.name for item in folder.iterdir()) == ["2020-01.ndjson.d", "2020-13.ndjson", "notes-2020-01.txt"]
    assert [item.name for item in path.parent.iterdir()] == ["broken.json"]


def test_a_null_keeps_for_ever_and_a_look_removes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    accessed(settings, monkeypatch, "2020-01")
    says(settings, access_log_days=None)
    assert remove(settings) == Removed((), None, 0, None, 0)
    says(settings)
    done = CliRunner().invoke(app, ["retention", "traces", "--dry", "--json"])
    assert json.loads(done.stdout)["access_log"] == ["2020-01.ndjson"]
    assert months(settings) == ["2020-01"]
    done = CliRunner().invoke(app, ["retention", "traces"])
    assert "access log: before 2025-10-16: 2020-01.ndjson removed" in done.stdout
    assert months(settings) == []


def test_the_night_removes_them_and_says_so_and_a_wrong_file_keeps_it_from_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    accessed(settings, monkeypatch, "2020-01", "2026-11")
    (settings.home.parent / "extracts.yaml").write_text("access_log_days: soon")
    assert "traces" not in nights.end(settings, date(2026, 11, 19))
    assert months(settings) == ["2020-01", "2026-11"]
    says(settings)
    told = nights.end(settings, date(2026, 11, 19))["traces"]
    assert (told["access_log"], told["receipts"]) == (("2020-01.ndjson",), 0)
    assert months(settings) == ["2026-11"]
