"""SiteGiant's items in our words: other names for the same thing, nothing guessed, one bad row is one bad row."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from app.connectors.base import Connector
from app.connectors.http import NotJson
from app.connectors.sitegiant.products import parse_listing
from app.core.types import RemoteListing, UnreadableListing
from tests.connectors.wire import BASE, envelope


def row(**changes: Any) -> dict[str, Any]:
    """One row; `...` as a value takes a field out."""
    plain = {
        "item_id": 501,
        "isku": "KOPI-O",
        "product_sku": "kopi-o",
        "name": "Kopi O",
        "variant": "20 s",
        "barcode": "955123",
        "price": "16.90",
        "currency": "MYR",
        "stock": 12,
        "image": "https://pictures.example/1.jpg",
        "updated_at": "2026-11-20T10:00:00+08:00",
    }
    return {name: value for name, value in {**plain, **changes}.items() if value is not ...}


def read(**changes: Any) -> RemoteListing:
    found = parse_listing(row(**changes))
    assert isinstance(found, RemoteListing), found
    return found


def test_a_row_comes_whole() -> None:
    found = read()
    assert (found.remote_id, found.isku, found.sku, found.name, found.variant) == (
        "501",
        "KOPI-O",
        "kopi-o",
        "Kopi O",
        "20 s",
    )
    assert (found.price, found.currency, found.barcode) == (1690, "MYR", "955123")
    assert found.stock == 12
    assert found.picture == "https://pictures.example/1.jpg"
    assert found.updated_at == datetime(2026, 11, 20, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"item_id": ..., "id": "77"}, "remote_id", "77"),
        ({"product_sku": ..., "item_sku": "x"}, "sku", "x"),
        ({"isku": ..., "inventory_sku": "y"}, "isku", "y"),
        ({"name": ..., "product_name": " Teh \n Tarik "}, "name", "Teh Tarik"),
        ({"price": ..., "selling_price": 5}, "price", 500),
        ({"stock": ..., "quantity": "-3"}, "stock", -3),
        ({"stock": "2.5"}, "stock", Decimal("2.5")),
        ({"stock": ""}, "stock", None),
        ({"price": ""}, "price", None),
        ({"currency": ""}, "price", None),
        ({"currency": "QQQ"}, "currency", ""),
        ({"currency": "VND", "price": "21000"}, "price", 21000),
        ({"barcode": 9551234567890}, "barcode", "9551234567890"),
        ({"image": "javascript:alert(1)"}, "picture", ""),
        ({"image": "https://[bad"}, "picture", ""),
        ({"image": None}, "picture", ""),
    ],
)
def test_other_names_and_shapes(changes: dict[str, Any], field: str, value: object) -> None:
    assert getattr(read(**changes), field) == value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"isku": ..., "product_sku": ...}, "isku"),
        ({"name": ...}, "name"),
        ({"price": "16.905"}, "price"),
        ({"stock": "many"}, "stock"),
        ({"stock": True}, "stock"),
        ({"updated_at": "46000"}, "updated_at"),
    ],
)
def test_what_cannot_be_read_is_kept_raw_and_names_the_field(changes: dict[str, Any], words: str) -> None:
    found = parse_listing(row(**changes))
    assert isinstance(found, UnreadableListing)
    assert f"“{words}”" in found.problem
    assert found.raw == row(**changes)


def test_a_row_that_only_says_that_it_changed_is_the_same_row() -> None:
    assert read(updated_at="2026-11-21T10:00:00+08:00").digest == read().digest
    assert read(stock=11).digest != read().digest


def test_an_item_without_a_sku_is_readable() -> None:
    assert (read(isku="", product_sku="").isku, read(isku="", product_sku="").sku) == ("", "")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(row())), anything))
def test_no_row_whatever_it_holds_stops_its_page(odd: dict[str, Any]) -> None:
    found = parse_listing({**row(), **odd})
    assert found is None or isinstance(found, RemoteListing | UnreadableListing)


def test_rows_without_an_id_are_counted_and_a_bare_list_tells_no_total(
    web: responses.RequestsMock, shop: Connector
) -> None:
    web.get(f"{BASE}/items", json=[row(), row(item_id=...), "what"])
    page = shop.list_products(1)
    assert (len(page.listings), page.nameless, page.total, page.is_last) == (1, 2, None, True)


@pytest.mark.parametrize("odd", [{"item_list": "none"}, {"orders": []}, "text", None])
def test_what_is_no_list_is_never_an_empty_page(web: responses.RequestsMock, shop: Connector, odd: object) -> None:
    web.get(f"{BASE}/items", json=envelope(odd))
    with pytest.raises(NotJson):
        shop.list_products(1)


def test_a_total_that_cannot_be_true_does_not_end_the_list(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/items", json=envelope({"total": 3, "item_list": [row(item_id=n + 1) for n in range(100)]}))
    assert not shop.list_products(1).is_last
