"""Who is in charge of a marketplace's sales: chosen by a person, counted in versions, stamped on invoices."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.channels.models import Marketplace
from app.extensions import db
from app.mappings.gateways import Conflict
from app.mappings.models import Salesperson, SalespersonMapping
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class SalespersonSaved:
    """The mapping as it stands now. `changed` is false when it stood so already."""

    version: int
    changed: bool


class NoSuchMarketplace(LookupError):
    """The store has no such marketplace."""


class NoSuchSalesperson(LookupError):
    """The store has no such salesperson, or they were archived."""


def save_salesperson_mapping(
    marketplace_id: int, salesperson_id: int | None, version: int, user_id: int
) -> SalespersonSaved | Conflict:
    """Put a salesperson in charge of a marketplace; None leaves it to nobody. `version` as in save_payment_mapping.

    A marketplace without a row is one that nobody ever chose for: version 0.
    """
    _require_salesperson(salesperson_id)
    store_id = current_store_id()
    marketplace = select(Marketplace.id).where(Marketplace.store_id == store_id, Marketplace.id == marketplace_id)
    if db.session.scalar(marketplace) is None:
        raise NoSuchMarketplace(marketplace_id)
    key = ["store_id", "marketplace_id"]
    db.session.execute(
        insert(SalespersonMapping)
        .values(store_id=store_id, marketplace_id=marketplace_id)
        .on_conflict_do_nothing(index_elements=key)
    )
    mapping = db.session.scalars(
        select(SalespersonMapping)
        .where(SalespersonMapping.store_id == store_id, SalespersonMapping.marketplace_id == marketplace_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if mapping.salesperson_id == salesperson_id:
        result: SalespersonSaved | Conflict = SalespersonSaved(mapping.version, changed=False)
    elif mapping.version != version:
        result = Conflict(mapping.version)
    else:
        mapping.salesperson_id, mapping.changed_by = salesperson_id, user_id
        mapping.version, mapping.changed_at = version + 1, func.now()
        result = SalespersonSaved(version + 1, changed=True)
    db.session.commit()
    return result


def _require_salesperson(salesperson_id: int | None) -> None:
    if salesperson_id is None:
        return
    query = select(Salesperson.id).where(
        Salesperson.store_id == current_store_id(),
        Salesperson.id == salesperson_id,
        Salesperson.archived_at.is_(None),
    )
    if db.session.scalar(query) is None:
        raise NoSuchSalesperson(salesperson_id)
