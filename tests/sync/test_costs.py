"""What a page costs: a fixed handful of statements, however many orders it holds and however many are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, event, func, select, text

from app.config import Settings
from app.extensions import db
from app.orders.models import Order
from app.sync.lease import Run
from app.sync.recheck import _open
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
    assert len(said) <= 21, said  # two of them look for the next batch
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


def test_looking_again_reads_the_open_orders_and_not_all_that_are_stored(
    merchant: Merchant, settings: Settings
) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    columns = ", ".join(
        column.name for column in Order.__table__.columns if column.name not in ("id", "remote_id", "state")
    )
    merchant.execute(
        f"insert into orders (remote_id, state, {columns}) "
        f"select 'old ' || place, 'booked', {columns} from orders, generate_series(1, 5000) place"
    )
    owner = create_engine(settings.database_owner_url or "")
    with owner.begin() as connection:
        connection.execute(text("analyze orders"))
    owner.dispose()
    run = Run(merchant.store.id, 1, merchant.channel_id, "auto", 1, "recheck", {}, 0, None, {}, None, 0)
    with merchant.app.app_context(), merchant.scope():
        open_ones = select(Order.id).where(*_open(run, "2026-12-01T00:00:00+00:00"))
        for query in (open_ones.order_by(Order.id).limit(100), select(func.count()).select_from(open_ones.subquery())):
            literal = query.compile(db.engine, compile_kwargs={"literal_binds": True})
            plan = db.session.scalars(text(f"explain {literal}")).all()
            assert any("ix_orders_open" in line for line in plan), plan
