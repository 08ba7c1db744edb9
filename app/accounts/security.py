"""What a store asks of its members, and who of them signs in how."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from app.accounts.models import Membership, User
from app.extensions import db
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class MemberSafety:
    """A member and whether they sign in with a code."""

    name: str
    email: str
    has_two_step: bool


def members() -> list[MemberSafety]:
    """The store's members, those without two-step sign-in first."""
    rows = db.session.execute(
        select(User.name, User.email, User.two_step_at.is_not(None))
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.store_id == current_store_id())
        .order_by(User.two_step_at.is_not(None), User.name)
    )
    return [MemberSafety(*row) for row in rows]


def ask_for_two_step(is_asked: bool) -> None:
    """Let only members with two-step sign-in into the store, or all of them."""
    db.session.execute(update(Store).where(Store.id == current_store_id()).values(requires_two_step=is_asked))
    db.session.commit()
