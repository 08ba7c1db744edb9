"""Orders as SiteGiant sends them, made by the tests' own hand so that no parser can agree with itself."""

from __future__ import annotations

import json
from typing import Any

import responses

BASE = "https://shop.example/api/v1"


def envelope(response: Any, code: Any = 200) -> dict[str, Any]:
    """The body around every answer."""
    return {"code": code, "response": response}


def orders(rows: list[Any], total: Any = None) -> dict[str, Any]:
    """The answer that carries a list of orders, and perhaps their total."""
    return envelope({"order_list": rows} if total is None else {"order_list": rows, "total": total})


def sent(web: responses.RequestsMock) -> Any:
    """What the last call sent, as JSON."""
    body = web.calls[-1].request.body
    assert body is not None
    return json.loads(body)


def detail(**changes: Any) -> dict[str, Any]:
    """One order in full; `changes` replace fields, `...` as a value takes a field out."""
    row: dict[str, Any] = {
        "order_id": 1001,
        "marketplace_order_id": "2611ABC",
        "channel_id": 7,
        "marketplace": "Shopee",
        "order_status": "Completed",
        "payment_status": "Paid",
        "billing_method": "ShopeePay",
        "invoice_no": "",
        "order_creation_date": "2026-11-20T23:58:10+08:00",
        "paid_time": "2026-11-20T23:59:00+08:00",
        "shipped_time": None,
        "updated_at": "2026-11-21T00:03:00+08:00",
        "billing_firstname": "Nur",
        "billing_lastname": "Aisyah",
        "billing_company": "",
        "billing_phone": "+60120000000",
        "billing_email": "",
        "billing_address": "No. 1, Jalan Contoh",
        "billing_city": "Ipoh",
        "billing_state": "Perak",
        "billing_postcode": "30000",
        "billing_country": "MY",
        "note": "",
        "order_items": [item()],
        "shipping_fee": "4.90",
        "coupon_amount": "5.00",
        "other_adjustment_total": "0.00",
        "tax_total": "0.00",
        "tax_inclusive": 0,
        "refunded_amount": "0.00",
        "total": "39.90",
    }
    return _changed(row, changes)


def item(**changes: Any) -> dict[str, Any]:
    """One line of an order."""
    row: dict[str, Any] = {
        "order_item_id": 1,
        "product_sku": "A-1",
        "isku": "A1",
        "product_name": "Kopi",
        "variant": "",
        "product_price": "21.00",
        "product_quantity": 2,
        "product_total": "42.00",
        "discount_amount": "2.00",
        "tax_amount": "0.00",
    }
    return _changed(row, changes)


def stub(order_id: int, **changes: Any) -> dict[str, Any]:
    """One row of the order list."""
    row: dict[str, Any] = {
        "order_id": order_id,
        "order_status": "Completed",
        "payment_status": "Paid",
        "created_at": "2026-11-20T23:58:10+08:00",
        "updated_at": "2026-11-21T00:03:00+08:00",
    }
    return _changed(row, changes)


def _changed(row: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**row, **changes}.items() if value is not ...}
