"""`cityhub feed`: look at feed specs and check them; nothing is written but the schema file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cityhub.errors import HubError, Stop
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, report, table

app = typer.Typer(help="Feed specs: list, show, check, schema.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("list")
@guarded
def list_feeds(json_output: Json = False) -> None:
    """All feeds: titles, platform, transport, owner, whether active."""
    from cityhub.spec.read import read_all

    specs = read_all(load_settings().feeds).values()
    if json_output:
        as_json([_row(spec) for spec in specs])
    else:
        rows = [
            (s.feed, s.title.zh, s.source.kind, s.table, s.owner.department, "on" if s.active else "off") for s in specs
        ]
        table(f"{len(rows)} feeds", ("feed", "数据源", "source", "table", "owner", "active"), rows)


def _row(spec: Any) -> dict[str, Any]:
    return {
        "feed": spec.feed, "title_zh": spec.title.zh, "title_en": spec.title.en, "platform": spec.platform,
        "kind": spec.source.kind, "table": spec.table, "owner": spec.owner.model_dump(), "active": spec.active,
    }  # fmt: skip


@app.command("show")
@guarded
def show(
    feed: str,
    sql: Annotated[bool, typer.Option("--sql", help="the SQL that the spec compiles to")] = False,
    json_output: Json = False,
) -> None:
    """One spec, as the hub understands it."""
    from cityhub.spec.read import one

    spec = one(load_settings().feeds, feed)
    if sql:
        from warehouse.compile import describe

        out.print(describe(spec), markup=False)
    elif json_output:
        as_json(spec.model_dump(mode="json", by_alias=True))
    else:
        out.print((load_settings().feeds / f"{feed}.yaml").read_text(encoding="utf-8"), markup=False)


@app.command("check")
@guarded
def check(
    feeds: Annotated[list[str] | None, typer.Argument(help="feed names or files; none: all")] = None,
    connect: Annotated[bool, typer.Option("--connect", help="also try DNS, TCP, login and the first page")] = False,
    json_output: Json = False,
) -> None:
    """Every problem of the named specs at once, with file and line. Exit code 2 when there is one."""
    from cityhub.spec.read import read_spec

    folder = load_settings().feeds
    paths = [Path(name) if name.endswith(".yaml") else folder / f"{name}.yaml" for name in feeds or []]
    problems: list[dict[str, Any]] = []
    for path in paths or sorted(folder.glob("*.yaml")):
        try:
            if not path.is_file():
                raise Stop("CH-FEED-002", feed=path.stem, folder=str(path.parent), near="see `cityhub feed list`")
            spec = read_spec(path)
            if connect:
                from connectors.check import check_connection

                for step in check_connection(spec):
                    table_row = (spec.feed, step.name, "ok" if step.ok else "failed", step.detail)
                    if not json_output:
                        out.print("  ".join(str(value) for value in table_row), markup=False)
                    if not step.ok:
                        problems.append({"file": str(path), "step": step.name, "problem": step.detail})
        except HubError as error:
            listed = getattr(error, "problems", None) or [
                {"problem": error.part("what"), "line": error.place.get("line")}
            ]
            problems += [{"file": str(path), "code": error.code, **item} for item in listed]
            if not json_output:
                for item in listed:
                    out.print(
                        f"{path}:{item.get('line') or 1}: {error.code} {item.get('field', '')}: {item['problem']}",
                        markup=False,
                    )
                report(error)
    if json_output:
        as_json({"problems": problems})
    elif not problems:
        out.print("all specs are good")
    raise typer.Exit(2 if problems else 0)


@app.command("schema")
@guarded
def schema(
    path: Annotated[Path | None, typer.Argument(help="where to; default feeds/feed.schema.json")] = None,
) -> None:
    """Write the JSON Schema that editors complete feed specs from."""
    from cityhub.spec.read import write_schema

    target = path or load_settings().feeds / "feed.schema.json"
    write_schema(target)
    out.print(f"wrote {target}")
