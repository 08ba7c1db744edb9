"""Kill -9 in the middle of what goes on between two stores: afterwards they agree, and nothing was lost or doubled.

Each moment has a sub-store of its own, so that one is hit while the others recover.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import psycopg
import pytest

from tests.crash.deals import ask, enter_code
from tests.crash.family import SKUS, Family, Kin
from tests.crash.house import READY_WITHIN, House
from tests.crash.kin_ledger import audit_family
from tests.crash.kin_moments import MOMENTS, Moment, adjusting, held, order_here, order_there, selling
from tests.crash.kin_settling import link_early, press_once, until_quiet
from tests.crash.merchant import move_in
from tests.crash.people import Push
from tests.crash.scene import family_books
from tests.crash.schedule import Kindred

# All of them are made and hit before the first is looked at, on a machine that may have much else to do.
pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

WRITTEN_IN_TWO = ("a push of stock", "a move that was made")
"""What is written in one store, and then in the other."""
CASES: Mapping[str, tuple[str, str]] = {
    f"{killed} in {when}": (when, killed)
    for when, moment in MOMENTS.items()
    for killed in (moment.part, *(["postgres"] if when in WRITTEN_IN_TWO else []))
}


def stands(family: Family, sub: Kin, *states: str) -> bool:
    """Whether the link does, and the main store's channel with it."""
    link = sub.link_of(family.main)
    is_read = family.main.channel_of(sub) is not None
    return link is not None and link["state"] in states and is_read == (link["state"] == "connected")


def came(family: Family, sub: Kin) -> bool:
    """Whether there is one order, and the main store has it."""
    return len(sub.promises) == len(sub.rows("select id from orders where store_id = %s")) == 1 and bool(
        order_here(family, sub)
    )


def was_sent(_family: Family, sub: Kin) -> bool:
    """Whether the order left, once."""
    notes = sub.rows("select id from journal where store_id = %s and kind = 'sent'")
    return order_there(sub)["status"] == "shipped" and len(notes) == 1


def was_split(_family: Family, sub: Kin) -> bool:
    """Whether the order is in two packages."""
    return len(sub.rows("select id from packages where store_id = %s")) == 2


def was_told(family: Family, sub: Kin) -> bool:
    """Whether the pieces that came are offered, once for each press that was made for it."""
    sql = "select on_hand - reserved as pieces from stock_levels where store_id = %s and item_id = %s"
    (here,), (there,) = (kin.rows(sql, kin.items[SKUS[0]]) for kin in (family.main, sub))
    return bool(here == there)


OUTCOMES: Mapping[str, Callable[[Family, Kin], bool]] = {
    "a grant": lambda family, sub: stands(family, sub, "connected"),
    "an end": lambda family, sub: stands(family, sub, "ended"),
    "a push of stock": was_told,
    "an order's making": came,
    "an order's coming": came,
    "a move that is made": was_sent,
    "a move that was made": was_sent,
    "a split": was_split,
}


@pytest.fixture(scope="module")
def family(house: House) -> Iterator[Family]:
    """A main store with a sub-store for each case, all of which were hit, and are quiet again."""
    moments = [MOMENTS[when] for when, _killed in CASES.values()]
    early = frozenset(number for number, moment in enumerate(moments) if moment.is_linked)
    made = Family(house, "kinkill", Kindred(len(CASES), early, frozenset()))
    try:
        move_in(made.kin, [])
        made.put_on_plan("premium")
        for sku in SKUS * 3:
            _press(adjusting(made, made.main, sku))
        link_early(made)
        for moment, sub in zip(moments, made.subs, strict=True):
            _prepare(made, sub, moment)
        until_quiet(made)
        for (when, killed), sub in zip(CASES.values(), made.subs, strict=True):
            _strike(made, sub, MOMENTS[when], killed)
        until_quiet(made)
        for kin in made.kin:
            kin.press_sync()
        until_quiet(made)
        yield made
    finally:
        for kin in made.kin:
            kin.close()


def _prepare(family: Family, sub: Kin, moment: Moment) -> None:
    if not moment.is_linked:
        press_once(enter_code, family, sub)
        press_once(ask, family, sub)
    if moment.needs_order:
        _press(selling(family, sub))


def _press(press: tuple[Kin, Push]) -> None:
    who, push = press
    who.send(push, 0)


def _strike(family: Family, sub: Kin, moment: Moment, killed: str) -> None:
    """Bring the moment about, kill, and press again as people do when nothing came of it."""
    who, push = moment.press(family, sub)
    with contextlib.suppress(psycopg.OperationalError), held(family, sub, moment, lambda: who.send(push, 0)):
        family.house.kill(killed, with_children=True)
    family.house.until(family.house.is_ready, READY_WITHIN, "all parts are there again")
    family.house.until(lambda: bool(family.house.query("select 1")), READY_WITHIN, "we are let in again")
    who.send(push, 0)


@pytest.mark.parametrize("name", CASES)
def test_what_was_pressed_comes_to_be_once(family: Family, name: str) -> None:
    when, _killed = CASES[name]
    assert OUTCOMES[when](family, family.subs[list(CASES).index(name)])


def test_the_stores_agree_and_nothing_is_lost_or_doubled(family: Family) -> None:
    assert audit_family(family_books(family)) == []
    assert [kin.mistaken for kin in family.kin if kin.mistaken] == []
