"""Writing a publication's files: Parquet and CSV of each dataset, the schemes in force, `views.duckdb`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb

from cityhub.files import sync
from indicators import definitions as catalogue
from scoring.publication import dictionary
from scoring.publication.manifest import NAME, File, Manifest, sha256
from scoring.scheme import FOLDER
from warehouse.names import identifier, literal

VIEWS = "views.duckdb"
DEFINITIONS = "definitions.json"
README = """杞县城市综合管理服务平台 · 发布 {number:06d} · {period} · {status}
{facts}

*.parquet / *.csv  每个数据集各一份，内容相同；CSV 为 UTF-8。 The same rows twice; CSV is UTF-8 with a header.
datapackage.json   数据字典：每列的含义、单位、空值和用法提示。 What every column means, its unit, its empty cells.
schemes/           本次计分所用办法。 The schemes in force, as files.
definitions.json   本次所用指标定义及其 SQL。 The indicators' definitions in force, with their SQL.
views.duckdb       对上述 Parquet 的视图，以只读方式打开；文件夹移动后直接读 Parquet。
                   Views over exactly these files, by full path; open it read-only. Where the folder was
                   moved, read the Parquet files (docs/scoring.md tells how to make the views again).
manifest.json      文件清单与 sha256；用 cityhub publish verify {number} 核对。
成绩可由 input_* 与 schemes/ 重新算出。 The scores can be computed again from input_* and schemes/.
"""
STATUSES = {"provisional": "暂定", "final": "定稿", "corrected": "更正"}


def facts(made: Manifest) -> str:
    """Status, who answers for it, why, and what it takes the place of, in one Chinese line."""
    said = [STATUSES.get(made.status, made.status)]
    said += [f"批准人 {made.approved_by}"] if made.approved_by else []
    said += [f"更正人 {made.corrected_by}"] if made.corrected_by else []
    said += [f"理由 {made.reason}", f"数据截至 {made.service_day}"]
    said += [f"取代发布号 {made.supersedes:06d}"] if made.supersedes else []
    return "，".join(said)


def readme(made: Manifest) -> str:
    """The text of README.txt."""
    return README.format(number=made.number, period=made.period, status=made.status, facts=facts(made))


def tables(con: duckdb.DuckDBPyConnection, folder: Path, content: dict[str, str]) -> dict[str, int]:
    """Write every dataset as Parquet and as CSV, and what they mean as `datapackage.json`; dataset → rows."""
    rows: dict[str, int] = {}
    for name, select in content.items():
        parquet = folder / f"{name}.parquet"
        con.execute(f"COPY ({select}) TO {literal(str(parquet))} (FORMAT parquet, COMPRESSION zstd)")
        con.execute(
            f"COPY (FROM read_parquet({literal(str(parquet))})) TO {literal(str(folder / f'{name}.csv'))} "
            "(FORMAT csv, HEADER)"
        )
        counted = con.execute(f"SELECT count(*) FROM read_parquet({literal(str(parquet))})").fetchone()
        rows[name] = int(counted[0]) if counted else 0
    dictionary.write(con, folder)
    return rows


def schemes(folder: Path, names: list[str]) -> None:
    """Copies of the scheme files, so that the publication stands alone."""
    (folder / "schemes").mkdir()
    for name in names:
        shutil.copyfile(FOLDER / f"{name}.yaml", folder / "schemes" / f"{name}.yaml")


def definitions(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """`definitions.json`: code → the definition and its derived tables as data, where the one that the values were
    computed by is still the present one. Without it, nobody could run the SQL of then again."""
    known = dict(con.execute("SELECT code, definition_sha256 FROM indicator").fetchall())
    found = {
        code: definition.text()
        for code, definition in (catalogue.read_all() if known else {}).items()
        if known.get(code) == definition.sha256
    }
    text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / DEFINITIONS).write_text(text, encoding="utf-8")


def views(folder: Path, target: Path | None = None) -> Path:
    """Make `views.duckdb` with one view per Parquet file, by full path; in the folder, or at `target`.

    DuckDB binds a view when it is made, so the files must already lie where the views look for them. The
    storage version is an old one that every DuckDB since 1.4 opens.
    """
    path = target or folder / VIEWS
    path.unlink(missing_ok=True)
    con = duckdb.connect()
    try:
        con.execute(f"ATTACH {literal(str(path))} AS published (STORAGE_VERSION 'v1.4.0')")
        for parquet in sorted(folder.glob("*.parquet")):
            con.execute(
                f"CREATE VIEW published.{identifier(parquet.stem)} AS "
                f"SELECT * FROM read_parquet({literal(str(parquet))})"
            )
        con.execute("DETACH published")
    finally:
        con.close()
    return path


def files(folder: Path, rows: dict[str, int]) -> tuple[File, ...]:
    """Every file of the folder but the manifest, with size and sha256, synced and made read-only."""
    found: list[File] = []
    for path in sorted(item for item in folder.rglob("*") if item.is_file() and item.name != NAME):
        sync(path)
        path.chmod(0o444)
        name = path.relative_to(folder).as_posix()
        table = path.stem if path.suffix in {".parquet", ".csv"} else ""
        found.append(File(name, path.stat().st_size, sha256(path), rows.get(table)))
    for inner in [item for item in folder.rglob("*") if item.is_dir()]:
        sync(inner)
    sync(folder)
    return tuple(found)
