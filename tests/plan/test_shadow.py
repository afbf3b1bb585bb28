"""A shadow of the warehouse: sees the same rows, takes any work, and the real lake keeps every byte."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cityhub.errors import Stop
from cityhub.settings import Settings
from tests.load.kit import DAY, NOW, Hub, feed, settings_in
from tests.servers.postgres import binaries, postgres
from warehouse import shadow as shadows
from warehouse.landing import deliveries
from warehouse.maintain import maintain
from warehouse.shadow import shadow

SPEC = feed(
    {
        "n": {"from": "n", "type": "integer"},
        "t": {"from": "t"},
        "d": {"from": "d", "type": "decimal"},
        "b": {"from": "b", "type": "boolean"},
        "x": {"from": "x", "type": "double"},
    }
)
ASKED = ("mk_trial", "delivery", "load_log", "quarantine")


def rows(number: int, text: str) -> list[dict[str, object]]:
    return [{"id": str(i), "n": i, "t": f"{text}中", "d": "1.5", "b": i % 2 == 0, "x": i / 7} for i in range(number)]


def fill(settings: Settings) -> Hub:
    """A lake with rows in the catalog, rows in files, deleted rows and a refused one."""
    hub = Hub(settings)
    hub.prepare(SPEC)
    hub.load(SPEC, rows(5, "a"))
    hub.load(SPEC, [*rows(400, "b"), {"id": "bad", "n": "no number"}])
    return hub


def content(hub: Hub) -> list[object]:
    return [hub.rows(f"FROM {table} ORDER BY ALL") for table in ASKED]


def files(home: Path) -> dict[str, str]:
    """Every file of the lake and the landing with its sha256; the catalog by its rows is asked elsewhere."""
    found = [path for part in ("lake/data", "landing") for path in (home / part).rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def work_hard(settings: Settings) -> None:
    """Insert, change, delete, merge and let go, in a shadow."""
    hub = Hub(settings)
    hub.load(SPEC, rows(600, "c"))
    hub.con.execute("DELETE FROM mk_trial WHERE n < 300")
    hub.con.execute("DROP TABLE load_log")
    hub.con.execute("CALL ducklake_expire_snapshots('lake', older_than => now() + INTERVAL 1 DAY)")
    hub.con.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
    hub.con.execute("CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)")
    hub.con.close()
    maintain(settings, flush=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    return tmp_path / "hub"


def test_a_shadow_sees_the_same_rows_and_leaves_the_real_lake_byte_for_byte(home: Path) -> None:
    hub = fill(settings_in(home))
    before, there = content(hub), files(home)
    snapshots = hub.one("SELECT count(*) FROM ducklake_snapshots('lake')")
    with shadow(hub.settings) as made:
        mine = Hub(made.settings)
        assert content(mine) == before
        mine.con.close()
        work_hard(made.settings)
        assert not list(home.rglob("*.new"))
    assert files(home) == there
    assert content(hub) == before
    assert hub.one("SELECT count(*) FROM ducklake_snapshots('lake')") == snapshots
    assert list((home / "shadows").iterdir()) == []
    hub.con.close()


def test_data_on_another_file_system_is_linked_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = fill(settings_in(home))
    before, there = content(hub), files(home)

    def other_file_system(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_file_system)
    with shadow(hub.settings) as made:
        assert any(path.is_symlink() for path in Path(made.settings.data).rglob("*.parquet"))
        work_hard(made.settings)
    assert (files(home), content(hub)) == (there, before)
    hub.con.close()


def test_files_in_object_storage_are_read_in_place_and_upkeep_is_refused(home: Path) -> None:
    # `file://` is to DuckDB what `s3://` is: an address instead of a folder.
    settings = replace(settings_in(home), data=f"file://{home}/lake/data")
    (home / "lake" / "data").mkdir(parents=True)
    hub = fill(settings)
    before, there = content(hub), files(home)
    with shadow(settings) as made:
        mine = Hub(made.settings)
        assert content(mine) == before
        mine.load(SPEC, rows(600, "c"))
        mine.con.execute("DELETE FROM mk_trial WHERE n < 300")
        mine.con.close()
        assert list(Path(made.settings.data).rglob("*.parquet"))
        with pytest.raises(Stop, match="CH-LAKE-007"):
            maintain(made.settings)
    assert (files(home), content(hub)) == (there, before)
    hub.con.close()


@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")
def test_the_shadow_of_a_catalog_in_postgresql_is_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres() as server:
        monkeypatch.setenv("PGPASSWORD", server.password)
        where = f"postgres:dbname=exchange host={server.host} port={server.port} user={server.user}"
        hub = fill(replace(settings_in(home), catalog=where))
        before, there = content(hub), files(home)
        with shadow(hub.settings) as made:
            mine = Hub(made.settings)
            assert content(mine) == before
            mine.con.close()
            work_hard(made.settings)
        assert (files(home), content(hub)) == (there, before)
        hub.con.close()


def test_landing_is_shown_by_feed_and_day_and_new_deliveries_land_in_the_shadow(home: Path) -> None:
    hub = fill(settings_in(home))
    there = files(home)
    with shadow(hub.settings) as made:
        made.link_landing(SPEC.feed, DAY)
        mine = Hub(made.settings)
        folder = made.settings.landing / SPEC.feed / DAY.isoformat()
        assert [item.load_id for item in deliveries(folder)] == [
            item.load_id for item in deliveries(hub.settings.landing / SPEC.feed / DAY.isoformat())
        ]
        mine.load(SPEC, rows(9, "new"))
        assert len(deliveries(folder)) == 3
        mine.con.close()
    assert files(home) == there
    hub.con.close()


def test_what_a_killed_process_leaves_is_removed_by_the_next_one(home: Path) -> None:
    hub = fill(settings_in(home))
    there = files(home)
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.load.kit import settings_in; from warehouse.shadow import shadow\n"
        f"with shadow(settings_in(Path({str(home)!r}))) as made:\n"
        "    print(made.settings.home, flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ,
    )  # fmt: skip
    assert child.stdout is not None
    left = Path(child.stdout.readline().strip())
    assert left.is_dir()
    assert shadows.clear(hub.settings) == 0, "a shadow at work is left alone"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert left.is_dir()
    with shadow(hub.settings):
        assert not left.exists()
    assert files(home) == there
    hub.con.close()


def test_without_a_warehouse_there_is_nothing_to_branch_from(home: Path) -> None:
    with pytest.raises(Stop, match="CH-LAKE-003"), shadow(settings_in(home)):
        pass
