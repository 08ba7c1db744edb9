"""Pressing *Verify* and *Mend*, and reading what came of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import create_engine, text

from app.completeness.services import request_mending, request_verification
from app.core.completeness import Period
from tests.sync.merchant import Merchant

OCTOBER, TODAY = date(2026, 10, 1), date(2026, 11, 22)


def verify(merchant: Merchant, since: date = OCTOBER, until: date = TODAY) -> Any:
    """Verify these days to the end; the verification's row."""
    press_verify(merchant, since, until)
    merchant.work()
    return last(merchant)


def press_verify(merchant: Merchant, since: date = OCTOBER, until: date = TODAY) -> int:
    """Press *Verify*; the job's id."""
    with merchant.acting():
        return request_verification(merchant.channel_id, Period(since, until), merchant.store.owner.id).job_id


def last(merchant: Merchant) -> Any:
    """The newest verification."""
    return merchant.rows("select * from verifications order by id desc limit 1")[0]


def days(merchant: Merchant) -> list[Any]:
    """The days of the newest verification."""
    return merchant.rows(
        "select * from verification_days where verification_id = (select max(id) from verifications) "
        "order by day, currency"
    )


def deviations(merchant: Merchant) -> list[Any]:
    """The deviations of the newest verification."""
    return merchant.rows(
        "select * from deviations where verification_id = (select max(id) from verifications) order by id"
    )


def told(merchant: Merchant) -> list[tuple[str, str, int]]:
    """The deviations of the newest verification as (kind, remote id, difference)."""
    return [(row.kind, row.remote_id, row.difference) for row in deviations(merchant)]


def mend(merchant: Merchant, *deviation_ids: int) -> None:
    """Mend some deviations of the newest verification (all without ids), to the end."""
    with merchant.acting():
        request_mending(last(merchant).id, deviation_ids or None, merchant.store.owner.id)
    merchant.work()


def lose(merchant: Merchant, *remote_ids: str) -> None:
    """Let orders never have come in; the application itself could not take them away."""
    engine = create_engine(merchant.app.extensions["settings"].database_owner_url or "")
    store = f"store_id = {merchant.store.id}"
    orders = f"(select id from orders where {store} and remote_id = any(:ids))"
    invoices = f"(select id from invoices where {store} and order_id in {orders})"
    with engine.begin() as connection:
        for sql in (
            f"delete from changes where {store} and order_id in {orders}",
            f"delete from invoice_lines where {store} and invoice_id in {invoices}",
            f"delete from invoices where {store} and order_id in {orders}",
            f"delete from orders where {store} and remote_id = any(:ids)",
            f"delete from seen_orders where {store} and remote_id = any(:ids)",
        ):
            connection.execute(text(sql), {"ids": list(remote_ids)})
    engine.dispose()
