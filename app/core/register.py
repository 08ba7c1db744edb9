"""Accounting for every number of a series: a number without a document is explained, or it is a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Skip:
    """Numbers that somebody left out on purpose, from `first` to `last`, and why."""

    first: int
    last: int
    words: str
    person: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive numbers that no document carries; `skip` explains them, None when nothing does."""

    first: int
    last: int
    skip: Skip | None

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return self.last - self.first + 1


def account_for(first: int, last: int, skips: Iterable[Skip]) -> list[Stretch]:
    """The numbers from `first` to `last`, which no document carries, as stretches with one explanation each.

    Where two explanations speak of one number, the newest one counts. ValueError when `first` is behind `last`.
    """
    if first > last:
        raise ValueError(f"no numbers from {first} to {last}")
    newest_first = sorted(skips, key=lambda skip: skip.at, reverse=True)
    ends = {first, last + 1}
    for skip in newest_first:
        ends |= {bound for bound in (skip.first, skip.last + 1) if first < bound <= last}
    bounds = sorted(ends)
    pieces = [Stretch(a, b - 1, _explanation(a, newest_first)) for a, b in pairwise(bounds)]
    return _joined(pieces)


def _explanation(number: int, skips: Sequence[Skip]) -> Skip | None:
    return next((skip for skip in skips if skip.first <= number <= skip.last), None)


def _joined(pieces: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours with one explanation are one stretch."""
    joined: list[Stretch] = []
    for piece in pieces:
        if joined and joined[-1].skip == piece.skip:
            joined[-1] = Stretch(joined[-1].first, piece.last, piece.skip)
        else:
            joined.append(piece)
    return joined
