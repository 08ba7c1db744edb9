"""Items with their stock as CSV: written for a spreadsheet, read back from one, and what a file would change.

A row is of the item that has its SKU, or makes a new one. A column that is missing changes nothing; an empty cell takes
away what stood there, except where that would say too much: an empty quantity, tracking or kit leaves it as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.catalog.forms import FileItemForm, ItemForm
from app.catalog.items import ItemFacts
from app.catalog.models import Item
from app.catalog.queries import ItemRow, items_by_sku_key
from app.catalog.stock_queries import Warehouse, stock_of_items, warehouses
from app.core.goods import to_kilograms, write_options
from app.core.matching import sku_key
from app.core.money import from_minor
from app.core.stock import MOST
from app.extensions import db
from app.tenancy.scope import current_store, current_store_id
from app.web.sheets import BadFile, Sheet, SheetRow, column_name, spellings

MOST_BYTES: Final = 1_500_000
MOST_ROWS: Final = 10_000
COLUMNS: Final = (
    *("sku", "name", "barcode", "price", "currency", "weight_kg", "product", "options", "variant"),
    *("tracking", "kit", "picture_url"),
)
"""The names of the columns are the same in every language, so that a file fits whoever reads it back."""
_STOCK: Final = "stock:"
_FIELDS: Final = {name: name for name in COLUMNS if name != "currency"} | {"weight_kg": "weight"}
_YES: Final = frozenset({"yes", "y", "1", "true", "ya", "có", "是"})
_NO: Final = frozenset({"no", "n", "0", "false", "tidak", "không", "否"})


@dataclass(frozen=True, slots=True)
class ItemStep:
    """An item that one row would make or change; `item_id` is None for a new one. `told` names what would change."""

    line: int
    item_id: int | None
    version: int
    facts: ItemFacts
    told: tuple[tuple[str, str, str], ...]
    """(column, as it is, as it would be)"""


@dataclass(frozen=True, slots=True)
class CountStep:
    """A quantity that one row would set."""

    line: int
    sku: str
    place: Warehouse
    before: int
    after: int


@dataclass(slots=True)
class ItemPreview:
    """What the file would change, and the rows that it cannot: (line, why)."""

    new: list[ItemStep] = field(default_factory=list)
    changed: list[ItemStep] = field(default_factory=list)
    counts: list[CountStep] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    unchanged: int = 0

    @property
    def size(self) -> int:
        """How much would be changed."""
        return len(self.new) + len(self.changed) + len(self.counts)

    @property
    def digest(self) -> str:
        """Identifies what would be changed: two previews that say the same have the same."""
        told = repr([[repr(step) for step in steps] for steps in (self.new, self.changed, self.counts)])
        return hashlib.sha256(told.encode()).hexdigest()


def heading(places: Sequence[Warehouse]) -> list[str]:
    """The first line of the file: what items have, and a column for each warehouse."""
    return [*COLUMNS, *(f"{_STOCK} {place.name}" for place in places)]


def lines_of(rows: Sequence[ItemRow], places: Sequence[Warehouse]) -> Iterator[list[object]]:
    """Items as rows of the file. One statement."""
    stock = stock_of_items([row.id for row in rows])
    for row in rows:
        written: list[object] = list(_written(row).values())
        held = ("" if row.kit else stock.get((row.id, place.id), 0) for place in places)
        yield [*written, *held]


def preview(data: bytes) -> ItemPreview:
    """What an uploaded file would change; BadFile. Nothing is stored. A handful of statements for every 500 rows."""
    if len(data) > MOST_BYTES:
        raise BadFile(_("The file is larger than 1.5 MB. Split it and import the parts one after the other."))
    sheet = Sheet(data)
    if "sku" not in sheet.columns:
        raise BadFile(_("The first line must name the columns, sku among them. Export the items to see how."))
    places = _places(sheet.columns)
    rows = list(sheet.rows(MOST_ROWS))
    if not rows:
        raise BadFile(_("The file has no rows."))
    items = items_by_sku_key({sku_key(one) for row in rows for one in spellings(row.cells["sku"])})
    stock = stock_of_items([item.id for item in items.values()])
    looking = _Looking(items, stock, places, current_store().currency)
    for row in rows:
        try:
            looking.at(row)
        except _Unusable as problem:
            looking.found.problems.append((row.line, str(problem)))
    return looking.found


def lock_items() -> None:
    """Let nobody change the store's items until the transaction ends; stock of them may move."""
    query = select(Item.id).where(Item.store_id == current_store_id()).order_by(Item.id)
    db.session.execute(query.with_for_update(key_share=True)).all()


class _Unusable(Exception):
    """The row cannot be used; the text says why."""


@dataclass(slots=True)
class _Looking:
    """Goes through the rows; `lines` remembers which line each SKU was met at.

    One form reads them all, because to make one costs more than to read a row.
    """

    items: Mapping[str, ItemRow]
    stock: Mapping[tuple[int, int], int]
    places: Mapping[str, Warehouse]
    currency: str
    form: ItemForm = field(default_factory=FileItemForm)
    lines: dict[str, int] = field(default_factory=dict)
    found: ItemPreview = field(default_factory=ItemPreview)

    def at(self, row: SheetRow) -> None:
        """Add what the row would change; _Unusable."""
        keys = [sku_key(one) for one in spellings(row.cells["sku"])]
        key = next((key for key in keys if key in self.items), keys[-1])
        if not key:
            raise _Unusable(_("The row names no SKU."))
        if self.lines.setdefault(key, row.line) != row.line:
            raise _Unusable(_("Line %(line)s has the same SKU.", line=self.lines[key]))
        item = self.items.get(key)
        if item is not None and item.is_archived:
            raise _Unusable(_("This item is archived. Bring it back first."))
        step, counts = self._item(row, item), list(self._counts(row, item))
        kit = step.facts.kit if step else item is not None and item.kit
        held = item is not None and not item.kit and (item.on_hand or item.reserved)
        if kit and (held or any(one.after for one in counts)):
            raise _Unusable(_("A kit holds no stock of its own."))
        if step is None and not counts:
            self.found.unchanged += 1
        if step is not None:
            (self.found.new if item is None else self.found.changed).append(step)
        self.found.counts += counts

    def _item(self, row: SheetRow, item: ItemRow | None) -> ItemStep | None:
        new = dict.fromkeys(COLUMNS, "") | {"tracking": "none", "kit": "no", "currency": self.currency}
        before = _written(item) if item else new
        told = {name: _told(row.cells[name], before[name]) for name in COLUMNS if name in row.cells}
        told |= {name: before[name] for name in ("tracking", "kit", "currency") if not told.get(name)}
        told["sku"] = before["sku"] or told["sku"]
        if item is not None and all(value == before[name] for name, value in told.items()):
            return None
        facts = self._facts(before | told, item.currency if item else self.currency)
        after = _cells(facts)
        changes = tuple((name, before[name], after[name]) for name in COLUMNS if after[name] != before[name])
        if item is None:
            return ItemStep(row.line, None, 0, facts, changes)
        return ItemStep(row.line, item.id, item.version, facts, changes) if changes else None

    def _facts(self, cells: Mapping[str, str], currency: str) -> ItemFacts:
        """What the cells say, by the rules of the form."""
        if cells["currency"] not in ("", currency):
            raise _Unusable(_("Its price is in %(currency)s here.", currency=currency))
        typed = MultiDict({name: cells[column] for column, name in _FIELDS.items()})
        typed["tracking"] = typed["tracking"].casefold() or "none"
        kit = typed.pop("kit").casefold()
        if kit and kit not in _YES | _NO:
            raise _Unusable(_("kit: Write yes or no."))
        if kit in _YES:
            typed["kit"] = "y"
        form = self.form
        form.process(typed)  # type: ignore[no-untyped-call]
        form.currency = currency
        if not form.validate():
            column = {name: column for column, name in _FIELDS.items()}
            told = (f"{column.get(name, name)}: {' '.join(map(str, why))}" for name, why in form.errors.items() if name)
            raise _Unusable(" ".join(told))
        return form.facts()

    def _counts(self, row: SheetRow, item: ItemRow | None) -> Iterator[CountStep]:
        for column, place in self.places.items():
            cell = spellings(row.cells[column])[-1]
            before = self.stock.get((item.id, place.id), 0) if item else 0
            if cell in ("", str(before)):
                continue
            if not (cell.isascii() and cell.isdigit() and int(cell[:12]) <= MOST):
                raise _Unusable(_("%(column)s: Type a number in digits, like 23.", column=f"{_STOCK} {place.name}"))
            if int(cell) != before:
                sku = item.sku if item else spellings(row.cells["sku"])[-1]
                yield CountStep(row.line, sku, place, before, int(cell))


def _places(columns: Iterable[str]) -> dict[str, Warehouse]:
    """The warehouses that the file's columns name; BadFile for one that is none."""
    known = {column_name(f"{_STOCK} {place.name}"): place for place in warehouses() if not place.is_archived}
    named = [name for name in columns if name.startswith(_STOCK)]
    for name in named:
        if name not in known and name.replace(_STOCK, f"{_STOCK}_", 1) not in known:
            place = name.removeprefix(_STOCK).replace("_", " ").strip()
            raise BadFile(_("There is no warehouse “%(place)s” in use. Add it in the settings first.", place=place))
    return {name: known.get(name) or known[name.replace(_STOCK, f"{_STOCK}_", 1)] for name in named}


def _told(cell: str, before: str) -> str:
    """What the cell says; a spelling that says what stands there already is taken for that."""
    found = spellings(cell)
    return before if before in found or " ".join(before.split()) in found else found[-1]


def _written(item: ItemRow) -> dict[str, str]:
    return _cells(
        ItemFacts(
            sku=item.sku,
            barcode=item.barcode,
            name=item.name,
            variant=item.variant,
            price=item.price,
            currency=item.currency,
            tracking=item.tracking,
            kit=item.kit,
            product=item.product,
            options=item.options,
            weight_grams=item.weight_grams,
            picture_url=item.picture_url,
        )
    )


def _cells(facts: ItemFacts) -> dict[str, str]:
    cells: dict[str, Any] = {name: getattr(facts, name, "") for name in COLUMNS}
    cells["price"] = "" if facts.price is None else str(from_minor(facts.price, facts.currency))
    cells["weight_kg"] = "" if facts.weight_grams is None else to_kilograms(facts.weight_grams)
    cells["options"] = write_options(facts.options)
    cells["kit"] = "yes" if facts.kit else "no"
    return cells
