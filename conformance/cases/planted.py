"""No secret stands in a log, an error or a file."""

from __future__ import annotations

import json

from cityhub.errors import HubError
from conformance import scan
from conformance.names import secret_names
from conformance.result import NotApplicable, must
from conformance.stand import Fault
from conformance.trial import Bench

NOWHERE = {"database": "postgresql://127.0.0.1:9/exchange", "files": "sftp://127.0.0.1:9/drop"}


def run(bench: Bench) -> str:
    """Distinctive values for all names that the spec uses; a good run, then a login that is refused with an answer that
    repeats what we sent; then everything written and logged is searched."""
    names = secret_names(bench.spec)
    hub = bench.hub
    errors: list[HubError | None] = []
    with bench.trial() as trial:
        trial.brings(bench.rows + bench.bad_rows())
        if "login" in trial.stand.faults:
            trial.offer(bench.rows, Fault("login"))
            errors.append(trial.refuses())
            must(not names or errors[0] is not None, "a login that was refused went unnoticed")
    if names and bench.spec.source.kind in NOWHERE:
        declared = {name: getattr(bench.spec.source, name, None) for name in ("user", "password", "host_key")}
        source = {"address": NOWHERE[bench.spec.source.kind], **{k: v for k, v in declared.items() if v}}
        with bench.trial(source=source) as trial:
            errors.append(trial.refuses())
            must(errors[-1] is not None, "a source that is not there went unnoticed")
    told = [(error.text() + json.dumps(error.as_dict(), ensure_ascii=False)).encode() for error in errors if error]
    texts = [("a log line", "\n".join(hub.logs).encode()), *(("an error", text) for text in told)]
    texts += scan.tables(hub)
    texts += scan.files(hub.settings.home, scan.not_written(hub))
    found = scan.found_in(hub.planted, texts)
    must(not found, f"the secret {'; '.join(found[:5])}")
    if not names:
        raise NotApplicable("the spec names no secret (the hub's own key of personal values was found nowhere)")
    failing = f", after {', '.join(error.code for error in errors if error)}" if errors else ""
    return f"{', '.join(names)}: found nowhere in {len(texts)} places{failing}"
