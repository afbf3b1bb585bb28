"""Watches: what is noticed on every feed without being asked; `run` does a day, one module a subject."""
