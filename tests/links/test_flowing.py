"""What flows from a sub-store to its main store over a granted link, and that nothing flows without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from app import embedded
from app.core.errors import AuthRejected, Misconfigured
from app.embedded.postgres import SUPERUSER
from app.extensions import db
from app.links.peer import LinkedPeer
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
    assert [(page.listings[0].name, page.total, page.is_last) for page in pages] == [
        ("Kopi", 2, False),
        ("Teh", 2, True),
    ]
