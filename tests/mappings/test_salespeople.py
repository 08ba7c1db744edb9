"""Channels: the salesperson in charge of each marketplace."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.mappings.models import SalespersonMapping
from app.mappings.services import add_salesperson, archive_salesperson
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}


def person(books: Books, name: str = "Farah") -> int:
    with books.scope():
        return add_salesperson(name)


def in_charge(books: Books, channel: SomeChannel) -> tuple[int | None, int]:
    with books.scope():
        row = db.session.get(SalespersonMapping, (books.store.id, channel.marketplace_id))
        return (None, 0) if row is None else (row.salesperson_id, row.version)


def save(
    client: FlaskClient, store: SomeStore, channel: SomeChannel, *, htmx: bool = False, **data: Any
) -> TestResponse:
    url = store.url(f"/channels/{channel.id}/marketplaces/{channel.marketplace_id}")
    return client.post(url, data={"version": "0", "salesperson_id": "", **data}, headers=HTMX if htmx else {})


def test_a_salesperson_is_put_in_charge(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    farah = person(books)
    answer = save(owner, store, channel, salesperson_id=farah)
    assert answer.location.endswith(f"/marketplaces#marketplace-{channel.marketplace_id}")
    assert in_charge(books, channel) == (farah, 1)
    shown = owner.get(store.url(f"/channels/{channel.id}/marketplaces")).text
    assert f'<option value="{farah}" selected>Farah</option>' in shown
    assert store.owner.name in shown


def test_nobody_takes_the_choice_back(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    save(owner, store, channel, salesperson_id=person(books))
    save(owner, store, channel, version="1")
    assert in_charge(books, channel) == (None, 2)


def test_a_new_salesperson_is_made_in_the_row_and_chosen(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    answer = save(owner, store, channel, htmx=True, new_name="Kavitha")
    assert answer.headers["HX-Retarget"] == "#marketplaces"
    assert answer.text.strip().startswith('<div id="marketplaces">')
    assert ">Kavitha</option>" in answer.text
    assert in_charge(books, channel)[1] == 1


def test_with_htmx_the_row_comes_back_alone(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    answer = save(owner, store, channel, htmx=True, salesperson_id=person(books))
    assert answer.text.strip().startswith(f'<div class="mapping-row" id="marketplace-{channel.marketplace_id}">')


@pytest.mark.parametrize("htmx", [False, True])
def test_the_second_of_two_who_save_is_shown_what_changed(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, htmx: bool
) -> None:
    farah, weng = person(books), person(books, "Weng")
    save(owner, store, channel, salesperson_id=farah)
    refused = save(owner, store, channel, htmx=htmx, salesperson_id=weng)
    assert refused.status_code == 422
    assert "set this to “Farah” just now" in refused.text
    assert f'<option value="{weng}" selected>' in refused.text
    assert in_charge(books, channel) == (farah, 1)


def test_two_who_choose_the_same_do_not_disagree(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    farah = person(books)
    assert [save(owner, store, channel, salesperson_id=farah).status_code for _press in range(2)] == [303, 303]
    assert in_charge(books, channel) == (farah, 1)


def test_an_archived_salesperson_is_not_chosen(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    with books.scope():
        gone = add_salesperson("Gone")
        archive_salesperson(gone)
    for data in ({"salesperson_id": gone}, {"new_name": "Gone"}):
        answer = save(owner, store, channel, **data)
        assert answer.status_code == 422
        assert "This salesperson was archived." in answer.text
    assert in_charge(books, channel) == (None, 0)


def test_a_marketplace_of_another_channel_is_not_found(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    other = books.channel("Second")
    mixed = SomeChannel(other.id, other.name, channel.marketplace_id)
    assert save(owner, store, mixed).status_code == 404


def test_a_reader_sees_who_is_in_charge_and_changes_nothing(
    owner: FlaskClient, reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    save(owner, store, channel, salesperson_id=person(books))
    text = reader.get(store.url(f"/channels/{channel.id}/marketplaces")).text
    assert "Farah" in text
    assert "<select" not in text
    assert save(reader, store, channel, version="1").status_code == 403


def test_a_stranger_gets_404(app: Flask, store: SomeStore, other_store: SomeStore, channel: SomeChannel) -> None:
    stranger = signed_in(new_client(app), other_store.owner)
    assert save(stranger, store, channel).status_code == 404
    assert save(stranger, other_store, channel).status_code == 404
