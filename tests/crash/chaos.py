"""The randomized crash test: `python -m tests.crash.chaos --seed 1 --runs 3`, or `make crash SEED=1 RUNS=3`.

Each run opens a few stores on a demo of real processes, lets the schedule of its seed happen to it, waits until all is
quiet, and holds the books against the channel. Run number n has the seed SEED + n, so that `SEED=… RUNS=1` plays any
run again by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from threading import Event

from app.sandbox.kiotviet.faults import FAULTS as KIOTVIET_FAULTS
from app.sandbox.sitegiant.faults import FAULTS
from tests.crash.buttons import BUTTONS
from tests.crash.deals import LINKING, SHELVES
from tests.crash.disk import Disk, own_disk
from tests.crash.house import House, house_in, place_for_house
from tests.crash.sales import SALES
from tests.crash.scene import Outcome, Scene
from tests.crash.schedule import Menu, schedule
from tests.crash.stall import THERE
from tests.crash.vending import VENDING

MENU = Menu(
    faults={name: dict(fault.params) for name, fault in FAULTS.items()},
    buttons={name: weight for name, (weight, _button) in BUTTONS.items()},
    deals={
        group: {name: weight for name, (weight, _deal) in deals.items()}
        for group, deals in (("linking", LINKING), ("shelves", SHELVES), ("sales", SALES))
    },
    kiotviet={name: weight for name, (weight, _sale) in VENDING.items()},
    there={name: weight for name, (weight, _turn) in THERE.items()},
    hindrances={name: dict(fault.params) for name, fault in KIOTVIET_FAULTS.items()},
)
_serial = count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """A house, and the disk that its data lies on if it has one of its own."""

    house: House
    disk: Disk | None


def main(arguments: Sequence[str] | None = None, enough: Callable[[], bool] = lambda: False) -> int:
    """Play the runs until there were `enough`, say a line about each, and return 0 when nothing at all was wrong."""
    parser = argparse.ArgumentParser(prog="tests.crash.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="how many (default: %(default)s)")
    parser.add_argument("--verbose", action="store_true", help="say what is done as it is done")
    options = parser.parse_args(arguments)
    outcomes = []
    with contextlib.ExitStack() as stack:
        place: Place | None = None
        for seed in range(options.seed, options.seed + options.runs):
            if enough():
                break
            if place is None:
                place = stack.enter_context(open_place())
                if place.disk is None:
                    say("A file system of its own cannot be mounted here: a full disk is left out.")
            outcome = play(place, seed, verbose=options.verbose)
            outcomes.append(outcome)
            for line in report(outcome):
                say(line)
            if outcome.findings:
                # What is wrong there must not be found again in the next run.
                stack.close()
                place = None
    say(summary(outcomes))
    return int(any(outcome.findings for outcome in outcomes))


def play(place: Place, seed: int, *, verbose: bool = False) -> Outcome:
    """One run. Its stores get names of their own, so that a house can see the same seed again."""
    name = f"chaos-{seed}-{next(_serial)}"
    plan = schedule(seed, MENU)
    return Scene(place.house, place.disk, plan, name, say if verbose else lambda _words: None).play()


def report(outcome: Outcome) -> Iterator[str]:
    """A line about a run, and one for each thing that is wrong."""
    done, answers = outcome.done, outcome.answers
    blows = ", ".join(
        f"{done[verb]} {words}"
        for verb, words in (
            ("freeze", "freezes"),
            ("empty", "flushes"),
            ("fill", "full disks"),
            ("fault", "of theirs"),
            ("hinder", "of KiotViet"),
        )
    )
    answered = ", ".join(f"{number} {kind}" for kind, number in sorted(answers.items()))
    yield (
        f"seed {outcome.seed}: {outcome.stores} stores, {outcome.orders} orders, {outcome.invoices} invoices; "
        f"{outcome.kills} kills, {outcome.faults} faults ({blows}), {done['press']} presses ({answered}), "
        f"{done['turn']} changes there, {done['deal']} deals, "
        f"{done['vend']} presses beside KiotViet, {done['visit']} changes there; "
        f"{'PostgreSQL restarted by hand; ' * done['restart']}{outcome.seconds:.0f} s: "
        f"{'all is right' if not outcome.findings else f'{len(outcome.findings)} things are wrong'}"
    )
    if outcome.flowed:
        yield "  between the stores: " + ", ".join(f"{number} {words}" for words, number in outcome.flowed.items())
    if outcome.traded:
        yield "  with KiotViet: " + ", ".join(f"{number} {words}" for words, number in outcome.traded.items())
    for finding in outcome.findings:
        yield f"  {finding.kind}: {finding.words}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last line: what was done in all runs together, and how much of each kind was wrong."""
    wrong = Counter(finding.kind for outcome in outcomes for finding in outcome.findings)
    kills, faults = sum(outcome.kills for outcome in outcomes), sum(outcome.faults for outcome in outcomes)
    return (
        f"crash: {len(outcomes)} runs, {kills} kills, {faults} faults: {wrong['lost']} lost, "
        f"{wrong['doubled']} doubled, {wrong['wrong']} wrong, {wrong['gap']} gaps"
    )


def say(words: str) -> None:
    """Print at once, so that a long test can be watched."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def open_place() -> Iterator[Place]:
    with place_for_house() as path, own_disk(path / "data") as disk, house_in(path / "data") as house:
        yield Place(house, disk)


def _asked_to_stop() -> Callable[[], bool]:
    """Whether SIGINT or SIGTERM came: the run that is played goes on to its end, and is counted."""
    asked = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    return asked.is_set


if __name__ == "__main__":
    sys.exit(main(enough=_asked_to_stop()))
