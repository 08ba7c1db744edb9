"""An order of a sub-store that both stores may move, as tests make it, move it and look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.types import OrderStatus
from app.extensions import db
from app.fulfilment import services as there
from app.fulfilment.queries import Fulfilment, fulfilments_of
from app.orders.models import Order
from app.sync.moving import CannotMove, Wanted, plan_move
from tests.fulfilment.making import made
from tests.orders.factories import Books
from tests.sync.merchant import Merchant


@dataclass(frozen=True, slots=True)
class Way:
    """The two stores, and what each of them says of an order."""

    main: Merchant
    sub: Books

    def order(self, number: str, **values: Any) -> int:
        """An order that was made in the sub-store and read by the main store; its id there."""
        order_id = made(self.sub, number=number, placed_at="2026-11-20T10:00:00+08:00", **values)
        self.main.check()
        return order_id

    def here(self, there_id: int) -> int:
        """The main store's own id of it."""
        return int(self.main.scalar("select id from orders where remote_id = :id", id=str(there_id)))

    def say(self, there_id: int, status: OrderStatus, **more: str) -> None:
        """Somebody of the main store presses; no job runs yet."""
        with self.main.acting():
            plan_move(self.here(there_id), Wanted(status, **more), self.main.store.owner.id)

    def refused(self, there_id: int, status: OrderStatus, **more: str) -> str:
        """Why the main store's press is not taken."""
        try:
            self.say(there_id, status, **more)
        except CannotMove as refusal:
            return refusal.why.value
        return ""

    def say_there(self, there_id: int, status: OrderStatus, **more: Any) -> None:
        """Somebody of the sub-store presses."""
        with self.sub.scope():
            there.move(there_id, status, self.sub.store.owner.id, person="Bala", **more)

    def work(self) -> None:
        """Let the main store's jobs carry what was said."""
        self.main.work()

    def stands(self, there_id: int) -> tuple[str, str]:
        """(there, here) where the order stands."""
        with self.sub.scope():
            kept = db.session.get_one(Order, (self.sub.store.id, there_id)).status
        return kept, str(self.main.scalar("select status from orders where remote_id = :id", id=str(there_id)))

    def ways(self, there_id: int) -> tuple[Fulfilment, Fulfilment]:
        """(there, here) how it leaves."""
        with self.sub.scope():
            kept = fulfilments_of([there_id])[there_id]
        here_id = self.here(there_id)
        with self.main.app.app_context(), self.main.scope():
            return kept, fulfilments_of([here_id])[here_id]

    def changes(self) -> list[tuple[str, str | None]]:
        """(state, reason) of each planned move, oldest first."""
        return [
            tuple(row) for row in self.main.rows("select state, reason from changes where kind = 'move' order by id")
        ]
