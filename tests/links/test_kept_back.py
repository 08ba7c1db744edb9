"""What a main store keeps back from a linked store: the form, and that all that is offered is told anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.later import finish
from app.channels.services import keep_back
from app.links.peer import LinkedPeer
from tests.links.flowing import Shelf
from tests.orders.factories import Books
from tests.support.factories import signed_in
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant


@pytest.fixture
def owner(main: Merchant) -> FlaskClient:
    """The owner of the main store."""
    return signed_in(new_client(main.app), main.store.owner)


@pytest.fixture
def channel(main: Merchant, shelf: Shelf) -> str:
    """Where the channel is, with three items: 7, 2 and none of which are available."""
    shelf.link("KOPI-1", "TEH-1", "ROTI-1")
    shelf.put("KOPI-1", 7)
    shelf.put("TEH-1", 2)
    shelf.flow()
    return main.store.url(f"/channels/{main.channel_id}")


def press(client: FlaskClient, channel: str, pieces: str) -> int:
    return client.post(f"{channel}/stock", data={"pieces": pieces}).status_code


def test_what_is_kept_back_is_told_at_once(owner: FlaskClient, shelf: Shelf, channel: str) -> None:
    assert shelf.there() == {"KOPI-1": 7, "TEH-1": 2}
    assert press(owner, channel, "3") == 303
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 4, "TEH-1": 0}
    assert press(owner, channel, "0") == 303
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 7, "TEH-1": 2}


def test_saving_the_same_number_tells_nothing(main: Merchant, owner: FlaskClient, shelf: Shelf, channel: str) -> None:
    before = main.rows("select count(*) from sync_jobs")
    press(owner, channel, "0")
    shelf.flow()
    assert main.rows("select count(*) from sync_jobs") == before


def test_the_page_says_what_is_told_now(owner: FlaskClient, channel: str) -> None:
    press(owner, channel, "3")
    page = " ".join(owner.get(f"{channel}/settings").text.split())
    assert "3 items are linked" in page
    assert "2 of them are told as sold out" in page
    assert 'data-label="Available">7</td><td class="num" data-label="Told">4<' in page
    assert 'data-label="Available">2</td><td class="num" data-label="Told">0<' in page


@pytest.mark.parametrize("pieces", ["", "-1", "some", "1.5", "1000000000"])
def test_nonsense_is_refused_and_what_was_typed_stays(
    main: Merchant, owner: FlaskClient, channel: str, pieces: str
) -> None:
    answer = owner.post(f"{channel}/stock", data={"pieces": pieces})
    assert answer.status_code == 422
    assert ("That is too many." if pieces.isdigit() else "Type a number in digits, like 23.") in answer.text
    assert f'value="{pieces}"' in answer.text
    assert main.rows("select stock_buffer from channels")[0][0] == 0


def test_a_channel_that_is_told_no_stock_has_nothing_to_keep_back(main: Merchant, owner: FlaskClient) -> None:
    channel = Books(main.app, main.store).channel()
    path = main.store.url(f"/channels/{channel.id}")
    assert press(owner, path, "3") == 404
    assert "Pieces to keep back" not in owner.get(f"{path}/settings").text


def test_a_reader_sees_the_number_and_no_form(main: Merchant, channel: str) -> None:
    reader = signed_in(new_client(main.app), main.store.reader)
    page = reader.get(f"{channel}/settings").text
    assert "Pieces to keep back" in page
    assert f"{channel}/stock" not in page
    assert press(reader, channel, "3") == 403


@pytest.fixture
def in_between(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Have something happen right after the next telling, before it is recorded."""
    todo: list[Callable[[], None]] = []
    real = LinkedPeer.set_stock

    def tell(self: LinkedPeer, *args: Any) -> None:
        real(self, *args)
        while todo:
            todo.pop()()

    monkeypatch.setattr(LinkedPeer, "set_stock", tell)
    yield todo.append
    assert todo == [], "it happened"


def test_a_number_that_is_saved_while_stock_is_told_is_not_forgotten(
    main: Merchant, shelf: Shelf, channel: str, in_between: Callable[[Callable[[], None]], None]
) -> None:
    def save() -> None:
        with main.app.app_context(), main.scope():
            keep_back(main.channel_id, 5)

    shelf.put("KOPI-1", 9)
    in_between(save)
    shelf.flow()
    assert shelf.there() == {"KOPI-1": 4, "TEH-1": 0}
    main.tick()
    assert main.rows("select count(*) from sync_jobs where state = 'queued'")[0][0] == 0, channel


def test_a_count_is_told_without_waiting_for_the_tick(main: Merchant, shelf: Shelf, owner: FlaskClient) -> None:
    shelf.link("KOPI-1")
    shelf.flow()
    ((item, place),) = main.rows("select (select id from items), (select min(id) from locations)")
    page = owner.get(main.store.url(f"/inventory/{item}")).text
    form = {name: re.search(rf'name="{name}"[^>]*value="(\w+)"', page)[1] for name in ("seen", "key")}  # type: ignore[index]
    form |= {"location_id": str(place), "how": "set", "pieces": "7", "reason": "counted"}
    assert owner.post(main.store.url(f"/inventory/{item}/adjust"), data=form).status_code == 303
    finish()
    main.work()
    assert shelf.there() == {"KOPI-1": 7}
