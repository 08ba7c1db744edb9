"""Product Sync, many at once: accept all that is certain, take that back, make items of what has none."""

from __future__ import annotations

from typing import Any

from flask import g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.channels.queries import ChannelRow
from app.channels.routes import blueprint, channel_or_404
from app.core.roles import Ability
from app.mappings import listing_queries as queries
from app.mappings.product_pages import freed_words
from app.orders.linking import accept_all_certain, make_items_of_listings, take_batch_back
from app.sync.counted import tell
from app.web.needs import needs
from app.web.respond import done


@blueprint.route("/<int:channel_id>/products/accept", methods=["GET", "POST"])
@needs(Ability.CATALOG)
def accept_certain(channel_id: int) -> Response:
    """Say how many proposals are certain, then link them: as many as were said, or the page asks anew."""
    channel = channel_or_404(channel_id)
    certain = queries.count_certain(channel_id)
    if request.method == "GET" or not certain:
        return _asking_to_accept(channel, certain) if certain else _nothing(channel)
    many = accept_all_certain(channel_id, request.form.get("count", 0, type=int), g.membership.user_id)
    if many is None:
        return _asking_to_accept(channel, queries.count_certain(channel_id), changed=True)
    tell(many.followed)
    count = len(many.saved.linked)
    words = ngettext("One product was linked.", "%(num)s products were linked.", count)
    return done(_list_url(channel), words + freed_words(many.freed))


@blueprint.route("/<int:channel_id>/products/undo", methods=["GET", "POST"])
@needs(Ability.CATALOG)
def undo_batch(channel_id: int) -> Response:
    """Take the links back that were saved together, but for those that somebody saved since."""
    channel = channel_or_404(channel_id)
    batch = queries.last_batch(channel_id)
    if batch is None or request.values.get("batch") != batch.id:
        words = _("These links were taken back already, or changed since.")
        return done(_list_url(channel), words, category="info")
    if request.method == "GET":
        asked: dict[str, Any] = {
            "title": _("Take these links back?"),
            "question": ngettext(
                "One product is not linked any more; what was proposed for it is proposed again.",
                "%(num)s products are not linked any more; what was proposed for them is proposed again.",
                batch.count,
            ),
            "action": url_for(".undo_batch", channel_id=channel_id),
            "button": _("Take them back"),
            "hidden": {"batch": batch.id},
        }
        return _asking(channel, **asked)
    count = take_batch_back(channel_id, batch.id, g.membership.user_id)
    return done(_list_url(channel), ngettext("One link was taken back.", "%(num)s links were taken back.", count))


@blueprint.route("/<int:channel_id>/products/create", methods=["GET", "POST"])
@needs(Ability.CATALOG)
def create_items(channel_id: int) -> Response:
    """Make items of all products that nothing is proposed for, and link them."""
    channel = channel_or_404(channel_id)
    count = queries.count_with_sku(channel_id)
    if not count:
        return _nothing(channel)
    if request.method == "GET":
        asked: dict[str, Any] = {
            "title": _("Create items from these products?"),
            "question": ngettext(
                "One product that nothing is proposed for becomes an item of yours, and is linked to it.",
                "%(num)s products that nothing is proposed for become items of yours, and are linked to them.",
                count,
            ),
            "facts": [
                _("Each item takes SKU, barcode, name and price from its product."),
                _("Products that share a SKU are left: say yourself which one the item is."),
                _("Items can be changed and archived in Inventory."),
            ],
            "action": url_for(".create_items", channel_id=channel_id),
            "button": _("Create items"),
        }
        return _asking(channel, **asked)
    many = make_items_of_listings(channel_id, g.membership.user_id)
    tell(many.followed)
    made, freed = many.made, many.freed
    words = ngettext("One item was created.", "%(num)s items were created.", len(made.item_ids))
    if made.left:
        words += " " + ngettext(
            "One product was left: it has no SKU of its own.",
            "%(num)s products were left: they have no SKU of their own.",
            made.left,
        )
    return done(_list_url(channel), words + freed_words(freed))


def _asking_to_accept(channel: ChannelRow, certain: int, *, changed: bool = False) -> Response:
    facts = [
        _("Certain is: the same SKU or the same barcode, and no other item or product answers to it."),
        _("What is only likely or possible stays proposed."),
        _("You can take them back together for a day."),
    ]
    now = ngettext("Now one proposal is certain.", "Now %(num)s proposals are certain.", certain)
    asked: dict[str, Any] = {
        "title": _("Accept all that is certain?"),
        "question": ngettext("One product is linked.", "%(num)s products are linked.", certain),
        "facts": [_("The proposals changed meanwhile.") + " " + now, *facts] if changed else facts,
        "action": url_for(".accept_certain", channel_id=channel.id),
        "button": ngettext("Link one product", "Link %(num)s products", certain),
        "hidden": {"count": certain},
    }
    return _asking(channel, status=409 if changed else 200, **asked)


def _asking(channel: ChannelRow, *, status: int = 200, **asked: Any) -> Response:
    back = url_for(".products", channel_id=channel.id)
    return make_response(render_template("_shared/confirm.html", back=back, tone="", **asked), status)


def _nothing(channel: ChannelRow) -> Response:
    return done(_list_url(channel), _("There is nothing to do: it was done already."), category="info")


def _list_url(channel: ChannelRow) -> str:
    return url_for("channels.products", channel_id=channel.id, state=None)
