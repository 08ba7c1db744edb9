"""(e) The lists of orders and invoices against a bare Flask view with the same SQL and the same rows of template.

The bare view lacks everything else that a page is: signing in, the store's scope and switcher, the menu with its
count, the filters with their choices, the counts of the chips and the sums. Three stores of growing size stand in one
database. Both are asked in turns in one process, so that whatever slows the machine down slows both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlencode

import psycopg
from flask import g
from flask.testing import FlaskClient
from sqlalchemy import event, select

from app import create_app
from app.core.roles import Role
from app.extensions import db
from app.invoices import queries as invoices
from app.invoices.filters import InvoiceFilter
from app.invoices.models import Invoice
from app.invoices.queries import InvoiceRow, invoices_page
from app.orders.filters import OrderFilter
from app.orders.models import Order
from app.orders.queries import OrderRow, matching, orders_page
from app.orders.searching import Search
from app.orders.table import show_row
from app.planning import plan_once
from app.tenancy.scope import store_scope
from app.web.pagination import Cursor, Keyset
from tests.bench.filled import fill
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import Database, cheap_passwords
from tests.support.factories import Make, SomeStore, signed_in

SIZES: Final = (1_000, 100_000, 1_000_000)
_QUICK_SIZES: Final = (60, 120, 240)
_PAGE: Final = 50
_DEEP: Final = 999
_TURNS: Final = 15
_ROWS: Final = {
    "orders": "{% for shown in rows %}{% include 'orders/_row.html' %}{% endfor %}",
    "invoices": (
        "{% import '_shared/ui.html' as ui %}{% for row in rows %}{% include 'invoices/_row.html' %}{% endfor %}"
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A page that people ask for: `where` makes the filter for a shelf; `deep` is the 1,000th page of it."""

    name: str
    kind: str
    where: Callable[[Shelf], dict[str, Any]]
    deep: bool = False

    def filter(self, shelf: Shelf) -> Any:
        """The filter of the list."""
        values = self.where(shelf)
        return OrderFilter(**values) if self.kind == "orders" else InvoiceFilter(**values)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A filled store with browsers on it: our own and the bare view's."""

    store: SomeStore
    orders: int
    number: str
    marketplace: int
    ours: FlaskClient
    bare: FlaskClient


CASES: Final = tuple(
    Case(f"{kind}, {name}", kind, where, deep)
    for kind in ("orders", "invoices")
    for name, where, deep in (
        ("first page", lambda _shelf: {}, False),
        ("1,000th page", lambda _shelf: {}, True),
        ("of a marketplace", lambda shelf: {"marketplace": shelf.marketplace}, False),
        ("of a marketplace, deep", lambda shelf: {"marketplace": shelf.marketplace}, True),
        ("search for a number", lambda shelf: {"q": shelf.number}, False),
        ("search for a SKU", lambda _shelf: {"q": "kopi-0042"}, False),
        ("search for a frequent name", lambda _shelf: {"q": "陈伟强"}, False),
        ("search for a frequent name, deep", lambda _shelf: {"q": "陈伟强"}, True),
    )
)


def shelves(bench: Bench) -> list[Shelf]:
    """The three stores, smallest first."""
    return bench.once("shelves", lambda: _fill(bench))


def _fill(bench: Bench) -> list[Shelf]:
    database = bench.house.database("pages")
    make, sizes = Make(database.app), _QUICK_SIZES if bench.quick else SIZES
    with cheap_passwords():
        stores = [make.store() for _size in sizes]
    with psycopg.connect(database.settings.database_owner_url or "", autocommit=True) as owner:
        filled = fill(owner, {store.id: size for store, size in zip(stores, sizes, strict=True)})
    connection = psycopg.connect(database.settings.database_url, autocommit=True)
    return [
        _shelf(database, connection, store, orders, one.number)
        for store, orders, one in zip(stores, sizes, filled, strict=True)
    ]


def _shelf(
    database: Database, connection: psycopg.Connection[Any], store: SomeStore, orders: int, number: str
) -> Shelf:
    with database.app.app_context(), store_scope(store.id):
        row = select(Order.marketplace_id).where(Order.store_id == store.id).limit(1)
        marketplace = db.session.execute(row).scalar_one()
    ours = signed_in(database.app.test_client(), store.owner)
    return Shelf(store, orders, number, marketplace, ours, _bare(database, connection, store))


def _bare(database: Database, connection: psycopg.Connection[Any], store: SomeStore) -> FlaskClient:
    """A client of an application without guards, with a view that runs `statements` and draws the rows of the last."""
    app = create_app(database.settings)
    for hooks in (app.before_request_funcs, app.after_request_funcs, app.url_value_preprocessors):
        hooks.clear()
    drawn = {kind: app.jinja_env.from_string(rows) for kind, rows in _ROWS.items()}

    @app.get("/bare")
    def bare() -> str:
        g.store = SimpleNamespace(
            slug=store.slug, language="en", time_zone="Asia/Kuala_Lumpur", unmapped_gateway="cash", currency="MYR"
        )
        g.membership = SimpleNamespace(role=Role.OWNER)
        kind, statements = app.config["ASKED"]
        found: list[dict[str, Any]] = []
        with connection.transaction():
            connection.execute("select set_config('app.store_id', %s, true)", [str(store.id)])
            for statement, values in statements:
                cursor = connection.execute(statement, values)
                names = [column.name for column in cursor.description or ()]
                if len(names) > 1:  # rows, and no answer to a question
                    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()[:_PAGE]]
        rows: Sequence[Any] = (
            [InvoiceRow(**row) for row in found] if kind == "invoices" else [show_row(OrderRow(**row)) for row in found]
        )
        return drawn[kind].render(rows=rows)

    return app.test_client()


@contextmanager
def _recorded() -> Iterator[list[tuple[str, Any]]]:
    """The statements that run in the block, with their values."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def _prepared(case: Case, shelf: Shelf) -> str:
    """Tell the bare view what to run, and return the address of our page."""
    where = case.filter(shelf)
    with shelf.ours.application.app_context(), store_scope(shelf.store.id):
        keyset = Keyset(after=_edge(case, shelf, where) if case.deep else None)
        db.session.execute(select(1))
        with _recorded() as statements:
            plan_once()
            page = orders_page(where, keyset) if case.kind == "orders" else invoices_page(where, keyset)
    assert page.rows or shelf.orders < min(SIZES), f"nothing to show: {case.name}"
    shelf.bare.application.config["ASKED"] = (case.kind, statements)
    query = where.to_query() | ({"after": keyset.after.encode()} if keyset.after else {})
    return f"/{shelf.store.slug}/{case.kind}?{urlencode(query, doseq=True)}"


def _edge(case: Case, shelf: Shelf, where: Any) -> Cursor | None:
    """The last row of the 999th page, or of the last but one when there are fewer."""
    if case.kind == "orders":
        place = (Order.placed_at, Order.id)
        ids = select(*place).where(*matching(where))
    else:
        place = (Invoice.invoice_date, Invoice.id)  # type: ignore[assignment]
        ids = select(*place).where(*invoices._matching(where))
        if wanted := Search.of(where.q or "", where.words):
            ids = ids.where(wanted.indexed(Invoice.order_id))
    ids = ids.order_by(place[0].desc(), place[1].desc()).limit(_DEEP * _PAGE)
    rows = db.session.execute(ids).all()
    if len(rows) < 2:
        return None
    at = len(rows) - 1 if len(rows) == _DEEP * _PAGE else max(0, len(rows) - _PAGE - 1)
    return Cursor(rows[at][0], rows[at][1])


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds, the medians of many turns."""

    ours: float
    bare: float


def times(bench: Bench, case: Case) -> list[Times]:
    """What the page costs at each size, and what the bare view does."""
    return bench.once(f"pages {case.name}", lambda: _measure(bench, case))


def _measure(bench: Bench, case: Case) -> list[Times]:
    addresses = [(shelf, _prepared(case, shelf)) for shelf in shelves(bench)]
    taken: dict[int, tuple[list[float], list[float]]] = {shelf.orders: ([], []) for shelf, _url in addresses}
    for turn in range(bench.size(_TURNS, 1) + 3):
        for shelf, address in addresses:
            both = (_timed(shelf.ours, address), _timed(shelf.bare, "/bare"))
            if turn >= 3:
                for kept, milliseconds in zip(taken[shelf.orders], both, strict=True):
                    kept.append(milliseconds)
    return [Times(statistics.median(ours), statistics.median(bare)) for ours, bare in taken.values()]


def _timed(client: FlaskClient, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    milliseconds = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return milliseconds


def _against_bare(case: Case) -> Callable[[Bench], Result]:
    def run(bench: Bench) -> Result:
        found = times(bench, case)
        worst = max(found, key=lambda one: one.ours / one.bare)
        sizes = ", ".join(
            f"{shelf.orders:,} orders {one.ours:.0f} by {one.bare:.0f} ms"
            for shelf, one in zip(shelves(bench), found, strict=True)
        )
        return Result(worst.ours, worst.bare, "ms", sizes)

    return run


def _growth(case: Case) -> Callable[[Bench], Result]:
    def run(bench: Bench) -> Result:
        found = times(bench, case)
        return Result(found[-1].ours, found[0].ours, "ms")

    return run


MEASURES: Final = (
    *(Measure(f"e {case.name}", Bar(3.0, at_most=True), _against_bare(case)) for case in CASES),
    *(
        Measure(f"e {case.name}: largest by smallest", Bar(1.5, at_most=True), _growth(case))
        for case in CASES
        if case.name.endswith("first page")
    ),
)
