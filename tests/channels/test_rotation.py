"""Changing the credential keys: what was sealed with the old key opens with the new one alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cryptography.fernet import Fernet
from flask import Flask

from app.channels.credentials import open_sealed, seal
from app.channels.models import Channel, Webhook
from app.channels.rotation import reseal_all
from app.config import Settings
from app.extensions import db
from app.tenancy.scope import store_scope
from tests.support.factories import SomeStore


def test_every_stores_credentials_open_with_the_new_key_alone(
    app: Flask, settings: Settings, store: SomeStore, other_store: SomeStore
) -> None:
    new_key = Fernet.generate_key().decode()
    both = replace(settings, credential_keys=(new_key, *settings.credential_keys))
    channels = [_add_channel(app, one, f"secret of {one.name}") for one in (store, other_store)]
    try:
        app.extensions["settings"] = both
        with app.app_context():
            assert reseal_all(settings.database_owner_url or "").done >= 4
        app.extensions["settings"] = replace(settings, credential_keys=(new_key,))
        for one, channel_id in zip((store, other_store), channels, strict=True):
            with app.app_context(), store_scope(one.id):
                sealed = db.session.get_one(Channel, (one.id, channel_id)).credentials
                assert open_sealed(sealed or b"") == {"api_key": f"secret of {one.name}"}
                webhook = db.session.get_one(Webhook, (one.id, channel_id))
                assert open_sealed(webhook.secret) == {"secret": f"secret of {one.name}"}
    finally:
        app.extensions["settings"] = both
        with app.app_context():
            app.extensions["settings"] = replace(both, credential_keys=(*settings.credential_keys, new_key))
            reseal_all(settings.database_owner_url or "")
        app.extensions["settings"] = settings


def _add_channel(app: Flask, store: SomeStore, secret: str) -> int:
    with app.app_context(), store_scope(store.id):
        channel = Channel(
            store_id=store.id,
            kind="sitegiant",
            name="Shop",
            start_at=datetime(2026, 1, 1, tzinfo=UTC),
            credentials=seal({"api_key": secret}),
        )
        db.session.add(channel)
        db.session.flush()
        token = f"token of {store.id}".encode()
        sealed = seal({"secret": secret})
        db.session.add(Webhook(store_id=store.id, channel_id=channel.id, token_hash=token, secret=sealed))
        db.session.commit()
        return channel.id
