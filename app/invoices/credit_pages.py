"""The credit notes' pages: the list, one credit note with its print view and its PDF, and the export."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from flask import Response, abort, g, render_template, request
from flask_babel import gettext as _

from app.accounts.languages import for_the_store
from app.core.roles import Ability
from app.core.states import CreditCause
from app.invoices import credit_queries, queries
from app.invoices.credit_detail import CreditNoteDetail, credit_note_detail
from app.invoices.credit_export import credits_csv
from app.invoices.credit_printing import CAUSES, credit_paper
from app.invoices.credit_queries import CreditFilter
from app.invoices.documents import DocumentFilter, documents_page
from app.invoices.export import Rows
from app.invoices.pdf import invoice_pdf
from app.invoices.routes import blueprint
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import csv_answer, page_or_fragment

_ID: Final = "<int(max=9223372036854775807):credit_note_id>"


@blueprint.get("/invoices/all")
@needs(Ability.LOOK)
def documents() -> Response:
    """Invoices and credit notes in one list, newest first, with what they come to."""
    where, keyset = DocumentFilter.from_args(request.args), Keyset.from_args(request.args)
    sums, credit_sums = queries.sums(where.invoices), credit_queries.credits_beside(where.invoices)
    return page_or_fragment(
        "invoices/documents.html",
        "invoices/_documents.html",
        where=where,
        page=documents_page(where, keyset),
        sums=sums,
        credit_notes=credit_sums,
        net=credit_queries.net_sums(sums.rows, credit_sums),
        channels=[(choice.id, choice.name) for choice in queries.filter_choices().channels],
    )


@blueprint.get("/credit-notes")
@needs(Ability.LOOK)
def credit_notes() -> Response:
    """All credit notes, newest first, with what they add up to."""
    where, keyset = CreditFilter.from_args(request.args), Keyset.from_args(request.args)
    page = credit_queries.credits_page(where, keyset)
    return page_or_fragment(
        "invoices/credits.html",
        "invoices/_credits.html",
        where=where,
        page=page,
        sums=credit_queries.credit_sums(where),
        causes=CAUSES,
        cause_choices=[(cause.value, CAUSES[cause]) for cause in CreditCause],
        channels=[(choice.id, choice.name) for choice in queries.filter_choices().channels],
        is_first_visit=where.is_empty and keyset.cursor is None and not page.rows,
    )


@blueprint.get("/credit-notes.csv")
@needs(Ability.LOOK)
def credit_notes_export() -> Response:
    """The filtered list for a spreadsheet; `rows=lines` gives the credit notes' lines instead."""
    rows = Rows.LINES if request.args.get("rows") == Rows.LINES else Rows.INVOICES
    lines = credits_csv(g.store.id, ZoneInfo(g.store.time_zone), CreditFilter.from_args(request.args), rows)
    name = "credit-notes" if rows is Rows.INVOICES else "credit-note-lines"
    return csv_answer(lines, f"{name}-{g.store.slug}")


@blueprint.get(f"/credit-notes/{_ID}")
@needs(Ability.LOOK)
def credit_note(credit_note_id: int) -> str:
    """The document as printed, with the way to its invoice, order and job."""
    note = _note_or_404(credit_note_id)
    return render_template("invoices/credit_note.html", note=note, sheet=credit_paper(note), cause=CAUSES[note.cause])


@blueprint.get(f"/credit-notes/{_ID}/print")
@needs(Ability.LOOK)
def credit_note_print(credit_note_id: int) -> str:
    """The sheet alone, on white, for the browser's own printing."""
    note = _note_or_404(credit_note_id)
    with for_the_store():
        sheet = credit_paper(note)
    return render_template("invoices/credit_print.html", note=note, sheet=sheet)


@blueprint.get(f"/credit-notes/{_ID}.pdf")
@needs(Ability.LOOK)
def credit_note_pdf(credit_note_id: int) -> Response:
    """The sheet as a file; it opens in the browser and is saved under the credit note's number."""
    note = _note_or_404(credit_note_id)
    with for_the_store():
        sheet = credit_paper(note)
    response = Response(invoice_pdf(sheet, note.issued_at), mimetype="application/pdf")
    name = "".join(char if char.isalnum() or char in "-_." else "-" for char in note.number_text)
    response.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


def _note_or_404(credit_note_id: int) -> CreditNoteDetail:
    note = credit_note_detail(credit_note_id)
    if note is None:
        abort(404, _("There is no such credit note in this store."))
    return note
