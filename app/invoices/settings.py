"""The settings that decide how a store's invoices are made, and what must hold when they change.

They are written together with their effect, in one transaction: orders that wait for a setting are judged again,
and numbers that will never be used are written down with the reason, which explains a gap to an auditor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, and_, cast, func, or_, select

from app.core.numbering import INVOICE_SERIES, check_prefix, format_number
from app.extensions import db
from app.invoices.models import Invoice, NumberSeries, VoidNumbers
from app.orders.judging import rejudge_store
from app.orders.writing import JournalNote, write_journal
from app.tenancy.models import Store
from app.tenancy.scope import current_store, current_store_id


@dataclass(frozen=True, slots=True)
class Numbering:
    """How invoices are numbered. `last` is the highest number that an invoice carries, 0 when there is none."""

    prefix: str
    padding: int
    next_number: int
    last: int = 0

    def text(self, number: int) -> str:
        """A number as it is printed."""
        return format_number(self.prefix, self.padding, number)


@dataclass(frozen=True, slots=True)
class WantedNumbering:
    """How invoices shall be numbered. Without a `next_number` it stays whatever it is by then, for jobs that issue
    invoices move it all the time."""

    prefix: str
    padding: int
    next_number: int | None

    def after(self, now: Numbering) -> Numbering:
        """What comes of it, as things stand."""
        number = now.next_number if self.next_number is None else self.next_number
        return Numbering(self.prefix, self.padding, number, now.last)


@dataclass(frozen=True, slots=True)
class InvoiceRules:
    """When an order may become an invoice, and what its date is; see `app.tenancy.models.Store`."""

    invoice_date_rule: str
    unmapped_gateway: str
    unlinked_items: str
    invoice_currencies: list[str]
    auto_delivery_order: str
    auto_credit: bool


class NumberUsed(Exception):
    """The next number must be higher than `last`, the highest one that an invoice carries."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last


class LeavesGap(Exception):
    """The numbers from `first` to `last` would never be used, and nobody has said why."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__()
        self.first, self.last = first, last


class NumberInTheWay(Exception):
    """With this prefix a coming number would read exactly like `number_text`, which an invoice already carries."""

    def __init__(self, number_text: str) -> None:
        super().__init__()
        self.number_text = number_text


class CurrencyFixed(Exception):
    """Invoices were issued in the store's books: their currency cannot change any more."""


def numbering() -> Numbering:
    """How this store's invoices are numbered now."""
    series = db.session.get_one(NumberSeries, (current_store_id(), INVOICE_SERIES))
    return Numbering(series.prefix, series.padding, series.next_number, _last_number())


def has_invoices() -> bool:
    """Whether any invoice was ever issued in this store."""
    return _last_number() > 0


def save_invoicing(rules: InvoiceRules, wanted: WantedNumbering, *, gap_words: str, user_id: int) -> int:
    """Save rules and numbering together, judge waiting orders again, and return how many of them moved.

    `gap_words` says why numbers are left out, if any are.

    NumberUsed, LeavesGap, NumberInTheWay: nothing was saved. Orders are locked before the counter, as by the jobs
    that issue invoices, because two that lock in opposite orders wait for each other; so the numbers are looked at
    once before anything is touched, and again under the counter's lock.
    """
    check_prefix(wanted.prefix)
    now = numbering()
    _check_numbers(now, wanted.after(now), gap_words)
    store = current_store()
    moved = 0
    if rules != _rules_of(store):
        _assign(store, rules)
        db.session.flush()
        moved = rejudge_store(user_id)
    _save_numbering(wanted, gap_words, user_id)
    db.session.commit()
    return moved


def stop_delivery_orders() -> None:
    """Set *Auto-generate D.O.* to None, so that orders may be booked. Commits; twice does no harm."""
    current_store().auto_delivery_order = "none"
    db.session.commit()


def save_general(*, name: str, seller_details: str, time_zone: str, language: str, currency: str, user_id: int) -> int:
    """Save what a store is called and where it is, and return how many waiting orders moved.

    CurrencyFixed when the currency would change and invoices are out: their sums could not be added up any more.
    Issuing takes the counter's lock, so no invoice slips in between the look and the commit.
    """
    store = current_store()
    changes_currency = currency != store.currency
    if changes_currency and has_invoices():
        raise CurrencyFixed
    store.name, store.time_zone, store.language, store.currency = name, time_zone, language, currency
    store.seller_details = seller_details
    db.session.flush()
    moved = rejudge_store(user_id) if changes_currency else 0
    if changes_currency:
        _locked_series()
        if has_invoices():
            db.session.rollback()
            raise CurrencyFixed
    db.session.commit()
    return moved


def _rules_of(store: Store) -> InvoiceRules:
    return InvoiceRules(
        invoice_date_rule=store.invoice_date_rule,
        unmapped_gateway=store.unmapped_gateway,
        unlinked_items=store.unlinked_items,
        invoice_currencies=list(store.invoice_currencies),
        auto_delivery_order=store.auto_delivery_order,
        auto_credit=store.auto_credit,
    )


def _assign(store: Store, rules: InvoiceRules) -> None:
    store.invoice_date_rule = rules.invoice_date_rule
    store.unmapped_gateway = rules.unmapped_gateway
    store.unlinked_items = rules.unlinked_items
    store.invoice_currencies = rules.invoice_currencies
    store.auto_delivery_order = rules.auto_delivery_order
    store.auto_credit = rules.auto_credit


def _save_numbering(wanted: WantedNumbering, gap_words: str, user_id: int) -> None:
    series = _locked_series()
    now = Numbering(series.prefix, series.padding, series.next_number, _last_number())
    then = wanted.after(now)
    try:
        _check_numbers(now, then, gap_words)
    except (NumberUsed, LeavesGap, NumberInTheWay):
        db.session.rollback()
        raise
    if then.next_number != now.next_number:
        detail = {"from": now.next_number, "to": then.next_number}
        write_journal([JournalNote("numbers_moved", None, None, detail)], user_id=user_id)
    if (gap := _gap(now, then)) is not None:
        skipped = {"series": INVOICE_SERIES, "first_number": gap[0], "last_number": gap[1], "words": gap_words}
        db.session.add(VoidNumbers(store_id=series.store_id, user_id=user_id, **skipped))
    series.prefix, series.padding, series.next_number = then.prefix, then.padding, then.next_number


def _gap(now: Numbering, wanted: Numbering) -> tuple[int, int] | None:
    """The first and the last number that would be left out; before the first invoice none is."""
    if now.last and wanted.next_number > max(now.last + 1, now.next_number):
        return now.next_number, wanted.next_number - 1
    return None


def _check_numbers(now: Numbering, wanted: Numbering, gap_words: str) -> None:
    """A gap that was meant once is not asked about again when something else is saved."""
    if (wanted.prefix, wanted.padding, wanted.next_number) == (now.prefix, now.padding, now.next_number):
        return
    if wanted.next_number <= now.last:
        raise NumberUsed(now.last)
    in_the_way = _number_in_the_way(wanted)
    if in_the_way is not None:
        raise NumberInTheWay(in_the_way)
    gap = _gap(now, wanted)
    if gap is not None and not gap_words:
        raise LeavesGap(*gap)


def _locked_series() -> Any:
    query = select(NumberSeries).where(NumberSeries.store_id == current_store_id(), NumberSeries.code == INVOICE_SERIES)
    return db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def _last_number() -> int:
    query = select(func.max(Invoice.number)).where(
        Invoice.store_id == current_store_id(), Invoice.series == INVOICE_SERIES
    )
    return db.session.scalar(query) or 0


def _number_in_the_way(wanted: Numbering) -> str | None:
    """INV1 with 4 digits writes its number 5 as INV10005, which INV with 5 digits may have written for 10,005."""
    digits = func.substr(Invoice.number_text, len(wanted.prefix) + 1)
    length = func.length(digits)
    return db.session.scalar(
        select(Invoice.number_text)
        .where(
            Invoice.store_id == current_store_id(),
            Invoice.number_text.startswith(wanted.prefix, autoescape=True),
            digits.regexp_match("^[0-9]{1,18}$"),
            or_(length == wanted.padding, and_(length > wanted.padding, func.left(digits, 1) != "0")),
            cast(func.substring(digits, "^[0-9]{1,18}$"), BigInteger) >= wanted.next_number,
        )
        .order_by(Invoice.number)
        .limit(1)
    )
