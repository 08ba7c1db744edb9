"""Which shop is meant, and where it is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask_babel import gettext as _

from app.connectors.addresses import parse_base_url
from app.core.errors import Misconfigured

TOKENS: Final = "https://id.kiotviet.vn"
RECORDS: Final = "https://public.kiotapi.com"
_HOME: Final = ".kiotviet.vn"
_SHOP: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A shop's name, the base URL of its tokens and that of its records."""

    shop: str
    tokens: str
    records: str


class NoShopName(Misconfigured):
    """What was typed names no shop."""

    field = "retailer"


def parse_place(typed: str, *, allow_sandboxes: bool) -> Place:
    """The shop that a merchant typed: `cuahang`, or its address as the browser shows it.

    Where sandboxes are allowed it may also be the address of one with the shop as its last part, such as
    `http://127.0.0.1:5502/sandbox/kiotviet/cuahang`; a sandbox gives tokens and records at one address.
    NoShopName for anything else.
    """
    told = typed.strip()
    if not told:
        raise NoShopName(_("Enter the shop's name, the first part of its address."))
    host, path = _split(told)
    if host.endswith(_HOME):
        return Place(_shop(host.removesuffix(_HOME), told), TOKENS, RECORDS)
    if allow_sandboxes and "://" in told and path.strip("/"):
        base, _slash, shop = told.rstrip("/").rpartition("/")
        address = parse_base_url(base, allow_sandboxes=True)
        return Place(_shop(shop, told), address, address)
    return Place(_shop(told, told), TOKENS, RECORDS)


def _split(told: str) -> tuple[str, str]:
    try:
        url = urlsplit(told if "://" in told else f"https://{told}")
        return (url.hostname or "").rstrip("."), url.path
    except ValueError:
        return "", ""


def _shop(name: str, told: str) -> str:
    found = name.strip().lower()
    if not _SHOP.fullmatch(found):
        raise NoShopName(
            _(
                "“%(typed)s” is no shop name of KiotViet. Enter the first part of the shop's address, "
                "like cuahang for cuahang.kiotviet.vn.",
                typed=told[:100],
            )
        )
    return found
