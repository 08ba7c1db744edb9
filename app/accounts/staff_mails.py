"""Mails about one's place in a store: another role, the end of it, and who joined.

Each is sent once, after the answer and so after the commit, in its reader's own language. What the press did decides
whether there is one: a press that changes nothing, such as the second of two, tells nobody.
"""

from __future__ import annotations

from functools import partial

from flask_babel import gettext as _
from sqlalchemy import Row, select

from app import mail
from app.accounts.languages import speaking_to
from app.accounts.later import later
from app.accounts.models import Invitation, Membership, User
from app.accounts.roles import ROLE_WORDS
from app.core.roles import Role
from app.extensions import db
from app.tenancy.models import Store
from app.tenancy.scope import current_store, store_scope


def tell_role(store_id: int, user_id: int, role: Role, *, by: str) -> None:
    """Tell a member, soon, which role `by` has given them."""
    later(partial(_mail_role, store_id, user_id, role, by))


def tell_removed(store_id: int, user_id: int, *, by: str) -> None:
    """Tell a person, soon, that `by` has taken them out of the store."""
    later(partial(_mail_removed, store_id, user_id, by))


def tell_joined(store_id: int, user_id: int) -> None:
    """Tell the owners, soon, who has accepted an invitation."""
    later(partial(_mail_joined, store_id, user_id))


def _mail_role(store_id: int, user_id: int, role: Role, by: str) -> None:
    store, person = _store_and(store_id, user_id)
    with speaking_to(person.language, store.language):
        words = _(
            "%(name)s changed your role in the store %(store)s on Channelbook. Your role there now: %(role)s.\n\n"
            "Open the store:\n\n%(link)s",
            name=by,
            store=store.name,
            role=str(ROLE_WORDS[role]),
            link=mail.link("reports.home", store=store.slug),
        )
        subject = _("Your role in %(store)s has changed", store=store.name)
    mail.send(person.email, subject, words + "\n")


def _mail_removed(store_id: int, user_id: int, by: str) -> None:
    store, person = _store_and(store_id, user_id)
    with speaking_to(person.language, store.language):
        words = _(
            "%(name)s removed you from the store %(store)s on Channelbook. It opens for you no more. Your account "
            "and your other stores stay as they are.",
            name=by,
            store=store.name,
        )
        subject = _("You no longer work in %(store)s", store=store.name)
    mail.send(person.email, subject, words + "\n")


def _mail_joined(store_id: int, user_id: int) -> None:
    store, person = _store_and(store_id, user_id)
    with store_scope(store_id):
        role, inviter = db.session.execute(
            select(Invitation.role, User.name)
            .join(User, User.id == Invitation.invited_by)
            .where(Invitation.store_id == store_id, Invitation.accepted_by == user_id)
            .order_by(Invitation.accepted_at.desc())
            .limit(1)
        ).one()
        owners = db.session.execute(
            select(User.email, User.language)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.store_id == store_id, Membership.role == Role.OWNER, User.id != user_id)
            .order_by(User.id)
        ).all()
    for owner in owners:
        with speaking_to(owner.language, store.language):
            words = _(
                "%(name)s (%(email)s) accepted the invitation of %(inviter)s and works in the store %(store)s now. "
                "Their role there: %(role)s.\n\nEverybody who works there:\n\n%(link)s",
                name=person.name,
                email=person.email,
                inviter=inviter,
                store=store.name,
                role=str(ROLE_WORDS[Role(role)]),
                link=mail.link("settings.staff_page", store=store.slug),
            )
            subject = _("%(name)s has joined %(store)s", name=person.name, store=store.name)
        mail.send(owner.email, subject, words + "\n")


def _store_and(store_id: int, user_id: int) -> tuple[Store, Row[str, str, str | None]]:
    with store_scope(store_id):
        store = current_store()
        db.session.expunge(store)
        person = db.session.execute(select(User.name, User.email, User.language).where(User.id == user_id)).one()
    return store, person
