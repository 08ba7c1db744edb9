"""What orders of a sub-store hold of the main store's stock, from the payment to the parcel and back."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.extensions import db
from app.sync.services import request_check
from tests.links.flowing import Behind, Shelf, own_channel
from tests.orders.factories import NOON, Books, SomeChannel, statements
from tests.support.factories import Make
from tests.sync.merchant import Merchant


class Till:
    """The sub-store's webstore, whose orders the main store reads with the next check."""

    def __init__(self, main: Merchant, sub: Books, shelf: Shelf) -> None:
        self.main, self.sub, self.shelf = main, sub, shelf
        self.channel: SomeChannel = own_channel(sub)
        self._changes = 0

    def sell(self, number: str, pieces: str = "1", sku: str = "KOPI-1", **values: Any) -> int:
        """One paid order that is not sent yet, with one line."""
        wanted = {"status": "open", "status_text": "Open", **values}
        order_id = self.sub.order(self.channel, number=number, order_type="webstore", **wanted)
        self.sub.line(order_id, sku=sku, isku=sku, quantity=pieces)
        return order_id

    def put(self, order_id: int, **values: Any) -> None:
        """Change an order in the sub-store; the main store reads it."""
        self._changes += 1
        self.sub.set(order_id, digest=f"changed {self._changes}", **values)
        self.main.check()

    def edit(self, order_id: int, pieces: str, sku: str = "KOPI-1") -> None:
        """Another quantity, or another item, in the order's line."""
        with self.sub.scope():
            change = "update order_lines set quantity = :pieces, sku = :sku, isku = :sku where order_id = :id"
            db.session.execute(text(change), {"pieces": pieces, "sku": sku, "id": order_id})
            db.session.commit()
        self.put(order_id)

    def level(self, sku: str = "KOPI-1") -> tuple[int, int]:
        """On hand and reserved in the main store, after the books were held against each other."""
        assert self.main.rows(
            "select item_id, location_id, sum(on_hand_change), sum(reserved_change) from stock_movements "
            "group by item_id, location_id order by 1, 2"
        ) == self.main.rows("select item_id, location_id, on_hand, reserved from stock_levels order by 1, 2")
        row = self.main.rows(
            "select on_hand, reserved from stock_levels l join items i on i.id = l.item_id where i.sku = :sku", sku=sku
        )
        return tuple(row[0]) if row else (0, 0)

    def lacking(self) -> list[tuple[str, str, int, str]]:
        """Order, SKU, pieces and why, of all that lack some."""
        rows = self.main.rows(
            "select o.number, s.sku, s.missing, s.why from shortages s join orders o on o.id = s.order_id order by 1, 2"
        )
        return [tuple(row) for row in rows]

    def kinds(self) -> list[str]:
        """What happened to the stock for orders, in order."""
        return [
            row[0] for row in self.main.rows("select kind from stock_movements where order_id is not null order by id")
        ]

    def notes(self) -> list[str]:
        """The main store's journal, as far as it is about stock."""
        told = ("oversold", "stock_unlinked", "stock_found")
        return [row[0] for row in self.main.rows("select kind from journal order by id") if row[0] in told]


@pytest.fixture
def till(main: Merchant, sub: Books, shelf: Shelf) -> Till:
    """Ten pieces of KOPI-1, which is linked."""
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 10)
    return Till(main, sub, shelf)


def test_a_paid_order_reserves_and_a_sent_one_takes(till: Till) -> None:
    order_id = till.sell("W-1", "2")
    till.main.check()
    assert till.level() == (10, 2)
    till.put(order_id, status="processing")
    till.put(order_id, status="shipped")
    assert till.level() == (8, 0)
    till.put(order_id, status="completed")
    assert till.level() == (8, 0)
    assert till.kinds() == ["reserve", "ship"]


def test_an_order_that_is_not_paid_reserves_nothing_until_it_is(till: Till) -> None:
    order_id = till.sell("W-1", payment_status="unpaid")
    till.main.check()
    assert till.level() == (10, 0)
    till.put(order_id, payment_status="paid")
    assert till.level() == (10, 1)


@pytest.mark.parametrize(
    ("before", "after", "level"),
    [
        ({}, {"status": "cancelled"}, (10, 0)),
        ({}, {"payment_status": "refunded"}, (10, 0)),
        ({"status": "shipped"}, {"status": "cancelled"}, (10, 0)),
        ({"status": "shipped"}, {"status": "returned"}, (10, 0)),
        ({"status": "completed"}, {"status": "returned", "payment_status": "refunded"}, (10, 0)),
        ({"status": "shipped"}, {"payment_status": "refunded"}, (9, 0)),
        ({}, {"status": "unknown"}, (10, 1)),
        ({}, {"payment_status": "unknown"}, (10, 1)),
    ],
)
def test_what_ends_gives_back_once(
    till: Till, before: dict[str, str], after: dict[str, str], level: tuple[int, int]
) -> None:
    order_id = till.sell("W-1")
    till.main.check()
    if before:
        till.put(order_id, **before)
    for _time in range(3):
        till.put(order_id, **after)
        assert till.level() == level


def test_an_order_that_is_first_seen_when_all_is_over_moves_what_it_should(till: Till) -> None:
    till.sell("W-1", "3", status="completed")
    till.sell("W-2", "3", status="cancelled")
    till.main.check()
    assert till.level() == (7, 0)


def test_an_edit_is_followed(till: Till) -> None:
    till.shelf.link("TEH-1")
    till.shelf.put("TEH-1", 5)
    order_id = till.sell("W-1", "2")
    till.main.check()
    till.edit(order_id, "1.5")
    assert till.level() == (10, 2), "a piece that is started is a piece"
    till.edit(order_id, "3")
    assert till.level() == (10, 3)
    till.edit(order_id, "2", sku="TEH-1")
    assert (till.level(), till.level("TEH-1")) == ((10, 0), (5, 2))


def test_reading_everything_again_changes_nothing(till: Till) -> None:
    till.sell("W-1", "2")
    till.sell("W-2", "30")
    till.main.check()
    before = (till.level(), till.lacking(), till.kinds(), till.notes())
    till.main.execute("update seen_orders set digest = 'other'")
    till.main.execute("update orders set digest = 'other'")
    till.main.check()
    assert (till.level(), till.lacking(), till.kinds(), till.notes()) == before


def test_too_few_pieces_are_told_and_nothing_is_reserved(till: Till) -> None:
    order_id = till.sell("W-1", "12")
    till.main.check()
    assert (till.level(), till.lacking()) == ((10, 0), [("W-1", "KOPI-1", 12, "oversold")])
    till.put(order_id, status="cancelled")
    assert till.lacking() == []
    assert till.notes() == ["oversold"]


def test_an_order_that_lacks_pieces_can_be_sent_all_the_same(till: Till) -> None:
    order_id = till.sell("W-1", "12")
    till.main.check()
    till.put(order_id, status="shipped")
    assert (till.level(), till.lacking(), till.notes()) == ((-2, 0), [], ["oversold", "stock_found"])


def test_an_unlinked_item_is_told(till: Till) -> None:
    till.sell("W-1", "2", sku="NEW-1")
    till.sell("W-2", "1", sku="")
    till.main.check()
    assert till.lacking() == [("W-1", "NEW-1", 2, "unlinked")]
    assert till.notes() == ["stock_unlinked"]


def test_the_state_of_an_order_in_the_books_is_no_matter(till: Till) -> None:
    order_id = till.sell("W-1", "2")
    till.main.execute("update channels set start_at = '2026-12-01' where kind = 'store'")
    till.sell("W-2", "3")
    till.main.execute("update channels set start_at = '2026-01-01' where kind = 'store'")
    till.main.check()
    till.main.execute("update orders set state = 'closed', reason = 'IGNORED', reason_detail = '{}'")
    till.put(order_id, status="shipped")
    assert till.level() == (8, 3)


def test_a_page_costs_the_same_number_of_statements_whatever_it_holds(till: Till) -> None:
    def read() -> int:
        with till.main.app.app_context(), statements() as seen:
            till.main.check()
        tables = ("stock_levels", "stock_movements", "shortages", "order_lines")
        return len([one for one in seen if any(table in one for table in tables)])

    till.sell("W-0", "1")
    read()
    till.sell("W-1", "1")
    till.sell("W-2", "99")
    one = read()
    for number in range(3, 43):
        till.sell(f"W-{number}", "1")
    assert read() == one
    assert len(till.lacking()) == 33


def test_what_was_missing_is_reserved_by_itself_as_soon_as_it_is_there(till: Till) -> None:
    for number, pieces in (("W-1", "12"), ("W-2", "11"), ("W-3", "10")):
        till.sell(number, pieces)
    till.main.check()
    assert till.level() == (10, 10)
    assert till.lacking() == [("W-1", "KOPI-1", 12, "oversold"), ("W-2", "KOPI-1", 11, "oversold")]
    till.shelf.put("KOPI-1", 23)
    till.shelf.flow()
    assert (till.level(), till.lacking()) == ((23, 21), [("W-1", "KOPI-1", 12, "oversold")])
    assert till.shelf.there() == {"KOPI-1": 2}
    till.shelf.put("KOPI-1", 33)
    till.shelf.flow()
    assert (till.level(), till.lacking()) == ((33, 33), [])
    assert till.notes() == ["oversold", "oversold", "stock_found", "stock_found"]
    assert till.shelf.there() == {"KOPI-1": 0}


def test_the_oldest_order_is_served_first(till: Till) -> None:
    till.sell("young", "11", placed_at=NOON)
    till.sell("old", "11", placed_at=NOON - timedelta(days=1))
    till.main.check()
    till.shelf.put("KOPI-1", 11)
    till.shelf.flow()
    assert [row[0] for row in till.lacking()] == ["young"]


def test_a_job_that_has_nothing_to_reserve_only_tells(till: Till) -> None:
    till.sell("W-1", "12")
    till.main.check()
    till.shelf.flow()
    till.shelf.put("KOPI-1", 9)
    till.shelf.flow()
    assert till.main.job().counts == {"stock_told": 1}
    assert till.main.scalar("select count(*) from sync_jobs where state <> 'succeeded'") == 0


def test_stock_that_comes_in_while_the_channel_is_told_is_reserved_by_the_same_job(till: Till) -> None:
    till.sell("W-1", "12")
    till.main.check()
    till.shelf.put("KOPI-1", 11)
    till.main.tick()
    job_id = till.main.job().id
    till.main.run_steps(job_id, 1)
    till.shelf.put("KOPI-1", 12)
    till.main.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    till.main.run(job_id)
    assert till.lacking() == []


def test_a_killed_job_leaves_nothing_half_done(till: Till) -> None:
    till.sell("W-1", "12")
    till.sell("W-2", "11")
    till.main.check()
    till.shelf.put("KOPI-1", 30)
    till.main.tick()
    till.main.run_steps(till.main.job().id, 1)
    assert till.level() == (30, 23)
    till.main.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    till.main.work()
    assert (till.level(), till.lacking()) == ((30, 23), [])


def test_linking_serves_the_orders_that_waited_for_it(till: Till) -> None:
    till.sell("W-1", "2", sku="TEH-1")
    till.sell("W-2", "3", sku="TEH-1", status="completed")
    till.main.check()
    assert [row[0] for row in till.lacking()] == ["W-1", "W-2"]
    till.shelf.link("TEH-1")
    till.shelf.put("TEH-1", 5)
    till.shelf.flow()
    assert (till.level("TEH-1"), till.lacking()) == ((2, 2), [])


def test_promises_follow_a_listing_that_is_linked_to_another_item(till: Till) -> None:
    order_id = till.sell("W-1", "2")
    till.main.check()
    till.shelf.flow()
    other = Books(till.main.app, till.main.store).item("KOPI-2")
    till.shelf.put("KOPI-2", 5)
    till.main.execute("update listings set item_id = :item", item=other)
    till.shelf.flow()
    assert (till.level(), till.level("KOPI-2")) == ((10, 0), (5, 2))
    till.put(order_id, status="shipped")
    till.main.execute("update listings set item_id = null")
    till.put(order_id, status="completed")
    assert (till.level(), till.level("KOPI-2")) == ((10, 0), (3, 0)), "what was sent stays what was sent"


def test_the_end_of_the_link_frees_what_was_promised_and_keeps_what_was_sent(
    till: Till, place: Callable[[str], None]
) -> None:
    open_id, sent_id = till.sell("W-1", "2"), till.sell("W-2", "3")
    till.sell("W-3", "12")
    till.sell("W-4", "1", sku="NEW-1", status="completed")
    till.main.check()
    till.put(sent_id, status="shipped")
    assert till.level() == (7, 2)
    place("ended")
    assert (till.level(), till.lacking()) == ((7, 0), [])
    till.sub.set(open_id, status="processing", digest="later")
    place("connected")
    till.shelf.flow()
    assert till.level() == (7, 2)
    assert till.lacking() == [("W-3", "KOPI-1", 12, "oversold"), ("W-4", "NEW-1", 1, "unlinked")]
    till.main.check()
    till.put(sent_id, status="returned")
    assert till.level() == (10, 2)


@pytest.fixture
def south(till: Till, make: Make, behind: Behind) -> Till:
    """Another sub-store, served out of the same warehouse."""
    main, other = till.main, Books(till.main.app, make.store("Kedai Selatan"))
    behind(
        "insert into links (main_store_id, sub_store_id, state, main_name, sub_name, code_hash, channel_name, "
        "location_id, asked_at, answered_at) select %(main)s, %(sub)s, 'connected', 'Main', 'Kedai Selatan', '', "
        "'South', location_id, '2026-01-01', '2026-01-01' from links where main_store_id = %(main)s",
        main=main.store.id,
        sub=other.store.id,
    )
    main.tick()
    main.work()
    return Till(main, other, till.shelf)


def run_together(main: Merchant, *channel_ids: int) -> None:
    """Check these channels at the same moment, each in a thread."""
    with main.app.app_context(), main.scope():
        jobs = [request_check(channel_id, main.store.owner.id).job_id for channel_id in channel_ids]
    together = threading.Barrier(len(jobs))

    def work(job_id: int) -> None:
        together.wait(10)
        main.run(job_id)

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(work, jobs))


def channels_of(main: Merchant) -> list[int]:
    return [row[0] for row in main.rows("select id from channels where kind = 'store' order by id")]


def test_two_sub_stores_race_for_the_last_piece(till: Till, south: Till) -> None:
    main = till.main
    till.shelf.put("KOPI-1", 1)
    till.sell("N-1")
    south.sell("S-1")
    run_together(main, *channels_of(main))
    assert main.scalar("select count(*) from sync_jobs where state not in ('succeeded', 'queued')") == 0
    assert till.level() == (1, 1)
    ((_number, *rest),) = till.lacking()
    assert rest == ["KOPI-1", 1, "oversold"]
    till.shelf.put("KOPI-1", 2)
    till.shelf.flow()
    assert (till.level(), till.lacking()) == ((2, 2), [])


def test_the_books_agree_after_everything_happened_at_once(
    till: Till, south: Till, caplog: pytest.LogCaptureFixture
) -> None:
    chance, main = random.Random(7), till.main
    orders = [(shop, shop.sell(f"{number}", "2")) for shop in (till, south) for number in range(6)]
    for round_ in range(4):
        for shop, order_id in chance.sample(orders, 8):
            status = chance.choice(["open", "processing", "on_hold", "shipped", "cancelled", "returned"])
            shop.sub.set(order_id, digest=f"round {round_}", status=status)
        pieces = [chance.randint(0, 30) for _time in range(15)]
        with ThreadPoolExecutor(2) as pool:
            counting = pool.submit(_count, till, pieces)
            telling = pool.submit(till.shelf.flow)
            run_together(main, *channels_of(main))
            telling.result()
            counting.result()
    till.shelf.put("KOPI-1", 100)
    till.shelf.flow()
    states = [row[0] for shop in (till, south) for row in _statuses(shop)]
    sent, kept = states.count("shipped"), len(states) - sum(map(states.count, ("shipped", "cancelled", "returned")))
    assert till.lacking() == []
    assert till.level() == (100, 2 * kept)
    taken = "select -sum(on_hand_change) from stock_movements where order_id is not null"
    assert main.scalar(taken) == 2 * sent
    assert "database error" not in caplog.text


def _count(till: Till, pieces: list[int]) -> None:
    for many in pieces:
        till.shelf.put("KOPI-1", many)


def _statuses(shop: Till) -> list[Any]:
    with shop.sub.scope():
        return list(db.session.execute(text("select status from orders where order_type = 'webstore'")))
