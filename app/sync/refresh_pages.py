"""*Refresh now*, and how the refresh of a channel stands; they belong to the channels' pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from flask import Flask, abort, flash, g
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.channels.allowance import SHARES, Spent, Use
from app.channels.connecting import kind_of, reads_spent
from app.channels.queries import ChannelRow
from app.channels.routes import blueprint, channel_or_404, order_sync_url
from app.connectors.base import Connector
from app.core.estimating import seconds_by_allowance
from app.core.roles import Ability
from app.sync.ahead import ORDERS_AHEAD
from app.sync.of_channel import was_refreshed
from app.sync.queries import channel_activity
from app.sync.refreshing import KIND, request_refresh
from app.sync.services import ChannelNotReadyError
from app.sync.words import ShownActivity, ShownJob, show_activity, tempo
from app.web.filters import duration, number
from app.web.needs import needs
from app.web.respond import done, fragment, redirect_to, wants_fragment

_READING: Final = ("products", "pull")
"""The phases of a refresh that read page by page, in their order."""
_BEFORE_ORDERS: Final = ("count", "products", "match")


@dataclass(frozen=True, slots=True)
class Refreshing:
    """How the refresh of a channel stands.

    `is_first` says that not everything was read once. `estimate` is when it will all be read, "" while that cannot be
    said, and `then` what comes after the phase that runs. `next_at` is when the clock starts the next one.
    """

    activity: ShownActivity
    is_first: bool
    estimate: str
    then: str
    next_at: datetime | None
    reads: Spent | None

    @property
    def job(self) -> ShownJob | None:
        """What runs or waits, else what ran last."""
        return self.activity.active or self.activity.last

    @property
    def is_under_way(self) -> bool:
        """Whether a refresh runs or waits."""
        return self.activity.active is not None and self.activity.active.row.kind == KIND


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    cast(Flask, state.app).jinja_env.globals.update(refreshing=refreshing, reads_of=reads_spent, reads_by_use=uses)


@blueprint.post("/<int:channel_id>/refresh-now")
@needs(Ability.SYNC)
def refresh_now(channel_id: int) -> Response:
    """Read what changed, in both directions; a second press shows the refresh that runs."""
    channel = channel_or_404(channel_id)
    if channel.next_refresh_at is None:
        abort(404, _("This channel is not refreshed: check it for updates instead."))
    try:
        start = request_refresh(channel_id, g.membership.user_id)
    except ChannelNotReadyError:
        flash(_("%(name)s is paused. Let it go on first, then refresh it.", name=channel.name), "warning")
        return redirect_to(order_sync_url(channel_id))
    started = _("Refreshing. You can leave this page; the work goes on.")
    words = _("It is being refreshed already; this is how far it is.") if start.already_running else started
    return done(order_sync_url(channel_id), words, category="info")


@blueprint.get("/<int:channel_id>/refresh")
@needs(Ability.LOOK)
def refresh_part(channel_id: int) -> Response:
    """The live part: what the refresh does and how long it will take, what ran last, when the next one comes."""
    channel = channel_or_404(channel_id)
    if not wants_fragment():
        return redirect_to(order_sync_url(channel_id))
    return fragment("channels/_refresh.html", channel=channel, kind=kind_of(channel.kind))


def refreshing(channel: ChannelRow) -> Refreshing:
    """How the refresh of a channel stands, in words. Two statements."""
    activity = show_activity(channel_activity(channel))
    spent = reads_spent(channel.kind, channel.id)
    job = activity.active
    is_first = not was_refreshed(channel.id)
    ahead = _ahead(job) if is_first else 0
    limited = _limited(channel, job, spent, Use.FIRST if is_first else Use.REFRESH, ahead)
    estimate = limited or (tempo(job.row, ahead) if job is not None else "")
    then = _then(ahead) if job is not None and job.row.phase in _BEFORE_ORDERS and channel.takes_orders else ""
    return Refreshing(activity, is_first, estimate, then, channel.next_refresh_at, spent)


def _ahead(job: ShownJob | None) -> int:
    """How many orders the job will read after what it reads now; 0 where it reads them, or nobody knows."""
    return int(job.row.counts.get(ORDERS_AHEAD, 0)) if job is not None and job.row.phase in _BEFORE_ORDERS else 0


def _then(ahead: int) -> str:
    if not ahead:
        return _("Its orders come after that.")
    return ngettext(
        "%(count)s order comes after that.", "%(count)s orders come after that.", ahead, count=number(ahead)
    )


def _limited(channel: ChannelRow, job: ShownJob | None, spent: Spent | None, use: Use, ahead: int) -> str:
    """When it is the hour's reads that say how long it takes: how long that is, "" otherwise."""
    if job is None or spent is None or job.row.phase not in _READING or not job.row.total:
        return ""
    rows = job.row.total - job.row.done + ahead
    an_hour = spent.limit * SHARES[use] // 100
    seconds = seconds_by_allowance(rows, page_size=Connector.page_size, left=spent.left_for(use), an_hour=an_hour)
    if not seconds or seconds < (job.row.seconds_left or 0):
        return ""
    return _(
        "about %(time)s left, because %(kind)s lets us read only %(count)s pages an hour",
        time=duration(seconds),
        kind=kind_of(channel.kind).label,
        count=number(an_hour),
    )


def uses(spent: Spent) -> list[tuple[Any, int]]:
    """Who used the reads of the last hour, in words."""
    names = {Use.FIRST: _("First sync"), Use.REFRESH: _("Refresh"), Use.ORDERS: _("Single orders and products")}
    return [(names[use], spent.by_use.get(use, 0)) for use in Use]
