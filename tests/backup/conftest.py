from tests.plan.conftest import made, town

__all__ = ["made", "town"]
