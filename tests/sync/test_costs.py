"""What a page costs: a fixed handful of statements, however many orders it holds and however many are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from app.extensions import db
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


@contextmanager
def counted(merchant: Merchant) -> Iterator[list[str]]:
    """The statements that are executed meanwhile, without those that only set the scope."""
    said: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "set_config" not in statement:
            said.append(statement)

    with merchant.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", listen)


@pytest.mark.parametrize("orders", [1, 100])
def test_storing_a_page_of_new_orders_costs_the_same_for_one_and_a_hundred(merchant: Merchant, orders: int) -> None:
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, orders + 1)])
    merchant.connect()
    steps = merchant.steps(merchant.press_check().job_id)
    while merchant.job().total is None:
        next(steps)
    with counted(merchant) as said:
        next(steps)
    assert len(said) <= 18, said
    steps.close()


@pytest.mark.parametrize("orders", [1, 100])
def test_booking_a_batch_costs_the_same_for_one_and_a_hundred(merchant: Merchant, orders: int) -> None:
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, orders + 1)])
    merchant.connect()
    merchant.check()
    steps = merchant.steps(merchant.press_sync().jobs[0].job_id)
    next(steps)
    with counted(merchant) as said:
        next(steps)
    assert len(said) <= 16, said
    steps.close()


def test_sending_a_batch_costs_the_same_for_one_and_a_hundred(new_merchant: Callable[..., Merchant]) -> None:
    costs = []
    for orders in (1, 100):
        merchant = new_merchant()
        merchant.shop.add(*[an_order(order_id=number) for number in range(1, orders + 1)])
        merchant.connect()
        merchant.check()
        steps = merchant.steps(merchant.press_sync().jobs[0].job_id)
        for _step in range(3):
            next(steps)
        with counted(merchant) as said:
            next(steps)
        costs.append(len(said))
        steps.close()
    assert costs[0] == costs[1] <= 10
