"""Publications as data products for other levels of government: numbered, signed files and what changed between them.

`make` writes an extract of each publication, `store` finds them, `records` reads rows and changes; docs/extracts.md is
for the other side.
"""
