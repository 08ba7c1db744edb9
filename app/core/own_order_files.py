"""A file of orders: rows of cells become documents, the rows of one order together.

The first row of an order says what is said once; its further rows need only its number and their item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.own_orders import Mistake

ORDER_COLUMNS: Final = (
    *("number", "kind", "placed_at", "payment_status", "payment_method", "buyer_name", "buyer_phone", "buyer_email"),
    *("buyer_address", "shipping", "order_discount", "note", "total"),
)
LINE_COLUMNS: Final = ("sku", "name", "variant", "quantity", "unit_price", "discount")
COLUMNS: Final = (*ORDER_COLUMNS, *LINE_COLUMNS)
NEEDED: Final = ("kind", "name", "quantity", "unit_price")
_RENAMED: Final = {"order_discount": "discount"}
_COLUMN_OF: Final = {"discount": "order_discount"}


@dataclass(frozen=True, slots=True)
class FileOrder:
    """One order of a file: the lines of the file that its rows stand on, and what they say."""

    lines: tuple[int, ...]
    document: Mapping[str, Any]

    def place_of(self, mistake: Mistake) -> tuple[int, str]:
        """The line of the file and the column that a mistake of the document is about."""
        match mistake.at:
            case ("lines", int(number), str(name)):
                return self.lines[number], name
            case ("buyer", str(name)):
                return self.lines[0], f"buyer_{name}"
            case (str(name), *_rest):
                return self.lines[0], _COLUMN_OF.get(name, name)
            case _:
                return self.lines[0], ""


def orders_of(rows: Iterable[tuple[int, Mapping[str, str]]]) -> list[FileOrder]:
    """The orders of a file's rows (line, cells by column), in its order; a row without a number is an order alone."""
    together: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for line, cells in rows:
        together.setdefault(cells.get("number") or f"\0{line}", []).append((line, cells))
    return [
        FileOrder(tuple(line for line, _ in group), _document([cells for _, cells in group]))
        for group in together.values()
    ]


def _document(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    first = rows[0]
    told = {_RENAMED.get(name, name): first[name] for name in ORDER_COLUMNS if first.get(name)}
    buyer = {name.removeprefix("buyer_"): told.pop(name) for name in list(told) if name.startswith("buyer_")}
    lines = [{name: row[name] for name in LINE_COLUMNS if row.get(name)} for row in rows]
    return {**told, "buyer": buyer, "lines": lines}
