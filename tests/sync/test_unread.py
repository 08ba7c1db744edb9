"""An order whose present state cannot be read is held: it must not be booked as it was before."""

from __future__ import annotations

from typing import Any

import pytest

from app.connectors.sitegiant import SiteGiant
from app.core.types import UnreadableOrder
from app.orders.judging import rejudge_store
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda order: UnreadableOrder(order.remote_id, "no total", {}), "BAD_PAYLOAD"),
        (lambda order: None, "ORDER_MISSING"),
    ],
)
@pytest.mark.parametrize("pressed", [False, True])
def test_an_order_whose_new_state_cannot_be_read_is_not_booked_by_the_old_one(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, spoil: Any, reason: str, pressed: bool
) -> None:
    merchant.shop.add(an_order(order_id=1), an_order(order_id=2))
    merchant.connect()
    merchant.check()
    if pressed:
        merchant.press_sync()
    merchant.shop.steer("PATCH", "orders/2", json={"note": "changed"})
    with monkeypatch.context() as patch:
        patch.setattr(SiteGiant, "get_orders", _spoiled("2", spoil))
        job_id = merchant.press_check().job_id
        merchant.execute("update sync_jobs set not_before = now() + interval '1 hour' where kind = 'sync'")
        merchant.run(job_id)
        merchant.hurry()
        assert merchant.scalar("select state from sync_jobs where id = :id", id=job_id) == "partly"
        counts = merchant.scalar("select counts from sync_jobs where id = :id", id=job_id)
        assert counts == {"listed": 2, "unchanged": 1, "unreadable": 1}
    assert merchant.rows("select state, reason from orders where remote_id = '2'") == [("held", reason)]
    with merchant.acting():
        rejudge_store(None)
    merchant.sync()
    assert [order for order, _number in merchant.written()] == ["1"]
    merchant.check()
    merchant.sync()
    assert [order for order, _number in merchant.written()] == ["1", "2"]


def test_an_old_open_order_that_can_no_longer_be_read_is_held_when_looked_at_again(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.shop.add(*[an_order(order_id=n, order_creation_date="2026-03-01T10:00:00+08:00") for n in (1, 2)])
    merchant.connect()
    merchant.check()
    monkeypatch.setattr(SiteGiant, "get_orders", _spoiled("2", lambda order: None))
    merchant.execute("update channels set auto_sync = true, next_sync_at = now()")
    merchant.tick()
    merchant.work()
    assert merchant.rows("select remote_id, state, reason from orders order by remote_id") == [
        ("1", "booked", None),
        ("2", "held", "ORDER_MISSING"),
    ]


def _spoiled(remote_id: str, spoil: Any) -> Any:
    """`get_orders` with one order's details spoiled; None leaves it out."""
    read = SiteGiant.get_orders

    def get_orders(self: SiteGiant, remote_ids: Any, currencies: Any) -> Any:
        found = [
            spoil(order) if order.remote_id == remote_id else order for order in read(self, remote_ids, currencies)
        ]
        return tuple(order for order in found if order is not None)

    return get_orders
