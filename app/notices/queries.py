"""Notices of one person as plain rows, and how many they have not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import g
from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, and_, bindparam, func, literal, select

from app.core.noticing import NoticeKind
from app.extensions import db
from app.notices.models import Notice, NoticeCopy
from app.notices.over import cause_of, is_over
from app.notices.personal import new_devices_counted
from app.orders.failed import still_waiting
from app.tenancy.scope import THIS_STORE, current_store_id
from app.web.pagination import Keyset, Page, page_of

BADGE_AT_MOST: Final = 100
THIS_READER: Final[BindParameter[int]] = bindparam(
    "this_reader", callable_=lambda: g.membership.user_id, type_=BigInteger
)
"""Whoever is shown the page that is being made, when the statement runs."""


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """`unread` alone, or of one kind."""

    unread: bool = False
    kind: NoticeKind | None = None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice as its reader has it."""

    id: int
    kind: NoticeKind
    detail: Mapping[str, Any]
    at: datetime
    read_at: datetime | None
    is_over: bool
    """Whether what it tells of is mended or answered by now, so that nothing is left to do."""


def unread_counted() -> ColumnElement[int]:
    """How many notices the reader has not read, counted up to BADGE_AT_MOST, and of themselves, as a column."""
    unread = (
        select(literal(1))
        .where(
            NoticeCopy.store_id == THIS_STORE,
            NoticeCopy.user_id == THIS_READER,
            NoticeCopy.in_portal,
            NoticeCopy.read_at.is_(None),
        )
        .limit(BADGE_AT_MOST)
    )
    of_store = select(func.count()).select_from(unread.subquery()).scalar_subquery()
    return of_store + new_devices_counted(THIS_READER)


def unread_count() -> int:
    """The same alone. One statement."""
    many: int = db.session.execute(select(unread_counted())).scalar_one()
    return many


def newest(user_id: int, limit: int) -> list[NoticeRow]:
    """The newest notices of a person. Two statements at most."""
    return _rows(_mine(user_id).order_by(NoticeCopy.notice_id.desc()).limit(limit))


def notices_page(user_id: int, where: NoticeFilter, keyset: Keyset) -> Page[NoticeRow]:
    """A page of a person's notices, the newest first. Two statements at most."""
    query = _mine(user_id)
    if where.unread:
        query = query.where(NoticeCopy.read_at.is_(None))
    if where.kind is not None:
        query = query.where(Notice.kind == where.kind)
    if keyset.cursor is not None:
        here = keyset.cursor.id
        query = query.where(NoticeCopy.notice_id > here if keyset.is_backward else NoticeCopy.notice_id < here)
    order = NoticeCopy.notice_id.asc() if keyset.is_backward else NoticeCopy.notice_id.desc()
    return page_of(_rows(query.order_by(order).limit(keyset.fetch)), keyset, lambda row: (row.at, row.id))


def notice(user_id: int, notice_id: int) -> NoticeRow | None:
    """One notice of a person; None when they have no such notice."""
    return next(iter(_rows(_mine(user_id).where(NoticeCopy.notice_id == notice_id))), None)


def notices_since(at: datetime, limit: int) -> Sequence[NoticeRow]:
    """What the store's people were told of since, for a digest, which tells of it as of something that happened."""
    rows = db.session.execute(
        select(Notice.id, Notice.kind, Notice.detail, Notice.at)
        .where(Notice.store_id == current_store_id(), Notice.at > at, Notice.kind != NoticeKind.DIGEST)
        .order_by(Notice.id.desc())
        .limit(limit)
    )
    return [NoticeRow(row.id, NoticeKind(row.kind), row.detail, row.at, None, is_over=False) for row in rows]


def _mine(user_id: int) -> Select[Any]:
    return (
        select(Notice.id, Notice.kind, Notice.detail, Notice.at, NoticeCopy.read_at, is_over().label("is_over"))
        .join(NoticeCopy, and_(NoticeCopy.store_id == Notice.store_id, NoticeCopy.notice_id == Notice.id))
        .where(NoticeCopy.store_id == current_store_id(), NoticeCopy.user_id == user_id, NoticeCopy.in_portal)
    )


def _rows(query: Select[Any]) -> list[NoticeRow]:
    rows = db.session.execute(query).all()
    causes = {row.id: key for row in rows if (key := cause_of(row.detail)) is not None}
    waiting = still_waiting(causes.values())
    return [
        NoticeRow(
            id=row.id,
            kind=NoticeKind(row.kind),
            detail=row.detail,
            at=row.at,
            read_at=row.read_at,
            is_over=causes[row.id] not in waiting if row.id in causes else row.is_over,
        )
        for row in rows
    ]
