"""A shop that makes orders in its store and lets a channel have them: what its people press and what its jobs do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.catalog.models import Item
from app.channels.services import NewChannel, connect_channel
from app.core.own_orders import Move, OwnOrder, read_order
from app.core.types import RemoteListing, UnreadableListing
from app.extensions import db
from app.fulfilment.services import tell
from app.mappings.models import Listing
from app.orders.linking import link_listing
from app.orders.models import JournalEntry
from app.own_orders.services import Made, add_orders, replace_order
from app.sync.models import Change, OrderCopy
from app.sync.services import start_write_back
from app.sync.switching import start_giving, stop_giving
from app.tenancy.scope import store_scope
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore
from tests.support.working import ring, work_off

DOCUMENT: dict[str, Any] = {
    "kind": "pos",
    "payment_status": "paid",
    "payment_method": "Cash",
    "lines": [{"sku": "KOPI-1", "name": "Kopi", "quantity": 2, "unit_price": "16.90"}],
    "shipping": "6.00",
}


class Giver:
    """One store and the channel that has its orders."""

    def __init__(self, app: Flask, store: SomeStore, currency: str = "MYR") -> None:
        self.app, self.store, self.currency = app, store, currency
        self.books = Books(app, store)
        self.channel_id = 0

    def connect(self, kind: str, config: Mapping[str, str], *sold: RemoteListing | UnreadableListing) -> None:
        """Connect the channel, with what it sells."""
        with self.books.scope():
            new = NewChannel(
                kind=kind, config=dict(config), name="Kedai", start_on=date(2026, 1, 1), unmapped_gateway="cash"
            )
            self.channel_id = connect_channel(new)
        self.books.listings(self.there(), *sold)

    def there(self) -> SomeChannel:
        """The channel, as the factories take one."""
        return SomeChannel(self.channel_id, "Kedai", 0)

    def link(self, remote_id: str, sku: str) -> None:
        """Make an item of the SKU if there is none, and say that a listing means it."""
        item_id = self.item(sku) or self.books.item(sku, name=sku)
        with self.books.scope():
            listing = db.session.scalars(select(Listing).where(Listing.remote_id == remote_id)).one()
            link_listing(self.channel_id, listing.id, item_id, listing.version, self.store.owner.id)

    def item(self, sku: str) -> int | None:
        """The item of a SKU."""
        with self.books.scope():
            return db.session.scalar(select(Item.id).where(Item.sku == sku))

    def start(self) -> int:
        """Switch it on."""
        with self.books.scope():
            return start_giving(self.channel_id, self.store.owner.id)

    def stop(self) -> int:
        """Switch it off."""
        with self.books.scope():
            return stop_giving(self.channel_id, self.store.owner.id)

    def order(self, **other: Any) -> OwnOrder:
        """What a form or a program says."""
        return read_order(DOCUMENT | other, currency=self.currency, now=datetime.now(UTC))

    def make(self, *orders: OwnOrder, **other: Any) -> Made:
        """Make orders; the first of them."""
        with self.books.scope():
            return add_orders(orders or [self.order(**other)], user_id=self.store.owner.id).made[0]

    def replace(self, order_id: int, **other: Any) -> None:
        """Let an order say something else."""
        with self.books.scope():
            replace_order(order_id, self.order(**other), self.store.owner.id)

    def move(self, order_id: int, **said: Any) -> None:
        """Say what happened to an order."""
        with self.books.scope():
            tell(order_id, Move(**said), self.store.owner.id)

    def send(self) -> list[str]:
        """Start the job that sends, as the tick does, and run what is due; the states of all jobs."""
        with self.books.scope():
            start_write_back(self.channel_id, None)
        return work_off(self.app, self.store.id)

    def send_once(self) -> None:
        """Start the job that sends, and ring for it once."""
        with self.books.scope():
            start = start_write_back(self.channel_id, None)
        assert start is not None
        ring(self.app, self.store.id, start.job_id)

    def change(self, order_id: int) -> Change:
        """The one change of the order, detached."""
        with self.app.app_context(), store_scope(self.store.id):
            found = db.session.scalars(select(Change).where(Change.order_id == order_id)).one()
            db.session.expunge_all()
            return found

    def copy(self, order_id: int) -> OrderCopy:
        """The order's copy, detached."""
        with self.app.app_context(), store_scope(self.store.id):
            found = db.session.scalars(select(OrderCopy).where(OrderCopy.order_id == order_id)).one()
            db.session.expunge_all()
            return found

    def notes(self, order_id: int) -> list[str]:
        """The kinds of what was noted of the order, in their order."""
        with self.books.scope():
            query = select(JournalEntry.kind).where(JournalEntry.order_id == order_id).order_by(JournalEntry.id)
            return list(db.session.scalars(query))
