"""What orders of a sub-store hold of the main store's stock, from the payment to the parcel and back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.extensions import db
from tests.links.flowing import Shelf, own_channel
from tests.orders.factories import Books, SomeChannel, statements
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

    def notes(self, *kinds: str) -> list[str]:
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
        return len([one for one in seen if "stock_" in one or "shortages" in one or "order_lines" in one])

    till.sell("W-0", "1")
    read()
    till.sell("W-1", "1")
    till.sell("W-2", "99")
    one = read()
    for number in range(3, 43):
        till.sell(f"W-{number}", "1")
    assert read() == one
    assert len(till.lacking()) == 33
