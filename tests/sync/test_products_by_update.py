"""A channel that tells what changed is read once; after that only what changed is, and branches' counts are kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from app.core.types import ListingObstacle, RemoteMarketplace
from app.mappings import proposing
from tests.connectors.fake import a_listing
from tests.support.factories import SomeStore
from tests.sync.branches import BRANCHES, HANOI, SAIGON, BranchConnector, BranchMerchant, stock
from tests.sync.test_products import add_item, counted


@pytest.fixture
def merchant(app: Flask, store: SomeStore, monkeypatch: pytest.MonkeyPatch) -> BranchMerchant:
    monkeypatch.setattr("app.connectors.REGISTRY", {"fake": BranchConnector})
    made = BranchMerchant(app, store)
    made.connect()
    return made


def states(merchant: BranchMerchant) -> dict[str, str]:
    return dict(merchant.rows("select remote_id, state from listings"))


def counts(merchant: BranchMerchant) -> list[Any]:
    return [
        tuple(row)
        for row in merchant.rows(
            "select l.remote_id, m.remote_id, s.on_hand, s.reserved from listing_stocks s "
            "join listings l on l.id = s.listing_id join marketplaces m on m.id = s.marketplace_id order by 1, 2"
        )
    ]


def loaded(merchant: BranchMerchant, number: int) -> None:
    merchant.sold.sell(*[a_listing(str(500 + n), **stock(n)) for n in range(1, number + 1)])
    merchant.refresh()
    merchant.sold.forget()


def test_everything_is_read_first_and_then_only_what_changed(merchant: BranchMerchant) -> None:
    loaded(merchant, 250)
    before = dict(merchant.rows("select remote_id, xmin::text from listings"))
    merchant.sold.change("507", price=990)
    merchant.sold.sell(a_listing("900"))
    merchant.sold.delete("601")
    job = merchant.refresh()
    assert (job.state, job.counts) == (
        "succeeded",
        {"products_touched": 2, "products_new": 1, "products_changed": 1, "products_gone": 1},
    )
    assert merchant.sold.calls == ["changed_products"], "one page, and no other call"
    after = dict(merchant.rows("select remote_id, xmin::text from listings"))
    assert {one for one in after if before.get(one) != after[one]} == {"507", "601", "900"}
    assert merchant.scalar("select price from listings where remote_id = '507'") == 990
    assert states(merchant)["601"] == "gone"
    assert merchant.scalar("select count(*) from listing_pages") == 0


def test_a_reading_of_changes_asks_for_a_while_before_the_last_one_began(merchant: BranchMerchant) -> None:
    loaded(merchant, 1)
    merchant.refresh()
    merchant.refresh()
    first, second = merchant.sold.since
    began = [row[0] for row in merchant.rows("select requested_at from sync_jobs order by id")]
    assert 0 < (began[1] - first).total_seconds() < 3600
    assert first < second, "the checkpoint moved on"


def test_a_row_that_comes_on_two_pages_counts_once(merchant: BranchMerchant) -> None:
    loaded(merchant, 150)
    merchant.sold.repeats = True
    for n in range(1, 151):
        merchant.sold.change(str(500 + n), price=1000 + n)
    job = merchant.refresh()
    assert job.counts == {"products_touched": 150, "products_changed": 150}
    assert job.state == "succeeded"


def test_what_was_counted_and_not_given_is_read_again_the_next_time(merchant: BranchMerchant) -> None:
    loaded(merchant, 3)
    merchant.sold.change("503", price=70)
    merchant.sold.swallows = 1
    job = merchant.refresh()
    assert (job.state, job.counts["products_short"]) == ("partly", 1)
    merchant.sold.swallows = 0
    assert merchant.refresh().counts == {"products_touched": 1, "products_changed": 1}
    assert merchant.sold.since[0] == merchant.sold.since[1], "the checkpoint did not move"


def test_everything_is_read_again_when_a_person_wants_it(merchant: BranchMerchant) -> None:
    loaded(merchant, 3)
    del merchant.sold.listings["502"]
    job = merchant.refresh(everything=True)
    assert job.counts == {"products": 2, "products_gone": 1}
    assert "changed_products" not in merchant.sold.calls
    merchant.refresh()
    assert merchant.sold.calls[-1] == "changed_products"


def test_whoever_wants_everything_while_changes_are_read_gets_it_from_the_same_job(merchant: BranchMerchant) -> None:
    loaded(merchant, 3)
    merchant.sold.change("501", price=7)
    job_id = merchant.press()
    merchant.run_steps(job_id, 1)
    assert merchant.press(everything=True) == job_id
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    merchant.work()
    assert merchant.job().counts["products"] == 3
    assert [one for one in merchant.sold.calls if "products" in one] == ["changed_products", "list_products"]


def test_killed_in_the_middle_it_goes_on_after_the_last_page(merchant: BranchMerchant) -> None:
    loaded(merchant, 250)
    for n in range(1, 251):
        merchant.sold.change(str(500 + n), price=3000 + n)
    job_id = merchant.press()
    merchant.run_steps(job_id, 2)
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    merchant.work()
    assert merchant.job().counts == {"products_touched": 250, "products_changed": 250}
    assert merchant.sold.calls == ["changed_products"] * 3


def test_a_page_costs_as_many_statements_however_many_rows_and_branches_it_has(merchant: BranchMerchant) -> None:
    costs = []
    merchant.switch(takes_stock=True, takes_prices=True)
    loaded(merchant, 1)
    for number in (1, 60):
        merchant.sold.sell(*[a_listing(str(500 + n), name=f"To {number}", **stock(n, 2)) for n in range(1, number + 1)])
        with counted(merchant) as statements:
            merchant.refresh()
        merchant.sold.forget()
        costs.append(len([one for one in statements if "listing" in one]))
    assert costs[0] == costs[1]


def test_units_variants_weights_and_branches_are_kept_and_what_a_branch_counts_no_more_goes(
    merchant: BranchMerchant,
) -> None:
    merchant.sold.sell(
        a_listing("501", variant="Red", family_id="501", unit="piece", weight=Decimal("0.25"), **stock("3.5", 4, 1)),
        a_listing("502", unit="box", conversion=Decimal(12), base_id="501", **stock(1)),
    )
    merchant.refresh()
    columns = "unit, conversion, base_id, family_id, weight, variant"
    assert [tuple(row) for row in merchant.rows(f"select {columns} from listings order by remote_id")] == [
        ("piece", 1, "", "501", Decimal("0.250"), "Red"),
        ("box", 12, "501", "", None, ""),
    ]
    one = Decimal(1)
    assert counts(merchant) == [
        ("501", HANOI, Decimal("3.5"), one),
        ("501", SAIGON, Decimal(4), one),
        ("502", HANOI, one, Decimal(0)),
    ]
    merchant.sold.change("501", **stock(9))
    merchant.refresh()
    assert counts(merchant)[0] == ("501", HANOI, Decimal(9), Decimal(0))
    assert len(counts(merchant)) == 2


def test_a_branch_that_opened_since_is_asked_for_once_and_its_count_kept(merchant: BranchMerchant) -> None:
    opened = RemoteMarketplace("13", "Đà Nẵng", "branch", "MYR")
    listing = a_listing("501", **stock(3))
    more = tuple(type(listing.branches[0])(one, Decimal(8), Decimal(0)) for one in ("13", "99"))
    merchant.sold.sell(a_listing("501", branches=(*listing.branches, *more), stock=Decimal(19)))
    merchant.sold.places = (*BRANCHES, opened)
    merchant.sold.calls.clear()
    merchant.refresh()
    assert [row[:3] for row in counts(merchant)] == [("501", HANOI, Decimal(3)), ("501", "13", Decimal(8))]
    assert merchant.sold.calls.count("check") == 1, "nobody asks again for a branch that the channel does not name"


def test_stock_that_moved_alone_is_kept_and_a_later_reading_in_full_is_not_taken_for_old(
    merchant: BranchMerchant,
) -> None:
    loaded(merchant, 2)
    plain = merchant.sold.listings["501"]
    merchant.sold.move("501", stock(7, 2)["branches"])
    job = merchant.refresh()
    assert job.counts == {"products_touched": 0, "products_changed": 1}
    assert [row[1:3] for row in counts(merchant)[:2]] == [(HANOI, Decimal(7)), (SAIGON, Decimal(2))]
    assert merchant.scalar("select stock from listings where remote_id = '501'") == 9
    merchant.sold.forget()
    merchant.sold.sell(plain)
    merchant.refresh()
    assert counts(merchant)[0][1:3] == (HANOI, Decimal(1)), "the row is the same as it was first, and so is the count"


def test_products_that_are_not_taken_are_not_read(merchant: BranchMerchant) -> None:
    merchant.sold.sell(a_listing("501"))
    merchant.switch(takes_products=False)
    merchant.sold.calls.clear()
    job = merchant.refresh()
    assert (job.state, job.counts) == ("succeeded", {})
    assert merchant.sold.calls == []


@pytest.mark.parametrize("obstacle", ListingObstacle)
def test_what_cannot_be_linked_is_kept_with_its_reason_and_never_proposed(
    merchant: BranchMerchant, obstacle: ListingObstacle
) -> None:
    with merchant.acting():
        merchant.execute(
            "insert into items (store_id, sku, sku_key, loose_key, currency) values (:s, 'K1', 'k1', 'k1', 'MYR')",
            s=merchant.store.id,
        )
    merchant.sold.sell(a_listing("501", sku="K1", isku="", obstacle=obstacle), a_listing("502", sku="K1", isku=""))
    merchant.refresh()
    assert states(merchant) == {"501": "barred", "502": "proposed"}
    told = merchant.rows("select obstacle, certainty from listings order by remote_id")
    assert [tuple(row) for row in told] == [(obstacle, None), (None, "certain")], "and it is no rival of the other"


def test_only_what_changed_is_proposed_for_anew(merchant: BranchMerchant, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(merchant, 30)
    item_id = add_item(merchant, "KOPI-NEW")
    looked_at: list[int] = []
    usual = proposing.propose_batch

    def noted(channel_id: int, after: int, *among: Any) -> tuple[int, int]:
        looked_at.append(len(among))
        return usual(channel_id, after, *among)

    monkeypatch.setattr("app.mappings.proposing.propose_batch", noted)
    monkeypatch.setattr("app.sync.products.propose_batch", noted)
    merchant.sold.change("507", isku="KOPI-NEW")
    merchant.refresh()
    assert states(merchant)["507"] == "proposed"
    assert merchant.scalar("select candidate_ids[1] from listings where remote_id = '507'") == item_id
    assert looked_at and all(looked_at), "the listings that are like it, and never all of them"
    looked_at.clear()
    merchant.refresh()
    assert not looked_at
