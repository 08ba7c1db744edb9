"""The cursor of a pull: past which page of which window it is, and what a window did not give that it counted.

A window over what was made is as long as it was when it was counted; a row that comes again was pushed on by one that
slipped in before it, on a page that had been read. A window over the last change holds whatever entered it meanwhile,
at any place, and pages that are on their way at once may be read before and after that. Once it gave as many rows as
it counted last, none was passed over. Else it is read once more, and only what it then lacks of its first count is
missing: what entered later belongs to the next check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.types import WindowAxis
from app.sync.counting import uncounted
from app.sync.lease import Run
from app.sync.listing import ListedPage

BEGINNING: Final[Mapping[str, Any]] = {"at": 0, "page": 1, "rows": 0, "slipped": 0, "last": [], "told": []}


def step(run: Run, listed: ListedPage) -> None:
    """Move the cursor past a page. A window that gave fewer rows than it promised is named, never passed over."""
    cursor, page = run.here, listed.page
    ids = [stub.remote_id for stub in page.stubs]
    fresh = len(set(ids) - set(cursor["last"]))
    cursor["rows"] += fresh
    cursor["slipped"] += len(ids) - fresh
    if page.total is not None:
        cursor["told"] = [cursor["told"][0] if cursor["told"] else page.total, page.total]
    if not page.is_last:
        cursor.update(at=listed.index, page=page.number + 1, last=ids)
        return
    window = listed.counted.window
    if window.axis is WindowAxis.CREATED:
        _note_short(run, window.list_id, _not_given(cursor, listed))
    elif cursor["second"]:
        _note_short(run, window.list_id, (cursor["told"] or [listed.counted.total or 0])[0] - cursor["rows"])
    elif max([listed.counted.total or 0, *cursor["told"]]) > cursor["rows"]:
        cursor["again"] += uncounted([window])
    cursor.update(BEGINNING, at=listed.index + 1)


def read_again(run: Run) -> bool:
    """Set out to read once more what did not give all that it counted; False when there is nothing. Does not save."""
    cursor = run.here
    if not cursor["again"]:
        return False
    cursor.update(BEGINNING, uncounted=cursor["again"], windows=[], again=[], second=True)
    run.done, run.total = 0, None
    return True


def _not_given(cursor: Mapping[str, Any], listed: ListedPage) -> int:
    promised = listed.page.total if listed.page.total is not None else listed.counted.total or 0
    return int(max(promised - cursor["rows"], cursor["slipped"]))


def _note_short(run: Run, list_id: str, missing: int) -> None:
    if missing > 0:
        run.here["short"].append([list_id, missing])
        run.count(short=missing)
