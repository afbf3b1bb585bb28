"""Two hundred nights killed at random moments: `python -m bench.chaos [--kills N] [--chain N] [--seed N] [--jobs N]`.

Chains of killed nights on one hub, each chain ended by a night that is left alone. After every blow the hub must be
sound; a night that ends with 0 must have reached the undisturbed state; the end of a chain must equal it byte by byte
(canonical dump). Exit code 1 when anything is otherwise; the hubs of such chains are kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.chaos import chain
from tests.chaos.chain import Chain, settings_of
from tests.chaos.dump import digest, dump
from tests.night.hub import Hub
from tests.night.small import NIGHT, feeds_in


def main() -> int:
    """Run the chains; prints one line a chain and a summary as JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--chain", type=int, default=4, help="killed nights on one hub")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--jobs", type=int, default=1)
    options = asked.parse_args()
    root = Path(tempfile.mkdtemp(prefix="cityhub-chaos-"))
    feeds = feeds_in(root / "feeds")
    hub = Hub(root / "undisturbed")
    began = time.monotonic()
    done = hub.run(*NIGHT, CITYHUB_FEEDS=str(feeds))
    seconds = time.monotonic() - began
    if done.returncode:
        sys.stderr.write(
            f"the undisturbed night ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
        return 2
    content = dump(settings_of(hub, feeds))

    def one(seed: int) -> Chain:
        home = root / f"chain-{seed}"
        ended = chain.run(home, feeds, content, seed=seed, kills=options.chain, seconds=seconds * options.jobs)
        if ended.good:
            shutil.rmtree(home)
        blows = ", ".join(f"{blow.moment} s {blow.victim} → {blow.exit_code}" for blow in ended.blows)
        sys.stdout.write(f"chain {seed}: {'good' if ended.good else ended}; {blows}\n")
        sys.stdout.flush()
        return ended

    seeds = range(options.seed, options.seed + -(-options.kills // options.chain))
    with ThreadPoolExecutor(options.jobs) as pool:
        chains = list(pool.map(one, seeds))
    victims = Counter(blow.victim.split(" --")[0] for ended in chains for blow in ended.blows)
    bad = [ended.seed for ended in chains if not ended.good]
    kills = sum(blow.struck for ended in chains for blow in ended.blows)
    summary = {
        "undisturbed_s": round(seconds, 1), "dump_sha256": digest(content), "chains": len(chains), "kills": kills,
        "victims": dict(victims.most_common()), "bad": bad,
        "seconds": round(time.monotonic() - began),
    }  # fmt: skip
    sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    if not bad:
        shutil.rmtree(root)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
