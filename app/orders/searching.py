"""Free search of orders: what may be looked for, kept apart from the orders, and the way to it over an index.

An order is written several times on its way into the books, and each time all its indexes are; its words hardly ever
change. So they have a table of their own, kept up to date by triggers, because rows are written in many places and
none of them may forget. Words of one or two letters are too many to index: they stand for how a name or code begins
or ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    and_,
    any_,
    bindparam,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy import doors
from app.tenancy.models import StoreOwnedByParent
from app.tenancy.scope import THIS_STORE

LISTED_AT_MOST: Final = 10_000
"""More orders than this are not listed by a search but met while walking through the orders."""
_INDEXED_LENGTH: Final = 3
_PHONE_MARKS: Final = frozenset("+-() .")


class SearchText(StoreOwnedByParent, Base):
    """Lower-case words between blanks by which an order is found: its own (`part` is '') or a number of an invoice or
    credit note (`part` is the number as written)."""

    __tablename__ = "search_texts"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], ondelete="CASCADE"),
        Index(
            "ix_search_texts_words",
            "store_id",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
            postgresql_with={"gin_pending_list_limit": "65536"},
        ),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[str]


Values = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What searches have in common whose statements differ by their values alone, so that these are built once.

    `is_listed` tells whether the orders that were found are listed. The conditions are given their values when the
    statement runs, unless they get them with `values`.
    """

    words: int
    has_digits: bool
    is_listed: bool

    def among(self, order_id: Any, values: Values = None) -> ColumnElement[bool]:
        """The quickest condition: one of those that were found, or else what `walking` says."""
        if not self.is_listed:
            return self.walking(order_id, values)
        condition: ColumnElement[bool] = order_id == any_(_value("found_ids", values, ARRAY(BigInteger)))
        return condition

    def walking(self, order_id: Any, values: Values = None) -> ColumnElement[bool]:
        """The condition for one order after another; good for those that are many."""
        like = SearchText.words.like
        words = and_(*(or_(*(like(_value(name, values)) for name in _names(at))) for at in range(self.words)))
        found = or_(words, like(_value("found_anywhere", values))) if self.has_digits else words
        texts = select(SearchText.order_id).where(
            SearchText.store_id == THIS_STORE, SearchText.order_id == order_id, found
        )
        return texts.exists()

    def indexed(self, order_id: Any, values: Values = None) -> ColumnElement[bool]:
        """The condition by the index, however many were found; good for those that are spread thinly."""
        found = doors.FOUND_ORDERS if values is None else doors.FOUND_ORDERS.params(values)
        condition: ColumnElement[bool] = order_id.in_(found)
        return condition

    def quickest(self, order_id: Any) -> ColumnElement[bool]:
        """The condition to find a few orders of all: one of those that are listed, or else what `indexed` says."""
        return self.among(order_id) if self.is_listed else self.indexed(order_id)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: each word, or else the digits of a phone number, must stand in one of an order's texts.

    `order_ids` are the orders that were found; None when nobody asked yet, and when they are too many to list.
    """

    patterns: tuple[tuple[str, str], ...]
    digits: str
    order_ids: Sequence[int] | None = None

    @classmethod
    def of(cls, text: str, words: Sequence[str]) -> Search | None:
        """The search for the words of `text`; None when there are none."""
        return cls(tuple(_patterns(word) for word in words), _phone_digits(text)) if words else None

    def asked(self) -> Search:
        """The same with the orders that it finds. One statement."""
        return replace(self, order_ids=doors.find_orders(self.patterns, self.digits, LISTED_AT_MOST))

    @property
    def shape(self) -> Shape:
        """What makes the conditions."""
        return Shape(len(self.patterns), bool(self.digits), self.order_ids is not None)

    @property
    def values(self) -> dict[str, Any]:
        """What the conditions of the shape are given when their statement runs."""
        values: dict[str, Any] = {"found_ids": list(self.order_ids or ()), "found_anywhere": f"%{self.digits}%"}
        for at, ways in enumerate(self.patterns):
            values.update(zip(_names(at), ways, strict=True))
        return values | doors.found_values(self.patterns, self.digits)

    def among(self, order_id: Any) -> ColumnElement[bool]:
        """The shape's condition with its values."""
        return self.shape.among(order_id, self.values)

    def indexed(self, order_id: Any) -> ColumnElement[bool]:
        """The shape's condition with its values."""
        return self.shape.indexed(order_id, self.values)


def _value(name: str, values: Values, type_: Any = None) -> BindParameter[Any]:
    """A value by its name, or at once."""
    return bindparam(name, type_=type_) if values is None else bindparam(name, values[name], type_, unique=True)


def _names(at: int) -> tuple[str, str]:
    """The names of the two ways in which a word may be found."""
    return f"found_word_{at}", f"found_word_{at}_else"


def _patterns(word: str) -> tuple[str, str]:
    """The two ways in which a word may be found; one letter only begins, and three may stand anywhere."""
    plain = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if len(word) >= _INDEXED_LENGTH:
        return f"%{plain}%", f"%{plain}%"
    return f"% {plain}%", f"% {plain}%" if len(word) == 1 else f"%{plain} %"


def _phone_digits(text: str) -> str:
    """The digits of what looks like a phone number, without the 0 that stands for the country; else ''."""
    digits = "".join(char for char in text if char.isdecimal())
    others = {char for char in text if not char.isdecimal()}
    return digits.lstrip("0") if len(digits) >= 7 and others <= _PHONE_MARKS else ""
