"""Pull: a copy of another hub's extracts in DuckDB or a folder, proved by signatures, kept up to date by changes."""
