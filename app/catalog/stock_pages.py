"""Stock in the Inventory: adjusting an item's, and the ledger of all movements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import abort, flash, g, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.catalog import queries
from app.catalog.adjusting import BelowPromised, StockChanged, adjust, adjustment_notice
from app.catalog.forms import AdjustForm
from app.catalog.items import NoSuchItem
from app.catalog.queries import ItemRow
from app.catalog.routes import blueprint, claims_context, form_of, item_or_404, item_page
from app.catalog.stock import KitHoldsNoStock, Oversold
from app.catalog.stock_queries import MovementFilter, MovementRow, all_movements, movements_page, warehouses
from app.catalog.stock_words import look_again, refusal, stock_context
from app.catalog.words import KINDS, kind_words, reason_words
from app.core.roles import Ability
from app.core.stock import Kind, Movement
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.sync.nudge import nudge
from app.sync.services import start_stock_soon
from app.tenancy.named import NoSuchRow
from app.tenancy.scope import store_scope
from app.web.args import read_args
from app.web.filters import number
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import csv_answer, done, fragment, page_or_fragment, wants_fragment

_STOCK: Final = "inventory/_stock.html"


@blueprint.app_context_processor
def _words() -> dict[str, Any]:
    return {"kind_words": kind_words, "reason_words": reason_words}


@blueprint.post("/<int:item_id>/adjust")
@needs(Ability.CATALOG)
def adjust_stock(item_id: int) -> Response:
    """Say how many there are in one warehouse, or how many came or went."""
    row = item_or_404(item_id)
    form = AdjustForm(request.form)
    form.offer((place.id, place.name) for place in warehouses() if not place.is_archived)
    if not form.validate():
        return _refused(row, form)
    wanted = Movement(
        item_id,
        form.location_id.data,
        Kind.ADJUST,
        reason=form.reason.data,
        words=form.words.data or "",
        user_id=g.membership.user_id,
        key=f"adjust:{form.key.data}",
        **form.change,
    )
    try:
        moved = adjust(wanted, int(form.seen.data or 0), confirmed=form.confirmed.data)
    except NoSuchItem:
        abort(404)
    except NoSuchRow:
        form.location_id.errors = (_("This warehouse is no longer in use. Choose another one."),)
        return _refused(row, form)
    except (KitHoldsNoStock, Oversold, StockChanged, BelowPromised) as problem:
        form.form_errors.append(refusal(problem))
        if isinstance(problem, StockChanged):
            look_again(form)
        return _refused(row, form, asks=isinstance(problem, BelowPromised))
    nudge(g.store.id, "stock")
    start_stock_soon(wanted.location_id)
    row = item_or_404(item_id)
    if notice := adjustment_notice():
        flash(notice, "warning")
    words = _("Saved: %(pieces)s are there now.", pieces=number(moved.level.on_hand))
    shown = {**stock_context(row), **claims_context(item_id)}
    return done(url_for(".show", item_id=item_id), words, fragment=_STOCK, item=row, **shown)


@blueprint.get("/movements")
@needs(Ability.LOOK)
def movements() -> Response:
    """Everything that moved stock, newest first."""
    where = read_args(MovementFilter, request.args)
    return page_or_fragment(
        "inventory/movements.html",
        "inventory/_movements.html",
        where=where,
        page=movements_page(where, Keyset.from_args(request.args)),
        item=queries.item(where.item) if where.item is not None else None,
        warehouses=[(place.id, place.name) for place in warehouses()],
        kinds=[(kind.value, words) for kind, words in KINDS.items()],
    )


@blueprint.get("/movements.csv")
@needs(Ability.LOOK)
def export_movements() -> Response:
    """The movements that match, for a spreadsheet; times are of the store's zone."""
    where, store_id, zone = read_args(MovementFilter, request.args), g.store.id, ZoneInfo(g.store.time_zone)

    def lines() -> Iterator[str]:
        with store_scope(store_id):
            yield BYTE_ORDER_MARK
            yield from csv_lines([_heading(zone)])
            yield from csv_lines(_cells(row, zone) for row in all_movements(where))

    return csv_answer(lines(), "stock-movements")


def _refused(row: ItemRow, form: AdjustForm, *, asks: bool = False) -> Response:
    stock = stock_context(row, form, asks=asks)
    if wants_fragment():
        return fragment(_STOCK, status=422, item=row, **stock, **claims_context(row.id))
    return item_page(row, form_of(row), status=422, **stock)


def _heading(zone: ZoneInfo) -> list[str]:
    return [
        _("Time (%(zone)s)", zone=zone.key),
        _("SKU"),
        _("Name"),
        _("Warehouse"),
        _("What happened"),
        _("On hand: change"),
        _("Reserved: change"),
        _("On hand after"),
        _("Available after"),
        _("Reason"),
        _("Note"),
        _("By"),
        _("Order"),
    ]


def _cells(row: MovementRow, zone: ZoneInfo) -> list[object]:
    return [
        row.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        row.sku,
        row.name,
        row.location,
        kind_words(row.kind),
        row.on_hand_change,
        row.reserved_change,
        row.on_hand_after,
        row.available_after,
        reason_words(row.reason),
        row.words,
        row.user or "",
        row.order_number or "",
    ]
