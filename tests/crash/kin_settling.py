"""After a run: a family's link comes to where the schedule wants it in the end, and all that flows has flowed."""

from __future__ import annotations

import time

import psycopg
import requests

from app.core.linking import LIVE
from tests.crash.buttons import open_books, rules
from tests.crash.deals import Deal, accept_certain, adjust, ask, ask_again, end, enter_code, grant, track
from tests.crash.family import Family, Kin
from tests.crash.ledger import ACTIVE
from tests.crash.people import Push
from tests.crash.resident import ANSWER_WITHIN
from tests.crash.sales import order_by_program

FIRST = (0.11, 0.21, 0.41, 0.61, 0.81)
"""The luck of the first orders."""
AND_NOTHING_IS_LEFT = 0.6
"""The luck with which a link is ended by its sub-store, and the stock there set to zero."""
QUIET_WITHIN = 120.0
STEP_WITHIN = 40.0
NUDGE_EVERY = 3.0
BOOK_ALL = rules(unmapped_gateway="cash", unlinked_items="book", auto_delivery_order="none")
PAUSED = "select id from channels where store_id = %s and status = 'paused'"
WAITING = "select id from sync_jobs where store_id = %s and state = 'queued' and not_before > now()"
DELAYED = "select id from changes where store_id = %s and state = 'planned' and not_before > now()"
NEWS = "select 1 from order_news where store_id = %s"
EVENTS_OF = "select id from link_events where main_store_id = %s and sub_store_id = %s"
ASKED_AND_GRANTED = 2
LOOKED = """select distinct on (j.channel_id) j.id, j.state, j.problem, j.finished_at,
                   exists (select from sync_jobs k where k.store_id = j.store_id and k.channel_id = j.channel_id
                           and k.kind = j.kind and k.state in ('cancelled', 'failed', 'partly')) as was_stopped
            from sync_jobs j where j.store_id = %s and j.kind = 'announced' order by j.channel_id, j.id desc"""
UNTOLD = """
    select 1 from channels c where c.store_id = %s and c.kind = 'store' and c.status = 'connected' and (
        c.stock_seq < (select coalesce(max(l.changed_seq), 0) from stock_levels l
                       where l.store_id = c.store_id and l.location_id = c.stock_location_id)
        or exists (select from listings g where g.store_id = c.store_id and g.channel_id = c.id and g.gone_at is null
                   and g.item_id is distinct from g.told_item_id and g.item_id is not null))"""


class Restless(Exception):
    """It did not come to an end in time; says what it still waits for."""


def link_early(family: Family) -> None:
    """Link the stores that the schedule wants to be linked from the start."""
    for number in sorted(family.kindred.early):
        _until_linked(family, family.subs[number])
    for step in (_read_items, _link_items):
        until_quiet(family)
        for sub in family.subs:
            step(family, sub)


def sell_early(family: Family) -> None:
    """Let the stores that are linked from the start have stock, and a few orders that both can move at once."""
    for luck in FIRST:
        press_once(adjust, family, family.main, luck)
        for number in sorted(family.kindred.early):
            press_once(order_by_program, family, family.subs[number], luck)
    until_quiet(family)


def settle_family(family: Family) -> None:
    """Mend what suspends the links, make or end each as the schedule says, and press what people would press."""
    family.put_on_plan("premium")
    for kin in family.kin:
        while (push := open_books(kin, 0)) is not None:
            kin.press(push.path, push.form)
        push = BOOK_ALL(kin, 0)
        assert push is not None
        kin.press(push.path, push.form)
    for number, sub in enumerate(family.subs):
        press_once(track("none"), family, sub)
        if number in family.kindred.linked:
            _until_linked(family, sub)
        else:
            press_once(end, family, sub, AND_NOTHING_IS_LEFT)
    until_quiet(family)
    for step in (_read_items, _link_items, _check, _sync, _check):
        for sub in family.subs:
            step(family, sub)
        until_quiet(family)


def until_quiet(family: Family) -> None:
    """Wait until nothing waits, runs or is to be told in any of the stores; Restless."""
    deadline = time.monotonic() + QUIET_WITHIN
    nudged_at = 0.0
    while True:
        try:
            left = _left(family)
            if not left:
                return
            if time.monotonic() > nudged_at + NUDGE_EVERY:
                nudged_at = time.monotonic()
                _nudge(family.main, has_news=any(sub.rows(NEWS) for sub in family.subs))
        except psycopg.OperationalError:
            left = ["the database"]
        if time.monotonic() > deadline:
            raise Restless(f"a family is not quiet after {QUIET_WITHIN:.0f} s: {left}\n{family.house.last_words()}")
        time.sleep(0.2)


def _left(family: Family) -> list[str]:
    """What has still to happen."""
    left = [f"{kin.name} works: {[job for job in kin.jobs() if not job.is_over]}" for kin in family.kin if _works(kin)]
    left += [f"the channel of {sub.name} does not follow" for sub in family.subs if not _follows(family, sub)]
    left += [f"{sub.name} has news: {family.main.rows(LOOKED)}" for sub in family.subs if sub.rows(NEWS)]
    return [*left, *(["stock is to be told"] if family.main.rows(UNTOLD) else [])]


def _works(kin: Kin) -> bool:
    return not kin.is_idle() or bool(kin.rows(PAUSED))


def _follows(family: Family, sub: Kin) -> bool:
    """Whether the main store's channel is there as long as the link is."""
    granted = family.main.link_of(sub, "connected", "suspended") is not None
    return granted == (family.main.channel_of(sub) is not None)


def _nudge(main: Kin, *, has_news: bool) -> None:
    """What people press when nothing moves. News rest for a while after a job that looked at them was cancelled."""
    for channel in main.rows(PAUSED):
        # Its link may have ended just now, and the channel with it.
        main.send(Push(f"{main.channels}/{channel['id']}/resume", may_be_gone=True), 0)
    looked = main.rows(LOOKED) if has_news else []
    for job in (*main.rows(WAITING), *(job for job in looked if job["was_stopped"] and job["state"] not in ACTIVE)):
        main.press(f"/{main.slug}/jobs/{job['id']}/retry")
    for change in main.rows(DELAYED):
        main.press(f"/{main.slug}/changes/{change['id']}/retry")


def _until_linked(family: Family, sub: Kin) -> None:
    """The code, the question and the answer, each as often as it takes."""
    deadline = time.monotonic() + STEP_WITHIN
    while family.main.link_of(sub, "connected") is None:
        link = family.main.link_of(sub)
        if link is None or link["state"] == "draft" or link["state"] in LIVE:
            press_once(enter_code, family, sub)
        else:
            press_once(ask_again, family, sub)
            if family.main.link_of(sub, "draft") is None:  # its code was changed since
                press_once(enter_code, family, sub)
        press_once(ask, family, sub)
        press_once(grant, family, sub)
        if time.monotonic() > deadline:
            raise Restless(f"{sub.name} cannot be linked: {family.main.link_of(sub)}\n{family.house.last_words()}")
        time.sleep(0.5)


def press_once(deal: Deal, family: Family, sub: Kin, luck: float = 0.0) -> None:
    """Press once what there is to press; whether it did something is looked at afterwards."""
    for who, push in deal(family, sub, luck):
        answer = who.browser.request(
            push.method,
            f"{who.house.url}{push.path}",
            data=push.form if push.body is None else push.body.encode(),
            headers=dict(push.headers),
            allow_redirects=False,
            timeout=ANSWER_WITHIN,
        )
        if push.heard is not None:
            push.heard(answer)


def _read_items(family: Family, sub: Kin) -> None:
    _on_channel(family, sub, "products/refresh")


def _link_items(family: Family, sub: Kin) -> None:
    press_once(accept_certain, family, sub)


def _check(family: Family, sub: Kin) -> None:
    """Read all orders again, unless the link stood all the time: then what the sub-store told must have been enough."""
    events = family.main.rows(EVENTS_OF, sub.store_id)
    if len(events) > ASKED_AND_GRANTED or family.subs.index(sub) not in family.kindred.early:
        _on_channel(family, sub, "check")


def _on_channel(family: Family, sub: Kin, path: str) -> None:
    channel_id = family.main.channel_of(sub)
    if channel_id is not None:
        family.main.press(f"{family.main.channels}/{channel_id}/{path}")


def _sync(family: Family, _sub: Kin) -> None:
    for kin in family.kin:
        try:
            kin.press_sync()
        except requests.RequestException as problem:
            raise Restless(f"{kin.name} cannot sync: {problem}") from problem
