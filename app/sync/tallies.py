"""A job's counters in words, each with a link to what it counts where a page can show exactly that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.core.states import ChangeState, OrderState, Reason
from app.sync.queries import JobRow
from app.web.filters import number
from app.web.links import url_if


@dataclass(frozen=True, slots=True)
class Tally:
    """One counter: its name, how many, a word of explanation, and where to see them."""

    label: str
    count: int
    hint: str
    url: str | None
    tone: str


@dataclass(frozen=True, slots=True)
class _Counter:
    """`phrase` makes "12 invoices made" of 12; None keeps the counter out of short lines. Strings are lazy."""

    name: str
    label: Any
    phrase: Callable[[int], str] | None = None
    link: Callable[[JobRow], str | None] = lambda _row: None
    hint: Any = ""
    tone: str = ""


MOVE_COUNTS: Final = ("moved", "moves_overtaken", "moves_unsent", "moves_refused")
"""What a job counts that tells another store where orders stand."""
GIVE_COUNTS: Final = ("given", "gives_unsent", "gives_refused")
"""What a job counts that has orders of ours made on a channel."""


def tallies(row: JobRow) -> tuple[Tally, ...]:
    """The counters that are not zero, in the order of the work."""
    return tuple(
        Tally(str(counter.label), count, str(counter.hint) % {"channel": row.channel}, counter.link(row), counter.tone)
        for counter, count in _counted(row)
    )


def phrases(row: JobRow) -> list[str]:
    """What the job got done, in a few words each: ["12 new", "12 invoices made"]."""
    own = _OF_A_REFRESH if row.kind == "refresh" else {}
    found = [(own.get(counter.name, counter.phrase), count) for counter, count in _counted(row)]
    return [phrase(count) for phrase, count in found if phrase is not None]


def _counted(row: JobRow) -> list[tuple[_Counter, int]]:
    return [(counter, row.counts[counter.name]) for counter in _COUNTERS if row.counts.get(counter.name)]


def _orders(**where: str) -> Callable[[JobRow], str | None]:
    return lambda row: url_if("orders.index", channel=row.channel_id, **where)


def _products(**where: str) -> Callable[[JobRow], str | None]:
    return lambda row: url_if("channels.products", channel_id=row.channel_id, **where)


def _made(row: JobRow) -> str | None:
    return url_if("invoices.index", job=row.id)


def _written(row: JobRow) -> str | None:
    """A job that also made invoices wrote theirs; one that only writes may have written those of many jobs."""
    if row.kind == "write_back":
        return url_if("orders.index", channel=row.channel_id, write_back=ChangeState.DONE.value)
    return url_if("invoices.index", job=row.id, write_back=ChangeState.DONE.value)


_BLOCKED: Final = ChangeState.BLOCKED.value


def _verified(row: JobRow) -> str | None:
    return url_if("completeness.of_job", job_id=row.id) if row.kind == "verify" else None


_COUNTERS: Final = (
    _Counter("listed", _l("Orders listed")),
    _Counter("new", _l("New"), lambda n: _("%(count)s new", count=number(n))),
    _Counter("changed", _l("Changed"), lambda n: _("%(count)s changed", count=number(n))),
    _Counter("unchanged", _l("Unchanged")),
    _Counter(
        "skipped",
        _l("Left out"),
        link=lambda row: url_if("channels.settings", channel_id=row.channel_id),
        hint=_l("placed before the start date"),
    ),
    _Counter("announced", _l("Announced"), hint=_l("%(channel)s said that they are new or changed")),
    _Counter("rechecked", _l("Looked at again"), hint=_l("older orders that may still change")),
    _Counter("asked_by_id", _l("Asked for by number"), hint=_l("not listed, or changed meanwhile")),
    _Counter(
        "missing",
        _l("Missing here"),
        lambda n: _("%(count)s missing", count=number(n)),
        link=_verified,
        tone="danger",
    ),
    _Counter(
        "extra",
        _l("Only here"),
        lambda n: _("%(count)s extra", count=number(n)),
        link=_verified,
        hint=_l("%(channel)s does not know them"),
        tone="danger",
    ),
    _Counter(
        "differing",
        _l("Different"),
        lambda n: _("%(count)s different", count=number(n)),
        link=_verified,
        tone="danger",
    ),
    _Counter("newer", _l("Too new to compare"), hint=_l("the next check fetches them")),
    _Counter(
        "mended",
        _l("Mended"),
        lambda n: _("%(count)s mended", count=number(n)),
        hint=_l("the same on both sides now"),
    ),
    _Counter("reread", _l("Tried again"), lambda n: _("%(count)s tried again", count=number(n))),
    _Counter(
        "unreadable",
        _l("Not understood"),
        lambda n: _("%(count)s not understood", count=number(n)),
        link=lambda _row: url_if("orders.failed"),
        tone="danger",
    ),
    _Counter(
        "short",
        _l("Announced, not given"),
        lambda n: _("%(count)s announced, not given", count=number(n)),
        hint=_l("%(channel)s counted more than it listed; the next check reads them again"),
        tone="danger",
    ),
    _Counter(
        "booked",
        _l("Invoices made"),
        lambda n: ngettext("%(count)s invoice made", "%(count)s invoices made", n, count=number(n)),
        link=_made,
    ),
    _Counter(
        "held",
        _l("Held"),
        lambda n: _("%(count)s held", count=number(n)),
        link=_orders(state=OrderState.HELD.value),
        hint=_l("something must be mended first"),
        tone="danger",
    ),
    _Counter(
        "credited",
        _l("Credit notes made"),
        lambda n: ngettext("%(count)s credit note made", "%(count)s credit notes made", n, count=number(n)),
        link=lambda row: url_if("invoices.credit_notes", job=row.id),
        hint=_l("cancelled, returned or refunded on %(channel)s"),
    ),
    _Counter(
        "replanned",
        _l("Numbers to be written again"),
        lambda n: ngettext("%(count)s number lost there", "%(count)s numbers lost there", n, count=number(n)),
        hint=_l("another number, or none, stood on %(channel)s"),
    ),
    _Counter(
        "written",
        _l("Numbers written back"),
        lambda n: ngettext("%(count)s number written back", "%(count)s numbers written back", n, count=number(n)),
        link=_written,
    ),
    _Counter(
        "unsent",
        _l("Not sent yet"),
        lambda n: _("%(count)s not sent yet", count=number(n)),
        link=_orders(write_back=ChangeState.PLANNED.value),
        hint=_l("tried again by itself"),
    ),
    _Counter(
        "conflicts",
        _l("Conflicts"),
        lambda n: ngettext("%(count)s conflict", "%(count)s conflicts", n, count=number(n)),
        link=_orders(write_back=_BLOCKED, reason=Reason.FOREIGN_NUMBER.value),
        hint=_l("another number stands on the channel"),
        tone="danger",
    ),
    _Counter(
        "rejected",
        _l("Refused"),
        lambda n: _("%(count)s refused", count=number(n)),
        link=_orders(write_back=_BLOCKED),
        hint=_l("the channel did not take the number"),
        tone="danger",
    ),
    _Counter(
        "moved",
        _l("Orders moved"),
        lambda n: ngettext("%(count)s order moved", "%(count)s orders moved", n, count=number(n)),
        hint=_l("%(channel)s knows where they stand"),
    ),
    _Counter(
        "moves_overtaken",
        _l("Said otherwise there"),
        lambda n: _("%(count)s said otherwise there", count=number(n)),
        hint=_l("what %(channel)s said of them counts; the orders' pages say why"),
        tone="warning",
    ),
    _Counter(
        "moves_unsent",
        _l("Not told yet"),
        lambda n: _("%(count)s not told yet", count=number(n)),
        hint=_l("tried again by itself"),
    ),
    _Counter(
        "moves_refused",
        _l("Not taken over"),
        lambda n: _("%(count)s not taken over", count=number(n)),
        link=lambda _row: url_if("orders.failed"),
        hint=_l("%(channel)s did not let them go where you said"),
        tone="danger",
    ),
    _Counter(
        "given",
        _l("Orders given"),
        lambda n: ngettext("%(count)s order given", "%(count)s orders given", n, count=number(n)),
        hint=_l("made or brought up to date on %(channel)s"),
    ),
    _Counter(
        "gives_unsent",
        _l("Orders not given yet"),
        lambda n: _("%(count)s not given yet", count=number(n)),
        hint=_l("tried again by itself"),
    ),
    _Counter(
        "gives_refused",
        _l("Orders that cannot be given"),
        lambda n: _("%(count)s cannot be given", count=number(n)),
        link=lambda _row: url_if("orders.failed"),
        hint=_l("%(channel)s lacks a product of them, or does not take them"),
        tone="danger",
    ),
    _Counter("products", _l("Products listed"), link=_products()),
    _Counter("products_touched", _l("Products touched there"), hint=_l("since the reading before")),
    _Counter("products_announced", _l("Products announced"), hint=_l("%(channel)s said that they changed")),
    _Counter("products_new", _l("New products"), lambda n: _("%(count)s new", count=number(n)), link=_products()),
    _Counter("products_changed", _l("Changed products"), lambda n: _("%(count)s changed", count=number(n))),
    _Counter(
        "stock_counted",
        _l("Stock taken over"),
        lambda n: ngettext("%(count)s stock taken over", "%(count)s stocks taken over", n, count=number(n)),
        hint=_l("as %(channel)s counts it"),
    ),
    _Counter(
        "prices_taken",
        _l("Prices taken over"),
        lambda n: ngettext("%(count)s price taken over", "%(count)s prices taken over", n, count=number(n)),
    ),
    _Counter(
        "products_gone",
        _l("Gone"),
        lambda n: _("%(count)s gone", count=number(n)),
        link=_products(state="gone"),
        hint=_l("%(channel)s does not list them any more"),
    ),
    _Counter(
        "products_proposed",
        _l("Proposals changed"),
        link=_products(state="proposed"),
        hint=_l("what they may be among your items"),
    ),
    _Counter(
        "products_unreadable",
        _l("Not understood"),
        lambda n: _("%(count)s not understood", count=number(n)),
        link=_products(),
        tone="danger",
    ),
    _Counter(
        "products_short",
        _l("Announced, not given"),
        lambda n: _("%(count)s announced, not given", count=number(n)),
        hint=_l("%(channel)s counted more than it listed; refresh again"),
        tone="danger",
    ),
    _Counter(
        "registered_anew",
        _l("Announcements switched on again"),
        hint=_l("%(channel)s had stopped announcing what changes"),
    ),
    _Counter(
        "unqueued",
        _l("Taken back"),
        lambda n: _("%(count)s taken back", count=number(n)),
        link=_orders(state=OrderState.READY.value),
        hint=_l("ready to sync again"),
    ),
)

_OF_A_REFRESH: Final[Mapping[str, Callable[[int], str]]] = {
    "new": lambda n: ngettext("One new order", "%(count)s new orders", n, count=number(n)),
    "changed": lambda n: ngettext("One changed order", "%(count)s changed orders", n, count=number(n)),
    "products_new": lambda n: ngettext("One new product", "%(count)s new products", n, count=number(n)),
    "products_changed": lambda n: ngettext("One changed product", "%(count)s changed products", n, count=number(n)),
    "products_gone": lambda n: ngettext("One product gone", "%(count)s products gone", n, count=number(n)),
}
"""Phrases of a job that reads orders and products, so that nobody takes the one for the other."""
