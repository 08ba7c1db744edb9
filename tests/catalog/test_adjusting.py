"""Stock as a person adjusts it, and the pages that show where it went."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.catalog import adjusting
from app.core.stock import Kind, Level, Movement
from tests.catalog.shelves import Shelves
from tests.orders.factories import Books

HTMX = {"HX-Request": "true"}


def item_url(books: Books, item_id: int, path: str = "") -> str:
    return books.store.url(f"/inventory/{item_id}{path}")


def form_on(page: str) -> dict[str, str]:
    """The hidden fields of the form that adjusts."""
    return {name: re.search(rf'name="{name}"[^>]*value="(\w+)"', page)[1] for name in ("seen", "key")}  # type: ignore[index]


def press(owner: FlaskClient, shelves: Shelves, item_id: int, **told: str) -> TestResponse:
    """Open the item, fill the form, press Adjust stock."""
    page = owner.get(item_url(shelves.books, item_id)).text
    form = {"location_id": str(shelves.main), "how": "set", "pieces": "7", "reason": "counted", **form_on(page)}
    return owner.post(item_url(shelves.books, item_id, "/adjust"), data=form | told)


def words(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_a_count_and_what_came_and_went_add_up(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("KOPI")
    assert press(owner, shelves, item).status_code == 303
    press(owner, shelves, item, how="add", pieces="5", reason="received")
    press(owner, shelves, item, how="take", pieces="2", reason="damaged", words="Fell down")
    assert shelves.level(item) == Level(10, 0)
    page = words(owner.get(item_url(books, item)))
    assert "Adjusted · Broken or spoiled Fell down −2 then 10" in page
    assert books.store.owner.name in page
    listed = words(owner.get(books.store.url("/inventory/")))
    assert re.search(r"KOPI – – 10 0 10 0", listed)


def test_the_same_form_sent_twice_counts_once(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("TWICE")
    form = form_on(owner.get(item_url(books, item)).text)
    for _press in range(2):
        press(owner, shelves, item, how="add", pieces="3", **form)
    assert shelves.level(item) == Level(3, 0)


def test_a_count_of_what_moved_meanwhile_is_asked_for_again(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("MOVED")
    shelves.put(item, 4)
    form = form_on(owner.get(item_url(books, item)).text)
    shelves.put(item, 5)
    answer = press(owner, shelves, item, pieces="4", **form)
    assert answer.status_code == 422
    assert "there are 9 now" in words(answer)
    assert shelves.level(item) == Level(9, 0)
    assert 'value="4"' in answer.text, "what was typed stays"
    again = press(owner, shelves, item, pieces="4", **form_on(answer.text))
    assert again.status_code == 303
    assert shelves.level(item) == Level(4, 0)


def test_fewer_than_none_cannot_be_there(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("FEW")
    shelves.put(item, 2)
    answer = press(owner, shelves, item, how="take", pieces="3", reason="lost")
    assert (answer.status_code, shelves.level(item)) == (422, Level(2, 0))
    assert "There are only 2" in words(answer)


def test_fewer_than_are_promised_needs_a_second_word(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("PROMISED")
    shelves.put(item, 6)
    shelves.move(Movement(item, shelves.main, Kind.RESERVE, reserved=5))
    answer = press(owner, shelves, item, pieces="3")
    assert (answer.status_code, shelves.level(item)) == (422, Level(6, 5))
    assert "5 are promised to orders, and only 3 would be there" in words(answer)
    press(owner, shelves, item, pieces="3", confirmed="y", **form_on(answer.text))
    assert shelves.level(item) == Level(3, 5)
    press(owner, shelves, item, how="add", pieces="1", reason="received")
    assert shelves.level(item) == Level(4, 5), "what makes it better needs no second word"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"pieces": ""}, "Type a number in digits"),
        ({"pieces": "1.5"}, "Type a number in digits"),
        ({"pieces": "9999999999"}, "too many"),
        ({"reason": "other"}, "Say in a few words"),
        ({"reason": "magic"}, "Not a valid choice"),
        ({"location_id": "999999"}, "Not a valid choice"),
        ({"key": "short"}, "Open the item again"),
    ],
)
def test_what_cannot_be_right_is_refused_with_words(
    owner: FlaskClient, books: Books, shelves: Shelves, told: dict[str, str], why: str
) -> None:
    item = books.item("WRONG")
    answer = press(owner, shelves, item, **told)
    assert answer.status_code == 422
    assert why in words(answer)
    assert shelves.ledger() == []


def test_htmx_gets_the_stock_alone(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("PART")
    form = form_on(owner.get(item_url(books, item)).text)
    told = {"location_id": str(shelves.main), "how": "set", "pieces": "7", "reason": "counted", **form}
    answer = owner.post(item_url(books, item, "/adjust"), data=told, headers=HTMX)
    assert answer.text.lstrip().startswith('<div id="stock"')
    assert form_on(answer.text)["key"] != form["key"]
    refused = owner.post(item_url(books, item, "/adjust"), data=told | {"pieces": "x"}, headers=HTMX)
    assert refused.status_code == 422 and refused.text.lstrip().startswith('<div id="stock"')


def test_a_sub_store_is_told_that_an_adjustment_stays(
    owner: FlaskClient, books: Books, shelves: Shelves, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = books.item("STAYS")
    assert "This stays here." not in owner.get(item_url(books, item)).text
    monkeypatch.setattr(adjusting, "_NOTICES", [lambda: None, lambda: "This stays here."])
    assert "This stays here." in owner.get(item_url(books, item)).text
    press(owner, shelves, item)
    assert "This stays here." in owner.get(books.store.url("/inventory/")).text, "and said once more, as it is done"


def test_a_reader_sees_stock_and_adjusts_none(reader: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("SEEN")
    shelves.put(item, 4)
    page = reader.get(item_url(books, item)).text
    assert "Main warehouse" in page and "Adjust stock" not in page
    assert reader.post(item_url(books, item, "/adjust"), data={"pieces": "1"}).status_code == 403


def test_a_kit_has_no_stock_and_an_item_with_stock_becomes_none(
    owner: FlaskClient, books: Books, shelves: Shelves
) -> None:
    item = books.item("BOX")
    shelves.put(item, 1)
    answer = owner.post(item_url(books, item), data={"sku": "BOX", "version": "1", "kit": "y"})
    assert answer.status_code == 422 and "Take them out first" in words(answer)
    press(owner, shelves, item, pieces="0")
    assert owner.post(item_url(books, item), data={"sku": "BOX", "version": "1", "kit": "y"}).status_code == 303
    assert "Adjust stock" not in owner.get(item_url(books, item)).text


def test_movements_are_found_by_item_warehouse_kind_and_day(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    kopi, teh = books.item("KOPI", name="Kopi O"), books.item("TEH")
    floor = shelves.warehouse("Shop floor")
    order_id = books.order(books.channel())
    shelves.put(kopi, 5)
    shelves.put(teh, 6, floor)
    shelves.move(Movement(kopi, shelves.main, Kind.RESERVE, reserved=1, order_id=order_id))
    url = books.store.url("/inventory/movements")

    def rows(query: str = "") -> int:
        return owner.get(f"{url}?{query}", headers=HTMX).text.count('<td class="cell-title">')

    assert [rows(), rows("q=kopi+o"), rows(f"item={teh}"), rows(f"warehouse={floor}"), rows("kind=reserve")] == [
        *(3, 2, 1, 1, 1)
    ]
    assert [rows("date_to=2001-01-01"), rows("date_from=2001-01-01")] == [0, 3]
    assert rows("limit=2") == 2
    page = owner.get(f"{url}?kind=reserve").text
    assert f"/orders/{order_id}" in page
    told = owner.get(books.store.url("/inventory/movements.csv?q=kopi")).text.splitlines()
    assert len(told) == 3 and told[1].split(",")[1:5] == ["KOPI", "Kopi O", "Main warehouse", "Reserved for an order"]


def test_items_are_found_by_what_is_left_of_them(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    there, gone, _kit = books.item("THERE"), books.item("GONE"), books.item("SET", kit=True)
    books.item("BATCHED", tracking="batch")
    floor = shelves.warehouse("Shop floor")
    shelves.put(there, 3)
    shelves.put(gone, 2, floor)
    shelves.move(Movement(gone, floor, Kind.RESERVE, reserved=2))

    def skus(query: str) -> list[str]:
        page = owner.get(books.store.url(f"/inventory/?{query}"), headers=HTMX).text
        return re.findall(r'cell-title"><a[^>]*>(\w+)', page)

    assert skus("which=out") == ["BATCHED", "GONE"]
    assert skus("which=kit") == ["SET"]
    assert skus("which=batch") == ["BATCHED"]
    assert skus(f"warehouse={floor}") == ["GONE"]
    assert skus("limit=2") == ["BATCHED", "GONE"]


def test_a_warehouse_that_holds_stock_stays(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item, floor = books.item("STAYS"), shelves.warehouse("Shop floor")
    shelves.put(item, 1, floor)
    url = books.store.url(f"/settings/warehouses/{floor}/archive")
    answer = owner.post(url)
    assert answer.status_code == 422 and "stock of 1 item lies there" in words(answer)
    press(owner, shelves, item, location_id=str(floor), pieces="0")
    assert owner.post(url).status_code == 303


def test_everything_about_an_item_is_kept_and_shown_again(owner: FlaskClient, books: Books) -> None:
    told = {
        "sku": "SHIRT-M",
        "name": "Batik shirt",
        "product": "Batik shirt",
        "options": "Size: M; Colour: Red",
        "weight": "0,25",
        "picture_url": "https://shop.example/shirt.jpg",
        "tracking": "batch",
    }
    item = int(owner.post(books.store.url("/inventory/add"), data=told).location.rpartition("/")[2])
    owner.post(books.store.url("/inventory/add"), data=told | {"sku": "SHIRT-L", "options": "Size: L"})
    page = owner.get(item_url(books, item)).text
    for value in ("Size: M; Colour: Red", "0.25", "https://shop.example/shirt.jpg", "M / Red"):
        assert f'value="{value}"' in page
    assert '<option selected value="batch">' in page
    assert "All of Batik shirt" in page and "SHIRT-L" in page


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("weight", "0.0005", "Type a weight in kilograms"),
        ("weight", "-1", "Type a weight in kilograms"),
        ("options", "Red", "Write each option with its value"),
        ("picture_url", "javascript:alert(1)", "https://"),
        ("tracking", "by moon", "Not a valid choice"),
        ("kit", "y", "Choose one of both"),
    ],
)
def test_what_cannot_be_of_an_item_is_refused(
    owner: FlaskClient, books: Books, field: str, typed: str, why: str
) -> None:
    told = {"sku": "NEW", "tracking": "serial", field: typed}
    answer = owner.post(books.store.url("/inventory/add"), data=told)
    assert answer.status_code == 422
    assert why in words(answer)
