"""The settings that an invoice stamps or goes by, as they stand at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

from sqlalchemy import select

from app.channels.models import Marketplace
from app.core.invoicing import InvoiceDateRule
from app.extensions import db
from app.mappings.models import PaymentMapping, PaymentMethod, Salesperson, SalespersonMapping
from app.orders.services import StoredOrder
from app.tenancy.scope import current_store, current_store_id


@dataclass(frozen=True, slots=True)
class Stamp:
    """A name as it stood when the invoice was issued, and the version of the mapping that gave it."""

    id: int | None
    name: str
    version: int


NOBODY = Stamp(None, "", 0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What invoices of a channel depend on besides their orders: equal terms make equal invoices."""

    store_id: int
    seller: str
    time_zone: str
    date_rule: InvoiceDateRule
    closed_through: date | None
    holds_unmapped: bool
    """Whether an order waits whose gateway has no payment method."""
    methods: Mapping[str, Stamp]
    """By gateway."""
    cash: Stamp
    salespeople: Mapping[int, Stamp]
    """By marketplace."""

    def has_method(self, order: StoredOrder) -> bool:
        """Whether somebody chose a payment method for the order's gateway."""
        return order.gateway_key in self.methods

    def method(self, order: StoredOrder) -> Stamp:
        """How the order was paid in the store's own words: the default where nobody chose."""
        return self.methods.get(order.gateway_key, self.cash)

    def salesperson(self, order: StoredOrder) -> Stamp:
        """Who is in charge where the order was placed."""
        return self.salespeople.get(order.marketplace_id, NOBODY)


def terms_of(channel_id: int) -> Terms:
    """The terms of a channel's invoices now. Two statements, and one where the store is not at hand."""
    store = current_store()
    methods, cash = _methods(channel_id)
    return Terms(
        store_id=store.id,
        seller=f"{store.name}\n{store.seller_details}".strip(),
        time_zone=store.time_zone,
        date_rule=cast(InvoiceDateRule, store.invoice_date_rule),
        closed_through=store.closed_through,
        holds_unmapped=store.unmapped_gateway == "hold",
        methods=methods,
        cash=cash,
        salespeople=_salespeople(channel_id),
    )


def _methods(channel_id: int) -> tuple[dict[str, Stamp], Stamp]:
    """What was chosen for the channel's gateways, and the default."""
    rows = db.session.execute(
        select(
            PaymentMethod.id,
            PaymentMethod.name,
            PaymentMethod.is_default,
            PaymentMapping.gateway_key,
            PaymentMapping.version,
        )
        .outerjoin(
            PaymentMapping,
            (PaymentMapping.store_id == PaymentMethod.store_id)
            & (PaymentMapping.payment_method_id == PaymentMethod.id)
            & (PaymentMapping.channel_id == channel_id),
        )
        .where(
            PaymentMethod.store_id == current_store_id(),
            PaymentMapping.gateway_key.is_not(None) | PaymentMethod.is_default,
        )
    ).all()
    chosen = {row.gateway_key: Stamp(row.id, row.name, row.version) for row in rows if row.gateway_key is not None}
    return chosen, next(Stamp(row.id, row.name, 0) for row in rows if row.is_default)


def _salespeople(channel_id: int) -> dict[int, Stamp]:
    rows = db.session.execute(
        select(SalespersonMapping.marketplace_id, SalespersonMapping.version, Salesperson.id, Salesperson.name)
        .join(
            Salesperson,
            (Salesperson.store_id == SalespersonMapping.store_id)
            & (Salesperson.id == SalespersonMapping.salesperson_id),
        )
        .join(
            Marketplace,
            (Marketplace.store_id == SalespersonMapping.store_id)
            & (Marketplace.id == SalespersonMapping.marketplace_id),
        )
        .where(SalespersonMapping.store_id == current_store_id(), Marketplace.channel_id == channel_id)
    )
    return {row.marketplace_id: Stamp(row.id, row.name, row.version) for row in rows}
