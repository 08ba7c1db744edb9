"""What KiotViet is sent and where to, and what its own calls say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.base import ConnectorOptions
from app.connectors.kiotviet import KiotViet
from app.connectors.kiotviet.address import RECORDS, TOKENS
from app.connectors.kiotviet.payload import goods_of, sums_of
from app.core.errors import AuthRejected, BadSignature, Misconfigured, NotThisSystem, Rejected, Unavailable
from app.core.types import OrderStatus, OrderWrite, OrderWriteLine

KEY = "0123456789abcdef0123456789abcdef"


# ---- orders out


@given(
    st.lists(
        st.tuples(
            st.sampled_from("123"), st.decimals("0.0001", 999, places=4), st.integers(0, 10**7), st.integers(0, 99)
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**5),
)
def test_the_total_there_is_always_ours(
    rows: list[tuple[str, Decimal, int, int]], shipping: int, discount: int, tax: int
) -> None:
    lines = tuple(
        OrderWriteLine(product, "", "", quantity, price, int(quantity * price) * share // 100)
        for product, quantity, price, share in rows
    )
    total = max(0, int(sum(one.quantity * one.unit_price - one.discount for one in lines)) + shipping - discount + tax)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    write = OrderWrite(
        KEY, "", None, "1", "1", at, OrderStatus.OPEN, {}, "", lines, shipping, discount, tax, total, 0, "", "VND"
    )
    sent = goods_of(lines)
    sums = sums_of(write, sent)
    worth = sum((one.quantity * (one.price - one.discount) for one in sent), Decimal(0))
    assert worth - sums.discount + sums.surcharge == total
    assert min(sums.discount, sums.surcharge) >= 0
    assert min(one.discount for one in sent) >= 0
    assert len({one.product_id for one in sent}) == len(sent)


# ---- what it calls out


def heard(body: Any, signature: str | None = None, prefix: str = "sha1=") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    mac = hmac.new(base64.b64encode(b"our secret"), raw, hashlib.sha256).hexdigest()
    return KiotViet.read_webhook({"x-hub-signature": prefix + (signature or mac)}, raw, "our secret")


def called(action: str, *rows: Any, **more: Any) -> Any:
    return heard({"Id": "d-1", "Attempt": 1, "Notifications": [{"Action": action, "Data": list(rows)}], **more})


@pytest.mark.parametrize(
    ("action", "data", "orders", "products"),
    [
        ("order.update", {"Id": 5, "Status": 4}, ("orders/5",), ()),
        ("ORDER.Update.500001", {"id": "5"}, ("orders/5",), ()),
        ("invoice.update", {"Id": 7}, ("invoices/7",), ()),
        ("invoice.update", {"Id": 7, "OrderId": 5}, ("orders/5",), ()),
        ("product.update", {"Id": 9}, (), ("9",)),
        ("stock.update", {"ProductId": 9, "Id": 1}, (), ("9",)),
        ("product.delete", 9, (), ("9",)),
        ("product.delete", {"Id": 9}, (), ("9",)),
        ("customer.update", {"Id": 9}, (), ()),
        ("order.update", {"Id": True}, (), ()),
        ("order.update", "x", (), ()),
    ],
)
def test_a_call_names_its_records(action: str, data: Any, orders: tuple[str, ...], products: tuple[str, ...]) -> None:
    found = called(action, data, data)
    assert (found.key, found.order_ids, found.product_ids) == ("d-1", orders, products)


def test_removed_ids_may_come_bare() -> None:
    found = heard({"RemoveId": [5, 6]})
    assert (found.product_ids, found.order_ids) == (("5", "6"), ())
    assert found.key.startswith("sha256:")


@pytest.mark.parametrize("prefix", ["sha1=", "sha256=", ""])
def test_a_signature_is_known_whatever_it_is_called(prefix: str) -> None:
    body = b'{"Id": "x"}'
    mac = hmac.new(base64.b64encode(b"our secret"), body, hashlib.sha256).hexdigest()
    assert heard(body, mac.upper(), prefix).key == "x"


@pytest.mark.parametrize(
    "mac",
    [
        "00",
        hmac.new(b"our secret", b"{}", hashlib.sha256).hexdigest(),
        hmac.new(base64.b64encode(b"our secret"), b"{}", hashlib.sha1).hexdigest(),
        "ü",
    ],
)
def test_any_other_signature_is_refused(mac: str) -> None:
    with pytest.raises(BadSignature):
        heard(b"{}", mac)
    with pytest.raises(BadSignature):
        KiotViet.read_webhook({}, b"{}", "our secret")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"Notifications": 5}', b'{"Notifications": [{"Data": {}}]}', b"\xff"]
)
def test_a_signed_call_that_cannot_be_read_announces_nothing(body: bytes) -> None:
    found = heard(body)
    assert (found.order_ids, found.product_ids) == ((), ())


def test_two_attempts_of_one_delivery_are_one() -> None:
    assert called("order.update", {"Id": 5}).key == called("order.update", {"Id": 5}, Attempt=2).key


# ---- where what is sent


def test_the_secret_goes_to_the_address_of_tokens_only_and_the_token_to_that_of_records(
    web: responses.RequestsMock,
) -> None:
    web.post(f"{TOKENS}/connect/token", json={"access_token": "a.b.c", "expires_in": 86400})
    web.get(f"{RECORDS}/branches", json={"total": 1, "data": [{"id": 1, "branchName": "A"}]})
    shop = KiotViet({"retailer": "cuahang", "client_id": "an-id", "client_secret": "a-secret"}, ConnectorOptions())
    assert shop.check().account_name == "cuahang"
    shop.close()
    token, records = (call.request for call in web.calls)
    assert "client_secret=a-secret" in str(token.body)
    assert "scopes=PublicApi.Access" in str(token.body)
    assert (records.headers["Retailer"], records.headers["Authorization"]) == ("cuahang", "Bearer a.b.c")
    assert "a-secret" not in f"{records.url}{records.headers}"
    assert records.body is None


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ({"error": "invalid_client"}, 400, AuthRejected),
        ({"error": "invalid_scope"}, 400, Rejected),
        ({"access_token": "two words"}, 200, Unavailable),
        ({"token": "x"}, 200, Unavailable),
        ([], 200, Unavailable),
    ],
)
def test_what_is_no_token_is_an_error_of_its_own(
    web: responses.RequestsMock, answer: Any, status: int, expected: type[Exception]
) -> None:
    web.post(f"{TOKENS}/connect/token", json=answer, status=status)
    shop = KiotViet({"retailer": "cuahang", "client_id": "an-id", "client_secret": "a-secret"}, ConnectorOptions())
    with pytest.raises(expected):
        shop.list_products(1)
    shop.close()


def test_an_address_that_does_not_speak_as_kiotviet_does_is_another_system(web: responses.RequestsMock) -> None:
    web.post(f"{TOKENS}/connect/token", body="<html>Welcome</html>")
    shop = KiotViet({"retailer": "cuahang", "client_id": "an-id", "client_secret": "a-secret"}, ConnectorOptions())
    with pytest.raises(NotThisSystem):
        shop.check()
    shop.close()


def test_a_shop_that_shows_no_branch_is_told_so(web: responses.RequestsMock) -> None:
    web.post(f"{TOKENS}/connect/token", json={"access_token": "a.b.c"})
    web.get(f"{RECORDS}/branches", json={"total": 0})
    shop = KiotViet({"retailer": "cuahang", "client_id": "an-id", "client_secret": "a-secret"}, ConnectorOptions())
    with pytest.raises(Misconfigured, match="branch"):
        shop.check()
    shop.close()
