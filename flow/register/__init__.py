"""Registering a feed: check, preview, connect, activate, compare; for people who do not program."""
