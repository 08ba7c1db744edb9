"""One shop of KiotViet: its credentials, and its records as the wire reads and writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.sandbox.calling import wire_text
from app.sandbox.kiotviet.clock import BadTime, moment_of, now, stamp
from app.sandbox.kiotviet.database import Database
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.outbox import call_out, tell_removed

Body = dict[str, Any]
"""A record as its detail route sends it; a member that is None is never sent."""


class UnknownRecord(LookupError):
    """The shop has no such record."""


class BadRecord(ValueError):
    """A record that cannot be kept; the text says why."""


_INSERT = """INSERT INTO records (shop_id, kind, record_id, code, name, created_us, changed_us, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop; `rate_limit` is in reads an hour, `key` is what its address begins with."""

    db: Database
    shop_id: int
    key: str
    name: str
    client_id: str
    client_secret: str
    rate_limit: int

    @property
    def retailer_id(self) -> int:
        """The shop's number, which stands on its records."""
        return 500_000 + self.shop_id

    # -- reading

    def find(self, kind: str, record_id: int) -> Body:
        """One record; raises UnknownRecord."""
        found = self.db.row(
            "SELECT body FROM records WHERE shop_id = ? AND kind = ? AND record_id = ?", (self.shop_id, kind, record_id)
        )
        if found is None:
            raise UnknownRecord(f"There is no {kind} {record_id}.")
        body: Body = json.loads(found[0])
        return body

    def find_code(self, kind: str, code: str) -> Body:
        """The record of this code, whatever the case of its letters; raises UnknownRecord."""
        found = self.db.row(
            "SELECT body FROM records WHERE shop_id = ? AND kind = ? AND code = ? ORDER BY record_id LIMIT 1",
            (self.shop_id, kind, code.strip().casefold()),
        )
        if found is None:
            raise UnknownRecord(f"There is no {kind} {code}.")
        body: Body = json.loads(found[0])
        return body

    def every(self, kind: str, *, limit: int = -1, offset: int = 0) -> list[Body]:
        """All records of a kind by number, or a stretch of them."""
        found = self.db.rows(
            "SELECT body FROM records WHERE shop_id = ? AND kind = ? ORDER BY record_id LIMIT ? OFFSET ?",
            (self.shop_id, kind, limit, offset),
        )
        return [json.loads(row[0]) for row in found]

    def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        (found,) = self.db.rows("SELECT count(*) FROM records WHERE shop_id = ? AND kind = ?", (self.shop_id, kind))
        return int(found[0])

    def next_id(self, kind: str) -> int:
        """The number after the highest one that a record of this kind ever had."""
        (found,) = self.db.rows(
            """SELECT max(coalesce((SELECT max(record_id) FROM records WHERE shop_id = :shop AND kind = :kind), 0),
                   coalesce((SELECT max(record_id) FROM removals WHERE shop_id = :shop AND kind = :kind), 0))""",
            {"shop": self.shop_id, "kind": kind},
        )
        return max(int(found[0]), 1_000_000) + 1

    # -- writing

    def add(self, kind: str, body: Mapping[str, Any], *, quiet: bool = False) -> Body:
        """Keep a new record, give it a number, code and creation where it has none, and call it out unless `quiet`."""
        with self.db.transaction():
            made = self.completed(kind, dict(body))
            self.add_many(kind, [made])
            if not quiet:
                call_out(self.db, self.shop_id, self.retailer_id, kind, [made])
        return made

    def completed(self, kind: str, body: Body) -> Body:
        """The record with a number, a code and a creation, where it has none; nothing is kept."""
        rule, at = KINDS[kind], stamp(now(), 3)
        made: Body = {rule.id: self.next_id(kind), **body} if body.get(rule.id) is None else body
        if rule.prefix and not made.get("code"):
            made["code"] = self._free_code(kind, rule.prefix, _record_id(kind, made))
        made.setdefault("retailerId", self.retailer_id)
        made.setdefault("createdDate", at)
        return made

    def add_many(self, kind: str, bodies: Iterable[Body]) -> None:
        """Keep complete records and say nothing; raises BadRecord, and then none is kept."""
        with self.db.transaction():
            self.db.run_many(_INSERT, (self._columns(kind, body) for body in bodies))

    def change(self, kind: str, record_id: int, edit: Callable[[Body], Body], *, quiet: bool = False) -> Body:
        """Keep what `edit` makes of a record, stamp its edit unless it set that itself, and call it out.

        Raises UnknownRecord, and BadRecord where the outcome is no record.
        """
        with self.db.transaction():
            before = self.find(kind, record_id)
            after = edit(dict(before))
            if after.get(KINDS[kind].id) != record_id:
                raise BadRecord(f"{KINDS[kind].id} cannot be changed")
            if after.get("modifiedDate") == before.get("modifiedDate"):
                after["modifiedDate"] = self._later(before)
            self._store(kind, after)
            if not quiet:
                call_out(self.db, self.shop_id, self.retailer_id, kind, [after])
        return after

    def keep_stock(self, product: Body, *, as_edit: bool) -> None:
        """Keep a product of which only the stock has moved; that is an edit of it only where the shop thinks so."""
        if as_edit:
            product["modifiedDate"] = self._later(product)
        self._store("product", product)
        self.db.rows(
            "UPDATE records SET stock_us = ? WHERE shop_id = ? AND kind = 'product' AND record_id = ?",
            (now(), self.shop_id, product["id"]),
        )

    def remove(self, kind: str, record_id: int) -> Body:
        """Delete a record: afterwards only its number is told, to who asks; raises UnknownRecord."""
        with self.db.transaction():
            gone = self.find(kind, record_id)
            self.db.rows(
                "DELETE FROM records WHERE shop_id = ? AND kind = ? AND record_id = ?", (self.shop_id, kind, record_id)
            )
            self.db.rows("INSERT INTO removals VALUES (?, ?, ?, ?)", (self.shop_id, kind, record_id, now()))
            tell_removed(self.db, self.shop_id, self.retailer_id, kind, record_id)
        return gone

    def _free_code(self, kind: str, prefix: str, record_id: int) -> str:
        number = record_id - 1_000_000 if record_id > 1_000_000 else record_id
        while True:
            code = f"{prefix}{number:06d}"
            try:
                self.find_code(kind, code)
            except UnknownRecord:
                return code
            number += 1

    def _later(self, before: Body) -> str:
        """Now, or just after the last edit where that is later: an edit always shows."""
        last = moment_of(before.get("modifiedDate") or before["createdDate"])
        return stamp(max(now(), last + 1))

    def _store(self, kind: str, body: Body) -> None:
        shop_id, kind, record_id, *columns = self._columns(kind, body)
        self.db.rows(
            """UPDATE records SET code = ?, name = ?, created_us = ?, changed_us = ?, body = ?
               WHERE shop_id = ? AND kind = ? AND record_id = ?""",
            (*columns, shop_id, kind, record_id),
        )

    def _columns(self, kind: str, body: Body) -> tuple[Any, ...]:
        rule, record_id = KINDS[kind], _record_id(kind, body)
        try:
            created = moment_of(str(body.get("createdDate")))
            changed = moment_of(str(body["modifiedDate"])) if body.get("modifiedDate") else created
        except BadTime as problem:
            raise BadRecord(str(problem)) from None
        return (
            self.shop_id,
            kind,
            record_id,
            str(body.get("code") or body.get("productCode") or "").casefold(),
            str(body.get(rule.title) or "").casefold(),
            created,
            changed,
            _text(body),
        )


def _record_id(kind: str, body: Body) -> int:
    name = KINDS[kind].id
    record_id = body.get(name)
    if isinstance(record_id, bool) or not isinstance(record_id, int) or not 0 < record_id < 2**62:
        raise BadRecord(f"{name} is not a whole number above 0")
    return record_id


def _text(body: Body) -> str:
    """The record as it is sent: without the members that are None, deep inside as well."""
    try:
        text = wire_text(without_nulls(body))
        text.encode()
    except ValueError as problem:  # NaN, or half of a surrogate pair
        raise BadRecord(f"it cannot be sent as JSON: {problem}") from None
    return text


def without_nulls(value: Any) -> Any:
    """The value without the members that are None: KiotViet never sends them."""
    if isinstance(value, dict):
        kept = {name: member for name, member in value.items() if member is not None}
        for name, member in kept.items():
            if isinstance(member, (dict, list)):
                kept[name] = without_nulls(member)
        return kept
    return [without_nulls(member) for member in value] if isinstance(value, list) else value
