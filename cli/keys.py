"""`cityhub key`: create, list, revoke, rotate the keys with which consumers read extracts over HTTP."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityhub.clock import SHANGHAI, now
from cityhub.errors import Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table

if TYPE_CHECKING:
    from serving.access.keys import Key
    from serving.access.scope import Scope

app = typer.Typer(help="Keys of consumers of the HTTP service.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
PERIODS = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]))?|[0-9]{1,4}\*|[0-9]{4}-[01]?\*")
YEAR = timedelta(days=365)


@app.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="the consumer, such as province-platform")],
    scope: Annotated[str, typer.Option("--scope", help="dataset ids with a comma; all: those that need no grant")],
    unit: Annotated[list[str] | None, typer.Option("--unit", help="only rows of this unit; may be repeated")] = None,
    period: Annotated[
        list[str] | None, typer.Option("--period", help="only months like 2026-11 or 2026-*; may be repeated")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="last day that it is good, or never; default: a year")
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", min=0.01, max=10_000, help="requests a second")] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", help="PEM file, Ed25519: requests must be signed with it (RFC 9421)")
    ] = None,
    gov: Annotated[bool, typer.Option("--gov", help="also an app_secret for the profile gov")] = False,
    json_output: Json = False,
) -> None:
    """Make a key and print it, once: it is kept as a hash. Without --unit and --period it reads all rows."""
    from serving.access import keys

    settings = load_settings()
    rights = _scope(scope, unit or [], period or [])
    signer = _public(public_key) if public_key else None
    key, secret = keys.create(
        settings, name, rights, expires=_end(expires), rate=rate, public_key=signer, gov=gov
    )  # fmt: skip
    _tell(key, secret, json_output, _gov_secret(key) if gov else None)


@app.command("list")
@guarded
def list_keys(json_output: Json = False) -> None:
    """All keys with their scope and state; none of them shows its secret."""
    from serving.access import keys

    found = [_shown(key) for key in keys.read(keys.path_of(load_settings()))]
    if json_output:
        as_json(found)
        return
    columns = ("id", "name", "state", "datasets", "units", "periods", "created_at", "expires_at")
    table("keys", columns, [[_cell(item[column]) for column in columns] for item in found])


@app.command("revoke")
@guarded
def revoke(
    which: Annotated[str, typer.Argument(metavar="NAME|ID", help="all keys of a name, or the one of an id")],
    json_output: Json = False,
) -> None:
    """Revoke a key: from now on it opens nothing. A running service knows with its next request."""
    from serving.access import keys

    gone = keys.revoke(load_settings(), which)
    if json_output:
        as_json([_shown(key) for key in gone])
    else:
        out.print(f"revoked: {', '.join(key.id for key in gone) or 'nothing, it was revoked before'}", markup=False)


@app.command("rotate")
@guarded
def rotate(
    which: Annotated[str, typer.Argument(metavar="NAME|ID")],
    overlap: Annotated[
        float, typer.Option("--overlap-days", min=0, max=90, help="days that the old one stays good")
    ] = 7,
    json_output: Json = False,
) -> None:
    """Make a new key with the rights of an active one, which stays good for the overlap only."""
    from serving.access import keys

    key, secret = keys.rotate(load_settings(), which, timedelta(days=overlap))
    _tell(key, secret, json_output, _gov_secret(key) if key.gov else None)


def _scope(text: str, units: list[str], periods: list[str]) -> Scope:
    from extracts.datasets import DATASETS
    from serving.access.scope import EVERY, Scope

    datasets = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in datasets if part != EVERY and part not in DATASETS]
    if unknown or not datasets:
        _refuse("--scope", text, f"no dataset; there are {EVERY}, {', '.join(DATASETS)}")
    wanted = [part.strip() for item in periods for part in item.split(",")]
    for pattern in wanted:
        if not PERIODS.fullmatch(pattern):
            _refuse("--period", pattern, "no year, month or beginning of one, such as 2026-11 or 2026-*")
    codes = [part.strip() for item in units for part in item.split(",")]
    if not all(codes):
        _refuse("--unit", ",".join(units), "no code of a unit")
    return Scope(tuple(datasets), tuple(codes), tuple(wanted))


def _refuse(option: str, value: str, problem: str) -> None:
    raise Usage("CH-SERVE-025", option=option, value=value[:80], problem=problem)


def _end(text: str | None) -> datetime | None:
    """The moment at which the last good day is over; None for never."""
    if text == "never":
        return None
    if text is None:
        return now() + YEAR
    try:
        end = datetime.combine(date.fromisoformat(text), time(), SHANGHAI) + timedelta(days=1)
    except ValueError:
        raise Usage("CH-SERVE-025", option="--expires", value=text[:80], problem="no YYYY-MM-DD or never") from None
    if end <= now():
        _refuse("--expires", text, "over already")
    return end


def _public(path: Path) -> str:
    from serving.access.signatures import public_key

    try:
        return public_key(path.read_bytes())
    except (OSError, ValueError):
        raise Usage("CH-SERVE-025", option="--public-key", value=str(path), problem="no Ed25519 key in PEM") from None


def _gov_secret(key: Key) -> str:
    from serving.access.gov import make_secret

    return make_secret(load_settings(), key)


def _tell(key: Key, secret: str, json_output: bool, app_secret: str | None) -> None:
    gov = {"app_key": key.id, "app_secret": app_secret} if app_secret else {}
    if json_output:
        as_json({"key": secret, **_shown(key), **gov})
        return
    out.print(secret, markup=False)
    for name, value in gov.items():
        out.print(f"{name}: {value}", markup=False)
    end = f"good until {key.expires_at}" if key.expires_at else "good until it is revoked"
    out.print(f"key {key.id} of {key.name}, {end}; this is the only time that it is shown", markup=False)


def _shown(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "state": key.state(now()),
        "datasets": list(key.scope.datasets),
        "units": list(key.scope.units),
        "periods": list(key.scope.periods),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "replaces": key.replaces,
        "rate": key.rate,
        "signed": key.public_key is not None,
        "gov": key.gov,
    }


def _cell(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else value or "–"
