"""Why a listing may mean an item, and how surely, in the shop's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.core.matching import Certainty, Match
from app.core.types import ListingObstacle
from app.mappings.listing_queries import ListingRow

_CERTAINTY: Final[Mapping[str, Any]] = {
    Certainty.CERTAIN: _l("certain"),
    Certainty.LIKELY: _l("likely"),
    Certainty.POSSIBLE: _l("possible"),
}
_REASONS: Final[Mapping[str, Any]] = {
    Match.SKU: _l("Same SKU %(sku)s"),
    Match.BARCODE: _l("Same barcode %(barcode)s"),
    Match.ALIKE_SKU: _l("SKU %(sku)s but for case, spaces or signs"),
    Match.NAME: _l("Same name and variant"),
}


_OBSTACLES: Final[Mapping[str, Any]] = {
    ListingObstacle.COMBO: _l(
        "It is put together of other products, so it is no item of its own: it cannot be linked."
    ),
    ListingObstacle.BATCH: _l(
        "Its pieces are told apart by batch there, which cannot be kept here: it cannot be linked."
    ),
    ListingObstacle.SERIAL: _l("Its pieces have serial numbers there, which cannot be kept here: it cannot be linked."),
}


def obstacle_words(obstacle: str) -> str:
    """Why a product can mean no item."""
    return str(_OBSTACLES.get(obstacle, obstacle))


def certainty_words(certainty: str) -> str:
    """One word for how sure a proposal is."""
    return str(_CERTAINTY.get(certainty, certainty))


def reason_words(row: ListingRow) -> str:
    """What the listing and the item have in common, and how surely that decides."""
    if row.match is None or row.certainty is None:
        return ""
    if row.certainty == Certainty.UNCLEAR:
        return _unclear(row)
    item = row.candidates[0] if row.candidates else None
    facts = {"sku": item.sku if item else row.best_sku, "barcode": row.barcode}
    reason = str(_REASONS[row.match]) % facts
    if row.match == Match.SKU and row.certainty == Certainty.LIKELY:
        reason = _("%(reason)s, but another barcode", reason=reason)
    return _("%(reason)s: %(certainty)s", reason=reason, certainty=certainty_words(row.certainty))


def _unclear(row: ListingRow) -> str:
    if row.rivals:
        return ngettext(
            "Another product of this channel answers to the same item. Say which one is meant.",
            "%(num)s other products of this channel answer to the same item. Say which one is meant.",
            row.rivals,
        )
    return _("More than one item of yours answers. Say which one is meant.")
