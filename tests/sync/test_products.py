"""Product sync through real sockets: what is sold comes in once, what is gone is known to be, nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.catalog.items import ItemFacts
from app.core.states import OrderState
from app.extensions import db
from app.orders import linking
from app.orders.linking import Linked
from app.sync.services import request_products
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


def article(number: int, **fields: Any) -> dict[str, Any]:
    """A row of the items route."""
    plain = {"isku": f"A{number}", "product_sku": f"a-{number}", "name": f"Kopi {number}", "variant": ""}
    plain |= {"barcode": "", "price": "21.00", "currency": "MYR"}
    return {"item_id": 500 + number, **plain, "stock": 5, "image": "", **fields}


def sell(merchant: Merchant, *rows: dict[str, Any]) -> None:
    merchant.shop.steer("POST", "items", json=list(rows))


def press(merchant: Merchant) -> int:
    with merchant.acting():
        return request_products(merchant.channel_id, merchant.store.owner.id).job_id


def refresh(merchant: Merchant) -> Any:
    press(merchant)
    merchant.work()
    return merchant.job()


def states(merchant: Merchant) -> dict[str, str]:
    return dict(merchant.rows("select remote_id, state from listings order by remote_id"))


def add_item(merchant: Merchant, sku: str, **facts: Any) -> int:
    with merchant.acting():
        return linking.add_item(ItemFacts(sku, **facts), merchant.store.owner.id).item_id


def link(merchant: Merchant, remote_id: str, item_id: int | None) -> Linked:
    ((listing_id, version),) = merchant.rows("select id, version from listings where remote_id = :r", r=remote_id)
    with merchant.acting():
        saved = linking.link_listing(merchant.channel_id, listing_id, item_id, version, merchant.store.owner.id)
    assert isinstance(saved, Linked)
    return saved


def hold(merchant: Merchant) -> None:
    merchant.execute("update stores set unlinked_items = 'hold'")


@contextmanager
def counted(merchant: Merchant) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    with merchant.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_everything_that_is_sold_comes_in_and_is_proposed(merchant: Merchant) -> None:
    merchant.connect()
    same_sku, barcode, alike, named = (
        add_item(merchant, "A1"),
        add_item(merchant, "B", barcode="9551234567890"),
        add_item(merchant, "a/3"),
        add_item(merchant, "D", name="Kopi 4"),
    )
    sell(merchant, *[article(number) for number in range(1, 251)], article(2, barcode="955-1234567890"))
    job = refresh(merchant)
    assert (job.state, job.counts["products"], job.counts["products_new"]) == ("succeeded", 250, 250)
    assert merchant.scalar("select count(*) from listing_pages") == 0
    found = merchant.rows(
        "select remote_id, match, certainty, candidate_ids from listings where certainty is not null order by remote_id"
    )
    assert found == [
        ("501", "sku", "certain", [same_sku]),
        ("502", "barcode", "certain", [barcode]),
        ("503", "alike_sku", "likely", [alike]),
        ("504", "name", "possible", [named]),
    ]
    row = merchant.rows("select price, currency, stock, picture from listings where remote_id = '501'")[0]
    assert tuple(row) == (2100, "MYR", 5, "")


def test_what_did_not_change_is_not_written_again(merchant: Merchant) -> None:
    merchant.connect()
    add_item(merchant, "A1")
    sell(merchant, *[article(number) for number in range(1, 121)])
    refresh(merchant)
    before = merchant.rows("select id, xmin::text from listings order by id")
    job = refresh(merchant)
    assert job.counts == {"products": 120}
    assert merchant.rows("select id, xmin::text from listings order by id") == before
    sell(merchant, article(7, stock=4))
    assert refresh(merchant).counts == {"products": 120, "products_changed": 1}
    changed = merchant.rows("select id, xmin::text from listings order by id")
    assert sum(one != other for one, other in zip(before, changed, strict=True)) == 1


def test_a_page_costs_as_many_statements_however_many_rows_it_has(merchant: Merchant) -> None:
    merchant.connect()
    costs = []
    for number in (1, 60):
        sell(merchant, *[article(n, name=f"Changed {number}") for n in range(1, number + 1)])
        with counted(merchant) as statements:
            refresh(merchant)
        costs.append(len([one for one in statements if "listing" in one]))
    assert costs[0] == costs[1]


def test_what_is_sold_no_longer_is_gone_keeps_its_link_and_comes_back(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, *[article(number) for number in range(1, 4)])
    refresh(merchant)
    item_id = add_item(merchant, "MINE")
    link(merchant, "502", item_id)
    merchant.shop.steer("DELETE", "items/502")
    job = refresh(merchant)
    assert (job.state, job.counts["products_gone"]) == ("succeeded", 1)
    assert states(merchant) == {"501": "unlinked", "502": "gone", "503": "unlinked"}
    sell(merchant, article(2))
    refresh(merchant)
    assert states(merchant)["502"] == "linked"


def test_what_slid_past_while_paging_is_not_called_gone(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, *[article(number) for number in range(1, 251)])
    refresh(merchant)
    merchant.shop.fault("page_drift", route="items", times=2)
    job = refresh(merchant)
    assert (job.state, job.counts) == ("succeeded", {"products": 250})
    assert set(states(merchant).values()) == {"unlinked"}


def test_what_slides_past_every_time_is_told_and_nothing_is_called_gone(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, *[article(number) for number in range(1, 251)])
    refresh(merchant)
    merchant.shop.fault("page_drift", route="items")
    job = refresh(merchant)
    assert (job.state, job.counts["products_short"]) == ("partly", 1)
    assert "gone" not in states(merchant).values()


def test_rows_that_come_twice_are_one_listing(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, *[article(number) for number in range(1, 202)])
    merchant.shop.fault("row_repeated", route="items", times=2)
    job = refresh(merchant)
    assert (job.state, job.counts["products"], job.counts["products_new"]) == ("succeeded", 201, 201)


def test_a_row_that_cannot_be_read_keeps_what_was_read_before(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, article(1), article(2))
    refresh(merchant)
    sell(merchant, article(1, price="cheap"), article(3, stock="some"))
    job = refresh(merchant)
    assert (job.state, job.counts["products_unreadable"]) == ("partly", 2)
    rows = merchant.rows("select remote_id, isku, problem <> '', raw is null from listings order by remote_id")
    assert rows == [("501", "A1", True, False), ("502", "A2", False, True), ("503", "", True, False)]
    sell(merchant, article(1), article(3))
    assert refresh(merchant).state == "succeeded"
    assert merchant.scalar("select count(*) from listings where problem <> '' or raw is not null") == 0


def test_a_failed_page_is_tried_again_and_never_an_empty_one(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, *[article(number) for number in range(1, 151)])
    refresh(merchant)
    merchant.shop.fault("server_error", route="items", skip=1, times=1)
    press(merchant)
    merchant.work()
    assert merchant.job().state == "queued"
    merchant.hurry()
    merchant.work()
    assert (merchant.job().state, merchant.job().counts) == ("succeeded", {"products": 150})
    assert "gone" not in states(merchant).values()


def test_killed_in_the_middle_it_goes_on_after_the_last_page(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, *[article(number) for number in range(1, 251)])
    for steps in range(1, 5):
        job_id = press(merchant)
        merchant.run_steps(job_id, steps)
        merchant.shop.steer("DELETE", "log")
        stands = merchant.scalar("select cursor -> 'products' from sync_jobs order by id desc limit 1")
        merchant.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
        merchant.work()
        assert merchant.job().state == "succeeded"
        assert merchant.job().counts["products"] == 250
        asked = [int(call["query"]["page"]) for call in merchant.shop.log("items")]
        assert sorted(asked) == (list(range(stands["page"], 4)) if stands["round"] == 1 else [])
    assert set(states(merchant).values()) == {"unlinked"}


def test_two_listings_with_one_sku_are_not_clear_until_a_person_says_so(merchant: Merchant) -> None:
    merchant.connect()
    merchant.shop.steer("POST", "oddities/same_sku_twice")
    item_id = add_item(merchant, "TWICE")
    other_id = add_item(merchant, "OTHER")
    refresh(merchant)
    twice = "select state, candidate_ids, rivals from listings where sku = 'TWICE' order by remote_id"
    assert merchant.rows(twice) == [("unclear", [item_id], 1)] * 2
    (red, _blue) = merchant.rows("select remote_id from listings where sku = 'TWICE' order by remote_id")
    link(merchant, red[0], other_id)
    assert merchant.rows(twice)[1] == ("proposed", [item_id], 0)
    link(merchant, red[0], None)
    assert merchant.rows(twice) == [("unclear", [item_id], 1)] * 2


def test_an_item_that_comes_later_is_proposed_at_once_and_no_more_when_it_goes(merchant: Merchant) -> None:
    merchant.connect()
    sell(merchant, article(1))
    refresh(merchant)
    assert states(merchant) == {"501": "unlinked"}
    item_id = add_item(merchant, "A1")
    assert states(merchant) == {"501": "proposed"}
    with merchant.acting():
        linking.archive_item(item_id, merchant.store.owner.id, archived=True)
    assert states(merchant) == {"501": "unlinked"}


def orders(merchant: Merchant) -> list[Any]:
    return merchant.rows("select state, reason, reason_detail ->> 'skus' from orders order by remote_id")


def test_by_default_orders_are_booked_by_the_channels_words_and_nothing_is_asked(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    with counted(merchant) as statements:
        merchant.check()
    assert orders(merchant) == [(OrderState.READY, None, None)]
    assert not [one for one in statements if "listings" in one or "FROM items" in one]


def test_an_order_waits_for_its_link_and_is_free_the_moment_it_is_saved(merchant: Merchant) -> None:
    merchant.connect()
    hold(merchant)
    sell(merchant, article(1))
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 4)])
    merchant.check()
    refresh(merchant)
    assert orders(merchant) == [("held", "SKU_NOT_FOUND", "A1")] * 3
    assert link(merchant, "501", add_item(merchant, "MINE")).freed == 3
    assert orders(merchant) == [("ready", None, None)] * 3
    freed = "select count(*), count(distinct user_id) from journal where kind = 'freed'"
    assert merchant.rows(freed) == [(3, 1)]
    link(merchant, "501", None)
    assert orders(merchant) == [("held", "SKU_NOT_FOUND", "A1")] * 3


def test_an_item_with_the_very_sku_is_enough(merchant: Merchant) -> None:
    merchant.connect()
    hold(merchant)
    merchant.shop.add(an_order(order_id=1))
    merchant.check()
    assert orders(merchant) == [("held", "SKU_NOT_FOUND", "A1")]
    add_item(merchant, " a1")
    assert orders(merchant) == [("ready", None, None)]


def test_an_order_that_waits_for_two_says_which_is_left(merchant: Merchant) -> None:
    line = {"product_name": "Kopi", "product_price": "21.00", "product_quantity": 1}
    merchant.connect()
    hold(merchant)
    merchant.shop.add(an_order(order_id=1, order_items=[{**line, "isku": "A1"}, {**line, "isku": "B2"}]))
    merchant.check()
    assert orders(merchant) == [("held", "SKU_NOT_FOUND", "A1, B2")]
    add_item(merchant, "A1")
    assert orders(merchant) == [("held", "SKU_NOT_FOUND", "B2")]
    add_item(merchant, "B2")
    assert orders(merchant) == [("ready", None, None)]


def test_a_sku_of_which_several_items_answer_is_held_as_ambiguous_never_guessed(merchant: Merchant) -> None:
    merchant.connect()
    hold(merchant)
    merchant.shop.steer("POST", "oddities/same_sku_twice")
    refresh(merchant)
    merchant.check()
    assert orders(merchant) == [("held", "SKU_NOT_FOUND", "TWICE")]
    rows = merchant.rows("select remote_id from listings where sku = 'TWICE' order by remote_id")
    red, blue = (row[0] for row in rows)
    link(merchant, red, add_item(merchant, "RED"))
    assert orders(merchant) == [("ready", None, None)], "one of them is linked, and it is the only one that answers"
    link(merchant, blue, add_item(merchant, "BLUE"))
    merchant.shop.steer("POST", "oddities/same_sku_twice")
    merchant.check()
    assert orders(merchant)[1] == ("held", "SKU_AMBIGUOUS", "TWICE")


def test_a_line_without_a_sku_stops_nothing(merchant: Merchant) -> None:
    merchant.connect()
    hold(merchant)
    wrapping = {"product_name": "Gift wrap", "product_price": "42.00", "product_quantity": 1}
    merchant.shop.add(an_order(order_id=1, order_items=[wrapping | {"isku": "", "product_sku": ""}]))
    merchant.check()
    assert orders(merchant) == [("ready", None, None)]
