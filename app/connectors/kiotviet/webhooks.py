"""What KiotViet calls out by itself: whether a call is really its own, and which records it names.

The signature is called `sha1=` and is an HMAC-SHA256; its key is the text that was registered, not what that decodes
to. The letter case of the body's names differs from record to record, so none is looked at.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask_babel import gettext as _

from app.connectors.fields import ID_LENGTH, text
from app.core.errors import BadSignature
from app.core.types import Announcement

TYPES: Final = ("order.update", "invoice.update", "product.update", "product.delete", "stock.update")
"""What we ask to be told. That something was made is told as an update, and so is a cancelled order."""
MOST_NAMED: Final = 500
"""So many records of one call are looked at; the next refresh finds the others."""
_KEY_LENGTH: Final = 100
_PREFIX = re.compile(r"[a-z0-9]+=", re.ASCII | re.IGNORECASE)
_LOOSE_DELETE: Final = "product.delete"
"""What a bare list of removed ids is about: of all deletions we ask for that of products alone."""


def registered_secret(secret: str) -> str:
    """The text to register for a secret of ours, which is what calls are signed with."""
    return base64.b64encode(secret.encode()).decode()


def announced(headers: Mapping[str, str], body: bytes, secret: str) -> Announcement:
    """What a call announces; BadSignature when it is not signed with `secret`."""
    told = next((value for name, value in headers.items() if name.lower() == "x-hub-signature"), "")
    if not is_signed(told, body, secret):
        raise BadSignature(_("This did not come from KiotViet: its signature is wrong."))
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    found = _parsed(body)
    if not isinstance(found, Mapping):
        return Announcement(digest, "", ())
    told_of = list(_told_of(found))
    topics = dict.fromkeys(topic for topic, _row in told_of)
    orders = dict.fromkeys(one for topic, row in told_of for one in _order_ids(topic, row))
    products = dict.fromkeys(one for topic, row in told_of for one in _product_ids(topic, row))
    return Announcement(
        _key(found) or digest, next(iter(topics), ""), tuple(orders)[:MOST_NAMED], tuple(products)[:MOST_NAMED]
    )


def is_signed(told: str, body: bytes, secret: str) -> bool:
    """Whether the header holds the HMAC-SHA256 of the body in hexadecimal digits, whatever stands before them."""
    mac = hmac.new(registered_secret(secret).encode(), body, hashlib.sha256).hexdigest()
    said = _PREFIX.sub("", told.strip(), count=1).lower().encode("utf-8", "replace")
    return hmac.compare_digest(said, mac.encode())


def _told_of(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each record that is named, with the first two words of what happened to it."""
    for notification in _list(found.get("notifications")):
        if isinstance(notification, Mapping):
            topic = ".".join(text(notification, "action").lower().split(".")[:2])
            for row in _list(notification.get("data")) if topic in TYPES else ():
                yield topic, row
    for one in _list(found.get("removeid")):
        yield _LOOSE_DELETE, one


def _order_ids(topic: str, row: Any) -> Iterator[str]:
    """An order, or a sale that exists as an invoice only; an invoice of an order announces that order."""
    if not isinstance(row, Mapping):
        return
    if topic == "order.update" and (found := _id(row.get("id"))):
        yield f"orders/{found}"
    if topic == "invoice.update":
        order, own = _id(row.get("orderid")), _id(row.get("id"))
        if order or own:
            yield f"orders/{order}" if order else f"invoices/{own}"


def _product_ids(topic: str, row: Any) -> Iterator[str]:
    """A product that was edited, deleted or counted."""
    if topic not in ("product.update", "product.delete", "stock.update"):
        return
    if isinstance(row, Mapping):
        row = row.get("productid") if topic == "stock.update" else row.get("id")
    if found := _id(row):
        yield found


def _id(value: Any) -> str:
    """An id, '' for what is none; 0 stands for nothing."""
    found = text({"id": value}, "id") if not isinstance(value, bool) else ""
    return found if found.isascii() and found.isdigit() and found.strip("0") and len(found) <= ID_LENGTH else ""


def _key(found: Mapping[str, Any]) -> str:
    """The number of the delivery, which every attempt of it bears."""
    key = text(found, "id")
    return key if len(key) <= _KEY_LENGTH and key.isprintable() else ""


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _parsed(body: bytes) -> Any:
    """The body with all its names in lower case; None when it is no JSON."""
    try:
        return json.loads(
            body.decode("utf-8-sig"), parse_int=_small, parse_constant=str, object_pairs_hook=_lower_names
        )
    except (ValueError, RecursionError):
        return None


def _lower_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.lower(): value for name, value in pairs}


def _small(digits: str) -> int | str:
    """A number as an id may be; the text of one that nobody counts with."""
    return int(digits) if len(digits) <= ID_LENGTH else digits
