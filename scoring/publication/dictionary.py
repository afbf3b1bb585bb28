"""The dictionary beside the published files: `datapackage.json`, so that whoever pulls them knows what they mean.

It follows from the files' columns and from words, never from values, moments or numbers, so the same content makes
the same file; the identity of a publication's content does not look at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from ruamel.yaml import YAML

from cityhub.files import write_text
from scoring.publication.beside.model import Detail, details
from warehouse.dictionary import frictionless, hub, words
from warehouse.dictionary.entry import Column, Reference, Table, Text
from warehouse.names import literal

NAME = "datapackage.json"
FILE = Path(__file__).parent / "words.yaml"
TITLE = Text("杞县城市综合管理服务平台发布数据", "Published results of the city management hub")
ABOUT = Text(
    "一次发布的全部数据集；每个数据集同时有内容相同的 Parquet 文件",
    "All datasets of one publication; beside each CSV lies a Parquet file with the same rows",
)
UNSAID = Text("", "")


def write(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write `datapackage.json` into a folder of Parquet and CSV files."""
    found = tables(con, folder)
    among = {table.name for table in found}
    resources = [frictionless.resource(table, among=among, parquet=f"{table.name}.parquet") for table in found]
    content = frictionless.package("cityhub-publication", TITLE, ABOUT, resources)
    write_text(folder / NAME, frictionless.text(content) + "\n")


def tables(con: duckdb.DuckDBPyConnection, folder: Path) -> list[Table]:
    """Each Parquet file of the folder as the dictionary describes it, with the columns that it really has."""
    return [table(path.stem, _columns(con, path)) for path in sorted(folder.glob("*.parquet"))]


def table(name: str, columns: Iterable[tuple[str, str]]) -> Table:
    """One dataset with these columns (name, type); what nobody describes is an empty text."""
    stated, known = _words().get(name, {}), words.read()
    like = hub.tables().get(stated.get("like", ""))
    title = Text(stated.get("zh", ""), stated.get("en", "")) if "zh" in stated else (like.title if like else UNSAID)
    warnings = tuple(Text(*pair) for pair in stated.get("warnings", ()))
    inherited = like if like is not None and like.name == name else None
    return Table(
        name,
        "publication",
        title,
        Text(*stated["grain"]) if "grain" in stated else (like.grain if like else UNSAID),
        tuple(stated.get("key", inherited.key if inherited else ())),
        tuple(_column(known, stated, like, *column) for column in columns),
        (*warnings, *(inherited.warnings if inherited else ())),
        _references(stated, inherited),
    )


def _references(stated: Mapping[str, Any], inherited: Table | None) -> tuple[Reference, ...]:
    own = [Reference(column, *target.split(".")) for column, target in stated.get("refers", {}).items()]
    return (*own, *(inherited.references if inherited else ()))


def _column(known: words.Words, stated: Mapping[str, Any], like: Table | None, name: str, kind: str) -> Column:
    base = {column.name: column for column in like.columns}.get(name) if like else None
    own = stated.get("columns", {}).get(name)
    title = Text(*own) if own else (base.title if base else known.common(name))
    for columns, zh, en in stated.get("empty", ()):
        if name in columns:
            empty: Text | None = Text(zh, en)
            break
    else:
        empty = base.empty if base else known.empty(name)
        if base is None and empty is None and name not in stated.get("key", ()) and own is None:
            empty = Text("没有填写", "Not filled in")
    unit = base.unit if base and base.unit else known.unit(like.name if like else str(stated.get("like", "")), name)
    return Column(name, kind, title, empty, unit if kind.startswith(("DOUBLE", "DECIMAL", "BIGINT", "INT")) else None)


@cache
def _words() -> Mapping[str, Any]:
    found: Mapping[str, Any] = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    return {**found, **{name: _granted(detail) for name, detail in details().items()}}


def _granted(detail: Detail) -> dict[str, Any]:
    """The words of a dataset that single consumers are granted, as words.yaml would have them."""
    columns = {name: [column.zh, column.en] for name, column in detail.columns.items()}
    return {
        "zh": detail.zh,
        "en": detail.en,
        "grain": ["每条记录一行，业务日在本月内", "One row a record whose service day lies in the month"],
        "key": list(detail.key),
        "like": detail.table,
        "columns": {"unit": ["单位编码", "Assessed unit that it belongs to"], **columns},
        "empty": [
            [["unit"], "归属未知", "It is not known which unit it belongs to"],
            [[name for name, column in detail.columns.items() if column.null], "源端没有给出", "The source gave none"],
        ],
        "refers": {"unit": "unit.unit_code"},
    }


def _columns(con: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    rows = con.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall()
    return [(str(row[0]), str(row[1])) for row in rows]
