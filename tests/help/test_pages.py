"""Each page says what it is: no page of a store is without its "?"."""

from __future__ import annotations

from flask import Flask

from app.core.roles import Role
from app.help.pages import ABOUT
from tests.support.factories import signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import IN_STORE, OUTSIDE, ROUTES, Visit, furnish, methods_of

_NO_PAGES = """
    channels.export_links channels.orders_news channels.products_head channels.refresh_part channels.status
    channels.tabs completeness.export completeness.of_job completeness.print_view completeness.standing
    inventory.export_items inventory.export_movements invoices.credit_note_pdf invoices.credit_note_print
    invoices.credit_notes_export invoices.export invoices.pdf invoices.print_view invoices.register_csv
    invoices.register_print links.cards links.order_journey notices.count notices.menu orders.export
    orders.failed_cause_live orders.failed_live orders.import_template orders.rows reports.home_jobs
    reports.home_sales reports.home_state reports.home_steps reports.marketplace_channels_csv
    reports.marketplace_channels_print settings.audit_export sync.activity sync.events sync.job_line sync.job_part
    sync.strip
"""
NO_PAGES = frozenset(_NO_PAGES.split())
"""What is asked for by GET and is no page: parts of pages, files, sheets for the printer."""


def test_every_page_is_in_the_table() -> None:
    asked = {endpoint for endpoint in IN_STORE if "GET" in methods_of(endpoint)}
    assert asked - NO_PAGES - ABOUT.keys() == set(), "say in app.help.pages what these pages are for"
    assert asked >= NO_PAGES
    assert ABOUT.keys() - asked - set(OUTSIDE) == set(), "these are gone: take them out of the table"


def test_every_page_shows_what_it_is(app: Flask) -> None:
    furnished = furnish(app)
    client = signed_in(new_client(app), furnished.staff[Role.OWNER])
    silent, seen = [], set()
    for endpoint in IN_STORE:
        if "GET" not in methods_of(endpoint) or endpoint == "sync.events":
            continue
        answer = Visit(app, endpoint, {**furnished.values, **ROUTES[endpoint].values}).open(
            client, "GET", furnished.store.slug
        )
        if answer.status_code != 200 or answer.mimetype != "text/html" or '<main id="main"' not in answer.text:
            continue
        seen.add(endpoint)
        if answer.text.count('<details class="menu what-is-this">') != 1:
            silent.append(endpoint)
    assert silent == []
    assert len(seen) > 60
    assert seen <= ABOUT.keys()
