"""The port that every connector fulfils. A connector knows one kind of system and nothing of ours.

It is given plain settings and credentials, speaks HTTP through `app.connectors.http` only, returns
`app.core.types`, and raises the error family of `app.core.errors`. It never sees models, sessions or stores.
A new connector is one folder and one line in `app.connectors.REGISTRY`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeAlias

from flask_babel.speaklater import LazyString

from app.core.types import (
    ChannelFacts,
    InvoiceNumberWrite,
    OrderPage,
    OrderWindow,
    Receipt,
    RemoteOrder,
    RemoteProductPage,
    UnreadableOrder,
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


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One field of the connect form. A secret is stored encrypted and never shown again."""

    name: str
    label: Words
    help: Words
    secret: bool = False
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class ConnectorOptions:
    """What the installation, not the merchant, decides. `allow_sandboxes`: http and private addresses may be used."""

    allow_sandboxes: bool = False


class Connector(ABC):
    """One connected account of one kind of system. Methods may be called from several threads at once."""

    kind: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[Words]
    capabilities: ClassVar[frozenset[Capability]]
    config_fields: ClassVar[tuple[ConfigField, ...]]
    page_size: ClassVar[int] = 100
    window_days: ClassVar[int] = 31
    """The longest window, in days, that `list_orders` accepts."""

    @abstractmethod
    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        """Take the merchant's `config_fields`, secrets included. Does no I/O; raises Misconfigured on nonsense."""

    @abstractmethod
    def check(self) -> ChannelFacts:
        """Prove that the credentials work and say whose account it is. Each mistake is its own error and sentence."""

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

    @abstractmethod
    def write_invoice_numbers(
        self, writes: Sequence[InvoiceNumberWrite], go_ahead: GoAhead = always
    ) -> tuple[Receipt, ...]:
        """Write up to `page_size` numbers, each only where the field is empty or holds one of ours.

        Reads before it writes: a foreign number gives FOREIGN and is left alone; our own number standing there
        already gives DONE without a write. `go_ahead` is called between the two, as late as can be: a worker that
        slept since it read may have been replaced. One receipt per write, in order. Raises
        Unavailable(maybe_done=True) when the answer to the write was lost.
        """

    def list_products(self, page: int) -> RemoteProductPage:
        """One page (from 1) of everything the channel sells. Only with PRODUCTS; a failed page raises.

        A row that cannot be read is an UnreadableListing, and never spoils its page.
        """
        raise NotImplementedError(f"{self.kind} has no {Capability.PRODUCTS}")

    @abstractmethod
    def close(self) -> None:
        """Give the connections back."""
