"""KiotViet's products over a real socket: all of them once, then what changed, and what is called out at once."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from app.catalog.items import ItemFacts
from app.channels.announcing import switch_on
from app.connectors.kiotviet import KiotViet
from app.connectors.kiotviet.webhooks import registered_secret
from app.orders import linking
from app.orders.linking import Linked
from app.sync.services import request_products
from tests.sandbox.kiotviet.visiting import BRANCH, OTHER_BRANCH, Visitor
from tests.sandbox.running import Running
from tests.support.factories import Make
from tests.support.fixtures import new_client
from tests.sync.test_kiotviet import KiotMerchant

PRODUCTS = 150
_numbers = count(1)


@pytest.fixture
def merchant(kiotviet: Running, make: Make) -> Iterator[KiotMerchant]:
    """A connected shop with products of every kind, nothing read yet."""
    key = f"goods{next(_numbers)}"
    there = Visitor(kiotviet, key, f"client-of-{key}", f"secret-of-{key}")
    with there.session:
        made_up = {"key": key, "products": PRODUCTS, "orders": 0}
        there.steer("POST", "shops", params={"key": "cuahangsen"}, json=made_up)
        found = KiotMerchant(make.app, make.store(currency="VND"), cast(Any, there))
        found.there = there
        found.connect()
        found.execute("update channels set takes_products = true, takes_orders = false")
        yield found


def read(merchant: KiotMerchant, *, everything: bool = False) -> Any:
    with merchant.acting():
        request_products(merchant.channel_id, None, everything=everything)
    merchant.work()
    return merchant.job()


def records(merchant: KiotMerchant) -> dict[str, dict[str, Any]]:
    """The shop's products by their ids."""
    rows = merchant.there.steer("GET", "records/product", params={"limit": 500})["records"]
    return {str(row["id"]): row for row in rows}


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    """What we keep of a product, worked out anew."""
    base = row.get("masterUnitId")
    family = row.get("masterProductId") or (row["id"] if row.get("hasVariants") else "")
    obstacle = "combo" if row["type"] == 1 else "batch" if row.get("isBatchExpireControl") else None
    if obstacle is None and row.get("isLotSerialControl"):
        obstacle = "serial"
    holds = Decimal(str(row.get("conversionValue", 1))) if base else Decimal(1)
    sku, price = " ".join(row["code"].split()), round(row["basePrice"])
    return sku, price, row.get("unit", ""), holds, str(base or ""), str(family), obstacle


def kept(merchant: KiotMerchant) -> dict[str, tuple[Any, ...]]:
    columns = "remote_id, sku, price, unit, conversion, base_id, family_id, obstacle"
    query = f"select {columns} from listings where gone_at is null and problem = ''"
    return {row[0]: tuple(row[1:]) for row in merchant.rows(query)}


def counts(merchant: KiotMerchant) -> dict[tuple[str, str], Decimal]:
    query = (
        "select l.remote_id, m.remote_id, s.on_hand from listing_stocks s join listings l on l.id = s.listing_id "
        "join marketplaces m on m.id = s.marketplace_id where l.gone_at is null"
    )
    return {(row[0], row[1]): row[2] for row in merchant.rows(query)}


def counted_there(merchant: KiotMerchant) -> dict[tuple[str, str], Decimal]:
    """The same there; a box is counted by the pieces in it, which leaves long fractions."""
    return {
        (product_id, str(one["branchId"])): round(Decimal(str(one.get("onHand", 0))), 4)
        for product_id, row in records(merchant).items()
        for one in row.get("inventories", [])
    }


def reads(merchant: KiotMerchant) -> list[str]:
    return sorted(call["path"].strip("/").partition("/")[0].lower() for call in merchant.there.log())


def test_all_products_come_in_as_they_are_and_then_only_what_changed(merchant: KiotMerchant) -> None:
    job = read(merchant)
    there = records(merchant)
    assert (job.state, job.counts["products"]) == ("succeeded", len(there))
    assert kept(merchant) == {product_id: told(row) for product_id, row in there.items()}
    assert counts(merchant) == counted_there(merchant)
    kinds = {row[-1] for row in kept(merchant).values()}
    assert kinds == {None, "combo", "batch", "serial"}, "the shop has goods of every kind"

    before = dict(merchant.rows("select remote_id, xmin::text from listings"))
    plain = [one for one, row in there.items() if row["type"] == 2]
    edited, deleted, moved = plain[10], plain[20], plain[30]
    merchant.there.steer("POST", "touch/product", json={"every": 100})
    merchant.there.steer("PATCH", f"records/product/{edited}", json={"basePrice": 123_000})
    merchant.there.steer("DELETE", f"records/product/{deleted}")
    merchant.there.steer("POST", "stock", json={"productId": int(moved), "branchId": BRANCH, "onHand": 77})
    merchant.there.steer("DELETE", "log")
    job = read(merchant)
    assert job.state == "succeeded"
    assert (job.counts["products_changed"], job.counts["products_gone"]) == (2, 1)
    assert reads(merchant) == ["productonhands", "products", "products"], "edited, made and counted: a page of each"
    after = dict(merchant.rows("select remote_id, xmin::text from listings"))
    assert {one for one in after if before[one] != after[one]} == {edited, deleted, moved}
    assert kept(merchant) == {product_id: told(row) for product_id, row in records(merchant).items()}
    assert counts(merchant) == counted_there(merchant)


def test_weights_are_told_in_the_unit_that_a_person_chose_and_never_guessed(merchant: KiotMerchant) -> None:
    heavy = {one: Decimal(str(row["weight"])) for one, row in records(merchant).items() if row.get("weight")}
    assert heavy
    read(merchant)
    assert merchant.scalar("select count(*) from listings where weight is not null") == 0
    for unit, share in (("g", Decimal("0.001")), ("kg", Decimal(1))):
        options = json.dumps({"weight_unit": unit})
        merchant.execute(
            "update channels set options = cast(:o as jsonb) where id = :c", o=options, c=merchant.channel_id
        )
        read(merchant, everything=True)
        weights = dict(merchant.rows("select remote_id, weight from listings where weight is not null"))
        assert weights == {one: round(weight * share, 3) for one, weight in heavy.items()}


def called(merchant: KiotMerchant, monkeypatch: pytest.MonkeyPatch) -> tuple[FlaskClient, str, str]:
    """A client at our address, and what the shop was told of it: address and secret."""
    noted: list[tuple[str, str]] = []

    def listen(_self: KiotViet, url: str, secret: str) -> str:
        noted.append((url, secret))
        return "1"

    with monkeypatch.context() as patch, merchant.acting():
        patch.setattr(KiotViet, "register_webhook", listen)
        switch_on(merchant.channel_id)
    ((url, secret),) = noted
    return new_client(merchant.app), url.removeprefix("http://localhost"), secret


def test_stock_that_is_called_out_is_read_again_and_followed(
    merchant: KiotMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(merchant)
    shelf = merchant.scalar("select min(id) from locations")
    merchant.execute("update channels set takes_stock = true")
    merchant.execute("update marketplaces set location_id = :l where remote_id = :b", l=shelf, b=str(BRANCH))
    product_id = next(
        one for one, row in records(merchant).items() if told(row)[2:] == (row.get("unit", ""), 1, "", "", None)
    )
    ((listing_id,),) = merchant.rows("select id from listings where remote_id = :r", r=product_id)
    user_id = merchant.store.owner.id
    with merchant.acting():
        item_id = linking.add_item(ItemFacts("K1", currency="VND"), user_id).item_id
        saved = linking.link_listing(merchant.channel_id, listing_id, item_id, 0, user_id)
    assert isinstance(saved, Linked)
    client, url, secret = called(merchant, monkeypatch)
    for branch, on_hand in ((BRANCH, 41), (OTHER_BRANCH, 900)):
        merchant.there.steer(
            "POST", "stock", json={"productId": int(product_id), "branchId": branch, "onHand": on_hand}
        )
    row = {"ProductId": int(product_id), "BranchId": BRANCH, "OnHand": 3, "Reserved": 0}
    body = json.dumps({"Id": "7", "Attempt": 1, "Notifications": [{"Action": "stock.update", "Data": [row]}]}).encode()
    mac = hmac.new(registered_secret(secret).encode(), body, hashlib.sha256).hexdigest()
    for _twice in range(2):
        answer = client.post(
            url, data=body, headers={"X-Hub-Signature": f"sha1={mac}"}, content_type="application/json"
        )
        assert answer.status_code == 200
    merchant.there.steer("DELETE", "log")
    merchant.work()
    assert reads(merchant) == ["products"], "read once, by its id"
    levels = merchant.rows("select item_id, location_id, on_hand from stock_levels")
    assert [tuple(one) for one in levels] == [(item_id, shelf, 41)], "what is there counts, not what was said"
    assert merchant.scalar("select max(kind) from stock_movements") == "count"
