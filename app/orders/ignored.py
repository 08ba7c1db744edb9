"""What was left out on purpose: how much for which words, by whom and when, and the last ones of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import DateTime, Text, and_, case, cast, func, literal, null, select, text, true, union_all

from app.accounts.models import User
from app.channels.models import Channel
from app.core.states import Reason
from app.extensions import db
from app.orders.failed import CauseKind
from app.orders.models import IGNORED, IGNORED_UNREAD, JournalEntry, Order, SeenOrder
from app.sync.models import LEFT, ORDER, WRITE_BACK, Change
from app.tenancy.scope import current_store_id

SHOWN_OF_EACH: Final = 20


@dataclass(frozen=True, slots=True)
class IgnoredKey:
    """Names what was left out together: of one kind, on one channel, for the same former reason and words."""

    kind: CauseKind
    channel_id: int
    was: str
    words: str


@dataclass(frozen=True, slots=True)
class IgnoredRow:
    """One order (or unread id, or number) that was left out; `row_key` names it within its kind."""

    row_key: str
    order_id: int | None
    number: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ignored:
    """What was left out together: how many, how much money (currency → minor units), by whom, when last."""

    key: IgnoredKey
    channel: str
    last_at: datetime
    by: str
    count: int = 0
    money: Mapping[str, int] = field(default_factory=dict)
    rows: tuple[IgnoredRow, ...] = ()


def ignored() -> list[Ignored]:
    """Everything that is left out, what was left out last first. Two statements."""
    found = _everything().subquery("ignored")
    group = (found.c.kind, found.c.channel_id, found.c.was, found.c.words)
    sums = db.session.execute(
        select(
            *group,
            found.c.channel,
            found.c.currency,
            func.count().label("many"),
            func.sum(found.c.total).label("total"),
            func.max(found.c.at).label("last_at"),
            func.string_agg(found.c.by.distinct(), ", ").label("by"),
        ).group_by(*group, found.c.channel, found.c.currency)
    )
    groups: dict[IgnoredKey, Ignored] = {}
    for row in sums:
        key = _key(row)
        so_far = groups.get(key, Ignored(key, row.channel, row.last_at, row.by))
        money = {**so_far.money, row.currency: int(row.total)} if row.total is not None else so_far.money
        last_at = max(so_far.last_at, row.last_at)
        groups[key] = replace(so_far, count=so_far.count + row.many, money=money, last_at=last_at)
    shown = _samples(found, group)
    filled = [replace(one, rows=tuple(shown.get(key, ()))) for key, one in groups.items()]
    return sorted(filled, key=lambda one: one.last_at, reverse=True)


def ignored_keys(key: IgnoredKey) -> list[str]:
    """The rows of what was left out together, by their keys. One statement."""
    found = _everything().subquery("ignored")
    return list(
        db.session.scalars(
            select(found.c.row_key).where(
                found.c.kind == key.kind,
                found.c.channel_id == key.channel_id,
                found.c.was == key.was,
                found.c.words == key.words,
            )
        )
    )


def _samples(found: Any, group: tuple[Any, ...]) -> dict[IgnoredKey, list[IgnoredRow]]:
    place = func.row_number().over(partition_by=group, order_by=(found.c.at.desc(), found.c.row_key)).label("place")
    placed = select(found, place).subquery()
    rows = db.session.execute(select(placed).where(placed.c.place <= SHOWN_OF_EACH).order_by(placed.c.place))
    shown: dict[IgnoredKey, list[IgnoredRow]] = {}
    for row in rows:
        one = IgnoredRow(row.row_key, row.order_id, row.number, row.by or "", row.at)
        shown.setdefault(_key(row), []).append(one)
    return shown


def _key(row: Any) -> IgnoredKey:
    return IgnoredKey(CauseKind(row.kind), row.channel_id, row.was or "", row.words or "")


def _everything() -> Any:
    return union_all(_orders(), _alerts(), _unread(), _changes(), _given())


def _orders() -> Any:
    detail = Order.reason_detail
    return _of_channel(
        CauseKind.ORDERS,
        Order,
        Order.number,
        was=detail["was"].astext,
        words=detail["words"].astext,
        by=detail["by"].astext,
        at=Order.state_at,
    ).where(text(f"({IGNORED})"), Order.reason == Reason.IGNORED)


def _alerts() -> Any:
    """The order's row keeps what is left as it is; why and by whom stands in the journal."""
    note = (
        select(JournalEntry.at, JournalEntry.detail["words"].astext.label("words"), User.name)
        .outerjoin(User, User.id == JournalEntry.user_id)
        .where(
            JournalEntry.store_id == Order.store_id,
            JournalEntry.order_id == Order.id,
            JournalEntry.kind == "alert_ignored",
        )
        .order_by(JournalEntry.id.desc())
        .limit(1)
        .lateral("note")
    )
    return (
        _of_channel(
            CauseKind.ALERTS,
            Order,
            Order.number,
            was=Order.ignored_alert,
            words=func.coalesce(note.c.words, ""),
            by=func.coalesce(note.c.name, ""),
            at=func.coalesce(note.c.at, Order.changed_at),
        )
        .outerjoin(note, true())
        .where(text(f"({IGNORED})"), Order.ignored_alert.is_not(None))
    )


def _unread() -> Any:
    facts = SeenOrder.raw["ignored"]
    return (
        select(
            literal(CauseKind.UNREADABLE.value).label("kind"),
            SeenOrder.channel_id,
            Channel.name.label("channel"),
            SeenOrder.remote_id.label("row_key"),
            null().label("order_id"),
            SeenOrder.called.label("number"),
            literal("").label("currency"),
            null().label("total"),
            facts["was"].astext.label("was"),
            facts["words"].astext.label("words"),
            facts["by"].astext.label("by"),
            SeenOrder.changed_at.label("at"),
        )
        .join(Channel, and_(Channel.store_id == SeenOrder.store_id, Channel.id == SeenOrder.channel_id))
        .where(
            SeenOrder.store_id == current_store_id(),
            text(f"seen_orders.{IGNORED_UNREAD}"),
            Channel.status != "removed",
        )
    )


def _changes() -> Any:
    """Also what was left as it stands on the channel from the order's own page, which asks for no words."""
    detail = Change.reason_detail
    return (
        _of_channel(
            CauseKind.WRITE_BACKS,
            Order,
            Order.number,
            was=func.coalesce(detail["was"].astext, Change.reason),
            words=case((Change.reason == Reason.IGNORED, detail["words"].astext), else_=""),
            by=func.coalesce(detail["by"].astext, ""),
            at=_left_at(),
            row_key=Change.id,
        )
        .join(Change, and_(Change.store_id == Order.store_id, Change.order_id == Order.id))
        .where(Change.kind == WRITE_BACK, _is_left())
    )


def _given() -> Any:
    """Orders made here of which another channel is not told any more; that channel, and not their own, is named."""
    detail = Change.reason_detail
    return (
        select(
            literal(CauseKind.GIVEN.value).label("kind"),
            Change.channel_id,
            Channel.name.label("channel"),
            cast(Change.id, Text).label("row_key"),
            Order.id.label("order_id"),
            Order.number.label("number"),
            Order.currency.label("currency"),
            Order.total.label("total"),
            func.coalesce(detail["was"].astext, Change.reason).label("was"),
            case((Change.reason == Reason.IGNORED, detail["words"].astext), else_="").label("words"),
            func.coalesce(detail["by"].astext, "").label("by"),
            _left_at().label("at"),
        )
        .select_from(Change)
        .join(Order, and_(Order.store_id == Change.store_id, Order.id == Change.order_id))
        .join(Channel, and_(Channel.store_id == Change.store_id, Channel.id == Change.channel_id))
        .where(Change.store_id == current_store_id(), Change.kind == ORDER, _is_left(), Channel.status != "removed")
    )


def _left_at() -> Any:
    at = cast(Change.reason_detail["at"].astext, DateTime(timezone=True))
    return func.coalesce(at, Change.claimed_at, Change.planned_at)


def _is_left() -> Any:
    return text(f"changes.{LEFT.replace('reason', 'changes.reason')}")


def _of_channel(kind: CauseKind, model: Any, number: Any, *, row_key: Any = None, **facts: Any) -> Any:
    key = model.id if row_key is None else row_key
    return (
        select(
            literal(kind.value).label("kind"),
            model.channel_id,
            Channel.name.label("channel"),
            cast(key, Text).label("row_key"),
            model.id.label("order_id"),
            number.label("number"),
            model.currency.label("currency"),
            model.total.label("total"),
            *(facts[name].label(name) for name in ("was", "words", "by", "at")),
        )
        .select_from(model)
        .join(Channel, and_(Channel.store_id == model.store_id, Channel.id == model.channel_id))
        .where(model.store_id == current_store_id(), Channel.status != "removed")
    )
