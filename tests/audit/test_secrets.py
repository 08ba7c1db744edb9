"""No secret gets into the audit log, its page, its file, or what the program logs: each is made a word to look for."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from sqlalchemy import text

from app.accounts import invitations, two_step
from app.api.keys import Scope, make_key
from app.audit.words import Thing
from app.channels.models import Channel, Webhook
from app.core.calling import Event
from app.core.roles import Role
from app.extensions import db
from app.hooks import services as hooks
from app.links import codes
from app.sealing import seal
from tests.audit.helpers import acting, entries
from tests.orders.factories import Books
from tests.support.factories import PASSWORD, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import links_in, mails_to, wait_for_mail

CREDENTIAL = "canary-credential-11"
CALLS = "canary-of-a-channels-calls-12"
NEW_PASSWORD = "canary-lantern-mangosteen-13"


def test_no_secret_is_told(app: Flask, store: SomeStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {PASSWORD, NEW_PASSWORD, CREDENTIAL, CALLS, *_made(app, store)}
    owner = signed_in(new_client(app), store.owner)
    answer = owner.post("/me/password", data={"current": PASSWORD, "password": NEW_PASSWORD})
    assert answer.status_code == 303
    owner = new_client(app)
    owner.post("/forgot", data={"email": store.owner.email})
    wait_for_mail(app, store.owner.email, 2)
    (reset,) = (link for mail in mails_to(app, store.owner.email) for link in links_in(mail) if "/reset/" in link)
    secrets.add(reset.rpartition("/")[2])
    owner.get(reset.removeprefix("http://localhost"))
    owner = signed_in(owner, store.owner)
    things = {entry.thing for entry in entries(app, store)}
    assert {Thing.API_KEY, Thing.CHANNEL, Thing.ENDPOINT, Thing.INVITATION, Thing.ANNOUNCEMENTS, Thing.CODE} <= things
    with acting(app, store, store.owner):
        rows = "\n".join(db.session.execute(text("select to_jsonb(e)::text from audit_entries e")).scalars())
    pages = "".join(owner.get(store.url(f"/settings/audit{kind}")).text for kind in ("?limit=200", ".csv"))
    assert "Till 9" in pages
    logged = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
    for place, words in {"rows": rows, "pages": pages, "log": logged}.items():
        assert [secret for secret in secrets if secret in words] == [], place


def _made(app: Flask, store: SomeStore) -> list[str]:
    """Every secret that can be made in a store, each made and changed by its owner."""
    channel = Books(app, store).channel("Till 9")
    with acting(app, store, store.owner):
        row = db.session.get_one(Channel, (store.id, channel.id))
        row.credentials = seal({"api_key": CREDENTIAL})
        token = f"canary-token-{store.id}"
        hook = Webhook(store_id=store.id, channel_id=channel.id, token_hash=token.encode(), secret=seal({"s": CALLS}))
        db.session.add(hook)
        db.session.commit()
        key = make_key("Our webshop", [Scope.READ, Scope.WRITE], store.owner.id)
        url = "https://hooks.shop.example/in?key=canary-in-a-query"
        endpoint_id, signing = hooks.add_endpoint(url, [Event.CHANNEL_PAUSED], store.owner.id)
        signing_anew = hooks.rotate_secret(endpoint_id)
        _id, invitation = invitations.invite("mei.ling@shop.example", Role.MANAGER, by=store.owner.id)
        codes.ensure_code(store.owner.id)
        code = codes.own_code()
        codes.replace_code(store.owner.id)
        db.session.commit()
        two_step.start_set_up(store.owner.id)
        totp = two_step.secret_to_set_up(store.owner.id)
    assert code and totp
    return [token, key, signing, signing_anew, invitation, code.text, totp, "canary-in-a-query"]
