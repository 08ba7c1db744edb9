"""Issuing sales invoices: numbers, documents and lines of a whole batch in one transaction.

The number comes from a counter row that the transaction locks, so numbers are gap-free even when it rolls back,
and a unique index allows one live invoice per order whatever else goes wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update

from app.bulk import insert_rows
from app.core.numbering import INVOICE_SERIES, NumberBlock
from app.core.states import Reason
from app.extensions import db
from app.invoices.models import Invoice, InvoiceLine, NumberSeries
from app.invoices.papers import INVOICE_COLUMNS, LINE_COLUMNS, NOTHING_REPLACED, Papers, make_papers
from app.invoices.terms import terms_of
from app.orders.knowing import booked_twins
from app.orders.services import Refusal, StoredOrder
from app.tenancy.scope import current_store_id


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


def issue_invoices(
    orders: Sequence[StoredOrder],
    *,
    job_id: int | None,
    replaces: Mapping[int, int] = NOTHING_REPLACED,
    ahead: Papers | None = None,
) -> tuple[list[Issued], list[Refusal]]:
    """Invoice each order that can be, in order; the rest comes back as refusals. Does not commit.

    The orders must be of one channel and locked by this transaction. Costs the same handful of statements for one
    order or a hundred. `replaces` names, by order, the credited invoice that the new one stands for. `ahead` is what
    was made of the same orders before they were locked; it is used as it is when nothing has changed since.
    """
    if not orders:
        return [], []
    lock_series(INVOICE_SERIES)
    terms = terms_of(orders[0].channel_id)
    twins = booked_twins(orders[0].channel_id, [order.subject for order in orders])
    papers = ahead
    if papers is None or twins or not papers.hold(orders, terms):
        new = [order for order in orders if order.remote_id not in twins]
        papers = make_papers(new, terms, job_id=job_id, replaces=replaces)
    doubled = (
        Refusal(order.bookable.order_id, Reason.DUPLICATE_SUSPECTED, {"order_id": twin.order_id, "number": twin.number})
        for order in orders
        if (twin := twins.get(order.remote_id)) is not None
    )
    return _issue(papers), [*doubled, *papers.refusals]


def _issue(papers: Papers) -> list[Issued]:
    if not papers.made:
        return []
    numbers = take_numbers(INVOICE_SERIES, len(papers.made))
    found = insert_rows(
        Invoice,
        INVOICE_COLUMNS,
        papers.invoices,
        beside={"number": [number for number, _text in numbers], "number_text": [text for _number, text in numbers]},
        returning=("id", "order_id"),
    )
    ids = {row.order_id: row.id for row in found}
    of_lines = [ids[order_id] for order_id in papers.orders_of_lines]
    insert_rows(InvoiceLine, LINE_COLUMNS, papers.lines, beside={"invoice_id": of_lines})
    return [
        Issued(
            invoice_id=ids[draft.order_id],
            number_text=number_text,
            order_id=draft.order_id,
            remote_id=order.remote_id,
            order_number=order.number,
            total=draft.total,
            currency=draft.currency,
            by_default_method=not papers.terms.has_method(order),
        )
        for (order, draft), (_number, number_text) in zip(papers.made, numbers, strict=True)
    ]


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
