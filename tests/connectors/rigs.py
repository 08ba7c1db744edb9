"""What the contract suite needs of a channel, whichever it is: to place sales in it, to change them, to break it.

A rig is the test's hand on the far side. One is over the fake in memory, one over the SiteGiant sandbox on a real
socket; a new connector brings a rig of its own and is held to the same contract.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.connectors.base import Connector, ConnectorOptions
from app.connectors.sitegiant import SiteGiant
from app.core.errors import RateLimited, Unavailable
from app.core.types import OrderStatus, OrderType, PaymentStatus, RemoteLine, UnreadableListing
from tests.connectors.fake import FakeConnector, FakeShop, a_listing, an_order, answer_lost
from tests.sandbox.running import Visitor

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
LOCAL = timezone(timedelta(hours=8))


class Trouble(StrEnum):
    """What can be wrong over there."""

    DOWN = "down"
    TOO_FAST = "too_fast"
    ANSWER_LOST = "answer_lost"


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale of two pieces of one thing, for 2 x 21.00 less a discount of 2.00, plus 4.90 shipping."""

    number: int
    place: str = "Shopee"
    created_at: datetime = NOON
    open_and_unpaid: bool = False
    invoice_no: str = ""

    @property
    def remote_id(self) -> str:
        return str(self.number)

    @property
    def total(self) -> int:
        return 4490


@dataclass(frozen=True, slots=True)
class Article:
    """Something that is sold for RM 21.00, five of them in stock."""

    number: int
    sku: str = "a-1"
    isku: str = "A1"
    barcode: str = "9551234567890"
    name: str = "Kopi O"
    readable: bool = True


class Rig(ABC):
    """One account that a test has to itself. It has a place "Shopee" in MYR and a place "Shopee SG" in SGD."""

    kind: type[Connector]
    options = ConnectorOptions(allow_sandboxes=True)

    @property
    @abstractmethod
    def config(self) -> Mapping[str, str]:
        """What a merchant would type in."""

    @abstractmethod
    def place(self, *sales: Sale) -> None:
        """Let these sales have happened."""

    @abstractmethod
    def sell(self, *articles: Article) -> None:
        """Let the channel sell these, or as they are now."""

    @abstractmethod
    def unlist(self, article: Article) -> None:
        """The channel sells it no longer."""

    @abstractmethod
    def cancel(self, sale: Sale) -> None:
        """The channel cancels an order."""

    @abstractmethod
    def number_by_others(self, sale: Sale, invoice_no: str) -> None:
        """Somebody else writes a number onto an order."""

    @abstractmethod
    def standing(self, sale: Sale) -> str:
        """The invoice number that really stands on an order."""

    @abstractmethod
    def writes(self) -> list[tuple[str, str]]:
        """The numbers that took effect, in order, as (order, number); those of others not counted."""

    @abstractmethod
    def break_next(self, trouble: Trouble, route: str) -> None:
        """Let the next call of a route ("list", "detail", "write", "items") go wrong."""

    def connector(self, **changes: str) -> Connector:
        """A connector for this account; `changes` replace what the merchant typed in."""
        return self.kind({**self.config, **changes}, self.options)


class FakeRig(Rig):
    """The contract over the fake."""

    kind = FakeConnector
    _METHODS: Mapping[str, str] = {
        "list": "list_orders",
        "detail": "get_orders",
        "write": "write_invoice_numbers",
        "items": "list_products",
    }

    def __init__(self, shop: FakeShop) -> None:
        self.shop = shop
        self._places = {place.name.partition(" - ")[2]: place for place in shop.places}

    @property
    def config(self) -> Mapping[str, str]:
        return self.shop.config

    def place(self, *sales: Sale) -> None:
        for sale in sales:
            place = self._places[sale.place]
            line = RemoteLine("1", "A-1", "A1", "Kopi", "", Decimal(2), 2100, 4200, 200, 0)
            unpaid: dict[str, Any] = {
                "status": OrderStatus.OPEN,
                "status_text": "Open",
                "payment_status": PaymentStatus.UNPAID,
                "payment_status_text": "Unpaid",
                "paid_at": None,
            }
            order = an_order(
                sale.remote_id,
                marketplace_id=place.remote_id,
                currency=place.currency,
                order_type=OrderType.WEBSTORE if place.kind == "Webstore" else OrderType.MARKETPLACE,
                created_at=sale.created_at,
                updated_at=sale.created_at,
                lines=(line,),
                shipping=490,
                total=sale.total,
                invoice_no=sale.invoice_no,
                **(unpaid if sale.open_and_unpaid else {}),
            )
            self.shop.put(order)

    def sell(self, *articles: Article) -> None:
        for one in articles:
            remote_id = str(one.number)
            self.shop.listings[remote_id] = (
                a_listing(remote_id, sku=one.sku, isku=one.isku, barcode=one.barcode, name=one.name)
                if one.readable
                else UnreadableListing(remote_id, "No price.", {"item_id": one.number})
            )

    def unlist(self, article: Article) -> None:
        del self.shop.listings[str(article.number)]

    def cancel(self, sale: Sale) -> None:
        self.shop.change(sale.remote_id, status=OrderStatus.CANCELLED, status_text="Cancelled")

    def number_by_others(self, sale: Sale, invoice_no: str) -> None:
        self.shop.change(sale.remote_id, invoice_no=invoice_no)

    def standing(self, sale: Sale) -> str:
        return self.shop.order(sale.remote_id).invoice_no

    def writes(self) -> list[tuple[str, str]]:
        return list(self.shop.writes)

    def break_next(self, trouble: Trouble, route: str) -> None:
        method = self._METHODS[route]
        if trouble is Trouble.TOO_FAST:
            self.shop.fail(method, RateLimited("Too fast.", retry_after=5))
        elif trouble is Trouble.DOWN:
            self.shop.fail(method, Unavailable("Not answering."))
        else:
            self.shop.fail(method, answer_lost(), after_effect=True)


class SiteGiantRig(Rig):
    """The contract over the SiteGiant sandbox, a process of its own behind a socket."""

    kind = SiteGiant
    _FAULTS: Mapping[Trouble, str] = {
        Trouble.DOWN: "server_error",
        Trouble.TOO_FAST: "rate_limited",
        Trouble.ANSWER_LOST: "answer_lost",
    }

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        # Both places come into being with a sale far outside of every test's window.
        long_ago = NOON - timedelta(days=300)
        self.place(Sale(1, created_at=long_ago), Sale(2, place="Shopee SG", created_at=long_ago))

    @property
    def config(self) -> Mapping[str, str]:
        return {"domain": self.visitor.sandbox.url, "api_key": self.visitor.key}

    def place(self, *sales: Sale) -> None:
        self.visitor.add(*[self._row(sale) for sale in sales])

    def sell(self, *articles: Article) -> None:
        self.visitor.steer("POST", "items", json=[self._item(article) for article in articles])

    def unlist(self, article: Article) -> None:
        self.visitor.steer("DELETE", f"items/{article.number}")

    def cancel(self, sale: Sale) -> None:
        self.visitor.steer("POST", f"orders/{sale.number}/cancel")

    def number_by_others(self, sale: Sale, invoice_no: str) -> None:
        self.visitor.steer("PATCH", f"orders/{sale.number}", json={"invoice_no": invoice_no})

    def standing(self, sale: Sale) -> str:
        found = self.visitor.steer("GET", f"orders/{sale.number}")
        return str(found["invoice_no"])

    def writes(self) -> list[tuple[str, str]]:
        return [(str(write["order_id"]), str(write["invoice_no"])) for write in self.visitor.writes()]

    def break_next(self, trouble: Trouble, route: str) -> None:
        self.visitor.fault(self._FAULTS[trouble], route=route, times=1)

    @staticmethod
    def _item(article: Article) -> dict[str, Any]:
        return {
            "item_id": article.number,
            "isku": article.isku,
            "product_sku": article.sku,
            "name": article.name,
            "barcode": article.barcode,
            "price": "21.00" if article.readable else "twenty-one",
            "currency": "MYR",
            "stock": 5,
            "image": "",
        }

    @staticmethod
    def _row(sale: Sale) -> dict[str, Any]:
        created = sale.created_at.astimezone(LOCAL)
        line = {
            "order_item_id": 1,
            "product_sku": "A-1",
            "isku": "A1",
            "product_name": "Kopi",
            "product_price": "21.00",
            "product_quantity": 2,
            "product_total": "42.00",
            "discount_amount": "-2.00",
        }
        return {
            "order_id": sale.number,
            "marketplace": sale.place,
            "currency": "SGD" if sale.place.endswith("SG") else "MYR",
            "order_status": "Open" if sale.open_and_unpaid else "Completed",
            "payment_status": "Unpaid" if sale.open_and_unpaid else "Paid",
            "billing_method": "ShopeePay",
            "billing_firstname": "Buyer",
            "billing_lastname": "One",
            "billing_city": "Ipoh",
            "order_creation_date": created.isoformat(),
            "paid_time": None if sale.open_and_unpaid else (created + timedelta(minutes=1)).isoformat(),
            "updated_at": created.isoformat(),
            "invoice_no": sale.invoice_no,
            "order_items": [line],
            "shipping_fee": "4.90",
            "total": "44.90",
        }
