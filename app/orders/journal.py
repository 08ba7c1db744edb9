"""The journal in words: each kind of entry, what its `detail` holds, and the sentence it becomes.

Whoever writes a note takes its kind from `KINDS`; a key that is missing costs a word of the sentence, never the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.orders.reasons import Place, alert_words, explain, phrase
from app.web.badges import badge_of
from app.web.filters import money

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a page shows it: a title, further lines, and how it looks (as `ui.event` takes it)."""

    title: str
    lines: tuple[str, ...]
    drawing: str
    tone: str


@dataclass(frozen=True, slots=True)
class Kind:
    """`title` is a lazy sentence with the keys of `detail` (and `channel`) as its facts; `keys` says which there are.

    `lines` makes what stands below it from the detail, the place and the currency of the order.
    """

    title: Any
    keys: tuple[str, ...] = ()
    drawing: str = "check"
    tone: str = "neutral"
    lines: Callable[[Detail, Place, str], list[str]] = lambda _detail, _place, _currency: []


class _Facts(dict[str, str]):
    def __missing__(self, _key: str) -> str:
        return "–"


def tell(kind: str, detail: Detail | None, place: Place, currency: str) -> Told:
    """The entry in words. A kind that `KINDS` lacks is shown by its name, so that nothing is hidden."""
    detail = detail or {}
    entry = KINDS.get(kind) or Kind(kind.replace("_", " ").capitalize().replace("%", "%%"))
    facts = _Facts({name: str(value) for name, value in detail.items() if value not in (None, "")})
    facts["channel"] = place.channel
    return Told(
        title=str(entry.title) % facts,
        lines=tuple(entry.lines(detail, place, currency)),
        drawing=entry.drawing,
        tone=entry.tone,
    )


def _standing(detail: Detail, place: Place, _currency: str) -> list[str]:
    """Where the order stands then, and why."""
    why = explain(detail.get("reason"), detail, place)
    state = detail.get("state")
    if why is None:
        return [str(badge_of(state, "OrderState").label)] if state else []
    return [why.short if state else why.words]


def _why(detail: Detail, place: Place, _currency: str) -> list[str]:
    why = explain(detail.get("reason"), detail, place)
    return [why.words] if why else []


def _default_method(detail: Detail, _place: Place, _currency: str) -> list[str]:
    return (
        [_("Its gateway had no payment method, so the default one was used.")] if detail.get("default_method") else []
    )


def _words(detail: Detail, _place: Place, _currency: str) -> list[str]:
    return [_("“%(words)s”", words=detail["words"])] if detail.get("words") else []


def _credit(detail: Detail, place: Place, currency: str) -> list[str]:
    """How much was given back, and why: a person's reason, or the channel's news."""
    amount = money(detail["total"], currency) if isinstance(detail.get("total"), int) else "–"
    lines = [_("In full: %(amount)s.", amount=amount) if detail.get("all") else amount]
    cause = str(detail.get("cause") or "").upper()
    if not detail.get("words") and cause:
        lines.append(alert_words(cause, place.channel) + ".")
    return lines + _words(detail, place, currency)


def _move(detail: Detail, _place: Place, _currency: str) -> list[str]:
    """Where the order is let stand, by whom, and with which courier and tracking number."""
    parts = [detail.get("package"), _status_of(detail.get("status")), detail.get("courier")]
    return [" · ".join(str(part) for part in (*parts, detail.get("tracking_number"), detail.get("person")) if part)]


def _move_failed(detail: Detail, place: Place, currency: str) -> list[str]:
    return _move(detail, place, currency) + _why(detail, place, currency)


def _move_left(detail: Detail, place: Place, currency: str) -> list[str]:
    """Left by a person, for a reason in words, or because the link ended."""
    return _move(detail, place, currency) + (_words(detail, place, currency) or _why(detail, place, currency))


def _given_why(detail: Detail, place: Place, currency: str) -> list[str]:
    """Why the channel that is told does not have it; the order's own is another one."""
    return _why(detail, replace(place, channel=str(detail.get("there") or "")), currency)


def _conflict(detail: Detail, _place: Place, _currency: str) -> list[str]:
    facts = {"stands": _status_of(detail.get("stands")), "wanted": _status_of(detail.get("wanted"))}
    return [_("“%(stands)s” counts, not “%(wanted)s”.", **facts)]


def _status_of(status: Any) -> str:
    return str(badge_of(str(status), "OrderStatus").label) if status else ""


def _reference(detail: Detail, _place: Place, _currency: str) -> list[str]:
    return [_("Reference %(reference)s", reference=detail["reference"])] if detail.get("reference") else []


def _label(detail: Detail, _place: Place, _currency: str) -> list[str]:
    """By whom it travels, and under which number."""
    told = [detail["courier"]] if detail.get("courier") else []
    told += [_("tracking number %(number)s", number=detail["tracking_number"])] if detail.get("tracking_number") else []
    return [", ".join(told)] if told else []


def _was(detail: Detail, _place: Place, _currency: str) -> list[str]:
    """What it waited for when it was left out."""
    return [_("Until then: %(reason)s.", reason=phrase(str(detail["was"])))] if detail.get("was") else []


def _left_alert(detail: Detail, place: Place, _currency: str) -> list[str]:
    return [alert_words(str(detail["alert"]), place.channel)] if detail.get("alert") else []


def _changes(detail: Detail, place: Place, currency: str) -> list[str]:
    """One line for each fact that changed, from → to."""
    lines = []
    for name, (label, worded) in _CHANGED.items():
        pair = detail.get(name)
        if isinstance(pair, (list, tuple)) and len(pair) == 2:
            before, after = (worded(value, place, currency) for value in pair)
            lines.append(_("%(what)s: %(before)s → %(after)s", what=str(label), before=before, after=after))
    return lines or [_("Something else in it changed, such as a line, the address or how it is packed.")]


def _state(value: Any, _place: Place, _currency: str) -> str:
    return str(badge_of(str(value), "OrderState").label)


def _status(value: Any, _place: Place, _currency: str) -> str:
    return str(badge_of(str(value), "OrderStatus").label)


def _payment(value: Any, _place: Place, _currency: str) -> str:
    return str(badge_of(str(value), "PaymentStatus").label)


def _amount(value: Any, _place: Place, currency: str) -> str:
    return money(value, currency) if isinstance(value, int) else "–"


def _text(value: Any, _place: Place, _currency: str) -> str:
    return str(value or _("none"))


def _reason(value: Any, _place: Place, _currency: str) -> str:
    return phrase(str(value)) if value else _("none")


def _alert(value: Any, place: Place, _currency: str) -> str:
    return alert_words(str(value), place.channel) if value else _("none")


_CHANGED: Final[Mapping[str, tuple[Any, Callable[[Any, Place, str], str]]]] = {
    "status": (_l("Status"), _status),
    "payment_status": (_l("Payment"), _payment),
    "total": (_l("Total"), _amount),
    "remote_invoice_no": (_l("Invoice number on the channel"), _text),
    "state": (_l("Here"), _state),
    "reason": (_l("Reason"), _reason),
    "alert": (_l("Since it was invoiced"), _alert),
}

MOVE_KEYS: Final = ("status", "package", "courier", "tracking_number", "person")

KINDS: Final[Mapping[str, Kind]] = {
    "imported": Kind(_l("Read from %(channel)s for the first time"), ("state", "reason"), "down", lines=_standing),
    "made_here": Kind(_l("Made here"), ("state", "reason"), "plus", lines=_standing),
    "changed_here": Kind(_l("Changed here"), tuple(_CHANGED), "edit", lines=_changes),
    "changed": Kind(_l("Changed on %(channel)s"), tuple(_CHANGED), "refresh", lines=_changes),
    "split": Kind(_l("Split: a part of package %(package)s is package %(into)s now"), ("package", "into"), "box"),
    "merged_back": Kind(_l("Package %(package)s merged back into %(into)s"), ("package", "into"), "box"),
    "combined": Kind(_l("Packed together in package %(package)s: %(orders)s"), ("package", "orders"), "box"),
    "separated": Kind(_l("Order %(order)s taken out of package %(package)s"), ("package", "order"), "box"),
    "sent": Kind(_l("Package %(package)s sent"), ("package", "courier", "tracking_number"), "arrow", "info", _label),
    "relabelled": Kind(
        _l("Courier of package %(package)s changed"), ("package", "courier", "tracking_number"), "edit", lines=_label
    ),
    "waiting": Kind(_l("Waits for its payment"), ("reason",), "clock"),
    "held": Kind(_l("Held, because something must be mended first"), ("reason",), "warning", "danger", _why),
    "freed": Kind(_l("Goes on: what it waited for is mended"), ("reason",), "check", "info"),
    "closed": Kind(_l("Will not be booked"), ("reason",), "x", lines=_why),
    "queued": Kind(_l("Sync requested"), (), "refresh", "info"),
    "unqueued": Kind(_l("Sync request taken back"), (), "x"),
    "ignored": Kind(_l("Ignored: “%(words)s”"), ("words", "was"), "x", lines=_was),
    "unread_ignored": Kind(_l("Order %(order)s ignored unread: “%(words)s”"), ("order", "words", "was"), "x"),
    "alert_ignored": Kind(_l("Left as it is: “%(words)s”"), ("words", "alert"), "check", lines=_left_alert),
    "taken_back": Kind(_l("Taken back"), ("order",), "back", "info"),
    "not_same_sale": Kind(_l("A sale of its own, not the same as order %(number)s"), ("number",), "check", "info"),
    "dated": Kind(_l("Its invoice will be dated %(day)s, the first open day"), ("day",), "edit", "info"),
    "retry_requested": Kind(_l("To be tried again"), (), "refresh", "info"),
    "booked": Kind(
        _l("Invoice %(number)s issued"),
        ("number", "total", "currency", "order", "default_method"),
        "invoice",
        "success",
        _default_method,
    ),
    "credited": Kind(
        _l("%(invoice)s credited by %(number)s"),
        ("number", "invoice", "total", "currency", "cause", "words", "all"),
        "invoice",
        "warning",
        _credit,
    ),
    "reissued": Kind(
        _l("Invoice %(number)s issued in place of %(replaces)s"),
        ("number", "replaces", "credit_note", "total", "currency", "words"),
        "invoice",
        "success",
        _words,
    ),
    "write_back_planned": Kind(_l("%(number)s is to be written to %(channel)s again"), (), "refresh", "info"),
    "written_back": Kind(_l("%(number)s written to %(channel)s"), ("number",), "check", "success"),
    "write_back_failed": Kind(
        _l("%(number)s could not be written to %(channel)s"),
        ("number", "reason", "found", "words"),
        "warning",
        "danger",
        _why,
    ),
    "write_back_conflict": Kind(
        _l("%(channel)s holds another number: %(found)s, not %(number)s"),
        ("number", "reason", "found", "words"),
        "warning",
        "danger",
    ),
    "write_back_dropped": Kind(
        _l("%(number)s is not written to %(channel)s: left as it is there"), ("number", "found"), "x"
    ),
    "write_back_ignored": Kind(
        _l("%(number)s is not written to %(channel)s: “%(words)s”"), ("number", "words", "was"), "x", lines=_was
    ),
    "move_planned": Kind(_l("%(channel)s is to be told"), MOVE_KEYS, "clock", "info", _move),
    "move_made": Kind(_l("%(channel)s was told"), MOVE_KEYS, "check", "success", _move),
    "move_overtaken": Kind(
        _l("%(channel)s says something else, and that counts"), MOVE_KEYS, "warning", "warning", _move
    ),
    "move_failed": Kind(
        _l("%(channel)s did not take it over"), (*MOVE_KEYS, "words", "reason"), "warning", "danger", _move_failed
    ),
    "move_dropped": Kind(
        _l("%(channel)s is not told any more"), (*MOVE_KEYS, "words", "reason"), "x", lines=_move_left
    ),
    "moved_there": Kind(_l("Said by %(store)s"), ("store", "person", "status"), "arrow", "info", _move),
    "move_conflict": Kind(
        _l("%(store)s and this store said different things of it"),
        ("store", "wanted", "wanted_by", "wanted_at", "stands", "stands_by", "stands_at", "outcome"),
        "warning",
        "warning",
        _conflict,
    ),
    "given": Kind(_l("Made on %(there)s: %(number)s"), ("there", "number"), "arrow", "success"),
    "given_again": Kind(_l("%(there)s was told what changed in %(number)s"), ("there", "number"), "check", "success"),
    "given_cancelled": Kind(_l("Cancelled on %(there)s: %(number)s"), ("there", "number"), "x"),
    "give_refused": Kind(
        _l("%(there)s does not have it as it stands here"),
        ("there", "number", "words", "lines", "skus", "keys", "currency", "theirs", "reason"),
        "warning",
        "danger",
        _given_why,
    ),
    "give_planned": Kind(_l("To be told to %(there)s again"), ("there",), "refresh", "info"),
    "give_ignored": Kind(_l("%(there)s is not told of it: “%(words)s”"), ("there", "words", "was"), "x", lines=_was),
    "give_dropped": Kind(_l("%(there)s is not told of it any more"), ("there",), "x"),
    "giving_started": Kind(_l("Orders made here are made on %(channel)s too from now on"), (), "arrow", "info"),
    "giving_stopped": Kind(_l("Orders made here are not made on %(channel)s any more"), (), "x"),
    "oversold": Kind(_l("Oversold: too few of %(skus)s to reserve what was ordered"), ("skus",), "warning", "danger"),
    "stock_unlinked": Kind(_l("Not taken out of stock: %(skus)s is linked to no item"), ("skus",), "link", "warning"),
    "stock_found": Kind(_l("Nothing of %(skus)s is missing any more"), ("skus",), "box", "success"),
    "numbers_moved": Kind(_l("The next invoice number was moved from %(from)s to %(to)s"), ("from", "to"), "edit"),
    "job_waits": Kind(
        _l("%(message)s It goes on by itself."), ("code", "message", "reference", "next_try_at"), "clock", "warning"
    ),
    "job_stopped": Kind(
        _l("Stopped. %(message)s"), ("code", "message", "reference", "detail"), "warning", "danger", _reference
    ),
    "list_short": Kind(
        _l("%(list)s: %(missing)s were counted and not given. The next check reads them again."),
        ("list", "missing"),
        "warning",
        "warning",
    ),
    "job_cancelled": Kind(_l("Cancelled"), (), "x"),
}
"""Every kind of note and the keys of its detail. `number` and `found` are invoice numbers as printed (`number` is
taken from the note's invoice when the detail lacks it), `reason` is a code whose own facts stand beside it, `words` are
the channel's own. Each key of "changed" holds [before, after]."""
