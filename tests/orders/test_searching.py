"""Free search: what is found and what is not, who keeps the words, and what it costs."""

from __future__ import annotations

import pytest

from app.core.states import OrderState
from app.invoices.filters import InvoiceFilter
from app.invoices.queries import invoices_page, sums
from app.orders import queries
from app.orders.filters import OrderFilter
from app.orders.queries import count_matching, orders_page, search_of, state_tallies
from app.web.pagination import Cursor, Keyset
from tests.orders.factories import Books, SomeChannel
from tests.support.reading import reads

MANY = 60
"""Enough orders with the same word that it counts as common."""


def found(books: Books, words: str) -> list[int]:
    with books.scope():
        return [row.id for row in orders_page(OrderFilter(q=words), Keyset(limit=200)).rows]


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        ("pi-00", True),
        ("KOPI-0042 aisyah", True),
        ("kopi tea", False),
        ("陈伟强", True),
        ("伟强", True),
        ("陈伟", True),
        ("伟", False),
        ("陈", True),
        ("nu", True),
        ("ur", True),
        ("u", False),
        ("%", False),
        ("k_pi", False),
        ("a\\b", True),
        ("---", False),
        ("12/345", False),
        ("+60 12-345 6789", True),
        ("0123456789", True),
    ],
)
def test_words_of_three_letters_may_stand_anywhere_and_shorter_ones_begin_or_end(
    books: Books, channel: SomeChannel, words: str, is_found: bool
) -> None:
    order, _other = books.orders(
        channel,
        [{"search": "2611abc 41000 nur aisyah 陈伟强 +60123456789 kopi-0042 a\\b"}, {"search": "x", "number": "x"}],
    )
    assert found(books, words) == ([order] if is_found else [])


def test_words_follow_their_order(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel, search="before")
    assert found(books, "before") == [order]
    books.set(order, search="after", state="held")
    assert found(books, "before") == []
    assert found(books, "after") == [order]


def test_numbers_of_invoices_and_of_the_channel_find_the_order(books: Books, channel: SomeChannel) -> None:
    order, other = books.orders(channel, [{"remote_invoice_no": "AC-2201"}, {}])
    books.invoice(order, number_text="INV00077", state="credited")
    books.invoice(order, number_text="INV00078")
    books.set(other, remote_invoice_no="ac-9")
    for words in ("ac-2201", "inv00077", "INV00078", "0078"):
        assert found(books, words) == [order], words
    assert found(books, "AC-9") == [other]
    with books.scope():
        both = [row.number_text for row in invoices_page(InvoiceFilter(q="inv00077"), Keyset()).rows]
    assert both == ["INV00078", "INV00077"], "whoever looks for one sees what replaced it"


@pytest.fixture
def common(books: Books, channel: SomeChannel) -> list[int]:
    """Many orders of the same buyer, the newest first; every tenth is held."""
    states = ["held" if number % 10 == 0 else "ready" for number in range(MANY)]
    return books.orders(channel, [{"search": "siti common", "state": state} for state in states])


def test_common_words_are_met_on_the_way(books: Books, common: list[int]) -> None:
    where = OrderFilter(q="siti")
    with books.scope():
        search = search_of(where)
        assert search is not None and search.order_ids is None
        first = orders_page(where, Keyset(limit=50))
        rest = orders_page(where, Keyset(after=Cursor.decode(first.after), limit=50))
        back = orders_page(where, Keyset(before=Cursor.decode(rest.before), limit=50))
        tallies = state_tallies(where)
        held = orders_page(OrderFilter(q="siti", state=(OrderState.HELD,)), Keyset())
    assert {row.id for row in (*first.rows, *rest.rows)} == set(common)
    assert [row.id for row in back.rows] == [row.id for row in first.rows]
    assert (tallies.counts[OrderState.READY], tallies.counts[OrderState.HELD]) == (54, 6)
    assert not tallies.stopped
    assert len(held.rows) == 6


def test_where_walking_does_not_suffice_the_index_is_asked(
    books: Books, channel: SomeChannel, common: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "WALKED_AT_MOST", 30)
    monkeypatch.setattr(queries, "_walking_statement", queries._walking_statement.__wrapped__)
    with books.scope():
        page = orders_page(OrderFilter(q="siti"), Keyset(limit=50))
    assert len(page.rows) == 50
    assert page.after


def test_counting_says_where_it_stopped(books: Books, common: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LOOKED_AT_MOST", 20)
    monkeypatch.setattr(queries, "_tallying", queries._tallying.__wrapped__)
    with books.scope():
        tallies = state_tallies(OrderFilter(q="siti"))
        unmapped = count_matching(OrderFilter(unmapped=True, state=(OrderState.READY,)))
    assert (tallies.counts[OrderState.READY], tallies.counts[OrderState.HELD]) == (20, 6)
    assert tallies.stopped == {OrderState.READY}
    assert unmapped == 20


def test_invoices_with_common_words_are_added_up_unless_there_are_too_many(
    books: Books, common: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for order in common[:3]:
        books.invoice(order)
    with books.scope():
        assert sums(InvoiceFilter(q="siti")).count == 3
        assert sums(InvoiceFilter(q="siti"), at_most=2).too_many


def test_search_reads_what_it_finds_and_no_more(books: Books, channel: SomeChannel) -> None:
    books.orders(channel, [{"search": f"nobody {number:04}"} for number in range(3_000)])
    wanted = books.order(channel, search="kopi-0042")
    with books.scope(), reads("search_texts") as texts, reads("orders") as orders:
        assert [row.id for row in orders_page(OrderFilter(q="kopi-0042"), Keyset()).rows] == [wanted]
    assert texts["walked"] == orders["walked"] == 0
    assert orders["indexed"] <= 10


def test_searches_of_the_same_shape_keep_their_own_words(books: Books, channel: SomeChannel) -> None:
    """Their statement is built once; words, orders and store are given to it each time."""
    first, second = books.orders(channel, [{"search": "kopi ipoh"}, {"search": "teh tarik"}])
    assert [found(books, words) for words in ("kopi ipoh", "teh tarik", "kopi tarik")] == [[first], [second], []]
    with books.scope():
        asked = [OrderFilter(q=words) for words in ("kopi", "tarik", "milo")]
        assert [count_matching(where) for where in asked] == [1, 1, 0]
        assert [state_tallies(where).counts[OrderState.READY] for where in asked] == [1, 1, 0]
