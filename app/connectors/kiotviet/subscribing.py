"""Asking KiotViet to call, one registration for each kind of change, and to call no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count

from app.connectors.fields import remote_id
from app.connectors.kiotviet.client import MISSING, Client
from app.connectors.kiotviet.fields import part_of_row
from app.connectors.kiotviet.paging import full_page
from app.connectors.kiotviet.webhooks import TYPES, registered_secret
from app.core.errors import ChannelError


def subscribe(client: Client, url: str, secret: str) -> str:
    """Register every kind, and return their ids joined: all of them or none. When one cannot be had, those that were
    are taken away again."""
    made: list[str] = []
    try:
        for kind in TYPES:
            made.append(_register(client, kind, url, registered_secret(secret)))
    except ChannelError as error:
        failure = error
    else:
        return ",".join(made)
    _forget(client, url, made)
    raise failure


def unsubscribe(client: Client, joined: str) -> None:
    """Take the registrations away, each of them whatever becomes of the others."""
    failure: ChannelError | None = None
    for one in joined.split(","):
        try:
            _remove(client, one)
        except ChannelError as error:
            failure = error
    if failure is not None:
        raise failure


def is_subscribed(client: Client, joined: str) -> bool:
    """Whether KiotViet still calls for all of these registrations."""
    wanted = set(joined.split(","))
    for number in count(1):
        page = full_page(client, "webhooks", number, {})
        wanted -= {
            remote_id(row, "id") for row in page.rows if isinstance(row, Mapping) and row.get("isActive") is not False
        }
        if page.is_last or not wanted:
            break
    return not wanted


def _register(client: Client, kind: str, url: str, secret: str) -> str:
    asked = {"Type": kind, "Url": url, "IsActive": True, "Description": "Channelbook", "Secret": secret}
    answer = client.send("POST", "/webhooks", {"Webhook": asked})
    flat = answer if isinstance(answer, Mapping) else {}
    found = remote_id(part_of_row(flat, "data"), "id") or remote_id(flat, "id")
    if not found:
        raise client.unlike("/webhooks", effect=True)
    return found


def _remove(client: Client, one: str) -> None:
    if one.isascii() and one.isdigit():
        with suppress(*MISSING):
            client.send("DELETE", f"/webhooks/{one}")


def _forget(client: Client, url: str, made: Sequence[str]) -> None:
    """Take away what calls an address, as far as that can be done now; one whose answer was lost is in the list."""
    ids = list(made)
    with suppress(ChannelError):
        rows = full_page(client, "webhooks", 1, {}).rows
        ids += [remote_id(row, "id") for row in rows if isinstance(row, Mapping) and row.get("url") == url]
    with suppress(ChannelError):
        unsubscribe(client, ",".join(dict.fromkeys(ids)))
