"""A store with an endpoint that is called over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.calling import Event
from app.extensions import db
from app.hooks import jobs, queries, services
from app.hooks.queries import EndpointRow, MessageRow
from app.web.pagination import Keyset
from tests.hooks.receiver import Receiver, receiving
from tests.orders.factories import Books
from tests.support.factories import SomeStore


@dataclass
class Told:
    """A store, its one endpoint, and the program behind that."""

    app: Flask
    store: SomeStore
    receiver: Receiver
    books: Books
    id: int = 0
    secret: str = ""

    def scope(self) -> AbstractContextManager[None]:
        """The store's scope."""
        return self.books.scope()

    def add(self, *events: Event, path: str = "/hooks?shop=1") -> None:
        """The endpoint asks for these events."""
        with self.scope():
            self.id, self.secret = services.add_endpoint(self.receiver.url + path, events, self.store.owner.id)

    def deliver(self) -> None:
        """What a worker does when the bell rings, with whatever is due by now."""
        with self.app.app_context():
            jobs.run(self.store.id, self.id)

    def hurry(self) -> None:
        """What waits is due now, and nobody holds the endpoint."""
        self.execute("update hook_messages set next_at = now()")
        self.execute("update endpoints set rests_until = null, leased_until = null")

    def execute(self, sql: str, **values: Any) -> None:
        """Write into the store."""
        with self.scope():
            db.session.execute(text(sql), values)
            db.session.commit()

    def scalars(self, sql: str, **values: Any) -> list[Any]:
        """Read from the store."""
        with self.scope():
            return list(db.session.scalars(text(sql), values))

    @property
    def row(self) -> EndpointRow:
        """The endpoint as its page shows it."""
        with self.scope():
            found = queries.endpoint(self.id)
            assert found is not None
            return found

    @property
    def messages(self) -> list[MessageRow]:
        """What it is told, oldest first."""
        with self.scope():
            return list(reversed(queries.messages_page(self.id, Keyset()).rows))


@pytest.fixture
def told(app: Flask, store: SomeStore) -> Iterator[Told]:
    """One for each test."""
    with receiving() as receiver:
        yield Told(app, store, receiver, Books(app, store))
