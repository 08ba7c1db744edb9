"""All payment methods and salespeople of a store, archived ones too, for their settings pages."""

from __future__ import annotations

from sqlalchemy import func, select

from app.extensions import db
from app.mappings.models import PaymentMapping, PaymentMethod, Salesperson, SalespersonMapping
from app.tenancy.named import NamedRow
from app.tenancy.scope import current_store_id


def payment_method_rows() -> list[NamedRow]:
    """The default first, then by name, archived last; `uses` counts the gateways that mean it."""
    uses = (
        select(func.count())
        .where(PaymentMapping.store_id == PaymentMethod.store_id, PaymentMapping.payment_method_id == PaymentMethod.id)
        .correlate(PaymentMethod)
        .scalar_subquery()
    )
    archived = PaymentMethod.archived_at.is_not(None)
    found = db.session.execute(
        select(PaymentMethod.id, PaymentMethod.name, archived, PaymentMethod.is_default, uses)
        .where(PaymentMethod.store_id == current_store_id())
        .order_by(archived, PaymentMethod.is_default.desc(), func.lower(PaymentMethod.name))
    )
    return [NamedRow(*row) for row in found]


def salesperson_rows() -> list[NamedRow]:
    """By name, archived last; `uses` counts the marketplaces that they are in charge of."""
    uses = (
        select(func.count())
        .where(SalespersonMapping.store_id == Salesperson.store_id, SalespersonMapping.salesperson_id == Salesperson.id)
        .correlate(Salesperson)
        .scalar_subquery()
    )
    archived = Salesperson.archived_at.is_not(None)
    found = db.session.execute(
        select(Salesperson.id, Salesperson.name, archived, uses)
        .where(Salesperson.store_id == current_store_id())
        .order_by(archived, func.lower(Salesperson.name))
    )
    return [NamedRow(row.id, row.name, row[2], uses=row[3]) for row in found]
