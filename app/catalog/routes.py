"""Inventory: the items, one item with what means it, adding and archiving."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.catalog import queries
from app.catalog.forms import ItemForm, SavedItemForm
from app.catalog.items import HoldsStock, ItemChanged, NoSuchItem, SkuTaken
from app.catalog.queries import ItemFilter, ItemRow, Which
from app.catalog.stock_queries import warehouses
from app.catalog.stock_words import stock_context
from app.core.goods import to_kilograms, write_options
from app.core.roles import Ability
from app.mappings.choosing import disagreement
from app.mappings.listing_queries import listings_of_item, listings_per_item
from app.mappings.product_pages import freed_words
from app.orders import linking
from app.orders.linking import ItemInUse
from app.orders.stock_queries import claims_on
from app.sync.nudge import nudge
from app.web.args import read_args
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import done, page_or_fragment
from app.web.typed import as_typed, typed_amount

blueprint = Blueprint("inventory", __name__, url_prefix="/<store>/inventory")

_CLAIMS: Final = 50
"""So many orders an item's page names."""
_WHICHES: Final = [
    (Which.OUT, _l("Out of stock")),
    (Which.BATCH, _l("Tracked by batch")),
    (Which.SERIAL, _l("Tracked by serial number")),
    (Which.KIT, _l("Kits")),
]


@blueprint.get("/")
@needs(Ability.LOOK)
def index() -> Response:
    """All items, by SKU."""
    where = read_args(ItemFilter, request.args)
    page = queries.items_page(where, Keyset.from_args(request.args))
    uses = listings_per_item([row.id for row in page.rows])
    return page_or_fragment(
        "inventory/list.html",
        "inventory/_table.html",
        where=where,
        page=page,
        uses=uses,
        warehouses=[(place.id, place.name) for place in warehouses()],
        whiches=_WHICHES,
    )


@blueprint.route("/add", methods=["GET", "POST"])
@needs(Ability.CATALOG)
def add() -> Response:
    """One more item."""
    form = _with_currency(ItemForm(request.form), g.store.currency)
    if request.method == "GET":
        return _add_page(form)
    if form.validate():
        try:
            saved = linking.add_item(form.facts(), g.membership.user_id)
        except SkuTaken as taken:
            form.sku.errors = (_taken_words(taken),)
        else:
            nudge(g.store.id, "orders")
            return done(url_for(".show", item_id=saved.item_id), _("Added.") + freed_words(saved.freed))
    return _add_page(form, status=422)


@blueprint.route("/<int:item_id>", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.CATALOG)
def show(item_id: int) -> Response:
    """One item: what is known of it, and the products that mean it."""
    row = item_or_404(item_id)
    if request.method == "GET":
        return item_page(row, form_of(row))
    form = _with_currency(SavedItemForm(request.form), row.currency)
    if not form.validate():
        return item_page(row, form, status=422)
    try:
        saved = linking.save_item(item_id, form.facts(), form.version.data, g.membership.user_id)
    except SkuTaken as taken:
        form.sku.errors = (_taken_words(taken),)
    except HoldsStock:
        form.kit.errors = (_("Pieces of it are in stock, and a kit holds none of its own. Take them out first."),)
    except ItemChanged:
        current = item_or_404(item_id)
        now = " · ".join(filter(None, (current.sku, current.name, current.variant, current.barcode)))
        form.form_errors.append(disagreement(current.changed_by, current.changed_at, now))
        form.version.process_data(current.version)
        row = current
    else:
        nudge(g.store.id, "orders")
        return done(url_for(".show", item_id=item_id), _("Saved.") + _judged_words(saved.freed))
    return item_page(row, form, status=422)


@blueprint.post("/<int:item_id>/archive")
@needs(Ability.CATALOG)
def archive(item_id: int) -> Response:
    """Offer an item no longer; `back` offers it again."""
    row = item_or_404(item_id)
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


def item_page(row: ItemRow, form: SavedItemForm, *, status: int = 200, **stock: Any) -> Response:
    """The page of an item; `stock` stands in for what its stock would show now."""
    context = {
        "item": row,
        "form": form,
        "products": queries.product_names(),
        "listings": listings_of_item(row.id),
        "variants": queries.variants_of(row.product_id) if row.product_id else [],
        **claims_context(row.id),
        **(stock or stock_context(row)),
    }
    return make_response(render_template("inventory/show.html", **context), status)


def claims_context(item_id: int) -> dict[str, Any]:
    """The orders that hold the item or want it, as its page names them."""
    return {"claims": claims_on(item_id, _CLAIMS + 1), "claims_at_most": _CLAIMS}


def form_of(row: ItemRow) -> SavedItemForm:
    """The form of an item as it is saved."""
    names = ("sku", "name", "variant", "barcode", "version", "tracking", "kit", "product", "picture_url")
    data: dict[str, Any] = {name: getattr(row, name) for name in names}
    data["price"] = "" if row.price is None else typed_amount(row.price, row.currency)
    data["weight"] = "" if row.weight_grams is None else as_typed(to_kilograms(row.weight_grams))
    data["options"] = write_options(row.options)
    return _with_currency(SavedItemForm(data=data), row.currency)  # type: ignore[no-any-return]


def _add_page(form: ItemForm, *, status: int = 200) -> Response:
    names = queries.product_names()
    return make_response(render_template("inventory/add.html", form=form, products=names), status)


def _with_currency(form: Any, currency: str) -> Any:
    form.currency = currency
    return form


def item_or_404(item_id: int) -> ItemRow:
    """The item that the address names."""
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
