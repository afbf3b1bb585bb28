"""A column that is new, missing, renamed or of another type does what the spec's contract says."""

from __future__ import annotations

from collections.abc import Callable

from cityhub.errors import HubError
from cityhub.spec.contract import Reaction
from cityhub.spec.fields import FieldSpec
from cityhub.spec.source import WorkbookSource
from conformance.records import Record, has, put, value, without
from conformance.result import NotApplicable, must
from conformance.stand import PAGE_ROWS
from conformance.trial import Bench, Trial
from warehouse.drift import FEW

NEW = "new_column"


def added(bench: Bench) -> str:
    """Every row has a column that the spec does not know."""
    _changeable(bench)
    rows = [{**row, NEW: f"n{number}"} for number, row in enumerate(bench.rows)]
    with bench.trial() as trial:
        return _follows(trial, rows, bench.spec.contract.new, NEW)


def missing(bench: Bench) -> str:
    """No row has a column that may be empty."""
    _changeable(bench)
    name, field = _column(bench, lambda field: not field.required)
    rows = [without(row, field.source) for row in bench.rows]
    with bench.trial() as trial:
        said = _follows(trial, rows, bench.spec.contract.missing, field.source)
        if bench.spec.contract.missing == "accept":
            must(trial.count(f'"{name}" IS NOT NULL') == 0, f"{name} has values that nobody sent")
    return said


def required(bench: Bench) -> str:
    """No row has a column without which a row is none: the feed stops, or its rows wait; what is stored stays."""
    _changeable(bench)
    name = bench.spec.identity.key[0]
    source = bench.spec.fields[name].source
    rows = bench.rows[: PAGE_ROWS - 1]  # one page: without their key rows may be the same, and so pages
    with bench.trial() as trial:
        trial.brings(bench.rows)
        before = trial.table()
        trial.offer([without(row, source) for row in rows])
        error = trial.refuses()
        must(trial.table() == before, f"without the column {source}, stored rows changed")
        if error is None:
            must(trial.quarantined() == len(rows), f"without {source}, {trial.quarantined()} rows were refused")
            must(bench.spec.contract.missing == "quarantine", f"a delivery without the column {source} was taken")
    return f"{source}: " + (f"stopped with {error.code}" if error else "all rows wait in quarantine")


def renamed(bench: Bench) -> str:
    """A column that may be empty is called otherwise in every row."""
    _changeable(bench)
    name, field = _column(bench, lambda field: not field.required)
    new = f"{field.source}_new"
    rows = [{**without(row, field.source), new: value(row, field.source)} for row in bench.rows]
    reaction = bench.spec.contract.renamed
    with bench.trial() as trial:
        said = _follows(trial, rows, reaction or bench.spec.contract.missing, field.source)
        if reaction == "accept":
            must(trial.count(f'"{name}" IS NOT NULL') > 0, f"{name} was not read from {new}")
    return f"as {new}: {said}"


def retyped(bench: Bench) -> str:
    """A column of numbers or times holds words in every row."""
    _changeable(bench)
    typed = {"integer", "double", "decimal", "timestamp", "date"}
    name, field = _column(bench, lambda field: field.type in typed and not field.codes)
    rows: list[Record] = [put(row, field.source, f"约{number}") for number, row in enumerate(bench.rows)]
    soft = field.if_bad == "null" and not field.required
    reaction: Reaction = bench.spec.contract.retyped or ("accept" if soft else "quarantine")
    if len(rows) < FEW and bench.spec.contract.retyped not in {None, "accept" if soft else "quarantine"}:
        raise NotApplicable(f"the sample has fewer than {FEW} records: too few to say that a type has changed")
    if reaction == "accept" and field.required:
        reaction = "quarantine"  # a row cannot be without it
    with bench.trial() as trial:
        said = _follows(trial, rows, reaction, None)
        if reaction == "accept":
            must(trial.count(f'"{name}" IS NOT NULL') == 0, f"words in {field.source} were loaded as {name}")
    return f"{field.source}: {said}"


def _follows(trial: Trial, rows: list[Record], reaction: Reaction, told: str | None) -> str:
    """Bring the rows and see that the reaction is the declared one, and that the change is told by its name."""
    trial.offer(rows)
    error = trial.refuses()
    stored, refused = trial.count(), trial.quarantined()
    seen = f"{stored} of {len(rows)} rows were loaded, {refused} refused" + (f", {error.code}" if error else "")
    if reaction == "stop":
        must(error is not None and stored == 0, f"the contract says stop; {seen}")
        return f"stopped with {_code(error)}"
    must(error is None, f"the contract says {reaction}; the feed stopped: {error}")
    if reaction == "quarantine":
        must((stored, refused) == (0, len(rows)), f"the contract says quarantine; {seen}")
    else:
        must((stored, refused) == (len(rows), 0), f"the contract says accept; {seen}")
    must(told is None or told in trial.noted(), f"nothing is told of {told}; findings: {trial.noted() or 'none'}")
    return f"{reaction}: {seen}"


def _code(error: HubError | None) -> str:
    return error.code if error else "nothing"


def _changeable(bench: Bench) -> None:
    if bench.spec.source.kind in {"hj212", "jt808", "jt809"}:
        raise NotApplicable("the protocol fixes the columns")
    if isinstance(bench.spec.source, WorkbookSource) and bench.spec.source.melt is not None:
        raise NotApplicable("the columns of a melted sheet are its items: a new one is a value that no code knows")


def _column(bench: Bench, fits: Callable[[FieldSpec], bool]) -> tuple[str, FieldSpec]:
    """A column that the sample has and on which neither key, day, place, unit nor version depends."""
    spec, identity = bench.spec, bench.spec.identity
    fixed = {*identity.key, identity.day_from, identity.version, spec.unit.field, *identity.tombstone}
    if spec.location:
        fixed |= {spec.location.lon, spec.location.lat}
    sources = [field.source for field in spec.fields.values()]
    asked = {getattr(spec.source, "day_column", None), getattr(spec.source, "cursor", None)}
    found = [
        (name, field)
        for name, field in spec.fields.items()
        if name not in fixed and field.personal == "no" and fits(field) and sources.count(field.source) == 1
        and field.source not in asked and any(has(row, field.source) for row in bench.rows)
    ]  # fmt: skip
    if not found:
        raise NotApplicable("the feed has no such column: all are key, time, place, unit or personal")
    return min(found, key=lambda item: (item[1].if_bad == "null", item[1].required))
