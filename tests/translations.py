"""The words of the source and their translations: `make translations` brings the catalogues up to what the source says.

Babel's own commands do it, with the options that stand here once, for the command and for the test that holds the
catalogues against the source. What is new is left empty for a translator; what nobody says any more goes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import CommandLineInterface, parse_keywords
from babel.messages.pofile import read_po

from app.tenancy.choices import LANGUAGES
from app.web.catalogues import TRANSLATIONS, source_of

ROOT: Final = Path(__file__).resolve().parent.parent
TRANSLATED: Final = tuple(code for code, _name in LANGUAGES if code != "en")
_KEYWORDS: Final = ("_l", "lazy_gettext", "lazy_ngettext:1,2")
"""How the source calls for sentences, besides Babel's own words for it."""
_EXTRACT: Final = (
    *("pybabel", "-q", "extract", "-F", str(ROOT / "pyproject.toml"), "--project=Channelbook"),
    *("--ignore-dirs=.*", *(f"--keyword={keyword}" for keyword in _KEYWORDS)),
    *("--no-location", "--sort-output", "--no-wrap"),
)
_UPDATE: Final = (
    *("pybabel", "-q", "update", "--init-missing", "--ignore-pot-creation-date"),
    *("--no-fuzzy-matching", "--ignore-obsolete", "--no-wrap"),
)


def extract(template: Path) -> None:
    """Write down everything that the source says, sorted, and without the places, which change with every line."""
    _babel(*_EXTRACT, "-o", str(template), str(ROOT / "app"), str(ROOT / "templates"))


def update(template: Path) -> None:
    """Bring the catalogue of every language up to `template`."""
    for language in TRANSLATED:
        source_of(language).parent.mkdir(parents=True, exist_ok=True)
        _babel(*_UPDATE, "-i", str(template), "-d", str(TRANSLATIONS), "-l", language)


def read(path: Path, language: str | None = None) -> Catalog:
    """A catalogue, or the template of one, as it lies on the disk."""
    with path.open("rb") as file:
        return read_po(file, locale=language)


def texts_of(message: Message) -> tuple[str, ...]:
    """What a sentence is in the catalogue's language: once, or in each of its forms; "" where nobody translated it."""
    text = message.string or ""
    return (text,) if isinstance(text, str) else tuple(text)


def said_alone_and_counted() -> set[str]:
    """Sentences that one place says as they are and another one with a number. A catalogue has one entry for both, so
    that the first would show the words of the second, with a hole where its number belongs."""
    keywords = {**DEFAULT_KEYWORDS, **parse_keywords(_KEYWORDS)}
    alone: set[str] = set()
    counted: set[str] = set()
    for folder, methods in (
        ("app", [("**.py", "python")]),
        ("templates", [("**.html", "jinja2"), ("**.txt", "jinja2")]),
    ):
        for _file, _line, words, *_rest in extract_from_dir(
            ROOT / folder, methods, keywords=keywords, directory_filter=_any
        ):
            (alone if isinstance(words, str) else counted).add(words if isinstance(words, str) else words[0])
    return alone & counted


def _any(_folder: object) -> bool:
    return True


def _babel(*words: str) -> None:
    CommandLineInterface().run(list(words))  # type: ignore[no-untyped-call]


def main() -> int:
    """Extract and update; says how many sentences wait for a translator."""
    with TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        extract(template)
        update(template)
    for language in TRANSLATED:
        missing = sum(not all(texts_of(message)) for message in read(source_of(language), language) if message.id)
        sys.stdout.write(f"{language}: {missing} to translate\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
