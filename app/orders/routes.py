"""The orders' pages: the list, one order's story, Failed Sync, and the press of *Sync*."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast
from urllib.parse import parse_qs

from flask import Blueprint, Flask, Response, abort, g, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app.core.errors import Misconfigured
from app.core.roles import Ability
from app.core.types import OrderType
from app.fulfilment.queries import fulfilments_of
from app.fulfilment.shown import packing_of
from app.fulfilment.words import ACTS
from app.orders.deciding import suspects_of
from app.orders.detail import order_detail, raw_order
from app.orders.export import orders_csv
from app.orders.failed import failed_counted
from app.orders.filters import OrderFilter
from app.orders.journal import tell
from app.orders.reasons import phrase
from app.orders.stock_queries import OrderStock, stock_of
from app.orders.table import Spot, mark_of, orders_table_context, place_of, show_row
from app.own_orders.services import OwnOrderRow, own_order
from app.sync.given import given_of
from app.sync.refusals import delivery_orders_notice
from app.sync.services import SyncStart, request_sync
from app.sync.way import lost_there, way_of
from app.tenancy.scope import store_scope
from app.web import respond
from app.web.beside import beside
from app.web.filters import number
from app.web.links import url_if
from app.web.nav import count_badge
from app.web.needs import needs
from app.web.pagination import MAX_LIMIT, Keyset

blueprint = Blueprint("orders", __name__, url_prefix="/<store>")


@blueprint.record
def _count_in_menu(state: BlueprintSetupState) -> None:
    app = cast(Flask, state.app)
    count_badge(app, "orders.failed", beside(app, failed_counted))


@blueprint.get("/orders")
@needs(Ability.LOOK)
def index() -> Response:
    """All orders of all channels."""
    where = OrderFilter.from_args(request.args)
    context = orders_table_context(where, Keyset.from_args(request.args))
    response = respond.page_or_fragment("orders/list.html", "orders/_table.html", **context)
    if respond.wants_fragment():
        response.headers["HX-Push-Url"] = context["table"].here_url  # without the form's empty fields
    return response


@blueprint.get("/orders.csv")
@needs(Ability.LOOK)
def export() -> Response:
    """The filtered list for a spreadsheet."""
    lines = _lines(g.membership.store_id, OrderFilter.from_args(request.args))
    return respond.csv_answer(lines, f"orders-{g.store.slug}")


@blueprint.get("/orders/rows")
@needs(Ability.LOOK)
def rows() -> BaseResponse:
    """Some rows again, with the counts above them: what an open page asks for while something happens to them."""
    spot = Spot.of(request.args.get("back"), OrderFilter.from_query(request.args.get("filter", "")))
    if not respond.wants_fragment():
        return respond.redirect_to(spot.url)
    marks = set(request.args.getlist("row")[:MAX_LIMIT])
    moving, still = _ids(request.args.getlist("id")[:MAX_LIMIT]), _ids([mark.partition(".")[0] for mark in marks])
    table = spot.moved([*moving, *still])
    changed = {shown.row.id for shown in table.rows if mark_of(shown.row) not in marks}
    return respond.fragment("orders/_live.html", table=table, changed=changed)


@blueprint.get(f"/orders/<int(max={2**63 - 1}):order_id>")
@needs(Ability.LOOK)
def show(order_id: int) -> Response:
    """One order's whole story."""
    order = order_detail(order_id)
    if order is None:
        abort(404, _("There is no such order in this store."))
    own, given = own_order(order_id), given_of(order_id)
    seen = f"{mark_of(order.row)}.{len(order.story)}{''.join('.' + copy.version for copy in given)}"
    if respond.wants_fragment() and request.args.get("seen") == seen:
        return Response(status=204)  # an open page asks at every nudge, and must not lose its buttons for nothing
    place, way = place_of(order.row), way_of(order)
    packed = fulfilments_of([order_id])[order_id] if own else None
    return respond.page_or_fragment(
        "orders/show.html",
        "orders/_story_live.html",
        order=order,
        shown=show_row(order.row),
        story=[(entry, tell(_told_as(entry.kind, own), entry.detail, place, order.currency)) for entry in order.story],
        seen=seen,
        stock=stock_of(order_id) if order.order_type == OrderType.ERP_LINK else OrderStock(),
        suspects=suspects_of(order_id),
        own=own,
        packing=packing_of(order_id, order.status, order.lines, packed) if packed else None,
        way=way,
        given=given,
        lost=lost_there(packed) if packed else way.lost if way else "",
        acts=ACTS,
        raw=None if respond.wants_fragment() else raw_order(order_id),
    )


def _told_as(kind: str, own: OwnOrderRow | None) -> str:
    """What was made here was not read from anywhere."""
    return {"imported": "made_here", "changed": "changed_here"}.get(kind, kind) if own else kind


@blueprint.post("/orders/sync")
@needs(Ability.SYNC)
def sync() -> BaseResponse:
    """Queue the ticked orders, or all that match the filter, and say what was taken and what not, and why."""
    where = OrderFilter.from_query(request.form.get("filter", ""))
    spot = Spot.of(request.form.get("back"), where)
    ids = _ids(request.form.getlist("order_id"))
    if not ids and "all" not in request.form:
        return _back(spot, _("Nothing was ticked. Tick the orders that you want to sync."), "warning")
    if "all" in request.form and _is_lost(request.form.get("filter", ""), where):
        # What cannot be read of a filter is left out: a list then shows more, but a press must not take more.
        return _back(spot, _("We could not tell which orders you meant. Filter the list again, then sync."), "warning")
    person = g.membership.user_id
    try:
        started = request_sync(person, where=where) if "all" in request.form else request_sync(person, order_ids=ids)
    except Misconfigured as refusal:
        wanted = {"all": "1", "filter": where.query_string()} if "all" in request.form else {"ids": _joined(ids)}
        button = delivery_orders_notice({**wanted, "next": spot.url})
        return _back(spot, Markup("{} {}").format(refusal.user_message, button), "danger")
    return _back(spot, _outcome(started), "success" if started.taken else "warning")


def _lines(store_id: int, where: OrderFilter) -> Iterator[str]:
    """The request's own scope has ended by the time that its answer is streamed."""
    with store_scope(store_id):
        yield from orders_csv(where)


def _is_lost(text: str, where: OrderFilter) -> bool:
    """Whether the text of a filter restricts by more than could be read of it."""
    return bool(parse_qs(text, keep_blank_values=True).keys() - where.to_query().keys())


def _ids(texts: Sequence[str]) -> list[int]:
    """The numbers among `texts` that can be ids."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


def _joined(ids: Sequence[int]) -> str:
    return ",".join(str(one) for one in ids[:MAX_LIMIT])


def _back(spot: Spot, message: str, category: str) -> BaseResponse:
    if respond.wants_fragment():
        return respond.done(spot.url, message, category=category, fragment="orders/_table.html", **spot.context())
    return respond.done(spot.url, message, category=category)


def _outcome(started: SyncStart) -> Markup:
    """ "12 orders queued · 3 not paid yet", and where to watch them."""
    parts = [_queued(started.taken)] if started.taken else []
    parts += [f"{number(many)} {phrase(code)}" for code, many in sorted(started.refused.items())]
    if not parts:
        parts = [_("No order matches any more.")]
    elif not started.taken:
        parts[0] = _("Nothing to queue: %(why)s", why=parts[0])
    links = [_link(url_if("sync.job", job_id=job.job_id), _("Watch the job")) for job in started.jobs]
    return Markup("{} {}").format(" · ".join(parts), Markup(" ").join(links))


def _queued(count: int) -> str:
    return ngettext("%(count)s order queued", "%(count)s orders queued", count, count=number(count))


def _link(url: str | None, label: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, label) if url else Markup("")
