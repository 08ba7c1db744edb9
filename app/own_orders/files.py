"""A file of orders: what it would make, and the rows that it cannot use, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from flask_babel import gettext as _

from app.core.own_order_files import COLUMNS, NEEDED, FileOrder, orders_of
from app.core.own_orders import Mistakes, OwnOrder, digest_of, read_order
from app.own_orders.forms import with_zone
from app.own_orders.services import taken_numbers
from app.own_orders.words import words_of
from app.tenancy.scope import current_store
from app.web.sheets import BadFile, Sheet, spellings

MOST_BYTES: Final = 1_500_000
MOST_ROWS: Final = 5_000
EXAMPLES: Final = (
    {
        "number": "A-1001",
        "kind": "webstore",
        "placed_at": "2026-11-20 14:30",
        "payment_status": "paid",
        "payment_method": "FPX",
        "buyer_name": "Mei Ling",
        "buyer_phone": "012-345 6789",
        "shipping": "6.00",
        "total": "48.70",
        "sku": "KOPI-1",
        "name": "Kopi",
        "quantity": "2",
        "unit_price": "16.90",
    },
    {"number": "A-1001", "name": "Gift wrap", "quantity": "1", "unit_price": "8.90"},
    {"number": "A-1002", "kind": "pos", "name": "Teh Tarik", "quantity": "1", "unit_price": "4.50"},
)
"""Two orders, the first of two rows, as the file to start from shows them."""


@dataclass(frozen=True, slots=True)
class Told:
    """An order that the file would make, and on which line it begins."""

    line: int
    order: OwnOrder


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a row cannot be used: the column that is meant ('' for all of them), and what is wrong."""

    line: int
    column: str
    why: str


@dataclass(slots=True)
class FilePreview:
    """What a file would do."""

    new: list[Told] = field(default_factory=list)
    known: int = 0
    """Orders that were made before and say the same."""
    problems: list[Unusable] = field(default_factory=list)


def preview(data: bytes) -> FilePreview:
    """What the file would make; BadFile when it cannot be read. Nothing is stored."""
    store, now = current_store(), datetime.now(UTC)
    found, told = FilePreview(), []
    for one in orders_of(_rows(data, store.time_zone)):
        try:
            told.append((one, read_order(one.document, currency=store.currency, now=now)))
        except Mistakes as mistakes:
            found.problems += _problems(one, mistakes)
    taken = taken_numbers([order.number for _one, order in told if order.number])
    for one, order in told:
        made_as = taken.get(order.number, (0, ""))[1]
        if not made_as:
            found.new.append(Told(one.lines[0], order))
        elif made_as == digest_of(order):
            found.known += 1
        else:
            why = _("Another order has this number already, and says something else.")
            found.problems.append(Unusable(one.lines[0], "number", why))
    found.problems.sort(key=lambda problem: problem.line)
    return found


def _rows(data: bytes, zone: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    if len(data) > MOST_BYTES:
        raise BadFile(_("The file is larger than 1.5 MB. Split it and import the parts one after the other."))
    sheet = Sheet(data)
    if missing := [name for name in NEEDED if name not in sheet.columns]:
        words = _("The first line must name the columns; %(missing)s is missing. Start from our file to see how.")
        raise BadFile(words % {"missing": ", ".join(missing)})
    if other := [name for name in sheet.columns if name and name not in COLUMNS]:
        raise BadFile(_("There is no column %(other)s. Take it out, or rename it.", other=", ".join(other)[:200]))
    is_empty = True
    for row in sheet.rows(MOST_ROWS):
        is_empty = False
        yield row.line, _cells(row.cells, zone)
    if is_empty:
        raise BadFile(_("The file has no rows."))


def _cells(cells: Mapping[str, str], zone: str) -> dict[str, str]:
    """The cells as a document has them: words as we write them, times with their zone."""
    plain = {name: spellings(text)[-1] for name, text in cells.items()}
    for name in ("kind", "payment_status"):
        if name in plain:
            plain[name] = "_".join(plain[name].casefold().split())
    if plain.get("placed_at"):
        plain["placed_at"] = with_zone(plain["placed_at"], zone)
    return plain


def _problems(one: FileOrder, mistakes: Mistakes) -> list[Unusable]:
    return [Unusable(*one.place_of(mistake), words_of(mistake)) for mistake in mistakes.found]
