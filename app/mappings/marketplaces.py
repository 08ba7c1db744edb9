"""Channels, the place of a channel where each marketplace gets its salesperson in charge."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, flash, g, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.accounts.limits import limit_person
from app.channels.connecting import kind_of
from app.channels.queries import ChannelRow
from app.channels.routes import TESTS_A_MINUTE, blueprint, channel_or_404, tab_page
from app.channels.services import refresh_marketplaces
from app.core.errors import ChannelError
from app.core.roles import Ability
from app.mappings import queries, services
from app.mappings.choosing import NotChosen, chosen_id, disagreement, require_valid, whole_list
from app.mappings.forms import ChoiceForm, SalespersonChoiceForm
from app.mappings.gateways import Conflict
from app.mappings.queries import MarketplaceChoice
from app.mappings.salespeople import NoSuchSalesperson, save_salesperson_mapping
from app.web.needs import needs
from app.web.respond import done, fragment, redirect_to, wants_fragment


@dataclass(frozen=True, slots=True)
class MarketplaceLine:
    """A row of Channels."""

    row: MarketplaceChoice
    chosen: int | None
    new_name: str = ""
    problem: str = ""


@blueprint.get("/<int:channel_id>/marketplaces")
@needs(Ability.LOOK)
def marketplaces(channel_id: int) -> Response:
    """Marketplace → salesperson in charge."""
    return _marketplaces_page(channel_or_404(channel_id))


@blueprint.route("/<int:channel_id>/marketplaces/<int:marketplace_id>", methods=["GET", "POST"])
@needs(Ability.LOOK, write=Ability.MAPPINGS)
def save_marketplace(channel_id: int, marketplace_id: int) -> Response:
    """Save one row: an existing salesperson, a new one, or nobody."""
    channel = channel_or_404(channel_id)
    row = queries.marketplace_choice(marketplace_id)
    if row is None or row.channel_id != channel_id:
        abort(404)
    if request.method == "GET":
        return redirect_to(_marketplace_url(channel_id, marketplace_id))
    form = SalespersonChoiceForm(request.form)
    picked = form.salesperson_id.data
    try:
        require_valid(form)
        picked = chosen_id(form, picked, queries.salespeople, services.add_salesperson, _gone_person())
        saved = save_salesperson_mapping(marketplace_id, picked, form.version.data, g.membership.user_id)
    except NoSuchSalesperson:
        return _marketplace_refused(channel, marketplace_id, None, form, _gone_person())
    except NotChosen as problem:
        return _marketplace_refused(channel, marketplace_id, picked, form, str(problem))
    if isinstance(saved, Conflict):
        current = queries.marketplace_choice(marketplace_id) or row
        words = disagreement(current.changed_by, current.changed_at, current.salesperson)
        return _marketplace_refused(channel, marketplace_id, picked, form, words)
    lines = _marketplace_lines(channel_id)
    response = done(
        _marketplace_url(channel_id, marketplace_id),
        _("Saved."),
        fragment="mappings/_marketplaces.html" if form.new_name.data else "mappings/_marketplace_row.html",
        channel=channel,
        kind=kind_of(channel.kind),
        lines=lines,
        line=next(line for line in lines if line.row.marketplace_id == marketplace_id),
        people=queries.salespeople(),
    )
    return whole_list(response, "#marketplaces") if form.new_name.data else response


@blueprint.post("/<int:channel_id>/marketplaces/refresh")
@needs(Ability.SYNC)
@limit_person(TESTS_A_MINUTE)
def refresh(channel_id: int) -> Response:
    """Ask the channel for its marketplaces now."""
    channel = channel_or_404(channel_id)
    back = url_for("channels.marketplaces", channel_id=channel_id)
    try:
        new = refresh_marketplaces(channel_id).new
    except ChannelError as error:
        flash(error.user_message, "danger")
        return redirect_to(back)
    if kind_of(channel.kind).has_branches:
        words = ngettext("One new branch was found.", "%(num)s new branches were found.", new)
        nothing = _("No new branch.")
    else:
        words = ngettext("One new marketplace was found.", "%(num)s new marketplaces were found.", new)
        nothing = _("No new marketplace.")
    return done(back, words if new else nothing, category="success" if new else "info")


def _marketplaces_page(channel: ChannelRow) -> Response:
    lines = _marketplace_lines(channel.id)
    return tab_page("mappings/marketplaces.html", "marketplaces", channel, lines=lines, people=queries.salespeople())


def _marketplace_lines(channel_id: int) -> list[MarketplaceLine]:
    return [MarketplaceLine(row, row.salesperson_id) for row in queries.marketplace_choices(channel_id)]


def _marketplace_refused(
    channel: ChannelRow, marketplace_id: int, picked: int | None, form: ChoiceForm, problem: str
) -> Response:
    lines = [
        line
        if line.row.marketplace_id != marketplace_id
        else MarketplaceLine(line.row, picked, new_name=form.new_name.data or "", problem=problem)
        for line in _marketplace_lines(channel.id)
    ]
    people = queries.salespeople()
    if wants_fragment():
        line = next(line for line in lines if line.row.marketplace_id == marketplace_id)
        kind = kind_of(channel.kind)
        return fragment(
            "mappings/_marketplace_row.html", status=422, channel=channel, kind=kind, line=line, people=people
        )
    return tab_page("mappings/marketplaces.html", "marketplaces", channel, status=422, lines=lines, people=people)


def _gone_person() -> str:
    return _("This salesperson was archived. Choose another one, or bring them back in Settings.")


def _marketplace_url(channel_id: int, marketplace_id: int) -> str:
    return url_for("channels.marketplaces", channel_id=channel_id, _anchor=f"marketplace-{marketplace_id}")
