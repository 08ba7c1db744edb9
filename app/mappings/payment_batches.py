"""Payment Methods, many at once: each gateway that has none gets the payment method of its own name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from flask import g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.channels.routes import blueprint, channel_or_404
from app.core.roles import Ability
from app.core.states import OrderState
from app.mappings.by_name import Proposal, proposals
from app.orders.following import ManyChosen, choose_by_name
from app.sync.nudge import nudge
from app.web.ids import row_id
from app.web.needs import needs
from app.web.respond import done


@blueprint.route("/<int:channel_id>/payments/by-name", methods=["GET", "POST"])
@needs(Ability.MAPPINGS)
def map_by_name(channel_id: int) -> Response:
    """Say which gateway gets which payment method, then map them: those that were said, and no other."""
    channel_or_404(channel_id)
    if request.method == "GET":
        return _asking(channel_id)
    wanted = _ids(request.form.get("gateways", ""))
    many = choose_by_name(channel_id, wanted, g.membership.user_id)
    if not many.gateways:
        return _nothing(channel_id)
    nudge(g.store.id, "orders", f"channel-{channel_id}")
    return done(_list_url(channel_id), _told(channel_id, many, len(wanted)))


def _asking(channel_id: int) -> Response:
    found = proposals(channel_id)
    wanted = [one for one in found if not one.is_left]
    if not wanted:
        words = _("No payment method can be made of these names: choose one yourself.")
        return done(_list_url(channel_id), words, category="info") if found else _nothing(channel_id)
    return make_response(
        render_template(
            "_shared/confirm.html",
            title=_("Make a payment method of each name?"),
            question=ngettext(
                "One gateway gets a payment method, and the orders that wait for it go on.",
                "%(num)s gateways get a payment method each, and the orders that wait for them go on.",
                len(wanted),
            ),
            facts=[_words(one) for one in (*wanted, *(one for one in found if one.is_left))],
            action=url_for(".map_by_name", channel_id=channel_id),
            button=ngettext("Map one gateway", "Map %(num)s gateways", len(wanted)),
            back=_list_url(channel_id),
            tone="",
            hidden={"gateways": ",".join(str(one.mapping_id) for one in wanted)},
        )
    )


def _words(one: Proposal) -> str:
    gateway = one.gateway.strip() or _("No gateway")
    if one.is_left:
        return _("%(gateway)s: choose its payment method yourself.", gateway=gateway)
    if one.method is None:
        return _("%(gateway)s: a new payment method", gateway=gateway)
    return _("%(gateway)s: your payment method “%(method)s”", gateway=gateway, method=one.method)


def _told(channel_id: int, many: ManyChosen, wanted: int) -> str:
    words = ngettext(
        "One gateway has its payment method now.",
        "%(num)s gateways have their payment methods now.",
        many.gateways,
    )
    if many.gateways < wanted:
        words += " " + _("The others were changed meanwhile, and are left as they are.")
    if not many.freed:
        return words
    words += " " + ngettext("One order is ready now.", "%(num)s orders are ready now.", many.freed)
    url = url_for("channels.orders", channel_id=channel_id, state=OrderState.READY.value)
    return Markup('{} <a href="{}">{}</a>').format(words, url, _("Go to the orders that are ready"))


def _nothing(channel_id: int) -> Response:
    return done(_list_url(channel_id), _("There is nothing to do: it was done already."), category="info")


def _list_url(channel_id: int) -> str:
    return url_for("channels.payments", channel_id=channel_id)


def _ids(text: str) -> Sequence[int]:
    """The ids of a list with commas; what is none is left out."""
    ids = []
    for part in text.split(","):
        with suppress(ValueError):
            ids.append(row_id(part))
    return ids
