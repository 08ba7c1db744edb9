"""The mails that the application under test has sent, from its mail folder."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import text

from app.embedded.processes import wait_until
from app.extensions import db
from app.notices import jobs
from app.tenancy.scope import current_store_id, store_scope
from tests.support.factories import SomeStore


def mails_to(app: Flask, address: str) -> list[EmailMessage]:
    """All mails to an address, oldest first."""
    folder = Path(urlsplit(app.extensions["settings"].mail_url).path)
    found = (message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml")))
    return [mail for mail in found if mail["To"] == address]


def wait_for_mail(app: Flask, address: str, count: int = 1) -> EmailMessage:
    """The newest mail to an address once there are `count`; mails are sent after the answer."""
    assert wait_until(lambda: len(mails_to(app, address)) >= count, timeout=10), f"no mail to {address}"
    return mails_to(app, address)[-1]


def tell_people(app: Flask, *stores: SomeStore) -> None:
    """What a worker does when the bell rings for these stores' people: look, and send the mails."""
    for store in stores:
        with app.app_context(), store_scope(store.id):
            ask_for_look()
        with app.app_context():
            jobs.run(store.id, 0)


def ask_for_look() -> None:
    """Have the store looked at as soon as may be, as triggers do in a moment. Commits."""
    at_once = (
        "insert into notice_clocks (store_id, look_at, next_at) values (:store, now(), now()) "
        "on conflict (store_id) do update set look_at = excluded.look_at, next_at = excluded.next_at"
    )
    db.session.execute(text(at_once), {"store": current_store_id()})
    db.session.commit()


def text_of(mail: EmailMessage) -> str:
    """What a mail says to those who read plain text."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def links_in(mail: EmailMessage) -> list[str]:
    """The URLs in a mail's text."""
    return re.findall(r"https?://\S+", text_of(mail))
