"""Erasing a store: everything of it, a few rows at a time, and nothing of any other.

First the doors are shut (who may come in, what is read and sent), in one transaction together with the tombstone; from
then on nothing new comes. Then table by table, children first. A run that was interrupted is run again and goes on.
"""

# ruff: noqa: S608 (every part of every statement stands in this file, or is a name of the schema)

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis import Redis
from sqlalchemy import Connection, Engine, Row, Table, create_engine, text
from sqlalchemy.exc import IntegrityError

from app.leaving.exporting import MANIFEST, digest_of, sums_of
from app.leaving.tables import shared, to_erase

BATCH: Final = 5000
MOST_ATTEMPTS: Final = 5
LIVE_LINKS: Final = "('pending', 'connected', 'suspended')"


class CannotErase(Exception):
    """It may not be erased now; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows went, and how many people have no store any more; their accounts stay."""

    rows: int
    without_store: int


def erase_store(
    owner_url: str,
    redis_url: str,
    slug: str,
    *,
    typed: str,
    export: Path | None,
    by: str,
    batch: int = BATCH,
    tell: Callable[[str], None] = lambda _words: None,
) -> Erased:
    """Erase the store named `slug`, as the owner of the tables.

    `typed` is its slug once more, `export` the folder of a finished export; with None none is asked for. CannotErase.
    """
    engine = create_engine(owner_url)
    try:
        store_id, people = _begin(engine, slug, typed=typed, export=export, by=by)
        for _attempt in range(MOST_ATTEMPTS):
            for table in to_erase():
                if count := _empty(engine, table, store_id, batch):
                    tell(f"{table.name}: {count} rows erased")
            forget(redis_url, store_id)
            with suppress(IntegrityError):  # a page that was open at the beginning has written something since
                return _finish(engine, store_id, people)
    finally:
        engine.dispose()
    raise CannotErase("something still writes into it: run the same command again, it goes on where it stopped")


def forget(redis_url: str, store_id: int) -> None:
    """Take what is of the store out of the queue server's memory: tokens, and what was counted."""
    with Redis.from_url(redis_url, socket_timeout=10) as memory:
        for pattern in (f"channelbook:*:{store_id}", f"channelbook:*:{store_id}:*"):
            for key in memory.scan_iter(match=pattern, count=1000):
                memory.delete(key)


def _begin(engine: Engine, slug: str, *, typed: str, export: Path | None, by: str) -> tuple[int, list[int]]:
    """Ask everything that may speak against it, and shut the doors. The store's id and its members' ids."""
    with engine.begin() as connection:
        query = text("select id, slug, name from stores where slug = :slug for update")
        store = connection.execute(query, {"slug": slug}).first()
        if store is None:
            raise CannotErase(f"there is no store at /{slug}")
        if typed != store.slug:
            raise CannotErase(f"to erase {store.name} for ever, say its name in the address once more: --yes {slug}")
        _refuse_links(connection, store.id)
        _refuse_jobs(connection, store.id)
        begun = connection.execute(text("select 1 from erased_stores where id = :id"), {"id": store.id}).first()
        if begun is None:
            manifest = _shown(connection, store, export) if export is not None else ""
            values = {"id": store.id, "slug": slug, "by": by, "manifest": manifest}
            connection.execute(
                text("insert into erased_stores (id, slug, erased_by, manifest) values (:id, :slug, :by, :manifest)"),
                values,
            )
        return int(store.id), _shut(connection, store.id)


def _refuse_links(connection: Connection, store_id: int) -> None:
    query = f"""select case main_store_id when :store then sub_name else main_name end as name from links
        where :store in (main_store_id, sub_store_id) and state in {LIVE_LINKS} order by id"""
    names = connection.execute(text(query), {"store": store_id}).scalars().all()
    if names:
        raise CannotErase(f"it is linked with {', '.join(names)}: end the link on the channels' page first")


def _refuse_jobs(connection: Connection, store_id: int) -> None:
    query = "select count(*) from sync_jobs where store_id = :store and state in ('queued', 'running')"
    count = connection.execute(text(query), {"store": store_id}).scalar_one()
    if count:
        raise CannotErase(f"{count} of its jobs wait or run: pause its channels, and wait until they ended")


def _shown(connection: Connection, store: Row[Any], folder: Path) -> str:
    """The SHA-256 of the export's manifest, if the export is of this store, whole, and of the documents there are."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
        of, files, sums = manifest["store"], manifest["files"], manifest["sums"]
    except (OSError, ValueError, KeyError):
        raise CannotErase(f"{folder} holds no finished export: run `channelbook export-store` first") from None
    if of.get("id") != store.id:
        raise CannotErase(f"{folder} is an export of {of.get('name')}, not of {store.name}")
    for name, file in files.items():
        if not (folder / name).is_file() or digest_of(folder / name) != file["sha256"]:
            raise CannotErase(f"{folder / name} is not as it was exported: export the store anew")
    if sums != sums_of(connection, store.id):
        raise CannotErase(f"orders or documents came since {folder} was made: export the store anew")
    return digest_of(path)


def _shut(connection: Connection, store_id: int) -> list[int]:
    """Let nobody and nothing in any more: no member, no key, no call, no channel that is read or told."""
    members = text("delete from memberships where store_id = :store returning user_id")
    people = list(connection.execute(members, {"store": store_id}).scalars())
    _count(connection, store_id, "memberships", len(people))
    for statement in (
        "delete from api_keys where store_id = :store",
        "update channels set status = 'removed', credentials = null, auto_sync = false, next_sync_at = null, "
        "next_verify_at = null, next_refresh_at = null, gives_orders = false where store_id = :store",
        "delete from invitations where store_id = :store",
        "delete from webhooks where store_id = :store",
        "update links set location_id = null where main_store_id = :store",
    ):
        connection.execute(text(statement), {"store": store_id})
    return people


def _empty(engine: Engine, table: Table, store_id: int, batch: int) -> int:
    """Erase the table's rows of the store, the newest first: an invoice goes before the one that it replaced."""
    order = " order by " + ", ".join(f"{column.name} desc" for column in table.primary_key)
    rows = f"select ctid from {table.name} where store_id = :store{order} limit :batch"
    statement = text(f"delete from {table.name} where ctid = any(array({rows}))")
    count = 0
    while True:
        with engine.begin() as connection:
            gone = connection.execute(statement, {"store": store_id, "batch": batch}).rowcount
            _count(connection, store_id, table.name, gone)
        if not gone:
            return count
        count += gone


def _count(connection: Connection, store_id: int, table: str, rows: int) -> None:
    """Note on the tombstone how many rows of a table went, in the transaction in which they go."""
    if rows:
        counted = "rows || jsonb_build_object(cast(:name as text), coalesce((rows ->> :name)::bigint, 0) + :count)"
        connection.execute(
            text(f"update erased_stores set rows = {counted} where id = :store"),
            {"store": store_id, "name": table, "count": rows},
        )


def _finish(engine: Engine, store_id: int, people: list[int]) -> Erased:
    """Let go of what two stores share, of the store itself, and finish the tombstone; one transaction."""
    values = {"store": store_id, "people": people}
    with engine.begin() as connection:
        _let_go(connection, store_id)
        connection.execute(text("delete from stores where id = :store"), values)
        query = "update erased_stores set finished_at = now() where id = :store returning rows"
        rows = connection.execute(text(query), values).scalar_one()
        alone = """select count(*) from unnest(cast(:people as bigint[])) p
            where not exists (select from memberships m where m.user_id = p)"""
        return Erased(sum(rows.values()), int(connection.execute(text(alone), values).scalar_one()))


def _let_go(connection: Connection, store_id: int) -> None:
    """Of what was dealt with another store: drafts go, and all of it when the other one is gone as well.

    What the other store may still read keeps the names of the stores, and loses those of this store's people.
    """
    values = {"store": store_id}
    for statement in (
        "update link_events set person = '' where main_store_id = :store and side = 'main'",
        "update link_events set person = '' where sub_store_id = :store and side = 'sub'",
        "update links set asked_by = '' where main_store_id = :store",
        "update links set answered_by = '' where sub_store_id = :store",
    ):
        connection.execute(text(statement), values)
    mine = """select id from links where :store in (main_store_id, sub_store_id) and (
        (state = 'draft' and main_store_id = :store)
        or not exists (select from stores s where s.id in (main_store_id, sub_store_id) and s.id <> :store))"""
    for table in reversed(shared()):
        link = "id" if table.name == "links" else "link_id"
        gone = connection.execute(text(f"delete from {table.name} where {link} in ({mine})"), values).rowcount
        _count(connection, store_id, table.name, gone)
