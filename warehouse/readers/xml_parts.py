"""XML: each record element becomes one JSON object, attributes and children by name, in a stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lxml import etree

from cityhub.errors import Stop
from warehouse.readers.job import Job, Numbered, opened
from warehouse.readers.json_parts import select


def read(job: Job, parts: list[Numbered]) -> str:
    """Records are all elements of the name that the manifest or the spec gives, wherever they stand."""
    record = str(job.option("record") or job.option("records_at") or "").rsplit(".", 1)[-1]
    if not record:
        raise Stop("CH-LOAD-008", feed=job.spec.feed, field="source", problem="XML needs the record element's name")
    paths = [_converted(job, number, part, record) for number, part in parts]
    return select(job, paths, parts[0][0], "newline_delimited")


def _converted(job: Job, number: int, part: Any, record: str) -> Path:
    target = job.work / f"{number:06d}.ndjson"
    with opened(job.file(part)) as stream, target.open("w", encoding="utf-8") as out:
        try:
            # Entities and networks stay off: a record must not read files of the hub or call out.
            events = etree.iterparse(
                stream, events=("end",), tag=("{*}" + record, record), resolve_entities=False, no_network=True,
                load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
            )  # fmt: skip
            for _, element in events:
                content = _object(element)
                job.columns.update(dict.fromkeys(content))
                out.write(json.dumps(content, ensure_ascii=False) + "\n")
                element.clear()
                while element.getprevious() is not None:  # read siblings would pile up in memory
                    del element.getparent()[0]
        except etree.XMLSyntaxError as error:
            line, column = error.position
            raise job.broken(part, f"not well-formed XML at line {line}, column {column}") from None
    return target


def _object(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = {_local(name): value for name, value in element.attrib.items()}
    for child in element:
        if isinstance(child.tag, str):
            found[_local(child.tag)] = _object(child) if len(child) else child.text
    return found


def _local(name: object) -> str:
    return str(name).rsplit("}", 1)[-1]
