"""The port that every connector fulfils. A connector knows one kind of system and nothing of ours.

It is given plain settings and credentials, speaks HTTP through `app.connectors.http` only, returns
`app.core.types`, and raises the error family of `app.core.errors`. It never sees models, sessions or stores.
A new connector is one folder and one line in `app.connectors.REGISTRY`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, TypeAlias

from flask_babel.speaklater import LazyString

from app.core.types import (
    Announcement,
    ChannelFacts,
    InvoiceNumberWrite,
    MoveWrite,
    News,
    OrderPage,
    OrderReceipt,
    OrderWindow,
    OrderWrite,
    Receipt,
    RemoteListing,
    RemoteOrder,
    RemoteProductPage,
    StockWrite,
    UnreadableListing,
    UnreadableOrder,
    WindowAxis,
)

Words: TypeAlias = str | LazyString
"""Words for a page; lazy ones are looked up in the reader's language when they are shown."""


GoAhead: TypeAlias = Callable[[], None]
"""Called right before something is written outside; raises when the caller may not write any more."""


def always() -> None:
    """Nothing stands against writing."""


class Capability(StrEnum):
    """What a connector can do; a missing one hides the feature, it never fails silently."""

    ORDERS = "orders"
    INVOICE_WRITEBACK = "invoice_writeback"
    PRODUCTS = "products"
    ORDERS_BY_UPDATE = "orders_by_update"
    """`list_orders` takes windows over the last change too; an account may turn out not to (`Unsupported`)."""
    STOCK = "stock"
    """It is told how many pieces of each listing it may offer."""
    MOVES = "moves"
    """It lets us say where an order stands: processed, ready, sent."""
    WEBHOOKS = "webhooks"
    """It calls an address of ours when an order is made or changes."""
    NEWS = "news"
    """It keeps of which orders something happened, until we have looked."""
    PRODUCTS_BY_UPDATE = "products_by_update"
    """It tells which of its listings changed since a moment, and which were removed."""
    BRANCHES = "branches"
    """Its marketplaces are branches that each count their stock; it takes part of what we know of them as options."""
    ORDER_CREATION = "order_creation"
    """It lets us make orders there, and change and cancel those that we made."""


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One field of the connect form. A secret is stored encrypted and never shown again."""

    name: str
    label: Words
    help: Words
    secret: bool = False
    placeholder: str = ""


class Peer(Protocol):
    """The other store of a granted link, as far as the link lets it be read.

    Each call raises AuthRejected once the link was ended, and Misconfigured while it is suspended.
    """

    def facts(self) -> ChannelFacts:
        """Whose store it is, and its webstore as its one marketplace."""

    def order_page(self, window: OrderWindow, page: int, size: int) -> OrderPage:
        """One page of its webstore orders."""

    def orders(self, remote_ids: Sequence[str]) -> tuple[RemoteOrder, ...]:
        """Those of the ids that are webstore orders of it, in the order asked for."""

    def product_page(self, page: int, size: int) -> RemoteProductPage:
        """One page of its items."""

    def set_stock(self, writes: Sequence[StockWrite], go_ahead: GoAhead) -> None:
        """Let it have so many pieces available of each item. What it does not have any more is passed over."""

    def apply_moves(self, writes: Sequence[MoveWrite], go_ahead: GoAhead) -> tuple[Receipt, ...]:
        """Move its orders, each as far as its rules and what happened there meanwhile allow; as `move_orders`."""

    def news(self, limit: int) -> News:
        """Up to `limit` of its webstore orders that were made or changed since somebody looked."""

    def heard(self, news: News) -> None:
        """These were looked at; what has happened since is news all the same. Saying it twice changes nothing."""


class Tokens(Protocol):
    """The channel's short-lived access token, shared by all that call for it; it is a secret."""

    def current(self) -> str:
        """The token that is known; '' when there is none, or it is about to expire."""

    def renewed(self, stale: str, fetch: Callable[[], tuple[str, float]]) -> str:
        """A token other than `stale`. Only one caller at a time fetches: `fetch` gives a token and for how many
        seconds it is good; the others wait for that one."""


class Reads(Protocol):
    """How many reads of the channel's allowance are left, counted over all that call for it."""

    def take(self) -> float:
        """Take one; 0.0 when it may go, else the seconds after which to come back."""


@dataclass(frozen=True, slots=True)
class ConnectorOptions:
    """What the installation, not the merchant, decides.

    `allow_sandboxes`: http and private addresses may be used. `peer` opens the other store of a link, by its id.
    `tokens` and `reads` are what all processes share of a stored channel; None before it is stored.
    """

    allow_sandboxes: bool = False
    peer: Callable[[int], Peer] | None = None
    tokens: Tokens | None = None
    reads: Reads | None = None


class Connector(ABC):
    """One connected account of one kind of system. Methods may be called from several threads at once."""

    kind: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[Words]
    capabilities: ClassVar[frozenset[Capability]]
    config_fields: ClassVar[tuple[ConfigField, ...]]
    connects_by_itself: ClassVar[bool] = False
    """Whether its channel is made when it is first needed, and never by a person."""
    page_size: ClassVar[int] = 100
    window_days: ClassVar[int] = 31
    """The longest window, in days, that `list_orders` accepts."""
    window_axis: ClassVar[WindowAxis] = WindowAxis.CREATED
    """By which moment a check reads. By the last change, every change since the check before is in its windows, so
    that no open order need be asked for by itself; such a list keeps its order while one reads, and what enters it
    meanwhile is in the windows of the next check."""
    asks_weight_unit: ClassVar[bool] = False
    """Whether it says how heavy something is without saying in which unit, so that a person must: the option
    `weight_unit`, "g" or "kg". Opened with "kg" it tells every weight as the plain number that stands there."""
    reads_an_hour: ClassVar[int | None] = None
    """How many reads of one account we allow ourselves in any hour, together with all processes; None: no limit."""
    list_names: ClassVar[Mapping[str, Words]] = {}
    """What its lists of orders are called on pages, where they are no marketplaces."""
    refused_status: ClassVar[int] = 401
    """The HTTP status for a call that is not signed as it should be. Some systems stop calling after a 4xx."""

    @abstractmethod
    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        """Take the merchant's `config_fields`, secrets included. Does no I/O; raises Misconfigured on nonsense."""

    @abstractmethod
    def check(self) -> ChannelFacts:
        """Prove that the credentials work and say whose account it is. Each mistake is its own error and sentence."""

    def order_lists(self, marketplace_ids: Sequence[str]) -> tuple[str, ...]:
        """The lists that together hold the orders of these marketplaces: one for each, unless a channel lists
        otherwise."""
        return tuple(marketplace_ids)

    @abstractmethod
    def list_orders(self, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        """One page (from 1) of a window, oldest first. A failed page raises; it is never an empty page.

        Unsupported for a window over the last change where the account cannot list by it.
        """

    @abstractmethod
    def get_orders(
        self, remote_ids: Sequence[str], currencies: Mapping[str, str]
    ) -> tuple[RemoteOrder | UnreadableOrder, ...]:
        """Up to `page_size` orders in full. Ids the channel does not know are absent from the answer.

        `currencies` maps marketplace remote_id → ISO code, for channels where it is no property of the order.
        """

    def find_order(self, number: str, currencies: Mapping[str, str]) -> RemoteOrder | UnreadableOrder | None:
        """The order that people call so; where its id is its number, by that. None when the channel knows none."""
        found = self.get_orders([number], currencies)
        return found[0] if found else None

    def write_invoice_numbers(
        self, writes: Sequence[InvoiceNumberWrite], go_ahead: GoAhead = always
    ) -> tuple[Receipt, ...]:
        """Write up to `page_size` numbers, each only where the field is empty or holds one of ours.

        Reads before it writes: a foreign number gives FOREIGN and is left alone; our own number standing there
        already gives DONE without a write. `go_ahead` is called between the two, as late as can be: a worker that
        slept since it read may have been replaced. One receipt per write, in order. Raises
        Unavailable(maybe_done=True) when the answer to the write was lost. Only with INVOICE_WRITEBACK.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.INVOICE_WRITEBACK}")

    def list_products(self, page: int) -> RemoteProductPage:
        """One page (from 1) of everything the channel sells. Only with PRODUCTS; a failed page raises.

        A row that cannot be read is an UnreadableListing, and never spoils its page.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.PRODUCTS}")

    def changed_products(self, since: datetime, page: int) -> RemoteProductPage:
        """One page (from 1) of what changed since then, what was removed, and of what the stock alone has moved. Only
        with PRODUCTS_BY_UPDATE."""
        raise NotImplementedError(f"{self.kind} has no {Capability.PRODUCTS_BY_UPDATE}")

    def get_products(self, remote_ids: Sequence[str]) -> tuple[RemoteListing | UnreadableListing, ...]:
        """Up to `page_size` listings as they are now; those that it lists no longer are absent. Only with
        PRODUCTS_BY_UPDATE."""
        raise NotImplementedError(f"{self.kind} has no {Capability.PRODUCTS_BY_UPDATE}")

    def write_order(self, write: OrderWrite, go_ahead: GoAhead = always) -> OrderReceipt:
        """Make an order of ours there, or let the one that was made say what ours says now. Only with ORDER_CREATION.

        A write that was sent before and whose id is not known is looked for by its key first: it is never made twice.
        A cancelled order is cancelled there. REJECTED with their words when their rules forbid it; MISSING when the
        order was taken away there. `go_ahead` is called right before each writing. Raises Unavailable(maybe_done=True)
        when the answer was lost.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.ORDER_CREATION}")

    def register_webhook(self, url: str, secret: str) -> str:
        """Have the channel call `url` when an order is made or changes, signed with `secret`; returns their id for it.

        Only with WEBHOOKS. A lost answer may have registered it all the same: nobody knows such a call's address.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.WEBHOOKS}")

    def remove_webhook(self, remote_id: str) -> None:
        """Have the channel call no more; one that it does not know is removed already."""
        raise NotImplementedError(f"{self.kind} has no {Capability.WEBHOOKS}")

    def keeps_webhook(self, remote_id: str) -> bool:
        """Whether the channel still calls for this registration; one that does not tell is believed."""
        return True

    @classmethod
    def read_webhook(cls, headers: Mapping[str, str], body: bytes, secret: str) -> Announcement:
        """What a call says, whatever the letter case of its headers. Does no I/O.

        BadSignature unless the raw body is signed with `secret`, compared in constant time. Once it is, nothing about
        it is refused: what cannot be read announces no order.
        """
        raise NotImplementedError(f"{cls.kind} has no {Capability.WEBHOOKS}")

    def set_stock(self, writes: Sequence[StockWrite], go_ahead: GoAhead = always) -> None:
        """Tell how many pieces of each listing may be offered. Only with STOCK; saying it twice changes nothing.

        What is not known there any more is passed over. `go_ahead` is called right before the writing.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.STOCK}")

    def move_orders(self, writes: Sequence[MoveWrite], go_ahead: GoAhead = always) -> tuple[Receipt, ...]:
        """Let up to `page_size` orders, each named once, stand where somebody said. Only with MOVES.

        A move whose answer was lost is known by its key when it comes again: it is answered as it was then, and never
        made twice. OVERTAKEN when something that happened there meanwhile counts more; REJECTED when it may not be
        said of the order. One receipt per write, in order. `go_ahead` is called right before the writing.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.MOVES}")

    def news(self, limit: int) -> News:
        """Up to `limit` orders of which something happened since we looked. Only with NEWS; asking changes nothing."""
        raise NotImplementedError(f"{self.kind} has no {Capability.NEWS}")

    def heard(self, news: News) -> None:
        """We looked at these, after they were asked for, and keep what we saw; what happened since is news again.

        Only with NEWS. Where this is lost the same news come again, which does no harm.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.NEWS}")

    @abstractmethod
    def close(self) -> None:
        """Give the connections back."""
