"""KiotViet's rows of products → `app.core.types`. No I/O.

One row that cannot be read becomes an UnreadableListing with the reason in words; it never spoils its page.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from flask_babel import gettext as _

from app.connectors.fields import Row, flag, has, kept, missing, remote_id, text, unreadable
from app.connectors.kiotviet.fields import CURRENCY, amount, dong, mappings, moment, pieces, sha256
from app.core.errors import BadPayload
from app.core.types import BranchStock, ListingObstacle, RemoteListing, UnreadableListing

log = logging.getLogger(__name__)

REMOVED_KEYS: Final = ("removedIds", "removeIds", "removeId", "removedId")
"""Every name under which the ids of deleted records are known to come."""
_DELETED: Final = "{DEL}"
"""Ends the name of an attribute that was deleted and is sent all the same."""
_COMBO: Final = "1"
_LONGEST_PICTURE: Final = 2000
_LONGEST_WORDS: Final = 500
_MOST_ON_HAND: Final = 10**9
_KILOGRAMS: Final = {"kg": Decimal(1), "g": Decimal("0.001")}


def parse_listing(row: Any, weight_unit: str) -> RemoteListing | UnreadableListing | None:
    """One product, or why it cannot be read; None without an id, for then it cannot be remembered.

    `weight_unit` is "g", "kg" or '' where nobody has said it: then nothing weighs anything.
    """
    found = remote_id(row, "id") if isinstance(row, Mapping) else ""
    if not found:
        return None
    try:
        return _listing(row, found, weight_unit)
    except BadPayload as error:
        problem = error.user_message
    except Exception:
        # A payload that nobody foresaw is our mistake, but it must not stop the listings beside it.
        log.exception("a product's payload was not foreseen")
        problem = _("We do not understand this product. That is our mistake: please report it.")
    return UnreadableListing(found, problem, kept(row))


def removed_ids(answer: Row) -> tuple[str, ...]:
    """The ids of what was deleted, under any of their names."""
    found = [remote_id({"id": one}, "id") for key in REMOVED_KEYS for one in rows_or_values(answer.get(key))]
    return tuple(dict.fromkeys(one for one in found if one))


def rows_or_values(value: Any) -> Iterable[Any]:
    """The members of a list, a lone value, or nothing."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def parse_counted(row: Any) -> tuple[str, tuple[BranchStock, ...]] | None:
    """What the branches count of one product, by its id; None where the row does not say that readably."""
    found = remote_id(row, "id") if isinstance(row, Mapping) else ""
    try:
        return (found, branch_stocks(row)) if found else None
    except BadPayload:
        return None


def branch_stocks(row: Row) -> tuple[BranchStock, ...]:
    """What each branch has, and how much of it is promised."""
    found: dict[str, BranchStock] = {}
    for one in mappings(row, "inventories"):
        branch = remote_id(one, "branchId")
        if branch:
            found[branch] = BranchStock(branch, _count(one, "onHand", "onhand"), _count(one, "reserved"))
    return tuple(found.values())


def _listing(row: Row, found: str, weight_unit: str) -> RemoteListing:
    if not has(row, "code"):
        raise missing("code")
    if not has(row, "name", "fullName"):
        raise missing("name")
    price, base = amount(row, "basePrice"), remote_id(row, "masterUnitId")
    branches = branch_stocks(row)
    parts: dict[str, Any] = {
        "remote_id": found,
        "sku": _words(row, "code"),
        "isku": "",
        "barcode": _words(row, "barCode"),
        "name": _words(row, "name", "fullName"),
        "variant": _variant(row),
        "price": None if price is None else dong(price),
        "currency": CURRENCY,
        "stock": sum((one.on_hand for one in branches), Decimal(0)) if branches else None,
        "picture": _picture(row),
        "unit": _words(row, "unit"),
        "conversion": _conversion(row) if base else Decimal(1),
        "base_id": base,
        "family_id": _family(row, found),
        "weight": _weight(row, weight_unit),
        "branches": branches,
        "obstacle": _obstacle(row),
    }
    return RemoteListing(**parts, updated_at=moment(row, "modifiedDate", "createdDate"), digest=_digest(parts))


def _words(row: Row, *names: str) -> str:
    """Text of one line, as long as anybody reads."""
    return " ".join(text(row, *names).split())[:_LONGEST_WORDS]


def _variant(row: Row) -> str:
    """What tells a variant from the others; attributes that were deleted are sent all the same."""
    found = [one for one in mappings(row, "attributes") if not text(one, "attributeName").endswith(_DELETED)]
    values = [_words(one, "attributeValue") for one in found]
    return " / ".join(value for value in values if value)[:_LONGEST_WORDS]


def _family(row: Row, found: str) -> str:
    """The first of the variants stands for all: it has none above it."""
    return remote_id(row, "masterProductId") or (found if flag(row, "hasVariants") else "")


def _conversion(row: Row) -> Decimal:
    value = amount(row, "conversionValue")
    if value is None:
        return Decimal(1)
    if not 0 < value < _MOST_ON_HAND:
        raise unreadable("conversionValue")
    return pieces(value)


def _weight(row: Row, unit: str) -> Decimal | None:
    value = amount(row, "weight")
    if value is None or unit not in _KILOGRAMS:
        return None
    return value * _KILOGRAMS[unit]


def _count(row: Row, *names: str) -> Decimal:
    value = amount(row, *names) or Decimal(0)
    if abs(value) >= _MOST_ON_HAND:
        raise unreadable(names[0])
    return pieces(value)


def _obstacle(row: Row) -> ListingObstacle | None:
    if text(row, "type") == _COMBO:
        return ListingObstacle.COMBO
    if flag(row, "isBatchExpireControl"):
        return ListingObstacle.BATCH
    return ListingObstacle.SERIAL if flag(row, "isLotSerialControl") else None


def _picture(row: Row) -> str:
    """An address of the web, or ''. Pictures are texts in some answers and objects in others."""
    value = next(iter(rows_or_values(row.get("images"))), "")
    told = (text(value, "Image", "image") if isinstance(value, Mapping) else str(value)).strip()
    try:
        parts = urlsplit(told)
    except ValueError:
        return ""
    is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and len(told) <= _LONGEST_PICTURE
    return told if is_address and told.isprintable() else ""


def _digest(parts: Mapping[str, Any]) -> str:
    """Of what we keep, without the time of its change: a row that only says so is the same row."""
    told = dict(parts) | {"branches": [[one.branch_id, one.on_hand, one.reserved] for one in parts["branches"]]}
    return sha256(told)
