"""A merchant as tests see one: a store, a shop in the sandbox, the presses of a button and what came of them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.channels.models import Channel
from app.channels.services import NewChannel, UnmappedGateway, connect_channel, open_connector
from app.extensions import db
from app.orders.filters import OrderFilter
from app.sync import jobs, lease
from app.sync.services import JobStart, SyncStart, cancel_job, request_check, request_sync
from app.sync.tick import tick_once
from app.tenancy.scope import store_scope
from tests.sandbox.running import Visitor
from tests.support.factories import SomeStore
from tests.support.working import ring, work_off


class Merchant:
    """Presses buttons and runs the jobs at once, in this process, as a worker would."""

    def __init__(self, app: Flask, store: SomeStore, shop: Visitor) -> None:
        self.app, self.store, self.shop = app, store, shop
        self.channel_id = 0

    def connect(
        self, *, start_on: date = date(2026, 1, 1), unmapped_gateway: UnmappedGateway = "cash", domain: str = ""
    ) -> None:
        """Connect the sandbox's shop to the store, perhaps by another address."""
        with self.app.app_context(), self.scope():
            new = NewChannel(
                kind="sitegiant",
                config={"domain": domain or self.shop.sandbox.url, "api_key": self.shop.key},
                name="My shop",
                start_on=start_on,
                unmapped_gateway=unmapped_gateway,
            )
            self.channel_id = connect_channel(new)

    def scope(self) -> AbstractContextManager[None]:
        """The store's scope; open an app context first."""
        return store_scope(self.store.id)

    def press_check(self) -> JobStart:
        """Press *Check for updates*."""
        with self.app.app_context(), self.scope():
            return request_check(self.channel_id, self.store.owner.id)

    def press_sync(self, where: OrderFilter | None = None) -> SyncStart:
        """Press *Sync* for all that match."""
        with self.app.app_context(), self.scope():
            return request_sync(self.store.owner.id, where=where or OrderFilter())

    def work(self) -> None:
        """Run every job of the store that is due or abandoned, as often as it comes back."""
        work_off(self.app, self.store.id)

    def run(self, job_id: int) -> None:
        """What a worker does when the bell rings for this job."""
        ring(self.app, self.store.id, job_id)

    def tick(self) -> None:
        """One round of the tick."""
        with self.app.app_context():
            tick_once()

    def steps(self, job_id: int, *, claim_again: bool = False) -> Generator[str, None, None]:
        """The committed steps of a job, one by one, without the thread that renews the lease."""
        if claim_again:
            self.execute("update sync_jobs set lease_until = now() - interval '1 second'")
        with self.app.app_context():
            with self.scope():
                held = lease.claim(job_id)
                assert held is not None
                connector = open_connector(db.session.get_one(Channel, (self.store.id, self.channel_id)))
            try:
                names = [name for name, _phase in jobs.PHASES[held.kind]]
                for name, phase in jobs.PHASES[held.kind][names.index(held.phase) if held.phase else 0 :]:
                    held.phase = name
                    for _step in phase(held, connector):
                        yield name
            finally:
                connector.close()

    def run_steps(self, job_id: int, number: int) -> None:
        """Work until so many steps are committed, then vanish as a killed worker does."""
        steps = self.steps(job_id)
        for _step in range(number):
            next(steps)
        steps.close()

    def cancel(self, job_id: int) -> None:
        """Press *Cancel*."""
        with self.acting():
            cancel_job(job_id, self.store.owner.id)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Call services as a request does; what they leave uncommitted is committed."""
        with self.app.app_context(), self.scope():
            yield
            db.session.commit()

    def check(self) -> None:
        """Check for updates, to the end."""
        self.press_check()
        self.work()

    def sync(self, where: OrderFilter | None = None) -> SyncStart:
        """Sync, to the end."""
        start = self.press_sync(where)
        self.work()
        return start

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """The rows of a query within the store's scope."""
        with self.app.app_context(), self.scope():
            return list(db.session.execute(text(sql), values).all())

    def execute(self, sql: str, **values: Any) -> None:
        """Change rows behind the application's back."""
        with self.app.app_context(), self.scope():
            db.session.execute(text(sql), values)
            db.session.commit()

    def scalar(self, sql: str, **values: Any) -> Any:
        """The one value of a query."""
        return self.rows(sql, **values)[0][0]

    def written(self) -> list[tuple[str, str]]:
        """(order id, invoice number) of every write that took effect on the channel, in order."""
        return [(str(write["order_id"]), str(write["invoice_no"])) for write in self.shop.writes()]

    def job(self) -> Any:
        """The newest job."""
        return self.rows("select * from sync_jobs order by id desc limit 1")[0]

    def hurry(self) -> None:
        """Let every waiting time be over."""
        self.execute("update sync_jobs set not_before = null where state = 'queued'")
        self.execute("update changes set not_before = null where state = 'planned'")
