"""Every sentence is said in every language, as the source says it now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import wtforms
from babel.messages.catalog import Catalog, Message

from app.web.catalogues import source_of
from app.web.forms import OF_WTFORMS
from tests.translations import TRANSLATED, extract, read, said_alone_and_counted, texts_of

_PLACES = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|</?\w+[^>]*>")
Sentence = tuple[str | None, str]


def _sentence(message: Message) -> Sentence:
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def _words(catalogue: Catalog) -> dict[Sentence, Message]:
    return {_sentence(message): message for message in catalogue if message.id}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> dict[Sentence, Message]:
    template: Path = tmp_path_factory.mktemp("words") / "messages.pot"
    extract(template)
    return _words(read(template))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated(language: str, source: dict[Sentence, Message]) -> None:
    said = _words(read(source_of(language), language))
    missing = [sentence for sentence in source if sentence not in said or not _is_said(said[sentence])]
    assert not missing, f"{len(missing)} to translate into {language}; run `make translations`: {missing}"


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_is_left_over_unsure_or_spoiled(language: str, source: dict[Sentence, Message]) -> None:
    catalogue = read(source_of(language), language)
    said = _words(catalogue)
    assert not catalogue.obsolete
    gone = [words for _context, words in said.keys() - source.keys()]
    assert not gone, f"nobody says these any more; run `make translations`: {gone}"
    assert not [sentence for sentence, message in said.items() if message.fuzzy]
    assert not [sentence for sentence, message in said.items() if _is_said(message) and _differs(message)]


def test_no_sentence_is_said_both_alone_and_with_a_number() -> None:
    assert not said_alone_and_counted()


def test_what_wtforms_says_is_what_we_translate(source: dict[Sentence, Message]) -> None:
    """A sentence that they word anew would come out in English."""
    theirs = _words(read(Path(wtforms.__file__).parent / "locale" / "wtforms.pot"))
    for lazy in OF_WTFORMS:
        sentence = (None, str(lazy._args[0]))
        assert sentence in theirs and sentence in source


def _is_said(message: Message) -> bool:
    return all(text.strip() for text in texts_of(message))


def _differs(message: Message) -> bool:
    """Whether the translation lacks what is filled in, or has it twice, or begins and ends with other spaces."""
    ours = message.id if isinstance(message.id, str) else message.id[1]
    return any(
        (_can_be_filled_in(ours) and not _can_be_filled_in(text))
        or set(_PLACES.findall(ours)) != set(_PLACES.findall(text))
        or _edges(ours) != _edges(text)
        for text in texts_of(message)
    )


def _can_be_filled_in(text: str) -> bool:
    """Whether a template can say it: there every sentence is a format, and a percent sign is written twice."""
    try:
        text % _Anything()
    except (TypeError, ValueError):
        return False
    return True


class _Anything(dict[str, int]):
    def __missing__(self, _name: str) -> int:
        return 1


def _edges(text: str) -> tuple[bool, bool]:
    return text[:1].isspace(), text[-1:].isspace()
