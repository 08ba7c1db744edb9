"""What people press during a run, by name: each finds out what there is to press now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.crash.people import Button, People, Push

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


def unmapped_gateways(rule: str) -> Button:
    """What happens to orders whose gateway has no payment method; the numbers stay as they are."""

    def press(people: People, _luck: float) -> Push | None:
        series = people.pick(0, "select prefix, padding from number_series where store_id = %s and code = 'invoice'")
        if series is None:
            return None
        numbers = {"prefix": series["prefix"], "padding": str(series["padding"])}
        untouched = {"next_number": "1", "shown_number": "1"}
        rules = {"invoice_date_rule": "created", "unmapped_gateway": rule, "auto_delivery_order": "none"}
        return Push(f"/{people.slug}/settings/invoicing", {**numbers, **untouched, **rules})

    return press


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
    "hold unmapped": (1, unmapped_gateways("hold")),
    "book unmapped": (2, unmapped_gateways("cash")),
    "pause": (1, on_channel("pause")),
    "resume": (2, on_channel("resume")),
    "auto sync": (1, on_channel("auto-sync", on="y", minutes="15")),
    "look": (5, look_at("", "orders", "failed", "invoices", "jobs", "channels/")),
}
"""How often a button is pressed in comparison, and what it sends."""
