"""The address of an endpoint, as a merchant types it."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask_babel import gettext as _

from app.connectors.addresses import parse_base_url
from app.core.errors import AddressRefused

LONGEST = 500


def parse_url(text: str, *, allow_sandboxes: bool) -> str:
    """The address tidied, with its path and query as they are. AddressRefused says what is wrong with it.

    It is https, and its host is looked at once more when the connection is made. Where sandboxes are allowed it may
    also be plain http to this very machine, for trying things out.
    """
    typed = text.strip()
    base = parse_base_url(typed, allow_sandboxes=allow_sandboxes)
    url = urlsplit(typed if "://" in typed else f"https://{typed}")
    found = urlsplit(base)
    if found.scheme == "http" and not _is_here(found.hostname or ""):
        raise AddressRefused(_("The address must begin with https://, so that nobody else reads what we send."))
    if url.fragment:
        raise AddressRefused(_("The address has a part behind #, which is never sent. Leave it out."))
    whole = f"{found.scheme}://{found.netloc}{url.path or '/'}" + (f"?{url.query}" if url.query else "")
    if len(whole) > LONGEST or not whole.isascii():
        raise AddressRefused(_("This address cannot be called. Write it with plain letters, at most 500."))
    return whole


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
