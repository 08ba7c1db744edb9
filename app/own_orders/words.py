"""What is wrong with an order that somebody wants to make, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask_babel import gettext as _

from app.core.own_orders import Mistake, Wrong
from app.web.badges import badge_of
from app.web.filters import money, signed_money

Facts = Mapping[str, str | int]


def words_of(mistake: Mistake) -> str:
    """The sentence of one mistake; its field is told beside it."""
    return _WORDS[mistake.wrong](mistake.facts)


def _total_differs(facts: Facts) -> str:
    currency = str(facts["currency"])
    return _(
        "The parts add up to %(added_up)s, not to %(told)s: %(difference)s is not explained.",
        added_up=money(int(facts["added_up"]), currency),
        told=money(int(facts["told"]), currency),
        difference=signed_money(int(facts["difference"]), currency),
    )


def status_words(status: str) -> str:
    """What a status is called."""
    return str(badge_of(status, "OrderStatus").label)


def _not_next(facts: Facts) -> str:
    possible = ", ".join(status_words(status) for status in str(facts["possible"]).split())
    now = status_words(str(facts["status"]))
    if not possible:
        return _("The order is “%(now)s” and stays so. Make a new one instead.", now=now)
    return _("The order is “%(now)s”. From there it can go on to: %(possible)s.", now=now, possible=possible)


_WORDS: Final[Mapping[Wrong, Callable[[Facts], str]]] = {
    Wrong.MISSING: lambda _facts: _("This is missing."),
    Wrong.NOT_TEXT: lambda _facts: _("This must be text."),
    Wrong.UNSEEN: lambda _facts: _("This contains a character that cannot be seen. Type it again."),
    Wrong.TOO_LONG: lambda facts: _("Use at most %(limit)s letters.", limit=facts["limit"]),
    Wrong.NOT_ONE_OF: lambda facts: _("This must be one of: %(choices)s.", choices=facts["choices"]),
    Wrong.NOT_AN_AMOUNT: lambda facts: _(
        "Type an amount in %(currency)s, like 16.90: not below zero, and without a comma.", currency=facts["currency"]
    ),
    Wrong.NOT_A_QUANTITY: lambda _facts: _("Type a quantity above zero, like 2 or 0.5, with at most four decimals."),
    Wrong.NOT_A_MOMENT: lambda _facts: _("Type a day and a time, like 2026-11-20T14:30:00+08:00."),
    Wrong.NOT_YET: lambda _facts: _("This is still to come."),
    Wrong.NOT_A_SWITCH: lambda _facts: _("This must be true or false."),
    Wrong.NOT_A_LIST: lambda _facts: _("This must be a list."),
    Wrong.NOT_AN_OBJECT: lambda _facts: _("This must be an object with named fields."),
    Wrong.UNKNOWN: lambda _facts: _("There is no such field."),
    Wrong.TOO_MANY: lambda facts: _("At most %(limit)s lines fit into one order.", limit=facts["limit"]),
    Wrong.OTHER_CURRENCY: lambda facts: _("This store sells in %(currency)s.", currency=facts["currency"]),
    Wrong.TOO_MUCH_OFF: lambda _facts: _("The discount is larger than what it is taken from."),
    Wrong.TOO_LARGE: lambda _facts: _("This amount is too large."),
    Wrong.TOTAL_DIFFERS: _total_differs,
    Wrong.ENDED: lambda _facts: _("The order was paid back, and that stays. Make a new one instead."),
    Wrong.NOT_NEXT: _not_next,
    Wrong.OF_SHIPPED: lambda _facts: _("A single package can be sent; any other status is that of the whole order."),
}
