"""How a contender is measured, in its own process: wall and CPU from opening the store to closing it.

Standard library only, since contenders of other environments use it too.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable


def measure(work: Callable[[], None], count: Callable[[], int]) -> None:
    """Run `work`, count afterwards the distinct keys that are stored, and print one line of JSON.

    `startup_s` is the CPU time of what came before (imports), `cpu_s` that of all up to the end of the work with
    children, `rss_mb` the most memory that the process or one of its children had.
    """
    startup = time.process_time()
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime
    print(
        json.dumps(
            {
                "rows": count(),
                "seconds": round(seconds, 3),
                "cpu_s": round(cpu, 2),
                "startup_s": round(startup, 2),
                "rss_mb": max(mine.ru_maxrss, theirs.ru_maxrss) // 1024,
            }
        ),
        flush=True,
    )
