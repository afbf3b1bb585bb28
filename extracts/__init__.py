"""Extracts: what an upper level pulls, is pushed, or gets on a disk."""
