"""The buttons by which a main store says where an order of a sub-store stands; the endpoints belong to the orders'."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.roles import Ability
from app.core.states import OrderState
from app.core.types import OrderStatus
from app.fulfilment.forms import CourierForm
from app.fulfilment.queries import couriers
from app.fulfilment.words import ACTS
from app.orders.detail import OrderDetail, order_detail
from app.orders.routes import blueprint
from app.sync.conflicts import understand
from app.sync.moving import CannotMove, NoSuchOrder, NotMovable, Wanted, plan_move
from app.sync.nudge import nudge
from app.sync.way import Way, status_words, way_of
from app.web.needs import needs
from app.web.respond import done, invalid

_ID: Final = f"int(max={2**63 - 1})"


@blueprint.route(f"/orders/<{_ID}:linked_order_id>/say/<any({', '.join(ACTS)}):to>", methods=["GET", "POST"])
@needs(Ability.ORDERS)
def say(linked_order_id: int, to: str) -> Response:
    """Say where the order stands; a GET asks first, and before sending for courier and tracking number."""
    order, way = _way_or_404(linked_order_id)
    status = OrderStatus(to)
    show = url_for(".show", order_id=linked_order_id)
    form = CourierForm(request.form)
    is_sent = status == OrderStatus.SHIPPED
    if request.method == "GET":
        return make_response(_ship_page(order, way, form) if is_sent else _question(order, way, status))
    if is_sent and not form.validate():
        return invalid("orders/say_shipped.html", "orders/say_shipped.html", **_ship_context(order, way, form))
    label = {"courier": form.courier.data or "", "tracking_number": form.tracking_number.data or ""} if is_sent else {}
    package = request.form.get("package", "") if is_sent else ""
    if package and not way.may_send(package):
        return done(show, _("There is no such package any more. Look at the order again."), category="warning")
    try:
        plan_move(linked_order_id, Wanted(status, package=package, **label), g.membership.user_id)
    except CannotMove as refused:
        return done(show, _why(refused.why, order, way), category="warning")
    except NoSuchOrder:
        abort(404, _("There is no such order of a linked store."))
    words = (
        _("%(status)s: %(store)s is told as soon as the link goes on.", status=status_words(status), store=way.store)
        if way.is_paused
        else _("%(status)s: on its way to %(store)s.", status=status_words(status), store=way.store)
    )
    return done(show, words, category="info")


@blueprint.post(f"/orders/<{_ID}:order_id>/understood")
@needs(Ability.ORDERS)
def understood(order_id: int) -> Response:
    """What lost against the other store was read: it is told no more."""
    if not understand(order_id):
        abort(404, _("There is no such order in this store."))
    nudge(g.store.id, "orders")
    return done(url_for(".show", order_id=order_id), _("Understood."))


def _way_or_404(order_id: int) -> tuple[OrderDetail, Way]:
    order = order_detail(order_id)
    way = None if order is None else way_of(order)
    if order is None or way is None:
        abort(404, _("There is no such order of a linked store."))
    return order, way


def _ship_page(order: OrderDetail, way: Way, form: CourierForm) -> str:
    return render_template("orders/say_shipped.html", **_ship_context(order, way, form))


def _ship_context(order: OrderDetail, way: Way, form: CourierForm) -> dict[str, Any]:
    package = request.values.get("package", "")
    going = [one for one in way.packing.packages if one.shipped_at is None and package in {"", one.number}]
    return {
        "order": order,
        "way": way,
        "form": form,
        "package": package,
        "sharing": sorted({number for one in going for number in one.others.values()}),
        "couriers": couriers(),
        "back": url_for(".show", order_id=order.row.id),
    }


def _question(order: OrderDetail, way: Way, status: OrderStatus) -> str:
    """The page that asks first."""
    number = order.row.number
    label, _drawing = ACTS[status]
    question = _("%(store)s is told, and the order follows there.", store=way.store)
    title, button, facts = _("Order %(number)s", number=number), str(label), []
    if status == OrderStatus.CANCELLED:
        title, button = _("Cancel order %(number)s?", number=number), _("Cancel the order")
        words = _(
            "A cancelled order does not go on. If it is wanted after all, %(store)s makes a new one.", store=way.store
        )
        facts.append(words)
    elif status == OrderStatus.COMPLETED:
        title, button = _("Order %(number)s is done?", number=number), _("It is done")
        facts.append(_("All of it counts as sent, and nothing is left to do. A finished order does not open again."))
    elif status == OrderStatus.RETURNED:
        title, button = _("Order %(number)s came back?", number=number), _("It came back")
        facts.append(_("All of it is with you again. This cannot be undone."))
    if status in {OrderStatus.CANCELLED, OrderStatus.RETURNED} and order.row.state == OrderState.BOOKED:
        facts.append(_("Its invoice stays as it is until you credit it; the order's page then offers to."))
    return render_template(
        "_shared/confirm.html",
        title=title,
        question=question,
        facts=facts,
        action=url_for(".say", linked_order_id=order.row.id, to=status.value),
        button=button,
        tone="danger" if status == OrderStatus.CANCELLED else "",
        back=url_for(".show", order_id=order.row.id),
    )


def _why(why: NotMovable, order: OrderDetail, way: Way) -> str:
    if why is NotMovable.MADE_ELSEWHERE:
        return _("%(store)s reads this order from a channel of its own. Its status is made there.", store=way.store)
    if why is NotMovable.ENDED:
        return _("The link to %(store)s has ended, so nothing can be said of its orders any more.", store=way.store)
    return _("The order is “%(status)s”, or on its way there. Look at it again.", status=status_words(order.status))
