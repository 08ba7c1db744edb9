"""A channel held against the books: what is missing, extra or different is found, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from app.connectors.base import Capability
from app.connectors.sitegiant import SiteGiant
from tests.completeness.verifying import days, deviations, last, press_verify, told, verify
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant

NUMBERS = range(1, 131)


@pytest.fixture
def books(merchant: Merchant) -> Merchant:
    """130 paid orders of 42.00, all in, all booked."""
    merchant.shop.add(*[an_order(order_id=number) for number in NUMBERS])
    merchant.connect()
    merchant.check()
    merchant.sync()
    return merchant


def lose(merchant: Merchant, *remote_ids: str) -> None:
    """Let orders never have come in."""
    for table in ("changes", "invoice_lines", "order_lines", "raw_records", "invoices"):
        column = "invoice_id" if table == "invoice_lines" else "order_id"
        inner = "select id from orders where remote_id = any(:ids)"
        if table == "invoice_lines":
            inner = f"select id from invoices where order_id in ({inner})"
        own(merchant, f"delete from {table} where store_id = {merchant.store.id} and {column} in ({inner})", remote_ids)
    for table in ("orders", "seen_orders"):
        own(merchant, f"delete from {table} where store_id = {merchant.store.id} and remote_id = any(:ids)", remote_ids)


def own(merchant: Merchant, sql: str, remote_ids: Any) -> None:
    """Do as the owner of the tables what the application may not."""
    from sqlalchemy import create_engine, text

    engine = create_engine(merchant.app.extensions["settings"].database_owner_url or "")
    with engine.begin() as connection:
        connection.execute(text(sql), {"ids": list(remote_ids)})
    engine.dispose()


def test_what_agrees_is_said_to_agree_to_the_cent(books: Merchant) -> None:
    found = verify(books)
    assert books.job().state == "succeeded", books.job()
    assert (found.orders, found.missing, found.extra, found.differing, found.newer, found.short) == (130, 0, 0, 0, 0, 0)
    assert found.by_update
    assert found.finished_at is not None
    (day,) = days(books)
    assert (day.day, day.currency) == (date(2026, 11, 20), "MYR")
    assert (day.remote_orders, day.remote_total, day.remote_paid) == (130, 130 * 4200, 130)
    assert (day.orders, day.total, day.invoiced, day.difference) == (130, 130 * 4200, 130 * 4200, 0)
    assert day.not_invoiced == {}
    assert told(books) == []
    assert books.scalar("select count(*) from verification_reads") == 0


def test_an_order_that_never_came_in_is_missing(books: Merchant) -> None:
    lose(books, "7", "130")
    found = verify(books)
    assert (found.orders, found.missing, found.extra, found.differing) == (130, 2, 0, 0)
    assert told(books) == [("missing", "130", 4200), ("missing", "7", 4200)]
    (day,) = days(books)
    assert (day.missing, day.difference, day.orders) == (2, 8400, 128)
    assert deviations(books)[0].remote["total"] == 4200
    assert deviations(books)[0].order_id is None
    assert books.scalar("select count(*) from orders") == 128
