"""Which payment method a gateway means: chosen by a person, counted in versions, stamped on invoices.

These functions write and do not commit: `app.orders.following` frees the orders that waited in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.plan import gateway_key
from app.extensions import db
from app.mappings.models import PaymentMapping, PaymentMethod
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class Saved:
    """The mapping as it stands now. `changed` is false when it stood so already."""

    channel_id: int
    gateway_key: str
    version: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else saved the mapping meanwhile; `version` is theirs."""

    version: int


@dataclass(frozen=True, slots=True)
class Added:
    """A gateway by hand. `is_new` is false when it was listed already, and nothing was changed then."""

    mapping_id: int
    gateway_key: str
    is_new: bool


class NoSuchMapping(LookupError):
    """The store has no such mapping."""


class NoSuchPaymentMethod(LookupError):
    """The store has no such payment method, or it was archived."""


def save_payment_mapping(
    mapping_id: int, payment_method_id: int | None, version: int, user_id: int
) -> Saved | Conflict:
    """Say which payment method the gateway means; None takes the choice back.

    `version` is the one that the person saw: a choice that somebody else made since is not overwritten unseen.
    Two who choose the same do not disagree.
    """
    _require_method(payment_method_id)
    mapping = db.session.scalars(
        select(PaymentMapping)
        .where(PaymentMapping.store_id == current_store_id(), PaymentMapping.id == mapping_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if mapping is None:
        raise NoSuchMapping(mapping_id)
    if mapping.payment_method_id == payment_method_id:
        result: Saved | Conflict = Saved(mapping.channel_id, mapping.gateway_key, mapping.version, changed=False)
    elif mapping.version != version:
        result = Conflict(mapping.version)
    else:
        mapping.payment_method_id, mapping.changed_by = payment_method_id, user_id
        mapping.version, mapping.changed_at = version + 1, func.now()
        result = Saved(mapping.channel_id, mapping.gateway_key, version + 1, changed=True)
    db.session.flush()
    return result


def add_gateway(channel_id: int, gateway: str, payment_method_id: int | None, user_id: int) -> Added:
    """List a gateway before its first order comes in, with its payment method if one is chosen."""
    _require_method(payment_method_id)
    store_id, key = current_store_id(), gateway_key(gateway)
    chosen = payment_method_id is not None
    mapping_id = db.session.scalar(
        insert(PaymentMapping)
        .values(
            store_id=store_id,
            channel_id=channel_id,
            gateway_key=key,
            gateway=gateway,
            payment_method_id=payment_method_id,
            version=1 if chosen else 0,
            changed_by=user_id if chosen else None,
            changed_at=func.now() if chosen else None,
        )
        .on_conflict_do_nothing(index_elements=["store_id", "channel_id", "gateway_key"])
        .returning(PaymentMapping.id)
    )
    is_new = mapping_id is not None
    if mapping_id is None:
        mapping_id = db.session.scalars(
            select(PaymentMapping.id).where(
                PaymentMapping.store_id == store_id,
                PaymentMapping.channel_id == channel_id,
                PaymentMapping.gateway_key == key,
            )
        ).one()
    return Added(mapping_id, key, is_new)


def _require_method(payment_method_id: int | None) -> None:
    if payment_method_id is None:
        return
    query = select(PaymentMethod.id).where(
        PaymentMethod.store_id == current_store_id(),
        PaymentMethod.id == payment_method_id,
        PaymentMethod.archived_at.is_(None),
    )
    if db.session.scalar(query) is None:
        raise NoSuchPaymentMethod(payment_method_id)
