"""Inviting people into a store, by a link in a mail.

Whoever invites learns nothing of the address: the answer and the mail are the same whether or not it has an account.
The link opens one place in one store, for that address alone, once, within LIVES; the database keeps its hash. Sending
it again makes another link, and the earlier one opens nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app import mail
from app.accounts.access import person_acting
from app.accounts.emails import fold_email
from app.accounts.languages import speaking_to
from app.accounts.models import Invitation, Membership, User
from app.accounts.roles import ROLE_WORDS
from app.accounts.services import add_person
from app.accounts.sessions import new_token, token_hash
from app.core.roles import Role
from app.extensions import db
from app.tenancy import doors
from app.tenancy.doors import Invited
from app.tenancy.scope import act_as, current_store, current_store_id, store_scope

LIVES: Final = timedelta(days=7)
AT_MOST: Final = 50
"""Invitations of a store that wait at the same time."""


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation that nobody has accepted or withdrawn, as the list shows it."""

    id: int
    email: str
    role: Role
    invited_by: str
    sent_at: datetime
    expires_at: datetime

    @property
    def is_over(self) -> bool:
        """Whether its link has run out: it can be sent again."""
        return self.expires_at <= datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Joined:
    """Who joined, the store's name in URLs, and whether they had no place there before."""

    user_id: int
    slug: str
    is_new: bool


class IsMember(Exception):
    """The address is that of a member."""


class IsInvited(Exception):
    """The address is invited already; that invitation can be sent again."""


class TooMany(Exception):
    """AT_MOST invitations wait already."""


class NoSuchInvitation(Exception):
    """It was accepted, withdrawn or never was."""


class HasAccount(Exception):
    """A newcomer's address has an account by now: its owner signs in."""


def waiting() -> list[InvitationRow]:
    """The invitations of the scope's store that are neither accepted nor withdrawn, the newest first."""
    rows = db.session.execute(
        select(
            Invitation.id,
            Invitation.email,
            Invitation.role,
            User.name,
            Invitation.sent_at,
            Invitation.expires_at,
        )
        .join(User, User.id == Invitation.invited_by)
        .where(*_waits())
        .order_by(Invitation.sent_at.desc(), Invitation.id.desc())
    )
    return [InvitationRow(row.id, row.email, Role(row.role), row.name, row.sent_at, row.expires_at) for row in rows]


def invite(email: str, role: Role, *, by: int) -> tuple[int, str]:
    """Offer a place to an address and return (invitation id, token for its link); the mail is the caller's to send.

    IsMember, IsInvited, TooMany. Commits.
    """
    folded = fold_email(email)
    if db.session.scalar(_member_with(folded)):
        raise IsMember(folded)
    if (db.session.scalar(select(func.count()).select_from(Invitation).where(*_waits())) or 0) >= AT_MOST:
        raise TooMany
    token = new_token()
    invitation_id = db.session.scalar(
        insert(Invitation)
        .values(
            store_id=current_store_id(),
            email=folded,
            role=role.value,
            token_hash=token_hash(token),
            invited_by=by,
            expires_at=func.now() + LIVES,
        )
        .on_conflict_do_nothing()
        .returning(Invitation.id)
    )
    db.session.commit()
    if invitation_id is None:  # also when the same button was pressed twice
        raise IsInvited(folded)
    return invitation_id, token


def send_again(invitation_id: int) -> tuple[str, str]:
    """Give an invitation another link and LIVES from now on: (token, address). NoSuchInvitation. Commits."""
    token = new_token()
    again = {"token_hash": token_hash(token), "sent_at": func.now(), "expires_at": func.now() + LIVES}
    return token, _change(invitation_id, again)


def withdraw(invitation_id: int) -> None:
    """Let the link open nothing any more. NoSuchInvitation. Commits."""
    _change(invitation_id, {"withdrawn_at": func.now()})


def mail_invitation(store_id: int, invitation_id: int, token: str) -> None:
    """Mail the link, in the language that its receiver chose, else in the store's."""
    with store_scope(store_id):
        store = current_store()
        found = db.session.execute(
            select(Invitation.email, Invitation.role, User.name)
            .join(User, User.id == Invitation.invited_by)
            .where(Invitation.id == invitation_id, *_waits())
        ).one_or_none()
        if found is None:
            return
        chosen = db.session.scalar(select(User.language).where(User.email == found.email))
        with speaking_to(chosen, store.language):
            subject = _("%(name)s invites you to %(store)s", name=found.name, store=store.name)
            words = _(
                "%(name)s invites you to work in the store %(store)s on Channelbook. Your role there: %(role)s.\n\n"
                "Join here within 7 days:\n\n%(link)s\n\nThe link works once, and for this address alone. "
                "If you do not know %(name)s, do nothing.",
                name=found.name,
                store=store.name,
                role=str(ROLE_WORDS[Role(found.role)]),
                link=mail.link("accounts.invitation", token=token),
            )
    mail.send(found.email, subject, words + "\n")


def opens(token: str) -> Invited | None:
    """What a mailed link opens; None when it was used, withdrawn, replaced, ran out or never was.

    Looking does not use it up, because mail programs open links before people do.
    """
    return doors.invitation(token_hash(token))


def has_account(email: str) -> bool:
    """Whether an address can sign in. Only ever answered to whoever has the link that was mailed there."""
    return db.session.scalar(select(User.id).where(User.email == email)) is not None


def accept(token: str, user_id: int, email: str) -> Joined:
    """Give the person with this address their place, and use up the link.

    Who is a member already keeps their role. NoSuchInvitation when the link opens nothing, or not for them. Commits.
    """
    invited = opens(token)
    if invited is None or invited.email != email:
        raise NoSuchInvitation
    with store_scope(invited.store_id):
        joined = _take_place(token, user_id)
        db.session.commit()
        return joined


def join(token: str, name: str, password: str) -> Joined:
    """Make a person of the invited address, without a store of their own, and give them their place.

    NoSuchInvitation; HasAccount. Commits.
    """
    invited = opens(token)
    if invited is None:
        raise NoSuchInvitation
    user_id = add_person(name=name, email=invited.email, password=password)
    if user_id is None:
        db.session.rollback()
        raise HasAccount
    act_as(person_acting(user_id))
    with store_scope(invited.store_id):
        joined = _take_place(token, user_id)
        db.session.commit()
        return joined


def _take_place(token: str, user_id: int) -> Joined:
    """Of two presses at the same moment one takes the row; what the other wrote is rolled back with its scope."""
    role = db.session.scalar(
        update(Invitation)
        .where(Invitation.token_hash == token_hash(token), Invitation.expires_at > func.now(), *_waits())
        .values(accepted_at=func.now(), accepted_by=user_id)
        .returning(Invitation.role)
    )
    if role is None:
        raise NoSuchInvitation
    place = insert(Membership).values(store_id=current_store_id(), user_id=user_id, role=role)
    place = place.on_conflict_do_nothing(index_elements=["store_id", "user_id"])
    is_new = db.session.scalar(place.returning(Membership.user_id)) is not None
    return Joined(user_id, current_store().slug, is_new)


def _change(invitation_id: int, values: Mapping[str, object]) -> str:
    email: str | None = db.session.scalar(
        update(Invitation).where(Invitation.id == invitation_id, *_waits()).values(values).returning(Invitation.email)
    )
    db.session.commit()
    if email is None:
        raise NoSuchInvitation(invitation_id)
    return email


def _waits() -> tuple[ColumnElement[bool], ...]:
    return (
        Invitation.store_id == current_store_id(),
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
    )


def _member_with(email: str) -> Select[int]:
    return (
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.store_id == current_store_id(), User.email == email)
    )
