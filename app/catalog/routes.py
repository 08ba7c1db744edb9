"""Inventory: the items, one item with what means it, adding and archiving."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.catalog import queries
from app.catalog.forms import ItemForm, SavedItemForm
from app.catalog.items import ItemChanged, NoSuchItem, SkuTaken
from app.catalog.queries import ItemFilter, ItemRow
from app.core.money import from_minor
from app.mappings.choosing import disagreement
from app.mappings.listing_queries import listings_of_item, listings_per_item
from app.mappings.product_pages import freed_words
from app.orders import linking
from app.orders.linking import ItemInUse
from app.sync.nudge import nudge
from app.web.args import read_args
from app.web.pagination import Keyset
from app.web.respond import done, page_or_fragment

blueprint = Blueprint("inventory", __name__, url_prefix="/<store>/inventory")


@blueprint.get("/")
def index() -> Response:
    """All items, by SKU."""
    where = read_args(ItemFilter, request.args)
    page = queries.items_page(where, Keyset.from_args(request.args))
    uses = listings_per_item([row.id for row in page.rows])
    return page_or_fragment("inventory/list.html", "inventory/_table.html", where=where, page=page, uses=uses)


@blueprint.route("/add", methods=["GET", "POST"])
def add() -> Response:
    """One more item."""
    form = _with_currency(ItemForm(request.form), g.store.currency)
    if request.method == "GET":
        return make_response(render_template("inventory/add.html", form=form))
    if form.validate():
        try:
            saved = linking.add_item(form.facts(), g.membership.user_id)
        except SkuTaken as taken:
            form.sku.errors = (_taken_words(taken),)
        else:
            nudge(g.store.id, "orders")
            return done(url_for(".show", item_id=saved.item_id), _("Added.") + freed_words(saved.freed))
    return make_response(render_template("inventory/add.html", form=form), 422)


@blueprint.route("/<int:item_id>", methods=["GET", "POST"])
def show(item_id: int) -> Response:
    """One item: what is known of it, and the products that mean it."""
    row = _item_or_404(item_id)
    if request.method == "GET":
        return _item_page(row, _form_of(row))
    form = _with_currency(SavedItemForm(request.form), row.currency)
    if not form.validate():
        return _item_page(row, form, status=422)
    try:
        saved = linking.save_item(item_id, form.facts(), form.version.data, g.membership.user_id)
    except SkuTaken as taken:
        form.sku.errors = (_taken_words(taken),)
    except ItemChanged:
        current = _item_or_404(item_id)
        now = " · ".join(filter(None, (current.sku, current.name, current.variant, current.barcode)))
        form.form_errors.append(disagreement(current.changed_by, current.changed_at, now))
        form.version.process_data(current.version)
        row = current
    else:
        nudge(g.store.id, "orders")
        return done(url_for(".show", item_id=item_id), _("Saved.") + _judged_words(saved.freed))
    return _item_page(row, form, status=422)


@blueprint.post("/<int:item_id>/archive")
def archive(item_id: int) -> Response:
    """Offer an item no longer; `back` offers it again."""
    row = _item_or_404(item_id)
    archived = "back" not in request.form
    try:
        saved = linking.archive_item(item_id, g.membership.user_id, archived=archived)
    except ItemInUse as used:
        words = ngettext(
            "One product is linked to %(item)s. Unlink it first.",
            "%(num)s products are linked to %(item)s. Unlink them first.",
            used.uses,
            item=row.sku,
        )
        return done(url_for(".show", item_id=item_id), words, category="warning")
    except NoSuchItem:
        abort(404)
    nudge(g.store.id, "orders")
    words = _("%(item)s is archived.", item=row.sku) if archived else _("%(item)s is offered again.", item=row.sku)
    return done(url_for(".show", item_id=item_id), words + _judged_words(saved.freed))


def _item_page(row: ItemRow, form: SavedItemForm, *, status: int = 200) -> Response:
    listings = listings_of_item(row.id)
    return make_response(render_template("inventory/show.html", item=row, form=form, listings=listings), status)


def _form_of(row: ItemRow) -> SavedItemForm:
    price = "" if row.price is None else str(from_minor(row.price, row.currency))
    data: dict[str, Any] = {name: getattr(row, name) for name in ("sku", "name", "variant", "barcode", "version")}
    return SavedItemForm(data={**data, "price": price})


def _with_currency(form: Any, currency: str) -> Any:
    form.currency = currency
    return form


def _item_or_404(item_id: int) -> ItemRow:
    row = queries.item(item_id)
    if row is None:
        abort(404, _("There is no such item in this store."))
    return row


def _taken_words(taken: SkuTaken) -> str:
    if taken.is_archived:
        return _("An archived item has this SKU. Bring that one back, or choose another SKU.")
    return _("Another item has this SKU already.")


def _judged_words(moved: int) -> str:
    if not moved:
        return ""
    return " " + ngettext("One order was judged anew.", "%(num)s orders were judged anew.", moved)
