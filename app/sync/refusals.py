"""Syncing is refused while delivery orders make themselves: the advice, and the button that does it at once."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g, render_template
from markupsafe import Markup

from app.core.plan import refuse_batch


def delivery_orders_notice(hidden: Mapping[str, str]) -> Markup:
    """The button that sets *Auto-generate D.O.* to None, as a part of a message; '' when that is set already.

    `hidden` says what was asked for and is to be done then: see `app.sync.allowing`.
    """
    if refuse_batch(g.store.auto_delivery_order) is None:
        return Markup("")
    return Markup(render_template("sync/_delivery_orders.html", hidden=hidden))  # noqa: S704 (our own template)
