"""Two people press at the same moment: one of them is done, the other is told, and both stores read the same story."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from app.core.linking import LinkState, NotPossible, letters_of
from app.links import services
from app.links.services import LinkedAlready, Refused
from app.links.settling import settle_due
from tests.links.pairs import Pair, pair_of, put_on_plan
from tests.support.factories import Make

TIMES = 6
Outcome = BaseException | str


def at_once(*acts: Callable[[], object]) -> list[Outcome]:
    """Do all of these at the same moment, each in a thread of its own; "done", or what was raised."""
    ready, found = threading.Barrier(len(acts)), dict[int, Outcome]()

    def run(place: int, act: Callable[[], object]) -> None:
        ready.wait()
        try:
            act()
            found[place] = "done"
        except BaseException as error:  # told to the test, whatever it is
            found[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [found[place] for place in range(len(acts))]


def asking(pair: Pair, link_id: int) -> Callable[[], None]:
    return lambda: pair.ask(link_id)


def withdrawing(pair: Pair, link_id: int) -> Callable[[], None]:
    def act() -> None:
        with pair.as_main():
            services.withdraw(link_id, "Main")

    return act


def denying(pair: Pair, link_id: int) -> Callable[[], None]:
    def act() -> None:
        with pair.as_sub():
            services.deny(link_id, "Sub", "")

    return act


def ending(pair: Pair, link_id: int, *, by_main: bool) -> Callable[[], None]:
    def act() -> None:
        with pair.as_main() if by_main else pair.as_sub():
            services.end(link_id, "Somebody", "keep")

    return act


@pytest.mark.parametrize("_time", range(TIMES))
def test_of_two_main_stores_with_one_code_one_gets_through(app: Flask, make: Make, pair: Pair, _time: int) -> None:
    rival = Pair(app, pair_of(app, make).main, pair.sub)
    mine, theirs = pair.draft(), rival.draft()
    outcomes = at_once(asking(pair, mine), asking(rival, theirs))
    assert outcomes.count("done") == 1, outcomes
    (refused,) = [outcome for outcome in outcomes if outcome != "done"]
    assert isinstance(refused, Refused)
    assert "SUB_ALREADY_LINKED" in str(refused)
    assert {pair.state(mine), rival.state(theirs)} == {LinkState.PENDING, LinkState.DRAFT}


@pytest.mark.parametrize("_time", range(TIMES))
def test_a_grant_while_it_is_withdrawn_has_one_outcome(pair: Pair, _time: int) -> None:
    link_id = pair.pending()
    outcomes = at_once(lambda: pair.grant(link_id), withdrawing(pair, link_id))
    assert outcomes.count("done") == 1, outcomes
    assert any(isinstance(outcome, NotPossible) for outcome in outcomes)
    won = LinkState.CONNECTED if outcomes[0] == "done" else LinkState.WITHDRAWN
    assert pair.state(link_id) is won
    assert [event.kind for event in pair.story(link_id)] == [
        "ask",
        "grant" if won is LinkState.CONNECTED else "withdraw",
    ]


@pytest.mark.parametrize("_time", range(TIMES))
def test_two_owners_who_answer_differently_give_one_answer(pair: Pair, _time: int) -> None:
    link_id = pair.pending()
    outcomes = at_once(lambda: pair.grant(link_id), denying(pair, link_id))
    assert outcomes.count("done") == 1, outcomes
    assert len(pair.story(link_id)) == 2


@pytest.mark.parametrize("_time", range(TIMES))
def test_a_code_that_is_changed_while_it_is_used_grants_nothing(pair: Pair, _time: int) -> None:
    link_id = pair.draft()

    def rotate() -> None:
        with pair.as_sub():
            services.rotate_code(pair.sub.owner.id, "Sub")

    outcomes = at_once(asking(pair, link_id), rotate)
    assert outcomes[1] == "done"
    if outcomes[0] == "done" and pair.state(link_id) is LinkState.PENDING:
        with pytest.raises(Refused, match="CODE_INVALID"):
            pair.grant(link_id)
        settle_all(pair.app)
    assert pair.state(link_id) in (LinkState.DRAFT, LinkState.EXPIRED)


@pytest.mark.parametrize("_time", range(TIMES))
def test_an_item_turned_into_a_kit_while_granting_leaves_no_link_that_flows(pair: Pair, _time: int) -> None:
    link_id, item = pair.pending(), pair.hold("SET")
    outcomes = at_once(lambda: pair.grant(link_id), lambda: pair.change(item, kit=True))
    assert outcomes[1] == "done"
    settle_all(pair.app)
    if outcomes[0] == "done":
        assert pair.state(link_id) is LinkState.SUSPENDED
    else:
        assert "SUB_HAS_KIT" in str(outcomes[0])
        assert pair.state(link_id) is LinkState.PENDING


@pytest.mark.parametrize("_time", range(TIMES))
def test_both_stores_end_it_at_once_and_it_ends_once(pair: Pair, _time: int) -> None:
    link_id = pair.connected()
    outcomes = at_once(ending(pair, link_id, by_main=True), ending(pair, link_id, by_main=False))
    assert outcomes.count("done") == 1, outcomes
    assert [event.kind for event in pair.story(link_id)].count("end") == 1


@pytest.mark.parametrize("_time", range(TIMES))
def test_two_stores_that_ask_each_other_do_not_make_a_ring(app: Flask, pair: Pair, _time: int) -> None:
    put_on_plan(app, pair.sub, "premium")
    back = Pair(app, pair.sub, pair.main)
    down, up = pair.draft(), back.draft()
    at_once(asking(pair, down), asking(back, up))
    at_once(lambda: pair.grant(down), lambda: back.grant(up))
    assert {pair.state(down), back.state(up)} != {LinkState.CONNECTED}


@pytest.mark.parametrize("_time", range(TIMES))
def test_a_double_click_asks_once_and_types_one_draft(pair: Pair, _time: int) -> None:
    letters = letters_of(pair.code())

    def type_code() -> None:
        with pair.as_main():
            services.start_draft(letters)

    assert at_once(type_code, type_code) == ["done", "done"]
    link_id = pair.draft()
    outcomes = at_once(asking(pair, link_id), asking(pair, link_id))
    assert outcomes.count("done") == 1, outcomes
    (other,) = [outcome for outcome in outcomes if outcome != "done"]
    assert isinstance(other, (NotPossible, LinkedAlready))
    assert [event.kind for event in pair.story(link_id)] == ["ask"]


@pytest.mark.parametrize("_time", range(TIMES))
def test_two_ticks_settle_a_link_once(app: Flask, pair: Pair, _time: int) -> None:
    link_id = pair.connected()
    pair.hold("SET", kit=True)
    assert at_once(lambda: settle_all(app), lambda: settle_all(app)) == ["done", "done"]
    assert [event.kind for event in pair.story(link_id)] == ["ask", "grant", "suspend"]


def settle_all(app: Flask) -> None:
    """What the tick does."""
    with app.app_context():
        settle_due(1000)
