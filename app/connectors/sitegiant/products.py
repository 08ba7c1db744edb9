"""SiteGiant's rows of items → `app.core.types`. No I/O.

One row that cannot be read becomes an UnreadableListing with the reason in words; it never spoils its page.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from flask_babel import gettext as _

from app.connectors.fields import Row, first, has, missing, money, remote_id, text, unreadable
from app.connectors.sitegiant.fields import moment
from app.core.errors import BadPayload
from app.core.money import minor_digits
from app.core.types import RemoteListing, UnreadableListing

log = logging.getLogger(__name__)

ITEM_ID: Final = ("item_id", "product_id", "id")
_SKU: Final = ("product_sku", "sku", "item_sku", "variant_sku")
_ISKU: Final = ("isku", "inventory_sku")
_NAME: Final = ("name", "product_name", "item_name", "title")
_VARIANT: Final = ("variant", "variant_name", "variation")
_BARCODE: Final = ("barcode", "ean", "upc", "gtin")
_PRICE: Final = ("price", "product_price", "selling_price", "unit_price")
_STOCK: Final = ("stock", "quantity", "qty", "available_stock", "stock_on_hand")
_PICTURE: Final = ("image", "image_url", "picture", "thumbnail")
_UPDATED: Final = ("updated_at", "update_time", "modified_at")
_LONGEST_PICTURE: Final = 2000
_LONGEST_WORDS: Final = 500
_COUNT = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)


def parse_listing(row: Any) -> RemoteListing | UnreadableListing | None:
    """One row of the item list, or why it cannot be read; None without an id, for then it cannot be remembered."""
    found = remote_id(row, *ITEM_ID) if isinstance(row, Mapping) else ""
    if not found:
        return None
    try:
        return _listing(row, found)
    except BadPayload as error:
        problem = error.user_message
    except Exception:
        # A payload that nobody foresaw is our mistake, but it must not stop the listings beside it.
        log.exception("an item's payload was not foreseen")
        problem = _("We do not understand this product. That is our mistake: please report it.")
    return UnreadableListing(found, problem, row)


def _listing(row: Row, found: str) -> RemoteListing:
    if not has(row, *_ISKU, *_SKU):
        raise missing(_ISKU[0])
    if not has(row, *_NAME):
        raise missing(_NAME[0])
    currency = text(row, "currency").upper()
    price, currency = _price(row, currency)
    parts: dict[str, Any] = {
        "remote_id": found,
        "sku": _words(row, *_SKU),
        "isku": _words(row, *_ISKU),
        "barcode": _words(row, *_BARCODE),
        "name": _words(row, *_NAME),
        "variant": _words(row, *_VARIANT),
        "price": price,
        "currency": currency,
        "stock": _stock(row),
        "picture": _picture(row),
        "updated_at": moment(row, *_UPDATED),
    }
    return RemoteListing(**parts, digest=_digest(parts))


def _words(row: Row, *names: str) -> str:
    """Text of one line, as long as anybody reads."""
    return " ".join(text(row, *names).split())[:_LONGEST_WORDS]


def _price(row: Row, currency: str) -> tuple[int | None, str]:
    """The price with its currency; an amount without a currency that we know is none."""
    try:
        minor_digits(currency)
    except ValueError:
        return None, ""
    return (None, currency) if first(row, *_PRICE) is None else (money(row, currency, *_PRICE), currency)


def _stock(row: Row) -> Decimal | None:
    """What the channel counts; below zero where it sold more than it had. None when it does not count."""
    value = first(row, *_STOCK)
    if value is None:
        return None
    told = str(value).strip()
    if isinstance(value, bool) or not _COUNT.fullmatch(told):
        raise unreadable(_STOCK[0])
    return Decimal(told)


def _picture(row: Row) -> str:
    """An address of the web, or ''; whatever else stands there is no picture and spoils nothing."""
    told = text(row, *_PICTURE)
    try:
        parts = urlsplit(told)
    except ValueError:
        return ""
    is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and len(told) <= _LONGEST_PICTURE
    return told if is_address and told.isprintable() else ""


def _digest(parts: Mapping[str, Any]) -> str:
    """Of what we keep, without the time of its change: a row that only says so is the same row."""
    kept = {name: str(value) for name, value in parts.items() if name != "updated_at"}
    return hashlib.sha256(repr(sorted(kept.items())).encode("utf-8", "surrogatepass")).hexdigest()
