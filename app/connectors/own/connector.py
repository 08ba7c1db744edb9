"""The port over the store itself: its orders are made here, so there is nothing to read and nobody to write to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.connectors.base import Capability, ConfigField, Connector, ConnectorOptions, GoAhead, Words, always
from app.core.errors import Misconfigured
from app.core.money import minor_digits
from app.core.types import (
    ChannelFacts,
    InvoiceNumberWrite,
    OrderPage,
    OrderType,
    OrderWindow,
    Receipt,
    RemoteMarketplace,
    RemoteOrder,
    UnreadableOrder,
    WriteOutcome,
)


class Own(Connector):
    """The store itself. Its one setting is the currency in which it sells."""

    kind: ClassVar[str] = "own"
    label: ClassVar[str] = "This store"
    description: ClassVar[Words] = lazy_gettext(
        "Orders that are made here: typed in, from a file, or by your own shop."
    )
    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    config_fields: ClassVar[tuple[ConfigField, ...]] = ()
    connects_by_itself: ClassVar[bool] = True

    def __init__(self, config: Mapping[str, str], options: ConnectorOptions) -> None:
        self._currency = config.get("currency", "")
        try:
            minor_digits(self._currency)
        except ValueError:
            raise Misconfigured(_("The store has no currency.")) from None

    def check(self) -> ChannelFacts:
        """A marketplace for each kind of order."""
        names = {
            OrderType.WEBSTORE: _("Webstore"),
            OrderType.LANDING_PAGE: _("Landing page"),
            OrderType.SOCIAL_COMMERCE: _("Social commerce"),
            OrderType.POS: _("POS"),
            OrderType.SHOPPING_APP: _("Shopping app"),
        }
        places = (RemoteMarketplace(kind, name, kind, self._currency) for kind, name in names.items())
        return ChannelFacts(account_name=self.label, marketplaces=tuple(places))

    def list_orders(self, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        """Nothing: what is made here is stored at once."""
        return OrderPage(window, page, (), 0, is_last=True)

    def get_orders(
        self, remote_ids: Sequence[str], currencies: Mapping[str, str]
    ) -> tuple[RemoteOrder | UnreadableOrder, ...]:
        """Nothing, for the same reason."""
        return ()

    def write_invoice_numbers(
        self, writes: Sequence[InvoiceNumberWrite], go_ahead: GoAhead = always
    ) -> tuple[Receipt, ...]:
        """Nowhere: the invoice stands beside the order."""
        return tuple(Receipt(write.key, WriteOutcome.MISSING) for write in writes)

    def close(self) -> None:
        """There is nothing to give back."""
