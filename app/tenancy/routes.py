"""The settings of a store: General, Invoicing, and the lists it keeps by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import Blueprint, abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.accounts import access
from app.audit.recording import record_look
from app.catalog import services as catalog
from app.channels.queries import channels
from app.core.roles import Ability
from app.core.states import OrderState
from app.invoices import closing as books
from app.invoices import settings
from app.invoices.settings import (
    CurrencyFixed,
    InvoiceRules,
    LeavesGap,
    Numbering,
    NumberInTheWay,
    NumberUsed,
    WantedNumbering,
)
from app.links import codes
from app.mappings import lists
from app.mappings import services as mappings
from app.mappings.queries import payment_methods
from app.sync.nudge import nudge
from app.tenancy.forms import GeneralForm, InvoicingForm, NameForm, OpenBooksForm
from app.tenancy.named import InUse, IsDefault, IsLast, NamedRow, NameTaken, NoSuchRow
from app.web.filters import day, money, month_name, number
from app.web.links import url_if
from app.web.needs import needs
from app.web.respond import done, invalid, page_or_fragment, redirect_to

blueprint = Blueprint("settings", __name__, url_prefix="/<store>/settings")

_REFUSED: Final = 400
_GENERAL: Final = ("settings/general.html", "settings/_general.html")
_INVOICING: Final = ("settings/invoicing.html", "settings/_invoicing.html")
_CLOSING: Final = ("settings/closing.html", "settings/_closing.html")
_NAMES: Final = ("settings/names.html", "settings/_names.html")


@blueprint.after_request
def _tell_pages(response: Response) -> Response:
    """Settings move orders on every channel: open pages fetch again what they show of them."""
    if request.method == "POST" and "store" in g and response.status_code < _REFUSED:
        nudge(g.store.id, "orders", *(f"channel-{channel.id}" for channel in channels()))
    return response


@blueprint.route("/general", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.SETTINGS)
def general() -> Response:
    """Name, currency, time zone, language; the plan is shown only."""
    fixed = settings.has_invoices()
    if request.method == "GET":
        if g.membership.role.may(Ability.CHANNELS):
            codes.ensure_code(access.me().id)
            record_look("code")
        form = GeneralForm(obj=g.store)
        return page_or_fragment(*_GENERAL, form=form, currency_fixed=fixed, code=codes.own_code())
    form = GeneralForm(request.form)
    if fixed:
        form.currency.data = g.store.currency  # browsers do not send a select that is locked
    if not form.validate():
        return invalid(*_GENERAL, form=form, currency_fixed=fixed, code=codes.own_code())
    try:
        moved = settings.save_general(
            name=form.name.data,
            seller_details=form.seller_details.data or "",
            currency=form.currency.data,
            time_zone=form.time_zone.data,
            language=form.language.data,
            user_id=access.me().id,
        )
    except CurrencyFixed:
        form.currency.errors = (_("An invoice was issued in the meantime, so the currency stays."),)
        return invalid(*_GENERAL, form=form, currency_fixed=True, code=codes.own_code())
    return done(url_for(".general"), _saved(moved), fragment=_GENERAL[1], form=form, currency_fixed=fixed)


@blueprint.route("/invoicing", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.SETTINGS)
def invoicing() -> Response:
    """Numbers, dates, currencies, and what happens to orders whose gateway nobody mapped."""
    now = settings.numbering()
    if request.method == "GET":
        return page_or_fragment(*_INVOICING, **_invoicing_page(_invoicing_form(now), now))
    form = InvoicingForm(request.form)
    if not form.validate():
        return invalid(*_INVOICING, **_invoicing_page(form, now))
    wanted = WantedNumbering(form.prefix.data, form.padding.data, form.number_to_save())
    try:
        moved = settings.save_invoicing(
            _rules(form), wanted, gap_words=form.gap_words.data or "", user_id=access.me().id
        )
    except (NumberUsed, LeavesGap, NumberInTheWay) as problem:
        form.next_number.errors = (_numbers_problem(problem, wanted.after(now)),)
        return invalid(*_INVOICING, **_invoicing_page(form, now, asks_gap=isinstance(problem, LeavesGap)))
    now = settings.numbering()
    saved = _invoicing_page(_invoicing_form(now), now)
    return done(url_for(".invoicing"), _saved(moved), fragment=_INVOICING[1], **saved)


@blueprint.route("/closing", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.BOOKS)
def closing() -> Response:
    """Which months are closed. POST closes every month up to the one that is named.

    Where orders of these months are not booked, it asks first; `not_booked` is how many of them the person was told.
    """
    if request.method == "GET":
        return page_or_fragment(*_CLOSING, **_closing_page())
    try:
        through = date.fromisoformat(request.form.get("through", ""))
        if books.not_booked(through).orders > request.form.get("not_booked", 0, type=int):
            return redirect_to(url_for(".ask_closing", through=through.isoformat()))
        moved = books.close_books(through, access.me().id)
    except ValueError:
        return invalid(*_CLOSING, **_closing_page(_("Choose a month that is over and still open.")))
    return done(url_for(".closing"), _closed(moved), fragment=_CLOSING[1], **_closing_page())


@blueprint.get("/closing/ask")
@needs(Ability.BOOKS)
def ask_closing() -> Response:
    """Say which orders are not booked before their month is closed."""
    try:
        left = books.not_booked(date.fromisoformat(request.args.get("through", "")))
    except ValueError:
        return redirect_to(url_for(".closing"))
    if not left.orders:
        return redirect_to(url_for(".closing"))
    words = _("Close up to %(month)s", month=month_name(left.last))
    orders = url_for("orders.index", due_from=left.first, due_to=left.last)
    asked: dict[str, Any] = {
        "title": words,
        "question": ngettext(
            "One order is not booked yet: %(sum)s.",
            "%(num)s orders are not booked yet: %(sum)s in all.",
            left.orders,
            sum=", ".join(money(total, currency) for currency, total in left.sums.items()),
        ),
        "facts": [
            Markup('<a href="{}">{}</a>').format(orders, _("Show in the orders' list")),
            _("Afterwards they can only be booked with a date in an open month."),
        ],
        "action": url_for(".closing"),
        "button": words,
        "back": url_for(".closing"),
        "tone": "",
        "hidden": {"through": left.last.isoformat(), "not_booked": left.orders},
    }
    return make_response(render_template("_shared/confirm.html", **asked))


@blueprint.post("/closing/open")
@needs(Ability.BOOKS)
def open_books() -> Response:
    """Open the newest closed month again, with the reason."""
    form = OpenBooksForm(request.form)
    if not form.validate():
        return invalid(*_CLOSING, **_closing_page(form=form))
    try:
        closed = date.fromisoformat(request.form.get("closed", ""))
        moved = books.open_books(closed, form.words.data, access.me().id)
    except ValueError:
        return invalid(*_CLOSING, **_closing_page(_("It was opened in the meantime.")))
    return done(url_for(".closing"), _saved(moved), fragment=_CLOSING[1], **_closing_page())


@dataclass(frozen=True, slots=True)
class NameList:
    """One list of names: its words, how to read it, and its acts by the name they have in URLs."""

    title: Any
    subtitle: Any
    add_label: Any
    rows: Callable[[], list[NamedRow]]
    add: Callable[[str], int]
    rename: Callable[[int, str], None]
    acts: Mapping[str, Callable[[int], None]]
    uses: Callable[[int], str]


LISTS: Final[Mapping[str, NameList]] = {
    "payment-methods": NameList(
        _l("Payment methods"),
        _l("How money arrives in your books. Each gateway of a channel is mapped to one of them."),
        _l("Add a payment method"),
        lists.payment_method_rows,
        mappings.add_payment_method,
        mappings.rename_payment_method,
        {
            "archive": mappings.archive_payment_method,
            "restore": mappings.restore_payment_method,
            "default": mappings.make_default_payment_method,
        },
        lambda uses: ngettext("%(num)d gateway", "%(num)d gateways", uses),
    ),
    "salespeople": NameList(
        _l("Salespeople"),
        _l("Who is in charge of a marketplace's sales. They need not sign in here."),
        _l("Add a salesperson"),
        lists.salesperson_rows,
        mappings.add_salesperson,
        mappings.rename_salesperson,
        {"archive": mappings.archive_salesperson, "restore": mappings.restore_salesperson},
        lambda uses: ngettext("%(num)d marketplace", "%(num)d marketplaces", uses),
    ),
    "warehouses": NameList(
        _l("Warehouses"),
        _l("The places that hold your stock."),
        _l("Add a warehouse"),
        catalog.warehouse_rows,
        catalog.add_warehouse,
        catalog.rename_warehouse,
        {"archive": catalog.archive_warehouse, "restore": catalog.restore_warehouse},
        lambda uses: ngettext("stock of %(num)d item", "stock of %(num)d items", uses),
    ),
}
_KIND: Final = "any('payment-methods', salespeople, warehouses):kind"


@blueprint.route(f"/<{_KIND}>", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.MAPPINGS)
def names(kind: str) -> Response:
    """A list of names. GET with `rename` turns one row into a form; POST adds a name."""
    if request.method == "GET":
        return page_or_fragment(*_NAMES, **_names_page(kind, renaming=request.args.get("rename", type=int)))
    form = NameForm(request.form)
    if not form.validate():
        return invalid(*_NAMES, **_names_page(kind, add_form=form))
    try:
        LISTS[kind].add(form.name.data)
    except NameTaken as taken:
        form.name.errors = (_name_taken(taken),)
        return invalid(*_NAMES, **_names_page(kind, add_form=form))
    return _names_done(kind, _("%(name)s is added.", name=form.name.data))


@blueprint.post(f"/<{_KIND}>/<int:row_id>/rename")
@needs(Ability.MAPPINGS)
def rename(kind: str, row_id: int) -> Response:
    """Give a row another name."""
    form = NameForm(request.form)
    try:
        if form.validate():
            LISTS[kind].rename(row_id, form.name.data)
            return _names_done(kind, _("Saved."))
    except NameTaken as taken:
        form.name.errors = (_name_taken(taken),)
    except NoSuchRow:
        abort(404)
    return invalid(*_NAMES, **_names_page(kind, renaming=row_id, rename_form=form))


@blueprint.post(f"/<{_KIND}>/<int:row_id>/<any(archive, restore, default):act>")
@needs(Ability.MAPPINGS)
def act_on_name(kind: str, row_id: int, act: str) -> Response:
    """Archive or restore a row, or let it be the default."""
    run = LISTS[kind].acts.get(act)
    if run is None:
        abort(404)
    try:
        run(row_id)
    except NoSuchRow:
        abort(404)
    except (InUse, IsDefault, IsLast) as reason:
        return invalid(*_NAMES, **_names_page(kind, problem=_why_not(kind, reason)))
    return _names_done(kind, _("Saved."))


def _invoicing_form(now: Numbering) -> InvoicingForm:
    shown = {
        "prefix": now.prefix,
        "padding": now.padding,
        "next_number": now.next_number,
        "shown_number": str(now.next_number),
    }
    return InvoicingForm(obj=g.store, data=shown)


def _invoicing_page(form: InvoicingForm, now: Numbering, *, asks_gap: bool = False) -> dict[str, Any]:
    return {"form": form, "now": now, "asks_gap": asks_gap, "default_method": payment_methods()[0].name}


def _rules(form: InvoicingForm) -> InvoiceRules:
    return InvoiceRules(
        invoice_date_rule=form.invoice_date_rule.data,
        unmapped_gateway=form.unmapped_gateway.data,
        unlinked_items=form.unlinked_items.data,
        invoice_currencies=[code for code in form.invoice_currencies.data if code != g.store.currency],
        auto_delivery_order=form.auto_delivery_order.data,
        auto_credit=form.auto_credit.data,
    )


def _closing_page(problem: str = "", form: OpenBooksForm | None = None) -> dict[str, Any]:
    return {
        "months": books.open_months(),
        "past": books.past_closings(),
        "form": form or OpenBooksForm(),
        "problem": problem,
    }


def _closed(moved: int) -> str:
    if not moved:
        return _("The books are closed up to and including %(day)s.", day=day(g.store.closed_through))
    words = ngettext(
        "The books are closed up to that day. %(num)d order waits now.",
        "The books are closed up to that day. %(num)d orders wait now.",
        moved,
    )
    return Markup('{} <a href="{}">{}</a>').format(words, url_for("orders.failed"), _("Failed Sync"))


def _saved(moved: int) -> str:
    if not moved:
        return _("Saved.")
    words = ngettext(
        "Saved. %(num)d order that waited was looked at again and moved.",
        "Saved. %(num)d orders that waited were looked at again and moved.",
        moved,
    )
    url = url_if("orders.index", state=OrderState.READY.value)
    return Markup('{} <a href="{}">{}</a>').format(words, url, _("Go to the orders that are ready")) if url else words


def _numbers_problem(problem: NumberUsed | LeavesGap | NumberInTheWay, wanted: Numbering) -> str:
    match problem:
        case NumberUsed(last=last):
            return _(
                "Number %(last)s is used already. The next one can be %(next)s or higher.",
                last=number(last),
                next=number(last + 1),
            )
        case LeavesGap(first=first, last=last):
            return _(
                "%(first)s to %(last)s would never be used, and an auditor will ask why. Say it below if you mean it.",
                first=wanted.text(first),
                last=wanted.text(last),
            )
        case NumberInTheWay(number_text=text):
            return _(
                "An invoice is called %(number)s already, and a coming one would get the same name. "
                "Choose another prefix.",
                number=text,
            )


def _names_page(
    kind: str,
    *,
    add_form: NameForm | None = None,
    renaming: int | None = None,
    rename_form: NameForm | None = None,
    problem: str = "",
) -> dict[str, Any]:
    rows = LISTS[kind].rows()
    row = next((row for row in rows if row.id == renaming), None)
    if rename_form is None and row is not None:
        rename_form = NameForm(name=row.name)
    if rename_form is not None:
        rename_form.name.id = "rename"  # the form that adds a name stands on the same page
    return {
        "kind": kind,
        "list": LISTS[kind],
        "rows": rows,
        "add_form": add_form or NameForm(),
        "renaming": renaming,
        "rename_form": rename_form,
        "problem": problem,
    }


def _names_done(kind: str, message: str) -> Response:
    return done(url_for(".names", kind=kind), message, fragment=_NAMES[1], **_names_page(kind))


def _name_taken(taken: NameTaken) -> str:
    if taken.is_archived:
        return _("This name is among the archived ones below. Restore it there.")
    return _("This name is in the list already.")


def _why_not(kind: str, reason: InUse | IsDefault | IsLast) -> str:
    match reason:
        case InUse(uses=uses) if kind == "warehouses":
            return _(
                "It stays, because %(uses)s lies there. Adjust it to none, or let what is reserved go out first.",
                uses=LISTS[kind].uses(uses),
            )
        case InUse(uses=uses):
            return _(
                "It stays, because %(uses)s still use it. Choose something else for them first, on the channel's page.",
                uses=LISTS[kind].uses(uses),
            )
        case IsDefault():
            return _("It stays, because it is the default. Make another one the default first.")
        case IsLast():
            return _("It stays, because a store needs at least one warehouse.")
