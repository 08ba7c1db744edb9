"""After a run: a shop of KiotViet is healed, all flows again, and people press what they would until all is done."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
import requests

from app.embedded.processes import wait_until
from tests.crash.buttons import open_books, rules
from tests.crash.kin_settling import Restless
from tests.crash.ledger import FAILS
from tests.crash.vendor import LATER, SOLD, Vendor

HEALED_WITHIN: Final = 60.0
QUIET_WITHIN: Final = 120.0
NUDGE_EVERY: Final = 3.0
BOOK_ALL: Final = rules(unmapped_gateway="cash", unlinked_items="book", auto_delivery_order="none")
PAUSED: Final = "select 1 from channels where store_id = %s and kind = 'kiotviet' and status <> 'connected'"
WAITING: Final = "select id from sync_jobs where store_id = %s and state = 'queued' and not_before > now()"
DELAYED: Final = "select id from changes where store_id = %s and state = 'planned' and not_before > now()"
REFUSED: Final = """select id from changes where store_id = %s and state = 'blocked'
                    and reason in ('ORDER_REFUSED', 'ORDER_MISSING')"""
CALLS: Final = "select 1 from webhook_deliveries where store_id = %s and worked_at is null limit 1"
LOOKED: Final = (
    """select id, state from sync_jobs where store_id = %s and kind = 'announced' order by id desc limit 1"""
)
FIRST_LOST: Final = 2
"""So many answers are lost of the first writes after a run, when most of what waited is sent."""
FLOWS: Final = """select 1 from channels where store_id = %s and kind = 'kiotviet' and takes_products and takes_orders
                  and gives_orders and takes_stock and takes_prices"""


def settle_stall(vendor: Vendor, *, reread: bool) -> None:
    """Let all flow, link all that both sell, refresh until both sides have everything, and let the site itself hold
    its books against the shop. `reread` has the whole list of sales read again, for a status that was told wrong once
    is told right in no list of what changed. Restless."""
    if not wait_until(lambda: _heals(vendor), HEALED_WITHIN, 0.5):
        raise Restless("KiotViet does not answer")
    if not wait_until(lambda: _flows(vendor), QUIET_WITHIN, NUDGE_EVERY):
        raise Restless(f"what flows which way cannot be chosen\n{vendor.house.last_words()}")
    vendor.shop.fault("answer_lost", times=FIRST_LOST)
    while (push := open_books(vendor, 0)) is not None:
        vendor.press(push.path, push.form)
    push = BOOK_ALL(vendor, 0)
    assert push is not None
    vendor.press(push.path, push.form)
    until_quiet(vendor)
    _on_channel(vendor, "refresh-now")
    for sku in (*SOLD, LATER):
        _link(vendor, sku)
    until_quiet(vendor)
    for change in vendor.rows(REFUSED):
        vendor.press(f"/{vendor.slug}/changes/{change['id']}/retry")
    if reread:
        _on_channel(vendor, "check")
    vendor.press_sync()
    until_quiet(vendor)
    _on_channel(vendor, "refresh-now")
    _on_channel(vendor, "verify")


def until_quiet(vendor: Vendor) -> None:
    """Wait until nothing waits, runs or is announced; Restless. Calls that failed may come minutes later."""
    deadline = time.monotonic() + QUIET_WITHIN
    nudged_at = 0.0
    while True:
        try:
            left = _left(vendor)
            if not left:
                return
            if time.monotonic() > nudged_at + NUDGE_EVERY:
                nudged_at = time.monotonic()
                _nudge(vendor)
        except (psycopg.OperationalError, requests.RequestException):
            left = ["an answer"]
        if time.monotonic() > deadline:
            raise Restless(
                f"{vendor.name} is not quiet after {QUIET_WITHIN:.0f} s: {left}\n{vendor.house.last_words()}"
            )
        time.sleep(0.2)


def _left(vendor: Vendor) -> list[Any]:
    """What has still to happen."""
    if not vendor.is_idle() or vendor.rows(PAUSED):
        return [job for job in vendor.jobs() if not job.is_over] or ["the channel is paused, or a change waits"]
    return ["calls of KiotViet"] if vendor.rows(CALLS) else []


def _nudge(vendor: Vendor) -> None:
    """What people press when nothing moves: the channel goes on, and what waits is tried at once."""
    if vendor.rows(PAUSED):
        vendor.press(f"{vendor.channel}/resume")
    for job in vendor.rows(WAITING):
        vendor.press(f"/{vendor.slug}/jobs/{job['id']}/retry")
    # Calls rest for a while after a job that looked at them was cancelled, or failed.
    for job in vendor.rows(LOOKED) if vendor.rows(CALLS) else []:
        if job["state"] in FAILS:
            vendor.press(f"/{vendor.slug}/jobs/{job['id']}/retry")
    for change in vendor.rows(DELAYED)[:1]:
        vendor.press(f"/{vendor.slug}/changes/{change['id']}/retry")


def _heals(vendor: Vendor) -> bool:
    """Whether all faults of the shop are off now."""
    try:
        vendor.shop.steer("DELETE", "faults")
    except (requests.RequestException, AssertionError):
        return False
    return True


def _flows(vendor: Vendor) -> bool:
    """Whether everything flows, after *Finish* was pressed once more."""
    try:
        if vendor.rows(PAUSED):
            vendor.press(f"{vendor.channel}/resume")
        vendor.press(f"{vendor.channel}/set-up", vendor.set_up_form())
        return bool(vendor.rows(FLOWS))
    except (psycopg.OperationalError, requests.RequestException, AssertionError):
        return False


def _on_channel(vendor: Vendor, path: str) -> None:
    vendor.press(f"{vendor.channel}/{path}")
    until_quiet(vendor)


def _link(vendor: Vendor, sku: str) -> None:
    push = vendor.linking(sku, "link")
    if push is not None:
        vendor.press(push.path, push.form)
