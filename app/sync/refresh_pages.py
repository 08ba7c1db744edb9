"""*Refresh now*, and how the refresh of a channel stands; they belong to the channels' pages."""

from __future__ import annotations

from flask import abort, flash, g, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.channels.routes import blueprint, channel_or_404, order_sync_url
from app.sync.refreshing import request_refresh
from app.sync.services import ChannelNotReadyError
from app.web.respond import done, redirect_to


@blueprint.post("/<int:channel_id>/refresh-now")
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
    return done(url_for(".show", channel_id=channel_id), words, category="info")
