"""The channels' pages: the list, a channel's own places, and what keeps it going or stops it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from app.accounts.limits import limit_person
from app.accounts.proving import proved_recently
from app.channels import queries, services
from app.channels.announcing import announce_anew, announcing, switch_off
from app.channels.connecting import Kind, kind_of
from app.channels.forms import AutoSyncForm, KeptBackForm, NameForm, connect_form
from app.channels.queries import ChannelRow
from app.completeness.queries import VerificationRow, last_verifications
from app.completeness.words import result
from app.core.errors import ChannelError
from app.core.roles import Ability
from app.core.states import OrderState
from app.extensions import htmx
from app.mappings.offers import offers
from app.mappings.queries import unmapped_gateways
from app.orders.failed import CauseKind, failed_causes
from app.orders.filters import OrderFilter
from app.orders.following import change_channel
from app.orders.queries import count_matching, state_counts
from app.orders.stock import free_stock
from app.orders.table import orders_table_context
from app.sync.nudge import nudge
from app.sync.of_channel import active_job_ids
from app.sync.problems import problems
from app.sync.queries import channel_activities
from app.sync.refusals import not_ready_notice
from app.sync.services import ChannelNotReadyError, NoSuchJobError, TakesNoOrdersError, cancel_job, go_on, request_check
from app.sync.switching import stop_giving
from app.sync.words import ShownActivity, show_activity
from app.web.errors import handle_http_error
from app.web.links import safe_next
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import done, fragment, redirect_to, wants_fragment

TESTS_A_MINUTE: Final = "20 per minute"
"""How often a person may try a connection: each try calls an address that somebody typed."""

_REFUSED: Final = 400
NOT_BOOKED: Final = (OrderState.READY, OrderState.HELD, OrderState.WAITING, OrderState.QUEUED)

blueprint = Blueprint("channels", __name__, url_prefix="/<store>/channels")


@dataclass(frozen=True, slots=True)
class Card:
    """A channel with what its card and its pages' head show; `failed` orders need a person.

    `verified` is its last verification with a result, and `verdict` what that says in a sentence.
    """

    channel: ChannelRow
    kind: Kind
    unmapped: int
    failed: int
    activity: ShownActivity
    verified: VerificationRow | None
    verdict: str


def channel_or_404(channel_id: int) -> ChannelRow:
    """The channel of this page."""
    channel = queries.channel(channel_id)
    if channel is None:
        abort(404, _("There is no such channel in this store. It may have been removed."))
    return channel


def reading_channel_or_404(channel_id: int) -> ChannelRow:
    """The same, of a channel that is read; there is nothing to fetch where orders are made here."""
    channel = channel_or_404(channel_id)
    if not kind_of(channel.kind).lists_orders:
        abort(404, _("The orders of this channel are made here, so there is nothing to fetch."))
    return channel


def order_sync_url(channel_id: int) -> str:
    """Order Sync as one comes to it: the orders that are not booked yet."""
    return url_for("channels.orders", channel_id=channel_id, state=[state.value for state in NOT_BOOKED])


def tab_page(template: str, place: str, channel: ChannelRow, *, status: int = 200, **context: Any) -> Response:
    """One of the channel's places (`place`), with the head that all of them share."""
    return make_response(render_template(template, **_head(channel, place), **context), status)


@blueprint.after_request
def _tell_pages(response: Response) -> Response:
    """A mapping or a setting moves orders: open pages fetch again what they show of the channel."""
    channel_id = (request.view_args or {}).get("channel_id")
    is_done = request.method == "POST" and "store" in g and response.status_code < _REFUSED
    if is_done and channel_id is not None:
        nudge(g.store.id, "orders", f"channel-{channel_id}")
    return response


@blueprint.app_errorhandler(services.NoSuchChannel)
def gone(_error: services.NoSuchChannel) -> Response:
    """A channel that somebody removed between the look at it and the act."""
    return handle_http_error(NotFound(_("There is no such channel in this store. It may have been removed.")))


@blueprint.get("/")
@needs(Ability.LOOK)
def index() -> str:
    """What is connected, and how well."""
    return render_template("channels/index.html", cards=_cards(queries.channels()))


@blueprint.get("/<int:channel_id>/status")
@needs(Ability.LOOK)
def status(channel_id: int) -> Response:
    """The live part of a card."""
    channel = channel_or_404(channel_id)
    if not wants_fragment():
        return redirect_to(url_for(".index"))
    (card,) = _cards([channel])
    return fragment("channels/_channel_status.html", card=card, channel=channel, kind=card.kind)


@blueprint.get("/<int:channel_id>/tabs")
@needs(Ability.LOOK)
def tabs(channel_id: int) -> Response:
    """The tabs with their counts; `place` is the one that is shown."""
    channel = channel_or_404(channel_id)
    if not wants_fragment():
        return redirect_to(order_sync_url(channel_id))
    return fragment("channels/_tabs.html", **_head(channel, request.args.get("place", "")))


@blueprint.get("/<int:channel_id>")
@needs(Ability.LOOK)
def show(channel_id: int) -> Response:
    """A channel opens on its orders."""
    return redirect(order_sync_url(channel_or_404(channel_id).id), 303)


@blueprint.get("/<int:channel_id>/orders")
@needs(Ability.LOOK)
def orders(channel_id: int) -> Response:
    """Order Sync: fetch, tick, sync; what runs, and what runs next."""
    channel = channel_or_404(channel_id)
    where = OrderFilter.from_args(request.args).but(channel=channel_id)
    path = url_for(".orders", channel_id=channel_id)
    context = orders_table_context(where, Keyset.from_args(request.args), path=path, channel_fixed=True)
    if htmx.target == "orders":
        return fragment("orders/_table.html", **context)
    context |= {"back": context["table"].here_url, "seen": _orders_in(channel_id), "in_now": 0}
    if wants_fragment():
        return fragment("channels/_orders.html", channel=channel, kind=kind_of(channel.kind), **context)
    return tab_page("channels/orders.html", "orders", channel, form=_auto_form(channel), **context)


@blueprint.get("/<int:channel_id>/orders/news")
@needs(Ability.LOOK)
def orders_news(channel_id: int) -> Response:
    """Whether more orders are in than the `seen` ones that a list was made of; `back` shows that list anew."""
    channel = channel_or_404(channel_id)
    back = safe_next(request.args.get("back")) or order_sync_url(channel_id)
    if not wants_fragment():
        return redirect_to(back)
    seen, in_now = request.args.get("seen", 0, type=int), _orders_in(channel_id)
    return fragment("channels/_orders_news.html", channel=channel, back=back, seen=seen, in_now=in_now)


@blueprint.post("/<int:channel_id>/check")
@needs(Ability.SYNC)
def check(channel_id: int) -> Response:
    """Check for updates: one job per channel, so a second press shows the one that runs."""
    channel = reading_channel_or_404(channel_id)
    try:
        start = request_check(channel_id, g.membership.user_id)
    except TakesNoOrdersError as refusal:
        flash(not_ready_notice(refusal, channel.name, channel_id), "warning")
        return redirect_to(order_sync_url(channel_id))
    except ChannelNotReadyError:
        flash(_("%(name)s is paused. Let it go on first, then check for updates.", name=channel.name), "warning")
        return redirect_to(order_sync_url(channel_id))
    started = _("Checking for updates. You can leave this page; the work goes on.")
    words = _("It is being checked already; this is how far it is.") if start.already_running else started
    return done(order_sync_url(channel_id), words, category="info")


@blueprint.post("/<int:channel_id>/auto-sync")
@needs(Ability.CHANNELS)
def auto_sync(channel_id: int) -> Response:
    """Switch Auto Sync, or change its interval."""
    channel = channel_or_404(channel_id)
    form = AutoSyncForm(request.form)
    if not form.validate():
        abort(422)
    services.set_auto_sync(channel_id, on=form.on.data, minutes=form.minutes.data)
    nudge(g.store.id, f"channel-{channel_id}")
    on, off = _("Auto Sync is on."), _("Auto Sync is off. Orders come in when you check for updates.")
    return done(
        order_sync_url(channel.id),
        on if form.on.data else off,
        fragment="channels/_auto_sync.html",
        channel=channel_or_404(channel_id),
        kind=kind_of(channel.kind),
        form=form,
    )


@blueprint.get("/<int:channel_id>/failed")
@needs(Ability.LOOK)
def failed(channel_id: int) -> Response:
    """Failed Sync, of this channel alone."""
    channel = channel_or_404(channel_id)
    return tab_page("channels/failed.html", "failed", channel, problems=problems(channel_id))


@blueprint.route("/<int:channel_id>/settings", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.CHANNELS)
def settings(channel_id: int) -> Response:
    """Name, start date, key, pause and removal."""
    channel = channel_or_404(channel_id)
    if request.method == "GET":
        return _settings_page(channel, _name_form(channel))
    form = NameForm(request.form)
    if not form.validate():
        return _settings_page(channel, form, status=422)
    moved = change_channel(
        channel_id, name=form.name.data or "", start_on=form.start_on.data, user_id=g.membership.user_id
    )
    nudge(g.store.id, "orders", f"channel-{channel_id}")
    words = _("Saved.")
    if moved:
        words += " " + ngettext("One order was judged anew.", "%(num)s orders were judged anew.", moved)
    return done(url_for(".settings", channel_id=channel_id), words)


@blueprint.post("/<int:channel_id>/stock")
@needs(Ability.CHANNELS)
def stock(channel_id: int) -> Response:
    """How many pieces of each item are kept back from a channel that is told our stock."""
    channel = channel_or_404(channel_id)
    if offers(channel_id) is None:
        abort(404, _("This channel is not told your stock, so nothing can be kept back from it."))
    form = KeptBackForm(request.form)
    if not form.validate():
        return _settings_page(channel, _name_form(channel), kept_back=form, status=422)
    services.keep_back(channel_id, form.pieces.data or 0)
    return done(url_for(".settings", channel_id=channel_id), _("Saved. It is told within seconds."))


@blueprint.route("/<int:channel_id>/reconnect", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
@limit_person(TESTS_A_MINUTE)
@proved_recently
def reconnect(channel_id: int) -> Response:
    """A new key (or address), tested before it replaces the old one."""
    channel = reading_channel_or_404(channel_id)
    kind = kind_of(channel.kind)
    if request.method == "GET":
        return tab_page("channels/reconnect.html", "settings", channel, form=connect_form(kind, data=channel.config))
    form = connect_form(kind, request.form, all_required=True)
    if not form.validate():
        return tab_page("channels/reconnect.html", "settings", channel, form=form, status=422)
    try:
        services.reconnect(channel_id, form.values())
        announces = announce_anew(channel_id)
    except ChannelError as error:
        form.show(error, kind)
    except services.OtherAccount as other:
        form.form_errors.append(_other_account(channel, other.account_name))
    else:
        goes_on = go_on(channel_id, g.membership.user_id)
        nudge(g.store.id, f"channel-{channel_id}")
        words = _("Reconnected. The work goes on where it stopped.")
        if not goes_on:
            words = _("Reconnected, but it was paused again in the meantime.")
        if not announces:
            words += " " + _("It does not announce new orders any more; switch that on again.")
        category = "success" if goes_on else "warning"
        return done(url_for(".settings", channel_id=channel_id), words, category=category)
    return tab_page("channels/reconnect.html", "settings", channel, form=form, status=422)


@blueprint.post("/<int:channel_id>/pause")
@needs(Ability.CHANNELS)
def pause(channel_id: int) -> Response:
    """Stop reading and writing until somebody presses Resume."""
    channel = channel_or_404(channel_id)
    services.pause(channel_id)
    nudge(g.store.id, f"channel-{channel_id}")
    return done(_back_url(channel), _("%(name)s is paused: nothing is read or written.", name=channel.name))


@blueprint.post("/<int:channel_id>/resume")
@needs(Ability.CHANNELS)
@limit_person(TESTS_A_MINUTE)
def resume(channel_id: int) -> Response:
    """Let it go on; after an error only if the key works again."""
    channel = channel_or_404(channel_id)
    try:
        services.resume(channel_id)
    except ChannelError as error:
        flash(error.user_message, "danger")
        return redirect_to(_back_url(channel))
    goes_on = go_on(channel_id, g.membership.user_id)
    nudge(g.store.id, f"channel-{channel_id}")
    if not goes_on:
        return done(_back_url(channel), _("It was paused again in the meantime."), category="warning")
    return done(_back_url(channel), _("%(name)s goes on where it stopped.", name=channel.name))


@blueprint.route("/<int:channel_id>/remove", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
def remove(channel_id: int) -> Response:
    """Say what removing means and for how many orders, then do it and end what runs."""
    channel = reading_channel_or_404(channel_id)
    if request.method == "GET":
        return make_response(render_template("_shared/confirm.html", **_removal(channel)))
    switch_off(channel_id)  # while there is a key to tell the channel so
    stop_giving(channel_id, g.membership.user_id)
    with suppress(services.NoSuchChannel):  # another press of the same button was a moment faster
        services.remove(channel_id)
        free_stock(channel_id)
    for job_id in active_job_ids(channel_id):
        with suppress(NoSuchJobError):  # it ended by itself in between
            cancel_job(job_id, g.membership.user_id)
    nudge(g.store.id, "jobs", "orders", f"channel-{channel_id}")
    return done(url_for(".index"), _("%(name)s was removed. Its orders and invoices stay.", name=channel.name))


def _removal(channel: ChannelRow) -> dict[str, Any]:
    """The words of the page that asks before removing."""
    counts = state_counts(OrderFilter(channel=channel.id))
    open_ones = sum(counts[state] for state in NOT_BOOKED)
    facts = [
        _("Its key is forgotten, and nothing is read from it or written to it any more."),
        ngettext("One invoice stays in your books.", "%(num)s invoices stay in your books.", counts[OrderState.BOOKED]),
        ngettext(
            "One order that is not booked stays listed, and is not booked any more.",
            "%(num)s orders that are not booked stay listed, and are not booked any more.",
            open_ones,
        ),
        _(
            "If you connect the same account again, this channel comes back with its orders, "
            "and nothing is booked twice."
        ),
    ]
    return {
        "title": _("Remove %(name)s?", name=channel.name),
        "question": _("This is what happens:"),
        "facts": facts,
        "action": url_for(".remove", channel_id=channel.id),
        "button": _("Remove %(name)s", name=channel.name),
        "back": url_for(".settings", channel_id=channel.id),
        "tone": "danger",
    }


def _orders_in(channel_id: int) -> int:
    """How many orders of the channel are in, counted up to a bound."""
    return count_matching(OrderFilter(channel=channel_id))


def _head(channel: ChannelRow, place: str) -> dict[str, Any]:
    (card,) = _cards([channel])
    orders_url = order_sync_url(channel.id)
    return {"card": card, "channel": channel, "kind": card.kind, "orders_url": orders_url, "place": place}


def _cards(channels: list[ChannelRow]) -> list[Card]:
    """Nine statements more, however many channels there are."""
    unmapped = unmapped_gateways()
    failed: Counter[int] = Counter()
    for cause in failed_causes():
        if cause.kind != CauseKind.ALERTS:
            failed[cause.channel_id] += cause.count
    activities = channel_activities(channels)
    verified = last_verifications([row.id for row in channels])
    return [
        Card(
            channel=row,
            kind=kind_of(row.kind),
            unmapped=unmapped.get(row.id, 0),
            failed=failed[row.id],
            activity=show_activity(activities[row.id]),
            verified=verified.get(row.id),
            verdict=result(verified[row.id]).sentence if row.id in verified else "",
        )
        for row in channels
    ]


def _settings_page(
    channel: ChannelRow, form: NameForm, *, kept_back: KeptBackForm | None = None, status: int = 200
) -> Response:
    told = offers(channel.id)
    return tab_page(
        "channels/settings.html",
        "settings",
        channel,
        status=status,
        form=form,
        announcing=announcing(channel.id, channel.kind),
        offers=told,
        kept_back=kept_back or KeptBackForm(data={"pieces": told.kept_back if told else 0}),
    )


def _name_form(channel: ChannelRow) -> NameForm:
    start_on = channel.start_at.astimezone(ZoneInfo(g.store.time_zone)).date()
    return NameForm(data={"name": channel.name, "start_on": start_on})


def _auto_form(channel: ChannelRow) -> AutoSyncForm:
    return AutoSyncForm(data={"on": channel.auto_sync, "minutes": channel.auto_sync_minutes})


def _other_account(channel: ChannelRow, account: str) -> str:
    return _(
        "This key opens another account (%(account)s) than the one that the orders of %(name)s came from. "
        "Nothing was changed. To connect that account, add it as a new channel.",
        account=account,
        name=channel.name,
    )


def _back_url(channel: ChannelRow) -> str:
    return safe_next(request.form.get("next")) or url_for(".settings", channel_id=channel.id)
