"""Buttons of a channel that somebody removes between the look and the act: an answer in words, nothing half done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.channels import queries, services
from app.channels.queries import ChannelRow
from app.extensions import db
from tests.channels.paths import channels_of, connect
from tests.connectors.fake import FakeShop
from tests.support.factories import SomeStore

ACTS: Mapping[str, Mapping[str, Any]] = {
    "check": {},
    "pause": {},
    "resume": {},
    "sync-now": {},
    "marketplaces/refresh": {},
    "auto-sync": {"on": "y", "minutes": "60"},
    "settings": {"name": "Another", "start_on": "2026-02-01"},
    "reconnect": {"host": "", "token": ""},
    "payments": {"gateway": "Boost", "payment_method_id": ""},
    "remove": {},
}


@pytest.fixture
def channel_id(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> int:
    """A connected channel."""
    return connect(owner, store, shop)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[ChannelRow]:
    """The next channel that a page looks at is removed right after; what the page saw of it."""
    look = queries.channel
    seen: list[ChannelRow] = []

    def look_and_lose(wanted: int) -> ChannelRow | None:
        found = look(wanted)
        if found is not None and not seen:
            seen.append(found)
            services.remove(wanted)
            db.session.expire_all()
        return found

    monkeypatch.setattr(queries, "channel", look_and_lose)
    return seen


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["plain", "htmx"])
def test_a_channel_that_is_removed_in_between(  # noqa: PLR0917
    owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int, lost: list[ChannelRow],
    act: str, headers: dict[str, str],
) -> None:  # fmt: skip
    form = {**shop.config, **ACTS[act]} if act == "reconnect" else ACTS[act]
    form = {name: value or shop.config.get(name, value) for name, value in form.items()}
    answer = owner.post(store.url(f"/channels/{channel_id}/{act}"), data=form, headers=headers)
    assert lost, "the page never looked"
    assert answer.status_code in (200, 303, 404), answer.text[:500]
    if answer.status_code == 404:
        assert "There is no such channel in this store." in answer.text
    (channel,) = channels_of(owner.application, store)
    assert (channel.status, channel.name, channel.auto_sync, channel.credentials) == (
        "removed",
        "Kedai Penang",
        False,
        None,
    )
