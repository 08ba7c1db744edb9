"""From a paid order on the channel to an invoice whose number stands on the channel, through real sockets."""

from __future__ import annotations

from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


def test_paid_orders_become_invoices_and_their_numbers_go_back(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=1000 + number) for number in range(250)])
    merchant.connect()
    merchant.check()
    assert merchant.job().state == "succeeded", merchant.job()
    assert merchant.job().counts["new"] == 250
    merchant.sync()
    assert merchant.job().state == "succeeded", merchant.job()
    numbers = [row[0] for row in merchant.rows("select number_text from invoices order by number")]
    assert numbers == [f"INV{number:05d}" for number in range(1, 251)]
    assert sorted(number for _order, number in merchant.written()) == numbers
