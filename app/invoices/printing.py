"""An invoice as it is printed: one set of words and numbers for the page, the print view and the PDF.

What is printed foots: the amounts of the lines add up to the subtotal, and the sums from the subtotal on to the total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from babel import numbers
from flask_babel import gettext as _

from app.core.invoicing import LineKind
from app.core.money import from_minor, minor_digits
from app.invoices.detail import InvoiceDetail, Line
from app.web.filters import country_name, day, locale, money, page_language, quantity
from app.web.reader import MINUS


@dataclass(frozen=True, slots=True)
class PaperColumn:
    """A heading; `name` is the field of PaperLine below it. Columns that would only hold zeros are left out."""

    name: str
    heading: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One line of goods, as text."""

    sku: str
    description: str
    quantity: str
    unit_price: str
    discount: str
    tax: str
    amount: str


@dataclass(frozen=True, slots=True)
class PaperSum:
    """A name and an amount."""

    label: str
    amount: str


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything on the sheet, as text in the page's language; what is empty is not printed."""

    language: str
    store: str
    seller: tuple[str, ...]
    title: str
    number: str
    credited: str
    buyer_label: str
    buyer: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    columns: tuple[PaperColumn, ...]
    lines: tuple[PaperLine, ...]
    sums: tuple[PaperSum, ...]
    total: PaperSum
    tax_note: str
    paid: str
    page_of_pages: str
    """How a page is counted; `{page}` and `{pages}` stand for the numbers."""


def paper(invoice: InvoiceDetail) -> Paper:
    """Lay out an invoice; in the language that is spoken now, with days of the store's zone."""
    store, *seller = (line.strip() for line in invoice.seller.split("\n"))
    return Paper(
        language=page_language(),
        store=store,
        seller=tuple(line for line in seller if line),
        title=_("Invoice"),
        number=invoice.number_text,
        credited=_credited(invoice),
        buyer_label=_("Bill to"),
        buyer=buyer_lines(invoice.buyer),
        facts=_facts(invoice),
        columns=_columns(invoice),
        lines=tuple(_line(line, invoice.currency) for line in invoice.items),
        sums=_sums(invoice),
        total=PaperSum(_("Total"), money(invoice.total, invoice.currency)),
        tax_note=_tax_note(invoice),
        paid=_paid(invoice),
        page_of_pages=_("Page %(page)s of %(pages)s", page="{page}", pages="{pages}"),
    )


def line_name(line: Line) -> str:
    """What a line is called: an item's own words, else the part of the total that it stands for."""
    names = {
        LineKind.ITEM: line.description or line.sku,
        LineKind.SHIPPING: _("Shipping"),
        LineKind.DISCOUNT: _("Discount"),
        LineKind.ADJUSTMENT: _("Adjustment"),
        LineKind.TAX: _("Tax"),
        LineKind.ROUNDING: _("Rounding"),
    }
    return line.description or names[line.kind]


def plain_amount(minor: int, currency: str) -> str:
    """An amount without its currency, for a column whose heading names that: -123450, MYR -> "−1,234.50"."""
    digits = minor_digits(currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    text = numbers.format_decimal(from_minor(minor, currency), format=pattern, locale=locale())
    return text.replace("-", MINUS)


def _line(line: Line, currency: str) -> PaperLine:
    return PaperLine(
        sku=line.sku,
        description=line_name(line),
        quantity=quantity(line.quantity),
        unit_price=plain_amount(line.unit_price, currency),
        discount=plain_amount(-line.discount, currency),
        tax=plain_amount(line.tax, currency),
        amount=plain_amount(line.amount, currency),
    )


def _columns(invoice: InvoiceDetail) -> tuple[PaperColumn, ...]:
    columns = [
        PaperColumn("sku", _("SKU"), is_number=False),
        PaperColumn("description", _("Description"), is_number=False),
        PaperColumn("quantity", _("Qty")),
        PaperColumn("unit_price", _("Unit price")),
    ]
    if any(line.discount for line in invoice.items):
        columns.append(PaperColumn("discount", _("Discount")))
    if any(line.tax for line in invoice.items):
        columns.append(PaperColumn("tax", _("Tax")))
    return (*columns, PaperColumn("amount", _("Amount (%(currency)s)", currency=invoice.currency)))


def _sums(invoice: InvoiceDetail) -> tuple[PaperSum, ...]:
    """From the subtotal to the total; tax stands among them when it is added, or when there is none to speak of."""
    parts = [
        (_("Discount"), -invoice.discount),
        (_("Shipping"), invoice.shipping),
        (_("Adjustment"), invoice.adjustment),
    ]
    sums = [(_("Subtotal"), invoice.subtotal), *(part for part in parts if part[1])]
    if not invoice.tax_included or not invoice.tax:
        sums.append((_("Tax"), invoice.tax))
    if invoice.rounding:
        sums.append((_("Rounding"), invoice.rounding))
    return tuple(PaperSum(label, plain_amount(amount, invoice.currency)) for label, amount in sums)


def _tax_note(invoice: InvoiceDetail) -> str:
    if not (invoice.tax_included and invoice.tax):
        return ""
    return _("The total includes tax of %(amount)s.", amount=money(invoice.tax, invoice.currency))


def _paid(invoice: InvoiceDetail) -> str:
    amount, method = money(invoice.total, invoice.currency), invoice.payment_method
    if invoice.paid_at is None:
        return _("%(amount)s paid by %(method)s.", amount=amount, method=method)
    return _("%(amount)s paid by %(method)s on %(day)s.", amount=amount, method=method, day=day(invoice.paid_at))


def _credited(invoice: InvoiceDetail) -> str:
    if not invoice.is_credited:
        return ""
    other = invoice.replaced_by
    if other is None:
        return _("Credited: this invoice no longer counts.")
    return _("Credited: this invoice no longer counts. %(number)s replaces it.", number=other.number_text)


def _facts(invoice: InvoiceDetail) -> tuple[tuple[str, str], ...]:
    sold_on = invoice.marketplace
    if invoice.channel.casefold() != sold_on.casefold():
        sold_on = _("%(marketplace)s (%(channel)s)", marketplace=sold_on, channel=invoice.channel)
    facts = (
        (_("Date"), day(invoice.invoice_date)),
        (_("Order"), invoice.order_number),
        (_("Sold on"), sold_on),
        (_("Salesperson"), invoice.salesperson),
        (_("Payment method"), invoice.payment_method),
        (_("Paid on"), day(invoice.paid_at) if invoice.paid_at else ""),
    )
    return tuple((label, value) for label, value in facts if value)


def buyer_lines(buyer: Mapping[str, str]) -> tuple[str, ...]:
    """Name and address as on an envelope, then how to reach the buyer; what is unknown takes no line."""
    town = " ".join(part for part in (buyer.get("postcode", ""), buyer.get("city", "")) if part)
    name, company = buyer.get("name", ""), buyer.get("company", "")
    known = (
        name,
        company,
        *buyer.get("address", "").splitlines(),
        ", ".join(part for part in (town, buyer.get("state", "")) if part),
        country_name(buyer.get("country", "")),
        buyer.get("phone", ""),
        buyer.get("email", ""),
    )
    lines = dict.fromkeys(line.strip() for line in known)
    return tuple(line for line in lines if line) or (_("No name"),)
