"""A new store and everything that it must never be without: numbers, a payment method, a warehouse, an owner."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app.accounts.access import person_acting
from app.accounts.languages import current_language
from app.accounts.models import Membership
from app.catalog.models import Location
from app.core.roles import Role
from app.extensions import db
from app.invoices.models import NumberSeries
from app.mappings.models import PaymentMethod
from app.tenancy.models import Store
from app.tenancy.scope import acting_as, enter_store

_OURS: Final = (
    "about admin api app assets channelbook docs forgot healthz help hooks invite language legal mail me metrics new "
    "pricing privacy readyz reset sandbox settings signin signout signup start static status stores support terms "
    "theme unsubscribe webhooks"
)
RESERVED_SLUGS: Final = frozenset(_OURS.split())
"""First parts of URLs that are ours: a store of that name would be hidden by them, or hide them."""

_MAX_SLUG: Final = 40


def add_store(*, user_id: int, name: str, currency: str, time_zone: str) -> tuple[int, str]:
    """Add a store with its owner to the caller's transaction, inside the new store's scope, and return (id, slug).

    It speaks the language in which it was asked for, and what it begins with is named in that.

    Row-level security shows a store only to its own scope, so its number is drawn first and the scope entered
    before the row is written. The counters of invoices, credit notes, own orders and packages are made here and nowhere
    else: two workers that both found none would make two.
    """
    store_id: int = db.session.execute(text("select nextval(pg_get_serial_sequence('stores', 'id'))")).scalar_one()
    with acting_as(person_acting(user_id)):
        enter_store(store_id)
    slug = _insert(store_id, name=name, currency=currency, time_zone=time_zone)
    db.session.add_all(
        [
            Membership(store_id=store_id, user_id=user_id, role=Role.OWNER),
            NumberSeries(store_id=store_id, code="invoice", prefix="INV", padding=5, next_number=1),
            NumberSeries(store_id=store_id, code="credit_note", prefix="CN", padding=5, next_number=1),
            PaymentMethod(store_id=store_id, name=_("Cash"), is_default=True),
            NumberSeries(store_id=store_id, code="own_order", prefix="SO", padding=5, next_number=1),
            NumberSeries(store_id=store_id, code="package", prefix="PK", padding=5, next_number=1),
            Location(store_id=store_id, name=_("Main warehouse")),
        ]
    )
    db.session.flush()
    return store_id, slug


def slug_of(name: str) -> str:
    """The part of a URL that stands for a store's name: "Kedai Roti 88" gives "kedai-roti-88"."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("đ", "d"))
    words = re.findall(r"[a-z0-9]+", "".join(char for char in plain if not unicodedata.combining(char)))
    return "-".join(words)[:_MAX_SLUG].strip("-") or "store"


def _insert(store_id: int, *, name: str, currency: str, time_zone: str) -> str:
    """Take the first free slug. Other stores' rows cannot be seen from here, but the unique index knows them."""
    language = current_language()
    for slug in _candidates(slug_of(name)):
        row = db.session.execute(
            insert(Store)
            .values(id=store_id, slug=slug, name=name, currency=currency, time_zone=time_zone, language=language)
            .on_conflict_do_nothing(index_elements=[Store.slug])
            .returning(Store.slug)
        ).one_or_none()
        if row is not None:
            return slug
    raise RuntimeError(f"no free slug for {name!r}")


def _candidates(base: str) -> Iterator[str]:
    if base not in RESERVED_SLUGS:
        yield base
    yield from (f"{base}-{number}" for number in range(2, 6))
    yield from (f"{base}-{secrets.token_hex(3)}" for _ in range(5))
