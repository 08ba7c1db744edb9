"""What a worker does when the bell rings for a store's people: look, plan the digest, send the mails."""

from __future__ import annotations

from flask import current_app

from app.notices.clock import wind
from app.notices.digest import plan_digests
from app.notices.looking import look
from app.notices.mailing import send_mails
from app.sync.nudge import nudge
from app.tenancy.scope import store_scope


def run(store_id: int, _number: int) -> None:
    """See to a store's people. A job of the queue; what is due stands in the database, so it may come twice or late."""
    with current_app.app_context():
        with store_scope(store_id):
            is_news = bool(look())
        if is_news:
            nudge(store_id, "notices")
        with store_scope(store_id):
            plan_digests()
        send_mails(store_id)
        with store_scope(store_id):
            wind()
