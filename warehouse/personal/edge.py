"""Landing's edge for feeds with personal fields: what `Delivery` stores instead of the bytes as received.

While a declared personal column is missing from a delivery, it may stand there under a new name: then columns that
the spec does not know are sealed as well. They are mapped nowhere, so this costs nothing, and once the spec knows
the new name the landed tokens are the right ones.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, replace
from datetime import date
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote_plus

import msgspec
from lxml import etree

from cityhub import personal
from cityhub.errors import HubError, Stop
from cityhub.secrets import lookup
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse.landing import Delivery, Format, Sealed
from warehouse.personal.key import NAME, fingerprint, is_personal, key_of
from warehouse.personal.seal import Seal, seals, withheld
from warehouse.personal.seal_csv import CsvSealer
from warehouse.personal.seal_json import JsonSealer
from warehouse.personal.seal_table import seal_parquet, seal_rows
from warehouse.personal.seal_xml import seal_xml
from warehouse.readers.json_parts import CELL, PROBLEM_KEY
from warehouse.readers.text import decoded
from warehouse.readers.xlsx_parts import sheet_rows

Options = Mapping[str, str | int]
# Parts of an error in which a source, a driver or a file may be quoted.
_QUOTING = {"detail", "message", "value", "found", "file"}
# In the name of a file or a query: whatever stands around it.
_PERSON = re.compile(r"(?<!\d)(1[3-9]\d{9}|[1-9]\d{16}[\dXx])(?!\d)")


def delivery(settings: Settings, spec: FeedSpec, day: date) -> Delivery:
    """A delivery to write for a feed, protected where the spec says so. The only way to make one.

    Raises `Stop` CH-CONF-001 without the key, CH-PERS-003 for a spec that cannot be followed.
    """
    return Delivery(settings.landing, spec.feed, day, edge=of(spec))


def trial(landing: Path, spec: FeedSpec, day: date) -> Delivery:
    """A delivery for the eye only (preview, examples), protected like any other; where there is no key yet, with
    one of this moment."""
    return Delivery(
        landing, spec.feed, day, edge=Edge(spec, lookup(NAME) or token_hex(32)) if is_personal(spec) else None
    )


def of(spec: FeedSpec) -> Edge | None:
    """The edge of a feed; None where nothing is personal."""
    return Edge(spec, key_of(spec)) if is_personal(spec) else None


@dataclass
class Edge:
    """The protection of one feed's deliveries. `sealed` grows with columns sealed as strangers."""

    spec: FeedSpec
    secret: InitVar[str]
    sealed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self, secret: str) -> None:
        self._key = secret
        self.key = fingerprint(secret)
        self._seals = seals(self.spec, self._key)
        self.sealed |= {source: seal.how for source, seal in self._seals.items()}
        self._declared = {item.source for item in self.spec.fields.values()}
        self._strangers: dict[str, Seal] = {}
        self._json = JsonSealer(self._seals, self._declared, self._key, self._stranger)
        self._known = frozenset({self.spec.feed, self.spec.table, *self._declared, *self.spec.fields})

    def stored_as(self, form: Format) -> Format:
        """The format in which a body lands: a workbook lands as its records."""
        return "ndjson" if form == "xlsx" else form

    def seal(self, records: bytes, form: Format, options: Options, columns: tuple[str, ...]) -> Sealed:
        """Records in their landing form. Raises `Stop` CH-PERS-002 for a body that nobody can take apart."""
        try:
            return self._sealed(records, form, options, columns)
        except (msgspec.DecodeError, etree.XMLSyntaxError, UnicodeError, LookupError, RecursionError) as error:
            # The error's own words may quote the body.
            raise Stop("CH-PERS-002", feed=self.spec.feed, format=form, detail=type(error).__name__) from None

    def _sealed(self, records: bytes, form: Format, options: Options, columns: tuple[str, ...]) -> Sealed:
        def option(name: str) -> str:
            return str(options.get(name) or getattr(self.spec.source, name, None) or "")

        if form == "json":
            return Sealed(self._json.array(records), columns)
        if form == "ndjson":
            problems = columns[:1] == (PROBLEM_KEY,)
            return Sealed(self._json.problems(records) if problems else self._json.lines(records), columns)
        if form == "xml":
            record = (option("record") or option("records_at")).rsplit(".", 1)[-1]
            tops = {name.split(".", 1)[0] for name in self._declared}
            return Sealed(seal_xml(records, record, self._json.tree, tops, self._stranger), columns)
        if form == "parquet":
            return Sealed(seal_parquet(records, self._columns), columns)
        if form == "xlsx":
            sheet, header_row = option("sheet") or None, int(option("header_row") or 1)
            names, rows = sheet_rows(
                records, sheet, header_row, getattr(self.spec.source, "melt", None), self.spec.feed
            )
            self._some_header(names)
            found = list(dict.fromkeys(key for row in rows for key in row)) or [*names, CELL]
            return Sealed(seal_rows(rows, self._columns(found)), tuple(found))
        return self._csv(records, option("encoding"), option("delimiter") or ",", int(option("header_row") or 1))

    def _csv(self, records: bytes, encoding: str, delimiter: str, header_row: int) -> Sealed:
        text = decoded(records, encoding)
        sealer = CsvSealer(delimiter, self._key)
        names = [cell.strip().strip("\u3000") for cell in sealer.header(text, header_row)]
        self._some_header(names)
        chosen = self._columns(names)
        at = {position: chosen[name] for position, name in enumerate(names) if name in chosen}
        body = sealer.seal(text, header_row, at, len(names))
        # With a byte order mark: it wins over the encoding that the spec declares.
        return Sealed(codecs.BOM_UTF8 + body.encode(), tuple(name for name in names if name))

    def _some_header(self, names: list[str]) -> None:
        """A file without header begins with a row, and its cells would become names of columns."""
        if names and not set(names) & self._declared:
            raise Stop("CH-PERS-004", feed=self.spec.feed, columns=len(names), wanted=", ".join(sorted(self._declared)))

    def _columns(self, names: list[str]) -> dict[str, Seal]:
        folded = {source.lower(): seal for source, seal in self._seals.items()}
        found = {name: self._seals.get(name) or folded.get(name.lower()) for name in names}
        chosen = {n: s for n, s in found.items() if s is not None and (n in self._seals or n not in self._declared)}
        present = {seal.source for seal in chosen.values()}
        if present >= set(self._seals):
            return chosen
        for name in names:
            if name and name not in chosen and name not in self._declared and not name.startswith("_"):
                chosen[name] = self._stranger(name)
        return chosen

    def _stranger(self, name: str) -> Seal:
        """For a column that may be a personal one under a new name: as most of what a feed keeps of a person."""
        if name not in self._strangers:
            model = max(self._seals.values(), key=lambda seal: ("drop", "mask", "hash").index(seal.how))
            self._strangers[name] = replace(model, source=name, pattern=None, codes={}, memory={})
            self.sealed[name] = model.how
        return self._strangers[name]

    def request(self, text: str) -> str:
        """A call as the manifest may show it: a page's cursor is often the last record's key."""
        cursor = getattr(getattr(self.spec.source, "paging", None), "cursor_param", None)
        if cursor:
            name = re.escape(quote_plus(cursor))
            text = re.sub(rf"(?<=[?&]){name}=[^&\s]*", self._hidden, text)
        return _PERSON.sub("…", text)

    def _hidden(self, parameter: re.Match[str]) -> str:
        return f"{parameter[0].partition('=')[0]}={withheld(self._key, parameter[0])}"

    def quiet(self, text: str) -> str:
        """A finding or message without the values that it quotes."""
        return personal.quiet(text, self._known)

    def quieted(self, error: HubError) -> HubError:
        """The error without what the source said about its rows."""
        place = dict(error.place)
        for name in _QUOTING & place.keys():
            place[name] = self.quiet(str(place[name]))
        if error.code == "CH-PULL-012":  # it begins with what the source sent
            place["detail"] = "not shown: the feed has personal fields"
        again = type(error)(error.code, **place)
        again.exit_code = error.exit_code
        return again
