"""Items follow the channel that counts them: stock by movements of its own kind, prices, and weights nobody said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from app.catalog.items import ItemFacts
from app.catalog.services import add_warehouse
from app.catalog.stock import move
from app.core.stock import Kind, Movement
from app.core.types import Announcement, ListingObstacle
from app.extensions import db
from app.mappings.linking import CannotBeLinked, Wanted
from app.orders import linking
from app.sync import counted as counting
from app.sync.inbox import keep_delivery
from app.sync.services import start_announced
from tests.connectors.fake import a_listing
from tests.support.factories import SomeStore
from tests.sync.branches import HANOI, SAIGON, BranchConnector, BranchMerchant, stock


@pytest.fixture
def merchant(app: Flask, store: SomeStore, monkeypatch: pytest.MonkeyPatch) -> BranchMerchant:
    monkeypatch.setattr("app.connectors.REGISTRY", {"fake": BranchConnector})
    made = BranchMerchant(app, store)
    made.connect()
    made.switch(takes_stock=True)
    made.shelf = made.scalar("select min(id) from locations")
    made.map_branch(HANOI, made.shelf)
    return made


def add_item(merchant: BranchMerchant, sku: str, **facts: Any) -> int:
    with merchant.acting():
        return linking.add_item(ItemFacts(sku, **facts), merchant.store.owner.id).item_id


def sell(merchant: BranchMerchant, *listings: Any) -> None:
    merchant.sold.sell(*listings)
    merchant.refresh()


def ledger(merchant: BranchMerchant) -> list[Any]:
    columns = "item_id, location_id, kind, on_hand_change, on_hand_after, words, user_id"
    return [tuple(row) for row in merchant.rows(f"select {columns} from stock_movements order by id")]


def item(merchant: BranchMerchant, item_id: int) -> Any:
    return merchant.rows("select * from items where id = :i", i=item_id)[0]


def test_the_count_is_ours_right_after_a_link_is_saved_and_follows_from_then_on(merchant: BranchMerchant) -> None:
    sell(merchant, a_listing("501", **stock("7.9", 4)))
    item_id = add_item(merchant, "K1")
    assert merchant.levels() == {}
    assert merchant.linked("501", item_id).followed.locations == {merchant.shelf}
    line = (item_id, merchant.shelf, "count")
    assert ledger(merchant) == [(*line, 7, 7, "KiotViet", None)], (
        "whole pieces, and only of the branch with a warehouse"
    )
    merchant.sold.change("501", **stock(5))
    assert merchant.refresh().counts["stock_counted"] == 1
    merchant.sold.move("501", stock(2)["branches"])
    assert merchant.refresh().counts["stock_counted"] == 1
    assert merchant.levels() == {(item_id, merchant.shelf): 2}
    assert [row[3:5] for row in ledger(merchant)] == [(7, 7), (-2, 5), (-3, 2)]
    merchant.refresh()
    merchant.refresh(everything=True)
    assert len(ledger(merchant)) == 3, "what is the same moves nothing"


def test_less_than_none_is_none_and_what_is_reserved_here_stays(merchant: BranchMerchant) -> None:
    sell(merchant, a_listing("501", **stock(6, reserved=2)))
    item_id = add_item(merchant, "K1")
    merchant.linked("501", item_id)
    with merchant.acting():
        move([Movement(item_id, merchant.shelf, Kind.RESERVE, reserved=4)])
    merchant.sold.change("501", **stock(-3))
    merchant.refresh()
    assert [tuple(row) for row in merchant.rows("select on_hand, reserved from stock_levels")] == [(0, 4)]


def test_a_warehouse_that_comes_to_stand_for_a_branch_holds_what_it_counts(merchant: BranchMerchant) -> None:
    sell(merchant, *[a_listing(str(500 + n), **stock(n, 10 + n)) for n in range(1, 4)])
    items = [add_item(merchant, f"K{n}") for n in range(1, 4)]
    for n, item_id in enumerate(items, 1):
        merchant.linked(str(500 + n), item_id)
    with merchant.acting():
        van = add_warehouse("Van")
    merchant.map_branch(SAIGON, van)
    with merchant.acting():
        assert counting.follow_counts(merchant.channel_id) == 3
        assert counting.follow_counts(merchant.channel_id) == 0, "doing it again changes nothing"
    assert [merchant.levels()[one, van] for one in items] == [11, 12, 13]


def test_nothing_is_taken_where_nobody_wants_it(merchant: BranchMerchant) -> None:
    merchant.switch(takes_stock=False)
    sell(merchant, a_listing("501", price=4300, **stock(9)))
    item_id = add_item(merchant, "K1", price=100)
    merchant.linked("501", item_id)
    assert (merchant.levels(), item(merchant, item_id).price) == ({}, 100)


def test_a_box_is_not_counted_for_its_pieces(merchant: BranchMerchant) -> None:
    sell(merchant, a_listing("501", **stock(30)), a_listing("502", base_id="501", conversion=Decimal(12), **stock(2)))
    piece, box = add_item(merchant, "K1"), add_item(merchant, "K12")
    merchant.linked("501", piece)
    merchant.linked("502", box)
    assert merchant.levels() == {(piece, merchant.shelf): 30}


def test_two_listings_of_one_item_in_one_branch_are_shown_and_not_guessed(merchant: BranchMerchant) -> None:
    sell(merchant, a_listing("501", **stock(5)), a_listing("502", **stock(8)))
    item_id = add_item(merchant, "K1")
    merchant.linked("501", item_id)
    merchant.linked("502", item_id)
    assert merchant.levels() == {(item_id, merchant.shelf): 5}, "what the second counts is not taken"
    merchant.sold.change("501", **stock(6))
    merchant.refresh()
    assert merchant.levels() == {(item_id, merchant.shelf): 5}, "nor the first any more"
    merchant.linked("501", None)
    assert merchant.levels() == {(item_id, merchant.shelf): 8}, "the one that is left decides at once"


def test_prices_follow_in_the_same_currency_and_where_the_listings_agree(merchant: BranchMerchant) -> None:
    merchant.switch(takes_prices=True)
    sell(
        merchant,
        a_listing("501", price=4300),
        a_listing("502", price=55000, currency="VND"),
        a_listing("503", price=700),
        a_listing("504", price=800),
    )
    same, foreign, torn = (add_item(merchant, sku, price=100) for sku in ("K1", "K2", "K3"))
    for remote_id, item_id in (("501", same), ("502", foreign), ("503", torn)):
        merchant.linked(remote_id, item_id)
    merchant.linked("504", torn)
    assert [item(merchant, one).price for one in (same, foreign, torn)] == [4300, 100, 700]
    merchant.sold.change("501", price=4400)
    merchant.sold.change("504", price=900)
    assert merchant.refresh().counts["prices_taken"] == 1
    assert [item(merchant, one).price for one in (same, foreign, torn)] == [4400, 100, 700]
    assert item(merchant, same).version == 3, "a page that is open sees that somebody else saved it"


def test_a_weight_is_taken_where_there_is_none_and_never_overwritten(merchant: BranchMerchant) -> None:
    sell(merchant, a_listing("501", weight=Decimal("0.25")), a_listing("502", weight=Decimal("1.5")), a_listing("503"))
    light, heavy = add_item(merchant, "K1"), add_item(merchant, "K2", weight_grams=40)
    merchant.linked("501", light)
    merchant.linked("502", heavy)
    assert [item(merchant, one).weight_grams for one in (light, heavy)] == [250, 40]
    merchant.sold.change("501", weight=Decimal(3))
    merchant.refresh()
    assert item(merchant, light).weight_grams == 250
    with merchant.acting():
        made = linking.make_items_of_listings(merchant.channel_id, merchant.store.owner.id).made
    assert item(merchant, made.item_ids[0]).weight_grams is None


def test_what_cannot_be_linked_is_refused_one_by_one_and_among_many(merchant: BranchMerchant) -> None:
    item_id = add_item(merchant, "K1")
    sell(merchant, a_listing("501", sku="K1", obstacle=ListingObstacle.COMBO), a_listing("502"))
    with pytest.raises(CannotBeLinked):
        merchant.link("501", item_id)
    (barred, able) = (row[0] for row in merchant.rows("select id from listings order by remote_id"))
    user_id = merchant.store.owner.id
    with merchant.acting(), pytest.raises(CannotBeLinked):
        linking.link_to_new_item(barred, 0, user_id)
    with merchant.acting():
        wanted = [Wanted(barred, 0, item_id), Wanted(able, 0, item_id)]
        saved = linking.save_links(merchant.channel_id, wanted, user_id).saved
        assert (saved.linked, saved.barred) == ((able,), 1)
        assert linking.accept_all_certain(merchant.channel_id, 0, user_id) is not None
        assert linking.make_items_of_listings(merchant.channel_id, user_id).made.item_ids == ()
    assert merchant.scalar("select state from listings where remote_id = '501'") == "barred"


def test_a_linked_listing_that_comes_to_have_serial_numbers_stays_linked_and_its_count_is_not_taken(
    merchant: BranchMerchant,
) -> None:
    sell(merchant, a_listing("501", **stock(5)))
    item_id = add_item(merchant, "K1")
    merchant.linked("501", item_id)
    merchant.sold.change("501", obstacle=ListingObstacle.SERIAL, **stock(9))
    merchant.refresh()
    assert merchant.scalar("select state from listings") == "linked"
    assert merchant.levels() == {(item_id, merchant.shelf): 5}


def announce(merchant: BranchMerchant, *product_ids: str, key: str = "a", order_ids: tuple[str, ...] = ()) -> bool:
    with merchant.acting():
        kept = keep_delivery(merchant.channel_id, Announcement(key, "stock.update", order_ids, product_ids), b"{}")
        db.session.commit()
        start_announced(merchant.channel_id)
    return kept


@pytest.fixture
def called(merchant: BranchMerchant) -> BranchMerchant:
    columns = "store_id, channel_id, token_hash, secret"
    merchant.execute(
        f"insert into webhooks ({columns}) values (:s, :c, :t, :t)",
        s=merchant.store.id,
        c=merchant.channel_id,
        t=str(merchant.channel_id).encode(),
    )
    return merchant


def test_what_is_announced_is_read_by_its_id_once_and_stock_follows(
    called: BranchMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = called
    sell(merchant, *[a_listing(str(500 + n), **stock(n)) for n in range(1, 4)])
    item_id = add_item(merchant, "K1")
    merchant.linked("501", item_id)
    merchant.sold.calls.clear()
    merchant.sold.change("501", **stock(40))
    merchant.sold.delete("503")
    merchant.sold.sell(a_listing("777"))
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(counting, "nudge", lambda _store, *names: told.append(names))
    assert announce(merchant, "501", "503", "777")
    assert announce(merchant, "501", "999", key="b")
    merchant.work()
    job = merchant.job()
    assert (job.kind, job.state) == ("announced", "succeeded")
    news = {"products_announced": 4, "products_new": 1, "products_changed": 1, "products_gone": 1, "stock_counted": 1}
    assert job.counts == news
    assert sorted(merchant.sold.asked) == ["501", "503", "777", "999"]
    assert merchant.sold.calls == ["get_products"]
    assert merchant.levels() == {(item_id, merchant.shelf): 40}
    assert merchant.scalar("select state from listings where remote_id = '503'") == "gone"
    assert ("stock",) in told, "open pages ask again"
    assert merchant.scalar("select count(*) from webhook_deliveries where worked_at is null") == 0


def test_one_call_that_names_more_than_may_be_asked_for_at_once_is_asked_for_in_parts(called: BranchMerchant) -> None:
    ids = [str(500 + n) for n in range(BranchConnector.page_size + 20)]
    called.sold.sell(*[a_listing(one) for one in ids])
    announce(called, *ids)
    called.work()
    assert (called.job().state, called.job().counts["products_new"]) == ("succeeded", len(ids))
    assert called.sold.calls.count("get_products") == 2


def test_a_call_that_names_orders_and_products_is_worked_off_for_both(called: BranchMerchant) -> None:
    called.sold.sell(a_listing("501"))
    announce(called, "501", order_ids=("1",))
    called.work()
    assert called.job().counts["products_new"] == 1
    assert called.scalar("select count(*) from webhook_deliveries where worked_at is null") == 0


def test_products_that_are_not_taken_are_not_read_when_they_are_announced(called: BranchMerchant) -> None:
    called.switch(takes_products=False)
    called.sold.sell(a_listing("501"))
    announce(called, "501")
    called.work()
    assert (called.job().state, called.sold.asked) == ("succeeded", [])
    assert called.scalar("select count(*) from webhook_deliveries where worked_at is null") == 0


def test_a_job_that_dies_before_it_stores_reads_the_same_again(called: BranchMerchant) -> None:
    called.sold.sell(a_listing("501", **stock(4)))
    announce(called, "501")
    (job_id,) = called.rows("select id from sync_jobs where kind = 'announced'")[0]
    called.run_steps(job_id, 1)
    called.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    called.work()
    assert called.job().counts == {"products_announced": 1, "products_new": 1}
