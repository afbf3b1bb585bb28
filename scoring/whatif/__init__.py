"""A scheme over an inputs file: no warehouse, no clock, the same engine."""
