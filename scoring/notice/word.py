"""The notice as DOCX, for an office that edits and signs it: the same blocks, A4, East Asian fonts by their names."""

from __future__ import annotations

import io
from datetime import UTC
from typing import Any

from scoring.notice import archive
from scoring.notice.document import Block, Heading, Notice, Paragraph, Table

# Fonts that Windows and WPS bring; the file names them, it does not carry them.
BODY, HEAD, TITLE, LATIN = "仿宋", "黑体", "宋体", "Times New Roman"
WIDTH_MM = 156


def render(notice: Notice) -> bytes:
    """The DOCX; the same notice gives the same bytes."""
    from docx import Document

    document: Any = Document()
    _page(document, notice)
    _front(document, notice)
    for block in notice.blocks:
        _block(document, block)
    for appendix in notice.appendices:
        document.add_page_break()
        _text(document.add_paragraph(), appendix.title, size=16, font=HEAD)
        for block in appendix.blocks:
            _block(document, block)
    properties, at = document.core_properties, notice.at.astimezone(UTC).replace(tzinfo=None)
    properties.title, properties.author, properties.comments = "".join(notice.title), "CityHub", notice.foot
    properties.created = properties.modified = at
    properties.last_modified_by, properties.revision = "CityHub", 1
    out = io.BytesIO()
    document.save(out)
    return archive.pack(out.getvalue(), notice.at)


def _page(document: Any, notice: Notice) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Mm, Pt

    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = LATIN, Pt(16)
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(_name("w:eastAsia"), BODY)
    language = OxmlElement("w:lang")
    language.set(_name("w:val"), "en-US")
    language.set(_name("w:eastAsia"), "zh-CN")
    normal.element.get_or_add_rPr().append(language)
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(22), Mm(18)
    document.settings.odd_and_even_pages_header_footer = True
    for header in (section.header, section.even_page_header):
        _text(header.paragraphs[0], notice.head, size=9)
    for footer, side in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        line = footer.paragraphs[0]
        line.alignment = side
        _text(line, "— ", size=14, font=TITLE)
        _field(line, "PAGE", 14)
        _text(line, " —", size=14, font=TITLE)
        small = footer.add_paragraph()
        _text(small, f"{notice.foot}　共 ", size=6.5)
        _field(small, "NUMPAGES", 6.5)
        _text(small, " 页", size=6.5)


def _front(document: Any, notice: Notice) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    number = document.add_paragraph()
    number.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _text(number, "文号：＿＿＿＿〔　　　　〕＿＿＿号", size=14)
    for words, size in (*((part, 22) for part in notice.title), (notice.subtitle, 16)):
        if words:
            line = document.add_paragraph()
            line.alignment = WD_ALIGN_PARAGRAPH.CENTER
            line.paragraph_format.space_before = line.paragraph_format.space_after = Pt(6)
            _text(line, words, size=size, font=TITLE, bold=True)


def _block(document: Any, block: Block) -> None:
    if isinstance(block, Heading):
        line = _spaced(document)
        line.paragraph_format.keep_with_next = True
        _text(line, block.text, size=16, font=HEAD if block.level == 1 else "楷体")
    elif isinstance(block, Paragraph):
        _paragraph(document, block)
    else:
        _table(document, block)


def _spaced(document: Any, indent: bool = True) -> Any:
    from docx.shared import Pt

    line = document.add_paragraph()
    form = line.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing = Pt(28)
    if indent:
        form.first_line_indent = Pt(32)
    return line


def _paragraph(document: Any, block: Paragraph) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    line = _spaced(document, indent=block.style == "plain")
    if block.style == "note":
        line.paragraph_format.line_spacing = Pt(14)
    if block.style == "blank":
        line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        line.paragraph_format.right_indent = Pt(64)
    _text(line, block.text, size=9 if block.style == "note" else 16, bold=block.style == "notice")


def _table(document: Any, block: Table) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    caption = document.add_paragraph()
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.keep_with_next = True
    caption.paragraph_format.space_after = Pt(2)
    _text(caption, block.caption, size=10.5, font=HEAD)
    grid = document.add_table(rows=1, cols=len(block.columns))
    grid.style, grid.alignment, grid.autofit = document.styles["Table Grid"], WD_TABLE_ALIGNMENT.CENTER, False
    whole = sum(column.width for column in block.columns)
    widths = [Mm(WIDTH_MM * column.width / whole) for column in block.columns]
    sides = {"left": WD_ALIGN_PARAGRAPH.LEFT, "center": WD_ALIGN_PARAGRAPH.CENTER, "right": WD_ALIGN_PARAGRAPH.RIGHT}
    size = 8 if len(block.columns) > 8 else 9
    for cell, column in zip(grid.rows[0].cells, block.columns, strict=True):
        cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        _text(cell.paragraphs[0], column.title, size=size, font=HEAD)
    _on(grid.rows[0]._tr.get_or_add_trPr(), "w:tblHeader")
    for values in block.rows:
        row = grid.add_row()
        for cell, column, value in zip(row.cells, block.columns, values, strict=True):
            cell.paragraphs[0].alignment = sides[column.align]
            _text(cell.paragraphs[0], value.text, size=size, bold=value.mark == "missing")
            if value.mark:
                _shade(cell, "D9D9D9" if value.mark == "missing" else "F2F2F2")
    for row in grid.rows:
        _on(row._tr.get_or_add_trPr(), "w:cantSplit")
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = width
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    document.add_paragraph().paragraph_format.line_spacing = Pt(8)


def _text(line: Any, words: str, *, size: float, font: str = BODY, bold: bool = False) -> None:
    """A run with both its fonts: Latin and East Asian."""
    from docx.shared import Pt

    run = line.add_run(words)
    run.font.name, run.font.size, run.bold = LATIN, Pt(size), bold or None
    run._r.get_or_add_rPr().get_or_add_rFonts().set(_name("w:eastAsia"), font)


def _field(line: Any, name: str, size: float) -> None:
    """A field that the word processor fills in: PAGE, NUMPAGES."""
    from docx.oxml import OxmlElement
    from docx.shared import Pt

    run = line.add_run()
    run.font.name, run.font.size = LATIN, Pt(size)
    for kind in ("begin", "instr", "end"):
        element = OxmlElement("w:instrText" if kind == "instr" else "w:fldChar")
        if kind == "instr":
            element.text = name
        else:
            element.set(_name("w:fldCharType"), kind)
        run._r.append(element)


def _shade(cell: Any, fill: str) -> None:
    from docx.oxml import OxmlElement

    shade = OxmlElement("w:shd")
    for key, value in (("val", "clear"), ("color", "auto"), ("fill", fill)):
        shade.set(_name(f"w:{key}"), value)
    cell._tc.get_or_add_tcPr().append(shade)


def _on(properties: Any, name: str) -> None:
    """Switch a property of a row on."""
    from docx.oxml import OxmlElement

    element = OxmlElement(name)
    element.set(_name("w:val"), "true")
    properties.append(element)


def _name(tag: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(tag))
