"""The cursor of a verification: past which page of which window it is, and what is read a second time.

A window that did not give all that it counted is read once more; what neither reading gave is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select

from app.channels.models import Marketplace
from app.completeness.models import VerificationRead
from app.core.types import OrderPage, WindowAxis
from app.extensions import db
from app.sync.counting import window_of
from app.sync.lease import Run
from app.sync.listing import CountedWindow, ListedPage
from app.tenancy.scope import current_store_id, store_scope

BEGINNING: Final[Mapping[str, Any]] = {"at": 0, "page": 1, "rows": 0, "slipped": 0, "last": []}


def step(run: Run, listed: ListedPage, counted: CountedWindow) -> None:
    """Move the cursor past a page; a window that gave fewer rows than it counted is read again (`app.sync.steps`).

    A window over the last change that is read beside those over what was made is not held to its count: orders move
    on while one reads it.
    """
    here, page = run.here, listed.page
    ids = [stub.remote_id for stub in page.stubs]
    fresh = len(set(ids) - set(here["last"]))
    here["rows"] += fresh
    here["slipped"] += len(ids) - fresh
    if not page.is_last:
        here.update(at=listed.index, page=page.number + 1, last=ids)
        return
    not_given = _missing(here, page, counted)
    if not_given > 0:
        here["again"].append([*here["windows"][listed.index], not_given])
    here.update(BEGINNING, at=listed.index + 1)


def _missing(here: Mapping[str, Any], page: OrderPage, counted: CountedWindow) -> int:
    """How many rows a window did not give of those that it counted."""
    if counted.window.axis is WindowAxis.CREATED:
        promised = page.total if page.total is not None else counted.total or 0
        return int(max(promised - here["rows"], here["slipped"]))
    if not here["one_road"]:
        return 0
    # What entered it meanwhile may lie on a page that was read: the second reading is held to the first count alone.
    promised = max(counted.total or 0, 0 if here["second"] else page.total or 0)
    return int(promised - here["rows"])


def read_again(run: Run) -> bool:
    """Set out to read once more the windows that did not give all that they counted; False when that is done.

    What neither road gave is told.
    """
    here = run.here
    again, is_second = here["again"], here["second"]
    if not again:
        return False
    if is_second:
        with store_scope(run.store_id):
            here.update(again=[], short=sum(_not_given(here["id"], row) for row in again))
        run.count(short=here["short"])
    else:
        here.update(BEGINNING, windows=[row[:5] for row in again], again=[], second=True)
    with store_scope(run.store_id):
        run.save()
        db.session.commit()
    return not is_second


def _not_given(verification_id: int, row: Sequence[Any]) -> int:
    """How many orders of a window were counted and not read by any road; where that cannot be told, those that it did
    not give."""
    window, total = window_of(row[:5]).window, row[3]
    if total is None or window.axis is WindowAxis.UPDATED:
        return int(row[5])
    read = select(func.count()).where(
        VerificationRead.store_id == current_store_id(),
        VerificationRead.verification_id == verification_id,
        VerificationRead.marketplace_id == Marketplace.id,
        VerificationRead.created_at.between(window.since, window.until),
        Marketplace.store_id == VerificationRead.store_id,
        Marketplace.remote_id == window.list_id,
    )
    return max(0, int(total) - (db.session.scalar(read) or 0))
