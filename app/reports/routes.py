"""Home: is everything in, does anything wait for me?"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from app.channels.queries import ChannelRow, channels
from app.completeness.queries import last_verifications
from app.core.roles import Ability
from app.mappings.queries import unmapped_gateways
from app.onboarding.queries import Step, checklist
from app.reports import charts, queries
from app.reports.words import Answer, answers, first_to_do
from app.sync.queries import channel_activities, recent_jobs
from app.sync.words import ShownJob, show_activity, show_job
from app.web.needs import needs
from app.web.respond import fragment, redirect_to, wants_fragment
from app.web.together import shared_part

_RECENT_JOBS = 6

blueprint = Blueprint("reports", __name__, url_prefix="/<store>")


@blueprint.get("/")
@needs(Ability.LOOK)
def home() -> str:
    """Everything at a glance, and the one thing to do next."""
    connected = channels()
    steps = _first_steps()
    next_act = None if steps else queries.next_act(connected, queries.channels_with_ready_orders())
    activities = channel_activities(connected)
    return render_template(
        "reports/home.html",
        **_state(connected, leads=not steps and next_act is None),
        checklist=steps,
        channels=[(channel, show_activity(activities[channel.id])) for channel in connected],
        next_act=next_act,
        jobs=_recent(),
        **_sales(),
    )


@blueprint.get("/home/steps")
@needs(Ability.LOOK)
@shared_part
def home_steps() -> Response:
    """The first steps again."""
    if not wants_fragment():
        return redirect_to(url_for(".home"))
    return fragment("reports/_steps.html", checklist=_first_steps())


@blueprint.get("/home/state")
@needs(Ability.LOOK)
@shared_part
def home_state() -> Response:
    """The sentences again, for a page that is open while things happen."""
    if not wants_fragment():
        return redirect_to(url_for(".home"))
    return fragment("reports/_state.html", **_state(channels(), leads=request.args.get("leads") == "1"))


@blueprint.get("/home/sales")
@needs(Ability.LOOK)
@shared_part
def home_sales() -> Response:
    """The chart again, with its table out of band."""
    if not wants_fragment():
        return redirect_to(url_for(".home"))
    return fragment("reports/_sales.html", as_fragment=True, **_sales())


@blueprint.get("/home/jobs")
@needs(Ability.LOOK)
@shared_part
def home_jobs() -> Response:
    """The newest jobs again."""
    if not wants_fragment():
        return redirect_to(url_for(".home"))
    return fragment("reports/_jobs.html", jobs=_recent())


def _state(connected: list[ChannelRow], *, leads: bool) -> dict[str, Any]:
    """The sentences; the first thing to do `leads` where no channel's button does."""
    given = _answers(connected)
    return {"answers": given, "leads": leads, "lead": first_to_do(given) if leads else None}


def _answers(connected: list[ChannelRow]) -> list[Answer]:
    verified = last_verifications([channel.id for channel in connected])
    return answers(connected, queries.waiting(), unmapped_gateways(), verified)


def _recent() -> list[ShownJob]:
    return [show_job(row) for row in recent_jobs(_RECENT_JOBS)]


def _first_steps() -> list[Step]:
    """What a new store has still to do; nothing once its first number is out: what is left then shows elsewhere."""
    steps = checklist()
    return [] if steps[-1].is_done else steps


def _sales() -> dict[str, Any]:
    sales = queries.sales()
    return {"sales": sales, "bars": charts.bars([sold.total for _day, sold in sales.days]), "chart": charts}
