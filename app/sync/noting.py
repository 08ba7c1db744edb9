"""What is noted for an order when a person presses something about a change of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.channels.models import Channel
from app.extensions import db
from app.orders.journal import MOVE_KEYS
from app.orders.writing import JournalNote
from app.sync.models import MOVE, ORDER, WRITE_BACK
from app.tenancy.scope import current_store_id

_KINDS: Final[Mapping[tuple[str, str], str]] = {
    (WRITE_BACK, "planned"): "write_back_planned",
    (WRITE_BACK, "dropped"): "write_back_dropped",
    (WRITE_BACK, "ignored"): "write_back_ignored",
    (MOVE, "planned"): "move_planned",
    (MOVE, "dropped"): "move_dropped",
    (MOVE, "ignored"): "move_dropped",
    (ORDER, "planned"): "give_planned",
    (ORDER, "dropped"): "give_dropped",
    (ORDER, "ignored"): "give_ignored",
}


def note_of(change: Any, act: str, channel_id: int, detail: Mapping[str, Any]) -> JournalNote:
    """The note of one act ("planned", "dropped", "ignored"); `change` has its kind, order, invoice and payload."""
    said: dict[str, Any] = {}
    if change.kind == MOVE:
        said = {name: change.payload[name] for name in MOVE_KEYS if name in change.payload}
    elif change.kind == ORDER:  # the order's own channel is another one than the one that is told
        said = {"there": db.session.get_one(Channel, (current_store_id(), channel_id)).name}
    return JournalNote(
        _KINDS[change.kind, act], channel_id, change.order_id, {**said, **detail}, invoice_id=change.invoice_id
    )
