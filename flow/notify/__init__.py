"""Alerts: what is wrong, to whom it is told, once, and told again when it is over."""
