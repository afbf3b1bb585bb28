"""Make the evidence pack of one unit's month: the chain from its score down to the bytes received, in one archive."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityhub.errors import Stop, Usage
from cityhub.settings import Settings
from cityhub.spec.read import read_good
from indicators import definitions as catalogue
from scoring.evidence import archive, deliveries, rows, sheets
from scoring.evidence import chain as chains
from scoring.evidence.chain import Chain
from scoring.publication import manifest as published
from scoring.publication.export import DEFINITIONS, facts
from scoring.publication.manifest import Manifest, folder_of, sha256

Tree = dict[str, Any]
ROWS_AT_MOST = 1_000_000
LANDED_MB = 200
README = """杞县城市综合管理服务平台 · 成绩证据包 Evidence of one score

{name}（{unit}）{month}，成绩 {score}，名次 {rank}；发布号 {number:06d}：{facts}

publication/       发布的原文件，与发布清单逐一相符。 The published files that the score comes out of.
score.json         成绩、各组成项及计算过程。 The score and every component with its trace.
indicators.json    相关指标：定义、SQL、当月与逐日的分子分母。 The indicators behind it, with their SQL.
rows/*.parquet     指标所依据的数据行，含批次号。 The rows behind them, with their load ids; no personal fields.
deliveries/        各批次：接入记录、落地清单、原始字节（非个人信息）。 Each delivery: log, landing manifest, bytes.
specs/、checks.json 接入规格与检查结果。 The specs of the loads, checks and their results.

核对 Verify anywhere, without the warehouse: cityhub evidence verify FILE
"""


@dataclass(frozen=True)
class Made:
    """A pack. `recomputed` and `checksummed` count indicators; `packed` and `deliveries` the deliveries with their
    bytes and all."""

    file: str
    root: str
    unit: str
    month: str
    publication: int
    publication_sha256: str
    pieces: int
    bytes: int
    recomputed: int
    checksummed: int
    packed: int
    deliveries: int


def make(
    settings: Settings,
    unit: str,
    month: str,
    *,
    out: Path | None = None,
    number: int | None = None,
    landed: bool = True,
    landed_mb: int = LANDED_MB,
    rows_at_most: int = ROWS_AT_MOST,
) -> Made:
    """Write the pack of a unit (code or Chinese name) by the month's newest publication, or by that `number`.

    The same inputs make the same bytes. `landed_mb`: of landed files at most so many MB, the oldest deliveries first.
    Raises `Usage` CH-EVID-001 (the month was never published), CH-EVID-004 (the number is of another month),
    CH-SCORE-006 (no such unit); `Stop` CH-PUB-001 (no such number), CH-PUB-004 (the publication is damaged).
    """
    source = _publication(settings, month, number)
    scratch = settings.home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="evidence-", dir=scratch) as work:
        folder = Path(work) / "pack"
        made = _copied(source, folder / "publication")
        chain = _chain(folder / "publication", unit)
        specs, _ = read_good(settings.feeds)
        packed = rows.pack(settings, chain, specs, folder / "rows", at_most=rows_at_most)
        told = deliveries.pack(
            settings, folder / "rows", specs, folder, month=month, landed=landed, room=landed_mb * 1_000_000
        )
        head = _head(chain, sha256(source / published.NAME), packed, told) | {"sheets": _sheets(folder, chain)}
        _write(folder, chain)
        sealed = archive.seal(folder, head)
        target = out or Path(f"evidence-{chain.unit}-{month}-{made.number:06d}.zip")
        archive.write(folder, target)
    how = [item["how"] for item in head["indicators"]]
    return Made(
        file=str(target),
        root=sealed["root"],
        unit=chain.unit,
        month=month,
        publication=made.number,
        publication_sha256=head["publication"]["sha256"],
        pieces=len(sealed["pieces"]),
        bytes=target.stat().st_size,
        recomputed=how.count("recomputed"),
        checksummed=how.count("checksummed"),
        packed=sum(item["bytes"] == "packed" for item in told),
        deliveries=len(told),
    )


def _publication(settings: Settings, month: str, number: int | None) -> Path:
    root = settings.publications
    if number is not None:
        found = published.read(folder_of(root, number))
        if found.period != month:
            raise Usage("CH-EVID-004", number=number, found=found.period, month=month)
        return folder_of(root, number)
    newest = published.newest(root, month)
    if newest is None:
        months = {published.read(folder_of(root, n)).period for n in published.numbers(root)}
        raise Usage("CH-EVID-001", month=month, near=", ".join(sorted(months, reverse=True)[:12]) or "none yet")
    return folder_of(root, newest.number)


def _copied(source: Path, folder: Path) -> Manifest:
    """The published files that the pack holds, each as its manifest says."""
    made = published.read(source)
    stated = {file.path: file.sha256 for file in made.files}
    for name in chains.files(source):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (source / name).is_file() or (name in stated and sha256(source / name) != stated[name]):
            problem = f"{name} is missing, or it is not what was published"
            raise Stop("CH-PUB-004", number=made.number, problem=problem, folder=str(source))
        shutil.copyfile(source / name, target)
    return made


def _chain(folder: Path, unit: str) -> Chain:
    present = {} if (folder / DEFINITIONS).is_file() else catalogue.read_all()
    found = chains.of(folder, unit, present)
    if found is None:
        known = chains.units(folder)
        near = difflib.get_close_matches(unit, [*known, *known.values()], 3, 0.4)
        raise Usage("CH-SCORE-006", unit=unit, near=", ".join(near or [f"{c} {n}" for c, n in known.items()]))
    return found


def _head(chain: Chain, digest: str, packed: rows.Packed, told: list[Tree]) -> Tree:
    """What stands in the manifest beside the pieces."""
    made = chain.manifest
    return {
        "what": "evidence of one score",
        "unit": chain.unit,
        "name": chain.name,
        "month": made.period,
        "score": chains.score_tree(chain)["score"],
        "publication": {"number": made.number, "sha256": digest, "status": made.status, "code": made.code_version},
        "code": published.code_version(),
        "rows": {"of": packed.as_of, "tables": packed.tables, "left_out": packed.left_out},
        "indicators": [
            {"code": item.code, "of": item.of, "how": "checksummed" if why else "recomputed", "why": why}
            for item in chain.needed
            for why in [packed.how.get((item.code, item.of))]
        ],
        "deliveries": told,
    }


def _sheets(folder: Path, chain: Chain) -> list[Tree]:
    return [
        {"table": table, "how": "checksummed" if why else "recomputed", "why": why}
        for table, why in sheets.results(folder, chain).items()
    ]


def _write(folder: Path, chain: Chain) -> None:
    tree = chains.score_tree(chain)
    for name, content in (("score.json", tree), ("indicators.json", chains.indicator_trees(chain))):
        (folder / name).write_text(chains.as_text(content), encoding="utf-8")
    said = README.format(
        name=chain.name, unit=chain.unit, month=chain.manifest.period, score=tree["score"] or "暂无",
        rank=tree["rank"] or "—", number=chain.manifest.number, facts=facts(chain.manifest),
    )  # fmt: skip
    (folder / "README.txt").write_text(said, encoding="utf-8")
