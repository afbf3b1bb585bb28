"""The deliveries behind packed rows: what the log says of each load, its landing manifest, spec, checks, and bytes.

Bytes stay where they are for feeds with personal fields and for the manual sheets, which name who filled them in: the
pack holds their sha256. Specs are packed without the names and numbers of people and without examples.
"""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from cityhub.secrets import redact
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from scoring.tables import OPTIONAL
from warehouse import lake, spec_archive
from warehouse.compile import spec_sha256
from warehouse.landing import MANIFEST, Manifest, read_manifest
from warehouse.names import identifiers, literal
from warehouse.personal.key import is_personal
from warehouse.query import jsonable

Tree = dict[str, Any]
BY_HAND = {table for table, _ in OPTIONAL.values()}
LOG = (
    "load_id", "feed", "service_day", "landed", "loaded", "duplicate", "quarantined", "inserted", "updated",
    "unchanged", "late", "flagged", "content_sha256", "spec_sha256", "finished_at",
)  # fmt: skip
CHECKED = (
    "feed", "service_day", "check_id", "check_kind", "column_name", "severity", "success", "errored", "observed",
    "expected", "unexpected_count", "element_count", "detail", "run_at",
)  # fmt: skip


@dataclass
class _Work:
    settings: Settings
    folder: Path
    specs: dict[str, FeedSpec]  # by feed
    room: int  # bytes that landed files may still take
    landed: bool
    seen: dict[tuple[str, str], str] = field(default_factory=dict)  # feed and sha256 of a spec → what became of it


def pack(
    settings: Settings, rows: Path, specs: dict[str, FeedSpec], folder: Path, *, month: str, landed: bool, room: int
) -> list[Tree]:
    """Write `deliveries/`, `specs/` and `checks.json`; what became of the bytes of each delivery. `landed` False: no
    bytes; `room`: at most so many."""
    by_table = {spec.table: spec for spec in specs.values()}
    loads = _loads(rows)
    feeds = sorted({by_table[table].feed for table in loads if table in by_table})
    work = _Work(settings, folder, specs, room, landed)
    with closing(lake.connect(settings, read_only=True)) as con:
        ids = sorted({load for found in loads.values() for load in found})
        log = _asked(con, "load_log", LOG, f"load_id IN ({_listed(ids)})", "feed, service_day, load_id, finished_at")
        checked = _asked(
            con, "quality_result", CHECKED,
            f"feed IN ({_listed(feeds)}) AND strftime(service_day, '%Y-%m') = {literal(month)}", "ALL",
        )  # fmt: skip
    _json(folder / "checks.json", {"results": checked, "checks": {f: _checks(specs[f]) for f in feeds}})
    by_load: dict[tuple[str, str, str], list[Tree]] = {}
    for line in log:
        by_load.setdefault((line["feed"], line["service_day"], line["load_id"]), []).append(line)
    told = [_delivery(work, *key, lines) for key, lines in sorted(by_load.items())]
    logged = {key[2] for key in by_load}
    return told + [{"load_id": load, "bytes": "the log knows no such load"} for load in ids if load not in logged]


def _loads(rows: Path) -> dict[str, set[str]]:
    """Table → load ids of its packed rows."""
    found: dict[str, set[str]] = {}
    with closing(duckdb.connect()) as con:
        for path in sorted(rows.glob("*.parquet")):
            source = f"read_parquet({literal(str(path))})"
            names = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
            if "_load_id" in names:
                ids = con.execute(f"SELECT DISTINCT _load_id FROM {source} WHERE _load_id IS NOT NULL").fetchall()
                found[path.stem] = {row[0] for row in ids}
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(literal(name) for name in names) or "NULL"


def _asked(con: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], where: str, order: str) -> list[Tree]:
    found = con.execute(f"SELECT {identifiers(columns)} FROM {table} WHERE {where} ORDER BY {order}").fetchall()
    return [dict(zip(columns, (jsonable(value) for value in row), strict=True)) for row in found]


def _checks(spec: FeedSpec) -> list[Tree]:
    return [check.model_dump(mode="json") for check in spec.checks]


def _delivery(work: _Work, feed: str, day: str, load_id: str, lines: list[Tree]) -> Tree:
    target = work.folder / "deliveries" / feed / day / load_id
    source = work.settings.landing / feed / day / load_id
    specs = [_spec(work, feed, str(line["spec_sha256"])) for line in lines]
    told: Tree = {"feed": feed, "service_day": day, "load_id": load_id, "specs": specs}
    if not (source / MANIFEST).is_file():
        told["bytes"] = "gone: retention took them"
    else:
        manifest = read_manifest(source)
        target.mkdir(parents=True)
        told["manifest"] = _manifest(source / MANIFEST, target / MANIFEST)
        told["bytes"] = _bytes(work, feed, manifest, target)
    _json(target / "load.json", {"log": lines, **told})
    return told


def _manifest(source: Path, target: Path) -> str:
    """Copy a landing manifest; where a request or an envelope repeats a secret, that is replaced and said."""
    text = source.read_text(encoding="utf-8", errors="surrogateescape")
    content = json.loads(text)
    for part in content["parts"]:
        for name in ("request", "head", "tail"):
            part[name] = redact(part[name])
    changed = content != json.loads(text)
    if changed:
        text = json.dumps(content, ensure_ascii=False, indent=1)
    target.write_text(text, encoding="utf-8", errors="surrogateescape")
    return "redacted" if changed else "as landed"


def _bytes(work: _Work, feed: str, manifest: Manifest, target: Path) -> str:
    spec = work.specs.get(feed)
    if spec is None or is_personal(spec) or manifest.protected or manifest.withheld:
        return "withheld: the feed has personal fields"
    if spec.table in BY_HAND:
        return "withheld: a sheet that names who filled it in"
    if not work.landed:
        return "left out: not asked for"
    paths = [manifest.path(part) for part in manifest.parts]
    if not all(path.is_file() for path in paths):
        return "gone: landing has lost them"
    size = sum(path.stat().st_size for path in paths)
    if size > work.room:
        return f"left out: {size} bytes, over the limit"
    work.room -= size
    for path in paths:
        shutil.copyfile(path, target / path.name)
    return "packed"


def _spec(work: _Work, feed: str, sha256: str) -> Tree:
    """The spec of a load, written once; `text` tells whether it is here, and whether it has that identity still."""
    if (feed, sha256) not in work.seen:
        work.seen[feed, sha256] = "not kept"
        spec = work.specs.get(feed)
        if spec is None or spec_sha256(spec) != sha256:
            spec = spec_archive.recall(work.settings, feed, sha256)
        if spec is not None:
            content = public(spec)
            _json(work.folder / "specs" / feed / f"{sha256}.json", content)
            same = spec_sha256(FeedSpec.model_validate(content)) == sha256
            work.seen[feed, sha256] = "packed" if same else "packed, of another identity"
    return {"sha256": sha256, "text": work.seen[feed, sha256]}


def public(spec: FeedSpec) -> Tree:
    """A spec without the people who answer for it, without examples, and with every secret that an address may hold
    replaced. Its `spec_sha256` stays the same unless there was such a secret."""
    content = spec.model_dump(mode="json", by_alias=True)
    content["owner"] |= {"person": "", "phone": ""}
    content["examples"] = []
    found: Tree = _redacted(content)
    return found


def _redacted(value: Any) -> Any:
    """Data with `redact` applied to each of its texts."""
    if isinstance(value, dict):
        return {name: _redacted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    return redact(value) if isinstance(value, str) else value


def _json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
