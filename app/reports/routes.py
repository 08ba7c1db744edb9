"""Home: is everything in, does anything wait for me?"""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from app.channels.queries import channels
from app.mappings.queries import unmapped_gateways
from app.onboarding.queries import checklist
from app.reports import charts, queries
from app.reports.words import answers
from app.sync.queries import channel_activities, recent_jobs
from app.sync.words import ShownJob, show_activity, show_job
from app.web.respond import fragment, redirect_to, wants_fragment

_RECENT_JOBS = 6

blueprint = Blueprint("reports", __name__, url_prefix="/<store>")


@blueprint.get("/")
def home() -> str:
    """Everything at a glance, and the one thing to do next."""
    connected = channels()
    steps = checklist()
    sales = queries.sales()
    activities = channel_activities([channel.id for channel in connected])
    first_number_is_out = steps[-1].is_done  # the first steps have led where they should; what is left shows elsewhere
    return render_template(
        "reports/home.html",
        answers=answers(connected, queries.waiting(), unmapped_gateways()),
        checklist=[] if first_number_is_out else steps,
        channels=[(channel, show_activity(activities[channel.id])) for channel in connected],
        next_act=queries.next_act(connected, queries.channels_with_ready_orders()) if first_number_is_out else None,
        sales=sales,
        bars=charts.bars([sold.total for _day, sold in sales.days]),
        chart=charts,
        jobs=_recent(),
    )


@blueprint.get("/home/state")
def home_state() -> Response:
    """The sentences again, for a page that is open while things happen."""
    if not wants_fragment():
        return redirect_to(url_for(".home"))
    return fragment("reports/_state.html", answers=answers(channels(), queries.waiting(), unmapped_gateways()))


@blueprint.get("/home/jobs")
def home_jobs() -> Response:
    """The newest jobs again."""
    if not wants_fragment():
        return redirect_to(url_for(".home"))
    return fragment("reports/_jobs.html", jobs=_recent())


def _recent() -> list[ShownJob]:
    return [show_job(row) for row in recent_jobs(_RECENT_JOBS)]
