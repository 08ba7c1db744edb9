"""Why something cannot be asked of a channel now, and the button that leads to where that is changed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g, render_template
from flask_babel import gettext as _
from markupsafe import Markup

from app.core.plan import refuse_batch
from app.sync.services import ChannelNotReadyError, TakesNoOrdersError
from app.web.links import url_if


def delivery_orders_notice(hidden: Mapping[str, str]) -> Markup:
    """The button that sets *Auto-generate D.O.* to None, as a part of a message; '' when that is set already.

    `hidden` says what was asked for and is to be done then: see `app.sync.allowing`.
    """
    if refuse_batch(g.store.auto_delivery_order) is None:
        return Markup("")
    return Markup(render_template("sync/_delivery_orders.html", hidden=hidden))  # noqa: S704 (our own template)


def not_ready_notice(error: ChannelNotReadyError, name: str, channel_id: int) -> Markup:
    """Why the channel is not ready, with the way to its settings."""
    words = _("%(name)s is paused. Let it go on first.", name=name)
    if isinstance(error, TakesNoOrdersError):
        words = _("Orders are not taken from %(name)s. Switch that on in its settings first.", name=name)
    url = url_if("channels.settings", channel_id=channel_id)
    link = Markup('<a href="{}">{}</a>').format(url, _("Open the channel's settings")) if url else Markup("")
    return Markup("{} {}").format(words, link)
