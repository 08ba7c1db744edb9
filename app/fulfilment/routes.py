"""The pages on which orders that are made here are packed and sent; the endpoints belong to the orders' blueprint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.own_orders import Mistakes, Move
from app.core.packing import MAY_SPLIT, CannotPack, Package, Refusal
from app.core.roles import Ability
from app.core.states import OrderState
from app.core.types import OrderStatus
from app.fulfilment import services
from app.fulfilment.combining import company_of
from app.fulfilment.forms import CourierForm, split_rows, taken
from app.fulfilment.house import NotHere, parcel
from app.fulfilment.queries import couriers, packages_with
from app.fulfilment.words import ACTS, MOVED, refusal_words, why
from app.orders.routes import blueprint
from app.own_orders.services import OwnOrderRow, own_order
from app.own_orders.words import words_of
from app.sync.nudge import nudge
from app.web.ids import row_id
from app.web.needs import needs
from app.web.respond import done, invalid

_ORDER: Final = f"/orders/<int(max={2**63 - 1}):own_order_id>"


@blueprint.route(f"{_ORDER}/move/<any({', '.join(ACTS)}):to>", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def move(own_order_id: int, to: str) -> Response:
    """Let the order go on; a GET asks first, and before sending for courier and tracking number."""
    row, status = _row_or_404(own_order_id), OrderStatus(to)
    if status == OrderStatus.SHIPPED:
        return _ship(row)
    if request.method == "GET":
        page = render_template("_shared/confirm.html", back=_show(row), **_asked(row, status))
        return make_response(page)
    return _pressed(row, lambda: services.move(row.id, status, g.membership.user_id), str(MOVED[status]))


@blueprint.route(f"{_ORDER}/courier", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def courier(own_order_id: int) -> Response:
    """Another courier or tracking number of a package that was sent."""
    row = _row_or_404(own_order_id)
    package = _package(row)
    if not package.is_sent:
        return done(_show(row), refusal_words(Refusal.NOT_SENT_YET), category="warning")
    form = CourierForm(request.form, obj=package)
    if request.method == "GET" or not form.validate():
        return _courier_page(row, form, package, is_new=False)
    said = Move(package=package.number, **form.data)
    return _pressed(row, lambda: services.tell(row.id, said, g.membership.user_id), _("Saved."))


@blueprint.route(f"{_ORDER}/split", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def split(own_order_id: int) -> Response:
    """Put a part of a package into another one."""
    row = _row_or_404(own_order_id)
    package = _package(row)
    if package.is_sent or row.order.status not in MAY_SPLIT:
        return done(_show(row), _("It was sent or has ended, so its packages stay."), category="warning")
    rows = split_rows(package, request.form)
    problem = ""
    if request.method == "POST" and (many := taken(rows)) is not None:
        try:
            services.split(row.id, package.number, many, g.membership.user_id)
        except CannotPack as refused:
            problem = why(refused)
        else:
            return _packed(row, _("It is split into two packages now."))
    page = {"row": row, "package": package, "rows": rows, "problem": problem, "back": _show(row)}
    if request.method == "POST":
        return invalid("fulfilment/split.html", "fulfilment/split.html", **page)
    return make_response(render_template("fulfilment/split.html", **page))


@blueprint.post(f"{_ORDER}/merge")
@needs(Ability.ORDERS)
def merge(own_order_id: int) -> Response:
    """Put what is in a package back into another of the order."""
    row = _row_or_404(own_order_id)
    number = request.form.get("package", "")
    return _pressed(row, lambda: services.merge(row.id, number, g.membership.user_id), _("It is merged back."))


@blueprint.post(f"{_ORDER}/separate")
@needs(Ability.ORDERS)
def separate(own_order_id: int) -> Response:
    """Take the order out of a package that it shares."""
    row = _row_or_404(own_order_id)
    number, words = request.form.get("package", ""), _("It is packed by itself again.")
    return _pressed(row, lambda: services.separate(row.id, number, g.membership.user_id), words)


@blueprint.route(f"{_ORDER}/combine", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def combine(own_order_id: int) -> Response:
    """Pack the order together with others of the same buyer."""
    row = _row_or_404(own_order_id)
    problem = ""
    if request.method == "POST":
        others = [one for one in request.form.getlist("order_id", type=row_id) if one != row.id]
        try:
            services.combine([row.id, *others], g.membership.user_id)
        except NotHere:
            abort(404, _("There is no such order that was made here."))
        except CannotPack as refused:
            problem = why(refused)
        else:
            return _packed(row, _("They are in one package now."))
    company = company_of(_row_or_404(own_order_id))
    page = {"row": row, "company": company, "words": refusal_words, "problem": problem, "back": _show(row)}
    if problem:
        return invalid("fulfilment/combine.html", "fulfilment/combine.html", **page)
    return make_response(render_template("fulfilment/combine.html", **page))


def _ship(row: OwnOrderRow) -> Response:
    """Send the package that is named, or all that are left."""
    named = request.values.get("package")
    package = _package(row) if named else None
    form = CourierForm(request.form)
    if request.method == "GET" or not form.validate():
        return _courier_page(row, form, package, is_new=True)
    said = Move(status=OrderStatus.SHIPPED, package=package.number if package else None, **form.data)
    words = _("Package %(number)s was sent.", number=package.number) if package else str(MOVED[OrderStatus.SHIPPED])
    return _pressed(row, lambda: services.tell(row.id, said, g.membership.user_id), words)


def _courier_page(row: OwnOrderRow, form: CourierForm, package: Package | None, *, is_new: bool) -> Response:
    unsent = [one for one in _packages(row) if not one.is_sent]
    going = [package] if package else unsent
    page: dict[str, Any] = {
        "row": row,
        "form": form,
        "package": package,
        "is_new": is_new,
        "couriers": couriers(),
        "sharing": sorted({number for one in going for number in one.shared_with(row.id)}),
        "many": len(going),
        "back": _show(row),
    }
    if form.errors:
        return invalid("fulfilment/ship.html", "fulfilment/ship.html", **page)
    return make_response(render_template("fulfilment/ship.html", **page))


def _pressed(row: OwnOrderRow, act: Callable[[], None], words: str) -> Response:
    """Do it, and say so or why not."""
    try:
        act()
    except Mistakes as mistakes:
        return done(_show(row), " ".join(words_of(one) for one in mistakes.found), category="warning")
    except CannotPack as refused:
        return done(_show(row), why(refused), category="warning")
    return _packed(row, words)


def _packed(row: OwnOrderRow, words: str) -> Response:
    nudge(g.store.id, "orders", f"channel-{row.channel_id}")
    return done(_show(row), words)


def _asked(row: OwnOrderRow, to: OrderStatus) -> dict[str, Any]:
    """The words of the page that asks first."""
    number, (label, _drawing) = row.order.number, ACTS[to]
    title, question, button = _("Order %(number)s", number=number), str(MOVED[to]), str(label)
    facts = []
    if to == OrderStatus.CANCELLED:
        title, button = _("Cancel order %(number)s?", number=number), _("Cancel the order")
        question = _("A cancelled order does not go on. If it is wanted after all, make a new one.")
        sharing = sorted({other for one in _packages(row) for other in one.shared_with(row.id)})
        if sharing:
            facts.append(_("It is taken out of the package that it shares with %(orders)s.", orders=", ".join(sharing)))
    elif to == OrderStatus.COMPLETED:
        title, button = _("Order %(number)s is done?", number=number), _("It is done")
        question = _("All of it counts as sent, and nothing is left to do. A finished order does not open again.")
    elif to == OrderStatus.RETURNED:
        title, button = _("Order %(number)s came back?", number=number), _("It came back")
        question = _("All of it is with you again. This cannot be undone.")
    if to in {OrderStatus.CANCELLED, OrderStatus.RETURNED} and row.state == OrderState.BOOKED:
        facts.append(_("Its invoice stays as it is until you credit it; the order's page then offers to."))
    action = url_for(".move", own_order_id=row.id, to=to.value)
    tone = "danger" if to == OrderStatus.CANCELLED else ""
    return {"title": title, "question": question, "facts": facts, "action": action, "button": button, "tone": tone}


def _packages(row: OwnOrderRow) -> tuple[Package, ...]:
    return parcel(row, packages_with([row.id])).packages


def _package(row: OwnOrderRow) -> Package:
    """The package that the request names, or the only one."""
    number, packages = request.values.get("package", ""), _packages(row)
    found = [one for one in packages if one.number == number] if number else packages
    if len(found) != 1:
        abort(404, refusal_words(Refusal.NO_SUCH_PACKAGE))
    return found[0]


def _show(row: OwnOrderRow) -> str:
    return url_for(".show", order_id=row.id)


def _row_or_404(order_id: int) -> OwnOrderRow:
    row = own_order(order_id)
    if row is None:
        abort(404, _("There is no such order that was made here."))
    return row
