"""Walking all pages while rows move: what a naive client misses, and what a careful one finds."""

from __future__ import annotations

import pytest

from tests.sandbox.kiotviet.visiting import Visitor, a_product


@pytest.fixture
def goods(shop: Visitor) -> list[int]:
    """Thirty products, edited one after the other."""
    return shop.add(
        "product",
        *(
            a_product(createdDate="2026-11-01T00:00:00", modifiedDate=f"2026-11-20T08:{place:02d}:00")
            for place in range(30)
        ),
    )


def test_drift_hides_rows_from_one_walk(shop: Visitor, goods: list[int]) -> None:
    shop.fault("page_drift")
    found = shop.walked("products", 10)
    assert found == goods[:10] + goods[11:21] + goods[21:]
    assert set(goods) - set(found) == {goods[10]}


def test_repeated_rows_come_twice(shop: Visitor, goods: list[int]) -> None:
    shop.fault("row_repeated")
    assert [shop.ids("products", pageSize=10, currentItem=at) for at in (0, 10)] == [goods[:10], goods[9:19]]


def test_edits_move_rows_that_are_sorted_by_them_and_a_walk_misses_some(shop: Visitor, goods: list[int]) -> None:
    shop.fault("rows_move")
    found = shop.walked("products", 10, orderBy="modifiedDate")
    assert set(goods) - set(found) == {goods[10], goods[21]}
    assert found[:10] == goods[:10]
    assert len(found) > len(set(found)), "what was edited comes again at the end"


def test_edits_do_not_move_rows_that_are_sorted_by_number(shop: Visitor, goods: list[int]) -> None:
    shop.fault("rows_move", rows=3)
    assert shop.walked("products", 10, orderBy="id") == goods


def test_reading_changes_until_a_pass_is_empty_finds_all_that_moved(shop: Visitor, goods: list[int]) -> None:
    shop.fault("rows_move", times=4)
    found: dict[int, str] = {}
    since = "2026-11-20T00:00:00"
    for _ in range(20):
        page = shop.rows("products", lastModifiedFrom=since, orderBy="modifiedDate", pageSize=10)
        fresh = [row for row in page if found.get(row["id"]) != row["modifiedDate"]]
        if not fresh:
            break
        found |= {row["id"]: row["modifiedDate"] for row in fresh}
        since = fresh[-1]["modifiedDate"]
    assert sorted(found) == goods
    truth = {row["id"]: row["modifiedDate"] for row in shop.rows("products", pageSize=100)}
    assert found == truth


def test_deletions_in_the_middle_of_a_walk_hide_a_row_and_are_told(shop: Visitor, goods: list[int]) -> None:
    first = shop.ids("products", pageSize=10)
    shop.answer("DELETE", f"products/{goods[0]}")
    second = shop.ids("products", pageSize=10, currentItem=10)
    assert goods[10] not in first + second
    again = shop.get("products", lastModifiedFrom="2026-11-20", includeRemoveIds="true", pageSize=100)
    assert again["removedIds"] == [goods[0]]
    assert [row["id"] for row in again["data"]] == goods[1:]


def test_a_total_may_lie_and_the_rows_do_not(shop: Visitor, goods: list[int]) -> None:
    shop.fault("wrong_total", total=7)
    assert shop.get("products")["total"] == 7
    assert shop.walked("products", 10) == goods
