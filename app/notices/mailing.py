"""Mails of notices: planned as rows, worded when they are sent, in the language of whoever reads them.

A mail is claimed before it is handed over. When the server for mail refuses it, it is tried again, later and later for
a day. When the worker dies while it is handing one over, nobody knows whether it went, and it is not sent again: what
it says stands behind the bell and on the pages too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, current_app, g, render_template
from sqlalchemy import and_, func, select, update

from app import mail
from app.accounts.access import Member
from app.accounts.languages import speaking_to
from app.accounts.models import Membership, User
from app.core.errors import backoff_seconds
from app.core.noticing import NoticeKind
from app.core.roles import Role
from app.extensions import db
from app.notices.digest import digest_facts, period_words
from app.notices.models import Notice, NoticeCopy
from app.notices.stopping import stop_token
from app.notices.words import told
from app.reports.words import Fact
from app.tenancy.scope import current_store, current_store_id, store_scope

AT_ONCE: Final = 50
MOST_ATTEMPTS: Final = 30
"""With pauses that grow to an hour this is a little more than a day."""
_LONGEST_PAUSE_SECONDS: Final = 3600.0
_SENDING: Final = timedelta(minutes=2)
"""Longer than handing over a mail may take."""


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph of a mail: a heading or '', and lines, each of which may lead somewhere."""

    heading: str = ""
    lines: Sequence[Fact] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, ready to go."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    stop_url: str = field(repr=False)
    name: str = ""


def send_mails(store_id: int) -> None:
    """Send what is due of the store's mails, each by itself; safe while another worker does the same.

    After one that did not go the others wait for the next bell: a server that does not answer keeps nobody long.
    """
    with store_scope(store_id):
        _give_up_what_was_lost()
        due = db.session.execute(
            select(NoticeCopy.notice_id, NoticeCopy.user_id)
            .where(NoticeCopy.store_id == store_id, NoticeCopy.mail == "planned", NoticeCopy.mail_at <= func.now())
            .order_by(NoticeCopy.mail_at, NoticeCopy.notice_id)
            .limit(AT_ONCE)
        ).all()
    for notice_id, user_id in due:
        if not _send_one(store_id, notice_id, user_id):
            return


def _send_one(store_id: int, notice_id: int, user_id: int) -> bool:
    """Send one mail, if it still is to be sent; False when it did not go."""
    letter = write_letter(store_id, notice_id, user_id)
    with store_scope(store_id):
        if letter is None:
            db.session.execute(_copy(notice_id, user_id).where(NoticeCopy.mail == "planned").values(mail="dropped"))
            db.session.commit()
            return True
        attempts = db.session.scalar(
            _copy(notice_id, user_id)
            .where(NoticeCopy.mail == "planned")
            .values(mail="sending", mail_at=func.now() + _SENDING, mail_attempts=NoticeCopy.mail_attempts + 1)
            .returning(NoticeCopy.mail_attempts)
        )
        db.session.commit()
    if attempts is None:
        return True  # somebody was a moment faster
    went = mail.send(
        letter.to,
        letter.subject,
        letter.text,
        html=letter.html,
        headers={"List-Unsubscribe": f"<{letter.stop_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        name=letter.name,
    )
    with store_scope(store_id):
        db.session.execute(_copy(notice_id, user_id).where(NoticeCopy.mail == "sending").values(_after(went, attempts)))
        db.session.commit()
    return went


def _after(went: bool, attempts: int) -> dict[str, Any]:
    if went:
        return {"mail": "sent", "mail_at": func.now()}
    if attempts >= MOST_ATTEMPTS:
        return {"mail": "failed", "mail_at": func.now()}
    pause = backoff_seconds(attempts, base=10.0, ceiling=_LONGEST_PAUSE_SECONDS)
    return {"mail": "planned", "mail_at": func.now() + timedelta(seconds=pause)}


def _give_up_what_was_lost() -> None:
    db.session.execute(
        update(NoticeCopy)
        .where(NoticeCopy.store_id == current_store_id(), NoticeCopy.mail == "sending", NoticeCopy.mail_at < func.now())
        .values(mail="unclear")
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def write_letter(store_id: int, notice_id: int, user_id: int) -> Letter | None:
    """The mail of a notice to a person; None when they do not belong to the store any more.

    It is worded as a page is: in an application context of its own, within the store, for its reader's role and in
    their language.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context(), app.test_request_context("/"), store_scope(store_id):
        row = db.session.execute(
            select(User.email, User.language, Membership.role, Notice.kind, Notice.detail)
            .join(Membership, and_(Membership.user_id == User.id, Membership.store_id == store_id))
            .join(Notice, and_(Notice.store_id == store_id, Notice.id == notice_id))
            .where(User.id == user_id)
        ).one_or_none()
        if row is None:
            return None
        g.store, g.membership = current_store(), Member(store_id, user_id, Role(row.role))
        with speaking_to(row.language, g.store.language):
            return _worded(row.email, NoticeKind(row.kind), row.detail, notice_id, user_id)


def _worded(to: str, kind: NoticeKind, detail: dict[str, Any], notice_id: int, user_id: int) -> Letter:
    one = told(kind, detail, g.store.name)
    parts = _digest_parts(detail) if kind is NoticeKind.DIGEST else [Part(lines=[Fact(one.words)])]
    stop_url = mail.link("notices.stop", token=stop_token(g.store.id, user_id, kind))
    settings_url = mail.link("settings.notifications", store=g.store.slug)
    shown = {
        "title": one.title,
        "parts": parts,
        "button": one.button,
        "url": _absolute(one.url),
        "stop_url": stop_url,
        "settings_url": settings_url,
        "absolute": _absolute,
    }
    return Letter(
        to,
        one.title,
        render_template("notices/mail.txt", **shown),
        render_template("notices/mail.html", **shown),
        stop_url,
        name=f"notice-{g.store.id}-{notice_id}-{user_id}",
    )


def _digest_parts(detail: dict[str, Any]) -> list[Part]:
    given, happened = digest_facts(datetime.fromisoformat(detail["since"]).astimezone(UTC))
    parts = [Part(lines=facts) for facts in given]
    if happened:
        parts.append(Part(period_words(int(detail["days"])), happened))
    return parts


def _absolute(url: str | None) -> str:
    """The whole URL of a page, which begins with BASE_URL; '' where there is none."""
    if not url:
        return ""
    path = urlsplit(url)
    query = f"?{path.query}" if path.query else ""
    return f"{current_app.extensions['settings'].base_url}{path.path}{query}"


def _copy(notice_id: int, user_id: int) -> Any:
    return (
        update(NoticeCopy)
        .where(
            NoticeCopy.store_id == current_store_id(),
            NoticeCopy.notice_id == notice_id,
            NoticeCopy.user_id == user_id,
        )
        .execution_options(synchronize_session=False)
    )
