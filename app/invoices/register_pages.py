"""The number register's pages: the months of a year, every number of a month, the file and the print view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response, abort, g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.money import from_minor
from app.core.register import Stretch
from app.core.roles import Ability
from app.invoices import register
from app.invoices.credit_printing import CAUSES
from app.invoices.register import Entry, Series, Taken
from app.invoices.routes import blueprint
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.tenancy.scope import store_scope
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import csv_answer, page_or_fragment

SERIES_NAMES: Final = {Series.INVOICE: _l("Invoices"), Series.CREDIT_NOTE: _l("Credit notes")}


@blueprint.get("/invoices/register")
@needs(Ability.LOOK)
def register_index() -> Response:
    """The months of a year, each complete or with its gaps by name."""
    series = _series(request.args.get("series", Series.INVOICE))
    years = register.years(series)
    year = request.args.get("year", years[0], type=int)
    shown = year if year in years else years[0]
    return page_or_fragment(
        "invoices/register.html",
        "invoices/_register.html",
        **_index(series, shown),
        years=years,
        series_names=SERIES_NAMES,
    )


@blueprint.get("/invoices/register/print")
@needs(Ability.LOOK)
def register_print() -> str:
    """The same for the browser's own printing: both series of a year."""
    year = request.args.get("year", register.years(Series.INVOICE)[0], type=int)
    if not 1 < year < 9998:
        abort(404)
    sheets = [(SERIES_NAMES[series], _index(series, year)) for series in Series]
    return render_template("invoices/register_print.html", sheets=sheets, year=year)


@blueprint.get("/invoices/register/<series>/<month>")
@needs(Ability.LOOK)
def register_month(series: str, month: str) -> Response:
    """Every number of a month, in order: the document it stands on, or why there is none."""
    kind, first = _series(series), _month(month)
    line = register.month_line(kind, first)
    if line is None:
        abort(404, _("No number was taken in that month."))
    page = register.entries(kind, first, Keyset.from_args(request.args))
    return page_or_fragment(
        "invoices/register_month.html",
        "invoices/_register_month.html",
        line=line,
        page=page,
        causes=CAUSES,
        title=SERIES_NAMES[kind],
        number_text=lambda number: register.number_text(kind, number),
    )


@blueprint.get("/invoices/register/<series>/<month>.csv")
@needs(Ability.LOOK)
def register_csv(series: str, month: str) -> Response:
    """Every number of a month for a spreadsheet."""
    kind, first = _series(series), _month(month)
    lines = _csv(g.store.id, ZoneInfo(g.store.time_zone), kind, first)
    return csv_answer(lines, f"register-{kind.value.replace('_', '-')}-{first:%Y-%m}-{g.store.slug}")


def _index(series: Series, year: int) -> dict[str, Any]:
    return {
        "series": series,
        "year": year,
        "lines": register.months(series, year),
        "number_text": lambda number: register.number_text(series, number),
    }


def _csv(store_id: int, zone: ZoneInfo, series: Series, month: date) -> Iterator[str]:
    """The request's own scope has ended by the time that its answer is streamed."""
    yield BYTE_ORDER_MARK
    yield from csv_lines([_heading(zone)])
    with store_scope(store_id):
        yield from csv_lines(_cells(entry, zone, series) for entry in register.all_entries(series, month))


def _heading(zone: ZoneInfo) -> list[str]:
    return [
        _("Number"),
        _("To number"),
        _("State"),
        _("Taken (%(zone)s)", zone=zone.key),
        _("Total"),
        _("Currency"),
        _("Order"),
        _("Channel"),
        _("Reason"),
        _("Credit note"),
        _("By"),
        _("Job"),
    ]


def _cells(entry: Entry, zone: ZoneInfo, series: Series) -> Sequence[str]:
    if entry.document is not None:
        return _document_cells(entry.document, zone)
    stretch = entry.stretch
    if stretch is None:
        raise ValueError("an entry is a document or a stretch")
    return _stretch_cells(stretch, zone, series)


def _document_cells(taken: Taken, zone: ZoneInfo) -> list[str]:
    return [
        taken.number_text,
        taken.number_text,
        _("credited") if taken.credited else _("used"),
        taken.issued_at.astimezone(zone).isoformat(timespec="seconds"),
        str(from_minor(taken.total, taken.currency)),
        taken.currency,
        taken.order_number,
        taken.channel,
        taken.words or (str(CAUSES[taken.cause]) if taken.cause else ""),
        taken.credit_note,
        taken.person or "",
        str(taken.job_id or ""),
    ]


def _stretch_cells(stretch: Stretch, zone: ZoneInfo, series: Series) -> list[str]:
    first, last = (register.number_text(series, number) for number in (stretch.first, stretch.last))
    skip = stretch.skip
    if skip is None:
        return [first, last, _("gap"), "", "", "", "", "", _("nobody said why"), "", "", ""]
    at = skip.at.astimezone(zone).isoformat(timespec="seconds")
    return [first, last, _("void"), at, "", "", "", "", skip.words, "", skip.person or "", ""]


def _series(text: str) -> Series:
    try:
        return Series(text)
    except ValueError:
        abort(404)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        abort(404)
