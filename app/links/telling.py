"""Mails about links: to the owners of one store each, in that store's scope, each in their own language.

A mail goes soon and from a thread. What it says stands on the pages of both stores as well, so one that is lost with
a process is not sent again.
"""

from __future__ import annotations

from functools import partial
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select

from app import mail as post
from app.accounts.languages import speaking_to
from app.accounts.later import later
from app.accounts.models import Membership, User
from app.core.roles import Role
from app.extensions import db
from app.links import queries, words
from app.links.queries import LinkRow
from app.tenancy.models import Store
from app.tenancy.scope import current_store, store_scope
from app.web.reader import reader


def mail(what: str, link_id: int, *store_ids: int) -> None:
    """Tell the owners of these stores what happened to a link. Call after the commit."""
    for store_id in store_ids:
        later(partial(_write, what, link_id, store_id))


def _write(what: str, link_id: int, store_id: int) -> None:
    with store_scope(store_id):
        link = queries.link(link_id)
        if link is None:
            return
        store = current_store()
        owners = db.session.execute(
            select(User.email, User.language)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.store_id == store_id, Membership.role == Role.OWNER)
            .order_by(User.id)
        ).all()
        letters = []
        for owner, language in owners:
            with speaking_to(language, store.language):
                letters.append((owner, *_with_link(what, link, store)))
    for owner, subject, text in letters:
        post.send(owner, subject, text)


def _with_link(what: str, link: LinkRow, store: Store) -> tuple[str, str]:
    subject, text = _letter(what, link, ZoneInfo(store.time_zone))
    page = "links.authorized" if what == "asked" else "links.show"
    place = {} if what == "asked" else {"link_id": link.id}
    return subject, f"{text}\n\n{post.link(page, store=store.slug, **place)}\n"


def _letter(what: str, link: LinkRow, zone: ZoneInfo) -> tuple[str, str]:
    """(subject, text) of what happened, for the side of the store whose scope is open; days are days in `zone`."""
    main, sub, other = link.main_name, link.sub_name, link.other_name
    facts = {"main": main, "sub": sub, "other": other}
    letters = {
        "asked": (
            _("%(main)s asks to be your main store", **facts),
            _(
                "%(main)s wants to link with %(sub)s. It sees nothing of your store unless you grant access. On the "
                "page below you read what it would see and do, and grant or deny it. If nobody answers, the request "
                "ends on %(day)s.",
                day=reader().day(link.expires_at.astimezone(zone).date()) if link.expires_at else "",
                **facts,
            ),
        ),
        "withdrawn": (
            _("%(main)s withdrew its request", **facts),
            _("%(main)s no longer asks to be the main store of %(sub)s. There is nothing to answer.", **facts),
        ),
        "granted": (
            _("%(main)s and %(sub)s are connected", **facts),
            _("%(sub)s granted access to %(main)s. Either store can end the link at any time.", **facts),
        ),
        "denied": (
            _("%(sub)s denied access", **facts),
            " ".join(filter(None, [_("%(sub)s does not want to be linked with %(main)s.", **facts), words.why(link)])),
        ),
        "expired": (
            _("The request of %(main)s to %(sub)s ended", **facts),
            _("Nobody answered it for 14 days. %(main)s can ask again.", **facts),
        ),
        "code_changed": (
            _("The request of %(main)s to %(sub)s ended", **facts),
            _("%(sub)s changed its verification code before it answered. %(main)s can ask with the new one.", **facts),
        ),
        "suspended": (
            _("The link with %(other)s is suspended", **facts),
            _("Nothing flows between %(main)s and %(sub)s for now, and goes on by itself once this is mended:", **facts)
            + f" {words.why(link)}",
        ),
        "resumed": (
            _("The link with %(other)s goes on", **facts),
            _("What had suspended the link between %(main)s and %(sub)s is mended.", **facts),
        ),
        "ended": (
            _("The link with %(other)s has ended", **facts),
            _(
                "%(main)s and %(sub)s are not linked any more. Nothing of the other store can be read; orders and "
                "invoices that exist stay where they are.",
                **facts,
            ),
        ),
    }
    return letters[what]
