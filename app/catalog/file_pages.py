"""Items with their stock as CSV: out, and in again after a look at what would change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from flask import flash, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.catalog import queries
from app.catalog.adjusting import adjustment_notice
from app.catalog.item_files import MOST_BYTES, ItemPreview, heading, lines_of, preview
from app.catalog.queries import ItemFilter
from app.catalog.routes import blueprint
from app.catalog.stock_queries import warehouses
from app.core.roles import Ability
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.orders.linking import save_item_file
from app.sync.nudge import nudge
from app.tenancy.scope import store_scope
from app.web.args import read_args
from app.web.needs import needs
from app.web.respond import csv_answer, done
from app.web.sheets import BadFile, content_of, packed, unpacked

SHOWN: Final = 100
"""How many rows of each kind a preview shows."""


@blueprint.get("/items.csv")
@needs(Ability.LOOK)
def export_items() -> Response:
    """The items that match, with what every warehouse holds."""
    where, store_id = read_args(ItemFilter, request.args), g.store.id

    def lines() -> Iterator[str]:
        with store_scope(store_id):
            places = [place for place in warehouses() if not place.is_archived]
            yield BYTE_ORDER_MARK
            yield from csv_lines([heading(places)])
            for rows in queries.all_items(where):
                yield from csv_lines(lines_of(rows, places))

    return csv_answer(lines(), "items")


@blueprint.route("/import", methods=["GET", "POST"])
@needs(Ability.CATALOG)
def import_items() -> Response:
    """Choose a file; see what it would change; then, and only then, change it."""
    if request.method == "GET":
        return _form()
    if "sheet" in request.form:
        return _save(unpacked(request.form["sheet"], MOST_BYTES), request.form.get("digest", ""))
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _form(_("Choose a file first."))
    data = content_of(upload, MOST_BYTES)
    try:
        return _preview(data, preview(data))
    except BadFile as problem:
        return _form(str(problem))


def _form(problem: str = "") -> Response:
    return make_response(render_template("inventory/import.html", problem=problem), 422 if problem else 200)


def _preview(data: bytes, found: ItemPreview, problem: str = "") -> Response:
    sheet = packed(data)
    if sheet is None:
        return _form(_("The file says too much at once. Split it and import the parts one after the other."))
    page = render_template(
        "inventory/import_preview.html",
        found=found,
        groups=_groups(found),
        problem=problem,
        sheet=sheet,
        notice=adjustment_notice() if found.counts else None,
        shown=SHOWN,
    )
    return make_response(page, 409 if problem else 200)


def _groups(found: ItemPreview) -> list[tuple[str, Any]]:
    named = (
        (ngettext("One new item", "%(num)s new items", len(found.new)), found.new),
        (ngettext("One item changed", "%(num)s items changed", len(found.changed)), found.changed),
    )
    return [(title, steps) for title, steps in named if steps]


def _save(data: bytes, digest: str) -> Response:
    """Store what was shown; where that is no longer what the file would change, show it anew."""

    def look() -> ItemPreview | None:
        found = preview(data)
        return found if found.digest == digest else None

    try:
        saved = save_item_file(look, _("From a CSV file"), g.membership.user_id)
        if saved is None:
            return _otherwise(data, preview(data))
    except BadFile as problem:
        return _form(str(problem))
    nudge(g.store.id, "orders", "stock")
    if saved.counts and (notice := adjustment_notice()):
        flash(notice, "warning")
    words = ngettext("One change was saved.", "%(num)s changes were saved.", saved.size)
    return done(url_for(".index"), words)


def _otherwise(data: bytes, found: ItemPreview) -> Response:
    if not found.size:
        return done(url_for(".index"), _("Everything stands as the file says."), category="info")
    return _preview(data, found, _("Something was changed meanwhile. This is what the file would change now."))
