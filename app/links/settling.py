"""What moves links without a person: the clock that ends requests, and rules that are broken and mended.

The tick asks one door for all stores what is to be done, which costs a look into an index for each live link; so a rule
is looked at every second, and the night brings nothing new.
"""

from __future__ import annotations

from app.core.linking import PENDING_DAYS
from app.extensions import db
from app.links import services
from app.tenancy import doors
from app.tenancy.scope import store_scope


def settle_due(limit: int) -> list[tuple[int, int]]:
    """Expire, suspend and resume what is due. Commits; the stores of each link that moved."""
    due = doors.links_to_settle(PENDING_DAYS, limit)
    db.session.remove()
    moved = []
    for link_id, sub_store_id in due:
        with store_scope(sub_store_id):
            stores = services.settle(link_id)
        if stores is not None:
            moved.append(stores)
    return moved
