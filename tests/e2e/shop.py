"""A shop on the channel, as its owner sees it there: its orders, and the numbers that stand on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tests.e2e.orders import Order, is_booked, orders
from tests.sandbox.running import Running, Visitor

PAGE = 1000
_keys = count(1)


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop in the sandbox with the orders that it was opened with."""

    visitor: Visitor
    orders: Sequence[Order]

    @property
    def domain(self) -> str:
        """What is entered as the store's domain."""
        return self.visitor.sandbox.url

    @property
    def key(self) -> str:
        """Its API key."""
        return self.visitor.key

    def to_book(self, gateway: str | None = None) -> list[Order]:
        """The orders that must become invoices, newest first; those of one gateway, if it is named."""
        return [
            order for order in reversed(self.orders) if is_booked(order) and gateway in (None, order["billing_method"])
        ]

    def on_channel(self, order: Order) -> Order:
        """An order as the channel holds it now."""
        held: Order = self.visitor.steer("GET", f"orders/{order['order_id']}")
        return held

    def all_on_channel(self) -> list[dict[str, Any]]:
        """Every order as the channel holds it now."""
        held: list[dict[str, Any]] = []
        while len(held) < len(self.orders):
            page = self.visitor.steer("GET", "orders", params={"limit": PAGE, "offset": len(held)})["orders"]
            assert page, "the channel lost orders"
            held += page
        return held

    def writes_to(self, order: Order) -> list[str]:
        """The numbers that were written to an order, each time one was."""
        writes = self.visitor.steer("GET", "writes", params={"order_id": order["order_id"]})["writes"]
        return [str(write["invoice_no"]) for write in writes]


@contextmanager
def opened(sandbox: Running, first_key: str, size: int) -> Iterator[Shop]:
    """A new shop with so many orders of the last 60 days."""
    visitor = Visitor(sandbox, f"shop-{next(_keys)}-key")
    made = list(orders(size, datetime.now(UTC)))
    body = {"key": visitor.key, "name": "Puteri", "rate_limit": 100_000, "orders": made}
    visitor.steer("POST", "shops", params={"key": first_key}, json=body)
    with visitor.session:
        yield Shop(visitor, made)
