"""Channels, orders and what becomes of them, written straight into a store: many rows in a few statements.

Everything runs inside the scope of the store, under row-level security, as the application would write it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event, func, insert, select, update

from app.catalog.items import ItemFacts
from app.channels.models import Channel, Marketplace
from app.core.plan import gateway_key
from app.core.types import RemoteListing, UnreadableListing
from app.extensions import db
from app.invoices.models import Invoice, NumberSeries
from app.mappings.listings import store_listings
from app.mappings.models import Listing, PaymentMapping, PaymentMethod
from app.mappings.proposing import propose_all
from app.orders.linking import add_item
from app.orders.models import JournalEntry, Order, OrderLine, RawRecord, SeenOrder
from app.sync.models import Change
from app.tenancy.scope import store_scope
from tests.support.factories import SomeStore

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
"""Noon of 20 November in Kuala Lumpur."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class SomeChannel:
    """A channel of a test with one marketplace."""

    id: int
    name: str
    marketplace_id: int


class Books:
    """Writes rows into one store: `books.order(total=3990)` returns the order's id."""

    def __init__(self, app: Flask, store: SomeStore) -> None:
        self.app, self.store = app, store

    @contextmanager
    def scope(self) -> Iterator[None]:
        """The store's scope, as a worker has it: outside any request."""
        with self.app.app_context(), store_scope(self.store.id):
            yield

    def channel(self, name: str = "SiteGiant", marketplace: str = "Shopee", currency: str = "MYR") -> SomeChannel:
        """A connected channel with one marketplace."""
        with self.scope():
            channel_id = self._add(Channel, kind="sitegiant", name=name, start_at=NOON - timedelta(days=400))
            marketplace_id = self._marketplace(channel_id, marketplace, currency)
            db.session.commit()
        return SomeChannel(channel_id, name, marketplace_id)

    def marketplace(self, channel: SomeChannel, name: str, currency: str = "MYR") -> int:
        """One more marketplace of a channel."""
        with self.scope():
            found = self._marketplace(channel.id, name, currency)
            db.session.commit()
        return found

    def gateway(self, channel: SomeChannel, gateway: str, method: str | None = None) -> int:
        """A gateway of the channel, mapped to a payment method of that name when one is given."""
        with self.scope():
            method_id = self._method(method) if method else None
            found = self._add(
                PaymentMapping,
                channel_id=channel.id,
                gateway_key=gateway_key(gateway),
                gateway=gateway,
                payment_method_id=method_id,
                version=1 if method else 0,
            )
            db.session.commit()
        return found

    def item(self, sku: str, **facts: Any) -> int:
        """An item; proposals and orders follow, as when a person adds it."""
        with self.scope():
            return add_item(ItemFacts(sku, **facts), self.store.owner.id).item_id

    def listings(self, channel: SomeChannel, *many: RemoteListing | UnreadableListing) -> list[int]:
        """What the channel sells, with proposals, as a refresh leaves it; the ids in the given order."""
        with self.scope():
            store_listings(channel.id, many)
            propose_all(channel.id)
            rows = db.session.execute(
                select(Listing.remote_id, Listing.id).where(
                    Listing.store_id == self.store.id, Listing.channel_id == channel.id
                )
            )
            ids = {row.remote_id: row.id for row in rows}
            db.session.commit()
        return [ids[one.remote_id] for one in many]

    def order(self, channel: SomeChannel, **values: Any) -> int:
        """One order; what is not given is a paid order of RM 39.90 that is ready."""
        return self.orders(channel, [values])[0]

    def orders(self, channel: SomeChannel, many: Sequence[dict[str, Any]]) -> list[int]:
        """Many orders in one statement, in the given order."""
        rows = [self._order(channel, values) for values in many]
        with self.scope():
            ids = db.session.scalars(insert(Order).returning(Order.id, sort_by_parameter_order=True), rows).all()
            db.session.commit()
        return list(ids)

    def line(self, order_id: int, line_no: int = 1, **values: Any) -> None:
        """One line of an order: two at RM 21.00 less RM 2.00, unless told otherwise."""
        row: dict[str, Any] = {
            "remote_id": str(line_no),
            "sku": f"A-{line_no}",
            "isku": f"A{line_no}",
            "name": "Kopi",
            "variant": "",
        }
        row |= {"quantity": 2, "unit_price": 2100, "gross": 4200, "discount": 200, "tax": 0}
        self._write(OrderLine, order_id=order_id, line_no=line_no, **(row | values))

    def raw(self, order_id: int, payload: dict[str, Any]) -> None:
        """What the channel sent for an order."""
        self._write(RawRecord, order_id=order_id, payload=payload)

    def note(self, kind: str, order_id: int, *, user_id: int | None = None, **detail: Any) -> None:
        """An entry of the journal."""
        self._write(JournalEntry, kind=kind, order_id=order_id, user_id=user_id, detail=detail)

    def unread(self, channel: SomeChannel, remote_id: str, problem: str, payload: dict[str, Any]) -> None:
        """An order that the channel listed and that could not be read."""
        self._write(
            SeenOrder,
            channel_id=channel.id,
            remote_id=remote_id,
            marketplace_id=channel.marketplace_id,
            state="unreadable",
            reason="BAD_PAYLOAD",
            raw={"problem": problem, "payload": payload},
        )

    def invoice(self, order_id: int, *, state: str = "posted", **values: Any) -> int:
        """An invoice of the order with the next number, and the order booked when it is live."""
        with self.scope():
            order = db.session.get_one(Order, (self.store.id, order_id))
            series = db.session.get_one(NumberSeries, (self.store.id, "invoice"), with_for_update=True)
            number, series.next_number = series.next_number, series.next_number + 1
            row = {
                "series": "invoice",
                "number": number,
                "number_text": f"INV{number:05}",
                "order_id": order_id,
                "channel_id": order.channel_id,
                "marketplace_id": order.marketplace_id,
                "state": state,
                "invoice_date": NOON.date(),
                "currency": order.currency,
                "order_number": order.number,
                "buyer": order.buyer,
                "gateway": order.gateway,
                "payment_method_id": self._default_method(),
                "payment_method": "Cash",
                "payment_mapping_version": 0,
                "salesperson": "",
                "salesperson_mapping_version": 0,
                "seller": "Nyonya Pantry",
                "subtotal": order.total,
                "discount": 0,
                "shipping": 0,
                "adjustment": 0,
                "tax": 0,
                "tax_included": False,
                "rounding": 0,
                "total": order.total,
                "content_key": order.content_key,
            }
            invoice_id = self._add(Invoice, **(row | values))
            if state == "posted":
                order.state, order.reason, order.booked_content_key = "booked", None, order.content_key
            db.session.commit()
        return invoice_id

    def change(self, order_id: int, invoice_id: int, state: str = "done", **values: Any) -> int:
        """A write-back of the invoice's number."""
        with self.scope():
            order = db.session.get_one(Order, (self.store.id, order_id))
            row: dict[str, Any] = {"key": f"test:{next(_numbers)}", "kind": "write_back", "payload": {}, "state": state}
            row |= {"channel_id": order.channel_id, "remote_id": order.remote_id, "order_id": order_id}
            change_id = self._add(Change, invoice_id=invoice_id, **(row | values))
            db.session.commit()
        return change_id

    def set(self, order_id: int, **values: Any) -> None:
        """Change columns of an order."""
        with self.scope():
            db.session.execute(update(Order).where(Order.id == order_id).values(**values))
            db.session.commit()

    def _write(self, model: type[Any], **values: Any) -> None:
        with self.scope():
            db.session.execute(insert(model).values(store_id=self.store.id, **values))
            db.session.commit()

    def _add(self, model: type[Any], **values: Any) -> int:
        statement = insert(model).values(store_id=self.store.id, **values).returning(model.id)
        return int(db.session.execute(statement).scalar_one())

    def _marketplace(self, channel_id: int, name: str, currency: str) -> int:
        remote_id = str(next(_numbers))
        return self._add(
            Marketplace, channel_id=channel_id, remote_id=remote_id, name=name, kind=name, currency=currency
        )

    def _method(self, name: str) -> int:
        found = db.session.scalar(
            select(PaymentMethod.id).where(
                PaymentMethod.store_id == self.store.id, func.lower(PaymentMethod.name) == name.lower()
            )
        )
        return found or self._add(PaymentMethod, name=name)

    def _default_method(self) -> int:
        found = db.session.scalar(
            select(PaymentMethod.id).where(PaymentMethod.store_id == self.store.id, PaymentMethod.is_default)
        )
        assert found is not None
        return found

    def _order(self, channel: SomeChannel, values: dict[str, Any]) -> dict[str, Any]:
        number = next(_numbers)
        row: dict[str, Any] = {
            "store_id": self.store.id,
            "channel_id": channel.id,
            "marketplace_id": channel.marketplace_id,
            "remote_id": str(100_000 + number),
            "number": f"2611T{number:05}",
            "order_type": "marketplace",
            "status": "completed",
            "status_text": "Completed",
            "payment_status": "paid",
            "payment_status_text": "Paid",
            "gateway": "ShopeePay",
            "remote_invoice_no": "",
            "currency": "MYR",
            "placed_at": NOON - timedelta(minutes=number),
            "buyer": {"name": "Nur Aisyah", "phone": "+60123456789"},
            "note": "",
            "shipping": 490,
            "discount": 500,
            "adjustment": 0,
            "tax": 0,
            "tax_included": False,
            "total": 3990,
            "refunded": 0,
            "digest": str(number),
            "content_key": str(number),
            "state": "ready",
            "reason": None,
            "reason_detail": {},
            "alert": None,
        } | values
        row.setdefault("gateway_key", gateway_key(str(row["gateway"])))
        buyer = row["buyer"]
        parts = (row["number"], row["remote_id"], buyer.get("name", ""), buyer.get("phone", ""))
        row.setdefault("search", " ".join(str(part) for part in parts).casefold())
        return row


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that runs inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
