"""The invoice as a PDF for archives (PDF/A), set by Typst from `templates/invoices/invoice.typ`.

The sheet's words reach the template as JSON data and are never part of its source, so nothing in them can be code.
Fonts come from the front-end lock alone: the same invoice is the same bytes on every machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from app.invoices.printing import Paper

if TYPE_CHECKING:
    import typst

ROOT: Final = Path(__file__).resolve().parents[2]
TEMPLATE: Final = ROOT / "templates" / "invoices" / "invoice.typ"
FONT_FOLDERS: Final = tuple(
    ROOT / "static" / "node_modules" / folder
    for folder in (
        "@embedpdf/fonts-latin/fonts",
        "@embedpdf/fonts-sc/fonts",
        "@expo-google-fonts/noto-sans-tamil",
        "@expo-google-fonts/noto-sans-thai",
        "@expo-google-fonts/noto-emoji",
    )
)


def invoice_pdf(sheet: Paper, issued_at: datetime) -> bytes:
    """The PDF of a sheet, dated by the moment the invoice was issued.

    PDF/A wants a drawing and a meaning for every character. A name in a script that our fonts lack is still
    printed, with a box for each such character, in a plain PDF.
    """
    import typst  # noqa: PLC0415  # seven megabytes, which no process needs that never sets a page

    # A compiler serves one thread at a time; making one costs nothing once the fonts are known.
    words = {"sheet": json.dumps(asdict(sheet), ensure_ascii=False)}
    compiler = typst.Compiler(input=str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=_fonts(), sys_inputs=words)
    try:
        return _compiled(compiler, issued_at, "a-2u")
    except typst.TypstError as error:
        if not error.message.startswith("PDF/A"):
            raise
        return _compiled(compiler, issued_at, None)


def _compiled(compiler: typst.Compiler, issued_at: datetime, standard: Literal["a-2u"] | None) -> bytes:
    made = compiler.compile(format="pdf", timestamp=int(issued_at.timestamp()), pdf_standards=standard)
    if not isinstance(made, bytes):
        raise TypeError(f"Typst made {type(made)}, not one PDF")
    return made


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """The fonts of the lock and no others. FileNotFoundError names a folder that was not fetched."""
    for folder in FONT_FOLDERS:
        if not folder.is_dir():
            raise FileNotFoundError(f"fonts for invoices are missing: {folder}")
    folders = [str(folder) for folder in FONT_FOLDERS]
    import typst  # noqa: PLC0415

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
