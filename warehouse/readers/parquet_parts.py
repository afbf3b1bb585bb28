"""Parquet, from the bulk path of databases: every column as text, so that one mapping serves all formats."""

from __future__ import annotations

from warehouse.readers.job import Job, Numbered, file_list, quoted


def read(job: Job, parts: list[Numbered]) -> str:
    """One SELECT over all files; a column that a file lacks is NULL. Times with zone keep their offset in the text."""
    paths = [job.file(part) for _, part in parts]
    files = f"read_parquet({file_list(paths)}, union_by_name = true)"
    names = [str(row[0]) for row in job.con.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()]
    job.columns.update(dict.fromkeys(names))
    exact = {name: name for name in names}
    folded = {name.lower(): name for name in names}  # databases fold names in their own way
    texts = ", ".join(
        f"CAST({quoted(name)} AS VARCHAR) AS s{i}"
        if (name := exact.get(source) or folded.get(source.lower()))
        else f"NULL::VARCHAR AS s{i}"
        for i, source in enumerate(job.sources)
    )
    return f"SELECT file_index::INTEGER + {parts[0][0]} AS part, NULL::VARCHAR AS place, {texts} FROM {files}"
