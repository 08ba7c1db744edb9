"""One shop behind one API key: what the wire reads from it and writes to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.sandbox.calling import wire_text
from app.sandbox.jsonl import BadRecords
from app.sandbox.sitegiant.channels import Channel, ChannelBook
from app.sandbox.sitegiant.clock import later_stamp
from app.sandbox.sitegiant.database import Database
from app.sandbox.sitegiant.orders import BadOrder, Order, checked_order, moment, off_by, whole_number
from app.sandbox.sitegiant.outbox import call_out

_INSERT_ORDER = """INSERT INTO orders (channel_id, created_us, updated_us, order_status, payment_status, invoice_no,
    foots, words, list_row, detail, shop_id, order_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_UPDATE_ORDER = """UPDATE orders SET channel_id = ?, created_us = ?, updated_us = ?, order_status = ?,
    payment_status = ?, invoice_no = ?, foots = ?, words = ?, list_row = ?, detail = ?
    WHERE shop_id = ? AND order_id = ?"""
_LIST_NAMES = ("order_id", "order_status", "payment_status", "created_at", "updated_at")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class BadOrders(BadRecords):
    """Orders that cannot be taken."""

    noun = "order"


class UnknownOrder(LookupError):
    """The shop has no such order."""


@dataclass(frozen=True, slots=True)
class Window:
    """A channel's orders created (or, on the other axis, last changed) from `since` to `until`, both included."""

    channel_id: int
    since: datetime
    until: datetime
    by_update: bool = False

    @property
    def column(self) -> str:
        """What the orders are picked and sorted by."""
        return "updated_us" if self.by_update else "created_us"

    @property
    def ends(self) -> tuple[int, int, int]:
        """The channel and the two moments, as the database has them."""
        return self.channel_id, _microseconds(self.since), _microseconds(self.until)


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop of the sandbox; `rate_limit` is in calls a minute."""

    db: Database
    shop_id: int
    key: str
    name: str
    rate_limit: int

    # -- what the wire reads

    def channels(self) -> list[Channel]:
        """The shop's channels by id."""
        found = self.db.rows(
            "SELECT channel_id, marketplace, name, type, currency FROM channels WHERE shop_id = ? ORDER BY channel_id",
            (self.shop_id,),
        )
        return [Channel(*row) for row in found]

    def list_rows(self, window: Window, *, offset: int, limit: int) -> list[str]:
        """JSON texts of some of the window's orders, oldest first."""
        found = self.db.rows(
            f"""SELECT list_row, list_fields FROM orders LEFT JOIN spoils USING (shop_id, order_id)
                WHERE shop_id = ? AND channel_id = ? AND {window.column} BETWEEN ? AND ?
                ORDER BY {window.column}, order_id LIMIT ? OFFSET ?""",  # noqa: S608
            (self.shop_id, *window.ends, limit, max(offset, 0)),
        )
        return [_spoiled(*row) for row in found]

    def count_orders(self, window: Window) -> int:
        """How many orders `list_rows` would give over all its pages."""
        (found,) = self.db.rows(
            f"SELECT count(*) FROM orders WHERE shop_id = ? AND channel_id = ? AND {window.column} BETWEEN ? AND ?",  # noqa: S608
            (self.shop_id, *window.ends),
        )
        return int(found[0])

    def details(self, order_ids: list[int]) -> list[str]:
        """JSON texts of the orders in the order asked for; unknown ids are left out."""
        found = self.db.rows(
            """SELECT order_id, detail, fields FROM orders LEFT JOIN spoils USING (shop_id, order_id)
               WHERE shop_id = ? AND order_id IN (SELECT value FROM json_each(?))""",
            (self.shop_id, json.dumps(order_ids)),
        )
        texts = {row[0]: _spoiled(row[1], row[2]) for row in found}
        return [texts[order_id] for order_id in dict.fromkeys(order_ids) if order_id in texts]

    def items(self, *, offset: int, limit: int) -> tuple[int, list[str]]:
        """How many items there are, and the JSON texts of some of them."""
        (count,) = self.db.rows("SELECT count(*) FROM items WHERE shop_id = ?", (self.shop_id,))
        found = self.db.rows(
            "SELECT body FROM items WHERE shop_id = ? ORDER BY item_id LIMIT ? OFFSET ?",
            (self.shop_id, limit, max(offset, 0)),
        )
        return int(count[0]), [str(row[0]) for row in found]

    # -- what is written

    def write_numbers(self, rows: list[Any], call_id: int, row_fails: Callable[[int], bool]) -> list[dict[str, Any]]:
        """Set invoice numbers, whatever stood there before, and return one result a row.

        Naive on purpose, as the channel may well be: that nothing is overwritten is the portal's promise to
        keep. `row_fails` says by place, from 1, which rows fail as a fault wants it.
        """
        with self.db.transaction():
            return [self._write_number(row, call_id, fails=row_fails(place)) for place, row in enumerate(rows, start=1)]

    def _write_number(self, row: Any, call_id: int, *, fails: bool) -> dict[str, Any]:
        fields = row if isinstance(row, dict) else {}
        invoice_no = fields.get("invoice_no")
        try:
            order_id = whole_number(fields.get("order_id"), "order_id")
        except BadOrder as problem:
            return _result(fields.get("order_id"), 400, str(problem))
        if not isinstance(invoice_no, str):
            return _result(order_id, 400, "invoice_no is not text")
        if fails:
            return _result(order_id, 500, "Internal error")
        try:
            before, after = self._change(order_id, lambda order: {**order, "invoice_no": invoice_no}, calls_out=False)
        except UnknownOrder:
            return _result(order_id, 404, "Order not found")
        self.db.rows(
            """INSERT INTO writes (shop_id, call_id, order_id, invoice_no, previous, at)
               VALUES (?, ?, ?, ?, ?, ?)""",
            (self.shop_id, call_id, order_id, invoice_no, before["invoice_no"], after["updated_at"]),
        )
        return _result(order_id, 200, "Updated")

    def change_order(self, order_id: int, edit: Callable[[Order], Order]) -> Order:
        """Store what `edit` makes of the order, stamp `updated_at` unless the edit set it, and return it.

        Raises UnknownOrder, and BadOrder where the outcome is no order of the wire.
        """
        with self.db.transaction():
            return self._change(order_id, edit)[1]

    def remove_order(self, order_id: int) -> None:
        """Forget an order altogether; raises UnknownOrder."""
        with self.db.transaction():
            if not self.details([order_id]):
                raise UnknownOrder(f"There is no order {order_id}.")
            self.db.rows("DELETE FROM spoils WHERE shop_id = ? AND order_id = ?", (self.shop_id, order_id))
            self.db.rows("DELETE FROM orders WHERE shop_id = ? AND order_id = ?", (self.shop_id, order_id))

    def spoil(self, order_id: int, fields: str) -> None:
        """Send these fields, the text of a JSON object, instead of the order's own; "{}" heals it.

        The text goes out as it is, so that an order can hold what no order of ours could: a number that is none,
        no date, a thousand brackets. What the shop itself keeps of the order stays as it was.
        """
        with self.db.transaction():
            if not self.details([order_id]):
                raise UnknownOrder(f"There is no order {order_id}.")
            self.db.rows("DELETE FROM spoils WHERE shop_id = ? AND order_id = ?", (self.shop_id, order_id))
            if fields.strip()[1:-1].strip():
                values = (self.shop_id, order_id, fields.strip(), _list_fields(fields))
                self.db.rows("INSERT INTO spoils VALUES (?, ?, ?, ?)", values)

    def spoils(self, order_id: int) -> str:
        """The fields that are sent instead of the order's own, as the text of a JSON object."""
        row = self.db.row("SELECT fields FROM spoils WHERE shop_id = ? AND order_id = ?", (self.shop_id, order_id))
        return str(row[0]) if row else "{}"

    def _change(self, order_id: int, edit: Callable[[Order], Order], *, calls_out: bool = True) -> tuple[Order, Order]:
        """An order before and after; a number that was written is nothing that is called out."""
        found = self.db.row("SELECT detail FROM orders WHERE shop_id = ? AND order_id = ?", (self.shop_id, order_id))
        if found is None:
            raise UnknownOrder(f"There is no order {order_id}.")
        before: Order = json.loads(found[0])
        after = edit(dict(before))
        if after["updated_at"] == before["updated_at"]:
            after["updated_at"] = later_stamp(moment(before["updated_at"], "updated_at"))
        moved = after["channel_id"] != before["channel_id"]
        if moved and all(channel.channel_id != after["channel_id"] for channel in self.channels()):
            raise BadOrder(f"channel_id {after['channel_id']} is not a channel of this shop")
        self.db.rows(_UPDATE_ORDER, _columns(self.shop_id, after))
        if calls_out:
            call_out(self.db, self.shop_id, [after])
        return before, after

    def add_orders(self, raws: Iterable[object]) -> list[int]:
        """Take all the orders, with channels made where needed, or none: then BadOrders names each bad one."""
        with self.db.transaction():
            book = ChannelBook(self.channels(), self.name)
            checked, problems = self._checked(raws, book)
            if problems:
                raise BadOrders(problems)
            self.keep_channels(book.all())
            self.db.run_many(_INSERT_ORDER, checked.values())
            call_out(self.db, self.shop_id, (json.loads(columns[8]) for columns in checked.values()))
        return list(checked)

    def _checked(
        self, raws: Iterable[object], book: ChannelBook
    ) -> tuple[dict[int, tuple[Any, ...]], list[tuple[int, str]]]:
        """The columns of each good order by its id, and the problems of the others."""
        taken = {row[0] for row in self.db.rows("SELECT order_id FROM orders WHERE shop_id = ?", (self.shop_id,))}
        checked: dict[int, tuple[Any, ...]] = {}
        problems: list[tuple[int, str]] = []
        for place, raw in enumerate(raws):
            try:
                order = checked_order(raw)
                if order["order_id"] in taken:
                    raise BadOrder(f"order_id {order['order_id']} is taken already")
                book.place(order)
                checked[order["order_id"]] = _columns(self.shop_id, order)
                taken.add(order["order_id"])
            except BadOrder as problem:
                problems.append((place, str(problem)))
        return checked, problems

    def keep_channels(self, channels: Iterable[Channel]) -> None:
        """Store channels, replacing those with the same ids."""
        self.db.run_many(
            """INSERT OR REPLACE INTO channels (shop_id, channel_id, marketplace, name, type, currency)
               VALUES (?, ?, ?, ?, ?, ?)""",
            [(self.shop_id, c.channel_id, c.marketplace, c.name, c.type, c.currency) for c in channels],
        )

    def keep_items(self, rows: Iterable[dict[str, Any]]) -> None:
        """Store rows of the items route, replacing those with the same ids."""
        self.db.run_many(
            "INSERT OR REPLACE INTO items (shop_id, item_id, body) VALUES (?, ?, ?)",
            [(self.shop_id, row["item_id"], wire_text(row)) for row in rows],
        )

    def remove_item(self, item_id: int) -> None:
        """Sell it no longer; an unknown one is gone already."""
        self.db.rows("DELETE FROM items WHERE shop_id = ? AND item_id = ?", (self.shop_id, item_id))

    def next_item_id(self) -> int:
        """The item id after the highest one so far."""
        (found,) = self.db.rows("SELECT max(item_id) FROM items WHERE shop_id = ?", (self.shop_id,))
        return int(found[0] or 0) + 1

    def next_order_id(self) -> int:
        """The id after the highest one so far."""
        (found,) = self.db.rows("SELECT max(order_id) FROM orders WHERE shop_id = ?", (self.shop_id,))
        return int(found[0] or 0) + 1


def _spoiled(text: str, fields: str | None) -> str:
    """The JSON object of an order with other fields: of two of one name readers take the last."""
    return text if fields is None else f"{text[:-1]},{fields[1:]}"


def _list_fields(fields: str) -> str | None:
    """Those of the fields that a row of the list has too; none of what is too deep to be read here."""
    try:
        found = json.loads(fields)
    except (RecursionError, ValueError):  # a ValueError: a number of too many digits
        return None
    listed = {name: found[name] for name in _LIST_NAMES if name in found}
    return json.dumps(listed) if listed else None


def _order_text(order: Order) -> str:
    try:
        text = wire_text(order)
        text.encode()
    except ValueError as problem:  # NaN, or half of a surrogate pair
        raise BadOrder(f"it cannot be sent as JSON: {problem}") from None
    return text


def _result(order_id: object, code: int, message: str) -> dict[str, Any]:
    return {"order_id": order_id, "code": code, "message": message}


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _columns(shop_id: int, order: Order) -> tuple[Any, ...]:
    created_at = order["order_creation_date"]
    list_row = {
        "order_id": order["order_id"],
        "order_status": order["order_status"],
        "payment_status": order["payment_status"],
        "created_at": created_at,
        "updated_at": order["updated_at"],
    }
    words = [
        *(str(order[name]) for name in ("order_id", "marketplace_order_id", "invoice_no", "billing_method")),
        f"{order['billing_firstname']} {order['billing_lastname']}",
        *(f"{line['isku']} {line['product_sku']}" for line in order["order_items"]),
    ]
    return (
        order["channel_id"],
        _microseconds(moment(created_at, "order_creation_date")),
        _microseconds(moment(order["updated_at"], "updated_at")),
        order["order_status"],
        order["payment_status"],
        order["invoice_no"],
        int(off_by(order) == 0),
        "\n".join(words).casefold(),
        wire_text(list_row),
        _order_text(order),
        shop_id,
        order["order_id"],
    )
