"""Changed rules as the files that they are: a scheme, the digital-city policy, a platform's indicators, a switch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cityhub.clock import month_of
from cityhub.errors import Usage
from flow.plan.change import Todo
from flow.plan.ground import POLICY, Ground
from indicators import definitions, dirty
from scoring import scheme
from scoring.month import SCHEME
from scoring.policy import DigitalPolicy
from warehouse import lake


@dataclass(frozen=True)
class Rule:
    """Files to put in place (`schemes/qi-county.yaml` → content), indicators whose definition differs, and words."""

    subject: str
    files: Mapping[str, bytes]
    codes: tuple[str, ...] = ()


def of_scheme(file: Path) -> Rule:
    """A changed scheme or digital-city policy; raises `Usage` CH-PLAN-007 and the scheme's own errors."""
    content = _mapping(file)
    if "policy" in content:
        read = scheme.read_model(DigitalPolicy, file)
        return Rule(f"policy {read.policy} {read.version}", {f"schemes/{POLICY}.yaml": file.read_bytes()})
    if content.get("scheme") != SCHEME:
        problem = f"its scheme is {content.get('scheme')!r}, the hub scores by {SCHEME!r}"
        raise Usage("CH-PLAN-007", file=str(file), problem=problem)
    rules = scheme.read(file)
    return Rule(f"scheme {rules.scheme} {rules.version}", {f"schemes/{SCHEME}.yaml": file.read_bytes()})


def of_indicators(ground: Ground, file: Path) -> Rule:
    """A platform's changed indicators, the whole file; raises `Usage` CH-PLAN-007 and CH-IND-001, 002."""
    content = _mapping(file)
    if "platform" not in content or "indicators" not in content:
        raise Usage("CH-PLAN-007", file=str(file), problem="it has no `platform` and no `indicators`")
    there = definitions.read_all(ground.indicators)
    new = {item.code: item for item in definitions.read_file(file)}
    own = {code for code, item in there.items() if item.platform == content["platform"]}
    codes = [code for code, item in new.items() if code not in there or there[code].sha256 != item.sha256]
    if gone := sorted(own - set(new)):
        raise Usage("CH-PLAN-007", file=str(file), problem=f"it lacks {', '.join(gone)} of the present file")
    platform = str(content["platform"])
    named = (path.name for path in sorted(ground.indicators.glob("*.yaml")) if _platform(path) == platform)
    place = next(named, f"{platform}.yaml")
    return Rule(f"indicators {', '.join(codes) or file.name}", {f"indicators/{place}": file.read_bytes()}, tuple(codes))


def _platform(path: Path) -> str:
    found = definitions.read_file(path)
    return found[0].platform if found else ""


def of_switches(ground: Ground, wanted: Mapping[str, str]) -> Rule:
    """The scheme with other defaults of its switches (id or name → option); only those lines of the file change.

    Raises `Usage` CH-SCORE-002 for a switch or option that the scheme does not have.
    """
    path = ground.schemes / f"{SCHEME}.yaml"
    rules = scheme.read(path)
    chosen = rules.choices(dict(wanted))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for item in YAML().load("".join(lines))["switches"]:
        at = item.lc.value("default")[0]
        if chosen[item["name"]] != item["default"]:
            lines[at] = re.sub(r"(default:\s*)\S+", rf"\g<1>{chosen[item['name']]}", lines[at], count=1)
    subject = ", ".join(f"{chosen.ids.get(name, name)}={option}" for name, option in wanted.items())
    return Rule(f"switch {subject}", {f"schemes/{SCHEME}.yaml": "".join(lines).encode()})


def todo(ground: Ground, rule: Rule, months: list[str]) -> Todo:
    """Days and months that the rule is tried on; the newest scored month unless told."""
    with closing(lake.connect(ground.settings, read_only=True)) as con:
        known = dirty.known_days(con)
        row = con.execute("SELECT max(period) FROM ranking").fetchone()
    newest = [str(row[0])] if row and row[0] else sorted({month_of(day) for day in known})[-1:]
    wanted = months or newest
    days = tuple(sorted(day for day in known if month_of(day) in wanted)) if rule.codes else ()
    return Todo(days=days, codes=rule.codes, months=tuple(sorted(wanted)))


def _mapping(file: Path) -> Mapping[str, object]:
    try:
        content = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        problem = f"it cannot be read ({str(error).splitlines()[0]})"
        raise Usage("CH-PLAN-007", file=str(file), problem=problem) from None
    if not isinstance(content, Mapping):
        raise Usage("CH-PLAN-007", file=str(file), problem="it is no mapping")
    return content
