"""What a person decides about orders, documents and months is told, with the reason that they gave."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import update

from app.audit.pages import _shown
from app.audit.queries import AuditFilter, entries_page, still_there
from app.channels.models import Channel
from app.core.crediting import InFull
from app.core.states import CreditCause
from app.extensions import db
from app.invoices.closing import close_books
from app.mappings.models import Listing
from app.orders.failed import CauseKey, CauseKind
from app.sync.crediting import credit_invoice
from app.sync.mending import leave_out, take_back
from app.sync.models import SyncJob
from app.tenancy.scope import Actor, act_as, current_store, store_scope
from app.web.pagination import Keyset
from tests.audit.helpers import acting, told
from tests.connectors.fake import a_listing
from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

WORDS = "test orders of the shop"


def test_leaving_orders_out_is_told_with_the_reason_and_many_are_one_entry(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    channel = books.channel()
    one = books.order(channel, number="SO-1", state="held", reason="NO_LINES")
    cause = CauseKey(CauseKind.ORDERS, "NO_LINES", channel.id)
    with acting(app, store, store.owner):
        leave_out(cause, [one], WORDS, store.owner.id)
    with acting(app, store, store.owner):
        take_back(CauseKind.ORDERS, channel.id, [one], store.owner.id)
    decided = [changes["decision"][1] for _verb, _label, changes in told(app, store, "order")]
    assert decided == ["ignored", "taken_back"]
    assert told(app, store, "order")[0][1:] == ("SO-1", {"decision": [None, "ignored"], "words": [None, WORDS]})
    books.orders(channel, [{"state": "held", "reason": "TOTAL_MISMATCH"}] * 30)
    with acting(app, store, store.owner):
        leave_out(CauseKey(CauseKind.ORDERS, "TOTAL_MISMATCH", channel.id), None, WORDS, store.owner.id)
    *_, (verb, _label, changes) = told(app, store, "order")
    assert (verb, changes["words"]) == ("decided", [None, WORDS])
    assert len(told(app, store, "order")) == 3


def test_a_credit_note_is_told_with_its_cause_and_amount(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    invoice_id = books.invoice(books.order(books.channel(), total=3990))
    with acting(app, store, store.owner):
        credit_invoice(
            invoice_id, InFull(), seen=0, cause=CreditCause.CORRECTION, words="Broken", user_id=store.owner.id
        )
    ((verb, label, changes),) = told(app, store, "credit_note")
    assert (verb, label) == ("added", "CN00001")
    assert (changes["cause"][1], changes["words"][1], changes["total"][1]) == ("correction", "Broken", "3990 MYR")


def test_closing_the_books_is_told_by_its_day(app: Flask, store: SomeStore) -> None:
    with acting(app, store, store.owner):
        close_books(date(2026, 9, 30), store.owner.id)
    assert told(app, store, "closing") == [("changed", "2026-09-30", {"through": [None, "2026-09-30"]})]


def test_a_listing_is_told_when_a_person_links_it_and_not_when_its_channel_changes_it(
    app: Flask, store: SomeStore
) -> None:
    books = Books(app, store)
    channel = books.channel()
    (listing_id,) = books.listings(channel, a_listing())
    item_id = books.item("KOPI-250")
    with acting(app, store, store.owner):
        of_listing = update(Listing).where(Listing.id == listing_id)
        db.session.execute(of_listing.values(price=4990))
        db.session.execute(of_listing.values(item_id=item_id))
        db.session.execute(of_listing.values(item_id=None))
        db.session.commit()
    changes = [changes for _verb, _label, changes in told(app, store, "listing")]
    assert changes == [{"item": [None, "KOPI-250"]}, {"item": ["KOPI-250", None]}]
    log = signed_in(new_client(app), store.owner).get(store.url("/settings/audit?thing=listing")).text
    assert f'href="/{store.slug}/channels/{channel.id}/products/{listing_id}"' in log


def test_what_a_job_did_by_itself_leads_to_the_job(app: Flask, store: SomeStore) -> None:
    channel = Books(app, store).channel()
    with app.app_context(), store_scope(store.id):
        job = SyncJob(store_id=store.id, channel_id=channel.id, kind="check", state="failed")
        db.session.add(job)
        db.session.flush()
        job_id, zone = job.id, current_store().time_zone
        db.session.commit()
        act_as(Actor(job_id=str(job_id)))
        of_channel = update(Channel).where(Channel.id == channel.id)
        db.session.execute(of_channel.values(status="paused", paused_reason="AUTH_EXPIRED"))
        db.session.commit()
    with app.test_request_context(), store_scope(store.id):
        (row,) = [row for row in entries_page(AuditFilter(), Keyset(), ZoneInfo(zone)).rows if row.verb == "paused"]
        assert ("job", str(job_id)) in still_there([row])
        shown = _shown(row, {})
        assert shown.job_url is None
        (line,) = shown.lines
    assert (line.field, line.now, line.is_new) == ("Why", "The channel does not accept the key any more", True)
