"""What the codes of the catalog are called on its pages."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from flask_babel import lazy_gettext as _l

from app.core.stock import Kind, Reason


class Tracking(StrEnum):
    """Whether the pieces of an item are told apart."""

    NONE = "none"
    BATCH = "batch"
    SERIAL = "serial"


TRACKINGS: Final[Mapping[Tracking, Any]] = {
    Tracking.NONE: _l("Not tracked"),
    Tracking.BATCH: _l("By batch"),
    Tracking.SERIAL: _l("By serial number"),
}
KINDS: Final[Mapping[Kind, Any]] = {
    Kind.ADJUST: _l("Adjusted"),
    Kind.RECEIVE: _l("Received"),
    Kind.RESERVE: _l("Reserved for an order"),
    Kind.RELEASE: _l("Reservation ended"),
    Kind.SHIP: _l("Shipped"),
    Kind.RETURN: _l("Returned"),
    Kind.PUSH: _l("Set by the main store"),
    Kind.OVERWRITE: _l("Overwritten by the main store"),
    Kind.COUNT: _l("Counted by a channel"),
}
REASONS: Final[Mapping[Reason, Any]] = {
    Reason.COUNTED: _l("Counted"),
    Reason.RECEIVED: _l("Goods came in"),
    Reason.RETURNED: _l("A buyer sent it back"),
    Reason.DAMAGED: _l("Broken or spoiled"),
    Reason.LOST: _l("Lost or stolen"),
    Reason.FOUND: _l("Found again"),
    Reason.USED: _l("Used by ourselves"),
    Reason.OTHER: _l("Something else"),
}


def kind_words(kind: str) -> str:
    """What a movement was."""
    return str(KINDS[Kind(kind)]) if kind in KINDS else kind


def reason_words(reason: str) -> str:
    """Why somebody adjusted stock, "" when it was not a person; a code that is not in the list is shown as it is."""
    return str(REASONS[Reason(reason)]) if reason in REASONS else reason
