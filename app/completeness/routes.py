"""The completeness pages: how each channel stands, what a verification found, and the presses that verify and mend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, g, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from app.completeness import queries, services, words
from app.completeness.export import days_csv, deviations_csv
from app.completeness.forms import PeriodForm
from app.completeness.queries import DeviationFilter, Group, Standing, VerificationRow
from app.core.completeness import default_period
from app.core.roles import Ability
from app.sync.queries import job_view
from app.sync.services import ChannelNotReadyError
from app.sync.words import ShownJob, show_job
from app.web.args import read_args
from app.web.links import safe_next, url_if
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import csv_answer, done, fragment, invalid, page_or_fragment, redirect_to, wants_fragment

_ID: Final = "int(max=9223372036854775807)"
_MOST_TICKED: Final = 1000
_SUMMED: Final = (
    "remote_orders",
    "remote_total",
    "orders",
    "total",
    "invoiced",
    "missing",
    "extra",
    "differing",
    "difference",
    "invoice_difference",
)

blueprint = Blueprint("completeness", __name__, url_prefix="/<store>")


@blueprint.get("/verify")
@needs(Ability.LOOK)
def index() -> Response:
    """Is everything in? How each channel stands, and what was found before."""
    keyset = Keyset.from_args(request.args)
    return page_or_fragment("completeness/index.html", "completeness/_history.html", **_index(keyset))


@blueprint.get(f"/verify/channel/<{_ID}:channel_id>")
@needs(Ability.LOOK)
def standing(channel_id: int) -> AnyResponse:
    """How a channel stands: the live part of its card."""
    found = _standing_or_404(channel_id)
    if not wants_fragment():
        return redirect_to(url_for(".index"))
    return fragment("completeness/_standing.html", **_shown(found))


@blueprint.post(f"/channels/<{_ID}:channel_id>/verify")
@needs(Ability.BOOKS)
def start(channel_id: int) -> AnyResponse:
    """Hold the channel against the books: the days of the form, or this month and the last."""
    found = _standing_or_404(channel_id)
    form = None
    if any(name.startswith(_prefix(channel_id)) for name in request.form):
        form = _period_form(found, request.form)
        if not form.validate():
            shown = _shown(found) | {"form": form}
            return invalid(
                "completeness/index.html", "completeness/_period.html", **_index(Keyset(), {channel_id: form}) | shown
            )
    back = safe_next(request.form.get("next")) or url_for(".index")
    try:
        begun = services.request_verification(channel_id, form.period if form else None, g.membership.user_id)
    except ChannelNotReadyError:
        return _paused(found, back)
    said = _("%(name)s is being compared. Nothing of it is changed.", name=found.channel)
    if begun.already_running:
        said = _("%(name)s is being compared already; this is how far it is.", name=found.channel)
    return done(url_for("sync.job", job_id=begun.job_id), said, category="info")


@blueprint.get(f"/verify/<{_ID}:verification_id>")
@needs(Ability.LOOK)
def show(verification_id: int) -> Response:
    """What a verification found: day by day, and order by order."""
    row = _verification_or_404(verification_id)
    where = read_args(DeviationFilter, request.args)
    return page_or_fragment(
        "completeness/show.html",
        "completeness/_result.html",
        where=where,
        page=queries.deviations_page(verification_id, where, Keyset.from_args(request.args)),
        groups=[(group, words.group_name(group)) for group in Group],
        is_mending=queries.is_mending(row.channel_id),
        here=request.full_path.rstrip("?"),
        **_sheet(row),
    )


@blueprint.get(f"/verify/of-job/<{_ID}:job_id>")
@needs(Ability.LOOK)
def of_job(job_id: int) -> AnyResponse:
    """The verification that a job made, or the job while there is none."""
    if job_view(job_id) is None:
        abort(404, _("There is no such job in this store."))
    verification_id = queries.verification_of_job(job_id)
    if verification_id is None:
        return redirect_to(url_for("sync.job", job_id=job_id))
    return redirect_to(url_for(".show", verification_id=verification_id))


@blueprint.get(f"/verify/<{_ID}:verification_id>/print")
@needs(Ability.LOOK)
def print_view(verification_id: int) -> str:
    """The result alone, on white, for the browser's own printing."""
    row = _verification_or_404(verification_id)
    deviations = list(queries.all_deviations(verification_id)) if row.finished_at else []
    return render_template("completeness/print.html", deviations=deviations, **_sheet(row))


@blueprint.get(f"/verify/<{_ID}:verification_id>/<any(days, deviations):what>.csv")
@needs(Ability.LOOK)
def export(verification_id: int, what: str) -> Response:
    """The days, or what deviates, for a spreadsheet."""
    row = _verification_or_404(verification_id)
    lines = days_csv(g.store.id, row) if what == "days" else deviations_csv(g.store.id, row)
    return csv_answer(lines, f"verify-{what}-{row.since:%Y-%m-%d}-{row.until:%Y-%m-%d}-{g.store.slug}")


@blueprint.post(f"/verify/<{_ID}:verification_id>/mend")
@needs(Ability.BOOKS)
def mend(verification_id: int) -> AnyResponse:
    """Have some deviations, or all that are open, read again from the channel, and what is found stored."""
    row = _verification_or_404(verification_id)
    back = safe_next(request.form.get("next")) or url_for(".show", verification_id=verification_id)
    try:
        begun = services.request_mending(verification_id, _ticked(), g.membership.user_id)
    except ChannelNotReadyError:
        found = next(iter(queries.standings(row.channel_id)), None)
        return _paused(found, back) if found else _removed(row, back)
    if begun is None:
        return done(back, _("They are mended already: both sides are the same."), category="info")
    watch = Markup('<a href="{}">{}</a>').format(url_for("sync.job", job_id=begun.job_id), _("Watch the job"))
    said = _("%(name)s is asked again. What it says is brought in, and nothing is booked.", name=row.channel)
    return done(back, Markup("{} {}").format(said, watch), category="info")


def _ticked() -> Sequence[int] | None:
    """The ids that were pressed for; None for all."""
    if request.form.get("all"):
        return None
    given = request.form.getlist("id")[:_MOST_TICKED]
    return [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 19]


def _index(keyset: Keyset, forms: dict[int, PeriodForm] | None = None) -> dict[str, Any]:
    found = queries.standings()
    page = queries.history(keyset)
    return {
        "cards": [_shown(one) | {"form": (forms or {}).get(one.channel_id) or _period_form(one)} for one in found],
        "page": page,
        "results": [words.result(row) for row in page.rows],
        "is_newest": keyset.cursor is None,
    }


def _shown(found: Standing) -> dict[str, Any]:
    last = found.last
    return {
        "standing": found,
        "result": words.result(last, queries.differences(last.id)) if last else None,
        "job": _job(found.job_id),
    }


def _sheet(row: VerificationRow) -> dict[str, Any]:
    """What the page and the paper show alike."""
    by_currency: dict[str, dict[str, int]] = {}
    days = queries.days(row.id)
    for day in days:
        sums = by_currency.setdefault(day.currency, {})
        for name in _SUMMED:
            sums[name] = sums.get(name, 0) + getattr(day, name)
    return {
        "row": row,
        "result": words.result(row, queries.differences(row.id)),
        "days": days,
        "sums": by_currency,
        "kinds": words.KINDS,
        "words": words,
        "job": _job(row.job_id) if row.is_running else None,
    }


def _job(job_id: int | None) -> ShownJob | None:
    found = job_view(job_id) if job_id is not None else None
    return None if found is None else show_job(found)


def _period_form(found: Standing, data: Any = None) -> PeriodForm:
    today, start_on = _local_day(datetime.now(UTC)), _local_day(found.start_at)
    usual = default_period(today, start_on)
    values = {"since": usual.since, "until": usual.until}
    form = PeriodForm(data, data=values, prefix=_prefix(found.channel_id))
    form.today, form.start_on = today, start_on
    return form


def _prefix(channel_id: int) -> str:
    """Tells the fields of several channels on one page apart."""
    return f"channel-{channel_id}-"


def _local_day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(g.store.time_zone)).date()


def _standing_or_404(channel_id: int) -> Standing:
    found = queries.standings(channel_id)
    if not found:
        abort(404, _("There is no such channel in this store. It may have been removed."))
    return found[0]


def _verification_or_404(verification_id: int) -> VerificationRow:
    row = queries.verification(verification_id)
    if row is None:
        abort(404, _("There is no such verification in this store."))
    return row


def _removed(row: VerificationRow, back: str) -> AnyResponse:
    words = _("%(name)s was removed, so nothing can be asked of it. Connect it again first.", name=row.channel)
    return done(back, words, category="warning")


def _paused(found: Standing, back: str) -> AnyResponse:
    url = url_if("channels.settings", channel_id=found.channel_id)
    link = Markup('<a href="{}">{}</a>').format(url, _("Open the channel's settings"))
    flash(Markup("{} {}").format(_("%(name)s is paused. Let it go on first.", name=found.channel), link), "warning")
    return redirect_to(back)
