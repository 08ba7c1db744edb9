"""The pages that take an invoice back: *Credit…* with its preview, *Re-issue…*, and *Invoice again…*.

They stand here, above the invoices' own pages, because what they do reaches the channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import abort, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from app.accounts.access import me
from app.core.crediting import (
    CannotCredit,
    Chosen,
    CreditDraft,
    CreditProblem,
    InFull,
    InvoicedLine,
    OfAmount,
    OfLines,
    draft_credit,
)
from app.core.invoicing import CannotBook, LineKind
from app.core.money import to_minor
from app.core.roles import Ability
from app.core.states import CreditCause, InvoiceState, Reason
from app.invoices.credit_detail import OrderNews, credits_of_invoice, order_news
from app.invoices.credit_printing import credit_line_name
from app.invoices.crediting import StoredInvoice, stored_invoice
from app.invoices.routes import blueprint
from app.orders.reasons import Place, alert_words, explain
from app.sync import crediting
from app.sync.crediting import DoneAlready
from app.tenancy.scope import current_store
from app.web.filters import day, money, quantity
from app.web.forms import Form
from app.web.needs import needs
from app.web.respond import done
from app.web.typed import amount_read, example_amount, typed_amount

_MOST: Final = 2**63 - 1
ENDED: Final = frozenset({Reason.CANCELLED, Reason.RETURNED, Reason.REFUNDED, Reason.PARTLY_REFUNDED, Reason.UNPAID})
"""News of an invoiced order after which it is no sale that could be invoiced."""


def _choice(value: str, label: Any) -> SelectChoice:
    """A choice whose label is translated when it is shown."""
    return SelectChoice(value, label)


class CreditForm(Form):
    """What is given back of an invoice, and why; quantities of lines stand beside it, as `quantity-<line>`."""

    how = RadioField(
        _l("What is given back"),
        choices=[
            _choice("full", _l("All that is left")),
            _choice("lines", _l("Some of its lines")),
            _choice("amount", _l("An amount")),
        ],
        validators=[DataRequired(_l("Choose what is given back."))],
    )
    amount = StringField(_l("Amount"))
    words = StringField(_l("Why"), [DataRequired(_l("Say why: whoever audits the books will ask.")), Length(max=200)])
    seen = HiddenField()
    """How much of the invoice was credited when the page was made."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line that may be credited: what is left of it, and the quantity typed so far."""

    line: InvoicedLine
    name: str
    left: str
    step: str
    typed: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The credit note as it would be, and what would be left of the invoice."""

    draft: CreditDraft
    lines: tuple[tuple[str, str, int], ...]
    left: int


@blueprint.route(f"/invoices/<int(max={_MOST}):invoice_id>/credit", methods=["GET", "POST"])
@needs(Ability.BOOKS)
def credit(invoice_id: int) -> Response:
    """Ask what is given back and why, show the credit note, and make it."""
    invoice = invoice_or_404(invoice_id)
    if invoice.state != InvoiceState.POSTED:
        return done_already(invoice_id)
    news = order_news(invoice)
    if request.method == "GET":
        return make_response(_credit_page(invoice, news, _prefilled(invoice, news), {}))
    form, typed = CreditForm(request.form), _typed(invoice)
    try:
        asked = _asked(invoice, form, typed)
    except _NotLikeThat as problem:
        return make_response(_credit_page(invoice, news, form, typed, errors=problem.errors), 422)
    if "confirmed" not in request.form:
        return make_response(_credit_page(invoice, news, form, typed, preview=_preview(invoice, asked.draft)))
    return _make(invoice, news, form, asked.chosen)


class _NotLikeThat(Exception):
    """The form asks for nothing that can be done; `errors` are words by line, the others stand in the form."""

    def __init__(self, errors: Mapping[int | None, str] | None = None) -> None:
        super().__init__()
        self.errors = errors or {}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the form asks for, and the credit note that this makes."""

    chosen: Chosen
    draft: CreditDraft


def _asked(invoice: StoredInvoice, form: CreditForm, typed: Mapping[int, str]) -> _Asked:
    if not form.validate():
        raise _NotLikeThat
    try:
        chosen = _chosen(form, typed, invoice.currency)
        return _Asked(chosen, draft_credit(invoice.creditable, chosen))
    except ValueError as problem:
        form.amount.errors = (str(problem),)
        raise _NotLikeThat from None
    except CannotCredit as problem:
        errors = _credit_errors(problem, invoice)
        if problem.line_no is None:
            field = form.amount if form.how.data == "amount" else form.how
            field.errors = tuple(errors.values())
        raise _NotLikeThat(errors) from None


def _make(invoice: StoredInvoice, news: OrderNews, form: CreditForm, chosen: Chosen) -> Response:
    cause = news.proposal.cause if news.proposal else CreditCause.CORRECTION
    seen = str(form.seen.data)
    try:
        made = crediting.credit_invoice(
            invoice.id,
            chosen,
            seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else -1,
            cause=cause,
            words=str(form.words.data),
            user_id=me().id,
        )
    except DoneAlready:
        return done_already(invoice.id)
    except CannotBook as refusal:
        form.form_errors.append(refusal_words(refusal, Place(invoice.channel_id, news.channel)))
        return make_response(_credit_page(invoice, news, form, _typed(invoice)), 409)
    words = _(
        "%(note)s credits %(amount)s of %(invoice)s.",
        note=made.number_text,
        amount=money(made.total, invoice.currency),
        invoice=invoice.number_text,
    )
    return done(url_for("invoices.credit_note", credit_note_id=made.credit_note_id), words)


def done_already(invoice_id: int) -> Response:
    """The invoice is no longer as the page showed it: lead to what it is now, and to its newest credit note."""
    notes = credits_of_invoice(invoice_id)
    words = Markup("{}").format(_("It was credited already; this is how it stands now."))
    if notes:
        url = url_for("invoices.credit_note", credit_note_id=notes[-1].id)
        words = Markup('{} <a href="{}">{}</a>').format(words, url, notes[-1].number_text)
    return done(url_for("invoices.show", invoice_id=invoice_id), words, category="info")


def _credit_page(
    invoice: StoredInvoice,
    news: OrderNews,
    form: CreditForm,
    typed: Mapping[int, str],
    *,
    errors: Mapping[int | None, str] | None = None,
    preview: Preview | None = None,
) -> str:
    shown = [
        ShownLine(
            line,
            _name(line),
            quantity(line.left.quantity),
            "1" if line.left.quantity == line.left.quantity.to_integral_value() else "any",
            typed.get(line.line_no, ""),
            (errors or {}).get(line.line_no, ""),
        )
        for line in invoice.creditable.lines
        if line.may_be_chosen
    ]
    return render_template(
        "invoices/credit.html",
        invoice=invoice,
        form=form,
        lines=shown,
        preview=preview,
        today=datetime.now(UTC),
        follows=any(line.follows for line in invoice.creditable.lines),
        alert=alert_words(news.alert, news.channel) if news.alert else "",
    )


def _prefilled(invoice: StoredInvoice, news: OrderNews) -> CreditForm:
    """The form as the channel's news asks for it, or ready for all that is left."""
    chosen = news.proposal.chosen if news.proposal else InFull()
    amount = typed_amount(chosen.amount, invoice.currency) if isinstance(chosen, OfAmount) else ""
    words = alert_words(news.alert, news.channel) if news.alert and news.proposal else ""
    how = "amount" if amount else "full"
    return CreditForm(data={"how": how, "amount": amount, "words": words, "seen": str(invoice.creditable.credited)})


def _typed(invoice: StoredInvoice) -> dict[int, str]:
    """The quantities as they were typed, by line; only of lines that there are."""
    fields = {line.line_no: f"quantity-{line.line_no}" for line in invoice.creditable.lines}
    return {line_no: request.form.get(name, "").strip()[:20] for line_no, name in fields.items()}


def _chosen(form: CreditForm, typed: Mapping[int, str], currency: str) -> Chosen:
    """What the form asks for. ValueError, with words for the amount's field, when that is no amount."""
    if form.how.data == "lines":
        return OfLines({line_no: _quantity(text, line_no) for line_no, text in typed.items() if text})
    if form.how.data == "amount":
        try:
            return OfAmount(to_minor(amount_read(form.amount.data or "", currency), currency))
        except ValueError:
            raise ValueError(_("Type an amount, like %(example)s.", example=example_amount(currency))) from None
    return InFull()


def _quantity(text: str, line_no: int) -> Decimal:
    try:
        found = Decimal(text)
        if found.is_finite() and found == found.quantize(Decimal("0.0001")):
            return found
    except InvalidOperation:
        pass
    raise CannotCredit(CreditProblem.NOT_A_LINE, line_no)


def _credit_errors(problem: CannotCredit, invoice: StoredInvoice) -> dict[int | None, str]:
    """The words of the problem, under the line that they are about; None stands for the form."""
    line = next((one for one in invoice.creditable.lines if one.line_no == problem.line_no), None)
    left = quantity(line.left.quantity) if line else ""
    words = {
        CreditProblem.NOTHING_CHOSEN: _("Choose something that is worth more than nothing."),
        CreditProblem.TOO_MUCH: _(
            "Only %(amount)s of it is left to credit.", amount=money(invoice.creditable.left, invoice.currency)
        ),
        CreditProblem.TOO_MANY: _("Only %(count)s of it are left.", count=left),
        CreditProblem.NOT_A_LINE: _("Type how many, such as 1."),
        CreditProblem.TAX_SPENT: _(
            "An amount that was credited before took a part of these lines' tax along. "
            "Credit an amount, or all that is left."
        ),
    }
    return {problem.line_no: words[problem.problem]}


def _preview(invoice: StoredInvoice, draft: CreditDraft) -> Preview:
    lines = tuple(
        (credit_line_name(line), quantity(line.quantity) if line.kind == LineKind.ITEM else "", line.amount)
        for line in draft.lines
        if line.amount or line.kind == LineKind.ITEM
    )
    return Preview(draft, lines, invoice.creditable.left - draft.total)


def _name(line: InvoicedLine) -> str:
    names = {LineKind.SHIPPING: _("Shipping"), LineKind.ADJUSTMENT: _("Adjustment")}
    return line.description or line.sku or names.get(line.kind, "")


def refusal_words(refusal: CannotBook, place: Place) -> str:
    """Why no invoice or credit note can be made, in words for somebody who has an invoice in hand."""
    if refusal.reason in ENDED:
        return _no_sale(alert_words(refusal.reason, place.channel))
    if refusal.reason == Reason.PERIOD_LOCKED:
        closed = current_store().closed_through
        return _(
            "The books are closed up to %(day)s, today included. Open them first.", day=day(closed) if closed else ""
        )
    why = explain(refusal.reason, refusal.detail, place)
    return f"{why.words} {why.advice}".strip() if why else ""


def ended_words(news: OrderNews) -> str:
    """That the order is no sale any more, by what the channel says of it."""
    return _no_sale(alert_words(str(news.alert), news.channel))


def _no_sale(words: str) -> str:
    return _("%(words)s. It can be credited, but it cannot be invoiced anew.", words=words)


def invoice_or_404(invoice_id: int) -> StoredInvoice:
    """The invoice of this store."""
    invoice = stored_invoice(invoice_id)
    if invoice is None:
        abort(404, _("There is no such invoice in this store."))
    return invoice
