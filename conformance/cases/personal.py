"""No value of a person is stored as it was sent."""

from __future__ import annotations

import re
import secrets as random
from typing import Any

from cityhub.spec.fields import FieldSpec
from conformance import scan
from conformance.records import Record, put, value
from conformance.result import NotApplicable, must
from conformance.trial import Bench, Trial


def run(bench: Bench) -> str:
    """Values that cannot occur by chance in every personal field, in good rows and in one that is refused; then
    landing, lake, quarantine and logs are searched."""
    fields = {name: field for name, field in bench.spec.fields.items() if field.personal != "no"}
    if not fields:
        raise NotApplicable("the spec marks no field as personal")
    rows, planted = bench.rows, dict[str, str]()
    for name, field in fields.items():
        for place in (0, -1):
            planted[f"{name} of row {place % len(rows) + 1}"] = new = _planted(value(rows[place], field.source), field)
            rows[place] = put(rows[place], field.source, new)
    rows[-1] = _spoilt(bench, rows[-1])
    with bench.trial() as trial:
        result = trial.brings(rows)
        must(result.quarantined >= 1, "a row that was made bad was not refused")
        found = scan.found_in(planted, _written(trial))
    must(not found, f"the value of {'; '.join(found[:5])}")
    return f"{', '.join(fields)}: found nowhere in landing, lake, quarantine and logs"


def _written(trial: Trial) -> list[tuple[str, bytes]]:
    hub = trial.bench.hub
    home = hub.settings.home
    texts = [("a log line", "\n".join(hub.logs).encode()), *scan.tables(hub)]
    # The spool holds what devices sent until it lands; the stand is the source itself.
    texts += scan.files(home, [*scan.not_written(hub), hub.settings.spool])
    return texts


def _planted(raw: Any, field: FieldSpec) -> str:
    """A value of the field's form where the pattern asks for one, else like a mobile number."""
    drawn = "".join(random.choice("0123456789") for _ in range(40))
    if field.pattern is None:
        return f"139{drawn[:8]}"
    digits = iter(drawn)
    shaped = re.sub(r"[0-9]", lambda _: next(digits), str(raw))
    return shaped if re.fullmatch(field.pattern, shaped) else str(raw)


def _spoilt(bench: Bench, row: Record) -> Record:
    """The row with a value that no row may have, in a field that is not personal."""
    spec = bench.spec
    typed = {"timestamp", "date", "integer", "double", "decimal"}
    for name, field in spec.fields.items():
        hard = name in spec.identity.key or name == spec.identity.day_from or field.if_bad == "quarantine"
        if field.personal == "no" and field.type in typed and hard:
            return put(row, field.source, "不详")
    for field in spec.fields.values():
        if field.personal == "no" and field.required:
            return put(row, field.source, None)
    raise NotApplicable("no field but personal ones can be wrong, so that no row with them is refused")
