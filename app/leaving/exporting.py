"""Everything of one store as files: JSONL of each table, CSV of its books, and a manifest that proves them whole.

All of it is read in one transaction that sees one moment (REPEATABLE READ), a few rows at a time, while the portal
runs. Secrets and the hashes of keys stay behind. The manifest is written last: a folder without one is not finished.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Table, create_engine, text

from app.accounts.languages import speaking_to
from app.leaving.sheets import ROWS_AT_ONCE, SHEETS, sheet_lines
from app.leaving.tables import owned, shared
from app.migrations import current_revision
from app.secrecy import is_secret

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
_DIGEST_AT_ONCE: Final = 1 << 20


class CannotExport(Exception):
    """It cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many files and rows, and the SHA-256 of the manifest."""

    files: int
    rows: int
    manifest: str


def export_store(
    owner_url: str, slug: str, folder: Path, tell: Callable[[str], None] = lambda _words: None
) -> Exported:
    """Write everything of the store named `slug` into a new or empty folder, as the owner of the tables.

    CannotExport when there is no such store, or the folder holds something. Needs the application's context.
    """
    engine = create_engine(owner_url, isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            connection.execute(text("set transaction read only"))
            store = _store(connection, slug)
            _make(folder)
            with speaking_to(None, store.language):
                manifest = _written(connection, store, folder, tell)
        with engine.begin() as connection:
            _record(connection, store.id, manifest)
    finally:
        engine.dispose()
    rows = sum(file["rows"] for file in manifest["files"].values())
    return Exported(len(manifest["files"]), rows, digest_of(folder / MANIFEST))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_DIGEST_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def sums_of(connection: Connection, store_id: int) -> dict[str, list[dict[str, Any]]]:
    """How many documents there are and what they come to, by currency, in minor units."""
    found = {}
    for name in ("orders", "invoices", "credit_notes"):
        query = f"""select currency, count(*) as count, sum(total)::bigint as total from {name}
            where store_id = :store group by currency order by currency"""
        found[name] = [dict(row._mapping) for row in connection.execute(text(query), {"store": store_id})]
    return found


def _store(connection: Connection, slug: str) -> Row[Any]:
    row = connection.execute(text("select *, now() as taken_at from stores where slug = :slug"), {"slug": slug}).first()
    if row is None:
        raise CannotExport(f"there is no store at /{slug}")
    return row


def _make(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotExport(f"{folder} is there and not empty: name a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _written(connection: Connection, store: Row[Any], folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    zone = ZoneInfo(store.time_zone)
    files: dict[str, dict[str, Any]] = {}
    for name, lines in _files(connection, store.id, zone):
        files[name] = _write(folder / name, lines)
        tell(f"{name}: {files[name]['rows']} rows")
    manifest = {
        "format": FORMAT,
        "store": {"id": store.id, "slug": store.slug, "name": store.name},
        "taken_at": store.taken_at.isoformat(),
        "program": version("channelbook"),
        "schema": current_revision(connection),
        "sums": sums_of(connection, store.id),
        "left_out": _left_out(),
        "files": files,
    }
    partial = folder / f"{MANIFEST}.partial"
    _write(partial, [json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"])
    partial.rename(folder / MANIFEST)
    return manifest


def _files(connection: Connection, store_id: int, zone: ZoneInfo) -> Iterator[tuple[str, Iterable[str]]]:
    """Each file's name and lines; they are read from the database while they are written."""
    yield "stores.jsonl", _rows(connection, "stores", "t.id = :store", store_id)
    people = "t.id in (select user_id from memberships where store_id = :store)"
    yield "users.jsonl", _rows(connection, "users", people, store_id, only=("id", "email", "name", "created_at"))
    for table in owned():
        yield f"{table.name}.jsonl", _rows(connection, table.name, "t.store_id = :store", store_id, table=table)
    for table in shared():
        # A draft is the main store's alone, and what it asks of is nobody's business who was never asked.
        seen = "t.main_store_id = :store or t.sub_store_id = :store"
        if "asked_at" in table.c:
            seen = "t.main_store_id = :store or (t.sub_store_id = :store and t.asked_at is not null)"
        yield f"{table.name}.jsonl", _rows(connection, table.name, seen, store_id, table=table)
    for sheet in SHEETS:
        yield f"{sheet.name}.csv", sheet_lines(connection, sheet, store_id, zone)


def _rows(
    connection: Connection,
    name: str,
    where: str,
    store_id: int,
    *,
    table: Table | None = None,
    only: tuple[str, ...] = (),
) -> Iterator[str]:
    """The rows of a table as one JSON object a line, in the order of its key, without what is secret."""
    order = ", ".join(f"t.{column.name}" for column in table.primary_key) if table is not None else "t.id"
    told = "to_jsonb(t) - cast(:secrets as text[])"
    if only:
        told = f"jsonb_build_object({', '.join(f'{column!r}, t.{column}' for column in only)})"
    query = text(f"select cast({told} as text) from {name} t where {where} order by {order}")
    values: dict[str, Any] = {"store": store_id}
    if not only:
        values["secrets"] = _secrets(table)
    streamed = query.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    for row in connection.execute(streamed, values):
        yield f"{row[0]}\n"


def _secrets(table: Table | None) -> list[str]:
    return [] if table is None else [column.name for column in table.c if is_secret(table.name, column.name)]


def _left_out() -> dict[str, list[str]]:
    return {table.name: secrets for table in (*owned(), *shared()) if (secrets := _secrets(table))}


def _write(path: Path, lines: Iterable[str]) -> dict[str, Any]:
    """Write a file that nobody else may read; its rows (a heading counts for none), bytes and SHA-256."""
    digest, rows, size = hashlib.sha256(), 0, 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for line in lines:
            data = line.encode()
            file.write(data)
            digest.update(data)
            rows, size = rows + 1, size + len(data)
    if path.suffix == ".csv":
        rows -= 2  # the mark of UTF-8 and the heading
    return {"rows": rows, "bytes": size, "sha256": digest.hexdigest()}


def _record(connection: Connection, store_id: int, manifest: Mapping[str, Any]) -> None:
    counted = {"files": [None, str(len(manifest["files"]))]}
    connection.execute(
        text(
            "insert into audit_entries (store_id, verb, thing, label, changes) "
            "values (:store, 'exported', 'export', 'store', cast(:changes as jsonb))"
        ),
        {"store": store_id, "changes": json.dumps(counted)},
    )
