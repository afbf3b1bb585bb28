"""A small county in a real lake: four territories, two departments, manual scores, indicator values."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cityhub.settings import Settings
from scoring import policy, scheme
from warehouse import lake, migrate

MONTH = "2026-11"
TERRITORIES = {
    "jincheng": "金城街道办事处",
    "juji": "产业聚集区管委会",
    "wulihe": "五里河镇",
    "chengjiao": "城郊乡",
}
DEPARTMENTS = {"cgj": "县城市管理局", "gaj": "县公安局"}
UNITS = TERRITORIES | DEPARTMENTS
CAMPAIGNS = [member.id for member in scheme.load("qi-county").component("specials").members]
OFFICES = ["peace", "civil", "cgb", "garden"]

MANUAL = """
CREATE TABLE manual_special (service_day DATE, unit_code VARCHAR, month VARCHAR, campaign VARCHAR,
    unit VARCHAR, score DECIMAL(18, 4), scored_by VARCHAR, _load_id VARCHAR);
CREATE TABLE manual_office (service_day DATE, unit_code VARCHAR, month VARCHAR, office VARCHAR, unit VARCHAR,
    score DECIMAL(18, 4), _load_id VARCHAR);
CREATE TABLE manual_digital (service_day DATE, unit_code VARCHAR, month VARCHAR, unit VARCHAR,
    score DECIMAL(18, 4), reason VARCHAR, _load_id VARCHAR);
CREATE TABLE manual_event (service_day DATE, unit_code VARCHAR, event_id VARCHAR, rule VARCHAR, level VARCHAR,
    unit VARCHAR, count BIGINT, decided_on DATE, evidence VARCHAR, note VARCHAR, _load_id VARCHAR);
"""


class County:
    """A lake under `home` with one connection for filling and asking, because opening one is what costs."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(
            home=home,
            feeds=home / "feeds",
            catalog=str(home / "lake" / "catalog.sqlite"),
            data=str(home / "lake" / "data"),
        )
        self.con = lake.connect(self.settings)
        migrate.migrate(self.con, self.settings)
        statements = []
        for sort, (code, name) in enumerate(UNITS.items()):
            kind = "territory" if code in TERRITORIES else "department"
            statements.append(
                f"INSERT INTO unit VALUES ('{code}', '{name}', '{code}', '{kind}', '{kind}', {sort}, "
                "'test', 'test', NULL, NULL)"
            )
        self.run(
            *statements,
            "INSERT INTO unit VALUES ('qixian', '杞县', 'Qi County', 'county', NULL, 9, 'test', 'test', NULL, NULL)",
            "INSERT INTO platform VALUES ('sanitation', '智慧环卫', 'sanitation', 'cgj', 1), "
            "('lighting', '智慧路灯', 'lighting', 'cgj', 2), ('gas', '智慧燃气', 'gas', 'zjj', 3)",
            "INSERT INTO calendar_day VALUES (DATE '2026-11-20', 1, '2026-11', 5, TRUE, NULL, TRUE)",
        )

    def run(self, *statements: str) -> None:
        """Statements in one transaction."""
        with lake.write(self.con, self.settings, "test"):
            for statement in statements:
                self.con.execute(statement)

    def rows(self, select: str) -> list[tuple[object, ...]]:
        """Rows of a query."""
        return self.con.execute(select).fetchall()

    def snapshots(self) -> int:
        """How many snapshots the lake has: a run that writes nothing adds none."""
        return int(str(self.rows("SELECT count(*) FROM ducklake_snapshots('lake')")[0][0]))

    def scores(
        self,
        month: str = MONTH,
        *,
        special: str = "88",
        office: str = "90",
        but: dict[str, str] | None = None,
    ) -> None:
        """Manual sheets of a month: one number for all specials and offices; `but`: unit → its number."""
        first = f"DATE '{month}-01'"
        values, offices = [], []
        for unit in UNITS:
            number = (but or {}).get(unit)
            names = CAMPAIGNS if unit in TERRITORIES else CAMPAIGNS[:3]
            values += [f"({first}, NULL, '{month}', '{c}', '{unit}', {number or special}, '某人', 'L1')" for c in names]
            offices += [f"({first}, NULL, '{month}', '{o}', '{unit}', {number or office}, 'L1')" for o in OFFICES]
        self.run(
            f"INSERT INTO manual_special VALUES {', '.join(values)}",
            f"INSERT INTO manual_office VALUES {', '.join(offices)}",
        )

    def manual_tables(self) -> None:
        """The tables of the manual feeds, as their first load makes them."""
        self.run(*[part for part in MANUAL.split(";\n") if part.strip()])

    def indicators(self, month: str = MONTH, *, value: float = 90.0, state: str = "ok") -> None:
        """The same value for every indicator of the policy, for all units and the county."""
        codes = sorted({curve.code for curves in policy.load().leagues.values() for curve in curves})
        rows = [
            f"('{code}', '{unit}', 'month', '{month}', {value}, 100, {value}, 30, 30, 1.0, "
            f"'{state}', NULL, 0, now(), 'd')"
            for code in codes
            for unit in [*UNITS, "qixian"]
        ]
        self.run(f"INSERT INTO indicator_value VALUES {', '.join(rows)}")

    def day_value(self, day: str, value: float, month: str = MONTH) -> None:
        """One more indicator value of a day: the month has other content, its scores are the same."""
        self.run(
            f"INSERT INTO indicator_value VALUES ('SAN-02', 'juji', 'day', '{month}-{day}', {value}, 100, "
            f"{value}, 30, 30, 1.0, 'ok', NULL, 0, now(), 'd')"
        )

    def digital(self, month: str = MONTH, **scores: str) -> None:
        """Digital-city scores given by hand."""
        rows = [
            f"(DATE '{month}-01', NULL, '{month}', '{u}', {score}, '专班核定', 'L1')" for u, score in scores.items()
        ]
        self.run(f"INSERT INTO manual_digital VALUES {', '.join(rows)}")

    def event(
        self,
        event_id: str,
        rule: str,
        unit: str,
        *,
        level: str = "",
        count: int = 1,
        on: date = date(2026, 11, 10),
    ) -> None:
        """One bonus or deduction record."""
        self.run(
            f"INSERT INTO manual_event VALUES (DATE '{on}', NULL, '{event_id}', '{rule}', '{level}', "
            f"'{unit}', {count}, DATE '{on}', '考字1号', NULL, 'L1')"
        )
