"""The notice as PDF, A4: the template `notice.typ` over the blocks as data, with its font embedded."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from cityhub.errors import Stop
from scoring.notice.document import Appendix, Block, Notice

TEMPLATE = Path(__file__).with_name("notice.typ")
FONT_PACKAGE = "noto_cjk_sans_otc"


def render(notice: Notice) -> bytes:
    """The PDF. The same notice gives the same bytes: its time is that of the publication. Raises `Stop` CH-REPORT-003
    where the typesetter or its font is not installed."""
    try:
        import typst
    except ImportError:
        raise Stop("CH-REPORT-003", package="typst") from None
    made: bytes = typst.compile(
        TEMPLATE,
        root=TEMPLATE.parent,
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"notice": data(notice)},
        timestamp=int(notice.at.timestamp()),
    )
    return made


def data(notice: Notice) -> str:
    """The notice as the JSON that the template reads; every text in it is a value, none is markup."""
    plain = {name: getattr(notice, name) for name in ("title", "subtitle", "mark", "head", "foot")}
    blocks = [_block(item) for item in notice.blocks]
    return json.dumps(
        plain | {"blocks": blocks, "appendices": [_appendix(a) for a in notice.appendices]}, ensure_ascii=False
    )


def _appendix(appendix: Appendix) -> dict[str, object]:
    return {"title": appendix.title, "blocks": [_block(item) for item in appendix.blocks]}


def _block(block: Block) -> dict[str, object]:
    return {"kind": type(block).__name__.lower()} | asdict(block)


def _fonts() -> Path:
    """The folder of the font's package."""
    try:
        return Path(str(resources.files(FONT_PACKAGE)))
    except ModuleNotFoundError:
        raise Stop("CH-REPORT-003", package=FONT_PACKAGE) from None
