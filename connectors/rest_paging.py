"""Which page comes next, and when it is over: totals, short pages, repeated pages, repeated cursors."""

from __future__ import annotations

from cityhub.errors import Stop
from cityhub.spec.source import CursorPaging, MoreFlag, OffsetPaging, PagePaging, Paging
from connectors.rest_page import Page, Place

Params = dict[str, str]


class Pager:
    """Walks one delivery's pages.

    A paging ends at an empty page, or at a short page that reaches the stated total; a full page that reaches
    the total is followed by one more call, because totals are often wrong. Where the answer has a flag that says
    whether more follows (`more_at`), that flag ends it and a short page does not. An offset moves by what really
    came: sources that cap the page size lose nothing. A cursor ends when it is absent, null or empty.
    """

    def __init__(self, paging: Paging, place: Place, max_pages: int) -> None:
        self.paging, self.place, self.max_pages = paging, place, max_pages
        self.number = 1
        self.count = 0
        self.total: int | None = None
        self.findings: list[str] = []
        self._seen: dict[str, int] = {}
        self._cursors: set[str] = set()

    def first(self) -> Params:
        """Parameters of the first page."""
        if isinstance(self.paging, PagePaging):
            return {
                self.paging.page_param: str(self.paging.first),
                self.paging.size_param: str(self.paging.size),
            }
        if isinstance(self.paging, OffsetPaging):
            return {self.paging.offset_param: "0", self.paging.size_param: str(self.paging.size)}
        if isinstance(self.paging, CursorPaging) and self.paging.size_param:
            return {self.paging.size_param: str(self.paging.size)}
        return {}

    def keeps(self, page: Page, number: int, identity: str) -> bool:
        """Whether to land the page `number`, of which `next` has been asked; False for one that only repeats the
        end, where the delivery is over.

        Raises `Stop` CH-PULL-015 for a repeated page while records are still missing.
        """
        if page.count == 0:
            return number == 1
        before = self._seen.setdefault(identity, number)
        if before == number:
            return True
        self.count -= page.count
        if self.total is not None and self.count >= self.total:
            self.findings.append(f"the source repeats page {before} beyond its end; that was left out")
            return False
        detail = f"its {page.count} records are the same as those of page {before}"
        raise Stop("CH-PULL-015", **{**self.place, "page": number, "detail": detail})

    def next(self, page: Page) -> Params | None:
        """Parameters of the page after this one; None at the end."""
        if isinstance(self.paging, (PagePaging, OffsetPaging, CursorPaging)):
            self._note_total(page, self.paging.total_at)
        self.count += page.count
        params = self._following(page)
        if params is not None:
            self.number += 1
            if self.number > self.max_pages:
                raise Stop("CH-PULL-016", **{**self.place, "page": self.max_pages})
        return params

    def finish(self) -> None:
        """Compare what came with what was stated; differences become findings."""
        if self.total is not None and self.total != self.count:
            self.findings.append(f"the source states {self.total} records and delivered {self.count}")

    def _note_total(self, page: Page, path: str | None) -> None:
        stated = page.says(path)
        try:
            total = None if stated is None or isinstance(stated, bool) else int(stated)
        except (TypeError, ValueError):
            return
        if total is None:
            return
        if self.total is not None and total != self.total and page.count:
            change = f"from {self.total} to {total} at page {self.number}"
            self.findings.append(f"the stated total changed {change}: rows came or went meanwhile")
        if self.total is None or page.count:
            self.total = total

    def _following(self, page: Page) -> Params | None:
        if isinstance(self.paging, CursorPaging):
            return self._next_cursor(page, self.paging)
        if not isinstance(self.paging, (PagePaging, OffsetPaging)):
            return None
        if self._over(page, self.paging):
            return None
        short = page.count < self.paging.size and self.paging.more_at is None
        if page.count == 0 or (short and self.total is not None and self.count >= self.total):
            return None
        if isinstance(self.paging, PagePaging):
            number = str(self.paging.first + self.number)
            return {self.paging.page_param: number, self.paging.size_param: str(self.paging.size)}
        return {self.paging.offset_param: str(self.count), self.paging.size_param: str(self.paging.size)}

    @staticmethod
    def _over(page: Page, paging: MoreFlag) -> bool:
        """Whether the answer's own flag says that nothing follows; a flag that is absent says so too."""
        return paging.more_at is not None and str(page.says(paging.more_at)).strip().lower() not in {
            word.lower() for word in paging.more
        }

    def _next_cursor(self, page: Page, paging: CursorPaging) -> Params | None:
        if self._over(page, paging):
            return None
        value = page.says(paging.cursor_at)
        if value is None or value == "" or value is False:
            return None
        cursor = str(value)
        if cursor in self._cursors:
            if page.count == 0:
                return None
            detail = f"it names the cursor {cursor[:60]} again"
            raise Stop("CH-PULL-015", **{**self.place, "page": self.number, "detail": detail})
        self._cursors.add(cursor)
        size = {paging.size_param: str(paging.size)} if paging.size_param else {}
        return {paging.cursor_param: cursor, **size}
