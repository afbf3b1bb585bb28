"""What a feed's spec says of its devices, carried out on the records that land."""

from __future__ import annotations

from collections.abc import Callable

from cityhub.errors import Usage
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import Hj212Source


def finishing(spec: FeedSpec) -> Callable[[bytes], bytes] | None:
    """Record in, record out; None where records land as they are. Raises `Usage` CH-PUSH-036 for units that nothing is
    known of.
    """
    if not isinstance(spec.source, Hj212Source) or not spec.source.units:
        return None
    from sensors.hj212.units import Units

    try:
        return Units(spec.source.units).converted
    except ValueError as error:
        raise Usage("CH-PUSH-036", feed=spec.feed, detail=str(error)) from None
