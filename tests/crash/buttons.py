"""What people press during a run, by name: each finds out what there is to press now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.crash.people import Button, Crowd, People, Push

BLOCKED = "select id from changes where store_id = %s and state in ('blocked', 'planned') order by id"


def on_channel(path: str, **form: str) -> Button:
    """A button of the channel's pages."""
    return lambda people, _luck: Push(f"{people.channel}/{path}", form)


def look_at(*paths: str) -> Button:
    """One of these pages, opened and looked at."""

    def look(people: People, luck: float) -> Push:
        return Push(f"/{people.slug}/{paths[int(luck * len(paths))]}", method="GET")

    return look


def sync(people: People, _luck: float) -> Push:
    """Everything that is ready."""
    return Push(f"/{people.slug}/orders/sync", {"all": "1", "filter": ""})


def sync_some(people: People, luck: float) -> Push | None:
    """Some ticked orders, ready or not."""
    rows = people.rows("select id from orders where store_id = %s order by id")
    ticked = [row["id"] for row in rows[int(luck * len(rows)) :][:7]]
    return Push(f"/{people.slug}/orders/sync", {"order_id": [str(one) for one in ticked]}) if ticked else None


def cancel(people: People, luck: float) -> Push | None:
    """A job that waits or runs."""
    sql = "select id from sync_jobs where store_id = %s and state in ('queued', 'running') order by id"
    job = people.pick(luck, sql)
    return Push(f"/{people.slug}/jobs/{job['id']}/cancel") if job else None


def retry(people: People, luck: float) -> Push | None:
    """Any job, ended or waiting."""
    job = people.pick(luck, "select id from sync_jobs where store_id = %s order by id")
    return Push(f"/{people.slug}/jobs/{job['id']}/retry") if job else None


def on_change(act: str, **form: str) -> Button:
    """A number that was not written back."""

    def press(people: People, luck: float) -> Push | None:
        change = people.pick(luck, BLOCKED)
        return Push(f"/{people.slug}/changes/{change['id']}/{act}", form) if change else None

    return press


def map_gateway(*, to_method: bool) -> Button:
    """A gateway gets a payment method, or loses it."""

    def press(people: People, luck: float) -> Push | None:
        mapping = people.pick(luck, "select id, version from payment_mappings where store_id = %s order by id")
        method = people.pick(luck, "select id from payment_methods where store_id = %s order by id")
        if mapping is None or method is None:
            return None
        form = {"payment_method_id": str(method["id"]) if to_method else "", "version": str(mapping["version"])}
        return Push(f"{people.channel}/payments/{mapping['id']}", form)

    return press


def map_marketplace(people: People, luck: float) -> Push | None:
    """A marketplace gets a new salesperson."""
    sql = """select p.id, coalesce(m.version, 0) as version from marketplaces p left join salesperson_mappings m
             on m.store_id = p.store_id and m.marketplace_id = p.id where p.store_id = %s order by p.id"""
    place = people.pick(luck, sql)
    if place is None:
        return None
    form = {"salesperson_id": "", "new_name": f"Aminah {int(luck * 1000)}", "version": str(place["version"])}
    return Push(f"{people.channel}/marketplaces/{place['id']}", form)


def rules(**changed: str) -> Callable[[Crowd, float], Push | None]:
    """The store's rules with something changed; the numbers stay as they are."""

    def press(people: Crowd, _luck: float) -> Push | None:
        sql = """select unmapped_gateway, unlinked_items, auto_delivery_order, invoice_date_rule, prefix, padding::text,
                        case when auto_credit then 'y' else '' end as auto_credit
                 from stores s join number_series n on n.store_id = s.id and n.code = 'invoice' where s.id = %s"""
        (now,) = people.rows(sql)
        form = {**now, "next_number": "1", "shown_number": "1", **changed}
        return Push(f"/{people.slug}/settings/invoicing", {name: value for name, value in form.items() if value})

    return press


def on_invoice(act: str, **form: str) -> Callable[[Crowd, float], Push | None]:
    """A live invoice is taken back or issued anew; a credit says how much of it the person saw credited before."""

    def press(people: Crowd, luck: float) -> Push | None:
        sql = "select id, credited from invoices where store_id = %s and state = 'posted' order by id"
        invoice = people.pick(luck, sql)
        if invoice is None:
            return None
        said = {"words": "The customer asked for it", "seen": str(invoice["credited"]), "confirmed": "1"}
        return Push(f"/{people.slug}/invoices/{invoice['id']}/{act}", {**said, **form})

    return press


def invoice_again(people: People, luck: float) -> Push | None:
    """The sale of a credited invoice stands after all."""
    order = people.pick(luck, "select id from orders where store_id = %s and reason = 'CREDITED' order by id")
    return Push(f"/{people.slug}/orders/{order['id']}/invoice-again", {"words": "It was paid"}) if order else None


def on_cause(act: str, *, one: bool) -> Button:
    """Orders that are held: one of them, or all that are held for the same reason."""

    def press(people: People, luck: float) -> Push | None:
        order = people.pick(luck, "select id, reason from orders where store_id = %s and state = 'held' order by id")
        if order is None:
            return None
        path = f"/{people.slug}/failed/{people.channel_id}/orders/{order['reason']}/{act}"
        return Push(path, {"words": "Sold to ourselves", **({"row": str(order["id"])} if one else {})})

    return press


def on_failed_number(people: People, _luck: float) -> Push:
    """All numbers that somebody else's keeps from being written."""
    return Push(f"/{people.slug}/failed/{people.channel_id}/write_backs/FOREIGN_NUMBER/retry")


def take_back(people: People, luck: float) -> Push | None:
    """An order that was left out."""
    order = people.pick(luck, "select id from orders where store_id = %s and reason = 'IGNORED' order by id")
    if order is None:
        return None
    return Push(f"/{people.slug}/failed/{people.channel_id}/take-back", {"kind": "orders", "row": str(order["id"])})


def find(people: People, luck: float) -> Push | None:
    """Where is my order? The channel is asked for it."""
    order = people.pick(luck, "select remote_id from seen_orders where store_id = %s order by remote_id")
    form = {"channel_id": str(people.channel_id)}
    if order is None:
        return None
    # A channel that somebody pauses at the same moment is none that can be asked.
    return Push(f"/{people.slug}/orders/find/ask", {**form, "q": order["remote_id"]}, may_be_gone=True)


def close_books(people: People, luck: float) -> Push:
    """A month is closed, the last one or the one before; whoever closes it was told of orders that are not booked."""
    first = datetime.now(UTC).date().replace(day=1)
    through = (
        first - timedelta(days=1) if luck < 0.5 else (first - timedelta(days=1)).replace(day=1) - timedelta(days=1)
    )
    return Push(f"/{people.slug}/settings/closing", {"through": through.isoformat(), "not_booked": "1000000"})


def open_books(people: Crowd, _luck: float) -> Push | None:
    """The newest closed month is opened again."""
    (store,) = people.rows("select closed_through as day from stores where id = %s")
    form = {"closed": str(store["day"]), "words": "An order came late"}
    return Push(f"/{people.slug}/settings/closing/open", form) if store["day"] else None


def mend(people: People, luck: float) -> Push | None:
    """All that a verification found."""
    found = people.pick(luck, "select id from verifications where store_id = %s order by id")
    return Push(f"/{people.slug}/verify/{found['id']}/mend", {"all": "1"}) if found else None


def link_product(act: str) -> Button:
    """A product of the channel means an item, none, or a new one."""

    def press(people: People, luck: float) -> Push | None:
        listing = people.pick(luck, "select id, version, candidate_ids from listings where store_id = %s order by id")
        if listing is None:
            return None
        items = {"item_id": str(listing["candidate_ids"][0])} if listing["candidate_ids"] else {}
        form = {"act": act if items or act != "link" else "create", "version": str(listing["version"]), **items}
        return Push(f"{people.channel}/products/{listing['id']}", form)

    return press


def accept_certain(people: People, _luck: float) -> Push:
    """All certain links, as many as there were when the page was made."""
    sql = """select count(*) from listings where store_id = %s and item_id is null and certainty = 'certain'"""
    (certain,) = people.rows(sql)
    return Push(f"{people.channel}/products/accept", {"count": str(certain["count"])})


def undo_batch(people: People, luck: float) -> Push | None:
    """Links that were saved together are taken back."""
    batch = people.pick(luck, "select batch from listings where store_id = %s and batch is not null order by id")
    return Push(f"{people.channel}/products/undo", {"batch": batch["batch"]}) if batch else None


BUTTONS: Final[Mapping[str, tuple[int, Button]]] = {
    "check": (4, on_channel("check")),
    "sync": (5, sync),
    "sync some": (3, sync_some),
    "sync now": (3, on_channel("sync-now")),
    "cancel": (2, cancel),
    "retry": (3, retry),
    "retry write-back": (3, on_change("retry")),
    "drop write-back": (1, on_change("drop", confirmed="1")),
    "map gateway": (4, map_gateway(to_method=True)),
    "unmap gateway": (2, map_gateway(to_method=False)),
    "map marketplace": (2, map_marketplace),
    "hold unmapped": (1, rules(unmapped_gateway="hold")),
    "book unmapped": (2, rules(unmapped_gateway="cash")),
    "hold unlinked": (1, rules(unlinked_items="hold")),
    "book unlinked": (2, rules(unlinked_items="book")),
    "credit at once": (2, rules(auto_credit="y")),
    "credit by hand": (1, rules(auto_credit="")),
    "delivery orders": (1, rules(auto_delivery_order="on_save")),
    "no delivery orders": (2, lambda people, _luck: Push(f"/{people.slug}/delivery-orders/none")),
    "pause": (1, on_channel("pause")),
    "resume": (2, on_channel("resume")),
    "re-issue": (3, on_invoice("reissue")),
    "credit": (2, on_invoice("credit", how="full")),
    "credit a part": (1, on_invoice("credit", how="amount", amount="0.50")),
    "invoice again": (2, invoice_again),
    "retry one": (2, on_cause("retry", one=True)),
    "retry all": (2, on_cause("retry", one=False)),
    "retry numbers": (1, on_failed_number),
    "leave out": (1, on_cause("ignore", one=True)),
    "take back": (2, take_back),
    "find": (2, find),
    "close books": (1, close_books),
    "open books": (2, open_books),
    "verify": (2, on_channel("verify")),
    "mend": (1, mend),
    "read products": (2, on_channel("products/refresh")),
    "create items": (1, on_channel("products/create")),
    "accept certain": (1, accept_certain),
    "undo links": (1, undo_batch),
    "link product": (2, link_product("link")),
    "unlink product": (1, link_product("unlink")),
    "refresh marketplaces": (1, on_channel("marketplaces/refresh")),
    "auto sync": (1, on_channel("auto-sync", on="y", minutes="15")),
    "announce at once": (3, on_channel("announce", announce="on")),
    "announce no more": (1, on_channel("announce", announce="off")),
    "look": (
        5,
        look_at("", "orders", "failed", "invoices", "jobs", "channels/", "settings/closing", "verify", "inventory"),
    ),
}
"""How often a button is pressed in comparison, and what it sends."""
