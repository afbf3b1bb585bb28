"""All indicators over a month of a county's detail. See bench/README.md."""

from __future__ import annotations
