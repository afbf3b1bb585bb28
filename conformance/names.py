"""The names of secrets that a spec uses."""

from __future__ import annotations

from pydantic import BaseModel

from cityhub.spec.feed import FeedSpec

NAMES = {"user", "password", "token", "app_key", "secret", "sm4_key", "auth_key", "m1", "ia1", "ic1"}


def secret_names(spec: FeedSpec) -> list[str]:
    """The names of all secrets that a spec uses."""
    found: list[str] = []
    for model in (spec.source, getattr(spec.source, "auth", None)):
        if isinstance(model, BaseModel):
            found += [
                str(getattr(model, name))
                for name in type(model).model_fields
                if name in NAMES and getattr(model, name) is not None
            ]
    return list(dict.fromkeys(found))
