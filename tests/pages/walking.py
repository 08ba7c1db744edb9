"""Every page of a store and outside it, found in the application's own map of URLs and opened by a member of each role.

The owner opens whatever answers a GET. What turns out to be a page, and no part of one, file or redirect, is opened
by everybody else as well; that who must not see it is told so, is tried in one state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient

from app.core.roles import Role
from app.web.needs import InStore
from tests.links.pairs import pair_of
from tests.pages.states import Prepared, State
from tests.support.factories import Make, SomePerson, signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import NEEDS, ROUTES, RULES

_FOUND: Final = frozenset({200, 303})
_REFUSED: Final = frozenset({403})
_NOT_HERE: Final = frozenset({404})


@dataclass(frozen=True, slots=True)
class Page:
    """What a URL answered, and what it might have; `html` is '' where that is no page: a part, a file, a redirect."""

    name: str
    url: str
    status: int
    expected: frozenset[int]
    html: str

    def __str__(self) -> str:
        return f"{self.name}: {self.status} {self.url}"


def walk(app: Flask, prepared: Prepared) -> Iterator[Page]:
    """Every page of one store, by a member of each role; whatever else answers a GET, by the owner."""
    pages = []
    for endpoint, page in walk_as(app, prepared, Role.OWNER, getting(in_store=True)):
        yield page
        if page.html and page.status == 200:
            pages.append(endpoint)
    for role in prepared.staff.keys() - {Role.OWNER}:
        mine = [one for one in pages if prepared.state is State.ONE or _expected(prepared, role, one) != _REFUSED]
        yield from (page for _endpoint, page in walk_as(app, prepared, role, mine))


def getting(*, in_store: bool) -> list[str]:
    """Every endpoint that answers a GET, inside stores or outside of them; streams are no pages."""
    return [
        endpoint
        for endpoint, rules in sorted(RULES.items())
        if any("GET" in (rule.methods or ()) for rule in rules)
        and isinstance(NEEDS[endpoint], InStore) is in_store
        and endpoint != "sync.events"
    ]


def opened(client: FlaskClient, name: str, url: str, expected: frozenset[int] = frozenset({200})) -> Page:
    """What a browser gets at a URL."""
    answer = client.get(url)
    is_page = answer.mimetype == "text/html" and answer.status_code != 303 and "<!doctype html>" in answer.text[:200]
    return Page(name, url, answer.status_code, expected, answer.text if is_page else "")


def url_of(app: Flask, endpoint: str, values: Mapping[str, Any]) -> str:
    """The URL of an endpoint with these values, or with those of the table of routes."""
    rule = RULES[endpoint][0]
    known = {**values, **ROUTES[endpoint].values}
    return app.url_map.bind("localhost").build(endpoint, {name: known[name] for name in rule.arguments})


def walk_as(app: Flask, prepared: Prepared, role: Role, endpoints: list[str]) -> Iterator[tuple[str, Page]]:
    """What each of these endpoints of a store answers to a member of one role."""
    client = signed_in(new_client(app), prepared.staff[role])
    for endpoint in endpoints:
        url = url_of(app, endpoint, {**prepared.values, "store": prepared.store.slug})
        name = f"{endpoint} of {prepared.state} as {role}"
        yield endpoint, opened(client, name, url, _expected(prepared, role, endpoint))


def _expected(prepared: Prepared, role: Role, endpoint: str) -> frozenset[int]:
    need = NEEDS[endpoint]
    assert isinstance(need, InStore)
    if not role.may(need.read):
        return _REFUSED
    names_a_row = RULES[endpoint][0].arguments & prepared.values.keys()
    if prepared.state is State.EMPTY and names_a_row:
        return _FOUND | _NOT_HERE
    return _FOUND | ROUTES[endpoint].also


def walk_outside(app: Flask, who: SomePerson | None) -> Iterator[Page]:
    """Every page that belongs to no store, by somebody who is signed in, or by nobody."""
    client = signed_in(new_client(app), who) if who else new_client(app)
    for endpoint in getting(in_store=False):
        if not endpoint.startswith(("static", "health.")):
            expected = _FOUND | ROUTES[endpoint].also
            yield opened(client, f"{endpoint} outside", url_of(app, endpoint, {}), expected)


def walk_links(app: Flask) -> Iterator[Page]:
    """The pages on which two stores agree, which are there only until they have."""
    pair = pair_of(app, Make(app))
    link_id = pair.draft()
    steps = (
        (pair.main, ("links.options",)),
        (pair.sub, ("links.authorized", "links.grant", "links.deny", "links.show")),
    )
    for store, endpoints in steps:
        client = signed_in(new_client(app), store.owner)
        for endpoint in endpoints:
            url = url_of(app, endpoint, {"store": store.slug, "link_id": link_id})
            yield opened(client, f"{endpoint} outside", url)
        if store is pair.main:
            pair.ask(link_id)
