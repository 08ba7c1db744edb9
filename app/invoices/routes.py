"""The invoices' pages: the list, one invoice with its journal, its print view, its PDF, and the export."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, g, render_template, request
from flask_babel import gettext as _

from app.accounts.languages import for_the_store
from app.core.roles import Ability
from app.core.states import ChangeState, InvoiceState
from app.invoices import detail, queries
from app.invoices.credit_detail import credits_of_invoice
from app.invoices.credit_queries import credits_beside, net_sums
from app.invoices.export import Rows, invoices_csv
from app.invoices.filters import NOBODY, InvoiceFilter
from app.invoices.pdf import invoice_pdf
from app.invoices.printing import paper
from app.invoices.queries import FilterChoices
from app.orders.journal import tell
from app.orders.reasons import Place, explain
from app.planning import plan_once
from app.web.badges import badge_of
from app.web.beside import along
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.reader import Reader, reader
from app.web.respond import csv_answer, page_or_fragment, wants_fragment

blueprint = Blueprint("invoices", __name__, url_prefix="/<store>")


@blueprint.get("/invoices")
@needs(Ability.LOOK)
def index() -> Response:
    """All invoices, newest first, with what they add up to."""
    where, keyset = InvoiceFilter.from_args(request.args), Keyset.from_args(request.args)
    plan_once()
    found = queries.search_of(where)
    page = queries.invoices_page(where, keyset, found)
    is_whole = keyset.cursor is None and page.after is None
    sums = queries.sums_of(page.rows) if is_whole else queries.sums(where, found=found)
    credit_notes = credits_beside(where, found)
    response = page_or_fragment(
        "invoices/list.html",
        "invoices/_table.html",
        where=where,
        page=page,
        sums=sums,
        credit_notes=credit_notes,
        net=net_sums(sums.rows, credit_notes),
        options=_options(queries.filter_choices(along(queries.choosing))),
        is_first_visit=where.is_empty and keyset.cursor is None and not page.rows,
    )
    if wants_fragment():
        filled_in = [(name, value) for name, value in request.args.items(multi=True) if value]
        response.headers["HX-Push-Url"] = f"{request.path}?{urlencode(filled_in)}"  # without the form's empty fields
    return response


@blueprint.get("/invoices.csv")
@needs(Ability.LOOK)
def export() -> Response:
    """The filtered list for a spreadsheet; `rows=lines` gives the invoices' lines instead."""
    rows = Rows.LINES if request.args.get("rows") == Rows.LINES else Rows.INVOICES
    lines = invoices_csv(g.store.id, ZoneInfo(g.store.time_zone), InvoiceFilter.from_args(request.args), rows)
    name = "invoices" if rows is Rows.INVOICES else "invoice-lines"
    return csv_answer(lines, f"{name}-{g.store.slug}")


@blueprint.get("/invoices/<int(max=9223372036854775807):invoice_id>")
@needs(Ability.LOOK)
def show(invoice_id: int) -> Response:
    """The document as printed, with its journal and the way to its order, channel and job."""
    invoice = _invoice_or_404(invoice_id)
    place = Place(invoice.channel_id, invoice.channel)
    write_back = detail.newest_write_back(invoice)
    why = explain(write_back.reason, write_back.reason_detail, place) if write_back else None
    story = [(entry, tell(entry.kind, entry.detail, place, invoice.currency)) for entry in detail.journal(invoice)]
    return page_or_fragment(
        "invoices/show.html",
        "invoices/_story.html",
        invoice=invoice,
        sheet=paper(invoice),
        write_back=write_back,
        why=why,
        story=story,
        notes=credits_of_invoice(invoice.id),
    )


@blueprint.get("/invoices/<int(max=9223372036854775807):invoice_id>/print")
@needs(Ability.LOOK)
def print_view(invoice_id: int) -> str:
    """The sheet alone, on white, for the browser's own printing."""
    invoice = _invoice_or_404(invoice_id)
    with for_the_store():
        sheet = paper(invoice)
    return render_template("invoices/print.html", invoice=invoice, sheet=sheet)


@blueprint.get("/invoices/<int(max=9223372036854775807):invoice_id>.pdf")
@needs(Ability.LOOK)
def pdf(invoice_id: int) -> Response:
    """The sheet as a file; it opens in the browser and is saved under the invoice's number."""
    invoice = _invoice_or_404(invoice_id)
    with for_the_store():
        sheet = paper(invoice)
    response = Response(invoice_pdf(sheet, invoice.issued_at), mimetype="application/pdf")
    name = "".join(char if char.isalnum() or char in "-_." else "-" for char in invoice.number_text)
    response.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


def _invoice_or_404(invoice_id: int) -> detail.InvoiceDetail:
    invoice = detail.invoice_detail(invoice_id)
    if invoice is None:
        abort(404, _("There is no such invoice in this store."))
    return invoice


def _options(choices: FilterChoices) -> dict[str, Any]:
    """What the selects of the list offer, as (value, text)."""
    people = [(choice.id, choice.name) for choice in choices.salespeople]
    return _same_for_all(reader()) | {
        "channels": [(choice.id, choice.name) for choice in choices.channels],
        "marketplaces": [(choice.id, choice.name) for choice in choices.marketplaces],
        "methods": [(choice.id, choice.name) for choice in choices.methods],
        "salespeople": [*people, (NOBODY, _("Nobody"))],
    }


@cache
def _same_for_all(_reader: Reader) -> dict[str, Any]:
    """What every store is offered, said once in each language."""
    written = (ChangeState.PLANNED, ChangeState.DONE, ChangeState.BLOCKED, ChangeState.DROPPED)
    return {
        "states": [(state.value, str(badge_of(state).label)) for state in InvoiceState],
        "write_backs": [(state.value, str(badge_of(state).label)) for state in written],
    }
