"""A credit note as it is printed, on the same sheet as an invoice.

What is printed foots: the amounts of the lines add up to the subtotal, and the sums from the subtotal on to the total.
"""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.crediting import CreditLine
from app.core.invoicing import LineKind
from app.core.states import CreditCause
from app.invoices.credit_detail import CreditNoteDetail
from app.invoices.detail import Line
from app.invoices.printing import Paper, PaperColumn, PaperLine, PaperSum, buyer_lines, line_name, plain_amount
from app.web.filters import day, money, page_language, quantity

CAUSES: Final[dict[CreditCause, Any]] = {
    CreditCause.REISSUE: _l("Issued again"),
    CreditCause.CANCELLED: _l("Cancelled"),
    CreditCause.RETURNED: _l("Returned"),
    CreditCause.REFUNDED: _l("Refunded"),
    CreditCause.CORRECTION: _l("Correction"),
}
_SUMMED: Final = (LineKind.DISCOUNT, LineKind.SHIPPING, LineKind.ADJUSTMENT, LineKind.TAX, LineKind.ROUNDING)


def credit_paper(note: CreditNoteDetail) -> Paper:
    """Lay out a credit note; in the language that is spoken now, with days of the store's zone."""
    store, *seller = (line.strip() for line in note.seller.split("\n"))
    rows = [line for line in note.lines if _has_a_row(line)]
    return Paper(
        language=page_language(),
        store=store,
        seller=tuple(line for line in seller if line),
        title=_("Credit note"),
        number=note.number_text,
        credited="",
        buyer_label=_("Credit to"),
        buyer=buyer_lines(note.buyer),
        facts=_facts(note),
        columns=_columns(note, rows),
        lines=tuple(_line(line, note.currency) for line in rows),
        sums=_sums(note, rows),
        total=PaperSum(_("Total credited"), money(note.total, note.currency)),
        tax_note=_tax_note(note),
        paid=_taken_back(note),
        page_of_pages=_("Page %(page)s of %(pages)s", page="{page}", pages="{pages}"),
    )


def _taken_back(note: CreditNoteDetail) -> str:
    amount = money(note.total, note.currency)
    return _("This takes back %(amount)s of invoice %(number)s.", amount=amount, number=note.invoice_number)


def credit_line_name(line: CreditLine) -> str:
    """What a line is called: as on the invoice, or that it is an amount by itself."""
    if line.invoice_line_no is None:
        return _("Part of the amount") if line.amount + line.tax > 0 else _("Credited before by amount")
    return line_name(
        Line(
            line.kind,
            line.sku,
            line.description,
            line.quantity,
            line.unit_price,
            line.discount,
            line.tax,
            line.amount,
        )
    )


def _has_a_row(line: CreditLine) -> bool:
    """Goods and amounts by themselves stand in the table, parts of the total below it."""
    return line.kind == LineKind.ITEM or line.invoice_line_no is None


def _line(line: CreditLine, currency: str) -> PaperLine:
    return PaperLine(
        sku=line.sku,
        description=credit_line_name(line),
        quantity=quantity(line.quantity),
        unit_price=plain_amount(line.unit_price, currency),
        discount=plain_amount(-line.discount, currency),
        tax=plain_amount(line.tax, currency),
        amount=plain_amount(line.amount, currency),
    )


def _columns(note: CreditNoteDetail, rows: list[CreditLine]) -> tuple[PaperColumn, ...]:
    columns = [
        PaperColumn("sku", _("SKU"), is_number=False),
        PaperColumn("description", _("Description"), is_number=False),
        PaperColumn("quantity", _("Qty")),
        PaperColumn("unit_price", _("Unit price")),
    ]
    if any(line.discount for line in rows):
        columns.append(PaperColumn("discount", _("Discount")))
    if any(line.tax for line in rows):
        columns.append(PaperColumn("tax", _("Tax")))
    return (*columns, PaperColumn("amount", _("Amount (%(currency)s)", currency=note.currency)))


def _sums(note: CreditNoteDetail, rows: list[CreditLine]) -> tuple[PaperSum, ...]:
    """From the subtotal to the total; tax stands among them when it is added."""
    sums = [(_("Subtotal"), sum(line.amount for line in rows))] if rows else []
    for kind in _SUMMED:
        for line in note.lines:
            if line.kind == kind and not _has_a_row(line) and line.amount:
                sums.append((credit_line_name(line), line.amount))
    if not note.tax_included or not note.tax:
        sums.append((_("Tax"), note.tax))
    return tuple(PaperSum(label, plain_amount(amount, note.currency)) for label, amount in sums)


def _tax_note(note: CreditNoteDetail) -> str:
    if not (note.tax_included and note.tax):
        return ""
    return _("The total includes tax of %(amount)s.", amount=money(note.tax, note.currency))


def _facts(note: CreditNoteDetail) -> tuple[tuple[str, str], ...]:
    facts = (
        (_("Date"), day(note.credit_date)),
        (_("Credits invoice"), note.invoice_number),
        (_("Order"), note.order_number),
        (_("Why"), note.words or str(CAUSES[note.cause])),
    )
    return tuple((label, value) for label, value in facts if value)
