"""What flows from a sub-store to its main store over a granted link, and that nothing flows without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.catalog.adjusting import adjustment_notice
from app.channels.services import NoSuchChannel
from app.core.errors import AuthRejected, Misconfigured
from app.extensions import db
from app.links.peer import LinkedPeer
from app.mappings import linking
from app.mappings.linking import Wanted
from app.sync.services import request_products
from app.tenancy.scope import store_scope
from tests.links.flowing import Behind, Shelf, own_channel, webstore_order
from tests.orders.factories import Books
from tests.sync.merchant import Merchant

ORDERS = "select number, order_type, total, (select count(*) from order_lines l where l.order_id = o.id) from orders o"


@pytest.mark.usefixtures("linked")
def test_webstore_orders_arrive_and_no_others(main: Merchant, sub: Books) -> None:
    channel = own_channel(sub)
    webstore_order(sub, channel, "W-1", total=4200)
    for other in ("landing_page", "social_commerce", "pos", "shopping_app", "marketplace", "erp_link"):
        webstore_order(sub, channel, f"X-{other}", order_type=other)
    main.check()
    assert [tuple(row) for row in main.rows(ORDERS)] == [("W-1", "erp_link", 4200, 1)]
    assert main.rows("select count(*) from seen_orders")[0][0] == 1


@pytest.mark.usefixtures("linked")
def test_the_channel_bears_the_name_that_the_main_store_gave_it(main: Merchant) -> None:
    assert [tuple(row) for row in main.rows("select name, account_name, status from channels")] == [
        ("North", "Kedai Utara", "connected")
    ]


@pytest.mark.usefixtures("linked")
def test_a_later_status_arrives_with_the_next_check(main: Merchant, sub: Books) -> None:
    order_id = webstore_order(sub, own_channel(sub), "W-1")
    main.check()
    sub.set(order_id, status="cancelled", status_text="Cancelled", digest="cancelled")
    main.check()
    assert main.rows("select status, state from orders")[0] == ("cancelled", "closed")


@pytest.mark.parametrize("state", ["pending", "denied", "expired", "withdrawn", "suspended", "ended"])
def test_nothing_is_read_unless_the_link_is_granted(
    main: Merchant, sub: Books, place: Callable[[str], None], state: str
) -> None:
    webstore_order(sub, own_channel(sub), "W-1")
    place(state)
    peer = LinkedPeer(main.app, main.store.id, sub.store.id)
    with main.app.app_context():
        for read in (peer.facts, lambda: peer.orders(["1"]), lambda: peer.product_page(1, 10)):
            with pytest.raises((AuthRejected, Misconfigured)):
                read()


def test_the_channel_follows_a_suspension_and_the_end(main: Merchant, place: Callable[[str], None]) -> None:
    seen = []
    for state in ("suspended", "connected", "ended"):
        place(state)
        seen.append(tuple(main.rows("select status, paused_reason from channels")[0]))
    assert seen == [("paused", "LINK_SUSPENDED"), ("connected", ""), ("removed", "")]


def test_a_link_that_cannot_be_followed_does_not_stop_the_tick(
    main: Merchant, linked: int, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_channel_id: int, *_rest: object, **_more: object) -> None:
        raise NoSuchChannel(0)

    monkeypatch.setattr("app.channels.services.pause_by_error", refuse)
    behind("update links set state = 'suspended' where id = %(id)s", id=linked)
    main.tick()
    assert main.rows("select status from channels")[0][0] == "connected"


def test_a_store_that_is_linked_anew_gets_its_channel_back(
    main: Merchant, sub: Books, place: Callable[[str], None]
) -> None:
    webstore_order(sub, own_channel(sub), "W-1")
    main.check()
    place("ended")
    place("connected")
    main.check()
    assert [tuple(row) for row in main.rows("select status from channels")] == [("connected",)]
    assert main.rows("select count(*) from orders")[0][0] == 1


def test_who_grants_a_link_has_it_checked_once_by_itself(
    main: Merchant, sub: Books, place: Callable[[str], None]
) -> None:
    webstore_order(sub, own_channel(sub), "W-1")
    waits = "select requested_by from sync_jobs where kind = 'check' and state = 'queued'"
    for _grant in range(2):
        place("ended")
        place("connected")
        main.tick()
        assert [tuple(row) for row in main.rows(waits)] == [(None,)]
    main.work()
    assert main.rows("select checked_at is not null from channels")[0][0]
    assert main.rows("select count(*) from orders")[0][0] == 1


@pytest.mark.usefixtures("linked")
def test_the_database_shows_the_main_store_none_of_the_sub_stores_rows(main: Merchant, sub: Books) -> None:
    webstore_order(sub, own_channel(sub), "W-1")
    with main.app.app_context(), main.scope():
        for table in ("orders", "order_lines", "items", "channels", "invoices", "stock_levels", "stores"):
            key = "id" if table == "stores" else "store_id"
            found = db.session.scalar(text(f"select count(*) from {table} where {key} = :sub"), {"sub": sub.store.id})
            assert found == 0, table


@pytest.mark.usefixtures("linked")
def test_the_sub_stores_items_are_the_channels_listings(main: Merchant, sub: Books) -> None:
    sub.item("KOPI-1", name="Kopi")
    sub.item("TEH-1", name="Teh")
    peer = LinkedPeer(main.app, main.store.id, sub.store.id)
    with main.app.app_context():
        pages = [peer.product_page(number, 1) for number in (1, 2)]
    assert [(getattr(page.listings[0], "name", ""), page.total, page.is_last) for page in pages] == [
        ("Kopi", 2, False),
        ("Teh", 2, True),
    ]


def test_stock_of_linked_items_is_told_when_it_changes(shelf: Shelf) -> None:
    shelf.link("KOPI-1", "TEH-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 7}
    shelf.put("KOPI-1", 3)
    shelf.put("TEH-1", 2)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 3, "TEH-1": 2}


def test_many_changes_of_one_item_are_told_once(main: Merchant, shelf: Shelf) -> None:
    shelf.link("KOPI-1")
    shelf.flow()
    for pieces in range(1, 101):
        shelf.put("KOPI-1", pieces)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 100}
    told = main.rows(
        "select (counts ->> 'stock_told')::int from sync_jobs where kind = 'stock' order by id desc limit 1"
    )
    assert [tuple(row) for row in told] == [(1,)]
    main.tick()
    assert main.rows("select count(*) from sync_jobs where state = 'queued'")[0][0] == 0


def test_a_buffer_is_kept_back(main: Merchant, shelf: Shelf) -> None:
    main.execute("update channels set stock_buffer = 5")
    shelf.link("KOPI-1", "TEH-1")
    shelf.put("KOPI-1", 7)
    shelf.put("TEH-1", 3)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 2}


def test_an_item_that_is_linked_later_is_told_too(main: Merchant, shelf: Shelf) -> None:
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 7)
    main.execute("update listings set item_id = null")
    shelf.flow()
    assert shelf.there() == {}
    main.execute("update listings set item_id = (select id from items where sku = 'KOPI-1')")
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 7}


def _by_itself(listing_id: int, item_id: int, version: int, channel_id: int, user_id: int) -> None:
    linking.save_link(listing_id, item_id, version, user_id)


def _among_others(listing_id: int, item_id: int, version: int, channel_id: int, user_id: int) -> None:
    linking.save_many(channel_id, [Wanted(listing_id, version, item_id)], user_id)


@pytest.mark.parametrize("link_again", [_by_itself, _among_others])
def test_an_item_that_is_linked_again_is_told_what_it_missed(
    main: Merchant, shelf: Shelf, link_again: Callable[[int, int, int, int, int], None]
) -> None:
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    ((listing_id, item_id, channel_id),) = main.rows("select id, item_id, channel_id from listings")
    main.execute("update listings set item_id = null")
    shelf.put("KOPI-1", 2)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 7}
    version = main.scalar("select version from listings")
    with main.acting():
        link_again(listing_id, item_id, version, channel_id, main.store.owner.id)
        db.session.commit()
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 2}


def test_an_item_whose_proposal_is_accepted_again_is_told_what_it_missed(main: Merchant, shelf: Shelf) -> None:
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    main.execute(
        "update listings set item_id = null, candidate_ids = array[item_id], certainty = 'certain', match = 'sku'"
    )
    shelf.put("KOPI-1", 2)
    shelf.flow()
    with main.acting():
        linking.accept_certain(main.channel_id, main.store.owner.id)
        db.session.commit()
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 2}


def test_an_item_that_was_gone_for_a_while_is_told_what_it_missed(main: Merchant, shelf: Shelf) -> None:
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    main.execute("update listings set gone_at = now()")
    shelf.put("KOPI-1", 2)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 7}
    with main.acting():
        request_products(main.channel_id, main.store.owner.id)
    main.work()
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 2}


def test_an_adjustment_of_the_sub_store_stays_there_until_it_is_written_over(sub: Books, shelf: Shelf) -> None:
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    shelf.put("KOPI-1", 50, store=sub.store)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 50}
    shelf.put("KOPI-1", 6)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 6}
    with sub.app.app_context(), store_scope(sub.store.id):
        kinds = db.session.scalars(text("select kind from stock_movements order by id")).all()
    assert kinds == ["push", "adjust", "overwrite"]


@pytest.mark.usefixtures("linked")
def test_who_adjusts_stock_in_a_sub_store_is_told_that_it_stays_there(main: Merchant, sub: Books) -> None:
    with sub.app.app_context(), store_scope(sub.store.id):
        notice = adjustment_notice()
    assert notice is not None
    assert "does not reach Main" in notice
    with main.app.app_context(), main.scope():
        assert adjustment_notice() is None


@pytest.mark.parametrize(("stock_after", "left"), [("zero", 0), ("keep", 7)])
def test_the_end_leaves_the_stock_as_was_chosen(
    shelf: Shelf, place: Callable[[str], None], behind: Behind, stock_after: str, left: int
) -> None:
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    behind("update links set stock_after = %(stock)s", stock=stock_after)
    place("ended")
    shelf.flow()
    assert shelf.there() == {"KOPI-1": left}


def test_a_store_that_is_linked_anew_is_told_all_stock_again(
    shelf: Shelf, place: Callable[[str], None], behind: Behind
) -> None:
    shelf.link("KOPI-1")
    shelf.put("KOPI-1", 7)
    shelf.flow()
    behind("update links set stock_after = 'zero'")
    place("ended")
    assert shelf.there() == {"KOPI-1": 0}
    place("connected")
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 7}
