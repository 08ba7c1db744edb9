"""The page on which a person says what flows which way between us and a channel; it belongs to the channels' pages."""

from __future__ import annotations

import logging
from typing import Any

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.accounts.limits import limit_person
from app.catalog.stock_queries import warehouses
from app.channels import queries, setup
from app.channels.announcing import announcing
from app.channels.connecting import Kind, kind_of
from app.channels.queries import ChannelRow
from app.channels.routes import TESTS_A_MINUTE, blueprint, channel_or_404, order_sync_url
from app.channels.setup import WeightExample
from app.channels.setup_form import SetUpForm, set_up_form
from app.core.errors import ChannelError
from app.core.roles import Ability
from app.sync.nudge import nudge
from app.sync.setting_up import SameWarehouse, finish
from app.sync.switching import GivenElsewhere
from app.web.needs import needs
from app.web.respond import done

log = logging.getLogger(__name__)
_NO_CONTENT = 204


@blueprint.route("/<int:channel_id>/set-up", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
@limit_person(TESTS_A_MINUTE)
def set_up(channel_id: int) -> Response:
    """Choose what flows which way; *Finish* stores it and starts the first sync. The same page changes it later."""
    channel, kind = _channel_to_set_up(channel_id)
    if request.method == "GET":
        return _page(channel, kind, _form(channel, kind))
    form = _form(channel, kind, request.form)
    if request.form.get("go") == "later":
        setup.keep_draft(channel_id, form.chosen())
        return done(url_for(".settings", channel_id=channel_id), _("Kept. Nothing is read until you finish."))
    if not form.is_complete():
        return _page(channel, kind, form, 422)
    try:
        finished = finish(channel_id, form.chosen(), g.membership.user_id)
    except GivenElsewhere as other:
        form.gives_orders.errors = [_given_elsewhere(other.name)]
        return _page(channel, kind, form, 422)
    except SameWarehouse as same:
        form.place(same.marketplace_id).errors = [_same_warehouse(same)]
        return _page(channel, kind, form, 422)
    nudge(g.store.id, "jobs", "orders", f"channel-{channel_id}")
    words = _("Saved. Everything is being read now; you can leave this page, the work goes on.")
    if finished.start is None:
        words = _("Saved. It is read as soon as the channel is resumed.")
    if finished.trouble:
        words += " " + _("It announces no changes, though: %(why)s", why=finished.trouble)
    return done(order_sync_url(channel_id), words, category="warning" if finished.trouble else "success")


@blueprint.post("/<int:channel_id>/set-up/draft")
@needs(Ability.CHANNELS)
def keep_set_up(channel_id: int) -> Response:
    """Keep what is chosen so far, each time something is; nothing happens by it."""
    channel, kind = _channel_to_set_up(channel_id)
    setup.keep_draft(channel_id, _form(channel, kind, request.form).chosen())
    return Response(status=_NO_CONTENT)


def _channel_to_set_up(channel_id: int) -> tuple[ChannelRow, Kind]:
    channel = channel_or_404(channel_id)
    kind = kind_of(channel.kind)
    if not kind.is_set_up:
        abort(404, _("There is nothing to set up about this channel."))
    return channel, kind


def _form(channel: ChannelRow, kind: Kind, formdata: Any = None) -> SetUpForm:
    stands = announcing(channel.id, channel.kind)
    shown = setup.chosen_so_far(channel.id, announces=stands is not None and stands.is_on)
    places = [(place.id, place.name) for place in warehouses()]
    return set_up_form(kind, queries.marketplaces(channel.id), places, shown, formdata)


def _page(channel: ChannelRow, kind: Kind, form: SetUpForm, status: int = 200) -> Response:
    branches = queries.marketplaces(channel.id)
    stands = announcing(channel.id, channel.kind)
    foreign = {place.currency for place in branches} - {g.store.currency}
    examples, unread = _examples(channel) if kind.asks_weight_unit else ([], "")
    page = render_template(
        "channels/set_up.html",
        channel=channel,
        kind=kind,
        form=form,
        branches=branches,
        hindrance=stands.hindrance if stands else "",
        examples=examples,
        unread=unread,
        foreign=sorted(foreign),
        held=sorted(foreign - set(g.store.invoice_currencies)),
    )
    return make_response(page, status)


def _examples(channel: ChannelRow) -> tuple[list[WeightExample], str]:
    """A few products with what they are said to weigh, and why none could be read, "" when it was."""
    try:
        return setup.weight_examples(channel.id), ""
    except ChannelError as error:
        log.info("no examples of weights: %s", error)
        return [], error.user_message


def _given_elsewhere(name: str) -> str:
    return _(
        "Orders made here go to %(name)s already. Switch that off there first, or each order would be made twice.",
        name=name,
    )


def _same_warehouse(same: SameWarehouse) -> str:
    if same.channel:
        return _("%(channel)s counts the stock of this warehouse already.", channel=same.channel)
    return _("Another branch has this warehouse already. Each branch needs one of its own.")
