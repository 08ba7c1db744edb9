"""Payment Methods: which payment method a gateway means, and the orders that wait for it."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.models import AuditEntry
from app.core.roles import Role
from app.extensions import db
from app.mappings.models import PaymentMapping, PaymentMethod
from app.mappings.queries import gateways, payment_methods
from app.mappings.services import add_payment_method, archive_payment_method
from app.orders.following import Chosen, ManyChosen, choose_by_name, choose_payment_method
from app.orders.models import JournalEntry, Order
from app.tenancy.models import Store
from tests.mappings.test_product_races import at_once
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}
WAITS = {"state": "held", "reason": "GATEWAY_UNMAPPED", "reason_detail": {"gateway": "ShopeePay"}}


@pytest.fixture
def gateway_id(books: Books, channel: SomeChannel) -> int:
    """A gateway without a payment method."""
    return books.gateway(channel, "ShopeePay")


def method(books: Books, name: str = "Maybank") -> int:
    with books.scope():
        return add_payment_method(name)


def mapping(books: Books, gateway_id: int) -> PaymentMapping:
    with books.scope():
        found = db.session.get_one(PaymentMapping, (books.store.id, gateway_id))
        db.session.expunge(found)
    return found


def set_rule(books: Books, rule: str) -> None:
    with books.scope():
        db.session.get_one(Store, books.store.id).unmapped_gateway = rule
        db.session.commit()


def state_of(books: Books, order_id: int) -> tuple[str, str | None]:
    with books.scope():
        order = db.session.get_one(Order, (books.store.id, order_id))
        return order.state, order.reason


def save(
    client: FlaskClient, store: SomeStore, channel: SomeChannel, gateway_id: int, *, htmx: bool = False, **data: Any
) -> TestResponse:
    url = store.url(f"/channels/{channel.id}/payments/{gateway_id}")
    return client.post(url, data={"version": "0", "payment_method_id": "", **data}, headers=HTMX if htmx else {})


def page(client: FlaskClient, store: SomeStore, channel: SomeChannel) -> str:
    return client.get(store.url(f"/channels/{channel.id}/payments")).text


def test_gateways_without_a_payment_method_come_first_in_red_and_say_how_many_wait(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    books.gateway(channel, "Atome", "Atome wallet")
    set_rule(books, "hold")
    books.orders(channel, [WAITS, WAITS, {"state": "waiting", "reason": "UNPAID"}])
    text = page(owner, store, channel)
    rows = re.findall(r'class="mapping-row( is-unmapped)?(?: is-named)?" id="gateway-(\d+)"', text)
    assert rows[0] == (" is-unmapped", str(gateway_id))
    assert rows[1][0] == ""
    assert "3 orders" in text
    assert "2 wait for this" in text
    assert "Not chosen: orders wait" in text


def test_the_page_says_what_happens_to_unmapped_gateways_meanwhile(
    owner: FlaskClient, store: SomeStore, channel: SomeChannel, gateway_id: int
) -> None:
    assert "booked as Cash meanwhile" in page(owner, store, channel)


def test_choosing_a_payment_method_frees_every_order_that_waited(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    set_rule(books, "hold")
    waiting = books.orders(channel, [WAITS] * 3)
    other = books.order(channel, **WAITS | {"gateway": "Atome"})
    maybank = method(books)
    answer = save(owner, store, channel, gateway_id, payment_method_id=maybank)
    assert answer.status_code == 303
    assert answer.location.endswith(f"/payments?saved={gateway_id}#gateway-{gateway_id}")
    assert {state_of(books, order_id) for order_id in waiting} == {("ready", None)}
    assert state_of(books, other) == ("held", "GATEWAY_UNMAPPED")
    shown = owner.get(answer.location).text
    assert "Saved. 3 orders are ready now." in shown
    assert "Sync them" in shown
    saved = mapping(books, gateway_id)
    assert (saved.payment_method_id, saved.version, saved.changed_by) == (maybank, 1, store.owner.id)
    with books.scope():
        freed = db.session.scalars(select(JournalEntry.order_id).where(JournalEntry.kind == "freed")).all()
    assert sorted(order_id for order_id in freed if order_id) == sorted(waiting)


def test_sync_them_books_exactly_the_orders_of_that_gateway(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    ours, other = books.order(channel), books.order(channel, gateway="Atome")
    set_rule(books, "hold")
    held = books.order(channel, **WAITS)
    answer = save(owner, store, channel, gateway_id, payment_method_id=method(books))
    form = owner.get(answer.location).text.partition("/orders/sync")[2].partition("</form>")[0]
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.replace("&amp;", "&")))
    owner.post(store.url("/orders/sync"), data=hidden)
    assert [state_of(books, order_id)[0] for order_id in (ours, held, other)] == ["queued", "queued", "ready"]


def test_with_htmx_the_row_comes_back_alone_with_the_message(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    set_rule(books, "hold")
    books.order(channel, **WAITS)
    answer = save(owner, store, channel, gateway_id, htmx=True, payment_method_id=method(books))
    assert answer.status_code == 200
    assert answer.text.strip().startswith(f'<div class="mapping-row" id="gateway-{gateway_id}">')
    assert "<html" not in answer.text
    assert 'hx-swap-oob="innerHTML"' in answer.text
    assert "One order is ready now." in answer.text
    assert "HX-Retarget" not in answer.headers


def test_a_new_payment_method_is_made_in_the_row_and_chosen(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    answer = save(owner, store, channel, gateway_id, htmx=True, new_name="TNG eWallet")
    assert answer.headers["HX-Retarget"] == "#gateways"
    assert answer.text.strip().startswith('<div id="gateways">')
    with books.scope():
        (made,) = [choice for choice in payment_methods() if choice.name == "TNG eWallet"]
    assert mapping(books, gateway_id).payment_method_id == made.id


def test_the_row_that_was_saved_stays_where_it_was(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    """A new payment method brings the whole list anew; what waited most stood first, and is looked at."""
    set_rule(books, "hold")
    other_id = books.gateway(channel, "Atome")
    books.orders(channel, [WAITS, WAITS, WAITS | {"reason_detail": {"gateway": "Atome"}, "gateway": "Atome"}])
    answer = save(owner, store, channel, gateway_id, htmx=True, new_name="TNG eWallet").text
    assert "2 orders are ready now." in answer
    assert answer.index(f'id="gateway-{gateway_id}"') < answer.index(f'id="gateway-{other_id}"')


def test_the_name_of_an_existing_payment_method_just_picks_it(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    maybank = method(books)
    assert save(owner, store, channel, gateway_id, new_name=" maybank ").status_code == 303
    assert mapping(books, gateway_id).payment_method_id == maybank


def test_an_archived_payment_method_is_neither_picked_nor_made_again(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    with books.scope():
        archived = add_payment_method("Old bank")
        archive_payment_method(archived)
    for data in ({"new_name": "Old bank"}, {"payment_method_id": archived}):
        answer = save(owner, store, channel, gateway_id, **data)
        assert answer.status_code == 422
        assert "This payment method was archived." in answer.text
    assert mapping(books, gateway_id).version == 0


def test_not_chosen_takes_the_choice_back_and_orders_wait_again(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    set_rule(books, "hold")
    save(owner, store, channel, gateway_id, payment_method_id=method(books))
    order_id = books.order(channel, total=4190)
    books.line(order_id, discount=0)
    assert save(owner, store, channel, gateway_id, version="1").status_code == 303
    assert mapping(books, gateway_id).payment_method_id is None
    assert state_of(books, order_id) == ("held", "GATEWAY_UNMAPPED")


def test_where_unmapped_gateways_are_booked_as_cash_nothing_waits_for_a_choice_taken_back(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    save(owner, store, channel, gateway_id, payment_method_id=method(books))
    order_id = books.order(channel)
    save(owner, store, channel, gateway_id, version="1")
    assert state_of(books, order_id) == ("ready", None)


@pytest.mark.parametrize("htmx", [False, True])
def test_the_second_of_two_who_save_is_shown_what_changed_and_keeps_their_choice(
    owner: FlaskClient, books: Books, channel: SomeChannel, gateway_id: int, htmx: bool
) -> None:
    store, make = books.store, Make(books.app)
    maybank, tng = method(books), method(books, "TNG")
    colleague = make.person("Siti")
    make.member(store, colleague, Role.OWNER)
    save(signed_in(new_client(books.app), colleague), store, channel, gateway_id, payment_method_id=maybank)
    refused = save(owner, store, channel, gateway_id, htmx=htmx, payment_method_id=tng)
    assert refused.status_code == 422
    assert "Siti set this to “Maybank” just now, while your page was open." in refused.text
    assert mapping(books, gateway_id).payment_method_id == maybank
    row = refused.text.partition(f'id="gateway-{gateway_id}"')[2].partition("</form>")[0]
    assert f'<option value="{tng}" selected>' in row
    assert 'name="version" value="1"' in row
    again = save(owner, store, channel, gateway_id, version="1", payment_method_id=tng)
    assert again.status_code == 303
    assert mapping(books, gateway_id).payment_method_id == tng


def test_two_who_choose_the_same_do_not_disagree(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    maybank = method(books)
    for _press in range(2):
        assert save(owner, store, channel, gateway_id, payment_method_id=maybank).status_code == 303
    assert mapping(books, gateway_id).version == 1


def test_saving_again_frees_orders_that_were_left_behind(
    store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    maybank = method(books)
    with books.scope():
        choose_payment_method(gateway_id, maybank, 0, store.owner.id)
    books.order(channel, **WAITS)
    with books.scope():
        assert choose_payment_method(gateway_id, maybank, 1, store.owner.id) == Chosen("shopeepay", 1)


def test_a_gateway_is_listed_by_hand_before_its_first_order(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    maybank = method(books)
    url = store.url(f"/channels/{channel.id}/payments")
    added = owner.post(url, data={"gateway": " GrabPay ", "payment_method_id": maybank}, follow_redirects=True)
    assert "Added." in added.text
    assert "No order yet" in added.text
    again = owner.post(url, data={"gateway": "grabpay", "payment_method_id": ""}, follow_redirects=True)
    assert "It was listed already, so nothing was changed." in again.text
    with books.scope():
        (row,) = db.session.scalars(select(PaymentMapping).where(PaymentMapping.channel_id == channel.id))
        assert (row.gateway, row.gateway_key, row.payment_method_id, row.version) == ("GrabPay", "grabpay", maybank, 1)


def test_a_gateway_without_a_name_is_asked_for_its_name(
    owner: FlaskClient, store: SomeStore, channel: SomeChannel
) -> None:
    answer = owner.post(store.url(f"/channels/{channel.id}/payments"), data={"gateway": "", "payment_method_id": ""})
    assert answer.status_code == 422
    assert "Write how the channel calls it." in answer.text


def test_orders_without_a_gateway_have_a_row_that_says_so(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.gateway(channel, "")
    assert "No gateway" in page(owner, store, channel)


def test_a_gateway_of_another_channel_is_not_found(
    owner: FlaskClient, store: SomeStore, books: Books, gateway_id: int
) -> None:
    assert save(owner, store, books.channel("Second"), gateway_id).status_code == 404


def test_a_payment_method_of_another_store_is_not_chosen(
    owner: FlaskClient, books: Books, other_store: SomeStore, channel: SomeChannel, gateway_id: int
) -> None:
    theirs = method(Books(books.app, other_store))
    assert save(owner, books.store, channel, gateway_id, payment_method_id=theirs).status_code == 422


def test_a_reader_sees_the_choices_and_changes_none(
    reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    text = page(reader, store, channel)
    assert "ShopeePay" in text
    assert "<select" not in text
    assert save(reader, store, channel, gateway_id, payment_method_id=method(books)).status_code == 403
    assert mapping(books, gateway_id).payment_method_id is None


def test_a_stranger_gets_404(
    app: Flask, store: SomeStore, other_store: SomeStore, channel: SomeChannel, gateway_id: int
) -> None:
    stranger = signed_in(new_client(app), other_store.owner)
    assert save(stranger, store, channel, gateway_id).status_code == 404
    assert save(stranger, other_store, channel, gateway_id).status_code == 404


def test_the_page_costs_the_same_however_many_gateways_there_are(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.gateway(channel, "One")
    with books.app.app_context(), statements() as few:
        page(owner, store, channel)
    for number in range(12):
        books.gateway(channel, f"Gateway {number}")
    with books.app.app_context(), statements() as many:
        page(owner, store, channel)
    assert len(many) == len(few)


def by_name(
    client: FlaskClient, store: SomeStore, channel: SomeChannel, *gateway_ids: int, follow: bool = True
) -> TestResponse:
    url = store.url(f"/channels/{channel.id}/payments/by-name")
    ids = ",".join(str(one) for one in gateway_ids)
    return client.post(url, data={"gateways": ids}, follow_redirects=follow)


def methods_of(books: Books, channel: SomeChannel) -> dict[str, str | None]:
    """Gateway → the name of its payment method."""
    with books.scope():
        return {row.gateway: row.payment_method for row in gateways(channel.id)}


def test_each_gateway_gets_the_payment_method_of_its_name_at_one_press(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    """It is said before, new ones are made, those that are there are used, and what waited goes on."""
    set_rule(books, "hold")
    maybank = method(books, "MAYBANK")
    bank_id, nameless_id = books.gateway(channel, "Maybank "), books.gateway(channel, "")
    freed = books.orders(channel, [WAITS, WAITS | {"gateway": "Maybank"}])
    waits = books.order(channel, **WAITS | {"gateway": ""})
    assert "Make a payment method of each name" in page(owner, store, channel)
    asked = owner.get(store.url(f"/channels/{channel.id}/payments/by-name")).text
    assert "2 gateways get a payment method each" in asked
    assert "<li>ShopeePay: a new payment method</li>" in asked
    assert "<li>Maybank: your payment method “MAYBANK”</li>" in asked
    assert "<li>No gateway: choose its payment method yourself.</li>" in asked
    assert f'name="gateways" value="{bank_id},{gateway_id}"' in asked
    done = by_name(owner, store, channel, gateway_id, bank_id, nameless_id).text
    assert "2 gateways have their payment methods now." in done
    assert "2 orders are ready now." in done
    assert "Make a payment method of each name" not in done
    assert methods_of(books, channel) == {"ShopeePay": "ShopeePay", "Maybank ": "MAYBANK", "": None}
    saved = mapping(books, bank_id)
    assert (saved.payment_method_id, saved.version, saved.changed_by) == (maybank, 1, store.owner.id)
    assert {state_of(books, order_id) for order_id in freed} == {("ready", None)}
    assert state_of(books, waits) == ("held", "GATEWAY_UNMAPPED")
    with books.scope():
        told = db.session.execute(select(AuditEntry.user_id).where(AuditEntry.thing == "gateway")).scalars().all()
    assert told.count(store.owner.id) == 2


def test_what_changed_meanwhile_is_left_as_it_is(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    """Somebody mapped one, and archived the payment method of another; a new gateway was never asked about."""
    with books.scope():
        archive_payment_method(add_payment_method("Boost"))
    boost_id, grab_id, new_id = (books.gateway(channel, name) for name in ("boost", "GrabPay", "Atome"))
    save(owner, store, channel, gateway_id, payment_method_id=method(books))
    done = by_name(owner, store, channel, gateway_id, boost_id, grab_id).text
    assert "One gateway has its payment method now. The others were changed meanwhile" in done
    left = {"ShopeePay": "Maybank", "boost": None, "GrabPay": "GrabPay", "Atome": None}
    assert methods_of(books, channel) == left
    again = by_name(owner, store, channel, gateway_id, boost_id, grab_id).text
    assert "There is nothing to do: it was done already." in again
    assert mapping(books, grab_id).version == 1
    by_name(owner, store, channel, new_id)
    asked = owner.get(store.url(f"/channels/{channel.id}/payments/by-name"), follow_redirects=True).text
    assert "No payment method can be made of these names: choose one yourself." in asked


def test_mapping_all_gateways_costs_the_same_however_many_there_are(
    owner: FlaskClient, store: SomeStore, books: Books
) -> None:
    costs = []
    for count in (2, 15):
        channel = books.channel(f"Of {count}")
        ids = [books.gateway(channel, f"Wallet {count} {number}") for number in range(count)]
        books.orders(channel, [WAITS | {"gateway": f"Wallet {count} {number}"} for number in range(count)])
        with books.app.app_context(), statements() as made:
            assert by_name(owner, store, channel, *ids, follow=False).status_code == 303
        costs.append(len(made))
        assert None not in methods_of(books, channel).values()
    assert costs[0] == costs[1]


def test_all_gateways_of_two_channels_are_mapped_at_the_same_moment(books: Books, channel: SomeChannel) -> None:
    """Twice each, and one of them is saved alone meanwhile: nobody waits for another in a ring."""
    names, person = [f"Wallet {number}" for number in range(6)], books.store.owner.id
    channels = [channel, books.channel("Second")]
    ids = [[books.gateway(one, name) for name in names] for one in channels]
    maybank = method(books)
    acts = [partial(choose_by_name, one.id, of_it, person) for one, of_it in zip(channels, ids, strict=True)]
    alone = partial(choose_payment_method, ids[0][3], maybank, 0, person)
    outcomes = at_once(books, *acts, *acts, alone)
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert sum(one.gateways for one in outcomes if isinstance(one, ManyChosen)) in (11, 12)
    assert methods_of(books, channels[1]) == {name: name for name in names}
    with books.scope():
        assert sorted(choice.name for choice in payment_methods() if "Wallet" in choice.name) == names


def test_the_default_method_is_the_one_that_the_page_names(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, gateway_id: int
) -> None:
    with books.scope():
        default = db.session.scalars(select(PaymentMethod).where(PaymentMethod.is_default)).one()
        default.name = "Tunai"
        db.session.commit()
    assert "Not chosen: booked as Tunai" in page(owner, store, channel)
