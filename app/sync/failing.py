"""Failed Sync: the causes, the orders behind each, and what can be pressed about them.

The endpoints belong to the orders' blueprint; what they press starts jobs, so they stand in the sync's room.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from app.channels import queries as channels
from app.channels.queries import ChannelRow
from app.core.roles import Ability
from app.core.states import OrderState, Reason
from app.orders.deciding import Dated, OtherDay, date_on_first_open_day, first_open_day
from app.orders.failed import BY_SKU, CauseKey, CauseKind
from app.orders.failed_rows import FailedRow, failed_page, failed_rows, row_number
from app.orders.filters import NO_GATEWAY
from app.orders.ignored import IgnoredKey, ignored, ignored_keys
from app.orders.reasons import Button, Explanation
from app.orders.routes import blueprint
from app.sync.mending import leave_out, retry, take_back
from app.sync.nudge import nudge
from app.sync.problems import act_of, cause_url, one_card, problems, title_of, words_of
from app.sync.refusals import delivery_orders_notice
from app.sync.services import ChannelNotReadyError, JobStart
from app.web.filters import day as day_text
from app.web.filters import money, number
from app.web.forms import Form
from app.web.links import safe_next, url_if
from app.web.needs import needs
from app.web.pagination import MAX_LIMIT, Keyset
from app.web.respond import done, fragment, redirect_to, wants_fragment

_KINDS: Final = "any(orders, write_backs, moves, given, unreadable, alerts):kind"
_CAUSE: Final = f"/failed/<int:channel_id>/<{_KINDS}>/<code>"
_CODE: Final = re.compile(r"[A-Z][A-Z_]{1,39}")
_LONGEST_KEY: Final = 200


class WordsForm(Form):
    """Why something is left out, for whoever asks later."""

    words = StringField(
        _l("Why?"),
        [DataRequired(_l("Say why in a few words: it is what an auditor will read.")), Length(max=200)],
    )


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with why it waits, and what mends it alone."""

    row: FailedRow
    why: Explanation | None
    act: Button | None


@blueprint.get("/failed")
@needs(Ability.LOOK)
def failed() -> str:
    """What needs a person, by cause."""
    return render_template("orders/failed.html", problems=problems())


@blueprint.get("/failed/live")
@needs(Ability.LOOK)
def failed_live() -> Response:
    """The counts again; the cards too when there are others than the page shows (`seen` is their version)."""
    channel_id = request.args.get("channel", type=int)
    if not wants_fragment():
        return redirect_to(url_for(".failed"))
    found = problems(channel_id, with_replies=False)
    is_other = request.args.get("seen") != found.version
    if is_other:
        found = problems(channel_id)
    return fragment("orders/_causes_live.html", problems=found, is_other=is_other)


@blueprint.get(_CAUSE)
@needs(Ability.LOOK)
def failed_cause(channel_id: int, kind: str, code: str) -> str:
    """The orders behind one cause."""
    channel, key = _cause_or_404(channel_id, kind, code)
    page = failed_page(key, Keyset.from_args(request.args))
    rows = [_shown(key, channel, row) for row in page.rows]
    context = _cause_context(key, channel, rows)
    return render_template("orders/failed_cause.html", page=page, **context)


@blueprint.get(f"{_CAUSE}/live")
@needs(Ability.LOOK)
def failed_cause_live(channel_id: int, kind: str, code: str) -> Response:
    """The count again, and those of the shown rows that changed: `row` names plain ones, `busy` those being retried."""
    channel, key = _cause_or_404(channel_id, kind, code)
    if not wants_fragment():
        return redirect_to(cause_url(".failed_cause", key))
    plain, busy = (_keys(request.args.getlist(name)[:MAX_LIMIT]) for name in ("row", "busy"))
    rows = [_shown(key, channel, row) for row in failed_rows(key, [*plain, *busy])]
    was_busy = set(busy)
    changed = [one for one in rows if not one.row.is_here or one.row.is_wanted != (one.row.row_key in was_busy)]
    context = _cause_context(key, channel, rows)
    return fragment("orders/_failed_live.html", changed=changed, **context)


@blueprint.post(f"{_CAUSE}/retry")
@needs(Ability.SYNC)
def failed_retry(channel_id: int, kind: str, code: str) -> Response:
    """Try one row (`row`) or all of a cause again."""
    channel, key = _cause_or_404(channel_id, kind, code)
    rows, back = _rows(key), _back(key)
    try:
        start = retry(key, rows, g.membership.user_id)
    except ChannelNotReadyError:
        link = _link(url_if("channels.settings", channel_id=channel_id), _("Open the channel's settings"))
        words = _("%(name)s is paused. Let it go on first.", name=channel.name)
        return done(back, Markup("{} {}").format(words, link), category="warning")
    words = _("It was settled meanwhile.") if start is None else _retried(start)
    if rows is None or not wants_fragment():
        return done(back, words, category="info")
    shown = [_shown(key, channel, row) for row in failed_rows(key, [str(row) for row in rows])]
    context = _cause_context(key, channel, shown)
    return done(back, words, category="info", fragment="orders/_failed_rows.html", changed=shown, **context)


@blueprint.route(f"{_CAUSE}/ignore", methods=["GET", "POST"])
@needs(Ability.SYNC)
def failed_ignore(channel_id: int, kind: str, code: str) -> Response:
    """Leave one row or all of a cause out; asks first, for the reason in words."""
    channel, key = _cause_or_404(channel_id, kind, code)
    rows = _rows(key)
    form = WordsForm(request.form) if request.method == "POST" else WordsForm(data=_suggested(key))
    if request.method == "GET" or not form.validate():
        return _ask_why(key, channel, rows, form, status=200 if request.method == "GET" else 422)
    left = leave_out(key, rows, form.words.data or "", g.membership.user_id)
    if not left:
        return done(_back(key), _("It was settled meanwhile."), category="info")
    words = ngettext("One order is ignored.", "%(num)s orders are ignored.", left)
    link = _link(url_for(".failed_ignored"), _("Show what is ignored"))
    return done(_back(key), Markup("{} {}").format(words, link))


@blueprint.route("/failed/<int:channel_id>/date", methods=["GET", "POST"])
@needs(Ability.BOOKS)
def failed_date(channel_id: int) -> Response:
    """Date invoices of closed books on the first open day; asks first, naming the day."""
    channel, key = _cause_or_404(channel_id, CauseKind.ORDERS, Reason.PERIOD_LOCKED)
    rows, on = _rows(key), first_open_day()
    if on is None:
        return done(_back(key), _("No month is closed, so nothing has to be dated anew."), category="info")
    if request.method == "GET" or request.form.get("day") != on.isoformat():
        return _ask_day(key, channel, rows, on)
    try:
        dated = date_on_first_open_day(channel_id, rows, on, g.membership.user_id)
    except OtherDay:
        return redirect_to(url_for(".failed_date", channel_id=channel_id, row=request.form.get("row")))
    nudge(g.store.id, "orders", f"channel-{channel_id}")
    if not (dated.ready or dated.held):
        return done(_back(key), _("It was settled meanwhile."), category="info")
    return done(_back(key), _dated(dated, day_text(on)))


def _dated(dated: Dated, on: str) -> Markup:
    """What became of the orders: where to book those that are ready, and that the others have another cause too."""
    said = []
    if dated.ready:
        words = ngettext(
            "One invoice will be dated %(day)s; sync the order to make it.",
            "%(num)s invoices will be dated %(day)s; sync the orders to make them.",
            dated.ready,
            day=on,
        )
        said += [
            words,
            _link(url_if("orders.index", state=OrderState.READY.value), _("Go to the orders that are ready")),
        ]
    if dated.held:
        said += [
            ngettext(
                "One order is dated %(day)s now, and still waits for something else.",
                "%(num)s orders are dated %(day)s now, and still wait for something else.",
                dated.held,
                day=on,
            )
        ]
    return Markup(" ").join(said)


@blueprint.get("/failed/ignored")
@needs(Ability.LOOK)
def failed_ignored() -> str:
    """What was left out, by whom, when and why."""
    names = {channel.id: channel.name for channel in channels.channels()}
    groups = [(group, _was_title(group.key, names.get(group.key.channel_id, ""))) for group in ignored()]
    return render_template("orders/failed_ignored.html", groups=groups)


@blueprint.post("/failed/<int:channel_id>/take-back")
@needs(Ability.SYNC)
def failed_take_back(channel_id: int) -> Response:
    """Take back in what was left out: one row, or all that was left out for the same words."""
    channel = _channel_or_404(channel_id)
    back = safe_next(request.form.get("next")) or url_for(".failed_ignored")
    kind, row = request.form.get("kind", ""), request.form.get("row")
    if kind not in {one.value for one in CauseKind}:
        return done(back, _("It was taken back meanwhile."), category="info")
    key = IgnoredKey(CauseKind(kind), channel_id, request.form.get("was", ""), request.form.get("words", ""))
    rows = _typed(key.kind, ignored_keys(key) if row is None else [row])
    try:
        taken = take_back(key.kind, channel_id, rows, g.membership.user_id) if rows else 0
    except ChannelNotReadyError:
        return done(back, _("%(name)s is paused. Let it go on first.", name=channel.name), category="warning")
    words = ngettext("One order is taken back.", "%(num)s orders are taken back.", taken)
    return done(back, words if taken else _("It was taken back meanwhile."), category="success" if taken else "info")


def _cause_context(key: CauseKey, channel: ChannelRow, rows: Sequence[ShownRow]) -> dict[str, Any]:
    followed = [one.row for one in rows if one.row.is_followed]
    follow = {
        "row": [row.row_key for row in followed if not row.is_wanted],
        "busy": [row.row_key for row in followed if row.is_wanted],
    }
    return {
        "key": key,
        "channel": channel,
        "title": title_of(key, channel.name),
        "card": one_card(key),
        "rows": rows,
        "live_url": cause_url(".failed_cause_live", key, **follow),
        "retry_url": cause_url(".failed_retry", key),
        "back": safe_next(request.values.get("next")) or cause_url(".failed_cause", key),
        "here_url": _here(key),
        "ignore_url": lambda **more: cause_url(".failed_ignore", key, **more),
    }


def _here(key: CauseKey) -> str:
    """The page as it is shown, for coming back to it."""
    if request.endpoint == "orders.failed_cause":
        return request.full_path.rstrip("?")
    return safe_next(request.values.get("next")) or cause_url(".failed_cause", key)


def _shown(key: CauseKey, channel: ChannelRow, row: FailedRow) -> ShownRow:
    return ShownRow(row, words_of(key, channel.name, row), act_of(key, row) if row.is_here else None)


def _retried(start: JobStart) -> Markup:
    words = ngettext("One order is tried again.", "%(num)s orders are tried again.", start.taken)
    link = _link(url_if("sync.job", job_id=start.job_id), _("Watch the job"))
    notice = delivery_orders_notice({"next": request.form.get("next", "")})
    return Markup("{} {} {}").format(words, link, notice)


def _suggested(key: CauseKey) -> dict[str, str]:
    return {"words": _("The same sale came by another channel")} if key.code == Reason.DUPLICATE_SUSPECTED else {}


def _ask_why(
    key: CauseKey, channel: ChannelRow, rows: Sequence[Any] | None, form: WordsForm, *, status: int
) -> Response:
    """The page that asks why, with how many orders and how much money it is about."""
    facts = _size(key, rows)
    if not facts:
        return done(_back(key), _("It was settled meanwhile."), category="info")
    facts.append(str(_IGNORED_MEANS[key.kind]))
    hidden = {"next": _back(key), "row": "" if rows is None else str(rows[0])}
    page = render_template(
        "_shared/confirm.html",
        title=_("Ignore these?") if rows is None else _("Ignore this one?"),
        question=_("%(title)s, on %(channel)s:", title=title_of(key, channel.name), channel=channel.name),
        facts=facts,
        action=cause_url(".failed_ignore", key),
        button=_("Ignore"),
        back=_back(key),
        tone="danger",
        hidden={name: value for name, value in hidden.items() if value},
        form=form,
    )
    return make_response(page, status)


def _ask_day(key: CauseKey, channel: ChannelRow, rows: Sequence[Any] | None, on: date) -> Response:
    facts = _size(key, rows)
    if not facts:
        return done(_back(key), _("It was settled meanwhile."), category="info")
    words = _(
        "Their invoices are dated %(day)s, the first day that is open, and not on the days of the sales.",
        day=day_text(on),
    )
    hidden = {"day": on.isoformat(), "next": _back(key), "row": "" if rows is None else str(rows[0])}
    page = render_template(
        "_shared/confirm.html",
        title=_("Date on %(day)s?", day=day_text(on)),
        question=_("Orders of %(channel)s whose month is closed:", channel=channel.name),
        facts=[*facts, words],
        action=url_for(".failed_date", channel_id=key.channel_id),
        button=_("Date on %(day)s", day=day_text(on)),
        back=_back(key),
        hidden={name: value for name, value in hidden.items() if value},
    )
    return make_response(page)


_IGNORED_MEANS: Final = {
    CauseKind.ORDERS: _l("They are not invoiced, and not counted as failed any more, until you take them back."),
    CauseKind.WRITE_BACKS: _l("Their invoices stay; the numbers are not written to the channel any more."),
    CauseKind.MOVES: _l("The orders stay as they stand in the other store; what was said of them here is given up."),
    CauseKind.GIVEN: _l(
        "The channel is told nothing of them any more, whatever happens to them, until you take them back."
    ),
    CauseKind.UNREADABLE: _l("They are read again only when the channel changes them."),
    CauseKind.ALERTS: _l("Their invoices stay as they are. You are told again when something else changes."),
}


def _size(key: CauseKey, rows: Sequence[Any] | None) -> list[str]:
    """How many orders and how much money; empty when nothing waits for the cause any more."""
    if rows is not None:
        found = [row for row in failed_rows(key, [str(row) for row in rows]) if row.is_here]
        return [
            _("Order %(number)s", number=row.number)
            if row.total is None
            else _("Order %(number)s: %(amount)s", number=row.number, amount=money(row.total, row.currency))
            for row in found
        ]
    card = one_card(key)
    if card is None:
        return []
    cause = card.cause
    words = ngettext("%(count)s order", "%(count)s orders", cause.count, count=number(cause.count))
    amounts = [money(total, currency) for currency, total in sorted(cause.money.items())]
    return [words if not amounts else _("%(orders)s, together %(money)s", orders=words, money=" · ".join(amounts))]


def _was_title(key: IgnoredKey, channel: str) -> str:
    return title_of(CauseKey(key.kind, key.was or Reason.IGNORED, key.channel_id), channel)


def _cause_or_404(channel_id: int, kind: str, code: str) -> tuple[ChannelRow, CauseKey]:
    channel = _channel_or_404(channel_id)
    if not _CODE.fullmatch(code):
        abort(404, _("There is no such cause."))
    gateway, skus = request.values.get("gateway"), request.values.get("skus")
    part = "" if gateway == NO_GATEWAY else gateway
    if code in BY_SKU:
        part = skus
    part = None if part is None or "\0" in part else part
    return channel, CauseKey(CauseKind(kind), code, channel_id, part)


def _channel_or_404(channel_id: int) -> ChannelRow:
    channel = channels.channel(channel_id)
    if channel is None:
        abort(404, _("There is no such channel in this store. It may have been removed."))
    return channel


def _rows(key: CauseKey) -> list[Any] | None:
    """The one row that is meant, None for all; a row that cannot be one is as one that is gone."""
    row = request.values.get("row")
    return None if row is None else _typed(key.kind, [row])


def _typed(kind: CauseKind, keys: Sequence[str]) -> list[Any]:
    if kind == CauseKind.UNREADABLE:
        return _keys(keys)
    return [found for key in keys if (found := row_number(key)) is not None]


def _keys(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if len(text) <= _LONGEST_KEY and "\0" not in text]


def _back(key: CauseKey) -> str:
    return safe_next(request.values.get("next")) or cause_url(".failed_cause", key)


def _link(url: str | None, label: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, label) if url else Markup("")
