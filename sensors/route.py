"""From a topic to the feeds whose filter it matches."""

from __future__ import annotations

from paho.mqtt.client import topic_matches_sub

CACHED = 50_000  # a county has fewer devices; a flood of new topics must not eat the memory


class Router:
    """Filters may overlap: a message then belongs to each of its feeds."""

    def __init__(self, filters: tuple[tuple[str, str], ...]) -> None:
        self._filters = filters
        self._known: dict[str, tuple[str, ...]] = {}
        self._strangers: set[str] = set()

    def feeds(self, topic: str) -> tuple[str, ...]:
        """The feeds of a topic, in the order of the specs; empty for a topic of no feed."""
        found = self._known.get(topic)
        if found is None:
            matching = (feed for feed, wanted in self._filters if topic_matches_sub(_bare(wanted), topic))
            found = tuple(dict.fromkeys(matching))
            if len(self._known) >= CACHED:
                self._known.clear()
            self._known[topic] = found
        return found

    def first_time(self, topic: str) -> bool:
        """Whether this stranger has not been reported yet (at most 1,000 are remembered)."""
        if topic in self._strangers or len(self._strangers) >= 1000:
            return False
        self._strangers.add(topic)
        return True


def _bare(wanted: str) -> str:
    """The filter inside a shared subscription `$share/<group>/<filter>`."""
    return wanted.split("/", 2)[2] if wanted.startswith("$share/") and wanted.count("/") >= 2 else wanted
