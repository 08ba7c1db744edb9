"""Same sale? Two orders of two channels side by side, and a person's word on whether they are one."""

from __future__ import annotations

from typing import Any

from flask import abort, g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField
from wtforms.validators import DataRequired

from app.core.roles import Ability
from app.core.states import Reason
from app.orders.deciding import Pair, same_sale_pair, say_two_sales
from app.orders.detail import order_detail
from app.orders.failed import CauseKey, CauseKind
from app.orders.routes import blueprint
from app.orders.table import show_row
from app.sync.nudge import nudge
from app.sync.problems import cause_url
from app.web.forms import Form
from app.web.needs import needs
from app.web.respond import done, invalid, page_or_fragment

_PAGE = ("orders/same_sale.html", "orders/_two_sales.html")


class TwoSalesForm(Form):
    """Booking a sale twice cannot be undone by a press, so it is asked for twice in one page."""

    compared = BooleanField(
        _l("I compared them: they are two different sales"),
        [DataRequired(_l("Compare the two orders, then tick here that they are two sales."))],
    )


@blueprint.route(f"/orders/<int(max={2**63 - 1}):order_id>/same-sale", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.SYNC)
def same_sale(order_id: int) -> Response:
    """Both orders side by side; a POST says that they are two sales, and books it."""
    if order_detail(order_id) is None:
        abort(404, _("There is no such order in this store."))
    show = url_for(".show", order_id=order_id)
    pair = same_sale_pair(order_id)
    if pair is None:
        return done(show, _("It does not wait for this any more."), category="info")
    form = TwoSalesForm(request.form)
    if request.method == "GET":
        return page_or_fragment(*_PAGE, form=TwoSalesForm(), **_context(pair))
    if not form.validate():
        return invalid(*_PAGE, form=form, **_context(pair))
    channel_id = pair.held.row.channel_id
    if not say_two_sales(order_id, g.membership.user_id):
        return done(show, _("It does not wait for this any more."), category="info")
    nudge(g.store.id, "orders", f"channel-{channel_id}")
    return done(show, _("Said to be two sales. This order goes on by itself."))


def _context(pair: Pair) -> dict[str, Any]:
    row = pair.held.row
    key = CauseKey(CauseKind.ORDERS, Reason.DUPLICATE_SUSPECTED, row.channel_id)
    sides = [pair.held, *([] if pair.other is None else [pair.other])]
    return {
        "pair": pair,
        "sides": [(order, show_row(order.row)) for order in sides],
        "leave_out_url": cause_url("orders.failed_ignore", key, row=row.id, next=url_for(".show", order_id=row.id)),
    }
