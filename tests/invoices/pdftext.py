"""Just enough of a PDF reader to say what our own PDFs show: their text by page, their fonts, their date.

It knows only what Typst writes (ISO 32000-2): objects one after the other, Flate streams, composite fonts whose
ToUnicode map tells which characters each two-byte glyph stands for, and ActualText where several glyphs make one
piece of text.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_OBJECT = re.compile(rb"\n(\d+) 0 obj\r?\n")
_STREAM = re.compile(rb"/Length (\d+)[^\n]*>>\r?\nstream\r?\n")
_MAPPED = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]+)>")
_TOKEN = re.compile(rb"\s*(<<|>>|<[0-9A-Fa-f]*>|\(|[\[\]]|/?[^\s()<>\[\]/]+)")
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r\n": b""}


@dataclass(frozen=True, slots=True)
class Pdf:
    """What a PDF shows. `pages` is the text of each page without its spaces, in the order it is drawn."""

    pages: tuple[str, ...]
    fonts: frozenset[str]
    is_archival: bool
    """Whether it claims PDF/A, which Typst refuses when a character has no drawing."""
    created: str

    @property
    def text(self) -> str:
        """The text of all pages, without spaces."""
        return "".join(self.pages)


def squeezed(words: str) -> str:
    """`words` without any kind of space, as `Pdf.pages` has them."""
    return re.sub(r"[\s\u200b]", "", words)


def read_pdf(data: bytes) -> Pdf:
    """Read a PDF that Typst wrote."""
    assert data.startswith(b"%PDF-1.7") and data.rstrip().endswith(b"%%EOF")
    objects = _objects(data)
    created = re.search(rb"/CreationDate\s*\(D:(\d{14})", data)
    return Pdf(
        pages=tuple(squeezed(_page_text(objects[number], objects)) for number in _page_numbers(objects)),
        fonts=frozenset(name.decode() for name in re.findall(rb"/BaseFont/[A-Z]{6}\+([A-Za-z]+)", data)),
        is_archival=b"pdfaid:part" in data,
        created=created.group(1).decode() if created else "",
    )


def _objects(data: bytes) -> dict[int, bytes]:
    """Each object's body by its number; a stream is as long as it says, whatever bytes it holds."""
    objects: dict[int, bytes] = {}
    at = 0
    while found := _OBJECT.search(data, at):
        end = data.index(b"endobj", found.end())
        if stream := _STREAM.search(data, found.end(), end):
            end = data.index(b"endobj", stream.end() + int(stream.group(1)))
        objects[int(found.group(1))] = data[found.end() : end]
        at = end
    return objects


def _page_numbers(objects: dict[int, bytes]) -> list[int]:
    root = next(body for body in objects.values() if b"/Type/Pages" in body)
    kids = re.search(rb"/Kids\[([^]]*)\]", root)
    assert kids
    return [int(number) for number in re.findall(rb"(\d+) 0 R", kids.group(1))]


def _page_text(page: bytes, objects: dict[int, bytes]) -> str:
    """What the page draws; a marked piece that says what it means is taken at its word."""
    fonts = {name: _unicode_map(objects[number], objects) for name, number in _fonts_of(page, objects)}
    parts: list[str] = []
    glyphs: dict[bytes, str] = {}
    told: list[bool] = []  # for each open piece of marked content, whether it told its text
    before, tells = b"", False
    for token in _tokens(_stream(objects[_reference(rb"/Contents", page)])):
        if token[:1] == b"/" and token[1:] in fonts:
            glyphs = fonts[token[1:]]
        elif before == b"/ActualText":
            parts.append(_text(token))
            tells = True
        elif token in (b"BDC", b"BMC"):
            told.append(tells)
            tells = False
        elif token == b"EMC":
            told.pop()
        elif token[:1] == b"\0" and not any(told):
            shown = token[1:]
            parts += [glyphs.get(shown[at : at + 2], "") for at in range(0, len(shown), 2)]
        before = token
    return "".join(parts)


def _tokens(stream: bytes) -> Iterator[bytes]:
    """The tokens of a content stream; a string, however it is written, comes decoded behind a zero byte."""
    at = 0
    while match := _TOKEN.match(stream, at):
        token, at = match.group(1), match.end()
        if token == b"(":
            end = _closing(stream, at)
            yield b"\0" + _ESCAPED.sub(_unescaped, stream[at:end])
            at = end + 1
        elif token[:1] == b"<" and token != b"<<":
            yield b"\0" + bytes.fromhex(token[1:-1].decode())
        else:
            yield token


def _closing(stream: bytes, at: int) -> int:
    """Where the string that begins at `at` ends; parentheses in pairs belong to it."""
    depth = 1
    while True:
        char = stream[at : at + 1]
        depth += {b"(": 1, b")": -1}.get(char, 0)
        if not depth:
            return at
        at += 2 if char == b"\\" else 1


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    return bytes([int(code, 8)]) if code.isdigit() else _ESCAPES.get(code, code)


def _text(token: bytes) -> str:
    """A text string: UTF-16 behind its mark, else Latin."""
    raw = token[1:]
    return raw[2:].decode("utf-16-be") if raw.startswith(b"\xfe\xff") else raw.decode("latin-1")


def _fonts_of(page: bytes, objects: dict[int, bytes]) -> list[tuple[bytes, int]]:
    fonts = re.search(rb"/Font<<(.*?)>>", objects[_reference(rb"/Resources", page)])
    found = re.findall(rb"/(f\d+) (\d+) 0 R", fonts.group(1)) if fonts else []
    return [(name, int(number)) for name, number in found]


def _unicode_map(font: bytes, objects: dict[int, bytes]) -> dict[bytes, str]:
    pairs = _MAPPED.findall(_stream(objects[_reference(rb"/ToUnicode", font)]))
    return {
        bytes.fromhex(glyph.decode()): bytes.fromhex(text.decode()).decode("utf-16-be", "replace")
        for glyph, text in pairs
    }


def _reference(key: bytes, body: bytes) -> int:
    found = re.search(key + rb" (\d+) 0 R", body)
    assert found, key
    return int(found.group(1))


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found
    data = body[found.end() : found.end() + int(found.group(1))]
    return zlib.decompress(data) if b"/FlateDecode" in body[: found.end()] else data
