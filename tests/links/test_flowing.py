"""What flows from a sub-store to its main store over a granted link, and that nothing flows without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from app import embedded
from app.catalog.adjusting import adjustment_notice
from app.catalog.stock import move
from app.channels.services import NoSuchChannel
from app.core.errors import AuthRejected, Misconfigured
from app.core.stock import Kind, Movement
from app.embedded.postgres import SUPERUSER
from app.extensions import db
from app.links.peer import LinkedPeer
from app.tenancy.scope import store_scope
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import Make, SomeStore
from tests.sync.merchant import Merchant


@pytest.fixture
def main(app: Flask, store: SomeStore) -> Merchant:
    """The store that asks; its channels are links, so it has no shop of its own."""
    return Merchant(app, store, None)  # type: ignore[arg-type]


@pytest.fixture
def sub(app: Flask, make: Make) -> Books:
    """The store that grants."""
    return Books(app, make.store("Kedai Utara"))


Behind = Callable[..., None]


@pytest.fixture(autouse=True)
def _links_stay_as_they_are_put(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules are test_settling's matter; here a link stands in a state that no rule asks for."""
    monkeypatch.setattr("app.sync.tick.settle_due", lambda _limit: [])


@pytest.fixture
def behind(servers: tuple[embedded.Postgres, embedded.Valkey]) -> Behind:
    """Writes what no role of ours may: a link in any state, whatever it was before."""
    postgres = servers[0]
    url = postgres.url(SUPERUSER, postgres.folder.secrets().superuser_password)

    def write(statement: LiteralString, **values: object) -> None:
        with psycopg.connect(url, options="-c session_replication_role=replica") as admin:
            admin.execute(statement, values)

    return write


@pytest.fixture
def linked(main: Merchant, sub: Books, behind: Behind) -> int:
    """A granted link between the two, whose channel has appeared."""
    behind(
        "insert into links (main_store_id, sub_store_id, state, main_name, sub_name, code_hash, channel_name, "
        "asked_at, answered_at) values (%(main)s, %(sub)s, 'connected', 'Main', 'Kedai Utara', '', 'North', "
        "'2026-01-01', '2026-01-01')",
        main=main.store.id,
        sub=sub.store.id,
    )
    main.tick()
    ((main.channel_id,),) = main.rows("select id from channels where kind = 'store'")
    return int(main.rows("select id from links")[0][0])


@pytest.fixture
def place(main: Merchant, linked: int, behind: Behind) -> Callable[[str], None]:
    """Put the link into a state behind everybody's back, and let the tick follow."""

    def put(state: str) -> None:
        behind("update links set state = %(state)s where id = %(id)s", state=state, id=linked)
        main.tick()

    return put


def own_channel(sub: Books) -> SomeChannel:
    """Where the sub-store's orders come from."""
    return sub.channel("Webshop", "Online")


def webstore_order(sub: Books, channel: SomeChannel, number: str, **values: Any) -> int:
    """A paid order of the sub-store's webstore, with one line."""
    order_id = sub.order(channel, number=number, order_type=values.pop("order_type", "webstore"), **values)
    sub.line(order_id, sku="KOPI-1", name="Kopi")
    return order_id


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


class Shelf:
    """The warehouses of both stores: what lies where, by SKU."""

    def __init__(self, main: Merchant, sub: Books, channel_id: int) -> None:
        self._main, self._sub, self._channel = main, sub, channel_id
        self._place = self._first(main.store.id)

    def _first(self, store_id: int) -> int:
        with self._main.app.app_context(), store_scope(store_id):
            return int(db.session.scalar(text("select min(id) from locations")) or 0)

    def link(self, *skus: str) -> None:
        """An item of either store, each the other's, as somebody accepted it."""
        for sku in skus:
            theirs, ours = self._sub.item(sku, name=sku), Books(self._main.app, self._main.store).item(sku, name=sku)
            self._main.execute(
                "insert into listings (store_id, channel_id, remote_id, sku, digest, item_id) "
                "values (:store, :channel, :remote, :sku, '', :item)",
                store=self._main.store.id,
                channel=self._channel,
                remote=str(theirs),
                sku=sku,
                item=ours,
            )

    def put(self, sku: str, pieces: int, *, store: SomeStore | None = None, key: str | None = None) -> None:
        """Count the stock of an item in the main store, or in another one."""
        whose = (store or self._main.store).id
        with self._main.app.app_context(), store_scope(whose):
            item = db.session.scalar(text("select id from items where sku = :sku"), {"sku": sku})
            move([Movement(int(item), self._first_here(), Kind.ADJUST, on_hand_to=pieces, key=key)])
            db.session.commit()

    @staticmethod
    def _first_here() -> int:
        return int(db.session.scalar(text("select min(id) from locations")) or 0)

    def there(self) -> dict[str, int]:
        """What the sub-store has available, by SKU."""
        with self._main.app.app_context(), store_scope(self._sub.store.id):
            rows = db.session.execute(
                text("select sku, on_hand - reserved from stock_levels l join items i on i.id = l.item_id")
            )
            return {row[0]: row[1] for row in rows}

    def flow(self) -> None:
        """Let the tick notice, and the job tell."""
        self._main.tick()
        self._main.work()


@pytest.fixture
def shelf(main: Merchant, sub: Books, linked: int, behind: Behind) -> Shelf:
    """Both stores' stock, with the channel told that of the main store's first warehouse."""
    place = main.rows("select min(id) from locations")[0][0]
    behind("update links set location_id = %(place)s where id = %(id)s", place=place, id=linked)
    main.tick()
    assert main.rows("select stock_location_id from channels")[0][0] == place
    return Shelf(main, sub, main.channel_id)


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
