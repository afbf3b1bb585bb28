"""What a publication holds: one SELECT a dataset over one snapshot of the lake, and their identity."""

from __future__ import annotations

import hashlib
import json

import duckdb

from scoring import tables
from scoring.scheme import Scheme
from warehouse.names import literal

RESULTS = ("indicator_value", "indicator", "score", "ranking", "consequence", "delivery", "unit")

# Not part of what a publication *is*: a moment of writing, its own number, the ledger's clock.
_APART = {"as_of", "publication"}
_LEDGER = "delivery"


def selects(con: duckdb.DuckDBPyConnection, scheme: Scheme, number: int, switches: dict[str, str]) -> dict[str, str]:
    """dataset → SELECT over the month that was set. `number` stands in the published ranking."""
    con.execute(f"SET VARIABLE publication = {int(number)}")
    found = {name: tables.statement(name) for name in RESULTS} | tables.queries(con)
    found["switches"] = _switches(scheme, switches)
    return found


def in_force(con: duckdb.DuckDBPyConnection, scheme: str) -> tuple[dict[str, str], bool] | None:
    """What the month was scored with: its switches, and whether the month was over; None without a ranking.
    `tables.set_month` was called before."""
    where = f"scheme = {literal(scheme)} AND period = getvariable('month')"
    row = con.execute(f"SELECT trace FROM ranking WHERE {where} LIMIT 1").fetchone()
    if row is None:
        return None
    trace = json.loads(row[0])
    return trace["switches"], bool(trace["complete"])


def _switches(scheme: Scheme, options: dict[str, str]) -> str:
    """The switches in force as rows."""
    rows = ", ".join(
        "(" + ", ".join(literal(text) for text in values) + ")"
        for switch in scheme.switches
        for option in [options.get(switch.id, switch.default)]
        for values in [
            (switch.id, switch.name, option, switch.options.get(option, ""), switch.question, switch.default)
        ]
    )
    names = "id, name, option, meaning, question, default_option"
    return f"SELECT {', '.join(names.split(', '))} FROM (VALUES {rows}) AS t ({names}) ORDER BY id"


def identity(con: duckdb.DuckDBPyConnection, content: dict[str, str]) -> str:
    """sha256 over the rows of all datasets but the ledger, whatever order and moment they were written in."""
    digest = hashlib.sha256()
    for name in sorted(content):
        if name == _LEDGER:
            continue
        columns = [row[0] for row in con.execute(f"DESCRIBE {content[name]}").fetchall()]
        kept = ", ".join(column for column in columns if column not in _APART)
        row = con.execute(
            "SELECT sha256(coalesce(string_agg(line, chr(10) ORDER BY line), '')) "
            f"FROM (SELECT CAST(row({kept}) AS VARCHAR) AS line FROM ({content[name]}))"
        ).fetchone()
        digest.update(f"{name} {kept} {row[0] if row else ''}\n".encode())
    return digest.hexdigest()
