"""The pages on which orders are made and changed here; the endpoints belong to the orders' blueprint."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.catalog.queries import find_items, item
from app.core.own_orders import Mistakes, OwnOrder, as_far_as_read, document_of, read_order
from app.core.roles import Ability
from app.core.states import OrderState
from app.core.types import PaymentStatus
from app.mappings.queries import payment_methods
from app.orders.routes import blueprint
from app.own_orders import services
from app.own_orders.forms import (
    LineRow,
    OrderForm,
    blank_row,
    document_of_form,
    form_of,
    kept_of,
    show_mistakes,
    typed_rows,
)
from app.own_orders.services import Invoiced, KeyReused, NumberTaken, OwnOrderRow, Packed, Request
from app.own_orders.words import words_of
from app.sync.nudge import nudge
from app.web.ids import row_id
from app.web.needs import needs
from app.web.respond import done, fragment, invalid, page_or_fragment, wants_fragment
from app.web.typed import typed_amount

_ID: Final = f"int(max={2**63 - 1})"
_PAGE: Final = ("own_orders/edit.html", "own_orders/_form.html")
_PRESS: Final = re.compile(r"[\w-]{16,64}", re.ASCII)
_MARKS: Final = (PaymentStatus.PAID, PaymentStatus.REFUNDED)


@dataclass(slots=True)
class _Sheet:
    """The form as it stands between two presses."""

    form: OrderForm
    rows: list[LineRow]
    row: OwnOrderRow | None = None

    @property
    def zone(self) -> str:
        return str(g.store.time_zone)

    def document(self) -> dict[str, Any]:
        """What is typed so far, without the rows that nothing stands in."""
        self.rows = [row for row in self.rows if not row.is_blank]
        kept = kept_of(document_of(self.row.order)) if self.row else {}
        return document_of_form(self.form, self.rows, str(g.store.currency), self.zone, kept)


@blueprint.route("/orders/new", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def new() -> Response:
    """An order that is made here: typed, added up as it is typed, and stored once however often Save is pressed."""
    if request.method == "GET":
        form = OrderForm(data={"press": secrets.token_urlsafe(16)})
        return _shown(_Sheet(form, [blank_row()]))
    form = OrderForm(request.form)
    if not _PRESS.fullmatch(form.press.data or ""):
        form.press.data = secrets.token_urlsafe(16)
    sheet = _Sheet(form, typed_rows(request.form))
    return _typed_on(sheet) or _make(sheet)


@blueprint.route(f"/orders/<{_ID}:own_order_id>/edit", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def edit(own_order_id: int) -> Response:
    """The same for an order that is not invoiced yet."""
    row = _row_or_404(own_order_id)
    if not row.may_edit:
        words = _("It has an invoice or has ended, so what it says stays. Make a new order instead.")
        return done(url_for(".show", order_id=row.id), words, category="warning")
    if request.method == "GET":
        return _shown(_Sheet(*form_of(row.order, str(g.store.time_zone)), row))
    sheet = _Sheet(OrderForm(request.form), typed_rows(request.form), row)
    return _typed_on(sheet) or _change(sheet, row)


@blueprint.route(f"/orders/<{_ID}:own_order_id>/mark/<any({', '.join(_MARKS)}):to>", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def mark(own_order_id: int, to: str) -> Response:
    """Say that it was paid, or paid back; a GET asks first."""
    row = _row_or_404(own_order_id)
    show = url_for(".show", order_id=row.id)
    if request.method == "GET":
        return make_response(render_template("_shared/confirm.html", back=show, **_asked(row, to)))
    try:
        services.pay_order(row.id, g.membership.user_id, PaymentStatus(to))
    except Mistakes as mistakes:
        return done(show, " ".join(words_of(one) for one in mistakes.found), category="warning")
    nudge(g.store.id, "orders", f"channel-{row.channel_id}")
    return done(show, _("The order was paid back.") if to == "refunded" else _("It is paid. Sync makes its invoice."))


def _typed_on(sheet: _Sheet) -> Response | None:
    """Answer a press that goes on with the form; None when it is to be saved."""
    if "total" in request.form and wants_fragment():
        return fragment("own_orders/_total.html", sums=_sums(sheet))
    if "save" in request.form:
        return None
    found: Sequence[Any] | None = None
    if "remove" in request.form:
        at = request.form.get("remove", -1, type=int)
        sheet.rows = [row for number, row in enumerate(sheet.rows) if number != at]
    elif "pick" in request.form:
        sheet.rows = [row for row in sheet.rows if not row.is_blank]
        picked = _line_of_item(request.form.get("pick", type=row_id))
        sheet.rows += [picked] if picked else []
    elif "find" in request.form:
        found = find_items(_words())
    elif "add" in request.form:
        sheet.rows.append(blank_row())
    return _shown(sheet, found=found)


def _make(sheet: _Sheet) -> Response:
    order = _read(sheet)
    if order is None:
        return _refused(sheet)
    press = Request(f"person:{g.membership.user_id}", sheet.form.press.data or "", _digest(document_of(order)))
    try:
        added = services.add_orders([order], user_id=g.membership.user_id, request=press)
    except NumberTaken as taken:
        sheet.form.number.errors = (_("Another order has this number already."),)
        return _refused(sheet, taken.order_id)
    except KeyReused as reused:
        order_id = reused.answer["made"][0][0]
        words = _("This form was saved before. To change that order, edit it; to make one more, start a new one.")
        return done(url_for(".show", order_id=order_id), words, category="warning")
    (made,) = added.made
    row = _row_or_404(made.order_id)
    nudge(g.store.id, "orders", f"channel-{row.channel_id}")
    return done(url_for(".show", order_id=made.order_id), _("Order %(number)s is in.", number=made.number))


def _change(sheet: _Sheet, row: OwnOrderRow) -> Response:
    order = _read(sheet)
    if order is None:
        return _refused(sheet)
    show = url_for(".show", order_id=row.id)
    try:
        services.replace_order(row.id, order, g.membership.user_id)
    except Invoiced:
        return done(show, _("It was invoiced meanwhile, so what it says stays."), category="warning")
    except Packed:
        words = _(
            "It is packed or sent already, so its items stay, and its buyer as well while others share its package."
            " As long as it is not sent: merge its packages back first, or take it out of the shared one."
        )
        sheet.form.form_errors.append(words)
        return _refused(sheet)
    except Mistakes as mistakes:
        show_mistakes(sheet.form, sheet.rows, mistakes.found)
        return _refused(sheet)
    nudge(g.store.id, "orders", f"channel-{row.channel_id}")
    return done(show, _("Saved."))


def _read(sheet: _Sheet) -> OwnOrder | None:
    """The order that was typed; None when there are mistakes, which are shown then."""
    is_valid = sheet.form.validate()
    document = sheet.document()
    try:
        order = read_order(document, currency=g.store.currency, now=datetime.now(UTC))
    except Mistakes as mistakes:
        show_mistakes(sheet.form, sheet.rows, mistakes.found)
        return None
    return order if is_valid else None


def _shown(sheet: _Sheet, *, found: Sequence[Any] | None = None) -> Response:
    return page_or_fragment(*_PAGE, **_context(sheet), found=found, q=_words())


def _refused(sheet: _Sheet, taken_by: int | None = None) -> Response:
    return invalid(*_PAGE, **_context(sheet), taken_by=taken_by, found=None, q="")


def _context(sheet: _Sheet) -> dict[str, Any]:
    sums = _sums(sheet)
    row = sheet.row
    return {
        "form": sheet.form,
        "rows": sheet.rows or [blank_row()],
        "row": row,
        "sums": sums,
        "methods": [method.name for method in payment_methods()],
        "action": url_for(".edit", own_order_id=row.id) if row else url_for(".new"),
        "back": url_for(".show", order_id=row.id) if row else url_for(".index"),
    }


def _sums(sheet: _Sheet) -> OwnOrder | None:
    rows = sheet.rows
    order = as_far_as_read(sheet.document(), currency=g.store.currency, now=datetime.now(UTC))
    sheet.rows = rows
    return order


def _line_of_item(item_id: int | None) -> LineRow | None:
    """A line for an item, at its price when that is in the store's currency."""
    row = item(item_id) if item_id is not None else None
    if row is None:
        return None
    priced = row.price is not None and row.currency == g.store.currency
    price = typed_amount(row.price or 0, row.currency) if priced else ""
    typed = {"sku": row.sku, "name": row.name, "variant": row.variant, "unit_price": price}
    return LineRow(blank_row().values | typed)


def _words() -> str:
    return request.form.get("q", "").replace("\0", "").strip()[:100]


def _row_or_404(order_id: int) -> OwnOrderRow:
    row = services.own_order(order_id)
    if row is None:
        abort(404, _("There is no such order that was made here."))
    return row


def _digest(document: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()


def _asked(row: OwnOrderRow, to: str) -> dict[str, Any]:
    """The words of the page that asks first."""
    number = row.order.number
    booked = row.state == OrderState.BOOKED
    stays = _("Its invoice stays as it is until you credit it; the order's page then offers to.")
    asked = {
        "refunded": (
            _("Order %(number)s was paid back?", number=number),
            _("The buyer got everything back. This cannot be undone here."),
            _("It was paid back"),
        ),
        "paid": (_("Order %(number)s is paid?", number=number), _("It then waits for Sync."), _("It is paid")),
    }
    title, question, button = asked[to]
    ends = to == "refunded"
    return {
        "title": title,
        "question": question,
        "facts": [stays] if ends and booked else [],
        "action": url_for(".mark", own_order_id=row.id, to=to),
        "button": button,
        "tone": "danger" if ends else "",
    }
