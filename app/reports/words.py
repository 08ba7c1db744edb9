"""Home's three questions, answered in sentences; each fact leads to what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from app.channels.connecting import kind_of
from app.channels.queries import ChannelRow
from app.completeness.queries import VerificationRow
from app.core.states import ChangeState, OrderState, Reason
from app.reports.queries import COUNTED_AT_MOST, Waiting
from app.sync.words import clock
from app.web.filters import day, number
from app.web.links import url_if


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence and where it leads."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's answer: `tone` is success, info, warning or danger."""

    tone: str
    facts: tuple[Fact, ...]


def answers(
    channels: Sequence[ChannelRow],
    found: Waiting,
    unmapped: Mapping[int, int],
    verified: Mapping[int, VerificationRow],
) -> list[Answer]:
    """Is everything in? Does anything wait for me? Are the numbers where they belong?

    `unmapped` is channel id → how many of its gateways have no payment method, `verified` channel id → its last
    verification with a result.
    """
    if not channels:
        return [Answer("info", (Fact(_("Nothing is connected yet, so nothing can come in."), url_if("channels.add")),))]
    unmapped = {row.id: unmapped[row.id] for row in channels if row.id in unmapped}
    given = [_is_everything_in(channels, found, [verified[row.id] for row in channels if row.id in verified])]
    if any(row.checked_at for row in channels) or found.ready or found.held:
        given.append(_what_waits(found, unmapped))
    return [*given, *_where_numbers_are(found)]


def first_to_do(given: Sequence[Answer]) -> Fact | None:
    """The fact that somebody should look at first."""
    return next((fact for answer in given if answer.tone != "success" for fact in answer.facts if fact.url), None)


def some(count: int) -> str:
    """A count as pages say it, knowing that counting stops somewhere."""
    return number(count) if count < COUNTED_AT_MOST else f"{number(COUNTED_AT_MOST - 1)}+"


def _is_everything_in(channels: Sequence[ChannelRow], found: Waiting, verified: Sequence[VerificationRow]) -> Answer:
    connected = [row for row in channels if row.status == "connected"]
    taken = [row for row in connected if row.takes_orders and kind_of(row.kind).lists_orders]
    unchecked = [row for row in taken if row.checked_at is None]
    paused = [row for row in channels if row.status != "connected"]
    checked = [row.checked_at for row in connected or channels if row.checked_at is not None]
    url = url_if("channels.index")
    facts = []
    if unchecked:
        facts.append(Fact(_not_checked(unchecked), url))
    elif checked:
        time = clock(min(checked))
        words = _("Orders up to %(time)s are in.", time=time) if paused or found.unread else _all_in(time)
        facts.append(Fact(words, url))
    elif connected and not paused:
        facts.append(Fact(_("Your orders are made here, so all of them are in."), url_if("orders.index")))
    if paused:
        facts.append(Fact(_stopped(paused), url))
    if found.unread:
        words = ngettext(
            "%(count)s order could not be read.",
            "%(count)s orders could not be read.",
            found.unread,
            count=some(found.unread),
        )
        facts.append(Fact(words, url_if("orders.failed")))
    facts += _verified(verified, {row.id for row in taken})
    differs = any(row.open for row in verified)
    return Answer("warning" if unchecked or paused or found.unread or differs else "success", tuple(facts))


def _verified(verified: Sequence[VerificationRow], taken: Set[int]) -> list[Fact]:
    """What the last look by a second road found, a sentence for each channel that differs.

    That all is the same is said once every channel in `taken` was looked at: it is read as all of them.
    """
    differing = [row for row in verified if row.open]
    if differing:
        return [
            Fact(
                ngettext(
                    "%(count)s order differs from %(channel)s.",
                    "%(count)s orders differ from %(channel)s.",
                    row.open,
                    count=number(row.open),
                    channel=row.channel,
                ),
                url_if("completeness.show", verification_id=row.id),
            )
            for row in differing
        ]
    if not verified or any(row.short for row in verified) or taken - {row.channel_id for row in verified}:
        return []
    at = min(row.finished_at for row in verified if row.finished_at is not None)
    words = _("Held against the channel on %(day)s: the same to the cent.", day=day(at))
    return [Fact(words, url_if("completeness.index"))]


def _what_waits(found: Waiting, unmapped: Mapping[int, int]) -> Answer:
    facts = []
    if found.ready:
        words = ngettext(
            "%(count)s order is ready to sync.",
            "%(count)s orders are ready to sync.",
            found.ready,
            count=some(found.ready),
        )
        facts.append(Fact(words, url_if("orders.index", state=OrderState.READY.value)))
    if found.gateway:
        words = ngettext(
            "%(count)s order waits for a payment method.",
            "%(count)s orders wait for a payment method.",
            found.gateway,
            count=some(found.gateway),
        )
        where = {"state": OrderState.HELD.value, "reason": Reason.GATEWAY_UNMAPPED.value}
        facts.append(Fact(words, url_if("orders.index", **where)))
    elif unmapped:
        facts.append(_unmapped(unmapped))
    if found.held:
        words = ngettext(
            "%(count)s order needs attention.", "%(count)s orders need attention.", found.held, count=some(found.held)
        )
        facts.append(Fact(words, url_if("orders.failed")))
    if found.alerts:
        words = ngettext(
            "%(count)s invoiced order changed on its channel.",
            "%(count)s invoiced orders changed on their channel.",
            found.alerts,
            count=some(found.alerts),
        )
        facts.append(Fact(words, url_if("orders.failed")))
    if found.lacking:
        words = ngettext(
            "%(count)s order lacks pieces in stock.",
            "%(count)s orders lack pieces in stock.",
            found.lacking,
            count=some(found.lacking),
        )
        facts.append(Fact(words, url_if("orders.failed")))
    if found.ungiven:
        words = ngettext(
            "%(count)s order made here could not be made on its channel.",
            "%(count)s orders made here could not be made on their channel.",
            found.ungiven,
            count=some(found.ungiven),
        )
        facts.append(Fact(words, url_if("orders.failed")))
    is_stuck = found.gateway or unmapped or found.held or found.alerts or found.lacking or found.ungiven
    tone = "warning" if is_stuck else "info" if found.ready else "success"
    if not facts:
        facts.append(Fact(_("Nothing waits for you.")))
    if found.unpaid:
        words = ngettext(
            "%(count)s order waits for its buyer to pay.",
            "%(count)s orders wait for their buyers to pay.",
            found.unpaid,
            count=some(found.unpaid),
        )
        facts.append(Fact(words, url_if("orders.index", state=OrderState.WAITING.value)))
    return Answer(tone, tuple(facts))


def _unmapped(unmapped: Mapping[int, int]) -> Fact:
    """Nothing waits for these gateways, because the store lets the default method stand in for them."""
    many = sum(unmapped.values())
    words = ngettext(
        "%(count)s gateway has no payment method of its own.",
        "%(count)s gateways have no payment method of their own.",
        many,
        count=number(many),
    )
    channel_id = next(iter(unmapped)) if len(unmapped) == 1 else None
    return Fact(words, url_if("channels.payments", channel_id=channel_id) if channel_id else url_if("channels.index"))


def _where_numbers_are(found: Waiting) -> list[Answer]:
    if not found.has_invoices:
        return []
    facts = []
    if found.conflicts:
        words = ngettext(
            "%(count)s order holds another invoice number on its channel.",
            "%(count)s orders hold another invoice number on their channel.",
            found.conflicts,
            count=some(found.conflicts),
        )
        facts.append(Fact(words, _write_backs(ChangeState.BLOCKED, reason=Reason.FOREIGN_NUMBER.value)))
    if found.stuck:
        words = ngettext(
            "%(count)s invoice number could not be written to its channel.",
            "%(count)s invoice numbers could not be written to their channel.",
            found.stuck,
            count=some(found.stuck),
        )
        facts.append(Fact(words, _write_backs(ChangeState.BLOCKED)))
    if found.planned:
        words = ngettext(
            "%(count)s invoice number is on its way to its channel.",
            "%(count)s invoice numbers are on their way to their channel.",
            found.planned,
            count=some(found.planned),
        )
        facts.append(Fact(words, _write_backs(ChangeState.PLANNED)))
    if not facts:
        facts.append(Fact(_("Every invoice number stands on its channel."), url_if("invoices.index")))
    tone = "danger" if found.conflicts or found.stuck else "info" if found.planned else "success"
    return [Answer(tone, tuple(facts))]


def _write_backs(state: ChangeState, **more: str) -> str | None:
    return url_if("orders.index", write_back=state.value, **more)


def _all_in(time: str) -> str:
    return _("All orders up to %(time)s are in.", time=time)


def _not_checked(channels: Sequence[ChannelRow]) -> str:
    if len(channels) == 1:
        return _("%(name)s was not checked for orders yet.", name=channels[0].name)
    return _("%(count)s channels were not checked for orders yet.", count=number(len(channels)))


def _stopped(channels: Sequence[ChannelRow]) -> str:
    if len(channels) == 1:
        return _("%(name)s is paused: its new orders are not in.", name=channels[0].name)
    return _("%(count)s channels are paused: their new orders are not in.", count=number(len(channels)))
