"""What flows between two linked stores, as tests put it in and look at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from app.catalog.stock import move
from app.core.matching import loose_key
from app.core.stock import Kind, Movement
from app.extensions import db
from app.tenancy.scope import store_scope
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore
from tests.sync.merchant import Merchant

Behind = Callable[..., None]
"""Writes what no role of ours may."""


def own_channel(sub: Books) -> SomeChannel:
    """Where the sub-store's orders come from."""
    return sub.channel("Webshop", "Online")


def webstore_order(sub: Books, channel: SomeChannel, number: str, **values: Any) -> int:
    """A paid order of the sub-store's webstore, with one line."""
    order_id = sub.order(channel, number=number, order_type=values.pop("order_type", "webstore"), **values)
    sub.line(order_id, sku="KOPI-1", name="Kopi")
    return order_id


class Shelf:
    """The warehouses of both stores: what lies where, by SKU."""

    def __init__(self, main: Merchant, sub: Books, channel_id: int) -> None:
        self._main, self._sub, self._channel = main, sub, channel_id
        self._place = self._first(main.store.id)

    def _first(self, store_id: int) -> int:
        with self._main.app.app_context(), store_scope(store_id):
            return int(db.session.scalar(text("select min(id) from locations")) or 0)

    def link(self, *skus: str) -> None:
        """An item of either store, each the other's, as somebody accepted it."""
        for sku in skus:
            theirs, ours = self._sub.item(sku, name=sku), Books(self._main.app, self._main.store).item(sku, name=sku)
            self._main.execute(
                "insert into listings (store_id, channel_id, remote_id, sku, sku_key, digest, item_id) "
                "values (:store, :channel, :remote, :sku, :key, '', :item)",
                store=self._main.store.id,
                channel=self._channel,
                remote=str(theirs),
                sku=sku,
                key=loose_key(sku),
                item=ours,
            )

    def put(self, sku: str, pieces: int, *, store: SomeStore | None = None, key: str | None = None) -> None:
        """Count the stock of an item in the main store, or in another one."""
        whose = (store or self._main.store).id
        with self._main.app.app_context(), store_scope(whose):
            item = db.session.scalar(text("select id from items where sku = :sku"), {"sku": sku})
            move([Movement(int(item), self._first_here(), Kind.ADJUST, on_hand_to=pieces, key=key)])
            db.session.commit()

    @staticmethod
    def _first_here() -> int:
        return int(db.session.scalar(text("select min(id) from locations")) or 0)

    def there(self) -> dict[str, int]:
        """What the sub-store has available, by SKU."""
        with self._main.app.app_context(), store_scope(self._sub.store.id):
            rows = db.session.execute(
                text("select sku, on_hand - reserved from stock_levels l join items i on i.id = l.item_id")
            )
            return {row[0]: row[1] for row in rows}

    def flow(self) -> None:
        """Let the tick notice, and the job tell."""
        self._main.tick()
        self._main.work()
