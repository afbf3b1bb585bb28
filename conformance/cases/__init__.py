"""The cases of the suite, in the order in which they run: a name, one promise, one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.cases import columns, deletes, examples, killed, others, pages, personal, planted, rerun, versions
from conformance.trial import Bench


@dataclass(frozen=True)
class Case:
    """`run` gives what was seen in a few words; it raises `Broken` or `NotApplicable`."""

    promise: str
    run: Callable[[Bench], str]


CASES = {
    "examples": Case("every example of the spec becomes what it says", examples.run),
    "second_run": Case("the same delivery again adds nothing: rows, ledger, quarantine, findings", rerun.run),
    "killed": Case("killed at each stage and run again, all is as if nothing had been", killed.run),
    "duplicated_page": Case("a page that comes twice doubles no row", pages.duplicated),
    "truncated_page": Case("an answer that is cut off loses no good row and adds no half one", pages.truncated),
    "repeated_page": Case("a source that sends one page for ever comes to an end, with an error", pages.repeated),
    "wrong_total": Case("a stated total that is wrong is told, and the rows that came are loaded", pages.wrong_total),
    "column_added": Case("a new column does what the contract says", columns.added),
    "column_missing": Case("a missing column that may be empty does what the contract says", columns.missing),
    "column_required": Case("a missing column that is required never empties the table", columns.required),
    "column_renamed": Case("a renamed column does what the contract says", columns.renamed),
    "column_retyped": Case("a column of another type does what the contract says", columns.retyped),
    "late_row": Case("a late row lands in its own day and marks that day", versions.late),
    "corrected_row": Case("a corrected row replaces the one before", versions.corrected),
    "older_version": Case("an older version that comes later replaces nothing", versions.older),
    "deletes": Case("what is gone at the source goes as the spec declares, and comes back only as newer", deletes.run),
    "secrets": Case("no secret stands in a log, an error or a file", planted.run),
    "personal": Case("no value of a person is stored or logged as it was sent", personal.run),
    "others_untouched": Case("when this feed fails, the others stay as they are, byte by byte", others.run),
}
