"""Codes of national standards as data: divisions, unit grids, classes of parts and matters."""
