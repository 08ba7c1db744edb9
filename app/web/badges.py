"""What each state is called, and how it looks: one table for all pages.

A badge always has a word; colour and icon only repeat it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Final

from flask import Flask
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.web.icons import icon
from app.web.reader import Reader, reader


@dataclass(frozen=True, slots=True)
class Badge:
    """`tone` is success, info, warning, danger or neutral; `label` is a lazy string, or what it says to the reader."""

    tone: str
    icon: str
    label: Any


BADGES: Final[dict[str, dict[str, Badge]]] = {
    "OrderState": {
        "waiting": Badge("neutral", "clock", _l("Waiting for payment")),
        "ready": Badge("info", "check", _l("Ready to sync")),
        "queued": Badge("info", "refresh", _l("Sync requested")),
        "booked": Badge("success", "invoice", _l("Invoiced")),
        "held": Badge("danger", "warning", _l("Needs attention")),
        "closed": Badge("neutral", "x", _l("Not booked")),
    },
    "SeenState": {
        "listed": Badge("neutral", "clock", _l("Seen")),
        "imported": Badge("success", "check", _l("Imported")),
        "skipped": Badge("neutral", "x", _l("Skipped")),
        "unreadable": Badge("danger", "warning", _l("Not understood")),
    },
    "JobState": {
        "queued": Badge("neutral", "clock", _l("Waiting to start")),
        "running": Badge("info", "refresh", _l("Running")),
        "succeeded": Badge("success", "check", _l("Done")),
        "partly": Badge("warning", "warning", _l("Partly done")),
        "failed": Badge("danger", "warning", _l("Failed")),
        "cancelled": Badge("neutral", "x", _l("Cancelled")),
    },
    "ChangeState": {
        "planned": Badge("neutral", "clock", _l("On its way")),
        "sending": Badge("info", "refresh", _l("Sending")),
        "done": Badge("success", "check", _l("Written back")),
        "blocked": Badge("danger", "warning", _l("Needs attention")),
        "dropped": Badge("neutral", "x", _l("Not sent")),
    },
    "InvoiceState": {
        "posted": Badge("success", "check", _l("Posted")),
        "credited": Badge("neutral", "x", _l("Credited")),
    },
    "ListingState": {
        "linked": Badge("success", "link", _l("Linked")),
        "proposed": Badge("info", "info", _l("Proposed")),
        "unclear": Badge("danger", "warning", _l("Not clear")),
        "unlinked": Badge("neutral", "x", _l("Not linked")),
        "barred": Badge("warning", "x", _l("Cannot be linked")),
        "gone": Badge("neutral", "clock", _l("Gone")),
    },
    "ChannelState": {
        "connected": Badge("success", "link", _l("Connected")),
        "paused": Badge("warning", "pause", _l("Paused")),
        "reconnect": Badge("danger", "warning", _l("Reconnect")),
        "pending": Badge("warning", "clock", _l("Pending")),
        "denied": Badge("danger", "x", _l("Denied")),
    },
    "LinkState": {
        "draft": Badge("neutral", "edit", _l("Not asked yet")),
        "pending": Badge("warning", "clock", _l("Pending")),
        "connected": Badge("success", "link", _l("Connected")),
        "suspended": Badge("danger", "pause", _l("Suspended")),
        "denied": Badge("danger", "x", _l("Denied")),
        "expired": Badge("neutral", "clock", _l("Expired")),
        "withdrawn": Badge("neutral", "x", _l("Withdrawn")),
        "ended": Badge("neutral", "x", _l("Ended")),
    },
    "OrderStatus": {
        "open": Badge("neutral", "orders", _l("Open")),
        "processing": Badge("info", "refresh", _l("Processing")),
        "ready_to_ship": Badge("info", "box", _l("Ready to ship")),
        "shipped": Badge("info", "arrow", _l("Shipped")),
        "completed": Badge("success", "check", _l("Completed")),
        "on_hold": Badge("warning", "pause", _l("On hold")),
        "cancelled": Badge("neutral", "x", _l("Cancelled")),
        "returned": Badge("neutral", "x", _l("Returned")),
        "unknown": Badge("warning", "warning", _l("Unknown status")),
    },
    "PaymentStatus": {
        "paid": Badge("success", "check", _l("Paid")),
        "unpaid": Badge("warning", "clock", _l("Unpaid")),
        "refunded": Badge("neutral", "x", _l("Refunded")),
        "partly_refunded": Badge("warning", "warning", _l("Partly refunded")),
        "unknown": Badge("warning", "warning", _l("Unknown payment")),
    },
}


def init_app(app: Flask) -> None:
    """Give templates `badge_of`, `badge_drawn`, which the macro `ui.badge` calls, and `told_word`."""
    app.jinja_env.globals.update(badge_of=badge_of, badge_drawn=badge_drawn, told_word=told_word)


def badge_of(state: Enum | str, kind: str = "") -> Badge:
    """The badge of `state`: an enum member, or its value with `kind`, the name of the enum.

    A value that the table does not have is a channel's own word: it is shown as it came.
    """
    table = _said(reader()).get(kind or type(state).__name__, {})
    value = str(state.value if isinstance(state, Enum) else state)
    return table.get(value) or Badge("neutral", "", value)


def told_word(words: str, kind: str) -> str:
    """A channel's own word for a state; the reader's, where the channel says it as we do."""
    key = words.casefold().replace(" ", "_")
    known = _said(reader())[kind]
    return str(known[key].label) if key in known and key != "unknown" else words


def badge_drawn(state: Enum | str, kind: str = "", label: str = "") -> Markup:
    """The state in word, colour and icon, as `badge_of` finds it; `label` stands in for its word."""
    look = badge_of(state, kind)
    return _drawn(look.tone, icon(look.icon) if look.icon else Markup(), label or str(look.label))


@cache
def _said(_reader: Reader) -> dict[str, dict[str, Badge]]:
    """The table in words, said once in each language."""
    return {
        kind: {value: replace(badge, label=str(badge.label)) for value, badge in table.items()}
        for kind, table in BADGES.items()
    }


@lru_cache(maxsize=1024)
def _drawn(tone: str, drawing: Markup, words: str) -> Markup:
    """Remembered, because a list has one in each row and knows only a few."""
    return Markup('<span class="state state-{}">{}{}</span>').format(tone, drawing, words)
