"""Two stores that may be linked, and the services as each of them calls them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.core.linking import LinkState, letters_of
from app.extensions import db
from app.links import codes, queries, services
from app.links.queries import EventRow, LinkRow
from app.tenancy.scope import store_scope
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore


@dataclass(frozen=True, slots=True)
class Pair:
    """A store that may be a main store, and one that may be its sub-store."""

    app: Flask
    main: SomeStore
    sub: SomeStore

    @contextmanager
    def as_main(self) -> Iterator[None]:
        """The main store's scope."""
        with self.app.app_context(), store_scope(self.main.id):
            yield

    @contextmanager
    def as_sub(self) -> Iterator[None]:
        """The sub-store's scope."""
        with self.app.app_context(), store_scope(self.sub.id):
            yield

    def code(self) -> str:
        """The sub-store's code, as its owners read it."""
        return code_of(self.app, self.sub)

    def draft(self) -> int:
        """The main store typed the code."""
        letters = letters_of(self.code())
        with self.as_main():
            return services.start_draft(letters)

    def pending(self) -> int:
        """The main store pressed *Connect*."""
        link_id = self.draft()
        self.ask(link_id)
        return link_id

    def ask(self, link_id: int) -> None:
        """*Connect*, with the main store's first warehouse."""
        with self.as_main():
            services.ask(link_id, "Their webstore", first_warehouse(self.main), self.main.owner.name)

    def connected(self) -> int:
        """The sub-store granted it."""
        link_id = self.pending()
        self.grant(link_id)
        return link_id

    def grant(self, link_id: int) -> None:
        """*Grant Access*."""
        with self.as_sub():
            services.grant(link_id, self.sub.owner.name)

    def state(self, link_id: int) -> LinkState:
        """How the link stands."""
        return self.seen_by_main(link_id).state

    def seen_by_main(self, link_id: int) -> LinkRow:
        """The link as the main store sees it."""
        with self.as_main():
            link = queries.link(link_id)
        assert link is not None
        return link

    def seen_by_sub(self, link_id: int) -> LinkRow | None:
        """The link as the sub-store sees it."""
        with self.as_sub():
            return queries.link(link_id)

    def story(self, link_id: int) -> list[EventRow]:
        """What happened, oldest first."""
        with self.as_sub():
            return queries.events(link_id)[::-1]

    def hold(self, sku: str, **values: Any) -> int:
        """Give the sub-store an item."""
        item_id = Books(self.app, self.sub).item(sku)
        if values:
            self.change(item_id, **values)
        return item_id

    def change(self, item_id: int, **values: Any) -> None:
        """Change an item of the sub-store."""
        sets = ", ".join(f"{name} = :{name}" for name in values)
        with self.as_sub():
            db.session.execute(text(f"update items set {sets} where id = :item"), {**values, "item": item_id})
            db.session.commit()


def pair_of(app: Flask, make: Make) -> Pair:
    """Two new stores; the first has a plan that allows it to lead."""
    return pair_with(app, make.store())


def pair_with(app: Flask, main: SomeStore) -> Pair:
    """A new store that may become the sub-store of this one."""
    put_on_plan(app, main, "premium")
    return Pair(app, main, Make(app).store())


def put_on_plan(app: Flask, store: SomeStore, plan: str) -> None:
    """What the operator does."""
    with app.app_context(), store_scope(store.id):
        db.session.execute(text("update stores set plan = :plan where id = :id"), {"plan": plan, "id": store.id})
        db.session.commit()


def code_of(app: Flask, store: SomeStore) -> str:
    """A store's verification code."""
    with app.app_context(), store_scope(store.id):
        codes.ensure_code(store.owner.id)
        own = codes.own_code()
    assert own is not None
    return own.text


def first_warehouse(store: SomeStore) -> int:
    """The warehouse that every store has from the start; inside the store's scope."""
    query = text("select id from locations where store_id = :id order by id limit 1")
    return int(db.session.execute(query, {"id": store.id}).scalar_one())


def rules(refused: services.Refused) -> set[str]:
    """Which rules were broken."""
    return {finding.rule.value for finding in refused.findings if finding.is_broken}
