"""How each person of a store wants to be told: what they chose, or else what is usual for their role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.accounts.models import Membership
from app.core.noticing import NoticeKind, Way, default_way
from app.core.roles import Role
from app.extensions import db
from app.notices.models import NoticeChoice
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member of the store and how they are told of each kind."""

    user_id: int
    ways: Mapping[NoticeKind, Way]


def colleagues() -> list[Colleague]:
    """Everybody who belongs to the store. Two statements."""
    members = db.session.execute(
        select(Membership.user_id, Membership.role)
        .where(Membership.store_id == current_store_id())
        .order_by(Membership.user_id)
    ).all()
    chosen = db.session.execute(
        select(NoticeChoice.user_id, NoticeChoice.kind, NoticeChoice.way).where(
            NoticeChoice.store_id == current_store_id()
        )
    ).all()
    ways = {(row.user_id, row.kind): Way(row.way) for row in chosen}
    return [
        Colleague(
            member.user_id,
            {kind: ways.get((member.user_id, kind)) or default_way(Role(member.role), kind) for kind in NoticeKind},
        )
        for member in members
    ]


def ways_of(user_id: int) -> Mapping[NoticeKind, Way] | None:
    """How one person is told; None when they do not belong to the store."""
    return next((one.ways for one in colleagues() if one.user_id == user_id), None)


def choose(user_id: int, ways: Mapping[NoticeKind, Way]) -> None:
    """Keep what a person chose for these kinds. Commits."""
    chosen = insert(NoticeChoice).values(
        [
            {"store_id": current_store_id(), "user_id": user_id, "kind": str(kind), "way": str(way)}
            for kind, way in ways.items()
        ]
    )
    db.session.execute(
        chosen.on_conflict_do_update(index_elements=["store_id", "user_id", "kind"], set_={"way": chosen.excluded.way})
    )
    db.session.commit()


def stop_mail(user_id: int, kind: NoticeKind) -> bool:
    """Mail a person nothing of a kind any more; what they see behind the bell stays. Commits.

    False when they do not belong to the store.
    """
    ways = ways_of(user_id)
    if ways is None:
        return False
    way = Way.NONE if kind is NoticeKind.DIGEST else Way.of(in_portal=ways[kind].in_portal, by_mail=False)
    choose(user_id, {kind: way})
    return True
