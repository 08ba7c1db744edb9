"""*Re-issue…* and *Invoice again…*: what will happen in sentences, a reason, and the press."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from app.accounts.access import me
from app.accounts.proving import proved_recently
from app.core.errors import Misconfigured
from app.core.invoicing import CannotBook
from app.core.roles import Ability
from app.core.states import InvoiceState
from app.invoices.credit_detail import OrderNews, next_numbers, order_news
from app.invoices.crediting import StoredInvoice
from app.invoices.routes import blueprint
from app.orders.reasons import Place
from app.sync import crediting
from app.sync.credit_pages import ENDED, done_already, ended_words, invoice_or_404, refusal_words
from app.sync.crediting import DoneAlready, NoSuchInvoice, Reissued
from app.web.filters import day, money
from app.web.forms import Form
from app.web.links import url_if
from app.web.needs import needs
from app.web.respond import done

_MOST: Final = 2**63 - 1


class WordsForm(Form):
    """Why an invoice is issued anew."""

    words = StringField(_l("Why"), [DataRequired(_l("Say why: whoever audits the books will ask.")), Length(max=200)])


@blueprint.route(f"/invoices/<int(max={_MOST}):invoice_id>/reissue", methods=["GET", "POST"])
@needs(Ability.BOOKS)
@proved_recently
def reissue(invoice_id: int) -> Response:
    """Say what will happen, ask why, then credit the invoice and issue the next one."""
    invoice = invoice_or_404(invoice_id)
    if invoice.state != InvoiceState.POSTED:
        return done_already(invoice_id)
    news, numbers, left = order_news(invoice), next_numbers(), invoice.creditable.left
    if request.method == "GET" and news.alert in ENDED:
        return done(url_for("invoices.credit", invoice_id=invoice_id), ended_words(news), category="warning")
    facts = [
        _(
            "%(invoice)s is credited by %(note)s: %(amount)s. It stays in the books as it is.",
            invoice=invoice.number_text,
            note=numbers.credit_note,
            amount=money(left, invoice.currency),
        ),
        *_next_facts(invoice, news, numbers.invoice),
    ]
    page = _Question(
        title=_("Re-issue %(number)s?", number=invoice.number_text),
        question=_("Do this when the order was changed, or the invoice is wrong."),
        facts=facts,
        button=_("Credit it and issue the next one"),
        back=url_for("invoices.show", invoice_id=invoice_id),
        place=Place(invoice.channel_id, news.channel),
    )
    return _ask(page, lambda words: crediting.reissue(invoice_id, words=words, user_id=me().id))


@blueprint.route(f"/orders/<int(max={_MOST}):order_id>/invoice-again", methods=["GET", "POST"])
@needs(Ability.BOOKS)
def invoice_again(order_id: int) -> Response:
    """Issue an invoice for an order whose last one was credited in full, when the sale stands after all."""
    invoice_id = crediting.last_invoice(order_id)
    if invoice_id is None:
        abort(404, _("There is no credited invoice of such an order in this store."))
    invoice = invoice_or_404(invoice_id)
    if invoice.state == InvoiceState.POSTED:
        return done_already(invoice_id)
    news = order_news(invoice)
    page = _Question(
        title=_("Invoice order %(number)s again?", number=invoice.order_number),
        question=_(
            "%(number)s was credited in full. Do this when the sale stands after all.", number=invoice.number_text
        ),
        facts=_next_facts(invoice, news, next_numbers().invoice),
        button=_("Issue the invoice"),
        back=url_if("orders.show", order_id=order_id) or url_for("invoices.show", invoice_id=invoice_id),
        place=Place(invoice.channel_id, news.channel),
    )
    return _ask(page, lambda words: crediting.invoice_again(order_id, words=words, user_id=me().id))


@dataclass(frozen=True, slots=True)
class _Question:
    """A page that asks before an invoice is issued anew."""

    title: str
    question: str
    facts: list[str]
    button: str
    back: str
    place: Place


def _ask(page: _Question, act: Callable[[str], Reissued]) -> Response:
    form = WordsForm(request.form)
    if request.method == "GET":
        return make_response(_question(page, WordsForm()))
    if not form.validate():
        return make_response(_question(page, form), 422)
    try:
        made = act(str(form.words.data))
    except DoneAlready:
        return done(page.back, _("It was done already; this is how it stands now."), category="info")
    except NoSuchInvoice:
        abort(404)
    except CannotBook as refusal:
        form.form_errors.append(refusal_words(refusal, page.place))
        return make_response(_question(page, form), 409)
    except Misconfigured as refusal:
        form.form_errors.append(refusal.user_message)
        return make_response(_question(page, form), 409)
    words = _("Invoice %(number)s is issued.", number=made.issued.number_text)
    if made.is_written:
        words = _(
            "Invoice %(number)s is issued; %(channel)s will show it in a moment.",
            number=made.issued.number_text,
            channel=page.place.channel,
        )
    return done(url_for("invoices.show", invoice_id=made.issued.invoice_id), words)


def _question(page: _Question, form: WordsForm) -> str:
    return render_template(
        "_shared/confirm.html",
        title=page.title,
        question=page.question,
        facts=page.facts,
        action=request.path,
        button=page.button,
        back=page.back,
        tone="danger",
        form=form,
    )


def _next_facts(invoice: StoredInvoice, news: OrderNews, number: str) -> list[str]:
    """What the next invoice will be, in sentences."""
    facts = [
        _(
            "The order gets the next invoice, %(number)s, as it stands on %(channel)s now: %(amount)s.",
            number=number,
            channel=news.channel,
            amount=money(news.total, invoice.currency),
        ),
        _("%(channel)s will show the new number.", channel=news.channel),
    ]
    if g.store.closed_through:
        words = _(
            "The books are closed up to %(day)s: an invoice of a day before that is dated today.",
            day=day(g.store.closed_through),
        )
        facts.append(words)
    return facts
