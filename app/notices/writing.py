"""Writing notices down: each happening once, with a copy for everybody who wants to be told of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from app.core.noticing import NoticeKind, Way
from app.extensions import db
from app.notices.choosing import colleagues
from app.notices.models import Notice, NoticeCopy
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell. `key` is the same whoever notices it; what `grows` tells its newest size on one notice."""

    kind: NoticeKind
    key: str
    detail: Mapping[str, Any]
    grows: bool = False


def tell(happenings: Sequence[Happening]) -> int:
    """Write down what was not told yet, in the caller's transaction; how many of them were new.

    Everybody gets the copies that they wanted at this moment. Who joins the store later reads nothing of before.
    """
    if not happenings:
        return 0
    rows = [
        {"store_id": current_store_id(), "kind": str(one.kind), "key": one.key, "detail": dict(one.detail)}
        for one in happenings
    ]
    written = db.session.execute(
        insert(Notice)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["store_id", "key"])
        .returning(Notice.id, Notice.kind, Notice.key)
    ).all()
    _grow([one for one in happenings if one.grows and one.key not in {row.key for row in written}])
    if not written:
        return 0
    people = {one.user_id: one.ways for one in colleagues()}
    copies = [
        _copy(row.id, user_id, ways[NoticeKind(row.kind)])
        for row in written
        for user_id, ways in people.items()
        if ways[NoticeKind(row.kind)] is not Way.NONE
    ]
    if copies:
        db.session.execute(insert(NoticeCopy).values(copies))
    return len(written)


def tell_by_mail(kind: NoticeKind, key: str, detail: Mapping[str, Any], user_ids: Collection[int]) -> None:
    """Write down what some people are mailed and nobody sees behind the bell, in the caller's transaction."""
    notice_id = db.session.scalar(
        insert(Notice)
        .values(store_id=current_store_id(), kind=str(kind), key=key, detail=dict(detail))
        .on_conflict_do_nothing(index_elements=["store_id", "key"])
        .returning(Notice.id)
    )
    if notice_id is not None and user_ids:
        copies = [_copy(notice_id, user_id, Way.MAIL) for user_id in sorted(user_ids)]
        db.session.execute(insert(NoticeCopy).values(copies))


def _copy(notice_id: int, user_id: int, way: Way) -> dict[str, Any]:
    return {
        "store_id": current_store_id(),
        "notice_id": notice_id,
        "user_id": user_id,
        "in_portal": way.in_portal,
        "mail": "planned" if way.by_mail else "none",
        "mail_at": func.now() if way.by_mail else None,
    }


def _grow(happenings: Sequence[Happening]) -> None:
    for one in happenings:
        db.session.execute(
            update(Notice)
            .where(Notice.store_id == current_store_id(), Notice.key == one.key)
            .values(detail=dict(one.detail))
            .execution_options(synchronize_session=False)
        )
