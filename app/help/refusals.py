"""Where each refusal is explained: reasons of orders and changes, errors of channels, and answers of the portal.

One table, so that a test can hold it against all reasons that there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Flask

from app.core.states import Reason
from app.help.articles import article_url

EXPLAINED_IN: Final[Mapping[str, str]] = {
    Reason.UNPAID: "not-booked#unpaid",
    Reason.CANCELLED: "not-booked#ended",
    Reason.RETURNED: "not-booked#ended",
    Reason.REFUNDED: "not-booked#ended",
    Reason.BEFORE_START_DATE: "not-booked#start-date",
    Reason.PARTLY_REFUNDED: "not-booked#partly-refunded",
    Reason.IGNORED: "not-booked#ignored",
    Reason.CREDITED: "not-booked#ignored",
    Reason.PART_OF_ORDER: "not-booked#papers",
    Reason.MADE_HERE: "not-booked#papers",
    Reason.GATEWAY_UNMAPPED: "failed-sync#payment",
    Reason.TOTAL_MISMATCH: "failed-sync#total",
    Reason.NO_LINES: "failed-sync#total",
    Reason.CURRENCY_UNSUPPORTED: "failed-sync#currency",
    Reason.ON_HOLD: "failed-sync#status",
    Reason.STATUS_UNKNOWN: "failed-sync#status",
    Reason.PAYMENT_STATUS_UNKNOWN: "failed-sync#status",
    Reason.DATE_MISSING: "failed-sync#date",
    Reason.PERIOD_LOCKED: "failed-sync#closed",
    Reason.DUPLICATE_SUSPECTED: "failed-sync#same-sale",
    Reason.SKU_NOT_FOUND: "failed-sync#item",
    Reason.SKU_AMBIGUOUS: "failed-sync#item",
    "UNLINKED": "failed-sync#item",
    Reason.AUTO_DO_ENABLED: "failed-sync#delivery-orders",
    Reason.BAD_PAYLOAD: "failed-sync#unreadable",
    Reason.CHANGED_AFTER_BOOKING: "failed-sync#after",
    Reason.FOREIGN_NUMBER: "failed-sync#number",
    Reason.ORDER_MISSING: "failed-sync#number",
    Reason.WRITEBACK_FAILED: "failed-sync#number",
    "OVERSOLD": "failed-sync#oversold",
    Reason.MOVE_REFUSED: "linked-orders#status",
    Reason.OVERTAKEN: "linked-orders#status",
    "CONTESTED": "linked-orders#status",
    Reason.LINK_ENDED: "link-stores#end",
    Reason.PRODUCT_UNLINKED: "kiotviet-orders#unlinked",
    Reason.CURRENCY_DIFFERS: "kiotviet-orders#refused",
    Reason.ORDER_REFUSED: "kiotviet-orders#refused",
    "CHANNEL_PAUSED": "auto-sync#paused",
    "AUTH_EXPIRED": "auto-sync#paused",
    "RATE_LIMITED": "failed-sync#connection",
    "SOURCE_DOWN": "failed-sync#connection",
    "NOT_JSON": "failed-sync#connection",
    "NO_SUCH_ROUTE": "failed-sync#connection",
    "UNREACHABLE": "failed-sync#connection",
    "MISCONFIGURED": "failed-sync#connection",
    "NOT_THIS_SYSTEM": "failed-sync#connection",
    "ADDRESS_REFUSED": "failed-sync#connection",
    "CERTIFICATE": "failed-sync#connection",
    "UNSUPPORTED": "failed-sync#connection",
    "TARGET_REJECTED": "failed-sync#number",
    "INTERNAL": "failed-sync#ours",
    "400": "refused#input",
    "403": "refused#not-allowed",
    "404": "refused#not-found",
    "405": "refused#not-found",
    "409": "refused#changed",
    "413": "refused#input",
    "422": "refused#input",
    "429": "refused#too-many",
    "500": "refused#ours",
    "503": "refused#ours",
}
"""Reasons by their code, answers by their number, each with its article and the place in it."""


def init_app(app: Flask) -> None:
    """Give templates `help_for`."""
    app.jinja_env.globals["help_for"] = help_for


def help_for(code: object) -> str | None:
    """Where a reason or an answer is explained; None for one that is unknown here, as it is on its page."""
    place = EXPLAINED_IN.get(str(code))
    return article_url(place) if place else None
