"""Payment Methods, the place of a channel where each gateway gets its payment method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, g, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from app.channels.connecting import kind_of
from app.channels.queries import ChannelRow
from app.channels.routes import blueprint, channel_or_404, order_sync_url, tab_page
from app.core.roles import Ability
from app.core.states import OrderState
from app.mappings import queries, services
from app.mappings.choosing import NotChosen, chosen_id, disagreement, require_valid, whole_list
from app.mappings.forms import ChoiceForm, GatewayForm, PaymentChoiceForm
from app.mappings.gateways import Conflict, NoSuchPaymentMethod
from app.mappings.queries import GatewayRow
from app.orders.filters import OrderFilter, gateway_value
from app.orders.following import Chosen, choose_payment_method, list_gateway
from app.orders.tallies import NOTHING, GatewayTally, gateway_tallies
from app.sync.nudge import nudge
from app.web.needs import needs
from app.web.respond import done, fragment, redirect_to, wants_fragment


@dataclass(frozen=True, slots=True)
class GatewayLine:
    """A row of Payment Methods. `chosen` is what its select shows, which after a refusal is what was picked."""

    row: GatewayRow
    tally: GatewayTally
    chosen: int | None
    new_name: str = ""
    problem: str = ""
    is_saved: bool = False

    @property
    def where(self) -> OrderFilter:
        """The orders of this gateway."""
        return OrderFilter(channel=self.row.channel_id, gateway=gateway_value(self.row.gateway_key))

    @property
    def sync_ready(self) -> dict[str, str]:
        """What the orders' *Sync* wants to know to book those of them that are ready."""
        where = self.where.but(state=(OrderState.READY,))
        return {"all": "1", "filter": where.query_string(), "back": order_sync_url(self.row.channel_id)}


@blueprint.route("/<int:channel_id>/payments", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.MAPPINGS)
def payments(channel_id: int) -> Response:
    """Gateway → payment method, row by row; a POST lists a gateway by hand."""
    channel = channel_or_404(channel_id)
    form = _gateway_form()
    if request.method == "GET":
        return _payments_page(channel, form)
    if not form.validate():
        return _payments_page(channel, form, status=422)
    try:
        added = list_gateway(channel_id, form.gateway.data or "", form.payment_method_id.data, g.membership.user_id)
    except NoSuchPaymentMethod:
        form.payment_method_id.errors = (_gone_method(),)
        return _payments_page(channel, form, status=422)
    nudge(g.store.id, "orders", f"channel-{channel_id}")
    words = _("Added.") if added.is_new else _("It was listed already, so nothing was changed.")
    return done(_gateway_url(channel_id, added.mapping_id), words, category="success" if added.is_new else "info")


@blueprint.route("/<int:channel_id>/payments/<int:mapping_id>", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.MAPPINGS)
def save_gateway(channel_id: int, mapping_id: int) -> Response:
    """Save one row: an existing payment method, a new one, or none."""
    channel = channel_or_404(channel_id)
    row = queries.gateway(mapping_id)
    if row is None or row.channel_id != channel_id:
        abort(404)
    if request.method == "GET":
        return redirect_to(_gateway_url(channel_id, mapping_id))
    form = PaymentChoiceForm(request.form)
    picked = form.payment_method_id.data
    try:
        require_valid(form)
        picked = chosen_id(form, picked, queries.payment_methods, services.add_payment_method, _gone_method())
        saved = choose_payment_method(mapping_id, picked, form.version.data, g.membership.user_id)
    except NoSuchPaymentMethod:
        return _gateway_refused(channel, mapping_id, None, form, _gone_method())
    except NotChosen as problem:
        return _gateway_refused(channel, mapping_id, picked, form, str(problem))
    if isinstance(saved, Conflict):
        current = queries.gateway(mapping_id) or row
        words = disagreement(current.changed_by, current.changed_at, current.payment_method)
        return _gateway_refused(channel, mapping_id, picked, form, words)
    nudge(g.store.id, "orders", f"channel-{channel_id}")
    return _gateway_saved(channel, mapping_id, saved, form)


def _payments_page(channel: ChannelRow, form: GatewayForm, *, status: int = 200) -> Response:
    lines = _gateway_lines(channel.id, saved_id=request.args.get("saved", type=int))
    return tab_page(
        "mappings/payments.html", "payments", channel, status=status, form=form, lines=lines, **_method_words()
    )


def _gateway_lines(
    channel_id: int, *, saved_id: int | None = None, stays_id: int | None = None, freed: int = 0
) -> list[GatewayLine]:
    """What waits comes first; the row that was just saved stays where it was, before the eyes of who saved it.

    `freed` orders waited for it until then, which is what its place went by.
    """
    tallies = gateway_tallies(channel_id)
    lines = [
        GatewayLine(row, tallies.get(row.id, NOTHING), row.payment_method_id, is_saved=row.id == saved_id)
        for row in queries.gateways(channel_id)
    ]

    def place(line: GatewayLine) -> tuple[bool, int, str]:
        stays = line.row.id == stays_id
        is_done = line.row.payment_method_id is not None and not stays
        return is_done, -(line.tally.waiting + (freed if stays else 0)), line.row.gateway_key

    return sorted(lines, key=place)


def _method_words() -> dict[str, Any]:
    """The choices, and what happens to orders of a gateway without one."""
    methods = queries.payment_methods()
    default = next((method.name for method in methods if method.is_default), _("the default"))
    books = g.store.unmapped_gateway == "cash"
    words = _("Not chosen: booked as %(default)s", default=default) if books else _("Not chosen: orders wait")
    return {"methods": methods, "default_method": default, "unmapped_words": words}


def _gateway_form() -> GatewayForm:
    form = GatewayForm(request.form)
    words = _method_words()
    form.payment_method_id.choices = [
        SelectChoice("", words["unmapped_words"]),
        *(SelectChoice(str(method.id), method.name) for method in words["methods"]),
    ]
    return form


def _gateway_saved(channel: ChannelRow, mapping_id: int, saved: Chosen, form: ChoiceForm) -> Response:
    words = _("Saved.")
    if saved.freed:
        words += " " + ngettext("One order is ready now.", "%(num)s orders are ready now.", saved.freed)
    saved_id = mapping_id if saved.freed else None
    lines = _gateway_lines(channel.id, saved_id=saved_id, stays_id=mapping_id, freed=saved.freed)
    has_new = bool(form.new_name.data)
    response = done(
        _gateway_url(channel.id, mapping_id, is_saved=bool(saved.freed)),
        words,
        fragment="mappings/_gateways.html" if has_new else "mappings/_gateway_row.html",
        channel=channel,
        kind=kind_of(channel.kind),
        lines=lines,
        line=next(line for line in lines if line.row.id == mapping_id),
        **_method_words(),
    )
    return whole_list(response, "#gateways") if has_new else response


def _gateway_refused(
    channel: ChannelRow, mapping_id: int, picked: int | None, form: ChoiceForm, problem: str
) -> Response:
    """The row again with what was picked and why it was not saved."""
    lines = [
        line
        if line.row.id != mapping_id
        else GatewayLine(line.row, line.tally, picked, new_name=form.new_name.data or "", problem=problem)
        for line in _gateway_lines(channel.id)
    ]
    if wants_fragment():
        line = next(line for line in lines if line.row.id == mapping_id)
        return fragment("mappings/_gateway_row.html", status=422, channel=channel, line=line, **_method_words())
    return tab_page(
        "mappings/payments.html", "payments", channel, status=422, form=_gateway_form(), lines=lines, **_method_words()
    )


def _gone_method() -> str:
    return _("This payment method was archived. Choose another one, or bring it back in Settings.")


def _gateway_url(channel_id: int, mapping_id: int, *, is_saved: bool = False) -> str:
    saved = mapping_id if is_saved else None
    return url_for("channels.payments", channel_id=channel_id, saved=saved, _anchor=f"gateway-{mapping_id}")
