"""Product Sync's files: links as CSV out, and in again after a look at what would change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from flask import abort, g, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.catalog.items import NoSuchItem
from app.channels.queries import ChannelRow
from app.channels.routes import blueprint, channel_or_404, tab_page
from app.core.roles import Ability
from app.mappings.link_files import HEADING, MOST_BYTES, Step, cells, preview, read_file
from app.mappings.linking import Wanted
from app.mappings.listing_queries import ListingFilter, all_listings
from app.mappings.product_pages import freed_words
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.orders.linking import ManyLinked, save_links
from app.sync.counted import tell
from app.tenancy.scope import store_scope
from app.web.args import read_args
from app.web.needs import needs
from app.web.respond import csv_answer, done
from app.web.sheets import BadFile, content_of

SHOWN: Final = 100
_STEP = re.compile(r"(\d{1,18})\.(\d{1,18})\.(\d{0,18})", re.ASCII)


@blueprint.get("/<int:channel_id>/products.csv")
@needs(Ability.LOOK)
def export_links(channel_id: int) -> Response:
    """The products that match, with the items that they mean."""
    channel = channel_or_404(channel_id)
    where, store_id = read_args(ListingFilter, request.args), g.store.id

    def lines() -> Iterator[str]:
        with store_scope(store_id):
            yield BYTE_ORDER_MARK
            yield from csv_lines([HEADING])
            yield from csv_lines(cells(row) for row in all_listings(channel.id, where))

    return csv_answer(lines(), f"products-{channel.id}")


@blueprint.route("/<int:channel_id>/products/import", methods=["GET", "POST"])
@needs(Ability.CATALOG)
def import_links(channel_id: int) -> Response:
    """Choose a file; see what it would change; then, and only then, change it."""
    channel = channel_or_404(channel_id)
    if request.method == "GET":
        return _form(channel)
    if "changes" in request.form:
        return _save(channel, request.form["changes"])
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _form(channel, _("Choose a file first."))
    try:
        told = preview(channel_id, read_file(content_of(upload, MOST_BYTES)))
    except BadFile as problem:
        return _form(channel, str(problem))
    return tab_page(
        "mappings/products_import_preview.html",
        "products",
        channel,
        told=told,
        groups=_groups(told.new, told.changed, told.removed),
        changes=",".join(_packed(step.wanted) for step in told.steps),
        shown=SHOWN,
    )


def _form(channel: ChannelRow, problem: str = "") -> Response:
    return tab_page(
        "mappings/products_import.html", "products", channel, status=422 if problem else 200, problem=problem
    )


def _groups(new: Sequence[Step], changed: Sequence[Step], removed: Sequence[Step]) -> list[tuple[str, Sequence[Step]]]:
    named = (
        (ngettext("One new link", "%(num)s new links", len(new)), new),
        (ngettext("One link to another item", "%(num)s links to other items", len(changed)), changed),
        (ngettext("One link taken away", "%(num)s links taken away", len(removed)), removed),
    )
    return [(title, steps) for title, steps in named if steps]


def _save(channel: ChannelRow, changes: str) -> Response:
    try:
        saved = save_links(channel.id, _unpacked(changes), g.membership.user_id)
    except NoSuchItem:
        return _form(channel, _("One of the items is no longer in use. Import the file again to see which."))
    tell(saved.followed)
    category = "warning" if saved.saved.passed_over or saved.saved.barred else "success"
    return done(url_for(".products", channel_id=channel.id), _words(saved), category=category)


def _words(many: ManyLinked) -> str:
    changed = len(many.saved.linked) + len(many.saved.unlinked)
    words = ngettext("One link was saved.", "%(num)s links were saved.", changed)
    if many.saved.passed_over:
        words += " " + ngettext(
            "One was changed by somebody else meanwhile and left as it is.",
            "%(num)s were changed by somebody else meanwhile and left as they are.",
            many.saved.passed_over,
        )
    if many.saved.barred:
        words += " " + ngettext(
            "One cannot be linked any more and was left as it is.",
            "%(num)s cannot be linked any more and were left as they are.",
            many.saved.barred,
        )
    return words + freed_words(many.freed)


def _packed(wanted: Wanted) -> str:
    return f"{wanted.listing_id}.{wanted.version}.{'' if wanted.item_id is None else wanted.item_id}"


def _unpacked(changes: str) -> list[Wanted]:
    found: list[Any] = [_STEP.fullmatch(part) for part in changes.split(",") if part]
    if not all(found):
        abort(422, _("Import the file again."))
    return [Wanted(int(one[1]), int(one[2]), int(one[3]) if one[3] else None) for one in found]
