"""Retention: what may go by the specs, what is still needed, what went and the proof of it."""
