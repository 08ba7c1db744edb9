"""Mappings translate a channel's words into the store's books.

Gateway → payment method, marketplace → salesperson, listing → item.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class PaymentMethod(StoreOwned, Base):
    """How money arrives in the store's books. The default one (Cash) stands in for unmapped gateways."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        Index("uq_payment_methods_default", "store_id", unique=True, postgresql_where=text("is_default")),
        Index("uq_payment_methods_name", "store_id", text("lower(name)"), unique=True),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    is_default: Mapped[bool] = mapped_column(server_default="false")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Salesperson(StoreOwned, Base):
    """Somebody in charge of sales; need not be a person who signs in."""

    __tablename__ = "salespeople"
    __table_args__ = (Index("uq_salespeople_name", "store_id", text("lower(name)"), unique=True),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PaymentMapping(StoreOwned, Base):
    """One gateway of one channel and the payment method it means; none yet while `payment_method_id` is empty.

    `gateway_key` is the gateway trimmed and case-folded, for matching; `gateway` is what the channel wrote.
    `version` counts the saves, and is stamped on each invoice that used it.
    """

    __tablename__ = "payment_mappings"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "payment_method_id"], ["payment_methods.store_id", "payment_methods.id"]),
        UniqueConstraint("store_id", "channel_id", "gateway_key"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    gateway_key: Mapped[str]
    gateway: Mapped[str]
    payment_method_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="0")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SalespersonMapping(StoreOwned, Base):
    """One marketplace and the salesperson in charge of it, if any; `version` as in PaymentMapping."""

    __tablename__ = "salesperson_mappings"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "marketplace_id"], ["marketplaces.store_id", "marketplaces.id"]),
        ForeignKeyConstraint(["store_id", "salesperson_id"], ["salespeople.store_id", "salespeople.id"]),
    )

    marketplace_id: Mapped[int] = mapped_column(primary_key=True)
    salesperson_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="0")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime | None]


LISTING_STATE = """
case when gone_at is not null then 'gone'
     when item_id is not null then 'linked'
     when obstacle is not null then 'barred'
     when certainty = 'unclear' then 'unclear'
     when certainty is not null then 'proposed'
     else 'unlinked' end"""
"""How a listing stands, worked out by the database, so that no writer can forget it."""


UNTOLD: Final = "item_id is not null and gone_at is null and item_id is distinct from told_item_id"
"""The listings that were linked since the channel was told their stock; text, so that the index will do."""


class Listing(StoreOwned, Base):
    """An item as a channel shows it, and the item of ours that it means, if a person said so.

    What the channel says comes first: `price` in minor units of `currency` (None when it does not say both), `stock`
    as it counts it, `picture` an address that we never load by ourselves. `digest` is the same as long as all this
    is, so that an unchanged row is not written. `problem` says why the last row could not be read; `raw` is that row.
    The channel lists it no longer since `gone_at`; its link stays, for old orders name it still.

    Then the link: `item_id` with the `version` of saves, and the `batch` of those that were saved together. The
    proposal (`app.core.matching`) is kept beside the link, so that taking the link back shows it again;
    `candidate_ids` are the items it names, `rivals` how many listings answer like this one. `refused` are items that
    a person said it does not mean.
    """

    __tablename__ = "listings"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "item_id"], ["items.store_id", "items.id"]),
        UniqueConstraint("store_id", "channel_id", "remote_id"),
        Index("ix_listings_state", "store_id", "channel_id", "state", "id"),
        Index("ix_listings_item", "store_id", "item_id", postgresql_where=text("item_id is not null")),
        Index("ix_listings_sku", "store_id", "sku_key", postgresql_where=text("sku_key <> ''")),
        Index("ix_listings_isku", "store_id", "isku_key", postgresql_where=text("isku_key <> ''")),
        Index("ix_listings_barcode", "store_id", "barcode_key", postgresql_where=text("barcode_key <> ''")),
        Index("ix_listings_name", "store_id", "name_key", postgresql_where=text("name_key <> ''")),
        Index("ix_listings_untold", "store_id", "channel_id", "id", postgresql_where=text(UNTOLD)),
        Index("ix_listings_batch", "store_id", "batch", postgresql_where=text("batch is not null")),
        CheckConstraint("match in ('sku', 'barcode', 'alike_sku', 'name')", name="match"),
        CheckConstraint("obstacle in ('combo', 'batch', 'serial')", name="obstacle"),
        CheckConstraint("certainty in ('certain', 'likely', 'possible', 'unclear')", name="certainty"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    remote_id: Mapped[str]
    sku: Mapped[str] = mapped_column(server_default="")
    sku_key: Mapped[str] = mapped_column(server_default="")
    """Loose keys (`app.core.matching.loose_key`) of both SKUs."""
    isku: Mapped[str] = mapped_column(server_default="")
    isku_key: Mapped[str] = mapped_column(server_default="")
    barcode: Mapped[str] = mapped_column(server_default="")
    barcode_key: Mapped[str] = mapped_column(server_default="")
    name: Mapped[str] = mapped_column(server_default="")
    variant: Mapped[str] = mapped_column(server_default="")
    name_key: Mapped[str] = mapped_column(server_default="")
    price: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3), server_default="")
    stock: Mapped[Decimal | None] = mapped_column(Numeric(18, 6))
    picture: Mapped[str] = mapped_column(server_default="")
    unit: Mapped[str] = mapped_column(server_default="")
    conversion: Mapped[Decimal] = mapped_column(Numeric(18, 6), server_default="1")
    """How many of the listing `base_id` one of this holds; 1 of the base itself, whose `base_id` is ''."""
    base_id: Mapped[str] = mapped_column(server_default="")
    family_id: Mapped[str] = mapped_column(server_default="")
    """The same for all variants of one product."""
    weight: Mapped[Decimal | None] = mapped_column(Numeric(12, 3))
    """Kilograms."""
    obstacle: Mapped[str | None]
    """Why it can mean no item of ours (`app.core.types.ListingObstacle`)."""
    remote_updated_at: Mapped[datetime | None]
    search: Mapped[str] = mapped_column(server_default="")
    """Everything one may look for, lower-case."""
    digest: Mapped[str]
    problem: Mapped[str] = mapped_column(server_default="")
    raw: Mapped[dict[str, Any] | None]
    gone_at: Mapped[datetime | None]

    item_id: Mapped[int | None]
    told_item_id: Mapped[int | None]
    """The item whose stock the channel was last told for it."""
    match: Mapped[str | None]
    certainty: Mapped[str | None]
    candidate_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    rivals: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    state: Mapped[str] = mapped_column(Computed(LISTING_STATE, persisted=True))
    version: Mapped[int] = mapped_column(server_default="0")
    batch: Mapped[str | None]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ListingStock(StoreOwned, Base):
    """What one branch of the channel counts of a listing."""

    __tablename__ = "listing_stocks"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "listing_id"], ["listings.store_id", "listings.id"]),
        ForeignKeyConstraint(["store_id", "marketplace_id"], ["marketplaces.store_id", "marketplaces.id"]),
    )

    listing_id: Mapped[int] = mapped_column(primary_key=True)
    marketplace_id: Mapped[int] = mapped_column(primary_key=True)
    on_hand: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    reserved: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ListingPage(StoreOwned, Base):
    """The listings that one page of a running product sync held; what no page held is gone. Emptied at its end."""

    __tablename__ = "listing_pages"
    __table_args__ = (ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),)

    channel_id: Mapped[int] = mapped_column(primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True)
    remote_ids: Mapped[list[str]] = mapped_column(ARRAY(String))
