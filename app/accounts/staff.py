"""Who works in a store: its members, and what changes about them.

A store always has an owner. Whoever changes a member's place holds the rows of all members first, so that two owners
who remove each other at the same moment do it one after the other, and the second is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, delete, func, select, update

from app.accounts.models import Invitation, Membership, User, UserSession
from app.core.roles import Ability, Role
from app.extensions import db
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member, as the list shows them; `seen_at` is when they last opened a page anywhere."""

    user_id: int
    name: str
    email: str
    role: Role
    since_at: datetime
    seen_at: datetime | None


class LastOwner(Exception):
    """The store would be without an owner."""


class NoSuchMember(Exception):
    """Nobody of this store has that id, or not any more."""


class NotEntitled(Exception):
    """Whoever asks may not do this any more: their own place has changed since their page was opened."""


def member_rows() -> list[MemberRow]:
    """Everybody of the scope's store: by role, the mightiest first, then by name."""
    order = case({role.value: place for place, role in enumerate(Role)}, value=Membership.role)
    return [_row(row) for row in db.session.execute(_rows().order_by(order, func.lower(User.name), User.id))]


def member_row(user_id: int) -> MemberRow | None:
    """One member of the scope's store."""
    row = db.session.execute(_rows().where(Membership.user_id == user_id)).one_or_none()
    return None if row is None else _row(row)


def change_role(user_id: int, role: Role, *, by: int) -> bool:
    """Give a member another role; False when it is theirs already. What they wrote to others as an owner is withdrawn
    when they are none any more.

    LastOwner when they are the last one; NoSuchMember, NotEntitled. Commits.
    """
    with _held(by, user_id) as roles:
        _require_staff(roles, by)
        _require_owner(roles | {user_id: role})
    db.session.execute(
        update(Membership)
        .where(Membership.store_id == current_store_id(), Membership.user_id == user_id)
        .values(role=role.value)
    )
    if not role.may(Ability.STAFF):
        _withdraw_invitations_of(user_id)
    db.session.commit()
    return roles[user_id] is not role


def remove_member(user_id: int, *, by: int) -> None:
    """Take a member out of the store, at once and everywhere: what they may is read at every request.

    Also how one leaves by oneself (`by` is the member then). Invitations that they wrote open nothing any more, so that
    nobody leaves a way back in. LastOwner, NoSuchMember, NotEntitled. Commits.
    """
    with _held(by, user_id) as roles:
        if by != user_id:
            _require_staff(roles, by)
        _require_owner({one: role for one, role in roles.items() if one != user_id})
    db.session.execute(
        delete(Membership).where(Membership.store_id == current_store_id(), Membership.user_id == user_id)
    )
    _withdraw_invitations_of(user_id)
    db.session.commit()


@contextmanager
def _held(by: int, user_id: int) -> Iterator[dict[int, Role]]:
    """Hold all members until the commit, to look at how they stand then; what is refused lets them go."""
    try:
        rows = db.session.execute(
            select(Membership.user_id, Membership.role)
            .where(Membership.store_id == current_store_id())
            .order_by(Membership.user_id)
            .with_for_update()
        )
        roles = {row.user_id: Role(row.role) for row in rows}
        if by not in roles:
            raise NotEntitled
        if user_id not in roles:
            raise NoSuchMember(user_id)
        yield roles
    except (LastOwner, NoSuchMember, NotEntitled):
        db.session.rollback()
        raise


def _require_staff(roles: Mapping[int, Role], by: int) -> None:
    if not roles[by].may(Ability.STAFF):
        raise NotEntitled


def _require_owner(roles: Mapping[int, Role]) -> None:
    if Role.OWNER not in roles.values():
        raise LastOwner


def _withdraw_invitations_of(user_id: int) -> None:
    db.session.execute(
        update(Invitation)
        .where(
            Invitation.store_id == current_store_id(),
            Invitation.invited_by == user_id,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=func.now())
    )


def _rows() -> Select[Any]:
    seen = select(func.max(UserSession.last_seen_at)).where(UserSession.user_id == User.id).scalar_subquery()
    of_member: list[Any] = [Membership.role, Membership.created_at, seen.label("seen_at")]
    return (
        select(User.id, User.name, User.email, *of_member)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.store_id == current_store_id())
    )


def _row(row: Row[Any]) -> MemberRow:
    return MemberRow(row.id, row.name, row.email, Role(row.role), row.created_at, row.seen_at)
