"""The clock and the rules move links by themselves, both stores read why, and their owners are mailed."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.config import Settings
from app.core.linking import LinkState
from app.extensions import db
from app.links import services
from app.links.settling import settle_due
from app.tenancy import doors
from tests.links.pairs import Pair, put_on_plan
from tests.support.mails import links_in, mails_to, tell_people, text_of


def settle(app: Flask) -> list[tuple[int, int]]:
    with app.app_context():
        return settle_due(1000)


def ask_days_ago(settings: Settings, link_id: int, days: int) -> None:
    """Time passes; the application's own role may not write it, hence the owner of the tables."""
    owner = create_engine(settings.database_owner_url or "")
    with owner.begin() as connection:
        connection.execute(
            text("update links set asked_at = now() - make_interval(days => :days) where id = :id"),
            {"days": days, "id": link_id},
        )
    owner.dispose()


def test_a_request_that_nobody_answers_ends_after_fourteen_days(app: Flask, pair: Pair, settings: Settings) -> None:
    link_id = pair.pending()
    ask_days_ago(settings, link_id, 13)
    settle(app)
    assert pair.state(link_id) is LinkState.PENDING
    ask_days_ago(settings, link_id, 14)
    assert (pair.main.id, pair.sub.id) in settle(app)
    assert pair.state(link_id) is LinkState.EXPIRED
    tell_people(app, pair.main, pair.sub)
    for store, count in ((pair.main, 1), (pair.sub, 2)):  # the sub-store was mailed of the request as well
        mails = mails_to(app, store.owner.email)
        assert len(mails) == count
        assert "14 days" in text_of(mails[-1])
        assert links_in(mails[-1])[0] == f"http://localhost/{store.slug}/channels/links/{link_id}"
    assert pair.state(pair.pending()) is LinkState.PENDING, "it can be asked again"


@pytest.mark.parametrize(
    ("values", "reason", "words"),
    [
        ({"kit": True}, "SUB_HAS_KIT", "one kit: SET"),
        ({"tracking": "batch"}, "SUB_HAS_BATCH", "one batch item: SET"),
        ({"tracking": "serial"}, "SUB_HAS_SERIAL", "one serial item: SET"),
    ],
)
def test_an_item_that_cannot_be_linked_suspends_until_it_is_mended(
    app: Flask, pair: Pair, values: dict[str, object], reason: str, words: str
) -> None:
    link_id, item = pair.connected(), pair.hold("SET")
    assert (pair.main.id, pair.sub.id) not in settle(app)
    pair.change(item, **values)
    assert (pair.main.id, pair.sub.id) in settle(app)
    link = pair.seen_by_main(link_id)
    assert (link.state, link.reason) == (LinkState.SUSPENDED, reason)
    tell_people(app, pair.main)
    assert words in text_of(mails_to(app, pair.main.owner.email)[1])
    assert (pair.main.id, pair.sub.id) not in settle(app), "it is suspended once"
    pair.change(item, kit=False, tracking="none")
    settle(app)
    link = pair.seen_by_main(link_id)
    assert (link.state, link.reason, link.reason_detail) == (LinkState.CONNECTED, "", {})
    assert [event.kind for event in pair.story(link_id)] == ["ask", "grant", "suspend", "resume"]
    tell_people(app, pair.sub)
    assert "goes on" in str(mails_to(app, pair.sub.owner.email)[3]["Subject"])


def test_a_lower_plan_suspends_and_a_higher_one_resumes(app: Flask, pair: Pair) -> None:
    link_id = pair.connected()
    put_on_plan(app, pair.main, "growth")
    settle(app)
    assert pair.seen_by_sub(link_id).reason == "PLAN_TOO_LOW"  # type: ignore[union-attr]
    put_on_plan(app, pair.main, "enterprise")
    settle(app)
    assert pair.state(link_id) is LinkState.CONNECTED


def test_another_reason_is_told_when_the_first_is_mended(app: Flask, pair: Pair) -> None:
    link_id, item = pair.connected(), pair.hold("SET", kit=True)
    put_on_plan(app, pair.main, "starter")
    settle(app)
    put_on_plan(app, pair.main, "premium")
    settle(app)
    assert pair.seen_by_main(link_id).reason == "SUB_HAS_KIT"
    pair.change(item, kit=False)
    settle(app)
    assert pair.state(link_id) is LinkState.CONNECTED


def test_nothing_is_left_to_settle_after_settling(app: Flask, pair: Pair) -> None:
    """The door that finds what is due and the rules that move it are of one mind, else the tick would turn for ever."""
    pair.connected()
    for values in ({"kit": True, "tracking": "batch"}, {"tracking": "serial"}, {"kit": True}):
        pair.hold(f"X{values}", **values)
        settle(app)
        with app.app_context():
            assert pair.sub.id not in [sub for _link, sub in doors.links_to_settle(14, 1000)]
            db.session.rollback()


def test_each_step_is_mailed_to_those_who_did_not_take_it(app: Flask, pair: Pair) -> None:
    link_id = pair.pending()
    tell_people(app, pair.main, pair.sub)
    (asked,) = mails_to(app, pair.sub.owner.email)
    assert asked["Subject"] == f"{pair.main.name} asks to be your main store"
    assert links_in(asked)[0] == f"http://localhost/{pair.sub.slug}/channels/authorized"
    assert mails_to(app, pair.sub.reader.email) == [], "who can only look cannot answer"
    with pair.as_sub():
        services.deny(link_id, "Somebody", "Not now")
    tell_people(app, pair.main, pair.sub)
    (denied,) = mails_to(app, pair.main.owner.email)
    assert "denied access" in denied["Subject"]
    assert "Not now" in text_of(denied)
    again = pair.connected()
    tell_people(app, pair.main)
    assert "are connected" in mails_to(app, pair.main.owner.email)[1]["Subject"]
    with pair.as_main():
        services.end(again, "Somebody", "keep")
    tell_people(app, pair.sub)
    assert "has ended" in mails_to(app, pair.sub.owner.email)[-1]["Subject"]
