from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.numbering import MAX_PREFIX, NumberBlock, check_prefix, format_number

PREFIXES = st.text("ABCxyz0123456789-/_.", max_size=MAX_PREFIX)


@pytest.mark.parametrize(
    ("prefix", "padding", "number", "printed"),
    [
        ("INV", 5, 22, "INV00022"),
        ("INV-", 0, 7, "INV-7"),
        ("", 4, 1, "0001"),
        ("A/", 3, 123456, "A/123456"),
        ("INV", 1, 0, "INV0"),
    ],
)
def test_number_is_prefix_and_padded_digits(prefix: str, padding: int, number: int, printed: str) -> None:
    assert format_number(prefix, padding, number) == printed


def test_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not an invoice number"):
        format_number("INV", 5, -1)


@pytest.mark.parametrize("prefix", ["", "INV", "SG-2026/", "a.b_c-d/e", "ABCDEFGHIJKL"])
def test_plain_prefix_is_accepted(prefix: str) -> None:
    check_prefix(prefix)


@pytest.mark.parametrize(
    "prefix", ["ABCDEFGHIJKLM", "IN V", "INV\n", "{YYYY}-", "%Y", "HĐ", "发票", "٣", "<b>", "=1+1", "INV\x00", "-#-"]
)
def test_long_or_odd_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        check_prefix(prefix)


@given(PREFIXES, st.integers(0, 12), st.integers(1, 10**7), st.integers(0, 300), st.integers(0, 300))
def test_consecutive_blocks_have_no_gap_and_no_repeat(
    prefix: str, padding: int, first: int, count: int, more: int
) -> None:
    block = NumberBlock(prefix, padding, first, count).numbers()
    block += NumberBlock(prefix, padding, first + count, more).numbers()
    assert [number for number, _ in block] == list(range(first, first + count + more))
    assert len({printed for _, printed in block}) == count + more


@given(PREFIXES, st.integers(0, 12), st.integers(0, 10**9))
def test_printed_number_tells_its_number(prefix: str, padding: int, number: int) -> None:
    printed = format_number(prefix, padding, number)
    check_prefix(prefix)
    assert printed.startswith(prefix)
    assert int(printed[len(prefix) :]) == number
    assert len(printed) >= len(prefix) + padding
