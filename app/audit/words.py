"""The audit log in plain words: things, verbs, fields, and what a field was and is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ROLE_WORDS
from app.catalog.words import KINDS
from app.connectors import REGISTRY
from app.invoices.credit_printing import CAUSES
from app.orders.options import SALES, STOCKS
from app.reports.marketplace_channels_pages import PERIODS
from app.tenancy.choices import LANGUAGES
from app.web.badges import BADGES, badge_of
from app.web.filters import day, moment, money


class Thing(StrEnum):
    """What an entry is about, in the order of the filter."""

    STORE = "store"
    MEMBER = "member"
    INVITATION = "invitation"
    CHANNEL = "channel"
    ANNOUNCEMENTS = "announcements"
    LINK = "link"
    CODE = "code"
    API_KEY = "api_key"
    ENDPOINT = "endpoint"
    GATEWAY = "gateway"
    MARKETPLACE = "marketplace"
    PAYMENT_METHOD = "payment_method"
    SALESPERSON = "salesperson"
    WAREHOUSE = "warehouse"
    ITEM = "item"
    LISTING = "listing"
    ORDER = "order"
    NUMBERS = "numbers"
    CREDIT_NOTE = "credit_note"
    CLOSING = "closing"
    EXPORT = "export"


THINGS: Final[Mapping[str, Any]] = {
    Thing.STORE: _l("Store settings"),
    Thing.MEMBER: _l("Member"),
    Thing.INVITATION: _l("Invitation"),
    Thing.CHANNEL: _l("Channel"),
    Thing.ANNOUNCEMENTS: _l("Calls from a channel"),
    Thing.LINK: _l("Linked store"),
    Thing.CODE: _l("Verification code"),
    Thing.API_KEY: _l("API key"),
    Thing.ENDPOINT: _l("Webhook"),
    Thing.GATEWAY: _l("Gateway"),
    Thing.MARKETPLACE: _l("Marketplace"),
    Thing.PAYMENT_METHOD: _l("Payment method"),
    Thing.SALESPERSON: _l("Salesperson"),
    Thing.WAREHOUSE: _l("Warehouse"),
    Thing.ITEM: _l("Item"),
    Thing.LISTING: _l("Product on a channel"),
    Thing.ORDER: _l("Order"),
    Thing.NUMBERS: _l("Document numbers"),
    Thing.CREDIT_NOTE: _l("Credit note"),
    Thing.CLOSING: _l("Closing the books"),
    Thing.EXPORT: _l("Export"),
}

VERBS: Final[Mapping[str, tuple[Any, str]]] = {
    "added": (_l("Added"), "success"),
    "changed": (_l("Changed"), "info"),
    "removed": (_l("Removed"), "danger"),
    "archived": (_l("Archived"), "neutral"),
    "restored": (_l("Restored"), "success"),
    "revoked": (_l("Revoked"), "danger"),
    "withdrawn": (_l("Withdrawn"), "neutral"),
    "accepted": (_l("Accepted"), "success"),
    "paused": (_l("Paused"), "warning"),
    "resumed": (_l("Resumed"), "success"),
    "skipped": (_l("Skipped"), "warning"),
    "decided": (_l("Decided"), "info"),
    "shown": (_l("Shown"), "neutral"),
    "rotated": (_l("Changed"), "warning"),
    "exported": (_l("Taken out"), "neutral"),
}
"""Each verb's word, and the tone of its badge."""

FIELDS: Final[Mapping[str, Any]] = {
    "name": _l("Name"),
    "currency": _l("Currency"),
    "time_zone": _l("Time zone"),
    "language": _l("Language"),
    "plan": _l("Plan"),
    "invoice_date_rule": _l("Date of an invoice"),
    "invoice_currencies": _l("Further currencies"),
    "unmapped_gateway": _l("When a gateway has no payment method"),
    "auto_delivery_order": _l("Delivery orders"),
    "unlinked_items": _l("When products are linked to no item"),
    "auto_credit": _l("Credit by itself"),
    "seller_details": _l("Below the name on invoices"),
    "requires_two_step": _l("Two-step sign-in is required"),
    "role": _l("Role"),
    "email": _l("E-mail"),
    "sent_at": _l("Sent"),
    "scopes": _l("It may"),
    "expires_at": _l("Ends"),
    "kind": _l("Kind"),
    "account_name": _l("Account"),
    "config": _l("Connection"),
    "options": _l("Options"),
    "credentials": _l("Credentials"),
    "secret": _l("Secret"),
    "paused_reason": _l("Why"),
    "takes_products": _l("Reads products"),
    "takes_orders": _l("Reads orders"),
    "gives_orders": _l("Orders made here are made there too"),
    "takes_stock": _l("Counts the stock"),
    "takes_prices": _l("Sets the prices"),
    "start_at": _l("Orders from"),
    "auto_sync": _l("Auto Sync"),
    "auto_sync_minutes": _l("Minutes between two syncs"),
    "stock_buffer": _l("Pieces to keep back"),
    "stock_location": _l("Warehouse whose stock it is told"),
    "state": _l("State"),
    "channel_name": _l("Channel name"),
    "reason": _l("Why"),
    "stock_after": _l("Stock after the end"),
    "warehouse": _l("Warehouse"),
    "is_default": _l("Default"),
    "address": _l("Address"),
    "payment_method": _l("Payment method"),
    "salesperson": _l("Salesperson"),
    "prefix": _l("Prefix"),
    "padding": _l("Digits"),
    "first_number": _l("First number"),
    "last_number": _l("Last number"),
    "words": _l("Reason"),
    "through": _l("Closed through"),
    "version": _l("Version"),
    "sku": _l("SKU"),
    "barcode": _l("Barcode"),
    "variant": _l("Variant"),
    "tracking": _l("Told apart by"),
    "kit": _l("Kit"),
    "price": _l("Price"),
    "item": _l("Item"),
    "invoice_number": _l("Invoice"),
    "cause": _l("Cause"),
    "total": _l("Total"),
    "decision": _l("Decision"),
    "day": _l("Day"),
    "number": _l("Number"),
    "url": _l("Address"),
    "events": _l("Events"),
    "filter": _l("Filter"),
    "files": _l("Files"),
    "examples": _l("For example"),
}

_PARTS: Final[Mapping[str, Any]] = {
    **{field.name: field.label for kind in REGISTRY.values() for field in kind.config_fields},
    "weight_unit": _l("Weights"),
    "order_branch_id": _l("Orders made here go to"),
}
"""What the parts of a channel's connection and options are called; as its forms call them."""

EXPORTS: Final[Mapping[str, Any]] = {
    "orders.export": _l("Orders"),
    "invoices.export": _l("Invoices"),
    "invoices.credit_notes_export": _l("Credit notes"),
    "invoices.register_csv": _l("Number register"),
    "inventory.export_items": _l("Items"),
    "inventory.export_movements": _l("Stock movements"),
    "channels.export_links": _l("Products and their items"),
    "completeness.export": _l("Completeness"),
    "reports.marketplace_channels_csv": _l("Report by marketplace"),
    "settings.audit_export": _l("Audit log"),
    "store": _l("Everything of the store"),
}
"""What each view hands out as a file, and what the command line does."""

_ASKED: Final[Mapping[str, Any]] = {
    "q": _l("Search"),
    "channel": _l("Channel"),
    "marketplace": _l("Marketplace"),
    "state": _l("State"),
    "status": _l("Status"),
    "payment": _l("Payment status"),
    "gateway": _l("Gateway"),
    "reason": _l("Reason"),
    "write_back": _l("Write-back"),
    "alert": _l("Since invoiced"),
    "stock": _l("Stock"),
    "sale": _l("Sale"),
    "currency": _l("Currency"),
    "date_from": _l("From"),
    "date_to": _l("To"),
    "due_from": _l("Not booked, dated from"),
    "due_to": _l("Not booked, dated to"),
    "method": _l("Payment method"),
    "salesperson": _l("Salesperson"),
    "cause": _l("Why"),
    "warehouse": _l("Warehouse"),
    "kind": _l("What happened"),
    "period": _l("Period"),
    "person": _l("Who"),
    "thing": _l("What"),
}
"""The parameters that a file may be asked for with, as the filters of its page are called."""
_ASKED_STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "state": ("OrderState", "InvoiceState", "ListingState"),
    "status": ("OrderStatus",),
    "payment": ("PaymentStatus",),
    "write_back": ("ChangeState",),
}
_ASKED_VALUES: Final[Mapping[str, Mapping[Any, Any]]] = {
    "stock": dict(STOCKS),
    "sale": dict(SALES),
    "cause": CAUSES,
    "kind": KINDS,
    "period": PERIODS,
    "thing": THINGS,
}
"""What their values are called there. What has no words is an id, an amount of days, or somebody's own word."""

_SERIES: Final[Mapping[str, Any]] = {
    "invoice": _l("Invoices"),
    "credit_note": _l("Credit notes"),
    "own_order": _l("Own orders"),
    "package": _l("Packages"),
}
_CHOICES: Final[Mapping[str, Mapping[str, Any]]] = {
    "role": {str(role): words for role, words in ROLE_WORDS.items()},
    "language": dict(LANGUAGES),
    "plan": {
        "starter": _l("Starter"),
        "growth": _l("Growth"),
        "premium": _l("Premium"),
        "enterprise": _l("Enterprise"),
    },
    "invoice_date_rule": {
        "created": _l("The day of the order"),
        "paid": _l("The day it was paid"),
        "shipped": _l("The day it was shipped"),
    },
    "unmapped_gateway": {"cash": _l("Book the order under the default"), "hold": _l("Hold the order")},
    "unlinked_items": {
        "book": _l("Book the order by the channel's words"),
        "hold": _l("Hold the order until they are linked"),
    },
    "auto_delivery_order": {
        "none": _l("None"),
        "on_save": _l("On each save of an invoice"),
        "on_delivery": _l("On delivery"),
    },
    "weight_unit": {"g": _l("Grams"), "kg": _l("Kilograms")},
    "stock_after": {"keep": _l("Stays as it is"), "zero": _l("Set to zero")},
    "tracking": {"none": _l("Nothing"), "batch": _l("Batch"), "serial": _l("Serial number")},
    "cause": {str(cause): words for cause, words in CAUSES.items()},
    "scopes": {"orders:read": _l("read orders"), "orders:write": _l("make and change orders")},
    "decision": {
        "ignored": _l("Left out"),
        "unread_ignored": _l("Left out unread"),
        "alert_ignored": _l("Left as it is"),
        "write_back_ignored": _l("Not written to the channel"),
        "give_ignored": _l("Not made on the channel"),
        "taken_back": _l("Taken back"),
        "not_same_sale": _l("A sale of its own"),
        "dated": _l("Dated to the first open day"),
        "numbers_moved": _l("The next number was moved"),
    },
    "paused_reason": {
        "AUTH_EXPIRED": _l("The channel does not accept the key any more"),
        "LINK_SUSPENDED": _l("The link is suspended"),
    },
}


def thing_words(thing: str) -> str:
    """What kind of thing it is."""
    return str(THINGS.get(thing) or thing)


def verb_words(verb: str) -> tuple[str, str]:
    """What was done, and the tone of its badge."""
    words, tone = VERBS.get(verb) or (verb, "neutral")
    return str(words), tone


def field_words(name: str) -> str:
    """What a field is called."""
    return str(FIELDS.get(name) or name)


def label_words(thing: str, label: str) -> str:
    """What the thing was called; what has no name of its own is called by what it is for."""
    if thing == Thing.NUMBERS:
        return str(_SERIES.get(label) or label)
    if thing == Thing.EXPORT:
        return str(EXPORTS.get(label) or label)
    return day(date.fromisoformat(label)) if thing == Thing.CLOSING and label else label


def asked_words(asked: str) -> str:
    """What a file was asked for, as its page says it; what no page says stays as it was asked: "page=2"."""
    # Two days are said by themselves: that they were chosen says no more.
    return ", ".join(_one_asked(part) for part in asked.split(", ") if part != "period=custom")


def _one_asked(part: str) -> str:
    name, is_named, value = part.partition("=")
    label = _ASKED.get(name)
    if not is_named or label is None:
        return part
    known = [BADGES[kind][value].label for kind in _ASKED_STATES.get(name, ()) if value in BADGES[kind]]
    words = next(iter(known), None) or _ASKED_VALUES.get(name, {}).get(value)
    if words is None and name.endswith(("_from", "_to")):
        words = _plain_words("day", value)
    return f"{label}: {words or value}"


def value_words(name: str, value: Any) -> str:
    """What a field was or is, as a reader of this language says it; '' for nothing."""
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, list):
        return ", ".join(value_words(name, one) for one in value)
    if isinstance(value, dict):
        return ", ".join(
            f"{_PARTS.get(key) or field_words(key)}: {value_words(key, one)}" for key, one in sorted(value.items())
        )
    return _plain_words(name, value)


def _plain_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    words = _CHOICES.get(name, {}).get(str(value))
    shape = _SHAPES.get(name, str)
    try:
        return shape(str(value)) if words is None else str(words)
    except (KeyError, ValueError):  # it was written by an older version
        return str(value)


def _amount(value: str) -> str:
    minor, currency = value.split(" ")
    return money(int(minor), currency)


_SHAPES: Final[Mapping[str, Callable[[str], str]]] = {
    "kind": lambda value: str(REGISTRY[value].label),
    "price": _amount,
    "total": _amount,
    "through": lambda value: day(date.fromisoformat(value)),
    "day": lambda value: day(date.fromisoformat(value)),
    "start_at": lambda value: moment(datetime.fromisoformat(value)),
    "sent_at": lambda value: moment(datetime.fromisoformat(value)),
    "expires_at": lambda value: moment(datetime.fromisoformat(value)),
    "state": lambda value: str(badge_of(value, "LinkState").label),
    "filter": asked_words,
    "secret": lambda _value: "•••",
    "credentials": lambda _value: "•••",
}
