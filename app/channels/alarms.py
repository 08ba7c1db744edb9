"""Telling a store's owners that a channel stopped because it does not let us in any more.

Each stop is told once. It stands on every page as well, so a mail that got lost with a process is not sent again.
"""

from __future__ import annotations

from functools import partial

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from app import mail
from app.accounts.languages import speaking_to
from app.accounts.later import later
from app.accounts.models import Membership, User
from app.channels.models import Channel
from app.core.roles import Role
from app.extensions import db
from app.tenancy.models import Store
from app.tenancy.scope import current_store, current_store_id, store_scope


def tell_owners(store_id: int, channel_id: int) -> bool:
    """Mail the owners, soon and from a thread, unless somebody was a moment faster. Commits."""
    with store_scope(store_id):
        name = db.session.scalar(
            update(Channel)
            .where(
                Channel.store_id == store_id,
                Channel.id == channel_id,
                Channel.status == "paused",
                Channel.owners_told_at.is_(None),
            )
            .values(owners_told_at=func.now())
            .returning(Channel.name)
            .execution_options(synchronize_session=False)
        )
        if name is None:
            db.session.rollback()
            return False
        letters = _letters(name, channel_id)
        db.session.commit()
    for letter in letters:
        later(partial(_send, *letter))
    return True


def _send(to: str, subject: str, text: str) -> None:
    mail.send(to, subject, text)


def _letters(name: str, channel_id: int) -> list[tuple[str, str, str]]:
    """(to, subject, text) for each owner, in their own language or else the store's."""
    store = current_store()
    owners = db.session.execute(
        select(User.email, User.language)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.store_id == current_store_id(), Membership.role == Role.OWNER)
        .order_by(User.id)
    )
    letters = []
    for owner, language in owners:
        with speaking_to(language, store.language):
            letters.append((owner, *_letter(store, name, channel_id)))
    return letters


def _letter(store: Store, name: str, channel_id: int) -> tuple[str, str]:
    subject = _("%(channel)s stopped: its key is not accepted", channel=name)
    words = _(
        "%(channel)s does not accept the key of %(store)s any more, so nothing is read from it and nothing is "
        "written to it. Nothing was lost: it goes on from where it stopped once you reconnect it.",
        channel=name,
        store=store.name,
    )
    link = mail.link("channels.reconnect", store=store.slug, channel_id=channel_id)
    return subject, f"{words}\n\n{_('Reconnect:')} {link}\n"
