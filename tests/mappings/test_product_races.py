"""Several people and a job at the same products at the same moment: one outcome, nothing lost, no deadlock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.catalog.items import ItemFacts, SkuTaken
from app.catalog.models import Item
from app.extensions import db
from app.mappings.gateways import Conflict
from app.mappings.listings import store_listings
from app.mappings.models import Listing
from app.orders import linking
from app.orders.judging import rejudge_channel
from app.orders.linking import Linked
from app.orders.services import lock_channel
from app.tenancy.scope import current_store
from tests.connectors.fake import a_listing
from tests.orders.factories import Books, SomeChannel


def at_once(books: Books, *acts: Callable[[], Any]) -> list[Any]:
    """Do all of these at the same moment, each as a request of its own; an error is what it gave."""
    ready = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        with books.scope():
            ready.wait(10)
            try:
                return act()
            except Exception as error:
                db.session.rollback()
                return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def listing(books: Books, listing_id: int) -> Listing:
    with books.scope():
        return db.session.get_one(Listing, (books.store.id, listing_id))


@pytest.mark.parametrize("_again", range(3))
def test_of_two_who_link_one_product_differently_one_is_told(books: Books, channel: SomeChannel, _again: int) -> None:
    items = [books.item("KOPI"), books.item("TEH")]
    (listing_id,) = books.listings(channel, a_listing("1"))
    person = books.store.owner.id
    outcomes = at_once(books, *[partial(linking.link_listing, channel.id, listing_id, one, 0, person) for one in items])
    assert sorted(type(one).__name__ for one in outcomes) == [Conflict.__name__, Linked.__name__]
    winner = next(place for place, one in enumerate(outcomes) if isinstance(one, Linked))
    found = listing(books, listing_id)
    assert (found.item_id, found.version) == (items[winner], 1)


@pytest.mark.parametrize("_again", range(3))
def test_two_who_create_the_same_item_make_one(books: Books, channel: SomeChannel, _again: int) -> None:
    ids = books.listings(channel, a_listing("1", isku="A1"), a_listing("2", isku="a1"))
    person = books.store.owner.id
    outcomes = at_once(books, *[partial(linking.link_to_new_item, one, 0, person) for one in ids])
    assert sorted(type(one).__name__ for one in outcomes) == [Linked.__name__, SkuTaken.__name__]
    with books.scope():
        assert db.session.scalar(select(func.count()).select_from(Item)) == 1


def test_archiving_an_item_and_linking_it_do_not_both_happen(books: Books, channel: SomeChannel) -> None:
    person = books.store.owner.id
    for number in range(5):
        item_id = books.item(f"KOPI {number}")
        (listing_id,) = books.listings(channel, a_listing(str(number + 1)))
        at_once(
            books,
            partial(linking.link_listing, channel.id, listing_id, item_id, 0, person),
            partial(linking.archive_item, item_id, person, archived=True),
        )
        with books.scope():
            archived = db.session.get_one(Item, (books.store.id, item_id)).archived_at is not None
            linked = db.session.get_one(Listing, (books.store.id, listing_id)).item_id is not None
        assert archived != linked


def test_a_job_that_stores_pages_while_people_link_loses_nothing_of_either(books: Books, channel: SomeChannel) -> None:
    """Everybody locks the channel first: in whatever order they come, nobody waits for each other in a ring."""
    person, many = books.store.owner.id, 40
    ids = books.listings(channel, *[a_listing(str(n), isku=f"A{n}") for n in range(1, many + 1)])
    item_id = books.item("KOPI")

    def pages() -> None:
        for stock in range(5):
            lock_channel(channel.id)
            store_listings(channel.id, [a_listing(str(n), isku=f"A{n}", stock=stock) for n in range(many, 0, -1)])
            db.session.commit()

    def link() -> None:
        for one in ids[::2]:
            assert isinstance(linking.link_listing(channel.id, one, item_id, 0, person), Linked)

    def items() -> None:
        for number in range(5):
            linking.add_item(ItemFacts(f"A{number}", name="Kopi"), person)

    assert at_once(books, pages, link, items) == [None, None, None]
    with books.scope():
        rows = db.session.execute(text("select id, item_id, stock from listings order by id")).all()
    assert [row.item_id for row in rows] == [item_id if row.id in ids[::2] else None for row in rows]
    assert {row.stock for row in rows} == {4}


def test_all_certain_accepted_by_two_at_once_are_linked_once(books: Books, channel: SomeChannel) -> None:
    for number in range(1, 6):
        books.item(f"A{number}")
    ids = books.listings(channel, *[a_listing(str(n), isku=f"A{n}", sku="") for n in range(1, 6)])
    accept = [lambda: linking.accept_all_certain(channel.id, 5, books.store.owner.id)] * 2
    outcomes = at_once(books, *accept)
    assert sum(one is None for one in outcomes) == 1
    assert {listing(books, one).version for one in ids} == {1}


def test_an_order_that_comes_in_while_its_link_is_saved_is_not_left_waiting(books: Books, channel: SomeChannel) -> None:
    """A page judges under the share of the lock that the saver wants alone: it is either before and freed, or after."""
    with books.scope():
        db.session.execute(text("update stores set unlinked_items = 'hold'"))
        db.session.commit()
    person = books.store.owner.id
    for number in range(1, 4):
        (listing_id,) = books.listings(channel, a_listing(str(number), isku=f"A{number}"))
        item_id = books.item(f"MINE {number}")
        waiting = {"state": "held", "reason": "SKU_NOT_FOUND", "shipping": 0, "discount": 0, "total": 4000}
        order_id = books.order(channel, **waiting)
        books.line(order_id, isku=f"A{number}")

        def rejudge() -> None:
            rejudge_channel(channel.id, person)
            db.session.commit()

        at_once(books, rejudge, partial(linking.link_listing, channel.id, listing_id, item_id, 0, person))
        with books.scope():
            state = db.session.scalar(text("select state from orders where id = :id"), {"id": order_id})
        assert state == "ready"


@pytest.mark.parametrize("_again", range(3))
def test_a_setting_saved_while_a_link_is_saved_leaves_no_order_waiting_for_that_link(
    books: Books, channel: SomeChannel, _again: int
) -> None:
    (listing_id,) = books.listings(channel, a_listing("1", isku="A1"))
    item_id = books.item("MINE")
    order_id = books.order(channel, shipping=0, discount=0, total=4000)
    books.line(order_id, isku="A1")
    person = books.store.owner.id

    def hold() -> None:
        current_store().unlinked_items = "hold"
        db.session.flush()
        rejudge_channel(channel.id, person)
        db.session.commit()

    def link() -> object:
        assert current_store().unlinked_items, "a request has read the store before it locks"
        return linking.link_listing(channel.id, listing_id, item_id, 0, person)

    at_once(books, hold, link)
    with books.scope():
        state = db.session.scalar(text("select state from orders where id = :id"), {"id": order_id})
    assert state == "ready"
