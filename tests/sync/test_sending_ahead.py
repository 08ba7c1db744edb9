"""The next batch is on its way while the one before it is recorded; nothing of that is ever lost or sent twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.connectors.sitegiant import SiteGiant
from app.core.errors import Unavailable
from app.core.types import InvoiceNumberWrite, Receipt
from app.sync import jobs
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant

Ours = Callable[..., tuple[Receipt, ...]]


@pytest.fixture
def pressed(merchant: Merchant) -> Merchant:
    """250 orders, three batches, for which *Sync* was pressed; no job has run yet."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 251)])
    merchant.connect()
    merchant.check()
    merchant.press_sync()
    return merchant


def states(merchant: Merchant) -> dict[str, int]:
    return dict(merchant.rows("select state, count(*) from changes group by 1"))


def test_a_batch_behind_one_that_failed_is_recorded_or_planned_again(
    pressed: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: Ours = SiteGiant.write_invoice_numbers
    calls = iter(range(100))

    def first_fails(self: SiteGiant, writes: Sequence[InvoiceNumberWrite], *more: Any) -> tuple[Receipt, ...]:
        if next(calls) == 0:
            raise Unavailable("away")
        return usual(self, writes, *more)

    monkeypatch.setattr(SiteGiant, "write_invoice_numbers", first_fails)
    pressed.work()
    assert pressed.job().state == "queued"
    assert "sending" not in states(pressed)
    assert len(pressed.written()) == states(pressed).get("done", 0)
    pressed.hurry()
    pressed.work()
    assert states(pressed) == {"done": 250}
    assert len(pressed.written()) == 250


def test_a_cancelled_job_has_recorded_what_it_sent(pressed: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel_while_sending(held: Any) -> None:
        if held.phase == "send" and held.done == 100:
            pressed.cancel(held.job_id)
            held.cancelled = True

    monkeypatch.setattr(jobs, "_tell", cancel_while_sending)
    pressed.work()
    assert pressed.job().state == "cancelled"
    assert "sending" not in states(pressed)
    assert 100 <= states(pressed)["done"] == len(pressed.written()) <= 200
