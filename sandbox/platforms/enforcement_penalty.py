"""Administrative penalty cases of the squads, in their newest state; all generated."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.series import after, changed, clock, past, pick, recent
from sandbox.world import World

SQUADS = ("一中队", "二中队", "三中队", "四中队")
SHARES = [0.38, 0.24, 0.16, 0.22]
LIMIT_H = 30 * 24.0
OPEN_DAYS = 40


def _cases(born: World, seen: World) -> pa.Table:
    rng, n = born.rng("enforcement.penalty"), born.count(6, 40)
    squad = rng.choice(4, n, p=SHARES)
    filed = clock(born, np.sort(rng.integers(8 * 3600, 18 * 3600, n)))
    concluded = past(seen, after(filed, rng.lognormal(np.log(np.array([8.0, 11.0, 14.0, 17.0])[squad] * 24), 0.5)))
    return pa.table(
        {
            "cfah": pa.array([f"CF{born.day:%Y%m%d}{i + 1:04d}" for i in range(n)]),
            "zdmc": pick(SQUADS, squad),
            "lasj": pa.array(filed),
            "bjqx": pa.array(after(filed, np.full(n, LIMIT_H))),
            "jasj": pa.array(concluded),
            "fkje": pa.array(rng.choice([50.0, 100.0, 200.0, 500.0, 2000.0], n)),
            "gxsj": pa.array(changed(filed, concluded)),
            "qhdm": pick(("01", "02", "03", "04"), squad),
        }
    )


def cases(world: World) -> pa.Table:
    """Those of the last weeks as the system knows them tonight."""
    return recent(world, OPEN_DAYS, _cases)
