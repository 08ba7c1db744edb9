"""Issuing sales invoices: numbers, documents and lines of a whole batch in one transaction.

The number comes from a counter row that the transaction locks, so numbers are gap-free even when it rolls back,
and a unique index allows one live invoice per order whatever else goes wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from sqlalchemy import select, update

from app.bulk import insert_rows
from app.core.invoicing import CannotBook, InvoiceDateRule, InvoiceDraft, draft_invoice
from app.core.numbering import NumberBlock
from app.core.states import Reason
from app.extensions import db
from app.invoices.models import Invoice, InvoiceLine, NumberSeries
from app.mappings.models import PaymentMapping, PaymentMethod, Salesperson, SalespersonMapping
from app.orders.knowing import booked_twins
from app.orders.services import Refusal, StoredOrder
from app.tenancy.models import Store
from app.tenancy.scope import current_store, current_store_id

INVOICE_SERIES: Final = "invoice"
CREDIT_SERIES: Final = "credit_note"
OWN_ORDER_SERIES: Final = "own_order"
PACKAGE_SERIES: Final = "package"
_INVOICE_COLUMNS = (
    "store_id",
    "series",
    "number",
    "number_text",
    "order_id",
    "channel_id",
    "marketplace_id",
    "invoice_date",
    "currency",
    "seller",
    "order_number",
    "buyer",
    "gateway",
    "payment_method_id",
    "payment_method",
    "payment_mapping_version",
    "salesperson_id",
    "salesperson",
    "salesperson_mapping_version",
    "paid_at",
    "subtotal",
    "discount",
    "shipping",
    "adjustment",
    "tax",
    "tax_included",
    "rounding",
    "total",
    "content_key",
    "replaces_id",
    "job_id",
    "issued_by",
)
_LINE_COLUMNS = (
    "store_id",
    "invoice_id",
    "line_no",
    "kind",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "discount",
    "tax",
    "amount",
)


NOTHING_REPLACED: Final[Mapping[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice that this transaction made."""

    invoice_id: int
    number_text: str
    order_id: int
    remote_id: str
    order_number: str
    total: int
    currency: str
    by_default_method: bool
    """True when the order's gateway had no payment method and the default one was used."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """A name as it stood when the invoice was issued, and the version of the mapping that gave it."""

    id: int | None
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a draft depends on besides its order."""

    time_zone: str
    date_rule: InvoiceDateRule
    closed_through: date | None


@dataclass(frozen=True, slots=True)
class Drafts:
    """What invoices of some orders would say by the store's settings of then, by the order and its row's version."""

    terms: _Terms
    by_order: Mapping[tuple[int, str], InvoiceDraft | CannotBook]

    def of(self, order: StoredOrder, terms: _Terms) -> InvoiceDraft | CannotBook:
        """The order's draft, made anew where the order or the settings have changed since."""
        known = self.by_order.get(_version(order)) if terms == self.terms else None
        return known or _draft(order, terms)


def draft_invoices(orders: Sequence[StoredOrder]) -> Drafts:
    """Draft ahead what `issue_invoices` will be asked for. Nothing need be locked: it is looked at again then."""
    terms = _terms(current_store())
    return Drafts(terms, {_version(order): _draft(order, terms) for order in orders})


def issue_invoices(
    orders: Sequence[StoredOrder],
    *,
    job_id: int | None,
    replaces: Mapping[int, int] = NOTHING_REPLACED,
    drafts: Drafts | None = None,
) -> tuple[list[Issued], list[Refusal]]:
    """Invoice each order that can be, in order; the rest comes back as refusals. Does not commit.

    The orders must be of one channel and locked by this transaction. Costs the same handful of statements for one
    order or a hundred. `replaces` names, by order, the credited invoice that the new one stands for.
    """
    if not orders:
        return [], []
    store = current_store()
    methods = _payment_methods({order.channel_id for order in orders})
    cash = _default_method()
    made, refusals = _bookable(orders, store, methods, drafts or Drafts(_terms(store), {}))
    salespeople = _salespeople({order.marketplace_id for order, _ in made})
    numbers = take_numbers(INVOICE_SERIES, len(made)) if made else []
    seller = f"{store.name}\n{store.seller_details}".strip()
    rows = [
        _invoice_row(
            order,
            draft,
            store_id=store.id,
            seller=seller,
            number=number,
            method=methods.get((order.channel_id, order.gateway_key), cash),
            salesperson=salespeople.get(order.marketplace_id, _Stamp(None, "", 0)),
            job_id=job_id,
            replaces_id=replaces.get(draft.order_id),
        )
        for (order, draft), number in zip(made, numbers, strict=True)
    ]
    ids = {row.order_id: row.id for row in insert_rows(Invoice, _INVOICE_COLUMNS, rows, returning=("id", "order_id"))}
    insert_rows(InvoiceLine, _LINE_COLUMNS, [line for _, draft in made for line in _line_rows(store.id, draft, ids)])
    issued = [
        Issued(
            invoice_id=ids[draft.order_id],
            number_text=row["number_text"],
            order_id=draft.order_id,
            remote_id=order.remote_id,
            order_number=order.number,
            total=draft.total,
            currency=draft.currency,
            by_default_method=(order.channel_id, order.gateway_key) not in methods,
        )
        for (order, draft), row in zip(made, rows, strict=True)
    ]
    return issued, refusals


def _bookable(
    orders: Sequence[StoredOrder], store: Store, methods: Mapping[tuple[int, str], _Stamp], drafts: Drafts
) -> tuple[list[tuple[StoredOrder, InvoiceDraft]], list[Refusal]]:
    """The invoices that can be made, and why the others cannot. Holds the series' lock, so that nobody else books."""
    lock_series(INVOICE_SERIES)
    twins = booked_twins(orders[0].channel_id, [order.subject for order in orders])
    terms = _terms(store)
    made: list[tuple[StoredOrder, InvoiceDraft]] = []
    refusals: list[Refusal] = []
    for order in orders:
        draft = drafts.of(order, terms)
        if (twin := twins.get(order.remote_id)) is not None:
            draft = CannotBook(Reason.DUPLICATE_SUSPECTED, {"order_id": twin.order_id, "number": twin.number})
        elif store.unmapped_gateway == "hold" and (order.channel_id, order.gateway_key) not in methods:
            gateway = {"gateway": order.gateway, "gateway_key": order.gateway_key}
            draft = CannotBook(Reason.GATEWAY_UNMAPPED, gateway)
        if isinstance(draft, CannotBook):
            refusals.append(Refusal(order.bookable.order_id, draft.reason, draft.detail))
        else:
            made.append((order, draft))
    return made, refusals


def _terms(store: Store) -> _Terms:
    return _Terms(store.time_zone, cast(InvoiceDateRule, store.invoice_date_rule), store.closed_through)


def _draft(order: StoredOrder, terms: _Terms) -> InvoiceDraft | CannotBook:
    try:
        return draft_invoice(
            order.bookable,
            time_zone=terms.time_zone,
            date_rule=terms.date_rule,
            closed_through=terms.closed_through,
        )
    except CannotBook as error:
        return error


def _version(order: StoredOrder) -> tuple[int, str]:
    return order.bookable.order_id, order.row_version


def lock_series(series: Literal["invoice", "credit_note"]) -> None:
    """Let nobody else take numbers of the series until this transaction ends."""
    key = (NumberSeries.store_id == current_store_id(), NumberSeries.code == series)
    db.session.execute(select(NumberSeries.code).where(*key).with_for_update())


def take_numbers(
    series: Literal["invoice", "credit_note", "own_order", "package"], count: int
) -> list[tuple[int, str]]:
    """The next `count` numbers with their printed form; the series stays locked until the transaction ends."""
    row = db.session.execute(
        update(NumberSeries)
        .where(NumberSeries.store_id == current_store_id(), NumberSeries.code == series)
        .values(next_number=NumberSeries.next_number + count)
        .returning(NumberSeries.next_number, NumberSeries.prefix, NumberSeries.padding)
        .execution_options(synchronize_session=False)
    ).one()
    return NumberBlock(row.prefix, row.padding, row.next_number - count, count).numbers()


def _payment_methods(channel_ids: set[int]) -> dict[tuple[int, str], _Stamp]:
    rows = db.session.execute(
        select(
            PaymentMapping.channel_id,
            PaymentMapping.gateway_key,
            PaymentMapping.version,
            PaymentMethod.id,
            PaymentMethod.name,
        )
        .join(
            PaymentMethod,
            (PaymentMethod.store_id == PaymentMapping.store_id)
            & (PaymentMethod.id == PaymentMapping.payment_method_id),
        )
        .where(PaymentMapping.store_id == current_store_id(), PaymentMapping.channel_id.in_(channel_ids))
    )
    return {(row.channel_id, row.gateway_key): _Stamp(row.id, row.name, row.version) for row in rows}


def _default_method() -> _Stamp:
    row = db.session.execute(
        select(PaymentMethod.id, PaymentMethod.name).where(
            PaymentMethod.store_id == current_store_id(), PaymentMethod.is_default
        )
    ).one()
    return _Stamp(row.id, row.name, 0)


def _salespeople(marketplace_ids: set[int]) -> dict[int, _Stamp]:
    rows = db.session.execute(
        select(SalespersonMapping.marketplace_id, SalespersonMapping.version, Salesperson.id, Salesperson.name)
        .join(
            Salesperson,
            (Salesperson.store_id == SalespersonMapping.store_id)
            & (Salesperson.id == SalespersonMapping.salesperson_id),
        )
        .where(
            SalespersonMapping.store_id == current_store_id(), SalespersonMapping.marketplace_id.in_(marketplace_ids)
        )
    )
    return {row.marketplace_id: _Stamp(row.id, row.name, row.version) for row in rows}


def _invoice_row(
    order: StoredOrder,
    draft: InvoiceDraft,
    *,
    store_id: int,
    seller: str,
    number: tuple[int, str],
    method: _Stamp,
    salesperson: _Stamp,
    job_id: int | None,
    replaces_id: int | None,
) -> dict[str, Any]:
    return {
        "store_id": store_id,
        "series": INVOICE_SERIES,
        "number": number[0],
        "number_text": number[1],
        "order_id": draft.order_id,
        "channel_id": order.channel_id,
        "marketplace_id": order.marketplace_id,
        "invoice_date": draft.invoice_date,
        "currency": draft.currency,
        "seller": seller,
        "order_number": order.number,
        "buyer": order.buyer,
        "gateway": order.gateway,
        "payment_method_id": method.id,
        "payment_method": method.name,
        "payment_mapping_version": method.version,
        "salesperson_id": salesperson.id,
        "salesperson": salesperson.name,
        "salesperson_mapping_version": salesperson.version,
        "paid_at": order.bookable.paid_at,
        "subtotal": draft.subtotal,
        "discount": draft.discount,
        "shipping": draft.shipping,
        "adjustment": draft.adjustment,
        "tax": draft.tax,
        "tax_included": draft.tax_included,
        "rounding": draft.rounding,
        "total": draft.total,
        "content_key": order.content_key,
        "replaces_id": replaces_id,
        "job_id": job_id,
        "issued_by": order.queued_by,
    }


def _line_rows(store_id: int, draft: InvoiceDraft, invoice_ids: Mapping[int, int]) -> list[dict[str, Any]]:
    return [
        {
            "store_id": store_id,
            "invoice_id": invoice_ids[draft.order_id],
            "line_no": position,
            "kind": line.kind,
            "sku": line.sku,
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "discount": line.discount,
            "tax": line.tax,
            "amount": line.amount,
        }
        for position, line in enumerate(draft.lines, start=1)
    ]
