"""Beside its scores a publication holds sites with their last values, and rows that single consumers are granted.

No score is computed from them, so they are no part of a final month's identity: a site that is moved later makes no
month another one.
"""
