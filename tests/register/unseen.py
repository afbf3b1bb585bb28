"""Five sources that the repository has never seen, as their vendors would deliver them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl

from tests.servers.http import Answer, Request, as_json

DAY = "2026-11-20"
OWNER = {"owner__department": "县城市管理局", "owner__person": "数据专员", "owner__phone": "0371-00000099"}


def bins(request: Request) -> Answer:
    """Smart bins: pages of 40 that go on where `idx` says while `more` is Y; another name for each part."""
    if request.query.get("rq") != DAY:
        return as_json({"d": {"list": [], "more": "N"}, "idx": "end", "rc": 0})
    start = int(request.query.get("idx") or 0)
    rows = [_bin(number) for number in range(start, min(start + 40, 100))]
    more = start + 40 < 100
    return as_json({"rc": 0, "d": {"list": rows, "more": "Y" if more else "N"}, "idx": str(start + 40)})


def _bin(number: int) -> dict[str, Any]:
    return {
        "sbbh": f"LJT{number % 20:03d}",
        "cjsj": f"{DAY} {6 + number // 20:02d}:10:00",
        "myd": (number * 7) % 101,
        "wz": {"jd": 114.77 + number / 10000, "wd": 34.55},
        "zt": "正常" if number % 9 else "故障",
        "xq": f"0{number % 4 + 1}",
    }


def trees(folder: Path) -> Path:
    """A delivery of tree surveys in GB18030 with `;` and decimal commas; one line is cut off, one number is none."""
    lines = ["古树编号;树种;胸径(cm);树高(m);长势;调查日期;所属区域"]
    for number in range(60):
        girth = f"{20 + number / 8:.2f}".replace(".", ",")
        lines.append(
            f"GS{number:04d};{'国槐' if number % 3 else '银杏'};{girth};{8 + number % 5},5;"
            f"{('健康', '一般', '较差')[number % 3]};{DAY};0{number % 4 + 1}"
        )
    lines.append("GS0060;国槐;约三十;9,5;健康;2026-11-20;01")
    lines.append("GS0061;国槐")
    path = folder / "gushu_20261120.csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("gb18030"))
    return path


def complaints(folder: Path) -> Path:
    """A workbook with a title row: heating complaints with names and phones of people."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "投诉台账"
    sheet.append([f"{DAY} 供热投诉受理台账"])
    sheet.merge_cells("A1:G1")
    sheet.append(["工单号", "上报时间", "投诉人", "联系电话", "室温(℃)", "街道", "处理时间"])
    for number in range(30):
        sheet.append(
            [
                f"TS{number:05d}",
                f"{DAY} {8 + number // 6:02d}:{number % 6}0:00",
                "赵钱孙李周吴"[number % 6] + "某",
                f"138001380{number:02d}",
                14.5 + number / 10,
                ("金城街道", "产业集聚区", "五里河镇", "城郊乡")[number % 4],
                None if number % 5 == 0 else f"{DAY} 18:00:00",
            ]
        )
    path = folder / f"供热投诉_{DAY}.xlsx"
    book.save(path)
    return path


PUMPS = (
    "CREATE TABLE BZ_YXJL (JLID BIGINT PRIMARY KEY, BZBH VARCHAR(20) NOT NULL, CJSJ {time} NOT NULL,"
    " YW_MM INTEGER, GSYL_KPA NUMERIC(8, 2), SFYX SMALLINT, RKSJ {time}, XQ VARCHAR(4))"
)


def pump_rows() -> list[tuple[Any, ...]]:
    """Rows of pumping stations, a table that no feed of the repository has."""
    return [
        (
            number,
            f"BZ{number % 6:02d}",
            f"{DAY} {number // 6:02d}:00:00",
            350 + number,
            120.5,
            number % 2,
            f"{DAY} {number // 6:02d}:00:07",
            f"0{number % 4 + 1}",
        )
        for number in range(72)
    ]


def leak_messages() -> list[tuple[str, bytes]]:
    """Topic and payload of leak detectors."""
    return [
        (
            f"ranqi/jjq/T{number % 5}/sb",
            json.dumps(
                {"tcqbh": f"T{number % 5}", "sj": 1795132800000 + number * 60000, "nd": number % 7 / 10, "dcdl": 91},
            ).encode(),
        )
        for number in range(40)
    ]
