"""What the pages say in other languages: read from the translators' own files when a language is first spoken.

Nothing is compiled beforehand, so that nothing can be forgotten: a catalogue takes a process a twentieth of a second,
once.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

TRANSLATIONS: Final = Path(__file__).resolve().parent.parent / "translations"


def source_of(language: str) -> Path:
    """The file with the translations into `language`."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


@cache
def catalogue_of(language: str) -> NullTranslations:
    """The sentences in `language`; those of the program itself, which are English, where nobody translated them."""
    source = source_of(language)
    if not source.is_file():
        return NullTranslations()
    with source.open("rb") as file:
        translated = read_po(file, locale=language)
    for message in translated:
        if not isinstance(message.string, str) and not all(message.string or ()):
            message.string = ""  # or else its English would be the singular, whatever the number
    compiled = BytesIO()
    write_mo(compiled, translated)
    compiled.seek(0)
    return Translations(compiled)
