"""Telling a store's owners that a channel stopped because it does not let us in any more.

Each stop is told once. It stands on every page as well, so a mail that got lost with a process is not sent again.
"""

from __future__ import annotations

from functools import partial

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select, update

from app import mail
from app.accounts.later import later
from app.accounts.models import Membership, User
from app.channels.models import Channel
from app.core.roles import Role
from app.extensions import db
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
    """(to, subject, text) for each owner, in the store's language."""
    store = current_store()
    with force_locale(store.language):
        subject = _("%(channel)s stopped: its key is not accepted", channel=name)
        words = _(
            "%(channel)s does not accept the key of %(store)s any more, so nothing is read from it and nothing is "
            "written to it. Nothing was lost: it goes on from where it stopped once you reconnect it.",
            channel=name,
            store=store.name,
        )
        link = mail.link("channels.reconnect", store=store.slug, channel_id=channel_id)
        text = f"{words}\n\n{_('Reconnect:')} {link}\n"
    owners = db.session.scalars(
        select(User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.store_id == current_store_id(), Membership.role == Role.OWNER)
        .order_by(User.id)
    )
    return [(owner, subject, text) for owner in owners]
