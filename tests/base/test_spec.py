"""Feed specs: what is accepted, and that each mistake is named with its line."""

import json
from pathlib import Path

import pytest

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import one, read_all, read_spec, write_schema
from cityhub.spec.source import PUSHED
from warehouse.compile import spec_sha256

REPOSITORY = Path(__file__).parents[2]
GOOD = """\
feed: demo.thing
title: {zh: 示例, en: Example}
platform: demo
table: demo_thing
description: An example
owner: {department: d, person: p, phone: "1"}
source: {kind: files, address: /tmp, pattern: "*.csv"}
identity: {key: [a]}
fields:
  a: {from: A, required: true}
  ts: {from: T, type: timestamp}
"""


def write(folder: Path, text: str, name: str = "demo.thing.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_spec_is_read(tmp_path):
    spec = read_spec(write(tmp_path, GOOD))
    assert spec.fields["ts"].zone == "Asia/Shanghai"
    assert one(tmp_path, "demo.thing") == spec


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("table: demo_thing", "tabel: demo_thing", None, "tabel"),
        ("key: [a]", "key: [b]", 1, "identity.key names 'b'"),
        ("type: timestamp", "type: timestmp", 11, "timestamp"),
        ("kind: files", "kind: fils", 7, "fils"),
        ("platform: demo", "platform: other", 1, "must start with its platform"),
        (
            "  a: {from: A, required: true}",
            "  a: {from: A, unit: kPa, to: Celsius}",
            1,
            "no factor from kPa to Celsius",
        ),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path, old, new, line, words):
    with pytest.raises(Stop) as caught:
        read_spec(write(tmp_path, GOOD.replace(old, new)))
    problems = caught.value.problems
    assert any(words in str(problem) for problem in problems)
    if line is not None:
        assert line in {problem["line"] for problem in problems}
    assert "demo.thing.yaml" in caught.value.text()


def test_all_mistakes_are_told_at_once(tmp_path):
    text = GOOD.replace("type: timestamp", "type: tim").replace("kind: files", "kind: fils")
    with pytest.raises(Stop) as caught:
        read_spec(write(tmp_path, text))
    assert len(caught.value.problems) >= 2


def test_broken_yaml_names_the_line(tmp_path):
    with pytest.raises(Stop) as caught:
        read_spec(write(tmp_path, GOOD + "  b: {from: [\n"))
    assert caught.value.code == "CH-FEED-003"
    assert caught.value.place["line"] >= 12


def test_an_unknown_feed_names_its_neighbours(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(Stop) as caught:
        one(tmp_path, "demo.thin")
    assert "demo.thing" in caught.value.text()


def test_two_specs_may_not_share_a_table(tmp_path):
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace("demo.thing", "demo.other"), "demo.other.yaml")
    with pytest.raises(Stop) as caught:
        read_all(tmp_path)
    assert caught.value.code == "CH-FEED-004"


def test_a_changed_file_is_read_again(tmp_path):
    path = write(tmp_path, GOOD)
    assert read_spec(path).title.en == "Example"
    path.write_text(GOOD.replace("en: Example", "en: Changed!"), encoding="utf-8")
    assert read_spec(path).title.en == "Changed!"


def test_the_shipped_schema_is_the_one_of_the_model(tmp_path):
    write_schema(tmp_path / "schema.json")
    shipped = (REPOSITORY / "feeds" / "feed.schema.json").read_text(encoding="utf-8")
    assert shipped == (tmp_path / "schema.json").read_text(encoding="utf-8"), "run `cityhub feed schema`"


def test_a_spec_kept_as_json_is_the_same_spec():
    """Loads keep the sha256 of their spec, and the archive its text: one must say what the other says."""
    for name, spec in read_all(REPOSITORY / "feeds").items():
        kept = json.dumps(spec.model_dump(mode="json", by_alias=True), ensure_ascii=False)
        assert spec_sha256(FeedSpec.model_validate_json(kept)) == spec_sha256(spec), name


def test_code_never_names_a_platform():
    platforms = {spec.platform for spec in read_all(REPOSITORY / "feeds").values()} - {
        "water",
        "heat",
        "gas",
        "dust",
    }
    rooms = (
        "cityhub",
        "cli",
        "flow",
        "connectors",
        "warehouse",
        "sensors",
        "expectations",
        "indicators",
        "scoring",
        "serving",
        "dags",
    )
    for room in rooms:
        for path in (REPOSITORY / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for platform in platforms:
                assert f'"{platform}"' not in text, f"{path.name} names the platform {platform}"


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ('{kind: hj212, listen: "0.0.0.0:9212", st: ["39"], cn: ["2011"], allow: [10.0.0.0/8]}', "cn: [x]"),
        ('{kind: jt808, listen: "0.0.0.0:9808"}', "msg: [0200]"),
        ('{kind: jt809, listen: "0.0.0.0:9809", user: u, password: p, m1: a, ia1: b, ic1: c}', "allow: [10.0.0.1/8]"),
    ],
)
def test_feeds_whose_devices_connect_to_us(tmp_path, source, bad):
    pulled = '{kind: files, address: /tmp, pattern: "*.csv"}'
    read = read_spec(write(tmp_path, GOOD.replace(pulled, source))).source
    assert read.address == read.listen
    assert read.kind in PUSHED
    with pytest.raises(Stop):
        read_spec(write(tmp_path, GOOD.replace(pulled, source.split(", ")[0] + f', listen: "h:1", {bad}}}')))
