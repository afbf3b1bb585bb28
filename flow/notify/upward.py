"""What is wrong with the upper levels that a night pushes to, as alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cityhub.errors import HubError, Usage
from cityhub.settings import Settings
from extracts import config
from extracts.push.standing import Standing, standing
from extracts.push.template import read
from flow.notify.alert import Alert

WAITING, REFUSED = "push_waiting", "push_refused"


def alerts(settings: Settings, hub: str) -> Iterator[Alert]:
    """One alert for what is in the way of all rows of an upper level, one for the rows that it does not take; `hub`:
    who runs this one. A file that cannot be read is an alert too."""
    try:
        targets = config.load().push
    except Usage as error:
        yield _in_the_way("push:extracts.yaml", "extracts.yaml 无法使用，未向上级报送", error.as_dict(), None, hub)
        return
    for target in targets:
        found = standing(settings, target)
        title = _title(target)
        if found.error is not None:
            whose = title if found.error["who"] == "the upper level" else hub
            said = f"{title}（{target}）：数据未能上报，{found.waiting} 条待报"
            yield _in_the_way(f"push:{target}", said, found.error, found.since, whose)
        if found.dead or found.unmapped:
            yield _refused(found, title, hub)


def _in_the_way(key: str, title: str, error: dict[str, Any], since: str | None, whose: str) -> Alert:
    passing = error["family"] == "Retry"
    return Alert(
        key, WAITING, "warning" if passing else "critical", title, since=since, whose=whose,
        todo=error["fix"], detail=error["what"], code=error["code"],
    )  # fmt: skip


def _refused(found: Standing, title: str, hub: str) -> Alert:
    return Alert(
        f"push:{found.target}:rows", REFUSED, "warning",
        f"{title}（{found.target}）：{found.dead} 条被拒收，{found.unmapped} 条无对应编码，未上报", whose=hub,
        todo=f"cityhub extract outbox list {found.target}，修改模板或数据后自动续报；被拒收的用 outbox retry 重报",
    )  # fmt: skip


def _title(target: str) -> str:
    try:
        return read(target).title.get("zh", target)
    except HubError:
        return target
