"""Mappings as plain rows, and the choices that a mapping can be set to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Select, and_, func, select

from app.accounts.models import User
from app.channels.models import Marketplace
from app.extensions import db
from app.mappings.models import PaymentMapping, PaymentMethod, Salesperson, SalespersonMapping
from app.planning import read
from app.tenancy.scope import THIS_STORE, current_store_id


@dataclass(frozen=True, slots=True)
class Choice:
    """A payment method or a salesperson that may be chosen."""

    id: int
    name: str
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A gateway and the payment method it means, if any; `changed_by` is the name of who chose it."""

    id: int
    channel_id: int
    gateway_key: str
    gateway: str
    payment_method_id: int | None
    payment_method: str | None
    version: int
    changed_by: str | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MarketplaceChoice:
    """A marketplace and the salesperson in charge of it, if any."""

    marketplace_id: int
    channel_id: int
    name: str
    kind: str
    currency: str
    salesperson_id: int | None
    salesperson: str | None
    version: int
    changed_by: str | None
    changed_at: datetime | None


def payment_methods() -> list[Choice]:
    """The payment methods that may be chosen: the default one first, then by name."""
    found = db.session.execute(
        select(PaymentMethod.id, PaymentMethod.name, PaymentMethod.is_default)
        .where(PaymentMethod.store_id == current_store_id(), PaymentMethod.archived_at.is_(None))
        .order_by(PaymentMethod.is_default.desc(), func.lower(PaymentMethod.name))
    )
    return [Choice(*row) for row in found]


def salespeople() -> list[Choice]:
    """The salespeople who may be put in charge, by name."""
    found = db.session.execute(
        select(Salesperson.id, Salesperson.name)
        .where(Salesperson.store_id == current_store_id(), Salesperson.archived_at.is_(None))
        .order_by(func.lower(Salesperson.name))
    )
    return [Choice(*row) for row in found]


def gateways(channel_id: int) -> list[GatewayRow]:
    """The gateways of a channel: those without a payment method first, then by name."""
    found = db.session.execute(
        _gateways()
        .where(PaymentMapping.channel_id == channel_id)
        .order_by(PaymentMapping.payment_method_id.is_not(None), PaymentMapping.gateway_key)
    )
    return [GatewayRow(*row) for row in found]


def gateway(mapping_id: int) -> GatewayRow | None:
    """One gateway of the store by the id of its mapping."""
    row = db.session.execute(_gateways().where(PaymentMapping.id == mapping_id)).one_or_none()
    return None if row is None else GatewayRow(*row)


def unmapped_gateways() -> dict[int, int]:
    """Channel id → how many of its gateways have no payment method; channels without any are left out."""
    return {row.channel_id: row.gateways for row in read(_unmapped())}


@cache
def _unmapped() -> Select[int, int]:
    gateways = select(PaymentMapping.channel_id, func.count().label("gateways"))
    unmapped = gateways.where(PaymentMapping.store_id == THIS_STORE, PaymentMapping.payment_method_id.is_(None))
    return unmapped.group_by(PaymentMapping.channel_id)


def marketplace_choices(channel_id: int) -> list[MarketplaceChoice]:
    """The marketplaces of a channel with who is in charge, by name."""
    found = db.session.execute(
        _marketplaces()
        .where(Marketplace.channel_id == channel_id)
        .order_by(func.lower(Marketplace.name), Marketplace.id)
    )
    return [MarketplaceChoice(*row) for row in found]


def marketplace_choice(marketplace_id: int) -> MarketplaceChoice | None:
    """One marketplace of the store with who is in charge."""
    row = db.session.execute(_marketplaces().where(Marketplace.id == marketplace_id)).one_or_none()
    return None if row is None else MarketplaceChoice(*row)


def _gateways() -> Select[int, int, str, str, int | None, str | None, int, str | None, datetime | None]:
    mapping, method = PaymentMapping, PaymentMethod
    return (
        select(
            mapping.id,
            mapping.channel_id,
            mapping.gateway_key,
            mapping.gateway,
            mapping.payment_method_id,
            method.name,
            mapping.version,
            User.name,
            mapping.changed_at,
        )
        .outerjoin(method, and_(method.store_id == mapping.store_id, method.id == mapping.payment_method_id))
        .outerjoin(User, User.id == mapping.changed_by)
        .where(mapping.store_id == current_store_id())
    )


def _marketplaces() -> Select[int, int, str, str, str, int | None, str | None, int, str | None, datetime | None]:
    place, mapping, person = Marketplace, SalespersonMapping, Salesperson
    return (
        select(
            place.id,
            place.channel_id,
            place.name,
            place.kind,
            place.currency,
            mapping.salesperson_id,
            person.name,
            func.coalesce(mapping.version, 0),
            User.name,
            mapping.changed_at,
        )
        .outerjoin(mapping, and_(mapping.store_id == place.store_id, mapping.marketplace_id == place.id))
        .outerjoin(person, and_(person.store_id == mapping.store_id, person.id == mapping.salesperson_id))
        .outerjoin(User, User.id == mapping.changed_by)
        .where(place.store_id == current_store_id())
    )
