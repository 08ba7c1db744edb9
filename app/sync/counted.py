"""Let everything that a channel sells be followed by our items now, not only when it next changes."""

from __future__ import annotations

from app.extensions import db
from app.mappings.counted import Followed, follow_next
from app.orders.services import lock_channel
from app.sync.nudge import nudge
from app.sync.services import start_stock_soon
from app.tenancy.scope import current_store_id


def follow_counts(channel_id: int) -> int:
    """Take over what the channel counts, and its prices, as they were last read; how many facts of items changed.

    To be called once a person said that stock or prices are taken from it, or which warehouse stands for a branch.
    Commits, by batches of items; doing it again changes nothing.
    """
    changed, after = 0, 0
    while True:
        lock_channel(channel_id)
        followed, after = follow_next(channel_id, after)
        db.session.commit()
        changed += followed.stock + followed.prices + followed.weights
        tell(followed)
        if not after:
            return changed


def tell(followed: Followed, *, is_news: bool = False) -> None:
    """Let open pages show what was followed, and channels that are told our stock hear of it. Call after the commit.

    `is_news`: what the channel itself says of its products changed as well.
    """
    if is_news or followed.is_news:
        nudge(current_store_id(), "stock")
    for location_id in sorted(followed.locations):
        start_stock_soon(location_id)
