"""Verifications in a bookkeeper's words: what was compared, what differs, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.completeness.queries import DeviationRow, Difference, Group, VerificationRow
from app.core.completeness import DeviationKind, Verdict, last_second
from app.orders.reasons import phrase
from app.web.badges import Badge, badge_of
from app.web.filters import day, moment, money, number, signed_money
from app.web.links import url_if

KINDS: Final[Mapping[str, Badge]] = {
    DeviationKind.MISSING: Badge("danger", "down", _l("Missing here")),
    DeviationKind.EXTRA: Badge("danger", "warning", _l("Only here")),
    DeviationKind.UNREADABLE: Badge("danger", "warning", _l("Not understood")),
    DeviationKind.CURRENCY: Badge("danger", "money", _l("Another currency")),
    DeviationKind.TOTAL: Badge("danger", "money", _l("Another total")),
    DeviationKind.STATUS: Badge("warning", "x", _l("Ended on one side only")),
    DeviationKind.PAYMENT: Badge("warning", "clock", _l("Paid differently")),
    DeviationKind.INVOICE: Badge("warning", "invoice", _l("Invoiced differently")),
}
_GROUPS: Final = {Group.MISSING: _l("Missing"), Group.EXTRA: _l("Extra"), Group.DIFFERING: _l("Different")}


@dataclass(frozen=True, slots=True)
class Result:
    """A verification in words: `tone` of the sentence, and the facts that stand below it."""

    tone: str
    sentence: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Paid orders without an invoice: how many, why, and where to see them."""

    count: int
    words: str
    url: str | None


def result(row: VerificationRow, found: Sequence[Difference] = ()) -> Result:
    """What a verification found, in a sentence."""
    if row.is_running:
        return Result("info", _("It is being compared now."), ())
    if row.finished_at is None:
        return Result("warning", _("It was stopped before it could compare. Verify again."), ())
    facts = _facts(row)
    if row.verdict is Verdict.DIFFERS:
        tone = "success" if row.open == 0 else "danger"
        return Result(tone, _differs(row, found), facts)
    if row.orders == 0:
        return Result("info", _("There were no orders %(time)s, neither there nor here.", time=period(row)), facts)
    words = ngettext(
        "The one order %(time)s is in, to the cent.",
        "All %(count)s orders %(time)s are in, to the cent.",
        row.orders,
        count=number(row.orders),
        time=period(row),
    )
    return Result("success" if row.verdict is Verdict.AGREES else "warning", words, facts)


def period(row: VerificationRow) -> str:
    """The compared days in words; when the last check was before their end, up to its time."""
    last = day(row.until)
    if row.until_at is not None and row.until_at < last_second(row.until, row.time_zone):
        last = moment(row.until_at)
    return _("from %(since)s to %(until)s", since=day(row.since), until=last)


def group_name(group: Group) -> str:
    """What a column of deviations is called."""
    return str(_GROUPS[group])


def remote_words(row: DeviationRow) -> str:
    """What the channel says of the order."""
    if row.kind == DeviationKind.UNREADABLE:
        return _("sent something that we cannot read")
    if not row.remote:
        return _("does not know this order")
    if row.kind == DeviationKind.INVOICE:
        return _("%(amount)s charged and kept", amount=money(row.remote["owed"], row.remote["currency"]))
    return _said(row.remote)


def local_words(row: DeviationRow) -> str:
    """What the books say of the order."""
    if not row.local:
        return _("not in")
    if row.kind == DeviationKind.INVOICE:
        amount = money(row.local["invoiced"], row.local["currency"])
        return _("%(amount)s by invoice %(number)s", amount=amount, number=row.local["invoice"])
    return _said(row.local)


def whys(not_invoiced: Mapping[str, int], channel_id: int, **where: str) -> list[Why]:
    """Paid orders without an invoice by reason, the most first, each with a link to them."""
    return [
        Why(count, phrase(code), _orders_url(channel_id, code, **where))
        for code, count in sorted(not_invoiced.items(), key=lambda item: (-item[1], item[0]))
    ]


def _orders_url(channel_id: int, code: str, **where: str) -> str | None:
    how = {"state": code.lower()} if code in {"READY", "QUEUED", "WAITING", "BOOKED"} else {"reason": code}
    return url_if("orders.index", channel=channel_id, **how, **where)


def _said(told: Mapping[str, Any]) -> str:
    parts = [
        money(told["total"], told["currency"]),
        str(badge_of(told["status"], "OrderStatus").label),
        str(badge_of(told["payment"], "PaymentStatus").label),
    ]
    if told.get("refunded"):
        parts.append(_("%(amount)s paid back", amount=money(told["refunded"], told["currency"])))
    return " · ".join(parts)


def _differs(row: VerificationRow, found: Sequence[Difference]) -> str:
    """3 orders are missing (RM 126.00), 1 differs by +RM 4.00."""
    parts = []
    if row.missing:
        words = ngettext(
            "%(count)s order is missing", "%(count)s orders are missing", row.missing, count=number(row.missing)
        )
        parts.append(words + _amounts(found, Group.MISSING))
    if row.extra:
        words = ngettext(
            "%(count)s order is only here", "%(count)s orders are only here", row.extra, count=number(row.extra)
        )
        parts.append(words + _amounts(found, Group.EXTRA))
    if row.differing:
        words = ngettext(
            "%(count)s order differs", "%(count)s orders differ", row.differing, count=number(row.differing)
        )
        parts.append(words + _amounts(found, Group.DIFFERING))
    return _("%(what)s, of %(count)s %(time)s.", what=", ".join(parts), count=number(row.orders), time=period(row))


def _amounts(found: Sequence[Difference], group: Group) -> str:
    amounts = ", ".join(signed_money(one.amount, one.currency) for one in found if one.group is group)
    return f" ({amounts})" if amounts else ""


def _facts(row: VerificationRow) -> tuple[str, ...]:
    facts = []
    if row.found and row.open == 0:
        facts.append(_("All of it was mended since: both sides are the same now."))
    elif row.found > row.open:
        facts.append(_("%(count)s of these were mended since.", count=number(row.found - row.open)))
    if row.newer:
        facts.append(
            ngettext(
                "%(count)s order came or changed after the last check and is not compared; the next check fetches it.",
                "%(count)s orders came or changed after the last check and are not compared; the next check fetches "
                "them.",
                row.newer,
                count=number(row.newer),
            )
        )
    if row.short:
        facts.append(
            _(
                "%(channel)s counted %(count)s more than it listed, also when asked twice. Verify again later.",
                channel=row.channel,
                count=number(row.short),
            )
        )
    if not row.by_update:
        facts.append(
            _(
                "%(channel)s lists orders only by the day they were made, so what changed was not looked for by its "
                "own road.",
                channel=row.channel,
            )
        )
    if row.older:
        facts.append(
            ngettext(
                "%(count)s order of other days was compared too, because it changed in this time or is at its edge.",
                "%(count)s orders of other days were compared too, because they changed in this time or are at its "
                "edge.",
                row.older,
                count=number(row.older),
            )
        )
    return tuple(facts)
