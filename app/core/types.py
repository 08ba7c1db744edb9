"""The language of connectors: what a channel tells us, in our words.

Amounts are integers in the currency's minor unit (sen, dong); times are aware datetimes; `remote_id` is
always the channel's own id, as text. Everything here is immutable, so it may cross threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, NamedTuple


class OrderStatus(StrEnum):
    """Where an order stands on its channel, in our words; `UNKNOWN` parks the order."""

    OPEN = "open"
    PROCESSING = "processing"
    READY_TO_SHIP = "ready_to_ship"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    ON_HOLD = "on_hold"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    UNKNOWN = "unknown"


class PaymentStatus(StrEnum):
    """Whether the buyer paid: a separate axis from the order's status."""

    PAID = "paid"
    UNPAID = "unpaid"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"
    UNKNOWN = "unknown"


class OrderType(StrEnum):
    """What kind of sale it was."""

    WEBSTORE = "webstore"
    MARKETPLACE = "marketplace"
    LANDING_PAGE = "landing_page"
    SOCIAL_COMMERCE = "social_commerce"
    POS = "pos"
    SHOPPING_APP = "shopping_app"
    ERP_LINK = "erp_link"


@dataclass(frozen=True, slots=True)
class RemoteMarketplace:
    """A place inside a channel where orders are made; its currency is the currency of its orders."""

    remote_id: str
    name: str
    kind: str
    currency: str


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What a successful `check` found out about the account behind the credentials."""

    account_name: str
    marketplaces: tuple[RemoteMarketplace, ...]


@dataclass(frozen=True, slots=True)
class OrderStub:
    """One row of the channel's order list.

    `digest` is the same as long as the channel says the order did not change, or None when the list does
    not say enough to tell; then the details must be read.

    `part_of` is the number of the order that this is only another paper of, such as an order's invoice, and '' of a
    sale by itself. `made_by` is the key of the `OrderWrite` of ours that made it there, '' when somebody else did.
    `number` is what people there call it, '' where the list does not say that or it is the id.
    """

    remote_id: str
    marketplace_id: str
    status: str
    payment_status: str
    created_at: datetime | None
    digest: str | None
    part_of: str = ""
    made_by: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a channel calls out by itself: that something happened to these orders and listings, never what is true
    of them.

    `key` is the same when one announcement comes twice.
    """

    key: str
    topic: str
    order_ids: tuple[str, ...]
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """Orders of which a channel keeps that something happened to them until somebody has looked.

    `mark` tells the channel which news were looked at; `is_last` says that there were no more.
    """

    order_ids: tuple[str, ...]
    mark: tuple[int, ...]
    is_last: bool


class WindowAxis(StrEnum):
    """By which of its moments an order falls into a window."""

    CREATED = "created"
    UPDATED = "updated"
    """Its last change, whoever made it: an order moves on while one reads."""


@dataclass(frozen=True, slots=True)
class OrderWindow:
    """Orders of one list of the channel created (or last changed) between two moments, both included.

    Most channels list by marketplace, so that the list's id is the marketplace's (`Connector.order_lists`).
    """

    list_id: str
    since: datetime
    until: datetime
    axis: WindowAxis = WindowAxis.CREATED


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of a window. `total` counts the whole window and may be told on the first page only.

    Where the list itself says everything of its orders, `orders` holds them in full, by id, and nobody need ask for
    them again; None where it does not. Rows that are `part_of` another order have none.
    """

    window: OrderWindow
    number: int
    stubs: tuple[OrderStub, ...]
    total: int | None
    is_last: bool
    orders: Mapping[str, RemoteOrder | UnreadableOrder] | None = None


class RemoteLine(NamedTuple):
    """One line of an order. `gross` = unit price x quantity before `discount`; `discount` is not negative."""

    remote_id: str
    sku: str
    isku: str
    name: str
    variant: str
    quantity: Decimal
    unit_price: int
    gross: int
    discount: int
    tax: int


@dataclass(frozen=True, slots=True)
class RemotePackage:
    """A parcel of an order: how much of which of its lines, by their numbers. Orders that share one tell it each."""

    number: str
    courier: str
    tracking_number: str
    shipped_at: datetime | None
    lines: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True)
class RemoteFulfilment:
    """How an order leaves the store that keeps it, where the channel tells that.

    `version` rises with every change of status or packages; `side` is the store of a link that made the last one, and
    `may_move` says whether we may make the next. `conflict` is a move that lost against another (app.core.moves).
    """

    version: int
    moved_at: datetime | None
    side: Literal["sub", "main"] | None
    person: str
    may_move: bool
    conflict: Mapping[str, Any] | None
    packages: tuple[RemotePackage, ...]


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """One order in full. Signs are normalised: `discount` >= 0 is subtracted, `adjustment` is signed and added.

    It foots when sum(gross - discount) + shipping - discount + adjustment (+ tax unless `tax_included`)
    equals `total`. `raw` is the payload as received; `digest` identifies its contents. `part_of` and `made_by` are
    those of its list row: who asks for it by its id must know them too.
    """

    remote_id: str
    number: str
    marketplace_id: str
    order_type: OrderType
    status: OrderStatus
    status_text: str
    payment_status: PaymentStatus
    payment_status_text: str
    gateway: str
    invoice_no: str
    currency: str
    created_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    updated_at: datetime | None
    buyer: Mapping[str, str]
    note: str
    lines: tuple[RemoteLine, ...]
    shipping: int
    discount: int
    adjustment: int
    tax: int
    tax_included: bool
    total: int
    refunded: int
    digest: str
    raw: Mapping[str, Any] = field(repr=False)
    fulfilment: RemoteFulfilment | None = None
    part_of: str = ""
    made_by: str = ""

    @property
    def stub(self) -> OrderStub:
        """How a list would name it, without saying whether it changed."""
        return OrderStub(
            self.remote_id,
            self.marketplace_id,
            self.status_text,
            self.payment_status_text,
            self.created_at,
            None,
            self.part_of,
            self.made_by,
            self.number,
        )


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An order whose details we could not read: kept raw, with what was wrong, in words."""

    remote_id: str
    problem: str
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class InvoiceNumberWrite:
    """Write `invoice_no` onto an order. `expected` holds the numbers of ours that may stand there already."""

    key: str
    remote_id: str
    invoice_no: str
    expected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StockWrite:
    """Let the channel offer `quantity` pieces of a listing; not negative."""

    remote_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class MoveWrite:
    """Let an order stand at `status`, as somebody (`person`) of ours said at the moment `at`.

    `version` is what that person saw of its fulfilment. With `package`, only that parcel is sent; courier and tracking
    number are '' when nothing was said of them. `key` is the same whenever the move is sent again.
    """

    key: str
    remote_id: str
    status: OrderStatus
    package: str
    courier: str
    tracking_number: str
    at: datetime
    version: int
    person: str


@dataclass(frozen=True, slots=True)
class OrderWriteLine:
    """One line of an order of ours: their id of the listing that means it, and what it costs; `gross` - `discount`."""

    product_id: str
    sku: str
    name: str
    quantity: Decimal
    unit_price: int
    discount: int


@dataclass(frozen=True, slots=True)
class OrderWrite:
    """Let the channel have an order of ours, as it stands now.

    `key` is the same whenever it is sent again, and is kept with the order there, so that it is known again. Their id
    is `remote_id` once it is known; without one, `tried_at` says when it was first sent, None when it never was.
    `paid` is what was paid of `total`. Signs are those of RemoteOrder.
    """

    key: str
    remote_id: str
    tried_at: datetime | None
    number: str
    branch_id: str
    placed_at: datetime
    status: OrderStatus
    buyer: Mapping[str, str]
    note: str
    lines: tuple[OrderWriteLine, ...]
    shipping: int
    discount: int
    tax: int
    total: int
    paid: int
    payment_method: str
    currency: str


class WriteOutcome(StrEnum):
    """What became of one intended effect on the channel."""

    DONE = "done"
    FOREIGN = "foreign"
    REJECTED = "rejected"
    MISSING = "missing"
    UNSENT = "unsent"
    OVERTAKEN = "overtaken"
    """Something else happened there meanwhile that counts more; the order says what."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one write. `found` is what stood in the channel's field; `words` are the channel's own."""

    key: str
    outcome: WriteOutcome
    found: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class OrderReceipt:
    """What became of an order that was to be written: their id and number of it when it stands there."""

    key: str
    outcome: WriteOutcome
    remote_id: str = ""
    number: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class BranchStock:
    """What one branch of a channel counts of a listing; `branch_id` is its marketplace there."""

    branch_id: str
    on_hand: Decimal
    reserved: Decimal


class ListingObstacle(StrEnum):
    """Why a listing can mean no item of ours."""

    COMBO = "combo"
    """It is put together of others."""
    BATCH = "batch"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class RemoteListing:
    """An item as the channel shows it. `price` is None when the channel does not say it with a known currency.

    `stock` is what the channel counts there, in all `branches` together where it has several; `picture` an address as
    it was told; `weight` is in kilograms. Where the same goods are sold in several units, each is a listing: `unit` of
    which one holds `conversion` of the listing `base_id` ('' of the base itself). Variants of one product share their
    `family_id`. `digest` identifies all of this.
    """

    remote_id: str
    sku: str
    isku: str
    barcode: str
    name: str
    variant: str
    price: int | None
    currency: str
    stock: Decimal | None
    picture: str
    updated_at: datetime | None
    digest: str
    unit: str = ""
    conversion: Decimal = Decimal(1)
    base_id: str = ""
    family_id: str = ""
    weight: Decimal | None = None
    branches: tuple[BranchStock, ...] = ()
    obstacle: ListingObstacle | None = None


@dataclass(frozen=True, slots=True)
class UnreadableListing:
    """A listing whose row we could not read: kept raw, with what was wrong, in words."""

    remote_id: str
    problem: str
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoteProductPage:
    """One page of the channel's listings, from 1. `total` counts all of them, None when it is not told.

    `nameless` rows had not even an id, so that nothing can be kept of them. `removed` are ids that the channel says it
    lists no longer. `counted` is what its branches count now of listings that did not change otherwise, by id, where it
    tells that apart.
    """

    number: int
    listings: tuple[RemoteListing | UnreadableListing, ...]
    total: int | None
    is_last: bool
    nameless: int = 0
    removed: tuple[str, ...] = ()
    counted: Mapping[str, tuple[BranchStock, ...]] = field(default_factory=dict)
