"""Free search of orders: what may be looked for, kept apart from the orders, and the way to it over an index.

An order is written several times on its way into the books, and each time all its indexes are; its words hardly ever
change. So they have a table of their own, kept up to date by triggers, because rows are written in many places and
none of them may forget. Words of one or two letters are too many to index: they stand for how a name or code begins
or ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, ForeignKeyConstraint, Index, and_, any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy import doors
from app.tenancy.models import StoreOwnedByParent
from app.tenancy.scope import current_store_id

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

    def among(self, order_id: Any) -> ColumnElement[bool]:
        """The quickest condition: one of those that were found, or else what `walking` says."""
        return (
            self.walking(order_id)
            if self.order_ids is None
            else order_id == any_(literal(list(self.order_ids), ARRAY(BigInteger)))
        )

    def walking(self, order_id: Any) -> ColumnElement[bool]:
        """The condition for one order after another; good for those that are many."""
        words = and_(*(or_(*(SearchText.words.like(pattern) for pattern in ways)) for ways in self.patterns))
        found = or_(words, SearchText.words.like(f"%{self.digits}%")) if self.digits else words
        texts = select(SearchText.order_id).where(
            SearchText.store_id == current_store_id(), SearchText.order_id == order_id, found
        )
        return texts.exists()

    def indexed(self, order_id: Any) -> ColumnElement[bool]:
        """The condition by the index, however many were found; good for those that are spread thinly."""
        condition: ColumnElement[bool] = order_id.in_(doors.found_orders(self.patterns, self.digits))
        return condition


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
