"""Where is my order? One page that answers for any number, and asks a channel when we never heard of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, abort, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import ChannelError
from app.core.roles import Ability
from app.core.states import Reason, SeenState
from app.core.types import RemoteOrder
from app.orders import finding
from app.orders.finding import Asked, Found
from app.orders.reasons import Explanation, Place, alert_words, explain
from app.orders.routes import blueprint
from app.web.badges import told_word
from app.web.filters import day, moment
from app.web.ids import row_id
from app.web.links import url_if
from app.web.needs import needs
from app.web.respond import page_or_fragment

_MAX_NUMBER: Final = 100
_NEVER_IMPORTED: Final[Mapping[str, Any]] = {
    Reason.BEFORE_START_DATE: _l("It was made before the day from which this channel's orders are wanted."),
    Reason.IGNORED: _l("It could not be read, and somebody chose to leave it out."),
    Reason.BAD_PAYLOAD: _l("What the channel sent of it could not be understood."),
    Reason.ORDER_MISSING: _l("The channel listed it, but did not give its details."),
    Reason.MADE_HERE: _l("It is an order of yours, which we made there."),
}
_SEEN: Final = {
    SeenState.LISTED: _l("Listed, not read yet"),
    SeenState.SKIPPED: _l("Left out"),
    SeenState.UNREADABLE: _l("Not readable"),
    SeenState.IMPORTED: _l("Read"),
}


@blueprint.get("/orders/find")
@needs(Ability.LOOK)
def find() -> Response:
    """What is known of a number."""
    return _page(_number(request.args.get("q", "")))


@blueprint.post("/orders/find/ask")
@needs(Ability.SYNC)
def ask() -> Response:
    """Ask a channel for the number, now. Nothing is stored."""
    number = _number(request.form.get("q", ""))
    channel_id = request.form.get("channel_id", type=row_id)
    if not number or channel_id is None:
        abort(404)
    try:
        asked = finding.ask_channel(channel_id, number)
    except LookupError:
        abort(404, _("There is no such channel in this store."))
    except ChannelError as error:
        return _page(number, problem=error.user_message)
    return _page(number, answer=_answer(asked, channel_id))


def _page(number: str, **more: Any) -> Response:
    found = finding.find(number) if number else []
    return page_or_fragment(
        "orders/find.html",
        "orders/_found.html",
        q=number,
        found=[(one, _why(one), _never(one)) for one in found],
        places=finding.places() if number and not found else [],
        seen_words=_SEEN,
        alert_words=alert_words,
        **more,
    )


def _number(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()[:_MAX_NUMBER]


def _why(found: Found) -> Explanation | None:
    if found.order_id is None:
        return None
    return explain(found.reason, found.detail, Place(found.channel_id, found.channel))


def _never(found: Found) -> str:
    """Why there is no order of it."""
    if found.reason == Reason.PART_OF_ORDER:
        return _("It is the invoice of order %(number)s, which comes in by itself.", number=found.detail["part_of"])
    return str(_NEVER_IMPORTED.get(found.reason or "", _l("It was listed and never imported.")))


def _answer(asked: Asked, channel_id: int) -> dict[str, Any]:
    """The channel's word, and where to go on."""
    order = asked.order
    if order is None:
        words = _("%(channel)s does not know an order with this number.", channel=asked.channel)
        return {"tone": "warning", "words": words}
    to_check = {"url": url_if("channels.orders", channel_id=channel_id), "label": _("Open Order Sync")}
    if not isinstance(order, RemoteOrder):
        words = _("%(channel)s knows it, but what it sends cannot be understood.", channel=asked.channel)
        return {"tone": "warning", "words": words, **to_check}
    if order.part_of:
        words = _(
            "%(channel)s knows it as the invoice of order %(number)s.", channel=asked.channel, number=order.part_of
        )
        return {"tone": "info", "words": words}
    known = _(
        "%(channel)s knows it: made %(moment)s, %(status)s, %(payment)s.",
        channel=asked.channel,
        moment=moment(order.created_at),
        status=told_word(order.status_text, "OrderStatus"),
        payment=told_word(order.payment_status_text, "PaymentStatus"),
    )
    if order.created_at < asked.start_at:
        why = _("That is before %(day)s, from which on this channel's orders are wanted.", day=day(asked.start_at))
        to_settings = {"url": url_if("channels.settings", channel_id=channel_id), "label": _("Change the start date")}
        return {"tone": "info", "words": f"{known} {why}", **to_settings}
    return {"tone": "info", "words": f"{known} {_('Check for updates brings it in.')}", **to_check}
