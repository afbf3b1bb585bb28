"""Measurements beside peers and beside the limit, interleaved in one run on one machine."""
