"""A channel that lists by the last change, all branches together and in full: each sale comes in once, whatever is
edited while one reads, and neither an order's invoice nor an order of ours comes in beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.states import Reason
from app.core.types import OrderStatus, UnreadableOrder
from app.orders import finding
from app.orders.failed import CauseKey, CauseKind
from app.orders.failed_rows import failed_page
from app.sync.services import TakesNoOrdersError, request_job, request_sync_now, retry_job
from app.web.pagination import Keyset
from tests.completeness.verifying import deviations, lose, told, verify
from tests.support.factories import SomeStore, signed_in
from tests.sync.by_change import NOW, ChangeConnector, ChangeMerchant, a_sale
from tests.sync.merchant import Merchant
from tests.sync.test_costs import counted

MARK = "0123456789abcdef" * 2


@pytest.fixture
def merchant(app: Flask, store: SomeStore, monkeypatch: pytest.MonkeyPatch) -> ChangeMerchant:
    monkeypatch.setattr("app.connectors.REGISTRY", {"fake": ChangeConnector})
    made = ChangeMerchant(app, store)
    made.connect()
    return made


@pytest.fixture
def stocked(merchant: ChangeMerchant, monkeypatch: pytest.MonkeyPatch) -> ChangeMerchant:
    """25 orders and 5 sales by invoice on pages of ten, nothing checked yet."""
    monkeypatch.setattr(ChangeConnector, "page_size", 10)
    merchant.sold.put(*[a_sale(f"orders/{n}", total=2100) for n in range(1, 26)])
    merchant.sold.put(*[a_sale(f"invoices/{n}", marketplace_id="12") for n in range(1, 6)])
    return merchant


def everything(merchant: ChangeMerchant) -> list[str]:
    return sorted(merchant.sold.orders)


def test_all_lists_are_read_once_and_nobody_asks_for_an_order_by_its_id(stocked: ChangeMerchant) -> None:
    stocked.check()
    assert stocked.job().state == "succeeded", stocked.job()
    assert sorted(stocked.orders()) == everything(stocked)
    assert stocked.sold.asked == []
    assert "get_orders" not in stocked.sold.calls
    streams = dict(stocked.rows("select stream, through_at from checkpoints"))
    assert set(streams) == {"orders:orders", "orders:invoices"}
    places = dict(
        stocked.rows("select m.name, count(*) from orders o join marketplaces m on m.id = o.marketplace_id group by 1")
    )
    assert places == {"Hà Nội": 25, "Sài Gòn": 5}


def test_a_later_round_asks_for_what_changed_since_with_an_overlap(stocked: ChangeMerchant) -> None:
    stocked.check()
    stocked.sold.windows.clear()
    before = dict(stocked.rows("select remote_id, xmin::text from orders"))
    stocked.sold.edit("orders/7", at=datetime.now(UTC), status=OrderStatus.CANCELLED, status_text="Cancelled")
    stocked.sold.put(a_sale("orders/26", updated_at=datetime.now(UTC)))
    with stocked.acting():
        request_job(stocked.channel_id, "refresh", None, None)
    stocked.work()
    assert stocked.job().state == "succeeded", stocked.job()
    assert stocked.job().counts["listed"] == 2
    since = min(window.since for window in stocked.sold.windows)
    assert timedelta(minutes=50) < datetime.now(UTC) - since < timedelta(hours=2)
    after = dict(stocked.rows("select remote_id, xmin::text from orders"))
    assert {one for one in after if after[one] != before.get(one)} == {"orders/7", "orders/26"}


def test_a_check_reads_everything_and_writes_only_what_changed(stocked: ChangeMerchant) -> None:
    stocked.check()
    before = dict(stocked.rows("select remote_id, xmin::text from orders"))
    stocked.sold.edit("orders/3", note="hot")
    stocked.check()
    assert stocked.job().counts["listed"] == 30
    after = dict(stocked.rows("select remote_id, xmin::text from orders"))
    assert {one for one in after if after[one] != before[one]} == {"orders/3"}
    assert stocked.sold.asked == [], "no open order is asked for by itself"


def test_what_enters_an_earlier_page_while_one_reads_is_no_loss(stocked: ChangeMerchant) -> None:
    """It pushes every row behind it on: one comes again, and what entered is in the next round."""
    stocked.sold.put(a_sale("orders/0", updated_at=datetime(2025, 1, 1, tzinfo=UTC)))

    def edit(list_id: str, page: int) -> None:
        if (list_id, page) == ("orders", 3):
            stocked.sold.edit("orders/0", at=datetime.now(UTC))

    stocked.sold.meanwhile = edit
    stocked.check()
    assert (stocked.job().state, stocked.job().counts.get("short")) == ("succeeded", None), stocked.job()
    assert sorted(stocked.orders()) == everything(stocked)


def test_pages_that_were_read_out_of_turn_around_an_edit_lose_nothing(stocked: ChangeMerchant) -> None:
    """The first page is answered after an old order entered it, and the second was answered before that."""
    stocked.sold.put(a_sale("orders/0", updated_at=datetime(2025, 1, 1, tzinfo=UTC)))
    pages: list[tuple[str, int]] = []

    def edit(list_id: str, page: int) -> None:
        pages.append((list_id, page))
        is_second_look = pages.count(("orders", 1)) == 2 and pages.count(("orders", 2)) == 0
        if is_second_look or (list_id, page) != ("orders", 2):
            return
        stocked.sold.edit("orders/0", at=datetime.now(UTC))

    stocked.sold.meanwhile = edit
    stocked.check()
    assert stocked.job().state == "succeeded", stocked.job()
    assert sorted(stocked.orders()) == everything(stocked)


def test_rows_that_were_counted_and_not_given_are_asked_for_again_and_then_named(stocked: ChangeMerchant) -> None:
    stocked.sold.swallows = {"orders/7"}
    stocked.check()
    assert (stocked.job().state, stocked.job().counts["short"]) == ("partly", 1)
    ((detail,),) = stocked.rows("select detail from journal where kind = 'list_short'")
    assert detail == {"list": "Orders", "missing": 1}
    assert stocked.rows("select stream from checkpoints") == [("orders:invoices",)]
    assert stocked.rows("select checked_at from channels where checked_at is not null") == []
    stocked.sold.swallows = set()
    stocked.check()
    assert stocked.job().state == "succeeded", stocked.job()
    assert sorted(stocked.orders()) == everything(stocked)


def test_rows_that_are_given_the_second_time_are_not_missed(stocked: ChangeMerchant) -> None:
    stocked.sold.swallows = {"orders/7"}

    def heal(list_id: str, page: int) -> None:
        if [window.list_id for window in stocked.sold.windows].count("invoices") > 1:
            stocked.sold.swallows = set()

    stocked.sold.meanwhile = heal
    stocked.check()
    assert (stocked.job().state, stocked.job().counts.get("short")) == ("succeeded", None), stocked.job()
    assert sorted(stocked.orders()) == everything(stocked)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_a_killed_check_goes_on_where_it_stood(stocked: ChangeMerchant, steps: int) -> None:
    stocked.sold.swallows = {"orders/7"}
    stocked.run_steps(stocked.press_check().job_id, steps)
    stocked.sold.swallows = set()
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    stocked.work()
    assert stocked.job().state == "succeeded", stocked.job()
    assert sorted(stocked.orders()) == everything(stocked)


def test_an_order_of_a_branch_that_is_not_told_of_comes_in_all_the_same(merchant: ChangeMerchant) -> None:
    merchant.sold.put(a_sale("orders/1", marketplace_id="99"))
    merchant.check()
    assert merchant.job().state == "succeeded", merchant.job()
    assert merchant.rows("select name, kind, currency from marketplaces where remote_id = '99'") == [
        ("#99", "branch", "MYR")
    ]
    assert merchant.orders() == ["orders/1"]


def test_an_orders_invoice_is_put_aside_and_found_by_its_number(merchant: ChangeMerchant, client: FlaskClient) -> None:
    merchant.sold.put(a_sale("orders/1"), a_sale("invoices/2", part_of="DH000001"))
    merchant.check()
    assert merchant.orders() == ["orders/1"]
    assert merchant.ledger()["invoices/2"] == ("skipped", "PART_OF_ORDER")
    written = merchant.scalar("select xmin::text from seen_orders where remote_id = 'invoices/2'")
    merchant.sold.edit("invoices/2", note="again")
    merchant.check()
    assert merchant.scalar("select xmin::text from seen_orders where remote_id = 'invoices/2'") == written
    page = signed_in(client, merchant.store.owner).get(merchant.store.url("/orders/find?q=hd000002")).text
    assert "It is the invoice of order DH000001" in page
    order_id = merchant.scalar("select id from orders")
    assert f'href="{merchant.store.url(f"/orders/{order_id}")}"' in page


@pytest.mark.parametrize("known", [{}, {"remote_id": "orders/9", "number": "DH000009"}])
def test_an_order_of_ours_is_known_by_its_mark_and_never_comes_in(
    merchant: ChangeMerchant, client: FlaskClient, known: dict[str, str]
) -> None:
    order_id = merchant.made_there(MARK, **known)
    merchant.sold.put(a_sale("orders/9", made_by=MARK), a_sale("orders/10", made_by="f" * 32), a_sale("orders/11"))
    merchant.check()
    assert sorted(merchant.orders()) == ["orders/10", "orders/11"], "a mark that nobody knows is no mark of ours"
    assert merchant.ledger()["orders/9"] == ("skipped", "MADE_HERE")
    assert merchant.rows("select remote_id, number from order_copies") == [("orders/9", "DH000009")]
    page = signed_in(client, merchant.store.owner).get(merchant.store.url("/orders/find?q=DH000009")).text
    assert "It is an order of yours, which we made there." in page
    assert f'href="{merchant.store.url(f"/orders/{order_id}")}"' in page


def test_an_order_of_ours_whose_mark_was_taken_away_stays_ours(merchant: ChangeMerchant) -> None:
    merchant.made_there(MARK)
    merchant.sold.put(a_sale("orders/9", made_by=MARK))
    merchant.check()
    merchant.sold.edit("orders/9", made_by="", note="changed by hand")
    merchant.check()
    assert merchant.orders() == []


def test_an_order_of_ours_that_was_never_listed_with_its_mark_is_known_by_its_id(merchant: ChangeMerchant) -> None:
    merchant.execute("update channels set gives_orders = true where id = :c", c=merchant.channel_id)
    merchant.made_there(MARK, remote_id="orders/9", number="DH000009")
    merchant.sold.put(a_sale("orders/9"))
    merchant.check()
    assert merchant.orders() == []
    assert merchant.ledger() == {"orders/9": ("skipped", "MADE_HERE")}


def test_an_order_into_which_somebody_copied_our_mark_is_an_order_of_its_own(merchant: ChangeMerchant) -> None:
    merchant.made_there(MARK)
    merchant.sold.put(a_sale("orders/9", made_by=MARK), a_sale("orders/12", made_by=MARK))
    merchant.check()
    assert merchant.orders() == ["orders/12"]
    assert merchant.rows("select remote_id from order_copies") == [("orders/9",)]


def announce(merchant: Merchant, *order_ids: str) -> None:
    merchant.execute(
        "insert into webhooks (store_id, channel_id, token_hash, secret) "
        "values (:s, :c, sha256(convert_to(cast(:c as text), 'UTF8')), '') on conflict do nothing",
        s=merchant.store.id,
        c=merchant.channel_id,
    )
    merchant.execute(
        "insert into webhook_deliveries (store_id, channel_id, key, topic, order_ids, body) "
        "values (:s, :c, :k, 'order.update', :ids, '')",
        s=merchant.store.id, c=merchant.channel_id, k=",".join(order_ids), ids=list(order_ids),
    )  # fmt: skip
    merchant.tick()
    merchant.work()


def test_announced_papers_are_read_once_and_put_aside(merchant: ChangeMerchant) -> None:
    merchant.made_there(MARK)
    merchant.sold.put(a_sale("orders/1"), a_sale("invoices/2", part_of="DH000001"), a_sale("orders/9", made_by=MARK))
    announce(merchant, "orders/1", "invoices/2", "orders/9")
    assert merchant.orders() == ["orders/1"]
    assert merchant.ledger() == {
        "orders/1": ("imported", None),
        "invoices/2": ("skipped", "PART_OF_ORDER"),
        "orders/9": ("skipped", "MADE_HERE"),
    }
    assert merchant.rows("select remote_id, number from order_copies") == [("orders/9", "DH000009")]
    merchant.sold.asked.clear()
    announce(merchant, "invoices/2", "orders/9", "orders/1", "orders/1")
    assert merchant.sold.asked == ["orders/1"]
    merchant.check()
    assert merchant.orders() == ["orders/1"]


def test_a_channel_whose_orders_are_not_taken_is_not_read_and_says_so(
    stocked: ChangeMerchant, client: FlaskClient
) -> None:
    stocked.execute("update channels set takes_orders = false")
    with stocked.acting(), pytest.raises(TakesNoOrdersError):
        stocked.press_check()
    owner = signed_in(client, stocked.store.owner)
    url = stocked.store.url(f"/channels/{stocked.channel_id}")
    page = owner.post(f"{url}/check", follow_redirects=True).text
    assert "Orders are not taken from KiotViet. Switch that on in its settings first." in page
    assert f'<a href="{url}/settings">Open the channel&#39;s settings</a>' in page or f'href="{url}/settings"' in page
    with stocked.acting():
        request_sync_now(stocked.channel_id, stocked.store.owner.id)
    stocked.work()
    assert stocked.job().state == "succeeded", stocked.job()
    announce(stocked, "orders/1")
    assert "list_orders" not in stocked.sold.calls and stocked.sold.asked == []
    assert stocked.orders() == []


def test_what_was_off_for_a_while_is_all_read_afterwards(stocked: ChangeMerchant) -> None:
    stocked.check()
    job_id = stocked.job().id
    stocked.execute("update channels set takes_orders = false")
    with stocked.acting(), pytest.raises(TakesNoOrdersError):
        retry_job(job_id, stocked.store.owner.id)
    stocked.sold.edit("orders/2", note="while it was off")
    stocked.execute("update channels set takes_orders = true")
    stocked.check()
    assert stocked.scalar("select note from orders where remote_id = 'orders/2'") == "while it was off"


@pytest.mark.parametrize("orders", [1, 100])
def test_storing_a_page_costs_the_same_for_one_and_a_hundred(merchant: ChangeMerchant, orders: int) -> None:
    merchant.made_there(MARK)
    merchant.sold.put(*[a_sale(f"orders/{n}") for n in range(1, orders + 1)], a_sale("orders/9999", made_by=MARK))
    steps = merchant.steps(merchant.press_check().job_id)
    while merchant.job().total is None:
        next(steps)
    with counted(merchant) as said:
        next(steps)
    assert len(said) <= 20, said  # two of them for the mark
    steps.close()


@pytest.fixture
def books(stocked: ChangeMerchant) -> ChangeMerchant:
    """All in, with an order's invoice and an order of ours beside them."""
    stocked.made_there(MARK)
    stocked.sold.put(a_sale("invoices/6", part_of="DH000001"), a_sale("orders/30", made_by=MARK))
    stocked.check()
    stocked.execute("update channels set checked_at = now() + interval '1 minute'")
    return stocked


def test_what_agrees_is_said_to_agree_and_papers_of_orders_are_neither_missing_nor_extra(books: ChangeMerchant) -> None:
    found = verify(books)
    assert books.job().state == "succeeded", books.job()
    assert (found.orders, found.missing, found.extra, found.differing, found.short) == (30, 0, 0, 0, 0)
    assert found.by_update
    assert told(books) == []
    assert books.sold.asked == []


def test_what_differs_is_found(books: ChangeMerchant) -> None:
    lose(books, "orders/7")
    del books.sold.orders["orders/8"]
    books.execute("update orders set total = total - 400 where remote_id = 'orders/9'")
    verify(books)
    assert sorted(told(books)) == [
        ("extra", "orders/8", -2100),
        ("missing", "orders/7", 2100),
        ("total", "orders/9", 400),
    ]
    assert {row.marketplace_id is not None for row in deviations(books)} == {True}


def test_a_list_that_gives_less_than_it_counts_is_not_called_complete(books: ChangeMerchant) -> None:
    books.sold.swallows = {"orders/7"}
    found = verify(books)
    assert (found.missing, found.extra, found.short) == (0, 0, 1)
    assert books.job().state == "partly"
    assert books.sold.asked == ["orders/7"], "ours that no list showed is asked for by its id"


def test_an_order_that_cannot_be_read_is_told_and_found_by_its_number(merchant: ChangeMerchant) -> None:
    merchant.sold.orders["orders/5"] = UnreadableOrder("orders/5", "no lines", {})
    merchant.sold.created_at["orders/5"] = NOW
    merchant.check()
    assert merchant.ledger() == {"orders/5": ("unreadable", Reason.BAD_PAYLOAD)}
    with merchant.acting():
        (found,) = finding.find("dh000005")
        failed = failed_page(CauseKey(CauseKind.UNREADABLE, Reason.BAD_PAYLOAD, merchant.channel_id), Keyset())
    assert (found.number, found.remote_id, found.order_id) == ("DH000005", "orders/5", None)
    assert [(row.number, row.row_key) for row in failed.rows] == [("DH000005", "orders/5")]
    merchant.sold.put(a_sale("orders/5"))
    merchant.check()
    assert merchant.orders() == ["orders/5"]


def test_sales_before_the_first_day_are_left_out_whenever_they_change(merchant: ChangeMerchant) -> None:
    merchant.execute("update channels set start_at = '2026-11-10'")
    merchant.sold.put(a_sale("orders/1", created_at=datetime(2026, 11, 1, tzinfo=UTC)), a_sale("orders/2"))
    merchant.check()
    assert merchant.ledger() == {"orders/1": ("skipped", "BEFORE_START_DATE"), "orders/2": ("imported", None)}
