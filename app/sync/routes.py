"""The jobs' pages, their live parts, and the buttons that start, stop and repeat them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

from flask import Blueprint, Flask, abort, current_app, flash, g, make_response, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.accounts import sessions
from app.accounts.access import me
from app.channels import queries as channels
from app.channels.queries import ChannelRow
from app.core.errors import Misconfigured
from app.core.roles import Ability
from app.core.states import ChangeState, JobState
from app.extensions import db
from app.orders.journal import Told, tell
from app.orders.reasons import Place
from app.sync import live, queries, services
from app.sync.live import Hub
from app.sync.queries import ChangeRow, JobFilter, JobLine, JobRow
from app.sync.refusals import delivery_orders_notice, not_ready_notice
from app.sync.words import ShownJob, clock, show_activity, show_job
from app.tenancy import doors
from app.web.args import read_args
from app.web.badges import badge_of
from app.web.beside import beside
from app.web.links import safe_next, url_if
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import done, fragment, page_or_fragment, redirect_to, wants_fragment
from app.web.together import shared_part

_HUB: Final = "live_hub"
_STRIP_LINES: Final = 3
_VIEWS: Final = (
    (_l("All"), ()),
    (_l("Running and waiting"), (JobState.QUEUED, JobState.RUNNING)),
    (_l("Needs a look"), (JobState.PARTLY, JobState.FAILED)),
    (_l("Done"), (JobState.SUCCEEDED,)),
    (_l("Cancelled"), (JobState.CANCELLED,)),
)
"""Groups of jobs that one may want to see; the names stand on the list's chips."""
_NO_CONTENT: Final = 204

blueprint = Blueprint("sync", __name__, url_prefix="/<store>")


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    state.app.extensions[_HUB] = Hub(state.app.extensions["settings"].redis_url)
    app = cast(Flask, state.app)
    app.jinja_env.globals.update(clock=clock, strip_lines=partial(_strip_lines, beside(app, queries.any_job_runs)))


def hub() -> Hub:
    """The streams of this process."""
    return cast(Hub, current_app.extensions[_HUB])


@blueprint.get("/jobs")
@needs(Ability.LOOK)
def jobs() -> Response:
    """What ran, runs and will run."""
    where = read_args(JobFilter, request.args)
    keyset = Keyset.from_args(request.args)
    page = queries.jobs_page(where, keyset)
    return page_or_fragment(
        "sync/jobs.html",
        "sync/_jobs.html",
        where=where,
        page=page,
        jobs=[show_job(row) for row in page.rows],
        here=request.full_path.rstrip("?"),
        is_newest=keyset.cursor is None,
        views=[(str(label), states) for label, states in _VIEWS],
        channels=[(channel.id, channel.name) for channel in channels.channels()],
    )


@blueprint.get("/jobs/<int:job_id>")
@needs(Ability.LOOK)
def job(job_id: int) -> str:
    """One job: what it does, how far it is, what it did, and what to press."""
    shown = _job_or_404(job_id)
    return render_template("sync/job.html", job=shown, lines=_lines(shown.row))


@blueprint.get("/jobs/<int:job_id>/part")
@needs(Ability.LOOK)
@shared_part
def job_part(job_id: int) -> Response:
    """The live part of a job's page; `seen` is the version of sentence and buttons that the page shows."""
    if not wants_fragment():
        return redirect_to(url_for(".job", job_id=job_id))
    shown = _job_or_404(job_id)
    news = request.args.get("seen") != shown.version
    return fragment("sync/_job.html", job=shown, lines=_lines(shown.row), news=news)


@blueprint.get("/jobs/<int:job_id>/line")
@needs(Ability.LOOK)
@shared_part
def job_line(job_id: int) -> Response:
    """A job in one live line, as a channel's page shows it."""
    if not wants_fragment():
        return redirect_to(url_for(".job", job_id=job_id))
    return fragment("sync/_job_line.html", job=_job_or_404(job_id))


@blueprint.get("/channels/<int:channel_id>/activity")
@needs(Ability.LOOK)
@shared_part
def activity(channel_id: int) -> Response:
    """What happens on a channel: the live part of its card, its page and its row on Home."""
    if not wants_fragment():
        return redirect_to(url_if("channels.orders", channel_id=channel_id) or url_for(".jobs"))
    channel = _channel_or_404(channel_id)
    return fragment("sync/_activity.html", channel=channel, activity=show_activity(queries.channel_activity(channel)))


@blueprint.get("/strip")
@needs(Ability.LOOK)
@shared_part
def strip() -> Response:
    """The strip in the frame: a line for each job that runs or waits."""
    if not wants_fragment():
        return redirect_to(url_for(".jobs"))
    return fragment("sync/_strip.html", **_strip())


@blueprint.post("/jobs/<int:job_id>/cancel")
@needs(Ability.SYNC)
def cancel(job_id: int) -> Response:
    """Stop a job."""
    _job_or_404(job_id)
    back = _next() or url_for(".job", job_id=job_id)
    try:
        services.cancel_job(job_id, g.membership.user_id)
    except services.NoSuchJobError:
        return done(back, _("It had ended already."), category="info")
    return done(back, _("Cancelled. What is in stays in."))


@blueprint.post("/jobs/<int:job_id>/retry")
@needs(Ability.SYNC)
def retry(job_id: int) -> Response:
    """Do again what a job was for."""
    row = _job_or_404(job_id).row
    try:
        start = services.retry_job(job_id, g.membership.user_id)
    except services.ChannelNotReadyError as refusal:
        return _not_ready(refusal, row.channel_id, row.channel, url_for(".job", job_id=job_id))
    words = _("It is being done already; this is how far it is.") if start.already_running else _("On its way again.")
    return done(url_for(".job", job_id=start.job_id), words, category="info")


@blueprint.post("/channels/<int:channel_id>/sync-now")
@needs(Ability.SYNC)
def sync_now(channel_id: int) -> Response:
    """Everything at once: fetch what is new, make the invoices of all that is ready, write their numbers back."""
    channel = _channel_or_404(channel_id)
    back = _next() or url_if("reports.home") or url_for(".jobs")
    try:
        start = services.request_sync_now(channel_id, g.membership.user_id)
    except services.ChannelNotReadyError as refusal:
        return _not_ready(refusal, channel_id, channel.name, back)
    except Misconfigured as refusal:
        button = delivery_orders_notice({"channel": str(channel_id), "next": back})
        return done(back, Markup("{} {}").format(refusal.user_message, button), category="danger")
    words = _("%(name)s: fetching orders, then making their invoices.", name=channel.name)
    if start.already_running:
        words = _("%(name)s is being synced already.", name=channel.name)
    watch = _link(url_for(".job", job_id=start.job_id), _("Watch the job"))
    return done(back, Markup("{} {}").format(words, watch), category="info")


@blueprint.post("/changes/<int:change_id>/retry")
@needs(Ability.SYNC)
def change_retry(change_id: int) -> Response:
    """Send once more what was not taken: an invoice number, or a move."""
    change = _change_or_404(change_id)
    back = _back_from(change)
    try:
        start = services.retry_change(change_id, g.membership.user_id)
    except services.NoSuchJobError:
        return done(back, _("It was settled meanwhile."), category="info")
    if start is None:
        return _not_ready(services.ChannelNotReadyError(), change.channel_id, change.channel, back)
    words = _("%(number)s is on its way to %(channel)s again.", number=_said(change), channel=change.channel)
    return done(back, words, category="info")


@blueprint.route("/changes/<int:change_id>/drop", methods=["GET", "POST"])
@needs(Ability.SYNC)
def change_drop(change_id: int) -> Response:
    """Leave the channel as it is; asks first, on a page of its own."""
    change = _change_or_404(change_id)
    back = _back_from(change)
    if change.state != ChangeState.BLOCKED:
        return done(back, _("It was settled meanwhile."), category="info")
    if "confirmed" not in request.form:
        if request.method == "POST":
            return redirect_to(url_for(".change_drop", change_id=change_id, next=back))
        return make_response(_question(change, back))
    try:
        services.drop_change(change_id, g.membership.user_id)
    except services.NoSuchJobError:
        return done(back, _("It was settled meanwhile."), category="info")
    return done(back, _("%(channel)s stays as it is.", channel=change.channel))


@blueprint.get("/events")
@needs(Ability.LOOK)
def events() -> Response:
    """The one stream of an open page. 204 when there are as many as there may be: the page polls then."""
    person, store_id, slug = me(), g.store.id, g.store.slug
    db.session.remove()  # a stream lasts for minutes and must not keep a connection
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    streams = hub()
    stream = streams.open(store_id)
    if stream is None:
        return Response(status=_NO_CONTENT)
    place = live.Place(app.extensions["settings"].redis_url, person.session_id, stream)
    if not place.take():
        streams.close(stream)
        return Response(status=_NO_CONTENT)

    def renew() -> bool:
        place.renew()
        with app.app_context():
            return _may_look(person.token, slug)

    peer = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    response = Response(live.events(stream, peer=peer, renew=renew), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: streams.close(stream))
    response.call_on_close(place.give_back)
    return response


def _strip_lines(any_job_runs: Callable[[], bool]) -> Markup:
    """The strip as a page brings it along, so that it need not ask for it as soon as it is there."""
    if not any_job_runs():
        return Markup()
    return Markup(render_template("sync/_strip_lines.html", **_strip()))  # noqa: S704  # a template of ours escapes


def _strip() -> dict[str, Any]:
    rows = queries.running_jobs()
    shown = [show_job(row) for row in rows[:_STRIP_LINES]]
    return {"jobs": shown, "more": len(rows) - len(shown)}


def _question(change: ChangeRow, back: str) -> str:
    """The page that asks before a change is given up."""
    facts = [_("Order %(number)s on %(channel)s", number=change.order_number, channel=change.channel)]
    if change.status:
        question = _("It is then never told that the order is “%(status)s”.", status=_said(change))
    else:
        facts.append(_("Our invoice: %(number)s. It stays in your books.", number=change.invoice_no))
        question = _("Our number is then never written to this order again, and the two will not match.")
    if change.found:
        facts.append(
            _("On %(channel)s stands %(found)s, and it stays there.", channel=change.channel, found=change.found)
        )
    return render_template(
        "_shared/confirm.html",
        title=_("Leave %(channel)s as it is?", channel=change.channel),
        question=question,
        facts=facts,
        action=url_for(".change_drop", change_id=change.id),
        button=_("Leave it"),
        tone="danger",
        back=back,
        hidden={"confirmed": "1", "next": back},
    )


def _said(change: ChangeRow) -> str:
    """The number or the status that is told."""
    return str(badge_of(change.status, "OrderStatus").label) if change.status else change.invoice_no


def _may_look(token: str, slug: str) -> bool:
    """Whether the person is still signed in and belongs to the store. While the database is away nobody can say."""
    try:
        person = sessions.person_of(token)
        return person is not None and doors.open_store(person.id, slug) is not None
    except SQLAlchemyError:
        return True


def _job_or_404(job_id: int) -> ShownJob:
    row = queries.job_view(job_id)
    if row is None:
        abort(404, _("There is no such job in this store."))
    return show_job(row)


def _channel_or_404(channel_id: int) -> ChannelRow:
    channel = channels.channel(channel_id)
    if channel is None:
        abort(404, _("There is no such channel in this store. It may have been removed."))
    return channel


def _change_or_404(change_id: int) -> ChangeRow:
    change = queries.change_view(change_id)
    if change is None:
        abort(404, _("There is nothing of this kind to send in this store."))
    return change


def _lines(row: JobRow) -> list[tuple[JobLine, Told]]:
    """The job's last lines in words."""
    place = Place(row.channel_id, row.channel)
    return [
        (line, tell(line.kind, line.detail, place, line.currency or g.store.currency))
        for line in queries.job_lines(row.id)
    ]


def _next() -> str | None:
    return safe_next(request.values.get("next"))


def _back_from(change: ChangeRow) -> str:
    return _next() or url_if("orders.show", order_id=change.order_id) or url_for(".jobs")


def _not_ready(error: services.ChannelNotReadyError, channel_id: int, name: str, back: str) -> Response:
    flash(not_ready_notice(error, name, channel_id), "warning")
    return redirect_to(back)


def _link(url: str | None, label: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, label) if url else Markup("")
