"""One run of the crash test: its stores are opened, its schedule happens, all settles, and the books are looked at."""

from __future__ import annotations

import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import psycopg
import requests

from tests.crash.blows import Hand
from tests.crash.buttons import BUTTONS
from tests.crash.deals import LINKING, SHELVES
from tests.crash.disk import Disk
from tests.crash.family import Family
from tests.crash.house import House
from tests.crash.kin_books import DAYS, EVENTS, LINKS, FamilyBooks, KinBooks
from tests.crash.kin_ledger import audit_family
from tests.crash.kin_settling import link_early, sell_early
from tests.crash.kiot_books import ShopSide, StallBooks
from tests.crash.kiot_ledger import audit_stall, mark_of
from tests.crash.kiot_settling import settle_stall, until_quiet
from tests.crash.ledger import Finding, audit, audit_books
from tests.crash.market import Market
from tests.crash.merchant import move_in
from tests.crash.mistakes import Logs
from tests.crash.people import People, press_together
from tests.crash.resident import Resident
from tests.crash.sales import SALES
from tests.crash.schedule import Act, Schedule
from tests.crash.settling import Unquiet, settle
from tests.crash.stall import Salespeople
from tests.crash.vending import VENDING
from tests.crash.vendor import Vendor
from tests.sandbox.kiotviet.visiting import Visitor as KiotVisitor
from tests.sandbox.running import Visitor

Say = Callable[[str], None]
DEALS = {name: deal for group in (LINKING, SHELVES, SALES) for name, (_weight, deal) in group.items()}


@dataclass(slots=True)
class Outcome:
    """What happened in a run, counted by what was done, and everything that is wrong after it."""

    seed: int
    done: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    stores: int = 0
    orders: int = 0
    invoices: int = 0
    flowed: Counter[str] = field(default_factory=Counter)
    """What went from store to store, counted by what it is."""
    traded: Counter[str] = field(default_factory=Counter)
    """The same for what goes to KiotViet and comes from it."""
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        """How often something was killed."""
        return self.done["kill"]

    @property
    def faults(self) -> int:
        """How often something else was done to us: held still, emptied, filled up, or a fault of the channel."""
        return sum(self.done[verb] for verb in ("freeze", "empty", "fill", "fault", "hinder"))


class Scene:
    """The house, its people and their channels during one run."""

    def __init__(self, house: House, disk: Disk | None, plan: Schedule, name: str, say: Say) -> None:
        self._house, self._plan, self._say = house, plan, say
        self._hand = Hand(house, disk)
        self._people = [
            People(house, f"{name}-{number}", orders=shop.orders, seed=shop.seed)
            for number, shop in enumerate(plan.shops)
        ]
        self._family = Family(house, name, plan.kindred)
        self._markets = [Market(house, people.shop.key) for people in self._people]
        self._vendor = Vendor(house, f"{name}-vendor", plan.stall)
        self._salespeople = Salespeople(self._vendor)
        self._logs = Logs(house.folder.path / "log")

    def play(self) -> Outcome:
        """Do it all. What cannot be done is a finding too."""
        outcome = Outcome(self._plan.seed, stores=len(self._people))
        began = time.monotonic()
        with ExitStack() as stack:
            crowds = (self._people, self._markets, self._family.kin, [self._vendor])
            for close in (one.close for side in crowds for one in side):
                stack.callback(close)
            try:
                with ThreadPoolExecutor(1) as pool:  # whose first load lasts
                    opened = pool.submit(self._vendor.move_in)
                    move_in([*self._people, *self._family.kin], [])
                    self._family.put_on_plan("premium")
                    link_early(self._family)
                    sell_early(self._family)
                    opened.result()
                for people, shop in zip(self._people, self._plan.shops, strict=True):
                    people.shop.fault("slow", ms=shop.latency)
                for people in self._people[::2]:
                    people.press(f"{people.channel}/announce", {"announce": "on"})
                self._happen(outcome)
                reread = any(act.what == "unknown_status" for act in self._plan.acts)
                alongside = partial(settle_stall, self._vendor, reread=reread)
                outcome.done["restart"] += settle(self._house, self._people, self._family, alongside)
                self._compare(outcome)
            except Unquiet as problem:
                outcome.findings.append(Finding("stuck", f"unfinished: {problem.words}"))
            except Exception:
                outcome.findings.append(Finding("stuck", f"the run broke off: {traceback.format_exc()}"))
        outcome.seconds = time.monotonic() - began
        return outcome

    def _happen(self, outcome: Outcome) -> None:
        """Let every act happen at its time, each lane in a thread of its own so that none waits for another."""
        lanes: defaultdict[str, ThreadPoolExecutor] = defaultdict(lambda: ThreadPoolExecutor(1))
        running: list[tuple[Act, Future[bool]]] = []
        began = time.monotonic()
        try:
            for act in self._plan.acts:
                time.sleep(max(0.0, began + act.at - time.monotonic()))
                running.append((act, lanes[act.lane].submit(self._do, act)))
        finally:
            for lane in lanes.values():
                lane.shutdown(wait=True)
            self._hand.let_go()
        for act, future in running:
            outcome.done[act.verb] += future.result()
        for crowd in (*self._people, *self._family.kin, self._vendor):
            outcome.answers += crowd.answers

    def _do(self, act: Act) -> bool:
        match act.verb:
            case "press":
                did = self._people[act.store].push(act, BUTTONS[act.what][1])
            case "deal":
                did = self._deal(act)
            case "turn":
                did = self._markets[act.store].turn(act)
            case "fault":
                did = self._break(act)
            case "vend":
                did = self._vend(act)
            case "visit":
                did = self._salespeople.turn(act)
            case "hinder":
                did = self._hinder(act)
            case _:
                did = self._hand.strike(act)
        self._say(f"{act}{'' if did else ' (nothing to do it to)'}")
        return did

    def _deal(self, act: Act) -> bool:
        """Press what there is to press between the main store and a sub-store, as often at once as the act says."""
        try:
            presses = DEALS[act.what](self._family, self._family.subs[act.store], act.luck)
        except psycopg.Error:
            return False
        return press_together(list(presses) * act.times, act.luck)

    def _vend(self, act: Act) -> bool:
        """Press what there is to press in the store with a shop of KiotViet."""
        try:
            push = VENDING[act.what][1](self._vendor, act.luck)
        except psycopg.Error:
            return False
        return push is not None and press_together([(self._vendor, push)] * act.times, act.luck)

    def _break(self, act: Act) -> bool:
        """Switch a fault of the channel on, and off again when its time is over."""
        try:
            self._markets[act.store].remember()
        except (requests.RequestException, AssertionError):
            return False
        return _fail(self._people[act.store].shop, act)

    def _hinder(self, act: Act) -> bool:
        """The same for KiotViet."""
        return _fail(self._vendor.shop, act)

    def _compare(self, outcome: Outcome) -> None:
        """Hold every store's books against its channel."""
        for people, market in zip(self._people, self._markets, strict=True):
            channel, ours = market.side(people.channel_side()), people.our_side()
            outcome.orders += len(channel.orders)
            outcome.invoices += len(ours.invoices)
            for finding in audit(channel, ours, each_written_once=False, rough=True):
                outcome.findings.append(Finding(finding.kind, f"{people.name}: {finding.words}"))
            outcome.findings += [Finding("wrong", f"{people.name}: verified: {words}") for words in verified(people)]
            outcome.findings += [Finding("stuck", f"{people.name}: {words}") for words in people.mistaken]
        self._compare_family(outcome)
        self._compare_stall(outcome)
        outcome.findings += [Finding("stuck", words) for words in self._logs.mistakes()]

    def _compare_family(self, outcome: Outcome) -> None:
        """Hold the family's stores against each other, and each one's books by themselves."""
        books = family_books(self._family)
        outcome.stores += len(self._family.kin)
        outcome.orders += sum(len(sub.orders) for sub in books.subs)
        outcome.flowed += flowed(books)
        outcome.findings += audit_family(books)
        for kin in self._family.kin:
            ours = kin.our_side()
            outcome.invoices += len(ours.invoices)
            for finding in audit_books(ours, rough=True):
                outcome.findings.append(Finding(finding.kind, f"{kin.name}: {finding.words}"))
            outcome.findings += [Finding("stuck", f"{kin.name}: {words}") for words in kin.mistaken]

    def _compare_stall(self, outcome: Outcome) -> None:
        """Hold the store with a shop of KiotViet against that shop, and its books by themselves."""
        vendor = self._vendor
        until_quiet(vendor)
        shop = shop_side(vendor, self._salespeople)
        books = StallBooks.read(vendor.house.query, vendor.store_id, vendor.promises)
        ours = vendor.our_side()
        outcome.stores += 1
        outcome.orders += len(books.own) + len(books.sales)
        outcome.invoices += len(ours.invoices)
        outcome.traded += traded(shop, books, unanswered(vendor))
        for finding in (*audit_stall(shop, books), *audit_books(ours, rough=True)):
            outcome.findings.append(Finding(finding.kind, f"{vendor.name}: {finding.words}"))
        outcome.findings += [Finding("wrong", f"{vendor.name}: verified: {words}") for words in verified(vendor)]
        outcome.findings += [Finding("stuck", f"{vendor.name}: {words}") for words in vendor.mistaken]


def _fail(shop: Visitor | KiotVisitor, act: Act) -> bool:
    try:
        shop.fault(act.what, **dict(act.settings))
        time.sleep(act.seconds)
        shop.steer("DELETE", f"faults/{act.what}")
    except (requests.RequestException, AssertionError):
        return False
    return True


def shop_side(vendor: Vendor, there: Salespeople) -> ShopSide:
    """What stands in a shop of KiotViet now."""
    orders, invoices, products = (there.records(kind) for kind in ("order", "invoice", "product"))
    created = vendor.shop.writes(kind="order", action="create")
    return ShopSide(orders, invoices, products, created, frozenset(there.touched))


def unanswered(vendor: Vendor) -> set[int]:
    """The calls of the shop that nobody heard an answer of."""
    calls = vendor.shop.steer("GET", "log", params={"limit": "1000"})["calls"]
    return {call["call_id"] for call in calls if not call["answered"]}


def traded(shop: ShopSide, books: StallBooks, unheard: Set[int]) -> Counter[str]:
    """How much there is of what goes there and comes from there."""
    waiting = Counter(f"waiting for {row['reason']}" for row in books.own if row["change"] == "blocked")
    return Counter(
        {
            "orders made here": len(books.own),
            "of them made there": sum(bool(mark_of(row)) for row in shop.created),
            "of those without an answer": sum(row["call_id"] in unheard for row in shop.created),
            "sales from there": len(books.sales),
            **waiting,
            "touched there": len(shop.touched),
        }
    )


def family_books(family: Family) -> FamilyBooks:
    """What stands in the stores of a family now."""
    main, *subs = (KinBooks.read(family.house.query, kin.store_id, kin.name) for kin in family.kin)
    links, events, days = (family.main.rows(sql) for sql in (LINKS, EVENTS, DAYS))
    return FamilyBooks(main, subs, links, events, days, {sub.store_id: sub.promises for sub in family.subs})


def flowed(books: FamilyBooks) -> Counter[str]:
    """How much there is of what a run is there to try, so that a run in which nothing flowed can be told."""
    moves = Counter(row["reason"] or row["state"] for row in books.main.moves)
    return Counter(
        {
            "links": len(books.links),
            "linked orders": sum(row["kind"] == "store" for row in books.main.orders),
            "packages": len({row["number"] for sub in books.subs for row in sub.packages}),
            **{f"moves {became.lower().replace('_', ' ')}": count for became, count in sorted(moves.items())},
            "movements of stock": sum(row["movements"] for store in (books.main, *books.subs) for row in store.ledger),
        }
    )


def verified(people: Resident) -> list[str]:
    """What the site's own comparison says. An invoice may differ: of orders that changed after it, as alerts say."""
    (newest, *_older) = people.rows("select * from verifications where store_id = %s order by id desc")
    found = people.rows(
        "select kind, remote_id, remote, local from deviations where store_id = %s and verification_id = %s "
        "and kind <> 'invoice' order by id",
        newest["id"],
    )
    wrong = [f"order {row['remote_id']} {row['kind']}: there {row['remote']}, here {row['local']}" for row in found]
    if newest["finished_at"] is None or newest["short"]:
        wrong.append(f"it did not read everything: {newest}")
    return wrong
