"""What the people of a family press during a run: the link between its stores, and what lies on their shelves.

Each deal finds out what there is to press now, and by whom; all of it is pressed at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final
from uuid import UUID

from tests.crash.family import SKUS, TRACKED, Family, Kin
from tests.crash.people import Push

Presses = Sequence[tuple[Kin, Push]]
Deal = Callable[[Family, Kin, float], Presses]
"""A deal of the main store with one of its sub-stores, by luck; nothing where there is nothing to press."""

NOBODY: Final[Presses] = ()


def enter_code(family: Family, sub: Kin, _luck: float) -> Presses:
    """The main store types the sub-store's code, unless they are linked or asked already."""
    known = family.main.link_of(sub, "draft", "pending", "connected", "suspended")
    if known is not None or (code := sub.code()) is None:
        return NOBODY
    return [(family.main, Push(f"{family.main.channels}/add/store", {"code": code}))]


def ask(family: Family, sub: Kin, _luck: float) -> Presses:
    """*Connect*."""
    link = family.main.link_of(sub, "draft")
    if link is None:
        return NOBODY
    form = {"channel_name": f"Webshop of {sub.name}", "location_id": str(family.main.location_id)}
    return [(family.main, Push(f"{family.main.channels}/add/store/{link['id']}", form))]


def ask_again(family: Family, sub: Kin, _luck: float) -> Presses:
    """What came to nothing, or ended, is asked for once more."""
    link = family.main.link_of(sub)
    if link is None or link["state"] in ("draft", "pending", "connected", "suspended"):
        return NOBODY
    return [(family.main, Push(f"{family.main.channels}/links/{link['id']}/ask-again"))]


def grant(family: Family, sub: Kin, _luck: float) -> Presses:
    """*Grant Access*."""
    return _on_link(sub, sub.link_of(family.main, "pending"), "grant")


def deny(family: Family, sub: Kin, _luck: float) -> Presses:
    """*Deny Access*."""
    return _on_link(sub, sub.link_of(family.main, "pending"), "deny", words="We do not know you")


def withdraw(family: Family, sub: Kin, _luck: float) -> Presses:
    """The main store changes its mind."""
    return _on_link(family.main, family.main.link_of(sub, "draft", "pending"), "withdraw")


def grant_withdrawn(family: Family, sub: Kin, luck: float) -> Presses:
    """Both at once: one of them is a moment faster."""
    pending = sub.link_of(family.main, "pending")
    return [*_on_link(sub, pending, "grant"), *withdraw(family, sub, luck)] if pending else NOBODY


def end(family: Family, sub: Kin, luck: float) -> Presses:
    """Either side ends it; the stock stays, or is set to zero."""
    link = sub.link_of(family.main, "connected", "suspended")
    who = family.main if luck < 0.5 else sub
    return _on_link(who, link, "end", stock="keep" if int(luck * 10) % 2 else "zero")


def rotate(_family: Family, sub: Kin, _luck: float) -> Presses:
    """Another code: a request that was made with the old one ends."""
    return [(sub, Push(f"/{sub.slug}/settings/general/code"))]


def _on_link(who: Kin, link: Mapping[str, object] | None, act: str, **form: str) -> Presses:
    return [(who, Push(f"{who.channels}/links/{link['id']}/{act}", form))] if link else NOBODY


def plan(name: str) -> Deal:
    """The operator puts the main store on a plan; one that is too low suspends its links."""

    def put(family: Family, _sub: Kin, _luck: float) -> Presses:
        family.put_on_plan(name)
        return [(family.main, Push(f"{family.main.channels}/", method="GET"))]

    return put


def track(tracking: str) -> Deal:
    """The sub-store lets an item be tracked by batch, which no linked store may hold, or lets that be."""

    def press(_family: Family, sub: Kin, _luck: float) -> Presses:
        (item,) = sub.rows("select id, version from items where store_id = %s and sku = %s", TRACKED)
        form = {"sku": TRACKED, "name": "Serum", "tracking": tracking, "version": str(item["version"])}
        return [(sub, Push(f"/{sub.slug}/inventory/{item['id']}", form))]

    return press


def adjust(family: Family, _sub: Kin, luck: float) -> Presses:
    """Stock of the main store: counted, added or taken away, as often as it is pressed but once."""
    return [(family.main, _adjusting(family.main, luck))]


def adjust_there(_family: Family, sub: Kin, luck: float) -> Presses:
    """Stock of the sub-store, which stays there."""
    return [(sub, _adjusting(sub, luck))]


def _adjusting(kin: Kin, luck: float) -> Push:
    draw = Random(luck)
    (newest,) = kin.rows("select coalesce(max(id), 0) as id from stock_movements where store_id = %s")
    form = {
        "location_id": str(kin.location_id),
        "how": draw.choice(("set", "add", "add", "take")),
        "pieces": str(draw.randrange(30)),
        "reason": "counted",
        "seen": str(newest["id"]),
        "key": UUID(int=draw.getrandbits(128)).hex,
        "confirmed": "y",
    }
    return Push(f"/{kin.slug}/inventory/{kin.items[draw.choice(SKUS)]}/adjust", form)


def on_channel(path: str, **form: str) -> Deal:
    """A button of the main store's channel."""

    def press(family: Family, sub: Kin, _luck: float) -> Presses:
        channel_id = family.main.channel_of(sub)
        if channel_id is None:
            return NOBODY
        # The link may end at the same moment, and the channel with it.
        push = Push(f"{family.main.channels}/{channel_id}/{path}", form, may_be_gone=True)
        return [(family.main, push)]

    return press


def keep_back(family: Family, sub: Kin, luck: float) -> Presses:
    """Some pieces of each item are kept back from the sub-store."""
    return on_channel("stock", pieces=str(int(luck * 5)))(family, sub, luck)


def accept_certain(family: Family, sub: Kin, luck: float) -> Presses:
    """All certain links, as many as there were when the page was made."""
    sql = """select count(*) from listings where store_id = %s and channel_id = %s
             and item_id is null and certainty = 'certain'"""
    (certain,) = family.main.rows(sql, family.main.channel_of(sub))
    return on_channel("products/accept", count=str(certain["count"]))(family, sub, luck)


def unlink(family: Family, sub: Kin, luck: float) -> Presses:
    """A listing means no item any more, until its proposal is accepted again."""
    sql = """select id, version from listings where store_id = %s and channel_id = %s and item_id is not null
             order by id"""
    linked = family.main.rows(sql, family.main.channel_of(sub))
    if not linked:
        return NOBODY
    row = linked[int(luck * len(linked))]
    return on_channel(f"products/{row['id']}", act="unlink", version=str(row["version"]))(family, sub, luck)


def on_job(act: str) -> Deal:
    """A job of the main store is cancelled, or tried again."""

    def press(family: Family, _sub: Kin, luck: float) -> Presses:
        job = family.main.pick(luck, "select id from sync_jobs where store_id = %s order by id desc limit 5")
        return [(family.main, Push(f"/{family.main.slug}/jobs/{job['id']}/{act}"))] if job else NOBODY

    return press


def look(family: Family, sub: Kin, luck: float) -> Presses:
    """Somebody looks at a page."""
    who = family.main if luck < 0.5 else sub
    pages = ("", "orders", "channels/", "inventory", "inventory/movements", "channels/authorized", "failed", "jobs")
    return [(who, Push(f"/{who.slug}/{pages[int(luck * 1000) % len(pages)]}", method="GET"))]


LINKING: Final[Mapping[str, tuple[int, Deal]]] = {
    "enter code": (2, enter_code),
    "ask": (4, ask),
    "ask again": (4, ask_again),
    "grant": (8, grant),
    "deny": (1, deny),
    "withdraw": (1, withdraw),
    "grant while withdrawn": (1, grant_withdrawn),
    "end": (1, end),
    "rotate code": (1, rotate),
    "lower plan": (1, plan("growth")),
    "raise plan": (2, plan("premium")),
    "track by batch": (1, track("batch")),
    "track no more": (2, track("none")),
}
"""How often what makes, suspends and ends a link is done in comparison."""

SHELVES: Final[Mapping[str, tuple[int, Deal]]] = {
    "adjust": (8, adjust),
    "adjust there": (2, adjust_there),
    "keep back": (2, keep_back),
    "read items": (3, on_channel("products/refresh")),
    "link items": (4, accept_certain),
    "unlink item": (1, unlink),
    "check": (2, on_channel("check")),
    "pause": (1, on_channel("pause")),
    "resume": (3, on_channel("resume")),
    "cancel job": (1, on_job("cancel")),
    "retry job": (1, on_job("retry")),
    "look": (3, look),
}
"""The same for what flows by itself, and what is looked at."""
