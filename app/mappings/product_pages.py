"""Product Sync, the place of a channel where each of its products gets the item of ours that it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import abort, flash, g, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app import connectors
from app.catalog.items import NoSuchItem, SkuTaken
from app.catalog.queries import find_items, has_items, items_by_id
from app.channels.queries import ChannelRow
from app.channels.routes import blueprint, channel_or_404, tab_page
from app.connectors.base import Capability
from app.core.matching import ListingState
from app.core.roles import Ability
from app.extensions import htmx
from app.mappings import listing_queries as queries
from app.mappings.choosing import disagreement
from app.mappings.counted import contradicted_items
from app.mappings.gateways import Conflict
from app.mappings.linking import CannotBeLinked, NoSku
from app.mappings.listing_queries import ListingFilter, ListingRow
from app.mappings.product_words import obstacle_words, reason_words
from app.orders import linking
from app.orders.linking import Linked
from app.sync.counted import tell
from app.sync.of_channel import newest_job_id
from app.sync.queries import job_view
from app.sync.services import ChannelNotReadyError, request_products
from app.sync.words import ShownJob, show_job
from app.web.args import read_args, search_words
from app.web.ids import LARGEST, row_id
from app.web.links import safe_next
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import done, fragment, redirect_to, wants_fragment

SHOWN: Final = 5
"""How many contradictions are named above the list."""
MANY: Final = 500


@dataclass(frozen=True, slots=True)
class ListingLine:
    """A row of Product Sync; `problem` is why what was pressed was not saved."""

    row: ListingRow
    reason: str
    problem: str = ""
    is_contradicted: bool = False
    """Whether another product of the same item is counted where this one is, so that its stock is not taken."""

    @property
    def obstacle(self) -> str:
        """Why it can mean no item, '' where it can."""
        return obstacle_words(self.row.obstacle) if self.row.obstacle else ""


@blueprint.get("/<int:channel_id>/products")
@needs(Ability.LOOK)
def products(channel_id: int) -> Response:
    """What the channel sells, and which items of ours it means."""
    channel = channel_or_404(channel_id)
    where = read_args(ListingFilter, request.args)
    context = _list_context(channel, where)
    if htmx.target == "listings":
        return fragment("mappings/_listings.html", channel=channel, **context)
    context |= _head_context(channel, where)
    context["seen"] = _last_id(context["job"]) if context["lines"] else LARGEST  # an empty list follows by itself
    context["tells_changes"] = Capability.PRODUCTS_BY_UPDATE in connectors.REGISTRY[channel.kind].capabilities
    return tab_page("mappings/products.html", "products", channel, **context)


@blueprint.get("/<int:channel_id>/products/head")
@needs(Ability.LOOK)
def products_head(channel_id: int) -> Response:
    """The live part: what the refresh does, how many stand how, what can be done with many at once.

    `seen` is the refresh that the list below was made after.
    """
    channel = channel_or_404(channel_id)
    where = read_args(ListingFilter, request.args)
    if not wants_fragment():
        return redirect_to(products_url(channel_id, where))
    seen = request.args.get("seen", 0, type=int)
    return fragment("mappings/_products_head.html", channel=channel, seen=seen, **_head_context(channel, where))


@blueprint.post("/<int:channel_id>/products/refresh")
@needs(Ability.SYNC)
def refresh_products(channel_id: int) -> Response:
    """Read the products anew: one job per channel, so a second press shows the one that runs.

    Where the channel tells what changed, that is enough, unless a person wants `everything`.
    """
    channel = channel_or_404(channel_id)
    try:
        everything = "everything" in request.form
        start = request_products(channel_id, g.membership.user_id, everything=everything)
    except ChannelNotReadyError:
        flash(_("%(name)s is paused. Let it go on first, then refresh its products.", name=channel.name), "warning")
        return redirect_to(url_for(".products", channel_id=channel_id))
    started = _("Reading the products. You can leave this page; the work goes on.")
    words = _("They are being read already; this is how far it is.") if start.already_running else started
    return done(url_for(".products", channel_id=channel_id), words, category="info")


@blueprint.route("/<int:channel_id>/products/<int:listing_id>", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.CATALOG)
def listing(channel_id: int, listing_id: int) -> Response:
    """One product: choose its item by search; a POST links, refuses, makes an item, or takes something back."""
    channel = channel_or_404(channel_id)
    row = queries.listing(channel_id, listing_id)
    if row is None:
        abort(404, _("There is no such product in this channel."))
    if request.method == "GET":
        return _listing_page(channel, _line(row))
    act = _ACTS.get(request.form.get("act", ""))
    version = request.form.get("version", type=row_id)
    if act is None or version is None:
        abort(422, _("Press one of the buttons of the product."))
    try:
        saved = act(row, version)
    except (NoSuchItem, NoSku, SkuTaken, CannotBeLinked) as problem:
        return _refused(channel, listing_id, _refusal(row, problem))
    if isinstance(saved, Conflict):
        current = queries.listing(channel_id, listing_id) or row
        now = current.item.words if current.item else _("not linked")
        return _refused(channel, listing_id, disagreement(current.changed_by, current.changed_at, now))
    return _saved(channel, listing_id, saved)


def products_url(channel_id: int, where: ListingFilter, **more: Any) -> str:
    """The list with these filters."""
    state = None if where.state is None else where.state.value
    shown: dict[str, Any] = {"q": where.q or None, "state": state, "family": where.family or None, **more}
    return url_for("channels.products", channel_id=channel_id, **shown)


def _head_context(channel: ChannelRow, where: ListingFilter) -> dict[str, Any]:
    """What the live part shows. Eleven statements at most.

    What came to be unlinkable after it was linked stands under both, for it is both.
    """
    counts = dict(queries.state_counts(channel.id))
    every = sum(counts.values())
    in_spite = queries.count_linked_in_spite(channel.id) if counts.get(ListingState.LINKED) else 0
    counts[ListingState.BARRED] = counts.get(ListingState.BARRED, 0) + in_spite
    told = [state for state in ListingState if state != ListingState.BARRED or counts[state]]
    chips = [(None, every)] + [(state, counts.get(state, 0)) for state in told]
    return {
        "in_spite": in_spite,
        "contradicted": items_by_id(contradicted_items(channel.id, SHOWN)).values(),
        "where": where,
        "chips": [(state, products_url(channel.id, replace(where, state=state)), count) for state, count in chips],
        "certain": queries.count_certain(channel.id) if counts.get(ListingState.PROPOSED) else 0,
        "creatable": queries.count_with_sku(channel.id) if counts.get(ListingState.UNLINKED) else 0,
        "batch": queries.last_batch(channel.id),
        "has_items": has_items(),
        "job": _last_job(channel.id),
    }


def freed_words(freed: int) -> str:
    """What a save did for the orders that waited, "" when nothing."""
    return "" if not freed else " " + ngettext("One order is ready now.", "%(num)s orders are ready now.", freed)


def _list_context(channel: ChannelRow, where: ListingFilter) -> dict[str, Any]:
    page = queries.listings_page(channel.id, where, Keyset.from_args(request.args))
    return {
        "where": where,
        "page": page,
        "lines": _lines(channel.id, page.rows),
        "here": products_url(channel.id, where, after=request.args.get("after"), before=request.args.get("before")),
    }


def _lines(channel_id: int, rows: Sequence[ListingRow]) -> list[ListingLine]:
    """The rows of a page, with the variants and units of one product below each other."""
    contradicted = (
        set(contradicted_items(channel_id, MANY)) if any(row.item and row.branches for row in rows) else set()
    )
    order = {family: place for place, family in enumerate(dict.fromkeys(row.family for row in rows))}
    return [
        ListingLine(row, reason_words(row), is_contradicted=row.item is not None and row.item.id in contradicted)
        for row in sorted(rows, key=lambda row: order[row.family])
    ]


def _line(row: ListingRow, problem: str = "") -> ListingLine:
    (line,) = _lines(row.channel_id, [row])
    return replace(line, problem=problem)


def _link(row: ListingRow, version: int) -> Linked | Conflict:
    item_id = request.form.get("item_id", type=row_id)
    if item_id is None:
        abort(422, _("Choose an item."))
    return linking.link_listing(row.channel_id, row.id, item_id, version, g.membership.user_id)


def _unlink(row: ListingRow, version: int) -> Linked | Conflict:
    return linking.link_listing(row.channel_id, row.id, None, version, g.membership.user_id)


def _refuse(row: ListingRow, version: int) -> Linked | Conflict:
    """What the person saw is refused, whatever is proposed by now."""
    item_ids = request.form.getlist("item_id", type=row_id)
    return linking.refuse_items(row.channel_id, row.id, item_ids, version, g.membership.user_id)


def _allow(row: ListingRow, version: int) -> Linked | Conflict:
    return linking.allow_items_again(row.channel_id, row.id, version, g.membership.user_id)


def _create(row: ListingRow, version: int) -> Linked | Conflict:
    return linking.link_to_new_item(row.id, version, g.membership.user_id)


_ACTS = {"link": _link, "unlink": _unlink, "refuse": _refuse, "allow": _allow, "create": _create}


def _refusal(row: ListingRow, problem: NoSuchItem | NoSku | SkuTaken | CannotBeLinked) -> str:
    """Why a product was not linked, and what can be done."""
    sku = row.best_sku
    match problem:
        case NoSuchItem():
            return _("This item is no longer in use. Choose another one.")
        case NoSku():
            return _("The product has no SKU, and an item needs one. Add the item by hand.")
        case CannotBeLinked(obstacle=obstacle):
            return obstacle_words(obstacle)
        case SkuTaken(is_archived=True):
            return _("An archived item has the SKU %(sku)s. Bring it back in Inventory, then choose it.", sku=sku)
    return _("An item with the SKU %(sku)s exists already. Choose it, or give one of them another SKU.", sku=sku)


def _saved(channel: ChannelRow, listing_id: int, saved: Linked) -> Response:
    tell(saved.followed)
    row = queries.listing(channel.id, listing_id)
    if row is None:
        abort(404)
    back = safe_next(request.form.get("next")) or url_for(".products", channel_id=channel.id)
    return done(
        f"{back}#listing-{listing_id}",
        _("Saved.") + freed_words(saved.freed),
        fragment="mappings/_listing_row.html",
        channel=channel,
        line=_line(row),
        here=back,
    )


def _refused(channel: ChannelRow, listing_id: int, problem: str) -> Response:
    """The product as it stands now, with why nothing was saved."""
    row = queries.listing(channel.id, listing_id)
    if row is None:
        abort(404)
    line = _line(row, problem)
    if wants_fragment():
        return fragment("mappings/_listing_row.html", status=422, channel=channel, line=line, here=_back(channel))
    return _listing_page(channel, line, status=422)


def _listing_page(channel: ChannelRow, line: ListingLine, *, status: int = 200) -> Response:
    words = search_words(request.values.get("q", ""))[:100]
    found = find_items(words)
    return tab_page(
        "mappings/listing.html",
        "products",
        channel,
        status=status,
        line=line,
        q=words,
        found=found,
        here=_back(channel),
    )


def _back(channel: ChannelRow) -> str:
    return safe_next(request.values.get("next")) or url_for(".products", channel_id=channel.id)


def _last_job(channel_id: int) -> ShownJob | None:
    """The refresh that waits or runs, or the newest that ended; some read orders as well."""
    job_id = newest_job_id(channel_id, "products", "refresh")
    row = None if job_id is None else job_view(job_id)
    return None if row is None else show_job(row)


def _last_id(job: ShownJob | None) -> int:
    """The refresh that a list made now stands after; one that still runs will be news."""
    return 0 if job is None else job.row.id - int(job.row.is_active)
