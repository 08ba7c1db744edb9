"""A store whose orders are made on a channel too: one kept in memory, which sells its only product."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flask import Flask

from app.connectors.base import Connector
from app.connectors.own import Own
from tests.connectors.fake import FakeConnector, FakeShop, a_listing, open_shop
from tests.giving.giver import Giver
from tests.support.factories import SomeStore


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeShop:
    """The channel's side: it sells KOPI-1 under the id 501."""
    registry: Mapping[str, type[Connector]] = {"fake": FakeConnector, Own.kind: Own}
    monkeypatch.setattr("app.connectors.REGISTRY", registry)
    found = open_shop()
    found.listings["501"] = a_listing("501", sku="KOPI-1", isku="", name="Kopi")
    return found


@pytest.fixture
def giver(app: Flask, store: SomeStore, shop: FakeShop) -> Giver:
    """The store's side: connected, KOPI-1 linked, and switched on."""
    found = Giver(app, store)
    found.connect("fake", shop.config, *shop.listings.values())
    found.link("501", "KOPI-1")
    found.start()
    return found
