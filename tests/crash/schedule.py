"""What happens in one run of the crash test, and when: a pure function of the run's seed.

All luck is drawn here. Where an act picks among things that are only known once the time has come, such as the
processes of a part or the orders of a shop, it carries a number from 0 to 1 to pick with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

Verb = Literal["kill", "freeze", "empty", "fill", "fault", "press", "turn", "deal", "vend", "visit", "hinder"]
"""The last three befall the store with a shop of KiotViet: its people press, the shop goes on with its own life, and
its channel fails."""
Setting = tuple[str, float | str]

KILLS: Mapping[str, int] = {
    "worker": 3,
    "worker child": 5,
    "worker and child": 4,
    "all workers": 2,
    "web": 1,
    "web child": 2,
    "web and children": 2,
    "tick": 2,
    "valkey": 2,
    "postgres": 2,
    "backend": 2,
    "sandbox": 1,
    "everything": 1,
}
"""What is killed, and how often in comparison."""
FREEZES: Mapping[str, int] = {
    "worker": 2,
    "worker child": 4,
    "worker and child": 4,
    "web": 1,
    "web child": 2,
    "tick": 1,
    "valkey": 2,
    "postgres": 1,
    "backend": 2,
    "sandbox": 1,
}
TURNS: Mapping[str, int] = {
    "add": 4,
    "add foreign": 1,
    "pay": 4,
    "cancel": 2,
    "refund": 2,
    "refund part": 2,
    "charge": 3,
    "miscount": 1,
    "number": 1,
}
"""What the channel does to its orders: new ones, another price, a total that does not add up, a number of its own."""
ROUTES = ("any", "list", "detail", "write")
ONLY_ONCE = frozenset({"changing_order"})  # or an order would have been in states that nobody knows of
LONGER_THAN_A_LEASE = (13.0, 15.5)
DEALS: Mapping[str, tuple[int, int]] = {"linking": (6, 14), "shelves": (12, 22), "sales": (35, 60)}
"""How many deals of each group a run has for each sub-store, at least and less than."""
HANDSHAKE = (
    *("enter code", "ask", "grant"),
    *("enter code", "ask", "grant", "read items", "link items", "read items", "link items"),
)
"""How a link comes to be; a step that was killed is taken again."""
AMBUSHED: Mapping[str, float] = {
    "grant": 0.4,
    "end": 0.4,
    "adjust": 0.15,
    "move here": 0.15,
    "move both": 0.2,
    "split": 0.2,
}
"""What is met by a blow in the middle, and how often."""
AMBUSHERS = ("web child", "web and children", "worker child", "worker and child", "backend", "postgres", "valkey")
AT_ONCE = (1, 1, 2, 2, 3)
SURE_SALES = (("order by program", 3), ("order by page", 3), ("order unlinked", 2), ("refresh now", 1), ("link", 1))
"""What the store with a shop of KiotViet does at the beginning of every run, so often."""
EARLY = 3.0  # seconds, before most of the kills
SURPRISED: Mapping[str, float] = {"order by page": 0.1, "refresh now": 0.15, "link": 0.2, "give no more": 0.3}
"""What is met there by a blow in the middle, and how often."""
LONE_BLOWS = ("kill", "freeze")
"""What befalls the process of KiotViet."""
ANYWHERE = frozenset(
    {"timeout", "dropped_connection", "server_error", "html_error", "rate_limited", "truncated_json", "slow"}
)
"""What KiotViet may do wrong at any of its calls; its other faults are each of certain calls."""
CONTRADICTIONS = ("wrong_total", "page_drift")
"""Of a list that counts wrong and leaves rows out nobody can say what is missing: a run has one of them."""
"""How many presses of a button come at the same moment."""


@dataclass(frozen=True, slots=True)
class Menu:
    """What may be chosen: the channel's faults with their settings, and the buttons with their weights."""

    faults: Mapping[str, Mapping[str, float]]
    buttons: Mapping[str, int]
    deals: Mapping[str, Mapping[str, int]]
    """What a family does, in groups: how often each is done in comparison to the others of its group."""
    kiotviet: Mapping[str, int]
    """What people of a store with a shop of KiotViet press, with the weights."""
    there: Mapping[str, int]
    """What happens in that shop."""
    hindrances: Mapping[str, Mapping[str, float]]
    """KiotViet's faults with their settings."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens `at` so many seconds after the beginning; `seconds` says how long it lasts."""

    at: float
    verb: Verb
    what: str
    store: int = 0
    """KiotViet has one store; its faults come in two lanes, that of lost answers and that of all others."""
    seconds: float = 0.0
    luck: float = 0.0
    times: int = 1
    settings: tuple[Setting, ...] = ()

    @property
    def lane(self) -> str:
        """Acts of one lane wait for each other; people who press are several."""
        if self.verb == "press":
            return f"person {int(self.luck * 100) % 2} of store {self.store}"
        if self.verb == "deal" and self.what in HANDSHAKE:
            return f"link of sub-store {self.store}"
        if self.verb == "deal":
            return f"person {int(self.luck * 100) % 3} of sub-store {self.store}"
        if self.verb == "vend":
            return f"salesperson {int(self.luck * 100) % 3}"
        return f"{self.verb} of store {self.store}" if self.verb in ("fault", "turn", "visit", "hinder") else "house"

    def __str__(self) -> str:
        where = f" in store {self.store}" if self.verb in ("fault", "press", "turn", "deal") else ""
        how = "".join(
            f" {name}={value:g}" if isinstance(value, float) else f" {value}" for name, value in self.settings
        )
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:5.1f} s {self.verb} {self.what}{where}{how}{lasting}{f' ×{self.times}' * (self.times > 1)}"


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop of the sandbox as a run finds it."""

    orders: int
    seed: int
    latency: int
    """Milliseconds that each answer takes, so that work lasts and is met in the middle."""


@dataclass(frozen=True, slots=True)
class Stall:
    """A shop of KiotViet as a run finds it; `latency` as in Shop."""

    products: int
    orders: int
    seed: int
    latency: int


@dataclass(frozen=True, slots=True)
class Kindred:
    """A main store and so many stores that may be its sub-stores.

    `early` are linked before anything is killed, so that there is something to flow; `linked` are in the end.
    """

    subs: int
    early: frozenset[int]
    linked: frozenset[int]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A whole run. The `store` of a deal is the number of the sub-store."""

    seed: int
    seconds: float
    shops: tuple[Shop, ...]
    kindred: Kindred
    stall: Stall
    acts: tuple[Act, ...]


def schedule(seed: int, menu: Menu) -> Schedule:
    """Draw a run. The same seed and menu give the same run on every machine."""
    luck = Random(f"chaos {seed}")
    seconds = luck.uniform(16, 26)
    number = luck.choice((1, 2, 2, 3))
    shops = tuple(
        Shop(luck.randrange(80, 200), luck.randrange(10**6), luck.choice((0, 20, 60, 120))) for _ in range(number)
    )
    acts = [*_blows(luck, seconds)]
    for store in range(number):
        acts += _first_presses(luck, store)
        acts += _faults(luck, seconds, store, menu)
        acts += _presses(luck, seconds, store, menu)
        acts += _turns(luck, seconds, store)
    kin = Random(f"kin {seed}")  # luck of their own: what befalls the other stores does not depend on them
    subs = kin.choice((1, 1, 2))
    early, linked = (frozenset(sub for sub in range(subs) if kin.random() < often) for often in (0.75, 0.85))
    for sub in range(subs):
        acts += _deals(kin, seconds, sub, menu)
    far = Random(f"kiotviet {seed}")
    stall = Stall(far.randrange(20, 60), far.choice((20, 110)), far.randrange(10**6), far.choice((0, 10, 40)))
    acts += _trade(far, seconds, menu)
    acts += _hindrances(far, seconds, menu)
    in_order = tuple(sorted(acts, key=lambda act: act.at))
    return Schedule(seed, seconds, shops, Kindred(subs, early, linked), stall, in_order)


def _blows(luck: Random, seconds: float) -> Iterator[Act]:
    """What befalls our own parts."""
    for _ in range(luck.randrange(7, 14)):
        yield Act(luck.uniform(1, seconds), "kill", _weighted(luck, KILLS), luck=luck.random())
    for _ in range(luck.randrange(3, 6)):
        what = _weighted(luck, FREEZES)
        may_outlast = what.startswith(("worker", "backend")) and luck.random() < 0.4
        lasting = luck.uniform(*(LONGER_THAN_A_LEASE if may_outlast else (0.3, 5)))
        yield Act(luck.uniform(1, seconds), "freeze", what, seconds=lasting, luck=luck.random())
    for _ in range(luck.randrange(0, 3)):
        yield Act(luck.uniform(1, seconds), "empty", "valkey")
    if luck.random() < 0.6:
        yield Act(luck.uniform(2, seconds), "fill", "disk", seconds=luck.uniform(0.5, 4))


def _first_presses(luck: Random, store: int) -> Iterator[Act]:
    """Whatever comes, work begins: a check, and a Sync before it can have ended."""
    yield Act(luck.uniform(0, 0.5), "press", "check", store, luck=luck.random(), times=2)
    yield Act(luck.uniform(2, 5), "press", "sync", store, luck=luck.random(), times=2)
    yield Act(luck.uniform(4, 8), "press", "sync now", store, luck=luck.random())


def _faults(luck: Random, seconds: float, store: int, menu: Menu) -> Iterator[Act]:
    names = sorted(menu.faults)
    for _ in range(luck.randrange(3, 7)):
        name = luck.choice(names)
        yield _fault(luck, seconds, Act(0.0, "fault", name, store), menu.faults[name])


def _fault(luck: Random, seconds: float, act: Act, params: Mapping[str, float]) -> Act:
    """The same with settings, a time and a length."""
    settings: list[Setting] = [(key, _setting(luck, key, params[key])) for key in sorted(params)]
    if luck.random() < 0.5 and (act.verb == "fault" or act.what in ANYWHERE):
        settings.append(("route", luck.choice(ROUTES)))
    if luck.random() < 0.6 and act.what not in ONLY_ONCE:
        settings.append(("probability", round(luck.uniform(0.1, 0.9), 2)))
    else:
        times = 1 if act.what in ONLY_ONCE else luck.randrange(1, 5)
        settings += [("times", float(times)), ("skip", float(luck.randrange(4)))]
    lasting = luck.uniform(1, 6)
    return replace(act, at=luck.uniform(0, seconds), seconds=lasting, settings=tuple(settings))


def _setting(luck: Random, name: str, default: float) -> float:
    """A value for a fault's own setting: waits short enough for a run; what we do not know stays as it is."""
    drawn: Mapping[str, Sequence[float]] = {
        "ms": (100, 400, 1500, 3000),
        "seconds": (0.5, 1, 3),
        "retry_after": (1, 2, 4),
        "status": (500, 502, 503, 504),
        "row": (0, 1, 2, 5),
    }
    return float(luck.choice(drawn.get(name, (default,))))


def _presses(luck: Random, seconds: float, store: int, menu: Menu) -> Iterator[Act]:
    for _ in range(luck.randrange(12, 25)):
        at, what, times = luck.uniform(1, seconds), _weighted(luck, menu.buttons), luck.choice(AT_ONCE)
        yield Act(at, "press", what, store, luck=luck.random(), times=times)


def _turns(luck: Random, seconds: float, store: int) -> Iterator[Act]:
    for _ in range(luck.randrange(8, 18)):
        yield Act(luck.uniform(0.5, seconds), "turn", _weighted(luck, TURNS), store, luck=luck.random())


def _deals(luck: Random, seconds: float, sub: int, menu: Menu) -> Iterator[Act]:
    """What happens between a main store and one of its sub-stores; some of it is met by a blow in the middle."""
    deals = [*_handshake(luck), *_chosen(luck, seconds, menu)]
    for at, what, times in deals:
        yield Act(at, "deal", what, sub, luck=luck.random(), times=times)
        if what in AMBUSHED and luck.random() < AMBUSHED[what]:
            yield _ambush(luck, min(at + luck.uniform(0.02, 0.8), seconds))


def _handshake(luck: Random) -> Iterator[tuple[float, str, int]]:
    """The link is made early, or tried to be, so that something flows; each step waits for the one before."""
    at = 0.0
    for what in HANDSHAKE:
        yield at, what, luck.choice(AT_ONCE)
        at += luck.uniform(0.2, 1.4)
    for _ in range(4):
        yield luck.uniform(0, 4), "adjust", 1
        yield luck.uniform(0, 4), "order by program", luck.choice(AT_ONCE)


def _chosen(luck: Random, seconds: float, menu: Menu) -> Iterator[tuple[float, str, int]]:
    for group, (least, most) in DEALS.items():
        for _ in range(luck.randrange(least, most)):
            yield luck.uniform(1, seconds), _weighted(luck, menu.deals[group]), luck.choice(AT_ONCE)


def _trade(luck: Random, seconds: float, menu: Menu) -> Iterator[Act]:
    """What happens in a store with a shop of KiotViet, and in the shop; some of it is met by a blow in the middle."""
    chosen = [(luck.uniform(0, EARLY), what) for what, times in SURE_SALES for _ in range(times)]
    chosen += [(luck.uniform(0.5, seconds), _weighted(luck, menu.kiotviet)) for _ in range(luck.randrange(25, 45))]
    for at, what in chosen:
        yield Act(at, "vend", what, luck=luck.random(), times=luck.choice(AT_ONCE))
        if luck.random() < SURPRISED.get(what, 0):
            yield _ambush(luck, min(at + luck.uniform(0.02, 0.8), seconds))
    for _ in range(luck.randrange(15, 30)):
        yield Act(luck.uniform(0.5, seconds), "visit", _weighted(luck, menu.there), luck=luck.random())


def _hindrances(luck: Random, seconds: float, menu: Menu) -> Iterator[Act]:
    """What befalls KiotViet itself. For half of every run answers to what is written are lost: what doubles orders."""
    names = sorted(menu.hindrances.keys() - {luck.choice(CONTRADICTIONS), "answer_lost"})
    lost = (("probability", round(luck.uniform(0.25, 0.6), 2)),)
    yield Act(0.0, "hinder", "answer_lost", seconds=luck.uniform(0.4, 0.8) * seconds, settings=lost)
    for _ in range(luck.randrange(2, 6)):
        name = luck.choice(names)
        act = _fault(luck, seconds * 0.8, Act(0.0, "hinder", name, store=1), menu.hindrances[name])
        yield replace(act, seconds=act.seconds / 2)
    for _ in range(luck.randrange(0, 3)):
        at = luck.uniform(1, seconds)
        if luck.choice(LONE_BLOWS) == "kill":
            yield Act(at, "kill", "kiotviet", luck=luck.random())
        else:
            yield Act(at, "freeze", "kiotviet", seconds=luck.uniform(0.3, 5), luck=luck.random())


def _ambush(luck: Random, at: float) -> Act:
    what = luck.choice(AMBUSHERS)
    if what not in FREEZES or luck.random() < 0.6:
        return Act(at, "kill", what, luck=luck.random())
    return Act(at, "freeze", what, seconds=luck.uniform(0.3, 3), luck=luck.random())


def _weighted(luck: Random, choices: Mapping[str, int]) -> str:
    names = sorted(choices)
    return luck.choices(names, weights=[choices[name] for name in names])[0]
