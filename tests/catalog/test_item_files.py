"""Items with their stock as files: out and in again unchanged, a look before anything is stored."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.catalog.item_files import MOST_BYTES, preview
from app.catalog.models import Item, Product
from app.core.stock import Kind, Level, Movement
from app.extensions import db
from app.web import sheets
from app.web.sheets import BadFile
from tests.catalog.shelves import Shelves
from tests.orders.factories import Books, statements

MARK = "\ufeff"


def upload(owner: FlaskClient, books: Books, content: str | bytes) -> TestResponse:
    data = content if isinstance(content, bytes) else content.encode()
    return owner.post(books.store.url("/inventory/import"), data={"file": (io.BytesIO(data), "items.csv")})


def confirm(owner: FlaskClient, books: Books, preview: TestResponse) -> TestResponse:
    found = {name: re.findall(rf'name="{name}" value="([^"]*)"', preview.text)[0] for name in ("sheet", "digest")}
    return owner.post(books.store.url("/inventory/import"), data=found)


def exported(owner: FlaskClient, books: Books, query: str = "") -> str:
    return owner.get(books.store.url(f"/inventory/items.csv{query}")).text


def words(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def an_item(books: Books, sku: str) -> Item:
    with books.scope():
        row = db.session.scalars(select(Item).where(Item.sku == sku)).one()
        db.session.expunge(row)
        return row


def test_what_goes_out_comes_in_again_and_changes_nothing(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    floor = shelves.warehouse("Shop floor")
    shirt = books.item(
        *("SHIRT-M",),
        name="=Batik, “best”",
        barcode="0955",
        price=1690,
        weight_grams=250,
        product="Shirt",
        options={"Size": "M", "Colour": "Red"},
        picture_url="https://shop.example/a.jpg",
        tracking="serial",
    )
    books.item("-KIT", kit=True)
    shelves.put(shirt, 4, floor)
    shelves.move(Movement(shirt, shelves.main, Kind.SHIP, on_hand=-2))
    file = exported(owner, books)
    rows = list(csv.DictReader(io.StringIO(file.removeprefix(MARK))))
    assert [row["sku"] for row in rows] == ["'-KIT", "SHIRT-M"]
    assert (rows[1]["stock: Main warehouse"], rows[1]["stock: Shop floor"], rows[1]["weight_kg"]) == ("-2", "4", "0.25")
    answer = upload(owner, books, file)
    assert "everything stands already as the file says" in words(answer)
    assert "2 rows change nothing" in words(answer)


def test_a_look_then_new_items_changes_and_counts(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    kopi = books.item("KOPI", name="Kopi", price=300)
    shelves.put(kopi, 3)
    file = (
        "SKU;Name;Price;weight kg;product;options;Stock: MAIN  warehouse\n"
        "kopi;Kopi O;3.50;0.5;;;7\n"
        "TEH-L;Teh;2;;Teh;Size: L;12\n"
        "TEH-S;Teh;1.5;;teh;Size: S;\n"
    )
    look = upload(owner, books, file)
    told = words(look)
    assert "2 new items. One item changed. 2 quantities set." in told
    assert "name: Kopi → Kopi O" in told and "price: 3.00 → 3.50" in told
    assert an_item(books, "KOPI").name == "Kopi", "a look stores nothing"
    assert shelves.level(kopi) == Level(3, 0)
    assert confirm(owner, books, look).status_code == 303
    changed, large, small = (an_item(books, sku) for sku in ("KOPI", "TEH-L", "TEH-S"))
    assert (changed.name, changed.price, changed.weight_grams, changed.version) == ("Kopi O", 350, 500, 2)
    assert (large.variant, large.product_id, large.price) == ("L", small.product_id, 200)
    assert (shelves.level(kopi), shelves.level(large.id)) == (Level(7, 0), Level(12, 0))
    assert shelves.sums() == shelves.levels()
    assert [row.words for row in shelves.ledger()][1:] == ["From a CSV file"] * 2
    with books.scope():
        assert db.session.scalars(select(Product.options)).all() == [["Size"]]


def test_a_row_takes_nothing_from_the_row_before_it(owner: FlaskClient, books: Books) -> None:
    file = "sku,name,kit,tracking,weight_kg,product\nA,Box,yes,,1,Boxes\nB,,,,,\nC,,,serial,x,\nD,,,,,\n"
    look = upload(owner, books, file)
    assert "One row cannot be used" in words(look)
    assert confirm(owner, books, look).status_code == 303
    for sku in ("B", "D"):
        row = an_item(books, sku)
        assert (row.name, row.kit, row.tracking, row.weight_grams, row.product_id) == ("", False, "none", None, None)


def test_pressed_twice_it_is_saved_once(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    look = upload(owner, books, "sku,stock: Main warehouse\nNEW,5\n")
    assert [confirm(owner, books, look).status_code for _press in range(2)] == [303, 303]
    assert shelves.level(an_item(books, "NEW").id) == Level(5, 0)
    assert len(shelves.ledger()) == 1


def test_what_changed_since_the_look_is_shown_anew(owner: FlaskClient, books: Books, shelves: Shelves) -> None:
    item = books.item("KOPI")
    look = upload(owner, books, "sku,stock: Main warehouse\nKOPI,5\n")
    shelves.put(item, 2)
    again = confirm(owner, books, look)
    assert again.status_code == 409 and "Something was changed meanwhile" in words(again)
    assert shelves.level(item) == Level(2, 0)
    assert confirm(owner, books, again).status_code == 303
    assert shelves.level(item) == Level(5, 0)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A,,,x,,", "price: Type an amount"),
        ("A,,,,0.00001,", "weight_kg: Type a weight"),
        ("A,,,,,1.5", "stock: Main warehouse: Type a number in digits"),
        ("A,,,,,-3", "Type a number in digits"),
        ("A,by moon,,,,", "tracking: Not a valid choice"),
        ("A,,maybe,,,", "kit: Write yes or no"),
        ("A,,yes,,,4", "A kit holds no stock"),
        ("HELD,,yes,,,", "A kit holds no stock"),
        ("GONE,,,1,,", "This item is archived"),
        (",serial,,,,", "The row names no SKU"),
        ("A,,,1,,\nA,,,2,,", "Line 2 has the same SKU"),
    ],
)
def test_rows_that_cannot_be_used_are_left_out_with_why(
    owner: FlaskClient, books: Books, shelves: Shelves, row: str, why: str
) -> None:
    shelves.put(books.item("HELD"), 1)
    owner.post(books.store.url(f"/inventory/{books.item('GONE')}/archive"))
    answer = upload(owner, books, f"sku,tracking,kit,price,weight_kg,stock: Main warehouse\n{row}\nGOOD,,,,,\n")
    assert why in words(answer)
    assert "new item" in words(answer), "the other rows can be saved"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "The first line must name the columns"),
        (b"name\nA\n", "The first line must name the columns"),
        (b"sku\n", "The file has no rows"),
        (b"sku,stock: Moon\nA,1\n", "There is no warehouse “moon” in use"),
        (b"sku\n\xff\n", "CSV in UTF-8"),
    ],
)
def test_files_that_cannot_be_read_are_refused(owner: FlaskClient, books: Books, file: bytes, why: str) -> None:
    answer = upload(owner, books, file)
    assert answer.status_code == 422
    assert why in words(answer)


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(BadFile, match=r"larger than 1\.5 MB"):
        preview(b"x" * (MOST_BYTES + 1))


def test_a_file_that_no_form_can_carry_is_refused_at_the_look(
    owner: FlaskClient, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MOST_PACKED", 10)
    answer = upload(owner, books, "sku\nA\n")
    assert answer.status_code == 422 and "The file says too much at once" in words(answer)


@pytest.mark.parametrize("sheet", ["x", "AAAA", "eJz", "éé"])
def test_a_sheet_that_no_look_made_is_refused(owner: FlaskClient, books: Books, sheet: str) -> None:
    answer = owner.post(books.store.url("/inventory/import"), data={"sheet": sheet, "digest": "x"})
    assert answer.status_code == 422


def test_a_store_reads_its_own_items_only(owner: FlaskClient, reader: FlaskClient, books: Books) -> None:
    books.item("MINE")
    assert "MINE" in exported(reader, books, "?q=mine") and "MINE" not in exported(owner, books, "?q=other")
    assert reader.post(books.store.url("/inventory/import"), data={"sheet": "x"}).status_code == 403


def test_statements_do_not_grow_with_the_rows(owner: FlaskClient, books: Books) -> None:
    def cost(rows: int, prefix: str) -> int:
        file = "sku,name,product,stock: Main warehouse\n" + "".join(
            f"{prefix}{number},Kopi {prefix},{prefix},{number + 1}\n" for number in range(rows)
        )
        look = upload(owner, books, file)
        with books.app.app_context(), statements() as seen:
            assert confirm(owner, books, look).status_code == 303
        return len(seen)

    assert cost(3, "A") == cost(120, "B")
