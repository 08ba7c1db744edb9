"""Calls as the page that explains them shows them; they are typed into a shell and so the same in every language."""

from __future__ import annotations

import json
from typing import Any, Final

ORDER: Final[dict[str, Any]] = {
    "kind": "webstore",
    "number": "1001",
    "payment_status": "paid",
    "payment_method": "FPX",
    "buyer": {"name": "Mei Ling", "phone": "012-345 6789"},
    "lines": [{"sku": "KOPI-1", "name": "Kopi", "quantity": "2", "unit_price": "16.90"}],
    "shipping": "6.00",
    "total": "39.80",
}
_SENT: Final = {"status": "shipped", "courier": "Pos Laju", "tracking_number": "EM123456789MY"}
_KEY: Final = '-H "Authorization: Bearer cb_…"'
_JSON: Final = '-H "Content-Type: application/json"'


def send(orders_url: str) -> str:
    """Making an order."""
    body = json.dumps(ORDER, indent=2).replace("\n", "\n  ")
    return "\\\n  ".join(
        [f"curl {orders_url} ", f"{_KEY} ", '-H "Idempotency-Key: order-1001" ', f"{_JSON} ", f"-d '{body}'"]
    )


def ask(orders_url: str) -> str:
    """Looking for an order, and saying what happened to it."""
    return "\n".join(
        [
            f'curl "{orders_url}?number=1001" {_KEY}',
            f"curl {orders_url}/17 {_KEY}",
            f"curl -X PATCH {orders_url}/17 {_KEY} \\\n  {_JSON} -d '{json.dumps(_SENT)}'",
        ]
    )
