"""The moments at which something dies between two stores: for each, a way to bring it there and to hold it there.

Each waits for a lock that the test holds, in the middle of what it does; inside the block it stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any, Literal

from tests.crash.family import SKUS, Family, Kin
from tests.crash.people import Push
from tests.crash.sales import order_by_program

REACH_WITHIN = 30.0
LUCK = 0.4
"""The luck of an order of the webstore that is paid."""
HELD = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and %s = any(pg_blocking_pids(pid))"

Presser = Callable[[Family, Kin], tuple[Kin, Push]]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is pressed, which rows are held so that it stands in the middle, and whose process works on it then.

    `link` is how the stores stand before; an order is there where one `needs` it.
    """

    part: Literal["web", "worker"]
    press: Presser
    hold: str
    """The statement that holds what it wants, with the ids that `keys` finds."""
    keys: Callable[[Family, Kin], tuple[object, ...]]
    is_linked: bool = True
    needs_order: bool = True


def granting(family: Family, sub: Kin) -> tuple[Kin, Push]:
    """*Grant Access*."""
    link = sub.link_of(family.main, "pending")
    assert link is not None, sub.link_of(family.main)
    return sub, Push(f"{sub.channels}/links/{link['id']}/grant")


def ending(family: Family, sub: Kin) -> tuple[Kin, Push]:
    """The main store ends the link, and nothing is to be left."""
    link = family.main.link_of(sub, "connected")
    assert link is not None, family.main.link_of(sub)
    return family.main, Push(f"{family.main.channels}/links/{link['id']}/end", {"stock": "zero"})


def adjusting(family: Family, _sub: Kin, sku: str = SKUS[0]) -> tuple[Kin, Push]:
    """Ten pieces more in the main store, of which the sub-stores are told."""
    (newest,) = family.main.rows("select coalesce(max(id), 0) as id from stock_movements where store_id = %s")
    form = {"location_id": str(family.main.location_id), "how": "add", "pieces": "10", "reason": "found"}
    form |= {"seen": str(newest["id"]), "key": f"{newest['id']:032x}", "confirmed": "y"}
    return family.main, Push(f"/{family.main.slug}/inventory/{family.main.items[sku]}/adjust", form)


def selling(family: Family, sub: Kin) -> tuple[Kin, Push]:
    """The webshop sends an order."""
    (press,) = order_by_program(family, sub, LUCK)
    return press


def saying(family: Family, sub: Kin) -> tuple[Kin, Push]:
    """The main store says that an order was sent."""
    main, here = family.main, order_here(family, sub)
    form = {"courier": "Pos Laju", "tracking_number": f"EM{here['id']:09d}MY"}
    return main, Push(f"/{main.slug}/orders/{here['id']}/say/shipped", form)


def splitting(_family: Family, sub: Kin) -> tuple[Kin, Push]:
    """A piece of an order goes into a package of its own."""
    there = order_there(sub)
    return sub, Push(f"/{sub.slug}/orders/{there['id']}/split", {f"take_{there['id']}_1": "1", "package": ""})


def order_there(sub: Kin) -> dict[str, Any]:
    """The sub-store's newest order."""
    return sub.rows("select id, number, status, placed_at from orders where store_id = %s order by id desc limit 1")[0]


def order_here(family: Family, sub: Kin) -> dict[str, Any]:
    """The same as the main store has it."""
    sql = "select id, channel_id from orders where store_id = %s and remote_id = %s"
    return family.main.rows(sql, str(order_there(sub)["id"]))[0]


def locked(table: str, where: str) -> str:
    """Rows that somebody wants to change; whoever reads them goes on, and so does whoever wants them to be there."""
    return f"select 1 from {table} where {where} for no key update"


def _own_channel(_family: Family, sub: Kin) -> tuple[object, ...]:
    (row,) = sub.rows("select id from channels where store_id = %s and kind = 'own'")
    return sub.store_id, row["id"]


MOMENTS: Mapping[str, Moment] = {
    "a grant": Moment(
        "web",
        granting,
        locked("links", "sub_store_id = %s"),
        lambda _family, sub: (sub.store_id,),
        is_linked=False,
        needs_order=False,
    ),
    "an end": Moment("web", ending, locked("links", "sub_store_id = %s"), lambda _family, sub: (sub.store_id,)),
    "a push of stock": Moment(
        "worker",
        adjusting,
        locked("stock_levels", "store_id = %s and item_id = %s"),
        lambda _family, sub: (sub.store_id, sub.items[SKUS[0]]),
    ),
    "an order's making": Moment(
        "web",
        selling,
        locked("number_series", "store_id = %s and code = 'own_order'"),
        lambda _family, sub: (sub.store_id,),
        needs_order=False,
    ),
    "an order's coming": Moment(
        "worker",
        selling,
        "select pg_advisory_xact_lock(hashtextextended('stock:' || %s, 0)) is null",
        lambda family, _sub: (family.main.store_id,),
        needs_order=False,
    ),
    "a move that is made": Moment("worker", saying, locked("channels", "store_id = %s and id = %s"), _own_channel),
    "a move that was made": Moment(
        "worker",
        saying,
        locked("fulfilments", "store_id = %s and order_id = %s"),
        lambda family, sub: (family.main.store_id, order_here(family, sub)["id"]),
    ),
    "a split": Moment(
        "web",
        splitting,
        locked("number_series", "store_id = %s and code = 'package'"),
        lambda _family, sub: (sub.store_id,),
    ),
}


@contextmanager
def held(family: Family, sub: Kin, moment: Moment, press: Callable[[], None]) -> Iterator[None]:
    """Press, and stand in the middle of what that does as long as the block lasts."""
    with family.house.connect() as connection, connection.transaction():
        assert connection.execute(moment.hold.encode(), moment.keys(family, sub)).fetchall(), moment.hold
        presser = Thread(target=press)
        presser.start()
        pid = connection.info.backend_pid
        family.house.until(lambda: bool(family.house.query(HELD, pid)), REACH_WITHIN, f"it waits: {moment.hold}")
        yield
    presser.join()
