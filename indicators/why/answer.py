"""The question of anybody who sees a number, or none where one should be: why?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from cityhub import clock
from cityhub.settings import Settings
from cityhub.spec.read import read_good
from indicators.definitions import FOLDER, read_all
from indicators.why import evidence, question
from indicators.why.chain import compose
from indicators.why.question import Question
from indicators.why.sentence import Answer
from warehouse import lake


def why(settings: Settings, code: str, unit: str, period: str, *, folder: Path = FOLDER) -> Answer:
    """Why an indicator has its value, or none. `unit`: code, name, or `road:…`; `period`: `2026-11-20`, `2026-11`,
    `2026-Q4`, `2026`, or an hour `2026-11-20T08`; `folder` holds the definitions.

    Raises `Usage` CH-WHY-004 (indicator), CH-SCORE-006 (unit), CH-WHY-005 (grain), CH-WHY-006 (form of the period);
    `Stop` CH-LAKE-003 without a warehouse. Reads one snapshot and writes nothing.
    """
    definition = question.indicator(read_all(folder), code)
    specs = read_good(settings.feeds)[0]
    with closing(lake.connect(settings, read_only=True)) as con:
        con.execute("BEGIN")
        who = question.unit(con, definition, unit)
        kind, name, window = question.window(con, definition, period)
        asked = Question(definition, *question.place(folder, definition.code), who, kind, name, window)
        return compose(asked, evidence.read(con, asked, specs, clock.now()))
