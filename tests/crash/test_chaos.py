"""The randomized crash test: a short one of real processes, and that it is repeatable and able to fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.embedded.folder import PROJECT
from app.logs import BELOW
from tests.crash import chaos, test_kin_ledger, test_kiot_ledger
from tests.crash.blows import Hand
from tests.crash.chaos import MENU, Place, summary
from tests.crash.ledger import Finding
from tests.crash.mistakes import mistakes_in
from tests.crash.scene import Outcome
from tests.crash.schedule import CONTRADICTIONS, FREEZES, KILLS, SURE_SALES, TURNS, Menu, schedule
from tests.crash.test_ledger import MISTAKES, findings, good

SEED, RUNS = 381, 2  # short ones, in which orders go to KiotViet all the time
LAST_LINE = r"crash: (\d+) runs, (\d+) kills, (\d+) faults: (\d+) lost, (\d+) doubled, (\d+) wrong, (\d+) gaps"


@pytest.mark.processes
@pytest.mark.timeout(600)  # on a machine that has much else to do
def test_nothing_is_lost_doubled_or_wrong_whatever_happens_when() -> None:
    command = [sys.executable, "-m", "tests.crash.chaos", "--seed", str(SEED), "--runs", str(RUNS)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    said = re.fullmatch(LAST_LINE, (done.stdout.splitlines() or [""])[-1])
    assert said, done.stdout + done.stderr
    runs, kills, faults, *wrong = map(int, said.groups())
    assert (runs, wrong, done.returncode) == (RUNS, [0, 0, 0, 0], 0), done.stdout
    assert kills > 0
    assert faults > 0


def test_a_seed_is_the_same_run_in_every_process() -> None:
    code = "from tests.crash.chaos import MENU; from tests.crash.schedule import schedule; print(schedule(7, MENU))"
    for hashes in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == str(schedule(7, MENU))


def test_another_seed_is_another_run() -> None:
    assert len({schedule(seed, MENU).acts for seed in range(20)}) == 20


def test_nothing_on_the_menu_is_left_out_for_ever() -> None:
    drawn = {(act.verb, act.what) for seed in range(150) for act in schedule(seed, MENU).acts}
    for verb, names in {
        "kill": {*KILLS, "kiotviet"},
        "freeze": {*FREEZES, "kiotviet"},
        "fault": MENU.faults,
        "press": MENU.buttons,
        "turn": TURNS,
        "deal": [name for deals in MENU.deals.values() for name in deals],
        "vend": MENU.kiotviet,
        "visit": MENU.there,
        "hinder": MENU.hindrances,
        "empty": ("valkey",),
        "fill": ("disk",),
    }.items():
        assert {what for done, what in drawn if done == verb} == set(names)


def test_acts_happen_in_their_order_and_within_the_run() -> None:
    for seed in range(50):
        plan = schedule(seed, MENU)
        assert list(plan.acts) == sorted(plan.acts, key=lambda act: act.at)
        assert all(0 <= act.at <= plan.seconds for act in plan.acts)
        for act in (act for act in plan.acts if act.verb != "hinder"):
            assert act.store < (plan.kindred.subs if act.verb == "deal" else len(plan.shops))


def test_what_a_link_brings_is_tried_in_every_run() -> None:
    for seed in range(50):
        deals = {act.what for act in schedule(seed, MENU).acts if act.verb == "deal"}
        assert deals >= {"enter code", "ask", "grant", "link items", "adjust", "order by program"}


def test_orders_go_to_kiotviet_and_answers_are_lost_there_in_every_run() -> None:
    for seed in range(50):
        acts = schedule(seed, MENU).acts
        assert {act.what for act in acts if act.verb == "vend"} >= {what for what, _times in SURE_SALES}
        assert "answer_lost" in {act.what for act in acts if act.verb == "hinder"}


def test_no_list_of_kiotviet_counts_wrong_and_leaves_rows_out_in_one_run() -> None:
    for seed in range(150):
        assert not {act.what for act in schedule(seed, MENU).acts if act.verb == "hinder"} >= set(CONTRADICTIONS)


def test_what_befalls_the_other_stores_does_not_depend_on_a_family() -> None:
    nothing: dict[str, Any] = {"kiotviet": {"look": 1}, "there": {"touch there": 1}, "hindrances": {"slow": {}}}
    alone = Menu(MENU.faults, MENU.buttons, {group: {"look": 1} for group in MENU.deals}, **nothing)
    for seed in range(20):
        plans = [
            [act for act in schedule(seed, menu).acts if act.verb in ("press", "fault", "turn")]
            for menu in (MENU, alone)
        ]
        assert plans[0] == plans[1]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_tampered_ledger_counts_in_the_column_of_its_kind(mistake: str) -> None:
    tamper, kind, _words = MISTAKES[mistake]
    data = good()
    tamper(data)
    _counts_in_its_column([finding for finding in findings(data) if finding.kind == kind], kind)


@pytest.mark.parametrize("mistake", test_kin_ledger.MISTAKES)
def test_stores_that_do_not_agree_count_in_the_column_of_their_kind(mistake: str) -> None:
    tamper, kind, _words = test_kin_ledger.MISTAKES[mistake]
    data = test_kin_ledger.good()
    tamper(data)
    _counts_in_its_column([one for one in test_kin_ledger.findings(data) if one.kind == kind], kind)


@pytest.mark.parametrize("mistake", test_kiot_ledger.MISTAKES)
def test_a_shop_that_does_not_agree_counts_in_the_column_of_its_kind(mistake: str) -> None:
    tamper, kind, _words = test_kiot_ledger.MISTAKES[mistake]
    data = test_kiot_ledger.good()
    tamper(data)
    _counts_in_its_column([one for one in test_kiot_ledger.findings(data) if one.kind == kind], kind)


def _counts_in_its_column(found: list[Finding], kind: str) -> None:
    said = re.fullmatch(LAST_LINE, summary([Outcome(seed=1, findings=found)]))
    assert said
    columns = dict(zip(("lost", "doubled", "wrong", "gap"), map(int, said.groups()[3:]), strict=True))
    assert columns == {name: len(found) if name == kind else 0 for name in columns}


@pytest.mark.parametrize("kind", ["lost", "doubled", "wrong", "gap", "stuck"])
def test_whatever_is_wrong_ends_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: Any
) -> None:
    outcomes = iter([Outcome(seed=1), Outcome(seed=2, findings=[Finding(kind, "this is so")])])
    monkeypatch.setattr(chaos, "open_place", _nowhere)
    monkeypatch.setattr(chaos, "play", lambda *_given, **_named: next(outcomes))
    assert chaos.main(["--runs", "2"]) == 1
    assert f"{kind}: this is so" in capsys.readouterr().out


def test_all_right_ends_with_exit_code_0_and_the_runs_have_seeds_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeds: list[int] = []

    def play(_place: Place, seed: int, **_named: object) -> Outcome:
        seeds.append(seed)
        return Outcome(seed)

    monkeypatch.setattr(chaos, "open_place", _nowhere)
    monkeypatch.setattr(chaos, "play", play)
    assert chaos.main(["--seed", "41", "--runs", "3"]) == 0
    assert seeds == [41, 42, 43]


@contextmanager
def _nowhere() -> Iterator[Place]:
    yield Place(house=None, disk=None)  # type: ignore[arg-type]  # nothing is played there


LOST_SERVER = """\
Traceback (most recent call last):
  File "app/web.py", line 1, in page
sqlalchemy.exc.InvalidatePoolError: ()

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app/page.py", line 2, in page
psycopg.OperationalError: connection failed: FATAL:  the database system is in recovery mode
"""
MISTAKE = """\
2026-11-22 05:24:32,853 ERROR app.sync.jobs job 1 of store 2 failed, reference ab12
Traceback (most recent call last):
  File "app/sync/jobs.py", line 3, in run
2026-11-22 05:24:32,854 INFO app.connectors.http GET 200 3 ms
KeyError: 'invoice_no'
"""


def test_a_traceback_of_our_own_is_found_in_a_log_and_a_lost_server_is_not() -> None:
    assert list(mistakes_in(LOST_SERVER)) == []
    found = "KeyError: 'invoice_no' at File \"app/sync/jobs.py\", line 3, in run"
    assert list(mistakes_in(LOST_SERVER + MISTAKE + LOST_SERVER)) == [found]
    as_logged = "".join(f"{BELOW}{line}" for line in LOST_SERVER.splitlines(keepends=True))
    assert list(mistakes_in(as_logged)) == []
    assert list(mistakes_in(as_logged + MISTAKE + as_logged)) == [found]
    (deadlock,) = mistakes_in(LOST_SERVER.replace("connection failed", "deadlock detected"))
    assert deadlock.startswith("psycopg.OperationalError: deadlock detected")


def test_a_hand_that_holds_nothing_lets_go_at_once() -> None:
    Hand(house=None, disk=None).let_go()  # type: ignore[arg-type]
