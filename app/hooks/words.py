"""What webhooks tell, what went wrong with them and why one is paused, in the shop's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.calling import Event

EVENT_WORDS: Final[Mapping[Event, Any]] = {
    Event.INVOICE_ISSUED: _l("An invoice is issued"),
    Event.CREDIT_NOTE_ISSUED: _l("A credit note is issued"),
    Event.ORDER_HELD: _l("An order needs attention"),
    Event.NUMBER_WRITTEN: _l("An invoice number is written to its channel"),
    Event.NUMBER_NOT_WRITTEN: _l("An invoice number could not be written to its channel"),
    Event.STOCK_CHANGED: _l("Stock changes"),
    Event.CHANNEL_PAUSED: _l("A channel stops"),
    Event.CHANNEL_RESUMED: _l("A channel goes on"),
}


def why_paused(reason: str) -> str:
    """Why an endpoint is not called any more."""
    return {
        "FAILING": _("It took nothing for three days. Mend it, then resume it: what waits is sent at once."),
        "GONE": _("It answered that it is gone for good (410)."),
        "SECRET": _("Its secret cannot be opened any more. Change the secret, then resume it."),
    }.get(reason, _("You paused it. What happens meanwhile is not sent."))


def trouble_words(trouble: str) -> str:
    """What went wrong where nothing was answered; '' where something was."""
    return {
        "": "",
        "ADDRESS_REFUSED": _("The address leads into a private network, or is none."),
        "CERTIFICATE": _("Its certificate is not good, so nothing was sent."),
        "UNREACHABLE": _("It cannot be reached."),
    }.get(trouble, _("It took too long, or broke off."))
