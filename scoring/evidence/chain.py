"""The chain from a unit's score to its indicators, as data, from nothing but a publication's files."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from indicators import definitions as catalogue
from scoring.numbers import text
from scoring.publication.export import DEFINITIONS
from scoring.publication.manifest import NAME, Manifest, read
from scoring.tables import INPUTS, Row, rows
from warehouse.names import literal
from warehouse.query import jsonable

Tree = dict[str, Any]
# What a score comes out of, and what stands beside it; byte for byte as published.
DATASETS = ("ranking", "score", "consequence", "indicator", "indicator_value", "delivery", "unit", "switches", *INPUTS)
NUMBERS = ("numerator", "denominator", "value", "n_expected", "n_valid", "coverage", "state", "reason", "quarantined")


@dataclass(frozen=True)
class Needed:
    """An indicator behind a component. `of`: whose value it is, the unit or the county; `kind`: what `of` is.
    `text`: the definition as data, None where the one of then is not kept. `days`, `month`: published values."""

    code: str
    of: str
    kind: str
    component: str
    definition_sha256: str | None
    text: tuple[Tree, ...] | None
    month: Row | None
    days: tuple[Row, ...]


@dataclass(frozen=True)
class Chain:
    """One unit's month as published."""

    manifest: Manifest
    unit: str
    name: str
    ranking: Row
    parts: tuple[Row, ...]
    needed: tuple[Needed, ...]


def files(folder: Path) -> list[str]:
    """The files of a publication that a pack holds."""
    known = {file.path for file in read(folder).files}
    wanted = [f"{name}.parquet" for name in DATASETS] + [DEFINITIONS]
    return [
        NAME,
        *(name for name in sorted([*wanted, *(n for n in known if n.startswith("schemes/"))]) if name in known),
    ]


def of(folder: Path, unit: str, present: dict[str, catalogue.Definition] | None = None) -> Chain | None:
    """The chain of a unit, by code or Chinese name; None when it is not ranked. `present`: definitions of now, for
    publications that do not hold their own."""
    manifest = read(folder)
    with closing(duckdb.connect()) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")

        def dataset(name: str, where: str = "true") -> list[Row]:
            source = literal(str(folder / f"{name}.parquet"))
            return list(rows(con, f"SELECT * FROM read_parquet({source}) WHERE {where} ORDER BY ALL"))

        mine = f"scheme = {literal(manifest.scheme)} AND period = {literal(manifest.period)}"
        ranked = dataset("ranking", mine)
        row = next((row for row in ranked if unit in {row["unit_code"], row["unit_name"]}), None)
        if row is None:
            return None
        code = literal(row["unit_code"])
        parts = dataset("score", f"{mine} AND unit_code = {code}")
        kinds = {item["unit_code"]: item["kind"] for item in dataset("unit")}
        wanted = [_indicator(part) for part in parts]
        listed = ", ".join(literal(item[0]) for item in wanted if item) or "NULL"
        values = dataset("indicator_value", f"code IN ({listed})")
    definitions = _definitions(folder, present or {})
    needed = []
    for part, found in zip(parts, wanted, strict=True):
        if found is None:
            continue
        own = [value for value in values if (value["code"], value["unit_code"]) == found]
        month = next((value for value in own if value["period_kind"] == "month"), None)
        sha256 = month["definition_sha256"] if month else None
        text_of = definitions.get(found[0])
        kept = text_of is not None and catalogue.sha256_of(text_of) == sha256
        needed.append(
            Needed(
                found[0],
                found[1],
                kinds.get(found[1], "county"),
                part["component"],
                sha256,
                tuple(text_of) if text_of is not None and kept else None,
                month,
                tuple(value for value in own if value["period_kind"] == "day"),
            )
        )
    return Chain(manifest, row["unit_code"], row["unit_name"], row, tuple(parts), tuple(needed))


def units(folder: Path) -> dict[str, str]:
    """Code → name of the ranked units."""
    with closing(duckdb.connect()) as con:
        source = literal(str(folder / "ranking.parquet"))
        return dict(con.execute(f"SELECT unit_code, unit_name FROM read_parquet({source}) ORDER BY 1").fetchall())


def as_text(content: Any) -> str:
    """Data as it stands in the pack."""
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _indicator(part: Row) -> tuple[str, str] | None:
    """Code and unit of the indicator behind a line of the policy."""
    words = str(part["source"] or "").split(" ")
    return (words[1], words[2]) if words[0] == "indicator_value" and len(words) == 3 else None


def _definitions(folder: Path, present: dict[str, catalogue.Definition]) -> dict[str, list[Tree]]:
    path = folder / DEFINITIONS
    if path.is_file():
        found: dict[str, list[Tree]] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return {code: definition.text() for code, definition in present.items()}


def score_tree(chain: Chain) -> Tree:
    """The score, its rank and every component with its trace."""
    row, made = chain.ranking, chain.manifest
    return {
        "unit": chain.unit, "name": chain.name, "league": row["league"], "month": made.period,
        "publication": made.number, "status": made.status, "approved_by": made.approved_by,
        "corrected_by": made.corrected_by, "reason_of_publication": made.reason, "scheme": made.scheme,
        "scheme_version": made.scheme_version, "switches": made.switches, "service_day": made.service_day,
        "score": text(row["score"]), "rank": row["rank"], "grade": row["grade"], "state": row["state"],
        "reason": row["reason"], "trace": json.loads(row["trace"]),
        "components": [
            {
                "component": part["component"],
                **{name: _plain(part[name]) for name in ("weight", "value", "points", "state", "source")},
                "trace": json.loads(part["trace"]),
            }
            for part in chain.parts
        ],
    }  # fmt: skip


def indicator_trees(chain: Chain) -> list[Tree]:
    """Each indicator behind the score: definition, the month's numbers, and those of its days."""
    return [
        {
            "code": item.code, "of": item.of, "component": item.component, "definition_sha256": item.definition_sha256,
            "definition": None if item.text is None else item.text[0],
            "derived_tables": [] if item.text is None else list(item.text[1:]),
            "month": None if item.month is None else _numbers(item.month),
            "days": [{"day": day["period"], **_numbers(day)} for day in item.days],
        }
        for item in chain.needed
    ]  # fmt: skip


def _numbers(value: Row) -> Tree:
    return {name: jsonable(value[name]) for name in NUMBERS}


def _plain(value: Any) -> Any:
    return text(value) if isinstance(value, Decimal) else value
