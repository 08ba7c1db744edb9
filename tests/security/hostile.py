"""A store in which every word that came from outside tries to be more than a word.

Channels, buyers, suppliers and colleagues write names, notes and numbers into a store. Here each of them is an element,
an attribute, a formula of a spreadsheet and an expression of a template at once, in every column of text there is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from flask import Flask
from psycopg import sql
from sqlalchemy import Column, String, Text

from app.extensions import Base
from app.secrecy import is_secret
from tests.tenancy.test_every_route import Furnished, furnish

WORD: Final = "=hostile'\"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"
"""What is written into columns of text; it begins as a formula does."""
SCHEME: Final = "javascript:alert(3)//hostile"

_OURS: Final = """
    alert auto_delivery_order barcode_key base_id booked_content_key capabilities cause causes certainty code
    content_key currency cursor digest ended_by_side family_id gateway_key ignored_alert invoice_currencies
    invoice_date_rule isku_key key kind language loose_key mark match message_id moved_by name_key obstacle
    order_type part paused_reason payment_status phase plan problem reason role sale_key scopes series side
    sku_key slug state status stock_after stream time_zone told_digest tracking trouble type unlinked_items
    unmapped_gateway url verb way
"""
OURS: Final = frozenset(_OURS.split())
"""Columns of words that the application chooses among, or makes: nothing from outside stands there as it came."""

UNIQUE: Final = frozenset({"remote_id", "number", "number_text", "name", "sku", "gateway", "tracking_number", "email"})
"""Columns in which a row is told from others by its word."""

ADDRESSES: Final = frozenset({"picture", "picture_url"})
"""Columns that hold an address; there it is one that runs."""

FREE_JSON: Final = frozenset({("orders", "buyer"), ("invoices", "buyer"), ("credit_notes", "buyer")})
"""JSON whose leaves are words from outside."""


def furnish_hostile(app: Flask) -> Furnished:
    """One real row of each kind that a URL can name, and then WORD in all its columns of text."""
    furnished = furnish(app)
    owner_url = app.extensions["settings"].database_owner_url
    with psycopg.connect(owner_url, autocommit=True) as database:
        for table, column in words_of_stores():
            _overwrite(database, table, column, furnished.store.id)
        for table, name in FREE_JSON:
            _overwrite_json(database, table, name, furnished.store.id)
        for person in furnished.staff.values():
            database.execute("update users set name = %s where id = %s", [WORD, person.id])
        database.execute("update stores set name = %s, seller_details = %s where id = %s",
                         [WORD, WORD, furnished.store.id])  # fmt: skip
    return furnished


def words_of_stores() -> Iterator[tuple[str, str]]:
    """(table, column) of each column of text that takes words from outside and belongs to a store."""
    for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
        if "store_id" in table.columns:
            yield from ((table.name, column.name) for column in table.columns if _takes_words(table.name, column))


def _takes_words(table: str, column: Column[Any]) -> bool:
    if not isinstance(column.type, (String, Text)) or column.name in OURS or is_secret(table, column.name):
        return False
    return not column.foreign_keys and table not in {"audit_entries", "raw_records"}


def _overwrite(database: psycopg.Connection[Any], table: str, column: str, store_id: int) -> None:
    """Rows that are told apart by this column get their place behind the word."""
    behind = sql.SQL(" || ctid::text" if column in UNIQUE else "")
    word = sql.Literal(SCHEME if column in ADDRESSES else WORD)
    change = sql.SQL("update {} set {} = {}{} where store_id = {}").format(
        sql.Identifier(table), sql.Identifier(column), word, behind, sql.Literal(store_id)
    )
    database.execute(change)


def _overwrite_json(database: psycopg.Connection[Any], table: str, column: str, store_id: int) -> None:
    name = sql.Identifier(table), sql.Identifier(column)
    rows = database.execute(sql.SQL("select id, {1} from {0} where store_id = %s").format(*name), [store_id]).fetchall()
    for row_id, value in rows:
        hostile = {key: WORD if isinstance(leaf, str) else leaf for key, leaf in value.items()}
        change = sql.SQL("update {0} set {1} = %s where store_id = %s and id = %s").format(*name)
        database.execute(change, [json.dumps(hostile), store_id, row_id])


class Markup(HTMLParser):
    """Reads a page and notes in `faults` whatever could run, load or lead somewhere because somebody wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element: its name, then each attribute."""
        self._inside = tag
        given = {name: value or "" for name, value in attrs}
        if tag in _NEVER or (tag == "script" and not given.get("src", "").startswith("/static/")):
            self.faults.append(f"<{tag}> {given}")
        for name, value in given.items():
            runs = name.startswith(("on", "hx-on", "data-hx-on")) or name == "style"
            if runs or (name in _LEADS and not _stays_here(value)):
                self.faults.append(f"<{tag} {name}={value}>")
            elif name == "hx-vals":
                json.loads(value)

    def handle_data(self, data: str) -> None:
        """Text between elements; within a script there is none."""
        if self._inside in ("script", "style") and data.strip():
            self.faults.append(f"<{self._inside}>{data[:60]}")

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        self._inside = ""


def faults_of(page: str) -> list[str]:
    """What `Markup` finds in a page or a part of one."""
    reader = Markup()
    reader.feed(page)
    reader.close()
    return reader.faults


_NEVER: Final = frozenset({"iframe", "object", "embed", "base", "applet", "frame", "style", "template"})
_LEADS: Final = frozenset(
    {"href", "src", "srcset", "action", "formaction", "poster", "data", "ping", "xlink:href"}
    | {f"hx-{verb}" for verb in ("get", "post", "put", "patch", "delete")}
)


def _stays_here(url: str) -> bool:
    """Whether an address is a path of ours, or one that can only be asked for by a person who sees it."""
    parts = urlsplit(url.strip())
    return not parts.scheme and not parts.netloc and not url.strip().startswith(("//", "/\\"))
