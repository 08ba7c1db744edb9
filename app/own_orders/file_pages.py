"""Orders from a file: choose it, see what it would make, and then, and only then, make it."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.core.own_order_files import COLUMNS
from app.core.roles import Ability
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.orders.routes import blueprint
from app.own_orders import services
from app.own_orders.files import EXAMPLES, MOST_BYTES, FilePreview, preview
from app.own_orders.services import KeyReused, NumberTaken, Request
from app.sync.nudge import nudge
from app.web.needs import needs
from app.web.respond import csv_answer, done
from app.web.sheets import BadFile, content_of, packed, unpacked

SHOWN: Final = 100
"""How many rows of each kind a preview shows."""
_PRESS: Final = re.compile(r"[\w-]{16,64}", re.ASCII)


@blueprint.get("/orders/import.csv")
@needs(Ability.LOOK)
def import_template() -> Response:
    """A file to start from: the columns, and two orders."""
    rows = [COLUMNS, *([row.get(name, "") for name in COLUMNS] for row in EXAMPLES)]
    return csv_answer([BYTE_ORDER_MARK, *csv_lines(rows)], "orders-to-import")


@blueprint.route("/orders/import", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def import_orders() -> Response:
    """Choose a file; see what it would make; make it."""
    if request.method == "GET":
        return _form()
    if "sheet" in request.form:
        return _save(unpacked(request.form["sheet"], MOST_BYTES))
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _form(_("Choose a file first."))
    data = content_of(upload, MOST_BYTES)
    try:
        return _preview(data, preview(data))
    except BadFile as problem:
        return _form(str(problem))


def _form(problem: str = "") -> Response:
    page = render_template("own_orders/import.html", problem=problem, columns=COLUMNS)
    return make_response(page, 422 if problem else 200)


def _preview(data: bytes, found: FilePreview, problem: str = "") -> Response:
    sheet = packed(data)
    if sheet is None:
        return _form(_("The file holds too much at once. Split it and import the parts one after the other."))
    page = render_template(
        "own_orders/import_preview.html",
        found=found,
        sheet=sheet,
        press=secrets.token_urlsafe(16),
        shown=SHOWN,
        problem=problem,
    )
    return make_response(page, 409 if problem else 200)


def _save(data: bytes) -> Response:
    """Make what the file says now; what was made meanwhile under one of its numbers is shown first."""
    press = request.form.get("press", "")
    if not _PRESS.fullmatch(press):
        abort(422, _("Import the file again."))
    try:
        found = preview(data)
        asked = Request(f"file:{g.membership.user_id}", press, hashlib.sha256(data).digest())
        orders = [told.order for told in found.new]
        added = services.add_orders(orders, user_id=g.membership.user_id, request=asked)
    except BadFile as problem:
        return _form(str(problem))
    except (NumberTaken, KeyReused):
        return _preview(data, preview(data), _("Some of it changed meanwhile. Look at it again before it is stored."))
    nudge(g.store.id, "orders")
    words = ngettext("One order was made.", "%(num)s orders were made.", len(added.made))
    return done(url_for(".index"), words)
