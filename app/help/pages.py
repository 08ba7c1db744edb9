"""What each page of a store says of itself: a sentence or two behind its "?", and the article that goes on from there.

One table by endpoint, so that pages need no words of their own for it; a test opens every page and looks for its "?".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from flask import Flask, request
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.help.articles import article_url
from app.web.kept import kept
from app.web.reader import Reader, reader


@dataclass(frozen=True, slots=True)
class About:
    """What a page is for, and the place in the help where more of it stands."""

    words: Any  # a lazy string
    place: str


_ADD: Final = About(
    _l("Connect a place where you sell. Nothing is kept before the connection works."), "first-day#connect"
)
_IMPORT_ITEMS: Final = About(_l("Items and counts from a spreadsheet. You see what would change first."), "inventory")
_OWN_ORDER: Final = About(_l("An order of your own. Saving books nothing; Sync does, once it is paid."), "own-orders")
_MOVE: Final = About(_l("The next step of this order: what it changes stands below."), "packing")
_LEAVE_OUT: Final = About(_l("Leaves orders out of the books, with your reason. It can be taken back."), "failed-sync")
_CREDIT: Final = About(_l("Corrects an issued invoice by a document of its own. Nothing is deleted."), "credit-notes")
_LINK: Final = About(
    _l("One store holds the goods, another one sells them. The one that sells decides."), "link-stores"
)
_PRODUCTS: Final = About(_l("Says which of your items each product of the channel is."), "product-sync")
_STAFF: Final = About(_l("Who may sign in to this store, and what each of them may do."), "staff")
_WEBHOOKS: Final = About(_l("Tells your own programs at once what happens here."), "webhooks")
_KEYS: Final = About(_l("With a key, a program of yours sends its orders in by itself."), "api-keys")
_PACKAGES: Final = About(_l("How parcels are packed. Each order keeps its one invoice."), "packing#split")
_AGAIN: Final = About(_l("Issues the next number for an order whose invoice is credited."), "credit-notes#re-issue")
_REGISTER: Final = About(_l("Accounts for every number, month by month."), "number-register")
_CLOSING: Final = About(_l("In a closed month nothing can be dated any more."), "closing-a-month")
_ITEM: Final = About(_l("One item: what lies where, why, and what your channels sell as it."), "inventory")
_JOBS: Final = About(_l("What runs, what ran, and what it did. You may leave the page."), "auto-sync#jobs")
_COMPLETE: Final = About(_l("Proves that every order is in, to the cent."), "completeness")
_CHANNELS: Final = About(_l("The places where you sell, and how well each is connected."), "first-day#connect")
_GATEWAYS: Final = About(_l("Says where the money of each gateway arrives."), "first-day#payment")
_IN_CHARGE: Final = About(_l("Says who is in charge of each marketplace."), "first-day#payment")
_MINE: Final = About(_l("Your own name, password, devices and language, in every store."), "two-step")
_FAILED: Final = About(
    _l("What needs a person, one card for each cause, with the button that mends it."), "failed-sync"
)

ABOUT: Final[Mapping[str, About]] = {
    "reports.home": About(_l("Says whether everything is in, and whether anything waits for you."), "first-day"),
    "reports.marketplace_channels": About(
        _l("What each marketplace sold. Press a figure to see its orders."), "reports"
    ),
    "orders.index": About(_l("Every order of every channel, booked or with the reason why not."), "not-booked"),
    "orders.show": About(_l("The whole story of one order: amounts, invoice, number, and who did what."), "not-booked"),
    "orders.find": About(_l("Finds any number, also of orders that were never imported."), "not-booked#find"),
    "orders.same_sale": About(
        _l("Two channels may have brought one sale. You say which it is."), "failed-sync#same-sale"
    ),
    "orders.new": _OWN_ORDER,
    "orders.edit": _OWN_ORDER,
    "orders.import_orders": _OWN_ORDER,
    "orders.mark": _MOVE,
    "orders.move": _MOVE,
    "orders.courier": _MOVE,
    "orders.say": About(_l("What you say of this order is told to the other store."), "linked-orders#status"),
    "orders.split": _PACKAGES,
    "orders.combine": _PACKAGES,
    "orders.failed": _FAILED,
    "orders.failed_cause": _FAILED,
    "orders.failed_ignore": _LEAVE_OUT,
    "orders.failed_ignored": _LEAVE_OUT,
    "orders.failed_date": About(_l("Dates late invoices on the first day that is open."), "failed-sync#closed"),
    "invoices.index": About(_l("Every invoice that was made, to read, print or take as CSV."), "number-register"),
    "invoices.documents": About(_l("Invoices and credit notes together, as they were issued."), "number-register"),
    "invoices.show": About(_l("An invoice as it was issued. It is never changed; credit it instead."), "credit-notes"),
    "invoices.credit": _CREDIT,
    "invoices.credit_note": _CREDIT,
    "invoices.credit_notes": _CREDIT,
    "invoices.reissue": _AGAIN,
    "invoices.invoice_again": _AGAIN,
    "invoices.register_index": _REGISTER,
    "invoices.register_month": _REGISTER,
    "inventory.index": About(_l("What you stock, and how many of each you have."), "inventory"),
    "inventory.show": _ITEM,
    "inventory.add": _ITEM,
    "inventory.import_items": _IMPORT_ITEMS,
    "inventory.movements": About(_l("Each piece that came or went, with who and why."), "inventory"),
    "channels.index": _CHANNELS,
    "channels.show": _CHANNELS,
    "channels.add": _ADD,
    "channels.add_connection": _ADD,
    "channels.add_options": _ADD,
    "channels.connected": _CHANNELS,
    "channels.set_up": About(_l("Says what flows which way. It can be changed later."), "kiotviet"),
    "channels.orders": About(_l("Brings this channel's orders in, and makes their invoices."), "first-day#sync"),
    "channels.payments": _GATEWAYS,
    "channels.save_gateway": _GATEWAYS,
    "channels.map_by_name": _GATEWAYS,
    "channels.marketplaces": _IN_CHARGE,
    "channels.save_marketplace": _IN_CHARGE,
    "channels.failed": _FAILED,
    "channels.settings": About(_l("The channel's name, first day, key and rules."), "auto-sync#orders-at-once"),
    "channels.reconnect": About(_l("A new key for this channel. It goes on where it stopped."), "auto-sync#paused"),
    "channels.remove": About(_l("Disconnects the channel. Its orders and invoices stay."), "auto-sync#paused"),
    "channels.products": _PRODUCTS,
    "channels.listing": _PRODUCTS,
    "channels.accept_certain": _PRODUCTS,
    "channels.create_items": _PRODUCTS,
    "channels.undo_batch": _PRODUCTS,
    "channels.import_links": _PRODUCTS,
    "links.code": _LINK,
    "links.options": _LINK,
    "links.authorized": _LINK,
    "links.grant": _LINK,
    "links.deny": _LINK,
    "links.rotate": _LINK,
    "links.show": About(_l("A linked store: what flows, what flowed, and what is in the way."), "linked-orders#flow"),
    "links.end": About(_l("Ends the link. Read first what becomes of stock and open orders."), "link-stores#end"),
    "completeness.index": _COMPLETE,
    "completeness.show": _COMPLETE,
    "sync.jobs": _JOBS,
    "sync.job": _JOBS,
    "sync.change_drop": About(_l("Leaves the channel as it is, and asks no more."), "failed-sync#number"),
    "settings.general": About(
        _l("The store's name, time zone and language, and its verification code."), "first-day#sign-up"
    ),
    "settings.invoicing": About(
        _l("How invoices are numbered and dated, and what waits."), "number-register#next-number"
    ),
    "settings.closing": _CLOSING,
    "settings.ask_closing": _CLOSING,
    "settings.names": About(_l("The names your books use; channels choose from them."), "first-day#payment"),
    "settings.api_keys": _KEYS,
    "settings.revoke_api_key": _KEYS,
    "settings.webhooks": _WEBHOOKS,
    "settings.webhook": _WEBHOOKS,
    "settings.webhook_log": _WEBHOOKS,
    "settings.webhook_secret": _WEBHOOKS,
    "settings.remove_webhook": _WEBHOOKS,
    "settings.staff_page": _STAFF,
    "settings.member": _STAFF,
    "settings.invite": _STAFF,
    "settings.remove_member": _STAFF,
    "settings.leave": _STAFF,
    "settings.roles": _STAFF,
    "settings.security_page": About(_l("How safely the members of this store sign in."), "two-step#store"),
    "settings.notifications": About(_l("What you are told, and how. The choice is yours alone."), "notifications"),
    "settings.audit": About(_l("Who changed what, when, and from what to what."), "audit-log"),
    "notices.index": About(_l("What happened while you were away."), "notifications"),
    "accounts.me": _MINE,
    "accounts.change_password": _MINE,
    "accounts.devices": About(_l("Where you are signed in. Sign out what you do not know."), "two-step#devices"),
    "accounts.two_step_page": About(_l("A code from your phone, besides the password."), "two-step"),
    "accounts.stores": About(_l("The stores that you are a member of."), "staff"),
}
"""By endpoint. Pages that are printed or sent as files have none."""


def init_app(app: Flask) -> None:
    """Give templates `what_is_this`."""
    app.jinja_env.globals["what_is_this"] = what_is_this


def what_is_this() -> Markup:
    """The "?" of the page that is being made; nothing where the table has none."""
    endpoint = request.endpoint or ""
    if endpoint not in ABOUT:
        return Markup()
    words, url = _said(reader(), endpoint)
    return kept("_layout/_what_is_this.html", words=words, url=url)


@cache
def _said(_reader: Reader, endpoint: str) -> tuple[str, str]:
    """The sentence of a page in one language."""
    about = ABOUT[endpoint]
    return str(about.words), article_url(about.place)
