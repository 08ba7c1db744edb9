"""Reads a file of JSON lines and names each line that cannot be taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

SHOWN_PROBLEMS = 20

T = TypeVar("T")


class BadRecords(ValueError):
    """Records that cannot be taken: `problems` holds (place in the batch from 0, sentence) for each."""

    noun = "record"

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{self.noun} {place + 1}: {sentence}" for place, sentence in problems))


class LoadError(Exception):
    """A file that cannot be loaded; the text has a line for each bad line of the file, and nothing was kept."""


def load_jsonl(path: Path, take: Callable[[list[Any]], T]) -> T:
    """Let `take` take the file's values, all or none: it raises BadRecords. Raises LoadError."""
    lines: list[int] = []
    raws: list[Any] = []
    bad: list[tuple[int, str]] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise LoadError(f"{path}: {problem}") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                raws.append(json.loads(line))
                lines.append(number)
            except ValueError as problem:
                bad.append((number, f"not JSON: {problem}"))
    if not bad:
        try:
            return take(raws)
        except BadRecords as problems:
            bad = [(lines[place], sentence) for place, sentence in problems.problems]
    raise LoadError(_listed(path, bad))


def _listed(path: Path, bad: list[tuple[int, str]]) -> str:
    shown = [f"{path}: line {number}: {sentence}" for number, sentence in bad[:SHOWN_PROBLEMS]]
    rest = len(bad) - len(shown)
    return "\n".join([*shown, *([f"{path}: and {rest} more bad lines"] if rest else [])])
