"""Every route, walked by a member of each role, by the member of another store, and signed out.

A route that is not in ROUTES fails here, and so does one whose view declares no need (`app.web.needs`): whoever adds
one says in the table whether every member may use it, and gives its ids to `samples` when it has new ones. Which roles
get through follows from the need. What a route does in detail is tested with its domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from app.accounts.invitations import invite
from app.api.keys import Scope, key_rows, make_key
from app.channels.models import Channel
from app.completeness.models import Verification
from app.config import load_settings
from app.core.calling import Event
from app.core.crediting import InFull
from app.core.own_orders import read_order
from app.core.roles import Ability, Role
from app.core.states import CreditCause
from app.extensions import db
from app.hooks.services import add_endpoint, send_test
from app.mappings.services import add_payment_method
from app.orders.packages import FulfilmentRow
from app.own_orders.services import add_orders
from app.sync import live
from app.sync.crediting import credit_invoice
from app.sync.models import SyncJob
from app.web.needs import InStore, Need, Outside, need_of
from tests.conftest import TEST_KEY
from tests.connectors.fake import a_listing
from tests.links.pairs import pair_with
from tests.orders.factories import NOON, Books, SomeChannel
from tests.support.factories import Make, SomePerson, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.tenancy.offered import beyond

HTMX = {"HX-Request": "true"}


class Who(StrEnum):
    """Who gets through. The table says it beside the routes themselves: neither can be changed by a slip alone."""

    ANYONE = "anyone"
    PERSON = "anyone who is signed in"
    MEMBER = "any member of the store"
    ABLE = "a member whose role has the ability that the route needs"


@dataclass(frozen=True, slots=True)
class Route:
    """What a route promises: who may GET it and POST to it.

    `values` fill the URL where `samples` has nothing for it, `form` is what a POST sends, and `also` are further
    answers that are as good as a success here.
    """

    get: Who | None = None
    post: Who | None = None
    patch: Who | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    also: frozenset[int] = frozenset()


PUBLIC_PAGE = Route(get=Who.ANYONE)
PUBLIC_FORM = Route(get=Who.ANYONE, post=Who.ANYONE)
OWN_FORM = Route(get=Who.PERSON, post=Who.PERSON)
PAGE = Route(get=Who.MEMBER)
FORM = Route(get=Who.MEMBER, post=Who.ABLE)
ABLE_PAGE = Route(get=Who.ABLE)
ABLE_FORM = Route(get=Who.ABLE, post=Who.ABLE)
ACT = Route(post=Who.ABLE)
NEEDS_KEY = frozenset({401})
"""Nobody's browser gets through: a program brings a key of the store (tests/api)."""
NOT_MINE = frozenset({404})
"""A notice is its reader's own, and a link in a mail is signed (tests/notices)."""
NOTHING_TO_SET_UP = frozenset({404})
"""The channel of the samples has nothing to set up (tests/channels/test_set_up.py has one that does)."""
NAMES = {"kind": "payment-methods"}
CAUSE = {"kind": "write_backs", "code": "WRITEBACK_FAILED"}

ROUTES: Mapping[str, Route] = {
    "static": Route(get=Who.ANYONE, values={"filename": "icons.svg"}),
    "web.choose_theme": Route(post=Who.ANYONE, form={"theme": "dark"}),
    "accounts.choose_language": Route(post=Who.ANYONE, form={"language": "vi"}),
    "accounts.start": PUBLIC_PAGE,
    "accounts.signin": PUBLIC_FORM,
    "accounts.signup": PUBLIC_FORM,
    "accounts.signout": Route(post=Who.ANYONE),
    "accounts.forgot": PUBLIC_FORM,
    "accounts.reset": Route(get=Who.ANYONE, post=Who.ANYONE, values={"token": "no-such-token"}, also=frozenset({410})),
    "accounts.password_strength": Route(post=Who.ANYONE),
    "accounts.me": OWN_FORM,
    "accounts.change_password": OWN_FORM,
    "accounts.code": PUBLIC_FORM,
    "accounts.prove": OWN_FORM,
    "accounts.two_step_page": Route(get=Who.PERSON),
    "accounts.start_two_step": Route(post=Who.PERSON),
    "accounts.set_up_two_step": OWN_FORM,
    "accounts.two_step_picture": Route(get=Who.PERSON, also=frozenset({404})),
    "accounts.renew_recovery_codes": Route(post=Who.PERSON),
    "accounts.switch_off_two_step": OWN_FORM,
    "accounts.devices": Route(get=Who.PERSON),
    "accounts.sign_out_device": Route(post=Who.PERSON, values={"session_id": 0}, also=frozenset({404})),
    "accounts.sign_out_others": Route(post=Who.PERSON),
    "settings.security_page": ABLE_PAGE,
    "settings.require_two_step": ACT,
    "settings.release_two_step": ACT,
    "accounts.stores": OWN_FORM,
    "accounts.invitation": Route(
        get=Who.ANYONE, post=Who.ANYONE, values={"token": "no-such-token"}, also=frozenset({410})
    ),
    "settings.staff_page": PAGE,
    "settings.roles": PAGE,
    "settings.invite": ABLE_FORM,
    "settings.send_invitation_again": ACT,
    "settings.withdraw_invitation": ACT,
    "settings.member": Route(get=Who.ABLE, post=Who.ABLE, form={"role": "manager"}),
    "settings.remove_member": ABLE_FORM,
    "settings.leave": Route(get=Who.MEMBER, post=Who.MEMBER),
    "settings.general": FORM,
    "settings.invoicing": FORM,
    "settings.closing": FORM,
    "settings.ask_closing": ABLE_PAGE,
    "settings.open_books": Route(post=Who.ABLE),
    "settings.names": Route(get=Who.MEMBER, post=Who.ABLE, values=NAMES),
    "settings.rename": Route(post=Who.ABLE, values=NAMES, form={"name": "Boost Wallet"}),
    "settings.act_on_name": Route(post=Who.ABLE, values=NAMES | {"act": "default"}),
    "help.index": PUBLIC_PAGE,
    "help.show": Route(get=Who.ANYONE, values={"slug": "first-day"}),
    "health.healthz": PUBLIC_PAGE,
    "health.readyz": Route(get=Who.ANYONE, also=frozenset({503})),
    "channels.index": PAGE,
    "channels.status": PAGE,
    "channels.tabs": PAGE,
    "channels.orders_news": PAGE,
    "channels.show": PAGE,
    "channels.orders": PAGE,
    "channels.failed": PAGE,
    "channels.products": PAGE,
    "channels.products_head": PAGE,
    "channels.refresh_products": ACT,
    "channels.listing": Route(get=Who.MEMBER, post=Who.ABLE, form={"act": "unlink", "version": "0"}),
    "channels.accept_certain": ABLE_FORM,
    "channels.undo_batch": ABLE_FORM,
    "channels.create_items": ABLE_FORM,
    "channels.export_links": PAGE,
    "channels.import_links": ABLE_FORM,
    "inventory.index": PAGE,
    "inventory.add": ABLE_FORM,
    "inventory.show": FORM,
    "inventory.archive": ACT,
    "inventory.adjust_stock": Route(post=Who.ABLE, form={"how": "add", "pieces": "1"}),
    "inventory.movements": PAGE,
    "inventory.export_movements": PAGE,
    "inventory.export_items": PAGE,
    "inventory.import_items": ABLE_FORM,
    "channels.connected": ABLE_PAGE,
    "channels.check": ACT,
    "channels.auto_sync": ACT,
    "channels.pause": ACT,
    "channels.resume": ACT,
    "channels.settings": FORM,
    "channels.stock": Route(post=Who.ABLE, form={"pieces": "3"}, also=frozenset({404})),
    "channels.announce": Route(post=Who.ABLE, form={"announce": "off"}),
    "hooks.receive": Route(post=Who.ANYONE, values={"token": "no-such-token"}, also=frozenset({404})),
    "channels.reconnect": ABLE_FORM,
    "channels.remove": ABLE_FORM,
    "channels.set_up": Route(get=Who.ABLE, post=Who.ABLE, also=NOTHING_TO_SET_UP),
    "channels.keep_set_up": Route(post=Who.ABLE, also=NOTHING_TO_SET_UP),
    "channels.refresh_part": PAGE,
    "channels.refresh_now": Route(post=Who.ABLE, also=NOTHING_TO_SET_UP),
    "channels.add": ABLE_PAGE,
    "channels.add_connection": Route(get=Who.ABLE, post=Who.ABLE, values={"kind": "sitegiant"}),
    "channels.add_options": Route(get=Who.ABLE, post=Who.ABLE, values={"kind": "sitegiant"}),
    "links.code": ABLE_FORM,
    "links.options": ABLE_FORM,
    "links.show": PAGE,
    "links.cards": PAGE,
    "links.order_journey": PAGE,
    "links.authorized": PAGE,
    "links.grant": ABLE_FORM,
    "links.deny": ABLE_FORM,
    "links.withdraw": ACT,
    "links.ask_again": ACT,
    "links.end": ABLE_FORM,
    "links.rotate": ABLE_FORM,
    "channels.payments": FORM,
    "channels.save_gateway": FORM,
    "channels.map_by_name": ABLE_FORM,
    "channels.marketplaces": PAGE,
    "channels.save_marketplace": FORM,
    "channels.refresh": ACT,
    "settings.audit": ABLE_PAGE,
    "settings.audit_export": ABLE_PAGE,
    "settings.api_keys": ABLE_FORM,
    "settings.revoke_api_key": ABLE_FORM,
    "settings.webhooks": ABLE_FORM,
    "settings.webhook": ABLE_FORM,
    "settings.webhook_log": ABLE_PAGE,
    "settings.pause_webhook": ACT,
    "settings.resume_webhook": ACT,
    "settings.test_webhook": ACT,
    "settings.redeliver": ACT,
    "settings.webhook_secret": ABLE_FORM,
    "settings.remove_webhook": ABLE_FORM,
    "settings.notifications": Route(get=Who.MEMBER, post=Who.MEMBER, form={"digest": "none"}),
    "notices.index": PAGE,
    "notices.menu": PAGE,
    "notices.count": PAGE,
    "notices.read_all": Route(post=Who.MEMBER),
    "notices.open_devices": Route(post=Who.MEMBER),
    "notices.read_one": Route(post=Who.MEMBER, also=NOT_MINE),
    "notices.open_one": Route(post=Who.MEMBER, also=NOT_MINE),
    "notices.stop": Route(get=Who.ANYONE, post=Who.ANYONE, values={"token": "no-such-token"}, also=NOT_MINE),
    "api.explained": PUBLIC_PAGE,
    "api.openapi": PUBLIC_PAGE,
    "api.create_order": Route(post=Who.ANYONE, also=NEEDS_KEY),
    "api.find_orders": Route(get=Who.ANYONE, also=NEEDS_KEY),
    "api.show_order": Route(get=Who.ANYONE, values={"order_id": "1"}, also=NEEDS_KEY),
    "api.change_order": Route(patch=Who.ANYONE, values={"order_id": "1"}, also=NEEDS_KEY),
    "api.nothing": Route(
        get=Who.ANYONE, post=Who.ANYONE, patch=Who.ANYONE, values={"rest": "nothing"}, also=frozenset({404})
    ),
    "orders.index": PAGE,
    "orders.new": ABLE_FORM,
    "orders.import_orders": ABLE_FORM,
    "orders.import_template": PAGE,
    "orders.edit": ABLE_FORM,
    "orders.mark": Route(get=Who.ABLE, post=Who.ABLE, values={"to": "paid"}),
    "orders.move": Route(get=Who.ABLE, post=Who.ABLE, values={"to": "on_hold"}),
    "orders.say": Route(get=Who.ABLE, post=Who.ABLE, values={"to": "on_hold"}),
    "orders.understood": ACT,
    "orders.courier": ABLE_FORM,
    "orders.split": ABLE_FORM,
    "orders.merge": ACT,
    "orders.separate": ACT,
    "orders.combine": ABLE_FORM,
    "orders.rows": PAGE,
    "orders.show": PAGE,
    "orders.export": PAGE,
    "orders.find": PAGE,
    "orders.ask": Route(post=Who.ABLE, form={"q": "1001", "channel_id": "999999999"}, also=frozenset({404})),
    "orders.failed": PAGE,
    "orders.failed_live": PAGE,
    "orders.failed_cause": Route(get=Who.MEMBER, values=CAUSE),
    "orders.failed_cause_live": Route(get=Who.MEMBER, values=CAUSE),
    "orders.failed_retry": Route(post=Who.ABLE, values=CAUSE),
    "orders.failed_ignore": Route(get=Who.ABLE, post=Who.ABLE, values=CAUSE),
    "orders.failed_date": ABLE_FORM,
    "orders.failed_ignored": PAGE,
    "orders.failed_take_back": ACT,
    "orders.same_sale": FORM,
    "sync.no_delivery_orders": ACT,
    "orders.sync": ACT,
    "invoices.index": PAGE,
    "invoices.show": PAGE,
    "invoices.print_view": PAGE,
    "invoices.pdf": PAGE,
    "invoices.export": PAGE,
    "invoices.credit": ABLE_FORM,
    "invoices.reissue": ABLE_FORM,
    # The order of the samples was never invoiced.
    "invoices.invoice_again": Route(get=Who.ABLE, post=Who.ABLE, also=frozenset({404})),
    "invoices.documents": PAGE,
    "invoices.credit_notes": PAGE,
    "invoices.credit_notes_export": PAGE,
    "invoices.credit_note": PAGE,
    "invoices.credit_note_print": PAGE,
    "invoices.credit_note_pdf": PAGE,
    "invoices.register_index": PAGE,
    "invoices.register_print": PAGE,
    "invoices.register_month": PAGE,
    "invoices.register_csv": PAGE,
    "sync.jobs": PAGE,
    "sync.job": PAGE,
    "sync.job_part": PAGE,
    "sync.job_line": PAGE,
    "sync.activity": PAGE,
    "sync.strip": PAGE,
    "sync.events": PAGE,
    "sync.cancel": ACT,
    "sync.retry": ACT,
    "sync.sync_now": ACT,
    "sync.change_retry": ACT,
    "sync.change_drop": ABLE_FORM,
    "completeness.index": PAGE,
    "completeness.standing": PAGE,
    "completeness.start": ACT,
    "completeness.show": PAGE,
    "completeness.of_job": PAGE,
    "completeness.print_view": PAGE,
    "completeness.export": Route(get=Who.MEMBER, values={"what": "days"}),
    "completeness.mend": Route(post=Who.ABLE, form={"all": "1"}),
    "reports.home": PAGE,
    "reports.home_steps": PAGE,
    "reports.home_state": PAGE,
    "reports.home_sales": PAGE,
    "reports.home_jobs": PAGE,
    "reports.marketplace_channels": PAGE,
    "reports.marketplace_channels_print": PAGE,
    "reports.marketplace_channels_csv": PAGE,
}


def _routes() -> tuple[dict[str, list[Rule]], dict[str, Need | None]]:
    """Every endpoint, its rules and its need, from an application that is never asked anything."""
    settings = load_settings(
        {
            "DATABASE_URL": "postgresql://nobody@localhost/nothing",
            "REDIS_URL": "redis://localhost",
            "SECRET_KEY": "x" * 40,
            "CREDENTIAL_KEYS": TEST_KEY,
            "BASE_URL": "http://localhost",
        }
    )
    app = create_app(settings)
    found: dict[str, list[Rule]] = {}
    for rule in app.url_map.iter_rules():
        found.setdefault(rule.endpoint, []).append(rule)
    return found, {endpoint: need_of(app.view_functions[endpoint]) for endpoint in found}


RULES, NEEDS = _routes()
KNOWN = sorted(RULES.keys() & ROUTES.keys())
IN_STORE = [endpoint for endpoint in KNOWN if "store" in RULES[endpoint][0].arguments]
OUTSIDE = [endpoint for endpoint in KNOWN if endpoint not in IN_STORE]


class Samples(Mapping[str, Any]):
    """One real row of each kind that a URL can name, all of one store; each is made when it is asked for first."""

    def __init__(self, app: Flask, store: SomeStore) -> None:
        self.books = Books(app, store)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _SAMPLES[name](self, self.books)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_SAMPLES)

    def __len__(self) -> int:
        return len(_SAMPLES)

    @cached_property
    def channel(self) -> SomeChannel:
        """The one that most of the others are of."""
        return self.books.channel()


_SAMPLES: Final[Mapping[str, Callable[[Samples, Books], Any]]] = {
    "channel_id": lambda rows, _books: rows.channel.id,
    "marketplace_id": lambda rows, _books: rows.channel.marketplace_id,
    "mapping_id": lambda rows, books: books.gateway(rows.channel, "ShopeePay"),
    "order_id": lambda rows, books: _order(books, rows.channel),
    "booked_id": lambda rows, books: books.order(rows.channel),
    "invoice_id": lambda rows, books: books.invoice(rows["booked_id"]),
    "credit_note_id": lambda rows, books: _credit_note(books, books.invoice(books.order(rows.channel))),
    "series": lambda _rows, _books: "invoice",
    "month": lambda _rows, _books: f"{datetime.now(ZoneInfo('Asia/Kuala_Lumpur')):%Y-%m}",
    "own_order_id": lambda _rows, books: _own_order(books),
    "linked_order_id": lambda _rows, books: _linked_order(books),
    "key_id": lambda _rows, books: _key(books),
    "listing_id": lambda rows, books: books.listings(rows.channel, a_listing())[0],
    "item_id": lambda _rows, books: books.item("SAMPLE"),
    "change_id": lambda rows, books: books.change(
        rows["booked_id"], rows["invoice_id"], "blocked", reason="WRITEBACK_FAILED"
    ),
    "row_id": lambda _rows, books: _payment_method(books),
    "notice_id": lambda _rows, _books: 1,
    "endpoint_id": lambda _rows, books: _endpoint(books),
    "message_id": lambda rows, books: _message(books, rows["endpoint_id"]),
    "member_id": lambda _rows, books: books.store.reader.id,
    "invitation_id": lambda _rows, books: _invitation(books),
    "link_id": lambda _rows, books: pair_with(books.app, books.store).connected(),
    "job_id": lambda rows, books: _job(books, rows.channel.id),
    "verification_id": lambda rows, books: _verification(books, rows.channel.id, rows["job_id"]),
}


def samples(app: Flask, store: SomeStore) -> dict[str, Any]:
    """All of them."""
    return dict(Samples(app, store))


@dataclass(frozen=True, slots=True)
class Furnished:
    """A store with one real row of each kind that a URL can name."""

    store: SomeStore
    values: Mapping[str, Any]
    staff: Mapping[Role, SomePerson]
    """A member of each role."""


def furnish(app: Flask) -> Furnished:
    """Make one; it takes far longer than asking for a page does, so tests that change nothing share one."""
    furnished = furnish_as_asked(app)
    return replace(furnished, values=dict(furnished.values))


def furnish_as_asked(app: Flask) -> Furnished:
    """One in which only those rows are made whose ids somebody asks for."""
    make = Make(app)
    store = make.store()
    return Furnished(store, Samples(app, store), make.staff(store))


@pytest.fixture(scope="module")
def untouched(app: Flask) -> Furnished:
    """One for all tests that change nothing."""
    return furnish(app)


def _order(books: Books, channel: SomeChannel) -> int:
    order_id = books.order(channel)
    books.line(order_id)
    return order_id


def _endpoint(books: Books) -> int:
    with books.scope():
        return add_endpoint("https://hooks.shop.example/in", [Event.INVOICE_ISSUED], books.store.owner.id)[0]


def _message(books: Books, endpoint_id: int) -> int:
    with books.scope():
        return send_test(endpoint_id)


def _credit_note(books: Books, invoice_id: int) -> int:
    person, cause = books.store.owner.id, CreditCause.CORRECTION
    with books.scope():
        made = credit_invoice(invoice_id, InFull(), seen=0, cause=cause, words="Broken", user_id=person)
        return made.credit_note_id


def _key(books: Books) -> int:
    with books.scope():
        make_key("Our webshop", [Scope.READ], books.store.owner.id)
        return key_rows()[0].id


def _invitation(books: Books) -> int:
    with books.scope():
        invitation_id, _token = invite("somebody@shop.example", Role.MANAGER, by=books.store.owner.id)
        return invitation_id


def _own_order(books: Books) -> int:
    line = {"name": "Kopi", "quantity": "1", "unit_price": "3.90"}
    order = read_order({"kind": "pos", "lines": [line]}, currency="MYR", now=datetime.now(UTC))
    with books.scope():
        (made,) = add_orders([order], user_id=None).made
        return made.order_id


def _linked_order(books: Books) -> int:
    """An order of another store, which that lets be moved from here."""
    channel = books.channel("North", "Webstore")
    order_id = books.order(channel, order_type="erp_link", status="open")
    with books.scope():
        row = db.session.get_one(Channel, (books.store.id, channel.id))
        row.kind, row.config = "store", {"store": "999999999"}
        db.session.add(FulfilmentRow(store_id=books.store.id, order_id=order_id, may_move=True))
        db.session.commit()
    return order_id


def _job(books: Books, channel_id: int) -> int:
    with books.scope():
        job = SyncJob(store_id=books.store.id, channel_id=channel_id, kind="check", state="failed")
        db.session.add(job)
        db.session.commit()
        return job.id


def _verification(books: Books, channel_id: int, job_id: int) -> int:
    with books.scope():
        row = Verification(
            store_id=books.store.id,
            channel_id=channel_id,
            job_id=job_id,
            since=NOON.date(),
            until=NOON.date(),
            time_zone="Asia/Kuala_Lumpur",
            finished_at=NOON,
            until_at=NOON,
        )
        db.session.add(row)
        db.session.commit()
        return row.id


@pytest.fixture(autouse=True)
def _streams_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's stream would hold the test for as long as it holds a browser."""
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 0.0)


def _payment_method(books: Books) -> int:
    with books.scope():
        return add_payment_method("Boost")


def _names_a_row(endpoint: str) -> bool:
    return any(name.endswith("_id") for name in RULES[endpoint][0].arguments)


@dataclass(frozen=True, slots=True)
class Visit:
    """One route with the ids of one store, ready to be opened by anybody."""

    app: Flask
    endpoint: str
    values: Mapping[str, Any]

    def open(
        self, client: FlaskClient, method: str, slug: str, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        rule = RULES[self.endpoint][0]
        mine = ROUTES[self.endpoint].values
        values = {
            name: mine[name] if name in mine else self.values[name]
            for name in rule.arguments
            if name in mine or name in self.values
        }
        url = self.app.url_map.bind("localhost").build(self.endpoint, values | ({"store": slug} if slug else {}))
        form = ROUTES[self.endpoint].form
        return client.open(url, method=method, data=form, headers=dict(headers or {}), buffered=True)


def methods_of(endpoint: str) -> dict[str, Who]:
    route = ROUTES[endpoint]
    return {name: who for name, who in (("GET", route.get), ("POST", route.post), ("PATCH", route.patch)) if who}


def lets_in(endpoint: str, answer: TestResponse) -> bool:
    """Whether the visitor got what the route does, or a word about their form."""
    if "/signin?next" in (answer.location or ""):
        return False
    return answer.status_code < 400 or answer.status_code in {409, 422} | ROUTES[endpoint].also


def asks_to_sign_in(answer: TestResponse) -> bool:
    return answer.status_code == 303 and (answer.location or "").startswith("/signin")


def test_every_route_is_in_the_table() -> None:
    assert set(RULES) - set(ROUTES) == set(), "say in ROUTES who may use these"
    assert set(ROUTES) - set(RULES) == set(), "these are gone: take them out of ROUTES"


@pytest.mark.parametrize("endpoint", sorted(RULES))
def test_every_route_declares_its_need(endpoint: str) -> None:
    need = NEEDS[endpoint]
    assert need is not None, "say what it needs one line above the view: app.web.needs"
    for rule in RULES[endpoint]:
        assert isinstance(need, InStore) is ("store" in rule.arguments), f"{rule} declares {need}"


@pytest.mark.parametrize("endpoint", KNOWN)
def test_need_is_what_the_table_says(endpoint: str) -> None:
    need = NEEDS[endpoint]
    for method, who in methods_of(endpoint).items():
        if isinstance(need, InStore):
            assert who is (Who.MEMBER if need.by(method) is Ability.LOOK else Who.ABLE), f"{method} needs {need}"
        else:
            assert need == Outside(signed_in=who is Who.PERSON)


@pytest.mark.parametrize("endpoint", KNOWN)
def test_table_names_the_methods_of_each_route(endpoint: str) -> None:
    methods = set().union(*(rule.methods or set() for rule in RULES[endpoint])) - {"HEAD", "OPTIONS"}
    assert set(methods_of(endpoint)) == methods


@pytest.mark.parametrize("endpoint", IN_STORE)
def test_route_of_a_store(app: Flask, untouched: Furnished, other_store: SomeStore, endpoint: str) -> None:
    need = NEEDS[endpoint]
    assert isinstance(need, InStore)
    for method in methods_of(endpoint):
        furnished = untouched if method == "GET" else furnish_as_asked(app)
        store = furnished.store
        visit = Visit(app, endpoint, furnished.values)
        for headers in ({}, HTMX):
            signed_out = visit.open(new_client(app), method, store.slug, headers)
            assert asks_to_sign_in(signed_out) or signed_out.headers.get("HX-Redirect", "").startswith("/signin")
            assert store.name not in signed_out.text
            stranger = visit.open(signed_in(new_client(app), other_store.owner), method, store.slug, headers)
            assert stranger.status_code == 404
            assert store.name not in stranger.text
        refused = [role for role in Role if not role.may(need.by(method))]
        for role in refused:
            answer = visit.open(signed_in(new_client(app), furnished.staff[role]), method, store.slug)
            assert answer.status_code == 403, f"{method} {endpoint} as {role}: {answer.status_code}"
        owner = visit.open(signed_in(new_client(app), furnished.staff[Role.OWNER]), method, store.slug)
        assert lets_in(endpoint, owner), f"{method} {endpoint}: {owner.status_code} {owner.text[:300]}"
        for role in set(Role) - {Role.OWNER, *refused}:
            answer = visit.open(signed_in(new_client(app), furnished.staff[role]), method, store.slug)
            is_done = method != "GET" and answer.status_code == 404  # by the owner, just now
            assert is_done or lets_in(endpoint, answer), f"{method} {endpoint} as {role}: {answer.status_code}"
            if method == "GET" and answer.status_code == 303:  # a part of a page, which only htmx is given
                answer = visit.open(signed_in(new_client(app), furnished.staff[role]), method, store.slug, HTMX)
            assert answer.mimetype != "text/html" or beyond(app, answer.text, role) == [], (
                f"{method} {endpoint} offers it to {role}"
            )


@pytest.mark.parametrize("endpoint", [name for name in IN_STORE if _names_a_row(name)])
def test_ids_of_another_store_name_nothing(
    app: Flask, untouched: Furnished, other_store: SomeStore, endpoint: str
) -> None:
    visit = Visit(app, endpoint, untouched.values)
    for method in methods_of(endpoint):
        answer = visit.open(signed_in(new_client(app), other_store.owner), method, other_store.slug, HTMX)
        assert answer.status_code == 404, f"{method} {endpoint}: {answer.status_code} {answer.text[:300]}"


@pytest.mark.parametrize("endpoint", OUTSIDE)
def test_route_outside_stores(app: Flask, make: Make, endpoint: str) -> None:
    visit = Visit(app, endpoint, {})
    for method, who in methods_of(endpoint).items():
        signed_out = visit.open(new_client(app), method, "")
        if who is Who.PERSON:
            assert asks_to_sign_in(signed_out)
        else:
            assert lets_in(endpoint, signed_out), f"{method} {endpoint}: {signed_out.status_code}"
        person = visit.open(signed_in(new_client(app), make.person()), method, "")
        assert lets_in(endpoint, person), f"{method} {endpoint}: {person.status_code}"
