"""What the people of a store with a shop of KiotViet press during a run: orders that are made here and go there, links,
refreshes, and what flows which way. Each finds out what there is to press now."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

import requests

from tests.crash.family import Promise
from tests.crash.people import Push
from tests.crash.sales import BUYERS, KINDS, OWN, going, key_of, typed
from tests.crash.vendor import LATER, NEVER, SOLD, Vendor

Sale = Callable[[Vendor, float], Push | None]
GIVEN: Final = "select id from changes where store_id = %s and kind = 'order' and {} order by id"
LEFT: Final = "state = 'dropped' and reason is not null"
OPEN: Final = "state in ('blocked', 'planned')"


def by_program(vendor: Vendor, luck: float) -> Push:
    """The webshop sends an order."""
    return vendor.asking(key_of(luck), document(luck, SOLD))


def again(vendor: Vendor, luck: float) -> Push | None:
    """It sends one that it sent before, as if it had not heard the answer."""
    keys = sorted(key for key, promise in vendor.promises.items() if promise.by_program)
    if not keys:
        return None
    key = keys[int(luck * len(keys))]
    return vendor.asking(key, vendor.promises[key].asked[0])


def by_page(vendor: Vendor, luck: float) -> Push:
    """Somebody types one."""
    return _typing(vendor, luck, document(luck, SOLD))


def unlinked(vendor: Vendor, luck: float) -> Push:
    """One with something that means no product there, or does not yet."""
    order = document(luck, (*SOLD, LATER if int(luck * 100) % 4 else NEVER), all_of=True)
    return _typing(vendor, luck, order) if luck < 0.5 else vendor.asking(key_of(luck), order)


def _typing(vendor: Vendor, luck: float, order: Mapping[str, Any]) -> Push:
    key = key_of(luck)
    promise = vendor.promises.setdefault(key, Promise(by_program=False, asked=[order]))

    def heard(answer: requests.Response) -> None:
        if answer.status_code == 303:
            promise.order_ids.add(int(answer.headers["Location"].rsplit("/", 1)[1]))

    return Push(f"/{vendor.slug}/orders/new", typed(order) | {"press": key, "save": "1"}, heard=heard)


def edit(vendor: Vendor, luck: float) -> Push | None:
    """Other quantities, or other goods, as long as it is not packed or invoiced."""
    order = _pick(vendor, luck, "and o.status in ('open', 'processing', 'on_hold')")
    promise = vendor.promises.get(order["note"]) if order else None
    if order is None or promise is None:
        return None
    skus = (*SOLD, LATER) if luck < 0.3 else SOLD
    said = {**document(luck, skus), "note": order["note"], "payment_status": order["payment_status"]}
    promise.asked.append(said)
    return Push(f"/{vendor.slug}/orders/{order['id']}/edit", typed(said) | {"save": "1"})


def mark(to: str, known: str) -> Sale:
    """Somebody pays at last, or gets it back."""

    def press(vendor: Vendor, luck: float) -> Push | None:
        order = _pick(vendor, luck, f"and o.payment_status = '{known}'")
        return Push(f"/{vendor.slug}/orders/{order['id']}/mark/{to}") if order else None

    return press


def move(vendor: Vendor, luck: float) -> Push | None:
    """Somebody says where an order stands."""
    order = _pick(vendor, luck)
    if order is None:
        return None
    to, form = going(order["status"], luck)
    return Push(f"/{vendor.slug}/orders/{order['id']}/move/{to}", form)


def move_by_program(vendor: Vendor, luck: float) -> Push | None:
    """The webshop does."""
    order = _pick(vendor, luck)
    if order is None:
        return None
    to, label = going(order["status"], luck)
    body = json.dumps({"status": to, **label})
    return Push(f"/api/v1/orders/{order['id']}", method="PATCH", body=body, headers=vendor.program)


def cancel(vendor: Vendor, luck: float) -> Push | None:
    """An order is called off, sent or not."""
    order = _pick(vendor, luck, "and o.status not in ('cancelled', 'returned', 'completed')")
    return Push(f"/{vendor.slug}/orders/{order['id']}/move/cancelled") if order else None


def sync(vendor: Vendor, _luck: float) -> Push:
    """Everything that is ready is booked."""
    return Push(f"/{vendor.slug}/orders/sync", {"all": "1", "filter": ""})


def on_channel(path: str, **form: str) -> Sale:
    """A button of the channel's pages."""
    return lambda vendor, _luck: Push(f"{vendor.channel}/{path}", form)


def set_up(*without: str, **changed: str) -> Sale:
    """What flows which way is chosen anew."""
    return lambda vendor, _luck: Push(f"{vendor.channel}/set-up", vendor.set_up_form(*without, **changed))


def link(vendor: Vendor, luck: float) -> Push | None:
    """A product means its item, often the one that is called otherwise there."""
    return vendor.linking(LATER if luck < 0.5 else SOLD[int(luck * 100) % len(SOLD)], "link")


def unlink(vendor: Vendor, luck: float) -> Push | None:
    """It means nothing any more."""
    return vendor.linking(LATER if luck < 0.3 else SOLD[int(luck * 100) % len(SOLD)], "unlink")


def accept(vendor: Vendor, _luck: float) -> Push:
    """All certain links."""
    return vendor.accepting()


def on_given(act: str, which: str = OPEN, **form: str) -> Sale:
    """An order that could not be made there."""

    def press(vendor: Vendor, luck: float) -> Push | None:
        change = vendor.pick(luck, GIVEN.format(which))
        return Push(f"/{vendor.slug}/changes/{change['id']}/{act}", form) if change else None

    return press


def take_back(vendor: Vendor, luck: float) -> Push | None:
    """One that was left out is to be made there after all."""
    change = vendor.pick(luck, GIVEN.format(LEFT))
    if change is None:
        return None
    form = {"kind": "given", "row": str(change["id"])}
    return Push(f"/{vendor.slug}/failed/{vendor.channel_id}/take-back", form)


def on_job(act: str, states: Sequence[str]) -> Sale:
    """A job is cancelled, or done again."""

    def press(vendor: Vendor, luck: float) -> Push | None:
        rows = vendor.rows("select id from sync_jobs where store_id = %s and state = any(%s) order by id", list(states))
        return Push(f"/{vendor.slug}/jobs/{rows[int(luck * len(rows))]['id']}/{act}") if rows else None

    return press


def look(vendor: Vendor, luck: float) -> Push:
    """Somebody looks at a page."""
    channel = vendor.channel.removeprefix(f"/{vendor.slug}/")
    pages = ("", "orders", "failed", "inventory", f"{channel}/products", f"{channel}/orders", f"{channel}/set-up")
    return Push(f"/{vendor.slug}/{pages[int(luck * len(pages))]}", method="GET")


def document(luck: float, skus: Sequence[str], *, all_of: bool = False) -> Mapping[str, Any]:
    """An order as it is asked for, in dong; `all_of` these goods, or some."""
    draw = Random(luck)
    lines = [
        {"sku": sku, "name": sku.title(), "quantity": str(draw.randrange(1, 5)), "unit_price": _price(draw)}
        for sku in draw.sample(skus, len(skus) if all_of else draw.randrange(1, len(skus) + 1))
    ]
    return {
        "kind": draw.choice(KINDS),
        "payment_status": draw.choice(("paid", "paid", "unpaid")),
        "payment_method": draw.choice(("Cash", "Visa", "FPX")),
        "buyer": draw.choice(BUYERS),
        "lines": lines,
        "shipping": draw.choice(("0", "15000", "25000")),
        "note": key_of(luck),
    }


def _price(draw: Random) -> str:
    return str(draw.randrange(5, 90) * 1000 + draw.choice((0, 0, 500, 123)))


def _pick(vendor: Vendor, luck: float, more: str = "") -> dict[str, Any] | None:
    """An order that was made here, a late one rather than an early one."""
    rows = vendor.rows(f"{OWN} {more} order by o.id desc limit 12")
    return rows[int(luck * len(rows))] if rows else None


VENDING: Final[Mapping[str, tuple[int, Sale]]] = {
    "order by program": (12, by_program),
    "order by page": (10, by_page),
    "order again": (4, again),
    "order unlinked": (6, unlinked),
    "edit": (5, edit),
    "pay": (4, mark("paid", "unpaid")),
    "refund": (1, mark("refunded", "paid")),
    "move": (6, move),
    "move by program": (2, move_by_program),
    "cancel": (4, cancel),
    "sync": (2, sync),
    "refresh now": (6, on_channel("refresh-now")),
    "check": (2, on_channel("check")),
    "sync now": (1, on_channel("sync-now")),
    "read products": (1, on_channel("products/refresh")),
    "link": (4, link),
    "unlink": (2, unlink),
    "accept certain": (2, accept),
    "all flows": (5, set_up()),
    "give no more": (1, set_up("gives_orders")),
    "take no orders": (1, set_up("takes_orders")),
    "count here": (1, set_up(stock="here", prices="here")),
    "announce no more": (1, set_up("announces")),
    "announce at once": (1, on_channel("announce", announce="on")),
    "retry given": (3, on_given("retry")),
    "leave given": (1, on_given("drop", confirmed="1")),
    "take back": (2, take_back),
    "pause": (1, on_channel("pause")),
    "resume": (3, on_channel("resume")),
    "cancel job": (1, on_job("cancel", ("queued", "running"))),
    "retry job": (1, on_job("retry", ("partly", "failed", "cancelled", "succeeded"))),
    "verify": (1, on_channel("verify")),
    "look": (4, look),
}
"""How often a button is pressed in comparison, and what it sends."""
