"""The store's scope: what a transaction may see and write.

PostgreSQL's row-level security does the work; this file tells it, at the start of each transaction, which store
it is. `SET LOCAL` (here `set_config(…, true)`) ends with the transaction, so a pooled connection carries nothing
over to its next user. One session serves one store: its identity map would leak rows otherwise, so a switch raises.

The same statement says who acts, for the audit log (app/migrations/auditing.py): nobody, where a job runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from flask import g
from sqlalchemy import BigInteger, BindParameter, Connection, bindparam, event, text
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from app.extensions import db
from app.tenancy.models import Store, StoreOwned

_KEY = "store_id"
_SET = text("select set_config('app.store_id', :store_id, true)")
_SET_BOTH = text(
    "select set_config('app.store_id', :store_id, true), set_config('app.user_id', :user_id, true), "
    "set_config('app.key_id', :key_id, true), set_config('app.job_id', :job_id, true), "
    "set_config('app.address', :address, true), set_config('app.browser', :browser, true)"
)
_ACTOR = "actor"


class OutsideScopeError(RuntimeError):
    """Store-owned rows were asked for while no store's scope is open."""


class ScopeSwitchError(RuntimeError):
    """A second store's scope was opened in a session that holds rows of the first."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a program with an API key, or a job by itself; and where from. Ids as PostgreSQL's text."""

    user_id: str = ""
    key_id: str = ""
    job_id: str = ""
    address: str = ""
    browser: str = ""


def act_as(actor: Actor | None) -> None:
    """Let what is written from the next transaction of this application context on be told as done by `actor`."""
    setattr(g, _ACTOR, actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let the transactions that begin, or enter a store, inside the block be told as done by `actor`."""
    before: Actor | None = g.get(_ACTOR)
    act_as(actor)
    try:
        yield
    finally:
        act_as(before)


def enter_store(store_id: int, *, is_told: bool = False) -> None:
    """Bind the current session to one store until it is removed (at the end of the request).

    `is_told` says that the running transaction has been told of the store by a statement of the caller's.
    """
    session = db.session()
    current = session.info.get(_KEY)
    if current is not None and current != store_id:
        raise ScopeSwitchError(f"session holds store {current}, asked for {store_id}")
    session.info[_KEY] = store_id
    if session.in_transaction() and not is_told:
        _tell(session.connection(), store_id)


def current_store_id() -> int:
    """The store whose scope is open. Raises OutsideScopeError when none is."""
    store_id = db.session().info.get(_KEY)
    if store_id is None:
        raise OutsideScopeError("no store's scope is open")
    return int(store_id)


THIS_STORE: Final[BindParameter[int]] = bindparam("this_store", callable_=current_store_id, type_=BigInteger)
"""The store whose scope is open when a statement runs. A statement with it can be built once and kept: building one
costs more than running it."""


def current_store() -> Store:
    """The store whose scope is open, with its settings."""
    return db.session.get_one(Store, current_store_id())


@contextmanager
def store_scope(store_id: int) -> Iterator[None]:
    """Run a block as one store. Uncommitted work is rolled back at the end and the session is given back.

    Inside the scope of the same store it changes nothing: the outer one ends it.
    """
    if db.session().info.get(_KEY) == store_id:
        yield
        return
    enter_store(store_id)
    try:
        yield
    finally:
        db.session().info.pop(_KEY, None)
        db.session.remove()


@event.listens_for(Session, "after_begin")
def _set_store(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    store_id = session.info.get(_KEY)
    if store_id is not None:
        _tell(connection, store_id)


def _tell(connection: Connection, store_id: int) -> None:
    actor: Actor | None = g.get(_ACTOR)
    if actor is None:
        connection.execute(_SET, {"store_id": str(store_id)})
    else:
        connection.execute(_SET_BOTH, {"store_id": str(store_id), **asdict(actor)})


@event.listens_for(Session, "do_orm_execute")
def _refuse_outside_scope(state: ORMExecuteState) -> None:
    """Row-level security would answer "no rows"; a silent nothing hides a mistake, so say it loudly."""
    if state.session.info.get(_KEY) is None and any(
        issubclass(mapper.class_, StoreOwned) for mapper in state.all_mappers
    ):
        raise OutsideScopeError("store-owned rows were asked for outside a store's scope")
