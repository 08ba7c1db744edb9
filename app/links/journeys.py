"""What a sub-store's own page says of an order: whether it goes to the main store, since when, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select

from app.channels.services import start_of
from app.core.linking import Journey, LinkState, flows, journey
from app.core.types import OrderType
from app.extensions import db
from app.links import outbox
from app.links.queries import LinkRow, main_link
from app.orders.models import Order
from app.tenancy.scope import current_store, current_store_id
from app.web.filters import day, moment


@dataclass(frozen=True, slots=True)
class ShownJourney:
    """A sentence, and whether it will be another one in a moment."""

    words: str
    goes: bool
    moves: bool


def order_journey(order_id: int) -> ShownJourney | None:
    """Where one order stands; None in a store without a main store, which costs one statement."""
    link = main_link()
    if link is None or link.answered_at is None:
        return None
    order = db.session.execute(
        select(Order.order_type, Order.placed_at, Order.imported_at).where(
            Order.store_id == current_store_id(), Order.id == order_id
        )
    ).one_or_none()
    if order is None:
        return None
    kind, zone = OrderType(order.order_type), current_store().time_zone
    granted_on = link.answered_at.astimezone(ZoneInfo(zone)).date()
    found = journey(
        kind,
        order.placed_at,
        starts_at=start_of(granted_on, zone),
        waits=flows(kind) and outbox.waits(order_id),
        is_suspended=link.state is LinkState.SUSPENDED,
    )
    words = {
        Journey.STAYS: lambda: _stays(kind, link),
        Journey.EARLIER: lambda: _(
            "Placed before %(main)s was granted access: it goes there only if %(main)s wants earlier orders than those "
            "of %(day)s.",
            main=link.main_name,
            day=day(granted_on),
        ),
        Journey.ON_ITS_WAY: lambda: _("Goes to %(main)s: on its way.", main=link.main_name),
        Journey.RESTS: lambda: _("Goes to %(main)s once the link is not suspended any more.", main=link.main_name),
        Journey.GOES: lambda: _(
            "%(main)s has it, since %(when)s.",
            main=link.main_name,
            when=moment(max(order.imported_at, link.answered_at or order.imported_at)),
        ),
    }[found]()
    return ShownJourney(words, goes=found is Journey.GOES, moves=found is Journey.ON_ITS_WAY)


def _stays(kind: OrderType, link: LinkRow) -> str:
    """Why an order of this kind does not go."""
    main = link.main_name
    return {
        OrderType.MARKETPLACE: _("Stays here: marketplace orders do not go to %(main)s.", main=main),
        OrderType.LANDING_PAGE: _("Stays here: landing page orders do not go to %(main)s.", main=main),
        OrderType.SOCIAL_COMMERCE: _("Stays here: social commerce orders do not go to %(main)s.", main=main),
        OrderType.POS: _("Stays here: POS orders do not go to %(main)s.", main=main),
        OrderType.SHOPPING_APP: _("Stays here: shopping app orders do not go to %(main)s.", main=main),
    }.get(kind, _("Stays here: only webstore orders go to %(main)s.", main=main))
