"""What the contract suite needs of a channel, whichever it is: to place sales in it, to change them, to break it.

A rig is the test's hand on the far side. One is over the fake in memory, the others over a sandbox on a real socket;
a new connector brings a rig of its own and is held to the same contract, as far as it says that it can.
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
from app.connectors.kiotviet import KiotViet
from app.connectors.sitegiant import SiteGiant
from app.core.errors import RateLimited, Unavailable
from app.core.types import OrderStatus, OrderType, OrderWrite, PaymentStatus, RemoteLine, UnreadableListing
from tests.connectors.fake import FakeConnector, FakeShop, a_listing, an_order, answer_lost
from tests.sandbox.kiotviet.visiting import BRANCH, OTHER_BRANCH, a_product
from tests.sandbox.kiotviet.visiting import Visitor as KiotVietVisitor
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
    """One sale of two pieces of one thing, for 2 x 2100 less a discount of 200, plus 490 shipping, in minor units."""

    number: int
    place: str = "Shopee"
    created_at: datetime = NOON
    open_and_unpaid: bool = False
    invoice_no: str = ""

    @property
    def total(self) -> int:
        return 4490


@dataclass(frozen=True, slots=True)
class Article:
    """Something that is sold for 2100 in minor units, five of them in stock."""

    number: int
    sku: str = "a-1"
    isku: str = "A1"
    barcode: str = "9551234567890"
    name: str = "Kopi O"
    readable: bool = True


class Rig(ABC):
    """One account that a test has to itself, with two places in it that tests call "Shopee" and "Shopee SG"."""

    kind: type[Connector]
    options = ConnectorOptions(allow_sandboxes=True)
    account_name: str = "Kedai"
    places: Mapping[str, tuple[str, str, str]] = {
        "Shopee": ("Kedai - Shopee", "Shopee", "MYR"),
        "Shopee SG": ("Kedai - Shopee SG", "Shopee", "SGD"),
    }
    """What the channel calls them, of what kind they are, and in which currency."""
    isku: str = "A1"
    """What an article of ours is called by the maker of the channel; '' where there is no such thing."""
    gateway: str = "ShopeePay"
    elsewhere: Mapping[str, str] = {"domain": "http://no-such-shop.invalid"}
    """What to type in for an account at an address that is not there."""

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

    def remote_id(self, sale: Sale) -> str:
        """The channel's id of a sale."""
        return str(sale.number)

    def made(self, key: str) -> int:
        """How many orders were made there under this key."""
        raise NotImplementedError

    def refuse_order(self, write: OrderWrite) -> str:
        """Let the channel refuse this order the next time it comes; returns its words."""
        raise NotImplementedError

    def restock(self, article: Article, pieces: int) -> None:
        """Let the first place count so many pieces of it, and change nothing else."""
        raise NotImplementedError

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
        "order": "write_order",
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
                self.remote_id(sale),
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
        self.shop.change(self.remote_id(sale), status=OrderStatus.CANCELLED, status_text="Cancelled")

    def number_by_others(self, sale: Sale, invoice_no: str) -> None:
        self.shop.change(self.remote_id(sale), invoice_no=invoice_no)

    def standing(self, sale: Sale) -> str:
        return self.shop.order(self.remote_id(sale)).invoice_no

    def writes(self) -> list[tuple[str, str]]:
        return list(self.shop.writes)

    def made(self, key: str) -> int:
        return self.shop.posted.count(key)

    def refuse_order(self, write: OrderWrite) -> str:
        self.shop.refusals[write.number] = "It may not be sold here."
        return "It may not be sold here."

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


class KiotVietRig(Rig):
    """The contract over the KiotViet sandbox."""

    kind = KiotViet
    places: Mapping[str, tuple[str, str, str]] = {
        "Shopee": ("Chi nhánh trung tâm", "branch", "VND"),
        "Shopee SG": ("Kho Long Biên", "branch", "VND"),
    }
    isku = ""
    gateway = "Cash"
    elsewhere: Mapping[str, str] = {"retailer": "http://no-such-shop.invalid/kedai"}
    _BRANCHES: Mapping[str, int] = {"Shopee": BRANCH, "Shopee SG": OTHER_BRANCH}
    _ROUTES: Mapping[str, str] = {"items": "list", "order": "write"}
    _FAULTS = SiteGiantRig._FAULTS

    def __init__(self, visitor: KiotVietVisitor) -> None:
        self.visitor = visitor
        self.account_name = visitor.key
        self._known: set[int] = set()

    @property
    def config(self) -> Mapping[str, str]:
        return {
            "retailer": f"{self.visitor.sandbox.url}/{self.visitor.key}",
            "client_id": self.visitor.client_id,
            "client_secret": self.visitor.client_secret,
        }

    def remote_id(self, sale: Sale) -> str:
        return f"orders/{sale.number}"

    def place(self, *sales: Sale) -> None:
        self.visitor.add("order", *[self._row(sale) for sale in sales])

    def sell(self, *articles: Article) -> None:
        for one in articles:
            if one.number in self._known:
                self.visitor.steer("PATCH", f"records/product/{one.number}", json=self._item(one))
        new = [self._item(one) for one in articles if one.number not in self._known]
        if new:
            self._known.update(self.visitor.add("product", *new))

    def unlist(self, article: Article) -> None:
        self.visitor.steer("DELETE", f"records/product/{article.number}")

    def cancel(self, sale: Sale) -> None:
        self.visitor.steer("PATCH", f"records/order/{sale.number}", json={"status": 4, "statusValue": "Đã hủy"})

    def number_by_others(self, sale: Sale, invoice_no: str) -> None:
        raise NotImplementedError

    def standing(self, sale: Sale) -> str:
        return ""

    def writes(self) -> list[tuple[str, str]]:
        return []

    def made(self, key: str) -> int:
        found = self.visitor.writes(kind="order", action="create")
        return sum(key in write["description"] for write in found)

    def refuse_order(self, write: OrderWrite) -> str:
        self.visitor.fault("refused", route="write", times=2)  # the second time without its delivery
        return "Có lỗi xảy ra"

    def restock(self, article: Article, pieces: int) -> None:
        self.visitor.steer("POST", "stock", json={"productId": article.number, "branchId": BRANCH, "onHand": pieces})

    def break_next(self, trouble: Trouble, route: str) -> None:
        self.visitor.fault(self._FAULTS[trouble], route=self._ROUTES.get(route, route), times=1)

    @staticmethod
    def _item(article: Article) -> dict[str, Any]:
        return a_product(
            id=article.number,
            code=article.sku,
            barCode=article.barcode,
            name=article.name,
            fullName=article.name,
            basePrice=2100 if article.readable else "twenty-one",
            inventories=[{"productId": article.number, "branchId": BRANCH, "onHand": 5, "reserved": 0}],
        )

    def _row(self, sale: Sale) -> dict[str, Any]:
        created = sale.created_at.astimezone(timezone(timedelta(hours=7))).replace(tzinfo=None)
        paid: dict[str, Any] = {
            "totalPayment": sale.total,
            "payments": [
                {"amount": sale.total, "method": "Cash", "transDate": (created + timedelta(minutes=1)).isoformat()}
            ],
        }
        line = {"productId": 1, "productCode": "A-1", "productName": "Kopi", "quantity": 2, "price": 2100}
        return {
            "id": sale.number,
            "code": f"DH{sale.number:06d}",
            "branchId": self._BRANCHES[sale.place],
            "purchaseDate": created.isoformat(),
            "createdDate": created.isoformat(),
            "status": 1 if sale.open_and_unpaid else 3,
            "statusValue": "Phiếu tạm" if sale.open_and_unpaid else "Hoàn thành",
            "customerName": "Buyer One",
            "total": sale.total,
            **({"totalPayment": 0} if sale.open_and_unpaid else paid),
            "orderDetails": [{**line, "discount": 100}],
            "orderDelivery": {"receiver": "Buyer One", "locationName": "Ipoh"},
            "invoiceOrderSurcharges": [{"surchargeName": "Phí giao hàng", "price": 490}],
        }
