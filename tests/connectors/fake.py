"""A channel kept in memory: a real implementation of the port, for the contract suite and for tests of what is above.

`open_shop()` makes the account, `FakeConnector` speaks for it, and several connectors may share one shop. To use it
through the registry: `monkeypatch.setattr("app.connectors.REGISTRY", {"fake": FakeConnector})`, then connect kind
"fake" with `shop.config`. Orders are plain `RemoteOrder`s; `an_order()` makes one that foots. A shop can be told
to fail: `shop.fail("list_orders", Unavailable("…"))`; with `after_effect=True` the call takes effect and its answer
is lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from threading import RLock
from typing import Any, ClassVar

from app.connectors.base import Capability, ConfigField, Connector, ConnectorOptions, GoAhead, always
from app.core.errors import AuthRejected, ChannelError, Misconfigured, Unavailable, Unreachable
from app.core.types import (
    ChannelFacts,
    InvoiceNumberWrite,
    OrderPage,
    OrderReceipt,
    OrderStatus,
    OrderStub,
    OrderType,
    OrderWindow,
    OrderWrite,
    PaymentStatus,
    Receipt,
    RemoteLine,
    RemoteListing,
    RemoteMarketplace,
    RemoteOrder,
    RemoteProductPage,
    UnreadableListing,
    UnreadableOrder,
    WindowAxis,
    WriteOutcome,
)

KEY = "fake-key"
CREATED = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
PLACES = (
    RemoteMarketplace("1", "Kedai - Shopee", "Shopee", "MYR"),
    RemoteMarketplace("2", "Kedai - Webstore", "Webstore", "MYR"),
    RemoteMarketplace("3", "Kedai - Shopee SG", "Shopee", "SGD"),
)
_domains = count(1)
SHOPS: dict[str, FakeShop] = {}


def open_shop(*, places: tuple[RemoteMarketplace, ...] = PLACES, api_key: str = KEY) -> FakeShop:
    """A new, empty shop at a domain of its own."""
    shop = FakeShop(domain=f"fake-{next(_domains)}.example", api_key=api_key, places=places)
    SHOPS[shop.domain] = shop
    return shop


def an_order(remote_id: str = "1001", **changes: Any) -> RemoteOrder:
    """A paid, completed order of 21.00 that foots; `changes` replace fields, and the digest follows them."""
    line = RemoteLine("1", "A-1", "A1", "Kopi", "", Decimal(1), 2100, 2100, 0, 0)
    order = RemoteOrder(
        remote_id=remote_id,
        number=f"2611-{remote_id}",
        marketplace_id="1",
        order_type=OrderType.MARKETPLACE,
        status=OrderStatus.COMPLETED,
        status_text="Completed",
        payment_status=PaymentStatus.PAID,
        payment_status_text="Paid",
        gateway="ShopeePay",
        invoice_no="",
        currency="MYR",
        created_at=CREATED,
        paid_at=CREATED + timedelta(minutes=1),
        shipped_at=None,
        updated_at=CREATED + timedelta(minutes=5),
        buyer={"name": "Buyer One", "city": "Ipoh"},
        note="",
        lines=(line,),
        shipping=0,
        discount=0,
        adjustment=0,
        tax=0,
        tax_included=False,
        total=2100,
        refunded=0,
        digest="",
        raw={"order_id": remote_id},
    )
    return _digested(replace(order, **changes))


def a_listing(remote_id: str = "501", **changes: Any) -> RemoteListing:
    """Something that is sold for 21.00; `changes` replace fields, and the digest follows them."""
    sku = f"A-{remote_id}"
    plain = RemoteListing(
        remote_id, sku, sku.replace("-", ""), "", "Kopi", "", 2100, "MYR", Decimal(5), "", CREATED, digest=""
    )
    listing = replace(plain, **changes)
    return replace(listing, digest=_sha256(replace(listing, updated_at=None, digest="")))


@dataclass
class _Failure:
    error: ChannelError
    times: int
    after_effect: bool


@dataclass
class FakeShop:
    """The account behind the fake. `calls` and `writes` are what really reached it, in order."""

    domain: str
    api_key: str
    places: tuple[RemoteMarketplace, ...]
    name: str = "Kedai"
    orders: dict[str, RemoteOrder | UnreadableOrder] = field(default_factory=dict)
    created_at: dict[str, datetime] = field(default_factory=dict)
    listings: dict[str, RemoteListing | UnreadableListing] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    writes: list[tuple[str, str]] = field(default_factory=list)
    made: dict[str, OrderWrite] = field(default_factory=dict)
    """The orders that were made on it, by their ids there, as they were told last."""
    posted: list[str] = field(default_factory=list)
    """The key of each order as often as it was made."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Our number of an order that it does not take → why; one with a "!" is made all the same, and not all of it."""
    lock: RLock = field(default_factory=RLock, repr=False)
    _failures: dict[str, _Failure] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, str]:
        """What a merchant would type in."""
        return {"domain": self.domain, "api_key": self.api_key}

    def connector(self) -> FakeConnector:
        """A connector with the right key."""
        return FakeConnector(self.config, ConnectorOptions())

    def put(self, *orders: RemoteOrder) -> None:
        """Add orders, or replace those of the same id."""
        with self.lock:
            for order in orders:
                self.orders[order.remote_id] = _digested(order)
                self.created_at[order.remote_id] = order.created_at

    def change(self, remote_id: str, **changes: Any) -> None:
        """Change an order as its channel would: `updated_at` moves on."""
        with self.lock:
            order = self.order(remote_id)
            moved = (order.updated_at or CREATED) + timedelta(minutes=1)
            self.orders[remote_id] = _digested(replace(order, **{"updated_at": moved, **changes}))

    def order(self, remote_id: str) -> RemoteOrder:
        """The order as it stands; KeyError for one that is unknown or unreadable."""
        found = self.orders[remote_id]
        if isinstance(found, UnreadableOrder):
            raise KeyError(remote_id)
        return found

    def fail(self, method: str, error: ChannelError, *, times: int = 1, after_effect: bool = False) -> None:
        """Let the next `times` calls of a method raise; with `after_effect` only after they have done their work."""
        self._failures[method] = _Failure(error, times, after_effect)

    def failure(self, method: str, *, after_effect: bool) -> ChannelError | None:
        """The error that this call is to raise at this point, counted down."""
        with self.lock:
            planned = self._failures.get(method)
            if planned is None or planned.times == 0 or planned.after_effect is not after_effect:
                return None
            planned.times -= 1
            return planned.error


class FakeConnector(Connector):
    """The port over a FakeShop."""

    kind: ClassVar[str] = "fake"
    label: ClassVar[str] = "Fake channel"
    description: ClassVar[str] = "A channel kept in memory."
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.ORDERS,
            Capability.INVOICE_WRITEBACK,
            Capability.ORDERS_BY_UPDATE,
            Capability.PRODUCTS,
            Capability.ORDER_CREATION,
        }
    )
    config_fields: ClassVar[tuple[ConfigField, ...]] = (
        ConfigField("domain", "Domain", "Where it is.", placeholder="fake.example"),
        ConfigField("api_key", "API key", "Opens it.", secret=True),
    )

    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        self._domain, self._api_key = config.get("domain", ""), config.get("api_key", "")
        if not self._domain or not self._api_key:
            raise Misconfigured("Domain and API key are needed.")

    def check(self) -> ChannelFacts:
        shop = self._shop("check")
        return ChannelFacts(shop.name, shop.places)

    def list_orders(self, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        if window.until - window.since > timedelta(days=self.window_days):
            raise ValueError("the window is too long")
        shop = self._shop("list_orders")
        with shop.lock:
            found = sorted(
                (at, int(remote_id), remote_id)
                for remote_id, at in self._moments(shop, window.axis).items()
                if window.since <= at <= window.until and self._place(shop, remote_id) == window.list_id
            )
            first = (page - 1) * self.page_size
            shown = found[first : first + self.page_size]
            stubs = tuple(self._stub(shop, remote_id, shop.created_at[remote_id]) for _, _, remote_id in shown)
        is_last = first + len(stubs) >= len(found)
        return OrderPage(window, page, stubs, len(found) if page == 1 else None, is_last)

    def get_orders(
        self, remote_ids: Sequence[str], currencies: Mapping[str, str]
    ) -> tuple[RemoteOrder | UnreadableOrder, ...]:
        shop = self._shop("get_orders")
        return tuple(shop.orders[one] for one in self._at_most_a_page(remote_ids) if one in shop.orders)

    def list_products(self, page: int) -> RemoteProductPage:
        shop = self._shop("list_products")
        with shop.lock:
            first = (page - 1) * self.page_size
            found = tuple(shop.listings[one] for one in sorted(shop.listings, key=int))
        shown = found[first : first + self.page_size]
        return RemoteProductPage(page, shown, len(found), first + len(shown) >= len(found))

    def write_invoice_numbers(
        self, writes: Sequence[InvoiceNumberWrite], go_ahead: GoAhead = always
    ) -> tuple[Receipt, ...]:
        shop = self._shop("write_invoice_numbers")
        go_ahead()
        self._at_most_a_page(write.remote_id for write in writes)
        with shop.lock:
            receipts = tuple(self._write(shop, write) for write in writes)
        lost = shop.failure("write_invoice_numbers", after_effect=True)
        if lost is not None:
            raise lost
        return receipts

    def write_order(self, write: OrderWrite, go_ahead: GoAhead = always) -> OrderReceipt:
        shop = self._shop("write_order")
        go_ahead()
        with shop.lock:
            receipt = self._make(shop, write)
        lost = shop.failure("write_order", after_effect=True)
        if lost is not None:
            raise lost
        return receipt

    def close(self) -> None:
        """Nothing to give back."""

    def _shop(self, method: str) -> FakeShop:
        """The shop, if there is one, the key is right and it was not told to fail."""
        shop = SHOPS.get(self._domain)
        if shop is None:
            raise Unreachable(f"There is no website at {self._domain}.")
        shop.calls.append(method)
        failure = shop.failure(method, after_effect=False)
        if failure is not None:
            raise failure
        if self._api_key != shop.api_key:
            raise AuthRejected("The channel does not accept this key.")
        return shop

    def _at_most_a_page(self, remote_ids: Iterable[str]) -> list[str]:
        wanted = list(dict.fromkeys(remote_ids))
        if len(wanted) > self.page_size:
            raise ValueError(f"at most {self.page_size} orders at once")
        return wanted

    @staticmethod
    def _moments(shop: FakeShop, axis: WindowAxis) -> dict[str, datetime]:
        """When each order was made, or was last changed."""
        if axis is WindowAxis.CREATED:
            return shop.created_at
        changed = {one: order.updated_at for one, order in shop.orders.items() if isinstance(order, RemoteOrder)}
        return {remote_id: changed.get(remote_id) or at for remote_id, at in shop.created_at.items()}

    @staticmethod
    def _place(shop: FakeShop, remote_id: str) -> str:
        order = shop.orders[remote_id]
        return order.marketplace_id if isinstance(order, RemoteOrder) else shop.places[0].remote_id

    @staticmethod
    def _stub(shop: FakeShop, remote_id: str, created_at: datetime) -> OrderStub:
        order = shop.orders[remote_id]
        if isinstance(order, UnreadableOrder):
            return OrderStub(remote_id, shop.places[0].remote_id, "", "", None, None)
        told = (remote_id, order.status_text, order.payment_status_text, order.updated_at)
        digest = None if order.updated_at is None else _sha256(told)
        return OrderStub(
            remote_id, order.marketplace_id, order.status_text, order.payment_status_text, created_at, digest
        )

    @staticmethod
    def _make(shop: FakeShop, write: OrderWrite) -> OrderReceipt:
        """Make or change an order; one whose id is not told is looked for by its key if it was tried before."""
        if (words := shop.refusals.get(write.number, "")) and not words.endswith("!"):
            return OrderReceipt(write.key, WriteOutcome.REJECTED, write.remote_id, words=words)
        known = write.remote_id
        if not known and write.tried_at is not None:
            known = next((one for one, made in shop.made.items() if made.key == write.key), "")
        if known and known not in shop.made:
            return OrderReceipt(write.key, WriteOutcome.MISSING, known)
        if not known and write.status is OrderStatus.CANCELLED:
            return OrderReceipt(write.key, WriteOutcome.DONE)
        if not known:
            known = f"orders/{len(shop.posted) + 1}"
            shop.posted.append(write.key)
        shop.made[known] = write
        outcome = WriteOutcome.REJECTED if words else WriteOutcome.DONE
        return OrderReceipt(write.key, outcome, known, number=f"DH{int(known[7:]):06d}", words=words)

    @staticmethod
    def _write(shop: FakeShop, write: InvoiceNumberWrite) -> Receipt:
        found = shop.orders.get(write.remote_id)
        if found is None:
            return Receipt(write.key, WriteOutcome.MISSING)
        standing = _number(found)
        if standing == write.invoice_no:
            return Receipt(write.key, WriteOutcome.DONE, found=standing)
        if standing and standing not in write.expected:
            return Receipt(write.key, WriteOutcome.FOREIGN, found=standing)
        if isinstance(found, UnreadableOrder):
            return Receipt(write.key, WriteOutcome.REJECTED, words="This order cannot be changed.")
        shop.change(write.remote_id, invoice_no=write.invoice_no)
        shop.writes.append((write.remote_id, write.invoice_no))
        return Receipt(write.key, WriteOutcome.DONE, found=write.invoice_no)


def answer_lost() -> Unavailable:
    """What a connector raises when the answer to a write did not arrive."""
    return Unavailable("The channel took too long to answer.", maybe_done=True)


def _number(order: RemoteOrder | UnreadableOrder) -> str:
    return order.invoice_no if isinstance(order, RemoteOrder) else ""


def _digested(order: RemoteOrder) -> RemoteOrder:
    """The order with the digest of its contents: everything but the number and time that a write-back changes."""
    contents = replace(order, invoice_no="", updated_at=None, digest="")
    return replace(order, digest=_sha256(contents))


def _sha256(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
