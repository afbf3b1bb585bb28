"""`cityhub extract push` and `outbox`: to an upper level's own endpoint, and what is on its way there."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cityhub.errors import HubError, Retry, Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, report, table

app = typer.Typer(help="What waits for an upper level, what it refused, what it took.", no_args_is_help=True)

Target = Annotated[str, typer.Argument(metavar="TARGET", help="name of a template in extracts/upper/")]
Dataset = Annotated[str | None, typer.Option("--dataset", help="only this one")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@guarded
def push(
    target: Target,
    dry: Annotated[bool, typer.Option("--dry", help="say what would be sent; nothing is sent or kept")] = False,
    now: Annotated[bool, typer.Option("--now", help="also what waits for its next try")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="compare every row with what was told before")] = False,
    json_output: Json = False,
) -> None:
    """Send what changed since the last push. Exit code 1: rows were refused or have no word upward; 75: some wait."""
    from extracts.push import run
    from extracts.push.template import read

    settings, template = load_settings(), read(target)
    if dry:
        _planned(run.plan(settings, template, whole=whole), json_output)
        return
    done = run.push(settings, template, now=now, whole=whole)
    if json_output:
        as_json(vars(done) | {"problems": {name: error.as_dict() for name, error in done.problems.items()}})
    else:
        out.print(
            f"{target}: {done.records} records in {done.batches} batches taken, {done.refused} refused; "
            f"{done.waiting} wait, {done.unmapped} without a word upward, {done.dead} dead letters",
            markup=False,
        )
        for error in done.problems.values():
            report(error)
    raise typer.Exit(_code(list(done.problems.values()), done.unmapped + done.dead))


def _code(problems: list[HubError], findings: int) -> int:
    if any(isinstance(error, Retry) for error in problems):
        return Retry.exit_code
    return 1 if findings or problems else 0


def _planned(found: Any, json_output: bool) -> None:
    if json_output:
        as_json(vars(found))
    else:
        rows = [(dataset, op, count) for dataset, told in found.counts.items() for op, count in told.items()]
        table("would be sent", ("dataset", "operation", "records"), rows)
        for dataset, sample in found.samples.items():
            out.print(f"first of {dataset}: {sample}", markup=False)
        _reasons(found.unmapped)
    raise typer.Exit(1 if found.unmapped else 0)


def _reasons(found: list[dict[str, Any]]) -> None:
    rows = [
        (item["target"], item["dataset"], item["state"], item["row_count"],
         " ".join(map(str, item["first_key"].values())), item["detail"])
        for item in found
    ]  # fmt: skip
    total = sum(item["row_count"] for item in found)
    table(f"{total} rows that did not arrive", ("target", "dataset", "state", "rows", "first key", "why"), rows)


@app.command("list")
@guarded
def list_(
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="rows and batches at most")] = 50,
    json_output: Json = False,
) -> None:
    """Rows by state, why some did not arrive, and the newest batches with their receipts; --json has the rows too."""
    from extracts.push import letters
    from extracts.push.outbox import Outbox, path_of

    outbox = Outbox(None, copy_of=path_of(load_settings()))
    try:
        counts, batches = letters.counts(outbox, target), letters.batches(outbox, target, limit)
        lost = letters.letters(outbox, target, letters.NOT_SENT, limit)
        why = letters.reasons(outbox, target, letters.NOT_SENT)
    finally:
        outbox.close()
    if json_output:
        as_json({"rows": counts, "reasons": why, "letters": lost, "batches": batches})
        return
    table("rows", ("target", "dataset", "state", "rows"), [tuple(row.values()) for row in counts])
    _reasons(why)
    columns = (
        "number",
        "target",
        "dataset",
        "sequence",
        "row_count",
        "state",
        "attempts",
        "next_at",
        "receipt",
        "error",
    )
    table("batches", columns, [tuple(row[name] for name in columns) for row in batches])


@app.command()
@guarded
def retry(target: Target, dataset: Dataset = None, json_output: Json = False) -> None:
    """Dead letters and dropped rows wait again, each alone in its batch; `push` sends them."""
    _changed("again", target, dataset, json_output)


@app.command()
@guarded
def drop(target: Target, dataset: Dataset = None, json_output: Json = False) -> None:
    """Give up dead letters and rows without a word upward, until their content changes or `retry` takes them up."""
    _changed("drop", target, dataset, json_output)


def _changed(verb: str, target: str, dataset: str | None, json_output: bool) -> None:
    from extracts.push import letters
    from extracts.push.outbox import Outbox, path_of
    from extracts.push.template import read

    template, settings = read(target), load_settings()
    if dataset is not None and dataset not in template.datasets:
        raise Usage("CH-PUSHUP-009", target=target, dataset=dataset[:60], found=", ".join(template.datasets))
    outbox = Outbox(path_of(settings))
    try:
        if verb == "again":
            rows = letters.again(outbox, target, letters.DEAD, dataset)
        else:
            rows = letters.drop(outbox, target, ("dead", "unmapped"), dataset)
    finally:
        outbox.close()
    if json_output:
        as_json({"target": target, "rows": rows})
    else:
        out.print(f"{rows} rows of {target} {'wait again' if verb == 'again' else 'given up'}", markup=False)
