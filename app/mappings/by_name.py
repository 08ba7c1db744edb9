"""Many gateways at once: each gets the payment method of its own name, which is made where there is none.

Case and outer spaces do not count. What writes here does not commit: `app.orders.following` frees the orders that
waited in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, and_, any_, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.extensions import db
from app.mappings.models import PaymentMapping, PaymentMethod
from app.tenancy.scope import current_store_id

LONGEST: Final = 60
"""So many characters the name of a payment method has at most."""

_NAME: Final[ColumnElement[str]] = func.btrim(PaymentMapping.gateway)
_OF_ITS_NAME: Final = and_(
    PaymentMethod.store_id == PaymentMapping.store_id, func.lower(PaymentMethod.name) == func.lower(_NAME)
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A gateway without a payment method. `method` is the one of its name, None when that would be made.

    `is_left` says that it cannot be: the gateway has no name, one that is too long, or the method was archived.
    """

    mapping_id: int
    gateway: str
    method: str | None
    is_left: bool


def proposals(channel_id: int) -> list[Proposal]:
    """What each gateway of a channel that has no payment method would get, by the gateway's name."""
    is_left = ~_fits() | PaymentMethod.archived_at.is_not(None)
    found = db.session.execute(
        select(PaymentMapping.id, PaymentMapping.gateway, PaymentMethod.name, is_left)
        .outerjoin(PaymentMethod, _OF_ITS_NAME)
        .where(*_without_method(channel_id))
        .order_by(PaymentMapping.gateway_key)
    )
    return [Proposal(*row) for row in found]


def map_by_name(channel_id: int, mapping_ids: Collection[int], user_id: int) -> list[str]:
    """Give each of these gateways the payment method of its name; returns the keys of those that have it now.

    One that somebody mapped meanwhile is left as it is. Four statements, however many there are: the gateways and the
    payment methods that are there are locked, so that nobody archives one under our hands; what lacks is made.
    """
    named = PaymentMapping.id == any_(literal(list(mapping_ids), ARRAY(BigInteger)))
    wanted = (*_without_method(channel_id), named, _fits())
    db.session.execute(select(PaymentMapping.id).where(*wanted).order_by(PaymentMapping.id).with_for_update())
    names = select(func.lower(_NAME)).where(*wanted)
    there = (PaymentMethod.store_id == current_store_id(), func.lower(PaymentMethod.name).in_(names))
    db.session.execute(
        select(PaymentMethod.id).where(*there).order_by(PaymentMethod.id).with_for_update(read=True, key_share=True)
    )
    new = select(PaymentMapping.store_id, _NAME).where(*wanted).order_by(func.lower(_NAME))
    db.session.execute(insert(PaymentMethod).from_select(["store_id", "name"], new).on_conflict_do_nothing())
    mapped = db.session.scalars(
        update(PaymentMapping)
        .where(*wanted, _OF_ITS_NAME, PaymentMethod.archived_at.is_(None))
        .values(
            payment_method_id=PaymentMethod.id,
            version=PaymentMapping.version + 1,
            changed_by=user_id,
            changed_at=func.now(),
        )
        .returning(PaymentMapping.gateway_key)
        .execution_options(synchronize_session=False)
    )
    return list(mapped)


def _without_method(channel_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        PaymentMapping.store_id == current_store_id(),
        PaymentMapping.channel_id == channel_id,
        PaymentMapping.payment_method_id.is_(None),
    )


def _fits() -> Any:
    return func.length(_NAME).between(1, LONGEST)
