"""Links as CSV: written for a spreadsheet, read back from one, and what the file would change before it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.catalog.queries import ItemChoice, item_ids_by_sku, items_by_id
from app.core.matching import ListingState, loose_key, sku_key
from app.core.money import from_minor
from app.extensions import db
from app.mappings.linking import Wanted
from app.mappings.listing_queries import ListingRow
from app.mappings.models import Listing
from app.mappings.product_words import obstacle_words
from app.mappings.proposing import BATCH
from app.tenancy.scope import current_store_id
from app.web.sheets import BadFile, Sheet, SheetRow, spellings

MOST_BYTES: Final = 1_500_000
MOST_ROWS: Final = 20_000
_OURS: Final = "our_sku"
HEADING: Final = (
    *("remote_id", "isku", "sku", "barcode", "name", "variant", "price", "currency", "stock", "state"),
    *(_OURS, "proposed_sku", "certainty"),
)
"""The names of the columns are the same in every language, so that a file fits whoever reads it back."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of the file, at `line` of it (from 1)."""

    line: int
    remote_id: str
    sku: str
    our_sku: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one row would change."""

    line: int
    listing: str
    before: str
    after: str
    wanted: Wanted


@dataclass(slots=True)
class Preview:
    """What the file would change, and the rows that it cannot: (line, why)."""

    new: list[Step] = field(default_factory=list)
    changed: list[Step] = field(default_factory=list)
    removed: list[Step] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    unchanged: int = 0

    @property
    def steps(self) -> list[Step]:
        """Everything that would be done."""
        return [*self.new, *self.changed, *self.removed]


def cells(row: ListingRow) -> list[object]:
    """A listing as a row of the file."""
    proposed = row.candidates[0].sku if row.state == ListingState.PROPOSED and row.candidates else ""
    return [
        row.remote_id,
        row.isku,
        row.sku,
        row.barcode,
        row.name,
        row.variant,
        "" if row.price is None else from_minor(row.price, row.currency),
        row.currency,
        "" if row.stock is None else f"{row.stock.normalize():f}",
        row.state,
        row.item.sku if row.item else "",
        proposed,
        row.certainty or "" if row.state == ListingState.PROPOSED else "",
    ]


def read_file(data: bytes) -> list[FileRow]:
    """The rows of an uploaded file; BadFile."""
    if len(data) > MOST_BYTES:
        raise BadFile(_("The file is larger than 1.5 MB. Split it and import the parts one after the other."))
    sheet = Sheet(data)
    if _OURS not in sheet.columns or sheet.columns.keys().isdisjoint({"remote_id", "isku", "sku"}):
        raise BadFile(
            _("The first line must name the columns: our_sku, and remote_id or sku. Export the links to see how.")
        )
    rows = [_row(row) for row in sheet.rows(MOST_ROWS)]
    if not rows:
        raise BadFile(_("The file has no rows."))
    return rows


def preview(channel_id: int, rows: Sequence[FileRow]) -> Preview:
    """What the file would change. Nothing is stored."""
    listings = _Listings(channel_id, rows)
    items = item_ids_by_sku({sku_key(one) for row in rows for one in spellings(row.our_sku) if one})
    linked = {row.item_id for row in listings.all if row.item_id is not None}
    looking = _Looking(listings, items, items_by_id({*items.values(), *linked}))
    for row in rows:
        try:
            looking.at(row)
        except _Unusable as problem:
            looking.told.problems.append((row.line, str(problem)))
    return looking.told


class _Unusable(Exception):
    """The row cannot be used; the text says why."""


@dataclass(slots=True)
class _Looking:
    """Goes through the rows; `lines` remembers which line each listing was met at."""

    listings: _Listings
    items: Mapping[str, int]
    choices: Mapping[int, ItemChoice]
    lines: dict[int, int] = field(default_factory=dict)
    told: Preview = field(default_factory=Preview)

    def at(self, row: FileRow) -> None:
        """Add what the row would change; _Unusable."""
        listing = self.listings.of(row)
        if self.lines.setdefault(listing.id, row.line) != row.line:
            raise _Unusable(_("Line %(line)s is about the same product.", line=self.lines[listing.id]))
        keys = [sku_key(one) for one in spellings(row.our_sku)]
        item_id = next((self.items[key] for key in keys if key in self.items), None)
        if row.our_sku and item_id is None:
            raise _Unusable(_("No item of yours has the SKU %(sku)s.", sku=row.our_sku))
        if item_id == listing.item_id:
            self.told.unchanged += 1
            return
        if item_id is not None and listing.obstacle is not None:
            raise _Unusable(obstacle_words(listing.obstacle))
        told = self.told
        group = told.removed if item_id is None else told.new if listing.item_id is None else told.changed
        name = " ".join(filter(None, (listing.isku or listing.sku, listing.name))) or listing.remote_id
        wanted = Wanted(listing.id, listing.version, item_id)
        group.append(Step(row.line, name, self._words(listing.item_id), self._words(item_id), wanted))

    def _words(self, item_id: int | None) -> str:
        return self.choices[item_id].words if item_id is not None and item_id in self.choices else ""


class _Listings:
    """The listings that the file's rows can be about, by id and by SKU."""

    def __init__(self, channel_id: int, rows: Sequence[FileRow]) -> None:
        ids = {one for row in rows for one in spellings(row.remote_id) if one}
        skus = {loose_key(one) for row in rows if not row.remote_id for one in spellings(row.sku) if one}
        self._by_id: dict[str, Any] = {}
        self._by_sku: dict[str, dict[int, Any]] = {}
        for some in _some(ids):
            for listing in _read(channel_id, Listing.remote_id.in_(some)):
                self._by_id[listing.remote_id] = listing
        for some in _some(skus):
            alike = or_(
                Listing.isku_key.in_(some) & (Listing.isku_key != ""),
                Listing.sku_key.in_(some) & (Listing.sku_key != ""),
            )
            for listing in _read(channel_id, alike & Listing.gone_at.is_(None)):
                for sku in filter(None, (listing.isku, listing.sku)):
                    self._by_sku.setdefault(sku_key(sku), {})[listing.id] = listing

    @property
    def all(self) -> list[Any]:
        """All of them."""
        return [*self._by_id.values(), *(one for some in self._by_sku.values() for one in some.values())]

    def of(self, row: FileRow) -> Any:
        """The one that the row is about."""
        if row.remote_id:
            for spelling in spellings(row.remote_id):
                if spelling in self._by_id:
                    return self._by_id[spelling]
            raise _Unusable(_("This channel has no product with the id %(id)s.", id=row.remote_id))
        if not row.sku:
            raise _Unusable(_("The row names no product: it has neither an id nor a SKU."))
        found: dict[int, Any] = {}
        for spelling in spellings(row.sku):
            found |= self._by_sku.get(sku_key(spelling), {})
        if not found:
            raise _Unusable(_("This channel has no product with the SKU %(sku)s.", sku=row.sku))
        if len(found) > 1:
            raise _Unusable(_("Several products of this channel have the SKU %(sku)s. Give the id.", sku=row.sku))
        return next(iter(found.values()))


def _read(channel_id: int, condition: Any) -> Sequence[Any]:
    names = ("id", "remote_id", "isku", "sku", "name", "item_id", "version", "obstacle")
    query = select(*(getattr(Listing, name) for name in names)).where(
        Listing.store_id == current_store_id(), Listing.channel_id == channel_id, condition
    )
    return db.session.execute(query).all()


def _some(values: Iterable[str]) -> Iterator[list[str]]:
    rest = sorted(values)
    for start in range(0, len(rest), BATCH):
        yield rest[start : start + BATCH]


def _row(row: SheetRow) -> FileRow:
    cells = row.cells
    sku = cells.get("isku") or cells.get("sku", "")
    return FileRow(row.line, cells.get("remote_id", ""), sku, cells[_OURS])
