"""Every vendor template fills most of a spec: shown on what the sandbox's platforms deliver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityhub.draft.compose import Draft, compose
from cityhub.draft.sample import Sample
from cityhub.draft.template import listed
from cityhub.draft.words import load as load_words
from cityhub.settings import REPOSITORY, Settings
from cityhub.spec import edit
from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from cityhub.spec.read import parse_spec, read_all
from cityhub.spec.todo import todos
from flow.draft_examples import fill
from sandbox import drops, exchange, platforms
from sandbox.dataset import build
from sandbox.serve import Sandbox
from tests.register.desk import Desk
from tests.sandbox.cities import DAY, world

FEEDS = REPOSITORY / "feeds"
TEMPLATES = listed(FEEDS)
SPECS = read_all(FEEDS)
WORDS = load_words(FEEDS)
ELEVEN = (
    "sanitation", "lighting", "dust", "municipal", "landscaping", "muck", "gas", "heat", "water", "incineration",
    "enforcement",
)  # fmt: skip
# What is a decision and not a guess, and so is not counted: owner, title, coordinate system.
DECISIONS = {"title", "owner", "location"}
MOST_EDITS = 3


def datasets() -> dict[str, tuple[str, Any]]:
    """Feed → platform's dataset name and definition."""
    return {
        dataset.feed: (name, dataset)
        for platform in ELEVEN
        for name, dataset in platforms.load(platform).DATASETS.items()
    }


@pytest.fixture(scope="module")
def city() -> Any:
    return world(scale=0.1)


def drafted(city: Any, name: str) -> tuple[Draft, Sample]:
    """The draft of a template from the records that its platform has."""
    dataset_name, dataset = datasets()[name]
    if name.startswith("incineration."):  # a tenth of a plant's trucks would carry ten times as much each
        city = world(scale=1.0)
    rows = build(city, dataset_name, dataset).slice(0, 150).to_pylist()
    shipped = SPECS[name].source.model_dump(mode="json", by_alias=True, exclude_unset=True)
    decimal = shipped.pop("decimal", ".")
    sample = Sample(
        {**shipped, **({"decimal": decimal} if decimal != "." else {})},
        tuple(plain(row, decimal) for row in rows),
        name,
    )
    return compose(name, sample, WORDS, TEMPLATES[name]), sample


def plain(row: dict[str, Any], decimal: str) -> dict[str, Any]:
    kept = {
        key: value if isinstance(value, (str, int, float, type(None))) else str(value) for key, value in row.items()
    }
    if decimal == ".":
        return kept
    return {key: str(value).replace(".", ",") if isinstance(value, float) else value for key, value in kept.items()}


def test_every_platform_has_a_template() -> None:
    assert {name.partition(".")[0] for name in TEMPLATES} == set(ELEVEN)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_template_gives_a_valid_spec_once_its_decisions_are_made(city: Any, name: str, tmp_path: Path) -> None:
    draft, sample = drafted(city, name)
    assert {".".join(map(str, path)) for path in todos(draft.data)} <= {
        "owner.person", "owner.phone", "location.system",
    }  # fmt: skip
    refused = fill(draft, sample, DAY)
    spec = draft.spec()
    assert spec.table == SPECS[name].table
    assert draft.data["examples"], draft.remarks
    assert sum(refused.values()) <= max(2, 0.1 * len(sample.rows)), refused


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_draft_from_a_template_needs_few_hand_edits(city: Any, name: str) -> None:
    needed = hand_edits(drafted(city, name)[0].spec(), SPECS[name])
    print(f"{name}: {len(needed)} {needed}")
    assert len(needed) <= MOST_EDITS, needed


def hand_edits(found: FeedSpec, wanted: FeedSpec) -> list[str]:
    """What would have to be changed so that the draft reads the records as the spec does that people wrote."""
    edits = [f"identity: {found.identity}"] if found.identity != wanted.identity else []
    edits += ["unit"] if found.unit.by != wanted.unit.by else []
    for name, field in wanted.fields.items():
        if name == "provenance":
            continue
        own = found.fields.get(name)
        edits += [f"{name}: {_meaning(own)} is not {_meaning(field)}"] if _meaning(own) != _meaning(field) else []
    return edits


def _meaning(field: FieldSpec | None) -> Any:
    if field is None:
        return None
    timed = field.format if field.type in {"timestamp", "date"} else None
    same_unit = field.unit == field.to
    codes = {have: want for have, want in field.codes.items() if have != want}
    return (field.source, field.type, timed, None if same_unit else field.unit, codes, field.personal)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of a running city, and the folder of its secrets."""
    home = tmp_path_factory.mktemp("city")
    made = world(scale=0.05)
    database = exchange.start(made, home, "sqlite")
    try:
        with Sandbox(made, home, transports=(), only=("sanitation", "dust", "municipal")):
            secrets = home / "secrets"
            found = {path.name: path.read_text(encoding="utf-8").strip() for path in secrets.iterdir()}
            yield found | dict(database) | dict(drops.write(made, home)) | {"secrets": str(secrets)}
    finally:
        database.stop()


CASES = {
    "sanitation.vehicle": "{sanitation_url}/hw/api/vehicle/list",
    "dust.site": "{dust_url}/api/v2/site",
    "municipal.event": "{municipal_url}/szss/sj?rq=2026-11-20",
    "gas.pressure": "{exchange_url}#rq_yl",
    "enforcement.case": "{exchange_url}#v_ajxx",
    "landscaping.tree": "{drop_dir}/gl_tree_20261120.csv",
}


@pytest.mark.parametrize("name", CASES)
def test_draft_against_the_running_platform(
    desk: Desk, settings: Settings, sources: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_SECRETS", sources["secrets"])
    path = desk.draft(CASES[name].format(**sources), "--template", name)
    changes = {"owner__person": "数据专员", "owner__phone": "0371-00000099"}
    if "location:" in path.read_text(encoding="utf-8"):
        changes["location__system"] = "wgs84"
    desk.edit(path, **changes)
    spec = parse_spec(path)
    needed = [item for item in hand_edits(spec, SPECS[name]) if not item.startswith("unit")]
    print(desk.note(name), needed)
    assert len(needed) <= MOST_EDITS, needed
    assert spec.source.kind == SPECS[name].source.kind
    assert type(getattr(spec.source, "paging", None)) is type(getattr(SPECS[name].source, "paging", None))
    assert spec.examples
    assert not list(todos(edit.data_of(path.read_text(encoding="utf-8"))))
