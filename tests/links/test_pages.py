"""The pages of the agreement, as owners and their colleagues see them, with htmx and without."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.linking import LinkState
from app.extensions import db, limiter
from app.links import queries, services
from app.links.following import follow_due
from app.links.routes import CODES_BY_STORE
from app.links.settling import settle_due
from tests.links.pairs import Pair, code_of, put_on_plan
from tests.support.factories import Make, SomePerson, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}


@pytest.fixture
def main(app: Flask, pair: Pair) -> FlaskClient:
    """The owner of the main store."""
    return signed_in(new_client(app), pair.main.owner)


@pytest.fixture
def sub(app: Flask, pair: Pair) -> FlaskClient:
    """The owner of the store that is asked."""
    return signed_in(new_client(app), pair.sub.owner)


def reader(app: Flask, person: SomePerson) -> FlaskClient:
    return signed_in(new_client(app), person)


def path_of(answer: TestResponse) -> str:
    return urlsplit(answer.location or "").path


def type_code(client: FlaskClient, pair: Pair, code: str, **query: int) -> TestResponse:
    return client.post(pair.main.url("/channels/add/store"), data={"code": code}, query_string=query)


def connect(client: FlaskClient, pair: Pair) -> int:
    """Through the steps, as a browser without scripts goes; the link's id."""
    step = type_code(client, pair, pair.code())
    assert step.status_code == 303
    page = client.get(step.location).text
    (place,) = re.findall(r'<option (?:selected )?value="(\d+)">Main warehouse', page)
    done = client.post(step.location, data={"channel_name": "Their webstore", "location_id": place})
    assert done.status_code == 303, done.text
    return int(path_of(done).rpartition("/")[2])


def test_the_whole_way_without_scripts(main: FlaskClient, sub: FlaskClient, pair: Pair) -> None:
    link_id = connect(main, pair)
    waiting = main.get(pair.main.url(f"/channels/links/{link_id}")).text
    assert "has not answered yet" in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert "Their webstore" in main.get(pair.main.url("/channels/")).text
    page = sub.get(pair.sub.url("/channels/authorized")).text
    assert pair.main.name in page
    for words in (
        "sees your items",
        "sees your webstore orders",
        "sets the stock",
        "processes and ships",
        "does not see your invoices",
    ):
        assert f"{pair.main.name} {words}" in page
    assert f"/channels/links/{link_id}/grant" in page
    confirm = sub.get(pair.sub.url(f"/channels/links/{link_id}/grant")).text
    assert "Grant access to" in confirm
    granted = sub.post(pair.sub.url(f"/channels/links/{link_id}/grant"), follow_redirects=True).text
    assert f"You and {pair.main.name} are connected." in granted
    assert "has granted you access" in main.get(pair.main.url(f"/channels/links/{link_id}")).text


def test_a_request_is_counted_in_the_menu(app: Flask, main: FlaskClient, sub: FlaskClient, pair: Pair) -> None:
    badge = re.compile(r'id="count-channels-index" class="nav-count">\s*<span class="count">1<')
    assert not badge.search(sub.get(pair.sub.url("/channels/")).text)
    link_id = pair.pending()
    assert badge.search(sub.get(pair.sub.url("/channels/")).text)
    assert not badge.search(main.get(pair.main.url("/channels/")).text)
    part = sub.get(pair.sub.url("/channels/links?seen="), headers=HTMX).text
    assert 'id="count-channels-index" class="nav-count" hx-swap-oob="true"><span class="count">1<' in part
    pair.grant(link_id)
    assert not badge.search(sub.get(pair.sub.url("/channels/")).text)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Type the verification code"),
        ("ABCD", "This code has 4 letters; a verification code has 20."),
        ("A", "This code has one letter"),
        ("O" * 20, "has no 0, 1, I and O"),
        ("A" * 20, "No store has this code now"),
    ],
)
def test_a_code_that_is_none_is_told_apart_and_kept(main: FlaskClient, pair: Pair, typed: str, words: str) -> None:
    answer = type_code(main, pair, typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{typed}"' in answer.text


def test_the_own_code_is_told_so(app: Flask, main: FlaskClient, pair: Pair) -> None:
    answer = type_code(main, pair, code_of(app, pair.main))
    assert answer.status_code == 422
    assert "your own store" in answer.text


def test_every_check_is_listed_in_a_sentence_of_its_own(main: FlaskClient, pair: Pair) -> None:
    for number in range(5):
        pair.hold(f"SET-{number}", kit=True)
    pair.hold("MILK", tracking="batch")
    answer = type_code(main, pair, pair.code())
    assert answer.status_code == 422
    assert f"{pair.sub.name} holds 5 kits, such as SET-0, SET-1, and SET-2." in answer.text
    assert f"{pair.sub.name} holds one batch item: MILK." in answer.text
    assert f"{pair.sub.name} holds no serial items." in answer.text
    assert len(re.findall(r'<li class="is-broken">', answer.text)) == 2
    assert len(re.findall(r'<li class="is-ok">', answer.text)) == 6
    with pair.as_main():
        assert queries.links() == []


def test_a_smaller_plan_is_told_before_a_code_is_typed(app: Flask, main: FlaskClient, pair: Pair) -> None:
    put_on_plan(app, pair.main, "growth")
    assert "needs the plan Premium or Enterprise" in main.get(pair.main.url("/channels/add/store")).text
    answer = type_code(main, pair, pair.code())
    assert answer.status_code == 422
    assert pair.sub.name not in answer.text
    assert "In the way at the moment" in answer.text, "the card has a name although the store stays unnamed"
    assert answer.text.count("needs the plan Premium or Enterprise") == 1


def test_going_back_loses_nothing(main: FlaskClient, pair: Pair) -> None:
    options = type_code(main, pair, pair.code()).location
    page = main.get(options).text
    (place,) = re.findall(r'<option (?:selected )?value="(\d+)">Main warehouse', page)
    back = main.post(options, data={"channel_name": "Kedai Baru", "location_id": place, "go": "back"})
    code_page = main.get(back.location).text
    assert f"The code of {pair.sub.name} was right" in code_page
    onward = main.post(back.location, data={"code": ""})
    assert onward.location == options
    assert 'value="Kedai Baru"' in main.get(options).text
    again = type_code(main, pair, pair.code())
    assert again.location == options, "the same code leads to the same draft"
    assert "Not asked yet" in main.get(pair.main.url("/channels/")).text


def test_without_a_warehouse_the_page_says_where_to_make_one(main: FlaskClient, pair: Pair) -> None:
    options = type_code(main, pair, pair.code()).location
    with pair.as_main():
        db.session.execute(text("update locations set archived_at = now()"))
        db.session.commit()
    page = main.get(options).text
    assert "You have no warehouse" in page
    assert "/settings/warehouses" in page
    refused = main.post(options, data={"channel_name": "Theirs", "location_id": "1"})
    assert refused.status_code == 422
    assert 'value="Theirs"' in refused.text


def test_a_request_is_denied_with_words_that_the_other_store_reads(
    main: FlaskClient, sub: FlaskClient, pair: Pair
) -> None:
    link_id = pair.pending()
    deny = pair.sub.url(f"/channels/links/{link_id}/deny")
    assert "Reason (optional)" in sub.get(deny).text
    too_long = sub.post(deny, data={"words": "x" * 301})
    assert too_long.status_code == 422
    assert pair.state(link_id) is LinkState.PENDING
    answer = sub.post(deny, data={"words": "Call us <first>"}, follow_redirects=True)
    assert "saw nothing of your store" in answer.text
    page = main.get(pair.main.url(f"/channels/links/{link_id}")).text
    assert "Call us &lt;first&gt;" in page
    assert "Ask again" in page
    assert pair.sub.owner.name not in page, "who denied it is not told"
    assert pair.sub.owner.name in sub.get(pair.sub.url(f"/channels/links/{link_id}")).text
    assert "Denied" in main.get(pair.main.url("/channels/")).text


def test_an_answer_that_comes_too_late_is_told_how_it_stands(sub: FlaskClient, pair: Pair) -> None:
    link_id = pair.pending()
    with pair.as_main():
        services.withdraw(link_id, "Main")
    for act in ("grant", "deny"):
        answer = sub.post(pair.sub.url(f"/channels/links/{link_id}/{act}"), follow_redirects=True)
        assert "This was not done" in answer.text
        assert "Withdrawn" in answer.text


def test_a_grant_that_a_rule_forbids_says_what_to_do(sub: FlaskClient, pair: Pair) -> None:
    link_id = pair.pending()
    pair.hold("SET", kit=True)
    grant = pair.sub.url(f"/channels/links/{link_id}/grant")
    assert "This store holds one kit: SET." in sub.get(grant).text
    answer = sub.post(grant)
    assert answer.status_code == 422
    assert "Archive them, or change how they are kept, under Inventory." in answer.text


def test_withdrawing_and_asking_again(main: FlaskClient, pair: Pair) -> None:
    link_id = pair.pending()
    page = main.post(pair.main.url(f"/channels/links/{link_id}/withdraw"), follow_redirects=True).text
    assert "Withdrawn. You can ask again" in page
    step = main.post(pair.main.url(f"/channels/links/{link_id}/ask-again"))
    assert 'value="Their webstore"' in main.get(step.location).text
    gone = main.post(step.location.split("?")[0].replace("/add/store/", "/links/") + "/withdraw", follow_redirects=True)
    assert "was not asked" in gone.text


@pytest.mark.parametrize("by_main", [True, False])
def test_the_end_says_what_happens_and_asks_about_the_stock(
    main: FlaskClient, sub: FlaskClient, pair: Pair, by_main: bool
) -> None:
    link_id = pair.connected()
    client, store = (main, pair.main) if by_main else (sub, pair.sub)
    end = store.url(f"/channels/links/{link_id}/end")
    page = client.get(end).text
    for words in ("Open orders", "History", "Keep the last numbers", "Set to zero"):
        assert words in page
    assert client.post(end, data={"stock": "burn"}).status_code == 422
    assert pair.state(link_id) is LinkState.CONNECTED
    assert "has ended" in client.post(end, data={"stock": "zero"}, follow_redirects=True).text
    for other, place in ((main, pair.main), (sub, pair.sub)):
        told = other.get(place.url(f"/channels/links/{link_id}")).text
        assert "The link has ended" in told
        assert f"The stock of {pair.sub.name} was set to zero." in told


def test_a_part_is_fetched_again_only_when_it_changed(main: FlaskClient, sub: FlaskClient, pair: Pair) -> None:
    link_id = pair.pending()
    url = pair.main.url(f"/channels/links/{link_id}")
    (seen,) = re.findall(r"\?seen=([\d.]+)", main.get(url).text)
    assert main.get(f"{url}?seen={seen}", headers=HTMX).status_code == 204
    pair.grant(link_id)
    part = main.get(f"{url}?seen={seen}", headers=HTMX)
    assert part.status_code == 200
    assert "Connected" in part.text
    assert "<html" not in part.text
    authorized = pair.sub.url("/channels/authorized")
    (stamp,) = re.findall(r"authorized\?seen=([\d.-]+)", sub.get(authorized).text)
    assert sub.get(f"{authorized}?seen={stamp}", headers=HTMX).status_code == 204
    assert "Connected" in sub.get(f"{authorized}?seen=0", headers=HTMX).text


def test_a_granted_link_is_told_once_on_the_channels_page(app: Flask, main: FlaskClient, pair: Pair) -> None:
    """By its channel's card, which leads to the link; a page that was open keeps the card that it knew."""
    link_id = pair.pending()
    index = pair.main.url("/channels/")
    (stamp,) = re.findall(r"channels/links\?seen=([\d.-]+)", main.get(index).text)
    pair.grant(link_id)
    with app.app_context():
        follow_due(1000)
    page = main.get(index).text
    assert f'id="link-card-{link_id}"' not in page
    assert f'<a class="btn" href="{pair.main.url(f"/channels/links/{link_id}")}">Link</a>' in page
    part = main.get(f"{pair.main.url('/channels/links')}?seen={stamp}", headers=HTMX).text
    assert f'id="link-card-{link_id}"' in part
    assert "Connected" in part
    assert "Open the channel" in main.get(pair.main.url(f"/channels/links/{link_id}")).text


def test_a_suspended_link_is_explained_where_its_channel_stands(app: Flask, main: FlaskClient, pair: Pair) -> None:
    pair.connected()
    with app.app_context():
        follow_due(1000)
    pair.hold("SET", kit=True)
    with app.app_context():
        settle_due(1000)
        follow_due(1000)
    page = main.get(pair.main.url("/channels/")).text
    assert f"The link with {pair.sub.name} is suspended" in page
    assert f"{pair.sub.name} holds one kit: SET." in page
    assert "Reconnect" not in page


def test_a_link_that_is_over_asks_no_more(main: FlaskClient, pair: Pair) -> None:
    link_id = pair.pending()
    url = pair.main.url(f"/channels/links/{link_id}")
    assert 'hx-trigger="sse:links, every 5s"' in main.get(url).text
    with pair.as_main():
        services.withdraw(link_id, "Main")
    part = main.get(url).text
    assert 'id="link" class="stack">' in part


def test_the_code_is_shown_to_owners_and_to_nobody_else(app: Flask, sub: FlaskClient, pair: Pair) -> None:
    general = pair.sub.url("/settings/general")
    page = sub.get(general).text
    (code,) = re.findall(r"<code>((?:[2-9A-HJ-NP-Z]{4}-){4}[2-9A-HJ-NP-Z]{4})</code>", page)
    assert f'data-copy="{code}"' in page
    assert "<svg" in page[page.index("link-code-picture") :]
    assert "style=" not in page[page.index("link-code-picture") :].partition("</svg>")[0]
    assert code in sub.get(general).text, "it stays the same"
    other = reader(app, pair.sub.reader).get(general).text
    assert code not in other
    assert "shown to owners" in other


def test_changing_the_code_says_what_it_does_and_ends_requests(main: FlaskClient, sub: FlaskClient, pair: Pair) -> None:
    old, link_id = pair.code(), pair.pending()
    rotate = pair.sub.url("/settings/general/code")
    asked = sub.get(rotate).text
    assert "The request that waits for your answer ends" in asked
    assert pair.code() == old
    page = sub.post(rotate, follow_redirects=True).text
    assert old not in page
    assert pair.state(link_id) is LinkState.EXPIRED
    assert "was changed before the request was answered" in main.get(pair.main.url(f"/channels/links/{link_id}")).text
    assert "No store has this code now" in type_code(main, pair, old).text


def test_a_read_only_colleague_sees_and_cannot_answer(app: Flask, pair: Pair) -> None:
    link_id = pair.pending()
    client = reader(app, pair.sub.reader)
    page = client.get(pair.sub.url("/channels/authorized")).text
    assert pair.main.name in page
    assert "/grant" not in page
    assert "An owner or manager of your store can grant or deny it." in page
    for act in ("grant", "deny", "end", "withdraw"):
        assert client.post(pair.sub.url(f"/channels/links/{link_id}/{act}")).status_code == 403
    assert pair.state(link_id) is LinkState.PENDING


def test_codes_are_tried_so_often_and_no_more(app: Flask, make: Make, pair: Pair) -> None:
    """Counted by store: another person or another browser of the same store does not begin anew."""
    limiter.reset()
    times = int(CODES_BY_STORE.split()[0])
    for _ in range(times):
        client = signed_in(new_client(app), pair.main.owner)
        assert type_code(client, pair, "A" * 20).status_code == 422
    refused = type_code(signed_in(new_client(app), pair.main.owner), pair, pair.code())
    assert refused.status_code == 429
    other = pair_of_same_owner(app, make)
    assert type_code(signed_in(new_client(app), other.main.owner), other, "A" * 20).status_code == 422


def pair_of_same_owner(app: Flask, make: Make) -> Pair:
    """Another store, which has used up nothing."""
    store = make.store()
    put_on_plan(app, store, "premium")
    return Pair(app, store, make.store())


def test_codes_are_tried_so_often_from_one_address(app: Flask, make: Make) -> None:
    client, answers = new_client(app), []
    for _ in range(4):
        pair = pair_of_same_owner(app, make)
        signed_in(client, pair.main.owner)
        answers += [type_code(client, pair, "A" * 20).status_code for _ in range(16)]
    assert answers == [422] * 60 + [429] * 4
