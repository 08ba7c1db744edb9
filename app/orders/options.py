"""The choices of the orders' filter form, each a list of (value in the URL, words)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.reporting import Sale
from app.core.reserving import Why
from app.core.states import ChangeState
from app.core.types import OrderStatus, PaymentStatus
from app.orders.filters import OrderFilter, gateway_value
from app.orders.queries import FilterChoices
from app.orders.reasons import alert_choices, reason_choices
from app.web.badges import badge_of
from app.web.reader import Reader, reader

Options = list[tuple[str, str]]

_WRITE_BACKS: Final = (
    (ChangeState.PLANNED, _l("Number on its way")),
    (ChangeState.DONE, _l("Number written back")),
    (ChangeState.BLOCKED, _l("Number needs attention")),
    (ChangeState.DROPPED, _l("Number not sent")),
)
STOCKS: Final = ((Why.OVERSOLD, _l("Oversold")), (Why.UNLINKED, _l("Not linked to stock")))
SALES: Final = (
    (Sale.SOLD, _l("Not cancelled")),
    (Sale.CANCELLED, _l("Cancelled")),
    (Sale.DISCOUNTED, _l("With a discount")),
    (Sale.REFUNDED, _l("Paid back, wholly or in part")),
)


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What the form offers; marketplaces and gateways are those of the chosen channel, if one is chosen."""

    channels: Options
    marketplaces: Options
    gateways: Options
    statuses: Options
    payments: Options
    reasons: Options
    alerts: Options
    write_backs: Options
    stocks: Options
    sales: Options


def filter_options(choices: FilterChoices, where: OrderFilter) -> FilterOptions:
    """The choices in words. A gateway that several channels have is offered once."""
    within = where.channel
    gateways = {
        gateway_value(choice.key): choice.name or _("No gateway")
        for choice in choices.gateways
        if within in (None, choice.within)
    }
    return replace(
        _same_for_all(reader()),
        channels=[(choice.key, choice.name) for choice in choices.channels],
        marketplaces=[(choice.key, choice.name) for choice in choices.marketplaces if within in (None, choice.within)],
        gateways=list(gateways.items()),
    )


@cache
def _same_for_all(_reader: Reader) -> FilterOptions:
    """What every store is offered, said once in each language."""
    return FilterOptions(
        channels=[],
        marketplaces=[],
        gateways=[],
        statuses=[(status.value, str(badge_of(status).label)) for status in OrderStatus],
        payments=[(status.value, str(badge_of(status).label)) for status in PaymentStatus],
        reasons=reason_choices(),
        alerts=alert_choices(),
        write_backs=[(state.value, str(label)) for state, label in _WRITE_BACKS],
        stocks=[(why.value, str(label)) for why, label in STOCKS],
        sales=[(sale.value, str(label)) for sale, label in SALES],
    )
