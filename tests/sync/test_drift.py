"""Things that move while a job reads: rows, marketplaces, settings. What was not read is never called complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from app.connectors.sitegiant import SiteGiant
from app.core.types import OrderPage, OrderWindow
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


@pytest.fixture
def stocked(merchant: Merchant) -> Merchant:
    """A connected shop with 250 paid orders, nothing checked yet."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 251)])
    merchant.connect()
    return merchant


def abandon(merchant: Merchant) -> None:
    """The job's worker is gone; another takes it over and ends it."""
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    merchant.work()


def test_a_marketplace_that_appears_in_the_middle_is_not_called_read(stocked: Merchant) -> None:
    stocked.run_steps(stocked.press_check().job_id, 2)
    stocked.execute(
        "insert into marketplaces (store_id, channel_id, remote_id, name, kind, currency) "
        "select store_id, id, '999', 'New', '', 'MYR' from channels"
    )
    abandon(stocked)
    assert stocked.job().state == "succeeded"
    assert stocked.scalar("select count(*) from checkpoints where stream = 'orders:999'") == 0
    assert stocked.scalar("select count(*) from checkpoints") == 1


def test_a_marketplace_that_left_the_channel_does_not_stop_the_others(stocked: Merchant) -> None:
    stocked.execute(
        "insert into marketplaces (store_id, channel_id, remote_id, name, kind, currency) "
        "select store_id, id, '999', 'Gone', '', 'MYR' from channels"
    )
    stocked.check()
    assert stocked.job().state == "succeeded", stocked.job()
    assert stocked.scalar("select count(*) from orders") == 250


def test_a_start_date_that_moves_back_during_a_check_is_swept_again(stocked: Merchant) -> None:
    stocked.run_steps(stocked.press_check().job_id, 2)
    stocked.execute("update channels set start_at = start_at - interval '30 days', swept_at = null")
    abandon(stocked)
    assert stocked.job().state == "succeeded"
    assert stocked.scalar("select swept_at is null from channels")


def test_a_first_page_that_is_empty_but_counted_is_not_an_empty_window(
    stocked: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emptied(self: SiteGiant, window: OrderWindow, page: int, currencies: Mapping[str, str]) -> OrderPage:
        found = listed(self, window, page, currencies)
        return replace(found, stubs=(), is_last=True) if page == 1 else found

    listed = SiteGiant.list_orders
    monkeypatch.setattr(SiteGiant, "list_orders", emptied)
    stocked.check()
    assert stocked.job().state == "partly"
    assert stocked.job().counts["short"] == 250
    assert stocked.scalar("select checked_at is null from channels")


def test_an_order_that_slips_in_before_the_page_being_read_is_not_passed_over(stocked: Merchant) -> None:
    job_id = stocked.press_check().job_id
    stocked.run_steps(job_id, 2)
    assert stocked.scalar("select count(*) from orders") == 100
    stocked.shop.add(an_order(order_id=9000, order_creation_date="2026-11-19T08:00:00+08:00"))
    abandon(stocked)
    assert stocked.job().counts.get("short") == 1
    assert stocked.scalar("select checked_at is null from channels")
    stocked.check()
    assert stocked.job().state == "succeeded"
    assert stocked.scalar("select count(*) from orders") == 251
