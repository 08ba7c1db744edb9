"""The rules of links: codes that can be read aloud, moves that follow each other, and what stands in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.linking import (
    ALPHABET,
    CODE_BYTES,
    CODE_LENGTH,
    GRANTED,
    LIVE,
    MOVERS,
    MOVES,
    Act,
    Held,
    LinkState,
    NotPossible,
    Plan,
    Rule,
    Side,
    Standing,
    broken,
    checked,
    code_hash,
    code_of,
    is_code,
    is_expired,
    kept,
    letters_of,
    moved,
)

OVER = {LinkState.DENIED, LinkState.EXPIRED, LinkState.WITHDRAWN, LinkState.ENDED}
STEPS = st.lists(st.tuples(st.sampled_from(list(Act)), st.sampled_from(list(Side))), max_size=30)
HELD = st.builds(Held, st.integers(0, 5))
STANDINGS = st.builds(
    Standing,
    st.sampled_from(list(Plan)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    batch=HELD,
    serial=HELD,
    kit=HELD,
)


def walk(steps: list[tuple[Act, Side]]) -> list[tuple[LinkState, Act, Side, LinkState]]:
    """What became of a draft under these steps, those that were refused left out."""
    state, taken = LinkState.DRAFT, []
    for act, side in steps:
        try:
            after = moved(state, act, side)
        except NotPossible:
            continue
        taken.append((state, act, side, after))
        state = after
    return taken


@given(STEPS)
def test_nothing_is_connected_that_the_sub_store_did_not_grant(steps: list[tuple[Act, Side]]) -> None:
    taken = walk(steps)
    for place, (_before, _act, _side, after) in enumerate(taken):
        if after in GRANTED:
            assert any((act, side) == (Act.GRANT, Side.SUB) for _b, act, side, _a in taken[: place + 1])


@given(STEPS)
def test_what_is_over_stays_over(steps: list[tuple[Act, Side]]) -> None:
    taken = walk(steps)
    assert all(before not in OVER for before, _act, _side, _after in taken)


@given(STEPS)
def test_a_request_is_answered_once(steps: list[tuple[Act, Side]]) -> None:
    acts = [act for _before, act, _side, _after in walk(steps)]
    assert len([act for act in acts if act in (Act.GRANT, Act.DENY, Act.EXPIRE, Act.WITHDRAW)]) <= 1
    assert acts.count(Act.ASK) <= 1


@given(st.sampled_from(list(LinkState)), st.sampled_from(list(Act)), st.sampled_from(list(Side)))
def test_a_move_is_in_the_table_and_the_movers_own(state: LinkState, act: Act, side: Side) -> None:
    if (state, act) in MOVES and side in MOVERS[act]:
        assert moved(state, act, side) is MOVES[state, act]
    else:
        with pytest.raises(NotPossible):
            moved(state, act, side)


def test_every_state_is_reached_and_every_live_one_is_left() -> None:
    assert set(MOVES.values()) | {LinkState.DRAFT} == set(LinkState)
    assert {before for before, _act in MOVES} == {*LIVE, LinkState.DRAFT}
    assert set(MOVERS) == set(Act)


@given(STANDINGS)
def test_every_rule_is_said_once_and_broken_for_its_own_reason(standing: Standing) -> None:
    findings = checked(standing)
    assert len({finding.rule for finding in findings}) == len(findings)
    wrong = {finding.rule for finding in broken(findings)}
    if standing.is_self:
        assert wrong == {Rule.SELF_LINK}
        return
    assert (Rule.PLAN_TOO_LOW in wrong) == (standing.plan in (Plan.STARTER, Plan.GROWTH))
    assert (Rule.CHAIN_NOT_ALLOWED in wrong) == (standing.main_is_sub or standing.sub_is_main)
    assert (Rule.SUB_ALREADY_LINKED in wrong) == standing.sub_has_main
    for rule, held in (
        (Rule.SUB_HAS_BATCH, standing.batch),
        (Rule.SUB_HAS_SERIAL, standing.serial),
        (Rule.SUB_HAS_KIT, standing.kit),
    ):
        assert (rule in wrong) == (held.count > 0)


@given(STANDINGS)
def test_a_granted_link_is_suspended_by_plan_and_items_alone(standing: Standing) -> None:
    wrong = {finding.rule for finding in kept(standing)}
    assert wrong <= {Rule.PLAN_TOO_LOW, Rule.SUB_HAS_BATCH, Rule.SUB_HAS_SERIAL, Rule.SUB_HAS_KIT}
    assert bool(wrong) == (
        not standing.plan.may_lead or any((standing.batch.count, standing.serial.count, standing.kit.count))
    )


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_a_code_is_read_back_however_it_is_typed(chance: bytes) -> None:
    code = code_of(chance)
    letters = letters_of(code)
    assert [len(group) for group in code.split("-")] == [4] * 5
    assert is_code(letters)
    for typed in (code.lower(), code.replace("-", ""), code.replace("-", " "), f"  {code}\u2009"):
        assert letters_of(typed) == letters
        assert code_hash(letters_of(typed)) == code_hash(letters)


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES), st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_other_chance_is_another_code(one: bytes, other: bytes) -> None:
    bits = (1 << 5 * CODE_LENGTH) - 1
    same = int.from_bytes(one, "big") & bits == int.from_bytes(other, "big") & bits
    assert (code_of(one) == code_of(other)) == same


def test_a_code_has_eighty_bits_and_no_letter_that_is_misread() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert 5 * CODE_LENGTH >= 80
    assert not set("01IO") & set(ALPHABET)
    with pytest.raises(ValueError, match="13 bytes"):
        code_of(b"short")


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_none(typed: str) -> None:
    letters = letters_of(typed)
    assert is_code(letters) == (len(letters) == CODE_LENGTH and all(char in ALPHABET for char in letters))


def test_a_request_waits_fourteen_days() -> None:
    asked = datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert not is_expired(asked, asked + timedelta(days=14) - timedelta(seconds=1))
    assert is_expired(asked, asked + timedelta(days=14))
