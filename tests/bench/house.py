"""What is measured on: servers of our own as in production, the application, stores with a shop connected."""

from __future__ import annotations

import base64
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
from argon2 import PasswordHasher
from flask import Flask
from psycopg import sql
from sqlalchemy import text

from app import create_app, embedded, garbage
from app.accounts.passwords import use_hasher
from app.channels.services import NewChannel, connect_channel
from app.config import Settings, load_settings
from app.connectors.base import Connector
from app.embedded.postgres import DATABASE, OWNER_ROLE, SUPERUSER
from app.extensions import db
from app.migrations import upgrade
from app.orders.filters import OrderFilter
from app.sync import jobs, queue
from app.sync.lease import Run
from app.sync.services import request_check, request_sync
from app.tenancy.scope import store_scope
from tests.bench.orders import EPOCH
from tests.bench.served import Served, Shop, serving
from tests.support.factories import Make, SomeStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seller:
    """A store with a shop connected, whose jobs run in this process exactly as a worker runs them."""

    app: Flask
    store: SomeStore
    channel_id: int
    shop: Shop

    def scope(self) -> AbstractContextManager[None]:
        """The store's scope; open an app context first."""
        return store_scope(self.store.id)

    def press_check(self) -> int:
        """Press *Check for updates*; returns the job."""
        with self.app.app_context(), self.scope():
            return request_check(self.channel_id, self.store.owner.id).job_id

    def press_sync(self) -> int:
        """Press *Sync* for all of the channel that is ready; returns the job."""
        with self.app.app_context(), self.scope():
            (job,) = request_sync(self.store.owner.id, where=OrderFilter(channel=self.channel_id)).jobs
            return job.job_id

    def run(self, job_id: int) -> None:
        """Do the job to its end, and insist that it went well."""
        with self.app.app_context():
            while self.one("select state from sync_jobs where id = :id", id=job_id) in ("queued", "running"):
                self._answer_the_bell()
                jobs.run(self.store.id, job_id)
        state = self.one("select state from sync_jobs where id = :id", id=job_id)
        assert state == "succeeded", f"job {job_id} ended as {state}"

    def _answer_the_bell(self) -> None:
        """Take what rang for the job out of the queue, as a worker does: it would look as if somebody else waited."""
        queue.connection(self.app.extensions["settings"].redis_url).flushdb()

    def timed(self, job_id: int) -> dict[str, float]:
        """Do the job as `run` does; returns the seconds that each of its phases took."""
        seconds: dict[str, float] = {}
        usual = dict(jobs.PHASES)

        def timing(name: str, phase: jobs.Phase) -> jobs.Phase:
            def timed(run: Run, connector: Connector) -> Iterator[None]:
                began = time.perf_counter()
                try:
                    yield from phase(run, connector)
                finally:
                    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began

            return timed

        for kind, phases in usual.items():
            jobs.PHASES[kind] = tuple((name, timing(name, phase)) for name, phase in phases)
        try:
            self.run(job_id)
        finally:
            jobs.PHASES.update(usual)
        return seconds

    def one(self, statement: str, **values: Any) -> Any:
        """The one value of a query within the store."""
        with self.app.app_context(), self.scope():
            return db.session.execute(text(statement), values).scalar_one()


@dataclass(frozen=True, slots=True)
class Database:
    """One database of the cluster, with the schema, and the application on it."""

    name: str
    app: Flask
    settings: Settings
    admin_url: str
    """For COPY and for filling: a superuser, whom row-level security does not bind."""

    def admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that sees every store and commits by itself."""
        return psycopg.connect(self.admin_url, autocommit=True)

    def execute(self, statement: str, **values: Any) -> None:
        """One statement as superuser, over all stores."""
        with self.admin() as connection:
            connection.execute(statement.encode(), values)


class House:
    """PostgreSQL (durable, as in production), Valkey and the channel, each started when it is first needed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._folder: embedded.DataFolder | None = None
        self._sellers = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def keep(self, context: AbstractContextManager[T]) -> T:
        """Enter something that stays open until the house is left."""
        return self._stack.enter_context(context)

    @property
    def folder(self) -> embedded.DataFolder:
        """The data folder of this run, removed at its end."""
        if self._folder is None:
            path = Path(tempfile.mkdtemp(prefix="channelbook-bench-"))
            path.chmod(0o711)  # as root PostgreSQL runs as another user, who must pass through
            self._stack.callback(shutil.rmtree, path)
            self._folder = embedded.DataFolder(path.resolve())
        return self._folder

    @cached_property
    def servers(self) -> tuple[embedded.Postgres, embedded.Valkey]:
        """Both servers, running."""
        return self._stack.enter_context(embedded.running(self.folder))

    @cached_property
    def channel(self) -> Served:
        """The channel's process."""
        return self._stack.enter_context(serving())

    @cached_property
    def main(self) -> Database:
        """The database that most measurements share."""
        return self._database(DATABASE)

    def database(self, name: str) -> Database:
        """One more database, empty but for the schema."""
        self._admin("create database {} owner {}", name, OWNER_ROLE)
        for extension in embedded.postgres.EXTENSIONS:
            with psycopg.connect(self._superuser_url(name), autocommit=True) as admin:
                admin.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(extension)))
        return self._database(name)

    def _database(self, name: str) -> Database:
        settings = self._settings(name)
        upgrade(settings.database_owner_url or "", embedded.APP_ROLE)
        app = create_app(settings)
        app.testing = True
        self._stack.callback(_let_go, app)
        garbage.settle()  # as the worker does, whose work is done in this process
        sys.setswitchinterval(0.0005)
        return Database(name, app, settings, self._superuser_url(name))

    def _settings(self, name: str) -> Settings:
        postgres, valkey = self.servers
        kept = self.folder.secrets()
        settings = load_settings(
            {
                "DATABASE_URL": postgres.app_url,
                "REDIS_URL": valkey.url,
                "SECRET_KEY": secrets.token_urlsafe(48),
                "CREDENTIAL_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "BASE_URL": "http://localhost",
                "MAIL_URL": f"file:{self.folder.folder('mail')}",
                "ALLOW_SANDBOXES": "1",
            }
        )
        return replace(
            settings,
            database_url=postgres.url(embedded.APP_ROLE, kept.app_password, name),
            database_owner_url=postgres.url(OWNER_ROLE, kept.owner_password, name),
        )

    def _superuser_url(self, name: str) -> str:
        return self.servers[0].url(SUPERUSER, self.folder.secrets().superuser_password, name)

    def _admin(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.servers[0].superuser_url, autocommit=True) as admin:
            admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def seller(
        self,
        count: int,
        *,
        on: Database | None = None,
        store: SomeStore | None = None,
        merchant: int | None = None,
        delay: float = 0.0,
        paid_only: bool = False,
    ) -> Seller:
        """A new shop of so many orders, connected to a store (a new one, if none is given) from its first day on.

        `merchant` says whose orders they are: nobody else's, unless it is given.
        """
        self._sellers += 1
        database = on or self.main
        whose = merchant or self._sellers
        shop = self.channel.open(f"shop-{self._sellers}", count, whose, delay=delay, paid_only=paid_only)
        chosen = store or self.store(database)
        return Seller(database.app, chosen, connect(database.app, chosen, shop), shop)

    def store(self, database: Database) -> SomeStore:
        """A new store."""
        with cheap_passwords():
            return Make(database.app).store()


def connect(app: Flask, store: SomeStore, shop: Shop) -> int:
    """Connect the shop to the store as a person does; returns the channel."""
    new = NewChannel(
        kind="sitegiant",
        config={"domain": shop.url, "api_key": shop.key},
        name="Bench",
        start_on=EPOCH.date(),
        unmapped_gateway="cash",
    )
    with app.app_context(), store_scope(store.id):
        return connect_channel(new)


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Let making people cost nothing."""
    use_hasher(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    try:
        yield
    finally:
        use_hasher(PasswordHasher())


def _let_go(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()
