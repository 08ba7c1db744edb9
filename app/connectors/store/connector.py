"""The port over a linked store. What may be read of it, and whether, the peer decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.connectors.base import Capability, ConfigField, Connector, ConnectorOptions, GoAhead, Words, always
from app.core.errors import Misconfigured
from app.core.types import (
    ChannelFacts,
    InvoiceNumberWrite,
    MoveWrite,
    News,
    OrderPage,
    OrderWindow,
    Receipt,
    RemoteOrder,
    RemoteProductPage,
    StockWrite,
    UnreadableOrder,
)


class LinkedStore(Connector):
    """A sub-store, by the link that it granted. It is told stock and where orders stand: its invoices are its own."""

    kind: ClassVar[str] = "store"
    label: ClassVar[str] = "SiteGiant ERP"
    description: ClassVar[Words] = lazy_gettext("Another store's webstore orders and items, once it granted access.")
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.ORDERS, Capability.PRODUCTS, Capability.STOCK, Capability.MOVES, Capability.NEWS}
    )
    config_fields: ClassVar[tuple[ConfigField, ...]] = ()
    connects_by_itself: ClassVar[bool] = True

    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        if options.peer is None or not config.get("store", "").isdigit():
            raise Misconfigured(_("This channel belongs to a link that is not known any more."))
        self._peer = options.peer(int(config["store"]))

    def check(self) -> ChannelFacts:
        """Whose store it is, and its one marketplace: the webstore."""
        return self._peer.facts()

    def list_orders(self, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        """One page of the store's webstore orders, and of no others."""
        return self._peer.order_page(window, page, self.page_size)

    def get_orders(
        self, remote_ids: Sequence[str], currencies: Mapping[str, str]
    ) -> tuple[RemoteOrder | UnreadableOrder, ...]:
        """Webstore orders in full, in the order asked for; all others are unknown."""
        return self._peer.orders(remote_ids)

    def write_invoice_numbers(
        self, writes: Sequence[InvoiceNumberWrite], go_ahead: GoAhead = always
    ) -> tuple[Receipt, ...]:
        """Never asked for: there is no such capability."""
        raise NotImplementedError(f"{self.kind} has no {Capability.INVOICE_WRITEBACK}")

    def list_products(self, page: int) -> RemoteProductPage:
        """One page of the store's items, each variant by itself."""
        return self._peer.product_page(page, self.page_size)

    def set_stock(self, writes: Sequence[StockWrite], go_ahead: GoAhead = always) -> None:
        """Set what the store has available of each item."""
        self._peer.set_stock(writes, go_ahead)

    def move_orders(self, writes: Sequence[MoveWrite], go_ahead: GoAhead = always) -> tuple[Receipt, ...]:
        """Let orders that were made in the store stand where somebody of ours said."""
        return self._peer.apply_moves(writes, go_ahead)

    def news(self, limit: int) -> News:
        """Webstore orders that were made or changed there since we looked."""
        return self._peer.news(limit)

    def heard(self, news: News) -> None:
        """The store need not keep these news any longer."""
        self._peer.heard(news)

    def close(self) -> None:
        """Nothing is held."""
