"""CSV as people send it back: whatever a spreadsheet makes of a file is taken.

UTF-8 with or without its mark, commas, semicolons or tabs, columns in any order, further columns. A cell that was kept
from being run as a formula when it was exported is read as what it was.
"""

from __future__ import annotations

import binascii
import csv
import io
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import abort
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

MOST_PACKED: Final = 450_000
"""How long the file may be within the form of a preview; a form is refused above half a megabyte."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class BadFile(ValueError):
    """The file cannot be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that is not empty, at `line` of the file (from 1), by the names of its columns."""

    line: int
    cells: Mapping[str, str]


class Sheet:
    """An uploaded file: the names of its columns (as `column_name` writes them), then its rows."""

    def __init__(self, data: bytes) -> None:
        text = _text(data)
        first, _newline, _rest = text.partition("\n")
        self._reader: Any = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
        self.columns: Mapping[str, int] = {column_name(cell): place for place, cell in enumerate(self._next() or ())}

    def rows(self, most: int) -> Iterator[SheetRow]:
        """Each row that says something; BadFile when there are more than `most`, or a line cannot be read."""
        line, number = self._reader.line_num + 1, 0
        while (row := self._next()) is not None:
            number += 1
            if number > most:
                raise BadFile(_("The file has more than %(most)s rows. Split it.", most=f"{most:,}"))
            cells = {name: _cell(row, place) for name, place in self.columns.items()}
            if any(cells.values()):
                yield SheetRow(line, cells)
            line = self._reader.line_num + 1

    def _next(self) -> Sequence[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error:
            raise BadFile(_("Line %(line)s cannot be read.", line=self._reader.line_num)) from None


def column_name(cell: str) -> str:
    """How a column is known, whatever its case and spaces: "Our SKU" -> "our_sku"."""
    return "_".join(cell.casefold().split())


def content_of(upload: FileStorage, most: int) -> bytes:
    """What was sent, read no further than shows that it is more than `most` bytes."""
    try:
        return upload.stream.read(most + 1)
    finally:
        upload.close()


def spellings(cell: str) -> list[str]:
    """A cell as it stands, and without the apostrophe that kept it from being run as a formula."""
    plain = cell[1:]
    return [cell, plain] if cell.startswith("'") and plain.lstrip(" ").startswith(_FORMULA) else [cell]


def packed(data: bytes) -> str | None:
    """A file as a form carries it from its preview to its saving; None when that is more than a form may hold."""
    sheet = urlsafe_b64encode(zlib.compress(data, 9)).decode()
    return sheet if len(sheet) <= MOST_PACKED else None


def unpacked(sheet: str, most_bytes: int) -> bytes:
    """The file that a form carried, at most one byte longer than may be; what no preview made is refused (422)."""
    try:
        data = zlib.decompressobj().decompress(urlsafe_b64decode(sheet.encode("ascii", "replace")), most_bytes + 1)
    except (binascii.Error, ValueError, zlib.error):
        abort(422, _("Import the file again."))
    return data


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadFile(_("This is no CSV file in UTF-8. In the spreadsheet, save it as “CSV UTF-8”."))
    return text


def _cell(row: Sequence[str], place: int) -> str:
    return " ".join(row[place].split()) if place < len(row) else ""
