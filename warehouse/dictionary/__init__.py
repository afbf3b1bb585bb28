"""The dictionary: what tables and columns mean, in Chinese and English, with grain, key, null meaning and warnings.

Nothing is written twice: titles and sentences stand in `../dictionary.yaml` and in the feed specs, usage in
`usage.yaml`, types in the migrations and specs. `entry` is what is said of a table, `hub` and `feeds` make it,
`comments` puts it into the warehouse, `frictionless` into a data package.
"""

from __future__ import annotations

from pathlib import Path

from warehouse.dictionary.comments import STORED, apply, core_comments, feed_comments, missing
from warehouse.dictionary.words import FILE, USAGE

__all__ = ["FILES", "STORED", "apply", "core_comments", "feed_comments", "missing"]

# What comments are made from beside the specs and migrations: when one of them changes they are looked at again.
FILES = (FILE, USAGE, *sorted(Path(__file__).parent.glob("*.py")))
