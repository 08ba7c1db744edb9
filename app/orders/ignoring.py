"""Leaving orders out on purpose, with a reason in a person's words, and taking them back in.

What is left out stays what it is until a person says otherwise: an order is closed, an alert is not told again until
another one comes, an order that could not be read is read again only when the channel changed it.
These functions write and do not commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, any_, case, cast, func, literal, update
from sqlalchemy.dialects.postgresql import JSONB

from app.accounts.models import User
from app.core.states import OrderState, Reason, SeenState
from app.extensions import db
from app.orders.failed import CauseKey, CauseKind, orders_of, unread_of
from app.orders.importing import UNREAD
from app.orders.judging import rejudge_orders
from app.orders.models import Order, SeenOrder
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from app.tenancy.scope import current_store_id


def ignore(cause: CauseKey, row_keys: Sequence[Any] | None, words: str, user_id: int) -> int:
    """Leave out what waits for this cause (or only these rows of it), and say why; returns how many.

    Not for write-backs, which belong to the sync. Three statements.
    """
    lock_channel(cause.channel_id)
    notes = _IGNORE[cause.kind](cause, row_keys, words, user_id)
    write_journal(notes, user_id=user_id)
    return len(notes)


def take_back_orders(channel_id: int, order_ids: Sequence[int], user_id: int) -> int:
    """Judge orders that were left out as if they had never been; returns how many.

    Those that could not be read when they were left out are held for that again: what is stored may not be so.
    """
    lock_channel(channel_id)
    was = Order.reason_detail["was"].astext
    unread = was.in_([reason.value for reason in UNREAD])
    back = db.session.execute(
        update(Order)
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id == channel_id,
            one_of(Order.id, order_ids),
            Order.state == OrderState.CLOSED,
            Order.reason == Reason.IGNORED,
        )
        .values(state=OrderState.HELD, reason=func.nullif(_when(unread, was), ""), reason_detail={})
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    taken = [row.id for row in back]
    write_journal([JournalNote("taken_back", channel_id, order_id, {}) for order_id in taken], user_id=user_id)
    rejudge_orders(channel_id, taken, user_id)
    return len(taken)


def take_back_alerts(channel_id: int, order_ids: Sequence[int], user_id: int) -> int:
    """Tell again what was left as it is; returns how many."""
    lock_channel(channel_id)
    back = db.session.execute(
        update(Order)
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id == channel_id,
            one_of(Order.id, order_ids),
            Order.ignored_alert.is_not(None),
        )
        .values(alert=func.coalesce(Order.alert, Order.ignored_alert), ignored_alert=None)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    taken = [row.id for row in back]
    write_journal([JournalNote("taken_back", channel_id, order_id, {}) for order_id in taken], user_id=user_id)
    return len(taken)


def take_back_unread(channel_id: int, remote_ids: Sequence[str], user_id: int) -> int:
    """Count orders that were left out unread as not read again, and mark them for reading; returns how many."""
    lock_channel(channel_id)
    was = SeenOrder.raw["ignored"]["was"].astext
    is_missing = was == Reason.ORDER_MISSING
    back = db.session.execute(
        update(SeenOrder)
        .where(
            SeenOrder.store_id == current_store_id(),
            SeenOrder.channel_id == channel_id,
            one_of(SeenOrder.remote_id, remote_ids),
            SeenOrder.reason == Reason.IGNORED,
        )
        .values(
            state=_when(is_missing, SeenState.LISTED.value, SeenState.UNREADABLE.value),
            reason=func.coalesce(was, Reason.BAD_PAYLOAD.value),
            raw=SeenOrder.raw.op("-")("ignored"),
            wanted_at=func.now(),
            wanted_by=user_id,
            changed_at=func.now(),
        )
        .returning(SeenOrder.remote_id)
        .execution_options(synchronize_session=False)
    )
    taken = [row.remote_id for row in back]
    write_journal([JournalNote("taken_back", channel_id, None, {"order": one}) for one in taken], user_id=user_id)
    return len(taken)


def one_of(column: Any, keys: Sequence[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of any number of keys, which travel as one parameter."""
    found: ColumnElement[bool] = column == any_(literal(list(keys), ARRAY(column.type)))
    return found


def name_of(user_id: int) -> str:
    """Whose act it is, as it is stamped on what was left out."""
    user = db.session.get(User, user_id)
    return "" if user is None else user.name


def stamp(words: str, was: Any, user_id: int, **more: Any) -> ColumnElement[Any]:
    """What is kept of leaving something out: why, by whom, and what it waited for."""
    facts = {"words": cast(words, Text), "by": cast(name_of(user_id), Text), "was": was, **more}
    return func.jsonb_build_object(*[part for name, value in facts.items() for part in (cast(name, Text), value)])


def _ignore_orders(cause: CauseKey, row_keys: Sequence[Any] | None, words: str, user_id: int) -> list[JournalNote]:
    gone = db.session.execute(
        update(Order)
        .where(*orders_of(cause), *_among(Order.id, row_keys))
        .values(
            state=OrderState.CLOSED,
            reason=Reason.IGNORED,
            reason_detail=stamp(words, Order.reason, user_id),
            queued_at=None,
            queued_by=None,
        )
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    detail = {"words": words, "was": cause.code}
    return [JournalNote("ignored", cause.channel_id, row.id, detail) for row in gone]


def _ignore_alerts(cause: CauseKey, row_keys: Sequence[Any] | None, words: str, _user_id: int) -> list[JournalNote]:
    gone = db.session.execute(
        update(Order)
        .where(*orders_of(cause), *_among(Order.id, row_keys))
        .values(ignored_alert=Order.alert, alert=None)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    detail = {"words": words, "alert": cause.code}
    return [JournalNote("alert_ignored", cause.channel_id, row.id, detail) for row in gone]


def _ignore_unread(cause: CauseKey, row_keys: Sequence[Any] | None, words: str, user_id: int) -> list[JournalNote]:
    kept = func.coalesce(SeenOrder.raw, cast({}, JSONB))
    gone = db.session.execute(
        update(SeenOrder)
        .where(*unread_of(cause), *_among(SeenOrder.remote_id, row_keys))
        .values(
            state=SeenState.SKIPPED,
            reason=Reason.IGNORED,
            raw=kept.op("||")(func.jsonb_build_object("ignored", stamp(words, SeenOrder.reason, user_id))),
            wanted_at=None,
            wanted_by=None,
            changed_at=func.now(),
        )
        .returning(SeenOrder.remote_id)
        .execution_options(synchronize_session=False)
    )
    detail = {"words": words, "was": cause.code}
    return [JournalNote("unread_ignored", cause.channel_id, None, {"order": row.remote_id, **detail}) for row in gone]


_IGNORE = {
    CauseKind.ORDERS: _ignore_orders,
    CauseKind.ALERTS: _ignore_alerts,
    CauseKind.UNREADABLE: _ignore_unread,
}


def _among(column: Any, row_keys: Sequence[Any] | None) -> list[ColumnElement[bool]]:
    return [] if row_keys is None else [one_of(column, row_keys)]


def _when(condition: ColumnElement[bool], then: Any, otherwise: Any = "") -> ColumnElement[Any]:
    return case((condition, then), else_=otherwise)
