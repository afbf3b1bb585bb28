"""Structured logs: one line an event, `key=value`, the same keys everywhere (feed, interval, run, rows)."""

from __future__ import annotations

import logging

from cityhub.secrets import redact


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


def get(name: str) -> logging.Logger:
    """A logger whose every line is redacted, whoever configured the handlers."""
    logger = logging.getLogger(name)
    if not any(isinstance(item, _Redacting) for item in logger.filters):
        logger.addFilter(_Redacting())
    return logger


def event(logger: logging.Logger, name: str, level: int = logging.INFO, **fields: object) -> None:
    """Write one event: `event name key=value …`; None values are left out."""
    pairs = " ".join(f"{key}={_quote(value)}" for key, value in fields.items() if value is not None)
    logger.log(level, "%s %s", name, pairs)


def _quote(value: object) -> str:
    text = str(value)
    return f'"{text}"' if any(c in text for c in ' "=') else text
