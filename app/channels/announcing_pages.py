"""The switch of a channel's settings that lets it announce orders at once."""

from __future__ import annotations

from flask import abort, flash, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.accounts.limits import limit_person
from app.channels.announcing import switch_off, switch_on
from app.channels.connecting import kind_of
from app.channels.routes import TESTS_A_MINUTE, blueprint, channel_or_404
from app.core.errors import ChannelError
from app.core.roles import Ability
from app.web.needs import needs
from app.web.respond import done, redirect_to


@blueprint.post("/<int:channel_id>/announce")
@needs(Ability.CHANNELS)
@limit_person(TESTS_A_MINUTE)
def announce(channel_id: int) -> Response:
    """Have the channel call us on each new or changed order, or not any more."""
    channel = channel_or_404(channel_id)
    kind, settings = kind_of(channel.kind).label, url_for(".settings", channel_id=channel_id)
    wanted = request.form.get("announce", "")
    if wanted == "off":
        switch_off(channel_id)
        return done(settings, _("%(kind)s does not announce orders any more.", kind=kind))
    if wanted != "on":
        abort(422, _("Say whether to switch it on or off."))
    try:
        switch_on(channel_id)
    except ChannelError as error:
        flash(error.user_message, "danger")
        return redirect_to(settings)
    return done(settings, _("%(kind)s announces new orders at once from now on.", kind=kind))
