"""What happens is told once, to those who want to know, and leads to where it is mended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import mail
from app.accounts import devices
from app.accounts.sessions import Browser
from app.api.keys import Scope, make_key
from app.core.noticing import NoticeKind, Way
from app.core.roles import Role
from app.extensions import db
from app.notices import clock, jobs
from app.notices.choosing import choose
from app.notices.queries import newest
from app.orders.causes import CauseKind
from app.sync.models import SyncJob
from tests.orders.factories import Books, statements
from tests.support.factories import Make, SomePerson, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import ask_for_look, links_in, mails_to, tell_people, text_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    """The store's books."""
    return Books(app, store)


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    """The owner's browser."""
    return signed_in(new_client(app), store.owner)


def want(books: Books, person: SomePerson, ways: dict[NoticeKind, Way]) -> None:
    """What a person chose."""
    with books.scope():
        choose(person.id, ways)


def read(books: Books, sql: str, **values: Any) -> Sequence[Any]:
    """Rows of the store."""
    with books.scope():
        return db.session.execute(text(sql), values).all()


def write(books: Books, sql: str, **values: Any) -> None:
    """Change rows of the store."""
    with books.scope():
        db.session.execute(text(sql), values)
        db.session.commit()


def subjects(app: Flask, person: SomePerson) -> list[str]:
    """The subjects of all mails to a person."""
    return [str(one["Subject"]) for one in mails_to(app, person.email)]


def test_a_cause_is_told_once_a_day_with_its_newest_size(
    app: Flask, store: SomeStore, books: Books, owner: FlaskClient
) -> None:
    channel = books.channel("SiteGiant")
    books.orders(channel, [{"state": "held", "reason": "PAID_LESS"} for _number in range(3)])
    tell_people(app, store)
    tell_people(app, store)
    page = owner.get(store.url("/notices")).text
    assert page.count('class="notice-row') == 1
    assert "SiteGiant: 3 orders wait for you" in page
    books.orders(channel, [{"state": "held", "reason": "PAID_LESS"}])
    tell_people(app, store)
    page = owner.get(store.url("/notices")).text
    assert page.count('class="notice-row') == 1
    assert "4 orders wait for you" in page
    books.order(channel, state="held", reason="CURRENCY_OTHER")
    tell_people(app, store)
    assert owner.get(store.url("/notices")).text.count('class="notice-row') == 2, "another cause is another notice"


def test_what_was_mended_and_comes_again_the_next_day_is_told_again(app: Flask, store: SomeStore, books: Books) -> None:
    order_id = books.order(books.channel(), state="held", reason="PAID_LESS")
    tell_people(app, store)
    books.set(order_id, state="ready", reason=None)
    tell_people(app, store)
    write(books, "update notices set key = key || ' of another day'")
    books.set(order_id, state="held", reason="PAID_LESS")
    tell_people(app, store)
    assert len(read(books, "select id from notices")) == 2


def test_a_notice_says_when_nothing_waits_for_its_cause_any_more(
    app: Flask, store: SomeStore, books: Books, owner: FlaskClient
) -> None:
    channel = books.channel("SiteGiant")
    reasons = ("PAID_LESS", "CURRENCY_OTHER", "PAID_MORE")
    paid_less, other_currency, _paid_more = (books.order(channel, state="held", reason=reason) for reason in reasons)
    tell_people(app, store)
    assert owner.get(store.url("/notices")).text.count("Mend the cause") == 3
    books.set(paid_less, state="ready", reason=None)
    books.set(other_currency, reason="PAID_LESS")
    page = owner.get(store.url("/notices")).text
    assert page.count("Mend the cause") == 2, "as one order of a cause goes another comes"
    assert page.count("Mended: nothing waits any more.") == 1
    assert page.count("Mark as read") == 3
    assert "Mended: nothing waits any more." in owner.get(store.url("/notices/menu"), headers=HTMX).text
    (notice,) = read(books, "select id from notices where detail->>'code' = 'CURRENCY_OTHER'")
    assert owner.post(store.url(f"/notices/{notice.id}/open")).location == store.url("/notices")
    write(books, "update channels set status = 'removed' where id = :id", id=channel.id)
    assert "Mend the cause" not in owner.get(store.url("/notices")).text, "what a removed channel left waits for nobody"


def test_each_kind_of_cause_waits_until_nothing_is_stuck_of_it(
    app: Flask, store: SomeStore, books: Books, owner: FlaskClient
) -> None:
    channel = books.channel("SiteGiant")
    books.order(channel, state="held", reason="PAID_LESS")
    books.unread(channel, "77", "no date", {})
    alerted, lacking, contested, *stuck = books.orders(channel, [{}] * 6)
    books.set(alerted, alert="REFUNDED")
    write(
        books,
        "insert into shortages (store_id, order_id, sku, missing, why) values (:store, :id, 'A', 1, 'unlinked')",
        store=store.id,
        id=lacking,
    )
    write(
        books,
        "insert into fulfilments (store_id, order_id, conflict) values (:store, :id, '{}')",
        store=store.id,
        id=contested,
    )
    for kind, order_id in zip(("write_back", "move", "order"), stuck, strict=True):
        change = books.change(order_id, books.invoice(order_id), "blocked", reason="ORDER_MISSING")
        if kind != "write_back":
            write(books, "update changes set kind = :kind, invoice_id = null where id = :id", kind=kind, id=change)
    tell_people(app, store)
    kinds = {row.cause for row in read(books, "select detail->>'cause' as cause from notices")}
    assert kinds == set(CauseKind)
    page = owner.get(store.url("/notices")).text
    assert page.count("Mend the cause") == len(CauseKind) and "Mended" not in page
    for mended in (
        "update orders set state = 'ready', reason = null, alert = null",
        "update changes set state = 'done'",
        "update seen_orders set state = 'imported'",
        "delete from shortages",
        "update fulfilments set conflict = null",
    ):
        write(books, mended)
    page = owner.get(store.url("/notices")).text
    assert page.count("Mended: nothing waits any more.") == len(CauseKind) and "Mend the cause" not in page
    with books.scope(), statements() as run:
        assert len(newest(store.owner.id, 50)) == len(CauseKind)
    assert len(run) == 3, "the scope, the notices, and one for all causes"


def test_what_went_through_or_was_answered_since_leads_nowhere_any_more(
    app: Flask, store: SomeStore, books: Books, owner: FlaskClient
) -> None:
    channel = books.channel("SiteGiant")
    adding = "insert into sync_jobs (store_id, channel_id, kind, state, problem, finished_at) "
    row = "values (:store, :channel, 'auto', :state, :problem, now())"
    facts = {"store": store.id, "channel": channel.id}
    write(books, adding + row, **facts, state="failed", problem="INTERNAL")
    tell_people(app, store)
    write(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where id = :id", id=channel.id)
    tell_people(app, store)
    page = owner.get(store.url("/notices")).text
    assert "Open the job" in page and "Reconnect" in page and "Mended" not in page
    write(books, adding + row, **facts, state="succeeded", problem=None)
    write(books, "update channels set status = 'connected', paused_reason = '' where id = :id", id=channel.id)
    page = owner.get(store.url("/notices")).text
    assert page.count("Mended: it goes on again.") == 2
    assert "Open the job" not in page and "Reconnect" not in page and "nothing is read from it" not in page
    write(books, adding + row, **facts, state="failed", problem="INTERNAL")
    assert "Open the job" in owner.get(store.url("/notices")).text, "it stopped again on the same day"


def test_a_job_that_ends_asks_for_a_look(app: Flask, store: SomeStore, books: Books) -> None:
    channel = books.channel("SiteGiant")
    with books.scope():
        job = SyncJob(store_id=store.id, channel_id=channel.id, kind="auto", state="running")
        db.session.add(job)
        db.session.commit()
    assert read(books, "select look_at from notice_clocks") == []
    write(books, "update sync_jobs set state = 'failed', problem = 'INTERNAL', finished_at = now()")
    ((look_at,),) = read(books, "select look_at from notice_clocks")
    assert look_at is not None
    with app.app_context():
        jobs.run(store.id, 0)
    assert read(books, "select id from notices") == [], "a moment later"
    tell_people(app, store)
    assert [row.key.split(":")[0] for row in read(books, "select key from notices")] == ["job"]
    assert read(books, "select look_at from notice_clocks")[0].look_at is None


def test_what_happens_during_a_look_is_looked_at_next(app: Flask, store: SomeStore, books: Books) -> None:
    books.order(books.channel(), state="held", reason="PAID_LESS")
    with books.scope():
        ask_for_look()
        begun = clock.begin_look()
        assert begun is not None
        assert clock.begin_look() is None, "one look at a time"
        ask_for_look()
        clock.end_look(begun[0], {})
        db.session.commit()
    with app.app_context():
        jobs.run(store.id, 0)
    assert len(read(books, "select id from notices")) == 1


def test_each_is_told_as_they_chose_and_else_as_their_role_is(
    app: Flask, make: Make, store: SomeStore, books: Books
) -> None:
    staff = make.staff(store)
    want(books, staff[Role.ORDER_DESK], {NoticeKind.CHANNEL_PAUSED: Way.NONE})
    want(books, staff[Role.READ_ONLY], {NoticeKind.CHANNEL_PAUSED: Way.MAIL})
    books.channel("SiteGiant")
    write(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where kind <> 'own'")
    tell_people(app, store)
    rows = read(books, "select user_id, in_portal, mail from notice_copies")
    assert {row.user_id: (row.in_portal, row.mail) for row in rows} == {
        staff[Role.OWNER].id: (True, "sent"),
        staff[Role.MANAGER].id: (True, "sent"),
        staff[Role.BOOKKEEPER].id: (True, "none"),
        staff[Role.READ_ONLY].id: (False, "sent"),
    }
    assert subjects(app, staff[Role.READ_ONLY]) == ["SiteGiant stopped: its key is not accepted"]
    assert subjects(app, staff[Role.BOOKKEEPER]) == []


def test_the_bell_counts_what_is_not_read_and_opening_one_reads_it(
    app: Flask, store: SomeStore, books: Books, owner: FlaskClient
) -> None:
    channel = books.channel("SiteGiant")
    write(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where id = :id", id=channel.id)
    books.order(channel, state="held", reason="PAID_LESS")
    tell_people(app, store)
    counted = owner.get(store.url("/notices/count"), headers=HTMX).text
    assert ">2</span>" in counted
    assert counted.strip() in owner.get(store.url("/")).text
    menu = owner.get(store.url("/notices/menu"), headers=HTMX).text
    assert "SiteGiant stopped" in menu
    (notice,) = read(books, "select id from notices where kind = 'channel_paused'")
    opened = owner.post(store.url(f"/notices/{notice.id}/open"))
    assert opened.location == store.url(f"/channels/{channel.id}/reconnect")
    assert ">1</span>" in owner.get(store.url("/notices/count"), headers=HTMX).text
    assert owner.get(store.url("/notices?unread=1")).text.count('class="notice-row') == 1
    owner.post(store.url("/notices/read"))
    assert owner.get(store.url("/notices/count"), headers=HTMX).text.strip() == ""
    reader = signed_in(new_client(app), store.reader)
    assert reader.post(store.url(f"/notices/{notice.id}/open")).status_code == 404, "it is its reader's own"


def test_a_notice_leads_its_reader_where_they_may_go(app: Flask, store: SomeStore, books: Books, make: Make) -> None:
    staff = make.staff(store)
    want(books, staff[Role.BOOKKEEPER], {NoticeKind.CHANNEL_PAUSED: Way.BOTH, NoticeKind.ENDPOINT_PAUSED: Way.PORTAL})
    channel = books.channel("SiteGiant")
    write(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where id = :id", id=channel.id)
    tell_people(app, store)
    browser = signed_in(new_client(app), staff[Role.BOOKKEEPER])
    page = browser.get(store.url("/notices")).text
    assert "Open the channel" in page and "Reconnect" not in page
    (notice,) = read(books, "select id from notices where kind = 'channel_paused'")
    assert browser.post(store.url(f"/notices/{notice.id}/open")).location == store.url(f"/channels/{channel.id}")
    (letter,) = mails_to(app, staff[Role.BOOKKEEPER].email)
    assert store.url(f"/channels/{channel.id}") in text_of(letter) and "/reconnect" not in text_of(letter)
    detail = '{"host": "shop.example", "reason": "", "endpoint_id": 1}'
    adding = "insert into notices (store_id, kind, key, detail) values (:store, 'endpoint_paused', 'x', :detail)"
    write(books, adding.replace(":detail", "cast(:detail as jsonb)"), store=store.id, detail=detail)
    write(
        books,
        "insert into notice_copies (store_id, notice_id, user_id, in_portal) "
        "select store_id, id, :reader, true from notices where kind = 'endpoint_paused'",
        reader=staff[Role.BOOKKEEPER].id,
    )
    page = browser.get(store.url("/notices")).text
    assert "shop.example is paused" in page and "Open it" not in page, "webhooks are the owners' alone"


def test_a_verification_is_told_when_it_finds_what_none_found_before(
    app: Flask, store: SomeStore, books: Books, owner: FlaskClient
) -> None:
    channel = books.channel("SiteGiant")

    def verify(*remote_ids: str) -> None:
        write(
            books,
            "with j as (insert into sync_jobs (store_id, channel_id, kind, state) "
            "values (:store, :channel, 'verify', 'succeeded') returning id), "
            "v as (insert into verifications (store_id, channel_id, job_id, since, until, time_zone, finished_at, "
            "missing) select :store, :channel, id, current_date, current_date, 'UTC', now(), :many from j "
            "returning id) "
            "insert into deviations (store_id, verification_id, channel_id, kind, marketplace_id, remote_id, number, "
            "currency, difference, remote, local) "
            "select :store, v.id, :channel, 'missing', :place, one, one, 'MYR', 100, '{}', '{}' "
            "from v cross join unnest(cast(:ids as text[])) one",
            store=store.id,
            channel=channel.id,
            place=channel.marketplace_id,
            many=len(remote_ids),
            ids=list(remote_ids),
        )
        tell_people(app, store)

    verify("A")
    verify("A")
    assert len(read(books, "select id from notices")) == 1, "the same difference every night is told once"
    verify("A", "B")
    assert len(read(books, "select id from notices")) == 2
    assert subjects(app, store.owner)[-1] == "2 orders differ from SiteGiant."
    assert "Mended" not in owner.get(store.url("/notices")).text
    write(books, "update deviations set mended_at = now() where remote_id = 'A'")
    page = owner.get(store.url("/notices")).text
    assert page.count("Mended: nothing waits any more.") == 1, "the second one found B too"


def paused_mail(app: Flask, store: SomeStore, books: Books) -> EmailMessage:
    """The mail to the owner about a channel that stopped."""
    books.channel("SiteGiant")
    write(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where kind <> 'own'")
    tell_people(app, store)
    (found,) = mails_to(app, store.owner.email)
    return found


def letter_as_sent(app: Flask, words: str) -> str:
    """The mail that holds these words, as it went onto the wire."""
    folder = Path(urlsplit(app.extensions["settings"].mail_url).path)
    return next(whole for path in folder.glob("*.eml") if words in (whole := path.read_text()))


def test_one_press_of_a_mail_program_stops_mails_of_that_kind_alone(app: Flask, store: SomeStore, books: Books) -> None:
    letter = paused_mail(app, store, books)
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(letter["List-Unsubscribe"]).strip("<>")
    assert f"List-Unsubscribe: <{url}>" in letter_as_sent(app, url), "mail programs read it as it stands"
    assert url in links_in(letter)
    assert len(letter["Message-ID"]) > 20
    html = letter.get_body(("html",))
    assert html is not None
    assert url.replace("http://localhost", "") in html.get_content()
    path = url.removeprefix("http://localhost")
    program = new_client(app)
    assert "Stop these e-mails" in program.get(path).text
    assert program.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    (chosen,) = read(books, "select user_id, kind, way from notice_choices")
    assert tuple(chosen) == (store.owner.id, "channel_paused", "portal")
    assert program.post(path[:-2] + "xx").status_code == 404


def test_a_mail_speaks_its_readers_language(app: Flask, store: SomeStore, books: Books) -> None:
    with books.scope():
        db.session.execute(text("update users set language = 'vi' where id = :id"), {"id": store.owner.id})
        db.session.commit()
    letter = paused_mail(app, store, books)
    html = letter.get_body(("html",))
    assert html is not None
    assert '<html lang="vi"' in html.get_content()


def test_a_mail_that_the_server_refuses_is_tried_again_and_not_sent_twice(
    app: Flask, store: SomeStore, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [False, True]
    sent: list[str] = []

    def refuse_once(to: str, *_what: Any, **_more: Any) -> bool:
        sent.append(to)
        return answers.pop(0)

    monkeypatch.setattr(mail, "send", refuse_once)
    books.channel("SiteGiant")
    write(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where kind <> 'own'")
    tell_people(app, store)
    tell_people(app, store)
    assert sent == [store.owner.email], "it waits a while"
    write(books, "update notice_copies set mail_at = now() where mail = 'planned'")
    for _again in range(3):
        tell_people(app, store)
    assert sent == [store.owner.email] * 2
    assert [row.mail for row in read(books, "select mail from notice_copies")] == ["sent"]


def test_a_mail_over_which_a_worker_died_is_not_sent_a_second_time(
    app: Flask, store: SomeStore, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_what: Any, **_more: Any) -> bool:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(mail, "send", die)
        books.channel("SiteGiant")
        write(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where kind <> 'own'")
        with pytest.raises(SystemExit):
            tell_people(app, store)
    assert [row.mail for row in read(books, "select mail from notice_copies")] == ["sending"]
    write(books, "update notice_copies set mail_at = now() - interval '1 second'")
    tell_people(app, store)
    assert [row.mail for row in read(books, "select mail from notice_copies")] == ["unclear"]
    assert subjects(app, store.owner) == []


def morning(app: Flask, store: SomeStore, books: Books, at: str = "2024-01-01 07:30 Asia/Kuala_Lumpur") -> None:
    """A Monday morning comes."""
    write(books, "update notice_clocks set digest_at = cast(:at as timestamptz)", at=at)
    tell_people(app, store)


def test_the_digest_says_how_it_stands_and_where_nothing_is_to_say_there_is_none(
    app: Flask, make: Make, store: SomeStore, books: Books
) -> None:
    staff = make.staff(store)
    want(books, staff[Role.ORDER_DESK], {NoticeKind.DIGEST: Way.DAILY})
    channel = books.channel("SiteGiant")
    tell_people(app, store)
    morning(app, store, books)
    assert subjects(app, store.owner) == [], "nothing waits and nothing happened"
    books.invoice(books.order(channel, number="A-1"))
    books.order(channel, state="held", reason="PAID_LESS")
    morning(app, store, books)
    morning(app, store, books)
    letter = mails_to(app, store.owner.email)[-1]
    assert subjects(app, store.owner).count(f"How it stands at {store.name}") == 1, "one for each morning"
    words = text_of(letter)
    assert "1 order needs attention." in words
    assert "What happened in the last seven days" in words
    assert "1 invoice was issued." in words
    assert re.search(rf"http://localhost/{store.slug}/\S*failed", words)
    daily = mails_to(app, staff[Role.ORDER_DESK].email)[-1]
    assert "What happened since yesterday" in text_of(daily)
    assert not [one for one in subjects(app, store.reader) if "stands" in one]
    before = len(subjects(app, store.owner))
    morning(app, store, books, "2024-01-02 07:30 Asia/Kuala_Lumpur")
    assert len(subjects(app, store.owner)) == before, "Tuesday is no day for the weekly one"
    assert len([one for one in subjects(app, staff[Role.ORDER_DESK]) if "stands" in one]) == 2


def test_owners_are_told_once_that_a_key_ends_soon(
    app: Flask, make: Make, store: SomeStore, books: Books, owner: FlaskClient
) -> None:
    staff = make.staff(store)
    with books.scope():
        for name, lasts in (("Till", timedelta(days=13)), ("Webshop", timedelta(days=15)), ("Landing page", None)):
            make_key(name, [Scope.WRITE], store.owner.id, lasts=lasts)
    for _look in range(2):
        tell_people(app, store)
    rows = read(
        books, "select n.detail->>'name' as name, c.user_id from notices n join notice_copies c on c.notice_id = n.id"
    )
    assert [(row.name, row.user_id) for row in rows] == [("Till", staff[Role.OWNER].id)]
    ((subject,), link) = subjects(app, store.owner), store.url("/settings/api-keys")
    assert subject.startswith("The key “Till” ends on ")
    assert f"http://localhost{link}" in links_in(mails_to(app, store.owner.email)[0])
    assert "Make a key" in owner.get(store.url("/notices")).text
    write(books, "update api_keys set revoked_at = now() where name = 'Till'")
    page = owner.get(store.url("/notices")).text
    assert "Mended: nothing waits any more." in page and "Make a key" not in page


def test_choices_are_kept_for_each_person(app: Flask, store: SomeStore, books: Books, owner: FlaskClient) -> None:
    url = store.url("/settings/notifications")
    form = {"failed_sync-mail": "on", "channel_paused-portal": "on", "channel_paused-mail": "on", "digest": "daily"}
    assert owner.post(url, data=form).status_code == 303
    rows = read(books, "select kind, way from notice_choices where user_id = :id", id=store.owner.id)
    assert dict(map(tuple, rows)) == {
        "failed_sync": "mail",
        "channel_paused": "both",
        "approval_asked": "none",
        "verification_difference": "none",
        "endpoint_paused": "none",
        "key_ends": "none",
        "digest": "daily",
    }
    page = owner.get(url).text
    assert re.search(r'name="failed_sync-mail" checked', page)
    assert not re.search(r'name="failed_sync-portal" checked', page)
    assert owner.post(url, data={**form, "digest": "hourly"}).status_code == 422
    assert signed_in(new_client(app), store.reader).post(url, data={"digest": "weekly"}).status_code == 303


def test_a_new_device_is_told_to_its_person_alone_in_each_of_their_stores(
    app: Flask, make: Make, store: SomeStore, other_store: SomeStore, owner: FlaskClient
) -> None:
    make.member(other_store, store.reader, Role.MANAGER)
    reader = signed_in(new_client(app), store.reader)
    with app.app_context():
        devices.arrive(store.reader.id, Browser("one", "127.0.0.1"), "")
        assert 'class="count"' not in reader.get(store.url("/notices/count"), headers=HTMX).text, "the first is no news"
        devices.arrive(store.reader.id, Browser("Version/17.4 Safari/604.1 iPhone", "203.0.113.9"), "")
    for place in (store, other_store):
        assert '<span class="count" aria-hidden="true">1</span>' in reader.get(place.url("/notices")).text
        menu = reader.get(place.url("/notices/menu"), headers=HTMX).text
        assert "New sign-in to your account" in menu
        page = reader.get(place.url("/notices")).text
        assert page.count('class="notice-row is-unread"') == 1
        for fact in ("Safari on iPhone", "203.0.113.9"):
            assert fact in page
    assert "New sign-in" not in owner.get(store.url("/notices")).text
    assert reader.post(store.url("/notices/devices/open")).location == "/me/devices"
    assert "New sign-in" not in reader.get(other_store.url("/notices")).text, "it is read everywhere"
    with app.app_context():
        devices.arrive(store.reader.id, Browser("three", "127.0.0.1"), "")
    read_all = reader.post(store.url("/notices/read"), follow_redirects=True).text
    assert "1 notice is marked as read." in read_all
    assert "New sign-in" not in read_all
