"""The scanner: personal data that nobody marked are noticed with a remedy; numbers that only look alike are not."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cityhub import personal
from cityhub.spec import edit
from cityhub.spec.emit import block
from cityhub.spec.feed import FeedSpec
from tests.load.kit import DAY, Hub, feed
from tests.personal.planted import ID_CARD, NAME, PHONE
from warehouse import findings
from warehouse.personal.look import suspects

TODAY = date(2026, 11, 21)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # as the standard prints them


@given(
    st.sampled_from(["410221", "110105", "820000"]), st.dates(date(1901, 1, 1), date(2020, 1, 1)), st.integers(0, 999)
)
def test_a_card_number_is_known_by_its_check_digit(place: str, born: date, order: int) -> None:
    head = f"{place}{born:%Y%m%d}{order:03d}"
    check = "10X98765432"[sum(w * int(c) for w, c in zip(WEIGHTS, head, strict=True)) % 11]
    assert personal.is_id_card(head + check, TODAY)
    for other in set("0123456789X") - {check}:
        assert not personal.is_id_card(head + other, TODAY)


NUMBERS = random.Random(4)
HARMLESS: dict[str, list[str]] = {
    "case_no": [f"410221202611{n:06d}" for n in range(2000)],  # district, day, number: one in eleven has a right check
    "stamp": [f"{1_763_600_000_000_000_000 + n * 977}"[:18] for n in range(500)],
    "epoch_ms": [str(1_763_600_000_000 + n) for n in range(500)],
    "meter": [str(13_500_000_000 + n) for n in range(500)],  # eleven digits, counted on
    "lamp_id": [f"LD1381234{n:04d}" for n in range(500)],
    "sim": [f"13812345678-{n}" for n in range(50)],
    "serial": [str(NUMBERS.randrange(10**17, 10**18)) for _ in range(3000)],
    "compact": [f"202611200801{n:06d}" for n in range(500)],
    "site": ["张庄村", "王府大街", "李家湾"] * 20,
}


@pytest.mark.parametrize("column", HARMLESS)
def test_numbers_that_only_look_like_people_are_left_alone(column: str) -> None:
    assert suspects({column: HARMLESS[column]}, TODAY) == []


SOME = [f"1{p}{n:08d}" for p, n in zip(["38", "59", "77", "86", "99"] * 4, range(12345000, 12345020), strict=True)]
FOUND: dict[str, tuple[str, list[str], str, int]] = {
    "id card": ("bh", [ID_CARD, "x", "y"], "id_card", 1),
    "card in a text": ("note", [f"当事人身份证{ID_CARD}已核", "none"], "id_card", 1),
    "one phone in a column that says so": ("lxdh", [PHONE, "", "无"], "mobile", 1),
    "phone in a free text": ("content", [f"请回电{PHONE},谢谢", "路灯不亮"], "mobile", 1),
    "phones in a column of another name": ("f12", SOME, "mobile", 20),
    "with country code": ("tel", [f"+86 {PHONE}"], "mobile", 1),
    "names": ("联系人", ["张三", "李小明", "王芳", "不详者某某某某"], "name", 3),
    "old cards": ("sfzh", ["410221850713281", "410221790101003"], "old_id_card", 2),
}


@pytest.mark.parametrize("case", FOUND)
def test_people_are_found(case: str) -> None:
    column, values, kind, count = FOUND[case]
    (suspect,) = suspects({column: values}, TODAY)
    assert (suspect.kind, suspect.values) == (kind, count)
    assert not any(suspect.shape in value for value in values) and "*" in suspect.shape


def written(hub: Hub, spec: FeedSpec) -> Path:
    """The spec as a file, with a comment that must survive."""
    hub.settings.feeds.mkdir(parents=True, exist_ok=True)
    path = hub.settings.feeds / f"{spec.feed}.yaml"
    body = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    lines = "".join(f"{name}:{block(value, 0)}\n" for name, value in body.items())
    path.write_text("# ours\n" + lines, encoding="utf-8")
    return path


def unmarked(**more: Any) -> FeedSpec:
    return feed({"content": {"from": "nr", "title": "内容"}, "n": {"from": "lxdh", "type": "integer"}, **more})


ROWS = [{"id": str(n), "nr": "井盖破损", "lxdh": 20_000_000_000 + n} for n in range(30)]


def test_a_load_notices_and_the_suggested_change_ends_it(hub: Hub) -> None:
    spec = unmarked()
    hub.prepare(spec)
    path = written(hub, spec)
    rows = [{"id": "x", "nr": f"{NAME}的电话是{PHONE}", "lxdh": int(PHONE), "kh": ID_CARD}, *ROWS]
    hub.load(spec, rows)
    found = {item.subject: item for item in findings.stored(hub.con, feed=spec.feed, origin="personal")}
    assert set(found) == {"nr", "lxdh", "kh"}
    everything = json.dumps([item.__dict__ for item in found.values()], default=str, ensure_ascii=False)
    assert PHONE not in everything and ID_CARD not in everything and NAME not in everything
    assert "138****xx" in str(found["nr"].observed) and found["lxdh"].row_count == 1
    assert "+  content:" in str(found["nr"].suggestion) or "personal: mask" in str(found["nr"].suggestion)
    assert "personal: drop" in str(found["kh"].suggestion), "a column that the spec does not know"

    text = edit.put(edit.read_text(path), ("fields", "content", "personal"), "mask")
    assert text.startswith("# ours\n")
    better = unmarked(
        content={"from": "nr", "personal": "mask"}, n={"from": "lxdh", "personal": "drop"},
        kh={"from": "kh", "personal": "drop"},
    )  # fmt: skip
    from warehouse import lake, tables

    with lake.write(hub.con, hub.settings, "as the new spec"):
        hub.con.execute("DROP TABLE mk_trial")
        tables.ensure(hub.con, better)
    hub.load(better, rows)
    assert findings.stored(hub.con, feed=spec.feed, origin="personal") == []


def test_a_second_load_of_the_same_writes_no_finding_again(hub: Hub) -> None:
    spec = unmarked()
    hub.prepare(spec)
    rows = [{"id": "1", "nr": f"电话是{PHONE}", "lxdh": 5}]
    hub.load(spec, rows)
    (one,) = findings.stored(hub.con, feed=spec.feed, origin="personal")
    hub.load(spec, [*rows, {"id": "2", "nr": "x", "lxdh": 6}])
    (two,) = findings.stored(hub.con, feed=spec.feed, origin="personal")
    assert one.id == two.id


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_file_is_scanned_before_there_is_a_feed(tmp_path: Path, encoding: str) -> None:
    from cli.main import app

    file = tmp_path / "calls.csv"
    file.write_bytes(f"编号;诉求\n1;请回电{PHONE}\n2;无\n".encode(encoding))
    command = ["feed", "scan", str(file), "--delimiter", ";", "--encoding", encoding, "--json"]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 1, ran.output
    (suspect,) = json.loads(ran.stdout)["suspects"]
    assert (suspect["column"], suspect["kind"], suspect["shape"]) == ("诉求", "mobile", "138****xx")
    assert PHONE not in ran.output


def test_a_feed_is_scanned_by_its_newest_delivery(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli.main import app

    monkeypatch.setenv("CITYHUB_HOME", str(hub.settings.home))
    monkeypatch.setenv("CITYHUB_FEEDS", str(hub.settings.feeds))
    written(hub, unmarked())
    assert CliRunner().invoke(app, ["feed", "scan", "muck.trial"]).exit_code == 1, "nothing has landed"
    hub.land(unmarked(), [{"id": "1", "nr": f"回电{PHONE}", "lxdh": 1}], day=DAY)
    ran = CliRunner().invoke(app, ["feed", "scan", "muck.trial"])
    assert ran.exit_code == 1 and "personal: mask" in ran.output and PHONE not in ran.output
