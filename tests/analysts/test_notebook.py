"""The notebook for analysts runs from its first cell to its last over a real publication and warehouse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cityhub.settings import REPOSITORY
from tests.analysts.conftest import Town

pytestmark = pytest.mark.xdist_group("analysts")
NOTEBOOKS = sorted((REPOSITORY / "docs" / "notebooks").glob("*.ipynb"))
RUN = """
import json, sys
content = json.load(open(sys.argv[1], encoding="utf-8"))
names = {"__name__": "__main__"}
for cell in content["cells"]:
    if cell["cell_type"] == "code":
        print(f"[{cell['id']}]", flush=True)
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
"""


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_it_is_a_notebook_of_version_4_that_stores_no_outputs(path: Path) -> None:
    found = content(path)
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in found["cells"]}) == len(found["cells"])
    for cell in found["cells"]:
        assert cell["cell_type"] in {"code", "markdown"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            assert not any(line.lstrip().startswith(("%", "!")) for line in cell["source"])  # plain Python


def test_its_cells_run_in_order_in_a_fresh_process(town: Town) -> None:
    settings = town.county.settings
    places = {"CITYHUB_HOME": settings.home, "CITYHUB_CATALOG": settings.catalog, "CITYHUB_DATA": settings.data}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(REPOSITORY / "docs" / "notebooks" / "analyst.ipynb")],
        env=os.environ | {name: str(place) for name, place in places.items()} | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=False, timeout=300, cwd=settings.home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = dict(part.split("]\n", 1) for part in done.stdout.removeprefix("[").split("\n["))
    assert "publication 1 of 2026-11 status provisional" in cells["open"]
    assert "金城街道办事处" in cells["ranking"] and "territory" in cells["ranking"]
    assert "no_denominator" in cells["missing"]
    assert "█" in cells["bars"]
    assert "缺数，不是零" in cells["words"] and "! 汇总时不要 AVG(value)" in cells["words"]
    assert "名次" in cells["lake"]
    assert ", 0 are another number in the warehouse now" in cells["moved"]
    assert _numbers(cells["sums"]), "no indicator shows what is wrong with a mean of values"


def _numbers(text: str) -> list[str]:
    """Rows in which the mean of the values is not the ratio of sums, which is the county's."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]
    return [row[0] for row in rows if len(row) == 5 and row[2] != row[3] == row[4]]
