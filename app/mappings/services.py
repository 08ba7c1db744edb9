"""The payment methods and salespeople that mappings choose from."""

from __future__ import annotations

from sqlalchemy import func, select, update

from app.extensions import db
from app.mappings.models import PaymentMapping, PaymentMethod, Salesperson, SalespersonMapping
from app.tenancy.named import (
    InUse,
    IsDefault,
    add_named,
    archive_named,
    locked_row,
    rename_named,
    restore_named,
    take_turns,
)
from app.tenancy.scope import current_store_id


def add_payment_method(name: str) -> int:
    """Add a way in which money arrives; NameTaken."""
    return add_named(PaymentMethod, name)


def rename_payment_method(method_id: int, name: str) -> None:
    """Rename it; invoices that were issued keep the name they were stamped with. NoSuchRow, NameTaken."""
    rename_named(PaymentMethod, method_id, name)


def archive_payment_method(method_id: int) -> None:
    """Offer it no longer. NoSuchRow; IsDefault and InUse (how many gateways mean it) leave it as it is."""
    if locked_row(PaymentMethod, method_id).is_default:
        raise IsDefault
    uses = db.session.scalar(
        select(func.count()).where(
            PaymentMapping.store_id == current_store_id(), PaymentMapping.payment_method_id == method_id
        )
    )
    if uses:
        raise InUse(uses)
    archive_named(PaymentMethod, method_id)


def restore_payment_method(method_id: int) -> None:
    """Offer it again. NoSuchRow."""
    restore_named(PaymentMethod, method_id)


def make_default_payment_method(method_id: int) -> None:
    """Let it stand in for gateways that have no payment method; an archived one comes back with that. NoSuchRow.

    The old default steps back in the same transaction: whoever issues invoices finds exactly one at any time.
    """
    take_turns()
    method = locked_row(PaymentMethod, method_id)
    db.session.execute(
        update(PaymentMethod)
        .where(PaymentMethod.store_id == current_store_id(), PaymentMethod.is_default, PaymentMethod.id != method_id)
        .values(is_default=False)
    )
    method.is_default, method.archived_at = True, None
    db.session.commit()


def add_salesperson(name: str) -> int:
    """Add somebody who can be in charge of a marketplace; NameTaken."""
    return add_named(Salesperson, name)


def rename_salesperson(salesperson_id: int, name: str) -> None:
    """Rename them; invoices that were issued keep the name they were stamped with. NoSuchRow, NameTaken."""
    rename_named(Salesperson, salesperson_id, name)


def archive_salesperson(salesperson_id: int) -> None:
    """Offer them no longer. NoSuchRow; InUse (how many marketplaces they are in charge of) leaves them as they are."""
    locked_row(Salesperson, salesperson_id)
    uses = db.session.scalar(
        select(func.count()).where(
            SalespersonMapping.store_id == current_store_id(), SalespersonMapping.salesperson_id == salesperson_id
        )
    )
    if uses:
        raise InUse(uses)
    archive_named(Salesperson, salesperson_id)


def restore_salesperson(salesperson_id: int) -> None:
    """Offer them again. NoSuchRow."""
    restore_named(Salesperson, salesperson_id)
