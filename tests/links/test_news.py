"""A sub-store's orders reach its main store by themselves: what is news, who hears it, and that none is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from app import embedded
from app.core.types import News, OrderType
from app.extensions import db
from app.links.peer import LinkedPeer, forget_news
from app.sync.lease import LeaseLostError
from app.tenancy import doors
from tests.links.flowing import Behind, own_channel, webstore_order
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import SomeStore
from tests.sync.merchant import Merchant

ARRIVED = "select number, status from orders order by number"


@pytest.fixture
def shop(sub: Books) -> SomeChannel:
    """Where the sub-store sells."""
    return own_channel(sub)


@pytest.fixture
def peer(main: Merchant, sub: Books, linked: int) -> LinkedPeer:
    """The sub-store, as the main store's connector sees it."""
    return LinkedPeer(main.app, main.store.id, sub.store.id)


def kept(sub: Books) -> list[int]:
    """The orders that the main store has not looked at."""
    with sub.scope():
        return list(db.session.scalars(text("select order_id from order_news order by order_id")))


def flow(main: Merchant) -> None:
    """What a second brings: a tick, and a worker."""
    main.tick()
    main.work()


def arrived(main: Merchant) -> list[tuple[str, str]]:
    """The orders in the main store, by number, with their status."""
    return [tuple(row) for row in main.rows(ARRIVED)]


# ---- what is news


@pytest.mark.usefixtures("linked")
def test_an_order_appears_in_the_main_store_without_anybody_pressing(
    main: Merchant, sub: Books, shop: SomeChannel
) -> None:
    webstore_order(sub, shop, "W-1")
    flow(main)
    assert arrived(main) == [("W-1", "completed")]
    assert kept(sub) == []


@pytest.mark.usefixtures("linked")
def test_what_becomes_of_an_order_follows_it(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    order_id = webstore_order(sub, shop, "W-1", status="open", status_text="Open")
    flow(main)
    sub.set(order_id, status="shipped", status_text="Shipped", digest="sent")
    flow(main)
    assert arrived(main) == [("W-1", "shipped")]


@pytest.mark.usefixtures("linked")
def test_only_webstore_orders_are_news(sub: Books, shop: SomeChannel) -> None:
    ids = {kind: sub.order(shop, order_type=kind) for kind in OrderType}
    assert kept(sub) == [ids[OrderType.WEBSTORE]]


@pytest.mark.usefixtures("linked")
def test_an_order_that_is_no_webstore_order_any_more_is_news_for_the_last_time(
    main: Merchant, sub: Books, shop: SomeChannel
) -> None:
    order_id = webstore_order(sub, shop, "W-1")
    flow(main)
    sub.set(order_id, order_type="pos")
    flow(main)
    assert main.rows("select state, reason from orders")[0] == ("held", "ORDER_MISSING")
    sub.set(order_id, digest="changed at the till")
    assert kept(sub) == []


@pytest.mark.usefixtures("linked")
def test_how_far_the_sub_store_is_with_its_books_is_no_news(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    order_id = webstore_order(sub, shop, "W-1")
    flow(main)
    sub.invoice(order_id)
    sub.set(order_id, state="booked", reason=None, remote_invoice_no="INV-1", credited=100)
    assert kept(sub) == []


@pytest.mark.usefixtures("linked")
def test_what_is_packed_is_news(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    order_id, till = webstore_order(sub, shop, "W-1"), sub.order(shop, order_type="pos")
    flow(main)
    with sub.scope():
        db.session.execute(
            text("insert into fulfilments (store_id, order_id, version) select store_id, id, 1 from orders")
        )
        db.session.commit()
    assert kept(sub) == [order_id], till
    flow(main)
    assert kept(sub) == []
    with sub.scope():
        db.session.execute(text("update fulfilments set version = version + 1"))
        db.session.commit()
    assert kept(sub) == [order_id]


@pytest.mark.parametrize("state", ["pending", "denied", "expired", "withdrawn", "ended"])
def test_nothing_is_kept_without_a_granted_link(
    sub: Books, shop: SomeChannel, linked: int, behind: Behind, state: str
) -> None:
    behind("update links set state = %(state)s where id = %(id)s", state=state, id=linked)
    sub.set(webstore_order(sub, shop, "W-1"), digest="changed")
    assert kept(sub) == []


@pytest.mark.usefixtures("linked")
def test_the_main_stores_own_orders_are_nobodys_news(main: Merchant) -> None:
    own = Books(main.app, main.store)
    webstore_order(own, own_channel(own), "M-1")
    assert kept(own) == []


@pytest.mark.usefixtures("linked")
def test_the_main_store_sees_no_news_but_by_asking(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    webstore_order(sub, shop, "W-1")
    assert main.rows("select count(*) from order_news")[0][0] == 0


# ---- pauses and ends


def test_a_suspension_keeps_the_news_until_it_is_over(
    main: Merchant, sub: Books, shop: SomeChannel, place: Callable[[str], None]
) -> None:
    place("suspended")
    webstore_order(sub, shop, "W-1")
    flow(main)
    assert arrived(main) == []
    place("connected")
    flow(main)
    assert arrived(main) == [("W-1", "completed")]


def test_a_job_that_a_suspension_stopped_is_followed_by_another_at_once(
    main: Merchant, sub: Books, shop: SomeChannel, behind: Behind, place: Callable[[str], None]
) -> None:
    webstore_order(sub, shop, "W-1")
    main.tick()
    behind("update links set state = 'suspended' where sub_store_id = %(id)s", id=sub.store.id)
    main.work()
    assert main.job().problem == "LINK_SUSPENDED"
    place("suspended")
    place("connected")
    flow(main)
    assert arrived(main) == [("W-1", "completed")]


def test_the_end_takes_the_news_away(
    main: Merchant, sub: Books, shop: SomeChannel, place: Callable[[str], None]
) -> None:
    webstore_order(sub, shop, "W-1")
    place("ended")
    assert kept(sub) == []
    assert arrived(main) == []


@pytest.mark.usefixtures("linked")
def test_the_end_of_an_earlier_link_takes_no_news_of_a_new_one(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    webstore_order(sub, shop, "W-1")
    with main.app.app_context():
        forget_news(sub.store.id)
    assert len(kept(sub)) == 1


# ---- none is lost, none is told twice


def test_what_happens_while_somebody_looks_is_news_again(sub: Books, shop: SomeChannel, peer: LinkedPeer) -> None:
    first, second = (webstore_order(sub, shop, number) for number in ("W-1", "W-2"))
    news = peer.news(10)
    assert news.order_ids == (str(first), str(second))
    assert news.is_last
    sub.set(second, digest="changed meanwhile")
    peer.heard(news)
    assert kept(sub) == [second]
    peer.heard(news)
    assert kept(sub) == [second], "saying it twice changes nothing"


def test_news_come_in_pages(sub: Books, shop: SomeChannel, peer: LinkedPeer) -> None:
    ids = [str(webstore_order(sub, shop, f"W-{number}")) for number in range(3)]
    page = peer.news(2)
    assert (list(page.order_ids), page.is_last) == (ids[:2], False)
    peer.heard(page)
    assert peer.news(2).order_ids == (ids[2],)


@pytest.fixture
def writer(servers: tuple[embedded.Postgres, embedded.Valkey], sub: Books) -> Iterator[psycopg.Connection[Any]]:
    """Somebody in the sub-store whose transaction takes its time."""
    with psycopg.connect(servers[0].app_url.replace("+psycopg", "")) as connection:
        connection.execute("select set_config('app.store_id', %s, false)", [str(sub.store.id)])
        connection.commit()
        yield connection
        connection.rollback()


@pytest.mark.usefixtures("linked")
def test_a_change_that_is_committed_late_is_not_lost(
    main: Merchant, sub: Books, shop: SomeChannel, writer: psycopg.Connection[Any]
) -> None:
    late, other = webstore_order(sub, shop, "W-1", status="open"), webstore_order(sub, shop, "W-2", status="open")
    writer.execute("update orders set status = 'shipped', digest = 'late' where id = %s", [late])
    flow(main)
    assert arrived(main) == [("W-2", "open")], "the job waits for nobody"
    assert kept(sub) == [late]
    sub.set(other, status="shipped", digest="later still")
    writer.commit()
    flow(main)
    assert arrived(main) == [("W-1", "shipped"), ("W-2", "shipped")]
    assert kept(sub) == []


def test_a_change_that_is_committed_between_looking_and_forgetting_is_not_lost(
    sub: Books, shop: SomeChannel, peer: LinkedPeer, writer: psycopg.Connection[Any]
) -> None:
    order_id = webstore_order(sub, shop, "W-1")
    news = peer.news(10)
    writer.execute("update orders set digest = 'late' where id = %s", [order_id])
    peer.heard(news)
    writer.commit()
    assert kept(sub) == [order_id]


def test_whoever_writes_while_somebody_listens_is_heard_to_the_end(
    servers: tuple[embedded.Postgres, embedded.Valkey], sub: Books, shop: SomeChannel, peer: LinkedPeer
) -> None:
    """Three write the same orders, several at once and each in one transaction, and one listens all the time."""
    ids = [webstore_order(sub, shop, f"W-{number}") for number in range(12)]
    heard: dict[str, str] = {}

    def write(number: int) -> None:
        luck = Random(number)
        with psycopg.connect(servers[0].app_url.replace("+psycopg", "")) as connection:
            connection.execute("select set_config('app.store_id', %s, false)", [str(sub.store.id)])
            for turn in range(60):
                for order_id in sorted(luck.sample(ids, 4)):
                    new = [f"{number}.{turn}", order_id]
                    connection.execute("update orders set digest = %s where id = %s", new)
                connection.commit()

    def listen() -> bool:
        news = peer.news(5)
        heard.update({order.remote_id: order.digest for order in peer.orders(news.order_ids)})
        peer.heard(news)
        return bool(news.order_ids)

    with ThreadPoolExecutor(3) as writers:
        at_work = [writers.submit(write, number) for number in range(3)]
        while not all(one.done() for one in at_work):
            listen()
        for one in at_work:
            one.result()
    while listen():
        pass
    with sub.scope():
        stands = {str(row.id): row.digest for row in db.session.execute(text("select id, digest from orders"))}
    assert {one: stamp.partition(":")[0] for one, stamp in heard.items()} == stands
    assert kept(sub) == []


@contextmanager
def dies_before_forgetting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker that vanishes right after the main store's commit."""

    def vanish(_self: LinkedPeer, _news: News) -> None:
        raise LeaseLostError

    with monkeypatch.context() as patch:
        patch.setattr(LinkedPeer, "heard", vanish)
        yield


@pytest.mark.usefixtures("linked")
def test_a_worker_that_dies_before_it_forgets_does_no_harm(
    main: Merchant, sub: Books, shop: SomeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    webstore_order(sub, shop, "W-1")
    with dies_before_forgetting(monkeypatch):
        main.tick()
        main.run(main.job().id)
    assert arrived(main) == [("W-1", "completed")]
    assert len(kept(sub)) == 1
    main.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    main.work()
    assert kept(sub) == []
    assert main.job().counts["new"] == 1, "counted once"
    assert main.rows("select kind, count(*) from journal group by kind") == [("imported", 1)]


def test_two_who_look_at_once_do_no_harm(sub: Books, shop: SomeChannel, peer: LinkedPeer) -> None:
    webstore_order(sub, shop, "W-1")
    first, second = peer.news(10), peer.news(10)
    assert first == second
    peer.heard(first)
    webstore_order(sub, shop, "W-2")
    peer.heard(second)
    assert len(kept(sub)) == 1


# ---- jobs


@pytest.mark.usefixtures("linked")
def test_one_job_looks_at_all_news_in_as_many_statements_as_at_one(
    main: Merchant, sub: Books, shop: SomeChannel
) -> None:
    seen = []
    for count in (1, 1, 40):  # the first one warms up
        for number in range(count):
            webstore_order(sub, shop, f"W-{count}-{number}")
        main.tick()
        with main.app.app_context(), statements() as run:
            main.work()
        seen.append(len(run))
    assert seen[1] == seen[2]
    assert main.rows("select count(*) from orders")[0][0] == 42
    assert main.rows("select count(*) from sync_jobs where kind = 'announced'")[0][0] == 3


@pytest.mark.usefixtures("linked")
def test_nothing_is_started_where_there_is_no_news(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    webstore_order(sub, shop, "W-1")
    flow(main)
    flow(main)
    assert main.rows("select count(*) from sync_jobs where kind <> 'check'")[0][0] == 1


@pytest.mark.usefixtures("linked")
def test_a_check_by_hand_works_as_before(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    webstore_order(sub, shop, "W-1")
    main.check()
    assert arrived(main) == [("W-1", "completed")]
    flow(main)
    assert arrived(main) == [("W-1", "completed")]
    assert kept(sub) == []


@pytest.mark.usefixtures("linked")
def test_the_door_names_channels_with_news_and_no_others(main: Merchant, sub: Books, shop: SomeChannel) -> None:
    def due(store: SomeStore) -> list[int]:
        with main.app.app_context():
            return [channel_id for store_id, channel_id in doors.due_news(1000) if store_id == store.id]

    ended = "insert into sync_jobs (store_id, channel_id, kind, state, problem, finished_at) values "
    job = ended + "(:store, :channel, 'announced', :state, :problem, now())"
    values = {"store": main.store.id, "channel": main.channel_id}
    assert due(main.store) == []
    webstore_order(sub, shop, "W-1")
    assert due(main.store) == [main.channel_id]
    assert due(sub.store) == []
    main.execute("update channels set status = 'paused'")
    assert due(main.store) == []
    main.execute("update channels set status = 'connected'")
    main.execute(job, **values, state="failed", problem="CHANNEL_PAUSED")
    assert due(main.store) == [main.channel_id], "a pause that is over keeps nobody back"
    main.execute(job, **values, state="failed", problem="INTERNAL")
    assert due(main.store) == []
    main.execute(job, **values, state="succeeded", problem=None)
    assert due(main.store) == [main.channel_id], "it went well since"
    main.execute(job, **values, state="cancelled", problem=None)
    assert due(main.store) == []
    main.execute("update sync_jobs set finished_at = now() - interval '16 minutes'")
    assert due(main.store) == [main.channel_id]
    main.execute(job, **values, state="queued", problem=None)
    assert due(main.store) == []
