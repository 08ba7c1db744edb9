"""Jobs in the shop's words: what one is doing, what it did, what went wrong and what to press."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zlib import crc32

from babel import dates
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.states import JobState
from app.orders.reasons import Button, Place, explain
from app.sync.queries import ChannelActivity, JobRow, Standing
from app.sync.tallies import GIVE_COUNTS, MOVE_COUNTS, Tally, phrases, tallies
from app.web.badges import Badge, badge_of
from app.web.filters import duration, locale, moment, number, zone

_GOES_ON_BY_ITSELF: Final = frozenset({"RATE_LIMITED", "SOURCE_DOWN", "NOT_JSON", "UNREACHABLE", "CHANNEL_ERROR"})
"""Codes whose advice is to wait: true while the job tries again, not once it gave up."""

_CHANNEL_STOPPED: Final = frozenset({"AUTH_EXPIRED", "CHANNEL_PAUSED"})
"""Codes after which the channel must be let go on first."""

_TITLES: Final[Mapping[str, Any]] = {
    "check": _l("Check for updates"),
    "sync": _l("Sync"),
    "auto": _l("Auto Sync"),
    "write_back": _l("Write back invoice numbers"),
    "retry": _l("Try again"),
    "products": _l("Refresh products"),
    "verify": _l("Verify"),
    "mend": _l("Mend"),
    "stock": _l("Tell stock"),
    "announced": _l("What was announced"),
    "refresh": _l("Refresh"),
}

_PHASES: Final[Mapping[str, tuple[Any, Any]]] = {
    "": (_l("asking what there is"), _l("Asks %(channel)s what there is.")),
    "pull": (_l("reading orders"), _l("Reads the orders of %(channel)s.")),
    "recheck": (_l("looking at open orders again"), _l("Looks again at older orders that may still change.")),
    "reread": (_l("reading orders again"), _l("Reads these orders of %(channel)s again.")),
    "settle": (
        _l("settling invoiced orders"),
        _l("Settles what changed on %(channel)s after it was invoiced."),
    ),
    "count": (_l("asking how many orders there are"), _l("Asks %(channel)s how many orders there are.")),
    "products": (_l("reading products"), _l("Reads what %(channel)s sells.")),
    "match": (_l("looking for your items"), _l("Looks which of your items the products may be.")),
    "verify": (_l("reading orders to compare them"), _l("Reads the orders of %(channel)s again, to compare them.")),
    "confirm": (
        _l("asking for orders that were not listed"),
        _l("Asks %(channel)s for the orders that it did not list, then compares."),
    ),
    "mend": (_l("reading orders again"), _l("Reads these orders of %(channel)s again.")),
    "announced": (_l("reading announced orders"), _l("Reads the orders that %(channel)s announced.")),
    "listings": (_l("reading announced products"), _l("Reads the products that %(channel)s announced.")),
    "reserve": (_l("reserving for orders"), _l("Reserves for orders what they lacked until now.")),
    "stock": (_l("telling stock"), _l("Tells %(channel)s how many pieces it may offer.")),
    "book": (_l("making invoices"), _l("Makes the invoices.")),
    "send": (_l("writing invoice numbers"), _l("Writes the invoice numbers to %(channel)s.")),
    "move": (_l("telling where orders stand"), _l("Tells %(channel)s where orders stand.")),
    "listen": (
        _l("seeing to announcements"),
        _l("Sees to it that %(channel)s still announces what changes."),
    ),
    "give": (_l("giving orders"), _l("Makes your orders on %(channel)s, and tells what happened to them.")),
}
"""What a running job does, in few words and as a sentence."""

_NEWS: Final = ("new", "changed", "booked", "credited", "replanned")
_PRODUCT_NEWS: Final = ("products_new", "products_changed", "products_gone")
_NEWS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("check", "auto"), _NEWS),
    "announced": (*_NEWS, *_PRODUCT_NEWS),
    "products": _PRODUCT_NEWS,
    "refresh": (*_NEWS, *_PRODUCT_NEWS),
}
"""What counts as news, of each kind of job that reads."""

_STANDINGS: Final[Mapping[Standing, tuple[Badge, Any]]] = {
    Standing.STARTING: (Badge("neutral", "clock", _l("Waiting to start")), _l("Starts in a moment.")),
    Standing.TURN: (
        Badge("neutral", "clock", _l("Waiting its turn")),
        _l("Lets other work pass for a moment, then goes on where it stands."),
    ),
    Standing.NO_WORKER: (
        Badge("warning", "clock", _l("Waiting for a worker")),
        _l("Waits for a worker that is free. If this stays, tell whoever runs this server."),
    ),
    Standing.BEHIND: (
        Badge("neutral", "clock", _l("Waiting its turn")),
        _l("Waits for another job of this channel: they go one after the other."),
    ),
    Standing.STOPPING: (
        Badge("neutral", "clock", _l("Stopping")),
        _l("Stops after the page it is on. What is in stays in."),
    ),
    Standing.STALLED: (
        Badge("warning", "warning", _l("Stalled")),
        _l("Its worker is gone. Another one takes over by itself, from where it stands; nothing is lost."),
    ),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong in a sentence, what to do about it, the button that mends it, and our reference in the log."""

    words: str
    advice: str
    button: Button | None
    reference: str


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job with its words.

    `sentence` says where it stands and changes only when that does; `progress` and `tempo` are the counters.
    `doing` is the short form for one line, `did` what it has got done so far, "" when nothing.
    """

    row: JobRow
    title: str
    badge: Badge
    sentence: str
    doing: str
    did: str
    progress: str
    tempo: str
    tallies: tuple[Tally, ...]
    trouble: Trouble | None

    @property
    def may_be_cancelled(self) -> bool:
        """Whether *Cancel* makes sense."""
        return self.row.is_active and self.row.standing is not Standing.STOPPING

    @property
    def again(self) -> str:
        """What the button says that does it again, "" when there is nothing to do again."""
        if self.row.standing is Standing.PUT_OFF:
            return _("Try now")
        if self.row.problem in _CHANNEL_STOPPED:
            return ""
        # A cancelled Sync gave its orders back: there they are ticked again.
        ended = {JobState.FAILED, JobState.PARTLY} | ({JobState.CANCELLED} if self.row.kind != "sync" else set())
        return _("Try again") if self.row.state in ended else ""

    @property
    def version(self) -> str:
        """Changes with the sentence and the buttons, so that an open page fetches those only when they do."""
        seen = (self.badge.label, self.sentence, self.may_be_cancelled, self.again, self.trouble)
        return f"{crc32(repr([str(part) for part in seen]).encode()):08x}"


@dataclass(frozen=True, slots=True)
class ShownActivity:
    """What happens on a channel, with its words."""

    active: ShownJob | None
    last: ShownJob | None
    next_at: datetime | None


def show_activity(activity: ChannelActivity) -> ShownActivity:
    """What happens on a channel, with its words."""
    active, last = activity.active, activity.last
    return ShownActivity(
        active=show_job(active) if active else None, last=show_job(last) if last else None, next_at=activity.next_at
    )


def show_job(row: JobRow) -> ShownJob:
    """The job with its words, for the store of this page."""
    trouble = _trouble(row)
    badge, sentence, doing = _standing(row, trouble)
    return ShownJob(
        row=row,
        title=job_title(row),
        badge=badge,
        sentence=sentence,
        doing=doing,
        did=" · ".join(phrases(row)),
        progress=_progress(row),
        tempo=tempo(row),
        tallies=tallies(row),
        trouble=trouble,
    )


def job_title(row: JobRow) -> str:
    """What the job is called: by the button that was pressed for it."""
    if row.kind == "auto" and row.person is not None:
        return _("Sync now")
    if row.kind == "write_back" and any(row.counts.get(name) for name in GIVE_COUNTS):
        return _("Give orders")
    if row.kind == "write_back" and (row.phase == "move" or any(row.counts.get(name) for name in MOVE_COUNTS)):
        return _("Tell where orders stand")
    return str(_TITLES[row.kind])


def clock(value: datetime) -> str:
    """The time of day in the store's zone, with the date unless it is today."""
    local, today = value.astimezone(zone()), datetime.now(UTC).astimezone(zone()).date()
    return str(dates.format_time(local, "short", locale=locale())) if local.date() == today else moment(value)


def _standing(row: JobRow, trouble: Trouble | None) -> tuple[Badge, str, str]:
    """Badge, sentence and short form of where the job stands."""
    standing = row.standing
    if standing is Standing.RUNNING:
        is_counting = row.phase in {"pull", "verify"} and row.phase_started_at is None
        doing, sentence = _PHASES["" if is_counting else row.phase]
        return badge_of(JobState.RUNNING), str(sentence) % {"channel": row.channel}, str(doing)
    if standing is Standing.PUT_OFF and row.not_before is not None:
        at = clock(row.not_before)
        why = trouble.words if trouble else ""
        sentence = _("%(why)s Next try at %(time)s.", why=why, time=at).strip()
        return Badge("warning", "clock", _("Next try %(time)s", time=at)), sentence, sentence
    if standing in _STANDINGS:
        badge, sentence = _STANDINGS[standing]
        return badge, str(sentence), _lower(str(badge.label))
    badge = badge_of(row.state, "JobState")
    return badge, _ENDED[standing](row), _lower(str(badge.label))


def _succeeded(row: JobRow) -> str:
    if row.kind in _NEWS_OF and not any(row.counts.get(name) for name in _NEWS_OF[row.kind]):
        return _("Everything is in; nothing was new.")
    if row.kind == "verify":
        differs = any(row.counts.get(name) for name in ("missing", "extra", "differing"))
        return _("Everything was compared; not all is the same.") if differs else _("Everything is the same.")
    if row.kind == "sync" and not any(row.counts.get(name) for name in ("booked", "held")):
        return _("There was nothing to invoice.")
    if row.counts.get("held"):
        return _("Done. What was held waits until it is mended.")
    return _("Everything is done.")


def _partly(row: JobRow) -> str:
    if row.problem:
        return _("It got a part of the way; what is done stays.")
    return _("Done, except for what is marked below.")


_ENDED: Final[Mapping[Standing, Callable[[JobRow], str]]] = {
    Standing.SUCCEEDED: _succeeded,
    Standing.PARTLY: _partly,
    Standing.FAILED: lambda _row: _("It could not do its work. Nothing is lost."),
    Standing.CANCELLED: lambda _row: _("Cancelled. What was done before stays."),
}


def _trouble(row: JobRow) -> Trouble | None:
    """What went wrong. A job that works again, or is about to, has left it behind."""
    if not row.problem or (row.is_active and row.standing is not Standing.PUT_OFF):
        return None
    told = row.problem_detail
    why = explain(row.problem, told, Place(row.channel_id, row.channel))
    words = str(told.get("message") or (why.words if why else ""))
    reference = str(told.get("reference") or "")
    if row.is_active and why is not None:
        return Trouble(why.words, why.advice, why.button, reference)  # the error's own words may say "try again later"
    if row.problem == "INTERNAL":
        advice = _("Try again. If it stays, tell whoever runs this server the reference.")
        return Trouble(words, advice, None, reference)
    if row.problem in _GOES_ON_BY_ITSELF and not row.is_active:
        return Trouble(words, _("Try again when %(channel)s answers.", channel=row.channel), None, reference)
    return Trouble(words, why.advice if why else "", why.button if why else None, reference)


def _progress(row: JobRow) -> str:
    """How far the phase is, honestly: x of y where y is known, else what was done so far."""
    if not row.is_active or not row.phase:
        return ""
    if row.total:
        return _("%(done)s of %(total)s", done=number(row.done), total=number(row.total))
    return _("%(done)s so far", done=number(row.done)) if row.done else ""


def tempo(row: JobRow, ahead: int = 0) -> str:
    """Speed, and how long it will still take once that can be said; `ahead` orders follow at about the same speed."""
    if row.rate is None:
        return ""
    parts = [
        _("%(count)s a second", count=number(round(row.rate)))
        if row.rate >= 1
        else _("%(count)s a minute", count=number(max(1, round(row.rate * 60))))
    ]
    if row.seconds_left is not None:
        time = duration(max(1, row.seconds_left + ahead / row.rate))
        parts.append(
            _("about %(time)s left, its orders included", time=time) if ahead else _("about %(time)s left", time=time)
        )
    return " · ".join(parts)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
