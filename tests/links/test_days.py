"""How much flowed on each day: counted once, whatever dies in between, and read by both stores alike."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core.types import News
from app.extensions import db
from app.links.days import DayRow, days
from app.links.peer import LinkedPeer
from app.sync.lease import LeaseLostError
from app.tenancy.scope import store_scope
from tests.links.flowing import Behind, Shelf, own_channel, webstore_order
from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant


def read_by(main: Merchant, store: SomeStore, link_id: int) -> list[DayRow]:
    with main.app.app_context(), store_scope(store.id):
        return days(link_id)


def counted(main: Merchant, link_id: int) -> tuple[int, int, int]:
    """Orders, stock figures and moves of today."""
    (day,) = read_by(main, main.store, link_id)
    return day.orders, day.stock_told, day.moves


def flow(main: Merchant) -> None:
    main.tick()
    main.work()


def test_orders_are_counted_when_they_come_and_not_when_they_change(main: Merchant, sub: Books, linked: int) -> None:
    shop = own_channel(sub)
    first, _second = (webstore_order(sub, shop, number) for number in ("W-1", "W-2"))
    flow(main)
    assert counted(main, linked) == (2, 0, 0)
    sub.set(first, status="cancelled", digest="cancelled")
    flow(main)
    webstore_order(sub, shop, "W-3")
    main.check()
    assert counted(main, linked) == (3, 0, 0)


def test_stock_is_counted_by_figures(main: Merchant, shelf: Shelf, linked: int) -> None:
    shelf.link("KOPI-1", "TEH-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    assert counted(main, linked) == (0, 2, 0)
    for pieces in (5, 4, 3):
        shelf.put("KOPI-1", pieces)
    shelf.flow()
    assert counted(main, linked) == (0, 3, 0)


def test_what_is_done_again_after_a_death_is_counted_once(
    main: Merchant, sub: Books, linked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(_self: LinkedPeer, _news: News) -> None:
        raise LeaseLostError

    webstore_order(sub, own_channel(sub), "W-1")
    with monkeypatch.context() as patch:
        patch.setattr(LinkedPeer, "heard", vanish)
        flow(main)
    main.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    main.work()
    assert counted(main, linked) == (1, 0, 0)


def test_both_stores_read_the_same_and_a_third_one_nothing(
    main: Merchant, sub: Books, linked: int, other_store: SomeStore
) -> None:
    webstore_order(sub, own_channel(sub), "W-1")
    flow(main)
    assert read_by(main, main.store, linked) == read_by(main, sub.store, linked)
    assert read_by(main, other_store, linked) == []


def test_a_day_is_one_of_the_main_stores_zone(main: Merchant, sub: Books, linked: int) -> None:
    main.execute("update stores set time_zone = 'Pacific/Kiritimati'")
    webstore_order(sub, own_channel(sub), "W-1")
    flow(main)
    (day,) = read_by(main, sub.store, linked)
    assert day.day == main.scalar("select (now() at time zone 'Pacific/Kiritimati')::date")


def test_a_link_that_was_made_anew_counts_from_nothing(main: Merchant, sub: Books, linked: int, behind: Behind) -> None:
    shop = own_channel(sub)
    webstore_order(sub, shop, "W-1")
    flow(main)
    behind("update links set state = 'ended' where id = %(id)s", id=linked)
    main.tick()
    behind(
        "insert into links (main_store_id, sub_store_id, state, main_name, sub_name, code_hash, asked_at, answered_at) "
        "select main_store_id, sub_store_id, 'connected', '', '', '', now(), '2026-01-01' from links where id = %(id)s",
        id=linked,
    )
    main.tick()
    webstore_order(sub, shop, "W-2")
    flow(main)
    assert counted(main, linked) == (1, 0, 0)
    assert counted(main, main.scalar("select max(id) from links")) == (1, 0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into link_days (link_id, day, main_store_id, sub_store_id) values (:link, '2026-01-01', :main, :sub)",
        "delete from link_days",
    ],
)
def test_the_sub_store_writes_no_counts(main: Merchant, sub: Books, linked: int, statement: str) -> None:
    values = {"link": linked, "main": main.store.id, "sub": sub.store.id}
    with sub.scope(), pytest.raises(ProgrammingError):
        db.session.execute(text(statement), {name: values[name] for name in re.findall(r":(\w+)", statement)})


def page(client: FlaskClient, store: SomeStore, path: str) -> str:
    return " ".join(client.get(store.url(path)).text.split())


def test_the_links_page_tells_both_stores_and_follows(main: Merchant, sub: Books, linked: int) -> None:
    path = f"/channels/links/{linked}"
    owner = signed_in(new_client(main.app), main.store.owner)
    before = page(owner, main.store, path)
    assert "What flowed" not in before
    (seen,) = re.findall(r"\?seen=([\d.]+)", before)
    webstore_order(sub, own_channel(sub), "W-1")
    flow(main)
    part = owner.get(main.store.url(path), query_string={"seen": seen}, headers={"HX-Request": "true"})
    assert part.status_code == 200
    theirs = page(signed_in(new_client(main.app), sub.store.owner), sub.store, path)
    for told in (" ".join(part.text.split()), theirs):
        assert '<td class="num" data-label="Orders that came">1</td>' in told
