"""Ways through the channel pages that several tests go."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.channels.models import Channel
from app.extensions import db
from app.tenancy.scope import store_scope
from tests.connectors.fake import FakeShop
from tests.support.factories import SomeStore

OPTIONS = {"name": "Kedai Penang", "start_on": "2026-01-01", "unmapped_gateway": "cash"}


def connect(client: FlaskClient, store: SomeStore, shop: FakeShop, **options: str) -> int:
    """Go through the steps of [+] Add channel; returns the new channel's id."""
    tested = client.post(store.url("/channels/add/fake"), data=shop.config)
    assert tested.status_code == 303, tested.text
    connected = client.post(store.url("/channels/add/fake/options"), data=OPTIONS | options)
    assert connected.status_code == 303, connected.text
    return int(connected.location.split("/")[-2])


def channels_of(app: Flask, store: SomeStore) -> list[Channel]:
    """The rows as they are stored, removed ones too, detached."""
    with app.app_context(), store_scope(store.id):
        rows = list(db.session.scalars(select(Channel).order_by(Channel.id)))
        db.session.expunge_all()
    return rows
