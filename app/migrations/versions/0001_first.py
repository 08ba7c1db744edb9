"""The first schema: people, stores, channels, orders, invoices, jobs; row-level security and doors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.migrations.auditing import keep_audit
from app.migrations.calling import HOOK_TABLES, make_hook_tables, tell_endpoints
from app.migrations.giving import give_orders
from app.migrations.linking import guard_links
from app.migrations.noticing import NOTICE_TABLES, ask_for_looks, make_notice_tables
from app.migrations.reporting import keep_order_days
from app.migrations.searching import keep_search_texts
from app.migrations.security import guard, install_doors
from app.migrations.telling import keep_order_news
from app.tenancy.doors import DOORS_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STORE_OWNED = (
    "audit_entries",
    "api_keys",
    "channels",
    "journal",
    "products",
    "items",
    "stock_levels",
    "stock_movements",
    "listing_pages",
    "listing_stocks",
    "listings",
    "locations",
    "memberships",
    "invitations",
    "number_series",
    "own_order_requests",
    "payment_methods",
    "salespeople",
    "checkpoints",
    "marketplaces",
    "payment_mappings",
    "seen_orders",
    "sync_jobs",
    "orders",
    "salesperson_mappings",
    "invoices",
    "credit_notes",
    "credit_note_lines",
    "void_numbers",
    "closings",
    "order_lines",
    "raw_records",
    "shortages",
    "fulfilments",
    "packages",
    "package_lines",
    "order_news",
    "order_copies",
    "changes",
    "invoice_lines",
    "verification_codes",
    "verifications",
    "verification_days",
    "verification_reads",
    "deviations",
    "search_texts",
    "webhooks",
    "webhook_deliveries",
    "order_days",
    *NOTICE_TABLES,
    *HOOK_TABLES,
)

LISTING_STATE = """
case when gone_at is not null then 'gone'
     when item_id is not null then 'linked'
     when obstacle is not null then 'barred'
     when certainty = 'unclear' then 'unclear'
     when certainty is not null then 'proposed'
     else 'unlinked' end"""

ORDER_STATE_SINCE = """
create function order_state_since() returns trigger language plpgsql as $$
begin
    new.state_at := now();
    return new;
end $$"""
"""Many places move orders between states, and none of them can forget to say since when."""


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="MYR", nullable=False),
        sa.Column("time_zone", sa.String(), server_default="Asia/Kuala_Lumpur", nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("plan", sa.String(), server_default="starter", nullable=False),
        sa.Column("invoice_date_rule", sa.String(), server_default="created", nullable=False),
        sa.Column("invoice_currencies", postgresql.ARRAY(sa.String(length=3)), server_default="{}", nullable=False),
        sa.Column("unmapped_gateway", sa.String(), server_default="cash", nullable=False),
        sa.Column("auto_delivery_order", sa.String(), server_default="none", nullable=False),
        sa.Column("unlinked_items", sa.String(), server_default="book", nullable=False),
        sa.Column("auto_credit", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("closed_through", sa.Date(), nullable=True),
        sa.Column("seller_details", sa.String(), server_default="", nullable=False),
        sa.Column("requires_two_step", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "auto_delivery_order in ('none', 'on_save', 'on_delivery')", name=op.f("ck_stores_auto_delivery_order")
        ),
        sa.CheckConstraint(
            "invoice_date_rule in ('created', 'paid', 'shipped')", name=op.f("ck_stores_invoice_date_rule")
        ),
        sa.CheckConstraint("plan in ('starter', 'growth', 'premium', 'enterprise')", name=op.f("ck_stores_plan")),
        sa.CheckConstraint("unlinked_items in ('book', 'hold')", name=op.f("ck_stores_unlinked_items")),
        sa.CheckConstraint("unmapped_gateway in ('cash', 'hold')", name=op.f("ck_stores_unmapped_gateway")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sa.UniqueConstraint("slug", name=op.f("uq_stores_slug")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("two_step_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "channels",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account_name", sa.String(), server_default="", nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(), server_default="connected", nullable=False),
        sa.Column("paused_reason", sa.String(), server_default="", nullable=False),
        sa.Column("owners_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("takes_products", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("takes_orders", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("gives_orders", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("takes_stock", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("takes_prices", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("next_refresh_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("auto_sync", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("auto_sync_minutes", sa.BigInteger(), server_default="30", nullable=False),
        sa.Column("next_sync_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_verify_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stock_location_id", sa.BigInteger(), nullable=True),
        sa.Column("stock_buffer", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stock_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stock_unsettled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status in ('connected', 'paused', 'removed')", name=op.f("ck_channels_status")),
        sa.CheckConstraint("stock_buffer >= 0", name=op.f("ck_channels_stock_buffer")),
        sa.CheckConstraint("auto_sync_minutes between 5 and 1440", name=op.f("ck_channels_auto_sync_minutes")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_channels_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_channels")),
    )
    op.create_index("uq_channels_own", "channels", ["store_id"], unique=True, postgresql_where=sa.text("kind = 'own'"))
    op.create_index(
        "uq_channels_gives_orders", "channels", ["store_id"], unique=True, postgresql_where=sa.text("gives_orders")
    )
    op.create_table(
        "journal",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_journal_store_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_journal_user_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_journal")),
    )
    op.create_index(
        "ix_journal_job",
        "journal",
        ["store_id", "job_id", "id"],
        unique=False,
        postgresql_where=sa.text("job_id is not null"),
    )
    op.create_index(
        "ix_journal_order",
        "journal",
        ["store_id", "order_id", "id"],
        unique=False,
        postgresql_where=sa.text("order_id is not null"),
    )
    op.create_table(
        "locations",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_locations_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_locations")),
    )
    op.create_index("uq_locations_name", "locations", ["store_id", sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "memberships",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role in ('owner', 'manager', 'bookkeeper', 'order_desk', 'read_only')", name=op.f("ck_memberships_role")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_memberships_store_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("store_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role in ('owner', 'manager', 'bookkeeper', 'order_desk', 'read_only')", name=op.f("ck_invitations_role")
        ),
        sa.ForeignKeyConstraint(["accepted_by"], ["users.id"], name=op.f("fk_invitations_accepted_by")),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_invitations_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index(
        "uq_invitations_waiting",
        "invitations",
        ["store_id", "email"],
        unique=True,
        postgresql_where=sa.text("accepted_at is null and withdrawn_at is null"),
    )
    op.create_table(
        "number_series",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("padding", sa.BigInteger(), nullable=False),
        sa.Column("next_number", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("next_number > 0", name=op.f("ck_number_series_next_number")),
        sa.CheckConstraint("padding between 1 and 12", name=op.f("ck_number_series_padding")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_number_series_store_id")),
        sa.PrimaryKeyConstraint("store_id", "code", name=op.f("pk_number_series")),
    )
    op.create_table(
        "password_resets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_resets_token_hash")),
    )
    op.create_index(op.f("ix_password_resets_user_id"), "password_resets", ["user_id"], unique=False)
    op.create_table(
        "two_step_secrets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_counter", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_two_step_secrets_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_two_step_secrets")),
    )
    for kind, which in (("counts", "confirmed_at is not null"), ("set_up", "confirmed_at is null")):
        op.create_index(
            f"uq_two_step_secrets_{kind}",
            "two_step_secrets",
            ["user_id"],
            unique=True,
            postgresql_where=sa.text(which),
        )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"], unique=False)
    op.create_table(
        "half_sign_ins",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wrong_codes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_half_sign_ins_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_half_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_half_sign_ins_token_hash")),
    )
    op.create_index(op.f("ix_half_sign_ins_user_id"), "half_sign_ins", ["user_id"], unique=False)
    op.create_table(
        "devices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_agent", sa.String(), server_default="", nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_devices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("user_id", "token_hash", name=op.f("uq_devices_user_id_token_hash")),
    )
    op.create_table(
        "payment_methods",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_payment_methods_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_payment_methods")),
    )
    op.create_index(
        "uq_payment_methods_default",
        "payment_methods",
        ["store_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_index(
        "uq_payment_methods_name", "payment_methods", ["store_id", sa.literal_column("lower(name)")], unique=True
    )
    op.create_table(
        "api_keys",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_api_keys_created_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_api_keys_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_keys_token_hash")),
    )
    op.create_index(
        "uq_api_keys_name",
        "api_keys",
        ["store_id", sa.literal_column("lower(name)")],
        unique=True,
        postgresql_where=sa.text("revoked_at is null"),
    )
    op.create_table(
        "own_order_requests",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_own_order_requests_store_id")),
        sa.PrimaryKeyConstraint("store_id", "caller", "key", name=op.f("pk_own_order_requests")),
    )
    op.create_index("ix_own_order_requests_made", "own_order_requests", ["store_id", "created_at"], unique=False)
    op.create_table(
        "salespeople",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_salespeople_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_salespeople")),
    )
    op.create_index("uq_salespeople_name", "salespeople", ["store_id", sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_agent", sa.String(), server_default="", nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("is_kept", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
    )
    op.create_index(
        "ix_user_sessions_user_id",
        "user_sessions",
        ["user_id"],
        unique=False,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("through_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_checkpoints_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_checkpoints_store_id")),
        sa.PrimaryKeyConstraint("store_id", "channel_id", "stream", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "marketplaces",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_marketplaces_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "location_id"],
            ["locations.store_id", "locations.id"],
            name=op.f("fk_marketplaces_store_id_location_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_marketplaces_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_marketplaces")),
        sa.UniqueConstraint(
            "store_id", "channel_id", "remote_id", name=op.f("uq_marketplaces_store_id_channel_id_remote_id")
        ),
    )
    op.create_table(
        "payment_mappings",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_key", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("payment_method_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_payment_mappings_changed_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_payment_mappings_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "payment_method_id"],
            ["payment_methods.store_id", "payment_methods.id"],
            name=op.f("fk_payment_mappings_store_id_payment_method_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_payment_mappings_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_payment_mappings")),
        sa.UniqueConstraint(
            "store_id", "channel_id", "gateway_key", name=op.f("uq_payment_mappings_store_id_channel_id_gateway_key")
        ),
    )
    op.create_table(
        "products",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("options", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_products_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_products")),
        sa.UniqueConstraint("store_id", "name_key", name=op.f("uq_products_store_id_name_key")),
    )
    op.create_table(
        "items",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("sku_key", sa.String(), nullable=False),
        sa.Column("loose_key", sa.String(), nullable=False),
        sa.Column("barcode", sa.String(), server_default="", nullable=False),
        sa.Column("barcode_key", sa.String(), server_default="", nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("variant", sa.String(), server_default="", nullable=False),
        sa.Column("name_key", sa.String(), server_default="", nullable=False),
        sa.Column("tracking", sa.String(), server_default="none", nullable=False),
        sa.Column("kit", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("weight_grams", sa.BigInteger(), nullable=True),
        sa.Column("picture_url", sa.String(), server_default="", nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_items_price")),
        sa.CheckConstraint("weight_grams >= 0", name=op.f("ck_items_weight_grams")),
        sa.CheckConstraint("tracking in ('none', 'batch', 'serial')", name=op.f("ck_items_tracking")),
        sa.ForeignKeyConstraint(
            ["store_id", "product_id"], ["products.store_id", "products.id"], name=op.f("fk_items_store_id_product_id")
        ),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_items_changed_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_items_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_items")),
        sa.UniqueConstraint("store_id", "sku_key", name=op.f("uq_items_store_id_sku_key")),
    )
    op.create_index("ix_items_loose", "items", ["store_id", "loose_key"])
    op.create_index(
        "ix_items_barcode", "items", ["store_id", "barcode_key"], postgresql_where=sa.text("barcode_key <> ''")
    )
    op.create_index("ix_items_name", "items", ["store_id", "name_key"], postgresql_where=sa.text("name_key <> ''"))
    op.create_index(
        "ix_items_product", "items", ["store_id", "product_id"], postgresql_where=sa.text("product_id is not null")
    )
    op.create_index(
        "ix_items_unlinkable",
        "items",
        ["store_id", "id"],
        postgresql_where=sa.text("archived_at is null and (kit or tracking <> 'none')"),
    )
    op.create_table(
        "listings",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), server_default="", nullable=False),
        sa.Column("sku_key", sa.String(), server_default="", nullable=False),
        sa.Column("isku", sa.String(), server_default="", nullable=False),
        sa.Column("isku_key", sa.String(), server_default="", nullable=False),
        sa.Column("barcode", sa.String(), server_default="", nullable=False),
        sa.Column("barcode_key", sa.String(), server_default="", nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("variant", sa.String(), server_default="", nullable=False),
        sa.Column("name_key", sa.String(), server_default="", nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), server_default="", nullable=False),
        sa.Column("stock", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("picture", sa.String(), server_default="", nullable=False),
        sa.Column("unit", sa.String(), server_default="", nullable=False),
        sa.Column("conversion", sa.Numeric(precision=18, scale=6), server_default="1", nullable=False),
        sa.Column("base_id", sa.String(), server_default="", nullable=False),
        sa.Column("family_id", sa.String(), server_default="", nullable=False),
        sa.Column("weight", sa.Numeric(precision=12, scale=3), nullable=True),
        sa.Column("obstacle", sa.String(), nullable=True),
        sa.Column("remote_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("search", sa.String(), server_default="", nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), server_default="", nullable=False),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("told_item_id", sa.BigInteger(), nullable=True),
        sa.Column("match", sa.String(), nullable=True),
        sa.Column("certainty", sa.String(), nullable=True),
        sa.Column("candidate_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("rivals", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refused", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("state", sa.String(), sa.Computed(LISTING_STATE, persisted=True), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("batch", sa.String(), nullable=True),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("match in ('sku', 'barcode', 'alike_sku', 'name')", name=op.f("ck_listings_match")),
        sa.CheckConstraint("obstacle in ('combo', 'batch', 'serial')", name=op.f("ck_listings_obstacle")),
        sa.CheckConstraint(
            "certainty in ('certain', 'likely', 'possible', 'unclear')", name=op.f("ck_listings_certainty")
        ),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_listings_changed_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_listings_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "item_id"], ["items.store_id", "items.id"], name=op.f("fk_listings_store_id_item_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_listings_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_listings")),
        sa.UniqueConstraint(
            "store_id", "channel_id", "remote_id", name=op.f("uq_listings_store_id_channel_id_remote_id")
        ),
    )
    op.create_index(
        "ix_listings_untold",
        "listings",
        ["store_id", "channel_id", "id"],
        postgresql_where=sa.text("item_id is not null and gone_at is null and item_id is distinct from told_item_id"),
    )
    op.create_index("ix_listings_state", "listings", ["store_id", "channel_id", "state", "id"])
    for name, column, where in (
        ("ix_listings_item", "item_id", "item_id is not null"),
        ("ix_listings_sku", "sku_key", "sku_key <> ''"),
        ("ix_listings_isku", "isku_key", "isku_key <> ''"),
        ("ix_listings_barcode", "barcode_key", "barcode_key <> ''"),
        ("ix_listings_name", "name_key", "name_key <> ''"),
        ("ix_listings_batch", "batch", "batch is not null"),
    ):
        op.create_index(name, "listings", ["store_id", column], postgresql_where=sa.text(where))
    op.create_table(
        "listing_stocks",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("reserved", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "listing_id"],
            ["listings.store_id", "listings.id"],
            name=op.f("fk_listing_stocks_store_id_listing_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "marketplace_id"],
            ["marketplaces.store_id", "marketplaces.id"],
            name=op.f("fk_listing_stocks_store_id_marketplace_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_listing_stocks_store_id")),
        sa.PrimaryKeyConstraint("store_id", "listing_id", "marketplace_id", name=op.f("pk_listing_stocks")),
    )
    op.create_table(
        "listing_pages",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.BigInteger(), nullable=False),
        sa.Column("remote_ids", postgresql.ARRAY(sa.String()), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_listing_pages_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_listing_pages_store_id")),
        sa.PrimaryKeyConstraint("store_id", "channel_id", "round", "page", name=op.f("pk_listing_pages")),
    )
    op.create_table(
        "seen_orders",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("remote_created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("number", sa.String(), server_default="", nullable=False),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wanted_by", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_seen_orders_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(["wanted_by"], ["users.id"], name=op.f("fk_seen_orders_wanted_by")),
        sa.PrimaryKeyConstraint("store_id", "channel_id", "remote_id", name=op.f("pk_seen_orders")),
    )
    op.create_index(
        "ix_seen_orders_listed",
        "seen_orders",
        ["store_id", "channel_id"],
        unique=False,
        postgresql_where=sa.text("state = 'listed'"),
    )
    op.create_index(
        "ix_seen_orders_unreadable",
        "seen_orders",
        ["store_id", "channel_id"],
        unique=False,
        postgresql_where=sa.text("state = 'unreadable'"),
    )
    op.create_index(
        "ix_seen_orders_wanted",
        "seen_orders",
        ["store_id", "channel_id", "remote_id"],
        unique=False,
        postgresql_where=sa.text("wanted_at is not null"),
    )
    op.create_index(
        "ix_seen_orders_ignored",
        "seen_orders",
        ["store_id", "channel_id", "remote_id"],
        unique=False,
        postgresql_where=sa.text("reason = 'IGNORED'"),
    )
    op.create_index(
        "ix_seen_orders_number",
        "seen_orders",
        ["store_id", "number"],
        unique=False,
        postgresql_where=sa.text("number <> ''"),
    )
    op.create_table(
        "webhooks",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("remote_id", sa.String(), server_default="", nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_webhooks_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_webhooks_store_id")),
        sa.PrimaryKeyConstraint("store_id", "channel_id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_webhooks_token_hash")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("order_ids", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["webhooks.store_id", "webhooks.channel_id"],
            name=op.f("fk_webhook_deliveries_store_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "store_id", "channel_id", "key", name=op.f("uq_webhook_deliveries_store_id_channel_id_key")
        ),
    )
    op.create_index(
        "ix_webhook_deliveries_open",
        "webhook_deliveries",
        ["store_id", "channel_id", "id"],
        unique=False,
        postgresql_where=sa.text("worked_at is null"),
    )
    op.create_index("ix_webhook_deliveries_received", "webhook_deliveries", ["received_at"], unique=False)
    op.create_table(
        "sync_jobs",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("phase", sa.String(), server_default="", nullable=False),
        sa.Column("cursor", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phase_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("problem_detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "kind in ('check', 'sync', 'auto', 'write_back', 'retry', 'verify', 'mend', 'products', 'announced', "
            "'stock', 'refresh')",
            name=op.f("ck_sync_jobs_kind"),
        ),
        sa.CheckConstraint(
            "state in ('queued', 'running', 'succeeded', 'partly', 'failed', 'cancelled')",
            name=op.f("ck_sync_jobs_state"),
        ),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_sync_jobs_requested_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_sync_jobs_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_sync_jobs_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_sync_jobs")),
    )
    op.create_index(
        "ix_sync_jobs_active",
        "sync_jobs",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'running')"),
    )
    op.create_index("ix_sync_jobs_recent", "sync_jobs", ["store_id", "id"], unique=False)
    op.create_index("ix_sync_jobs_channel", "sync_jobs", ["store_id", "channel_id", "id"], unique=False)
    op.create_index(
        "uq_sync_jobs_active_kind",
        "sync_jobs",
        ["store_id", "channel_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state in ('queued', 'running')"),
    )
    op.create_index(
        "uq_sync_jobs_running",
        "sync_jobs",
        ["store_id", "channel_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "orders",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_text", sa.String(), nullable=False),
        sa.Column("payment_status", sa.String(), nullable=False),
        sa.Column("payment_status_text", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("gateway_key", sa.String(), nullable=False),
        sa.Column("remote_invoice_no", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remote_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("shipping", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("adjustment", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Numeric(precision=20, scale=4), server_default="0", nullable=False),
        sa.Column("line_discount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("booked_content_key", sa.String(), nullable=True),
        sa.Column("credited", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sale_key", sa.String(), nullable=True),
        sa.Column("not_same_sale", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("book_on", sa.Date(), nullable=True),
        sa.Column("search", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("reason_detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("alert", sa.String(), nullable=True),
        sa.Column("ignored_alert", sa.String(), nullable=True),
        sa.Column("state_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queued_by", sa.BigInteger(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["queued_by"], ["users.id"], name=op.f("fk_orders_queued_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"], ["channels.store_id", "channels.id"], name=op.f("fk_orders_store_id_channel_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "marketplace_id"],
            ["marketplaces.store_id", "marketplaces.id"],
            name=op.f("fk_orders_store_id_marketplace_id"),
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "store_id", "channel_id", "remote_id", name=op.f("uq_orders_store_id_channel_id_remote_id")
        ),
    )
    op.create_index(
        "ix_orders_channel_state", "orders", ["store_id", "state", "channel_id", "placed_at", "id"], unique=False
    )
    op.create_index(
        "ix_orders_alert",
        "orders",
        ["store_id", "alert", "channel_id"],
        unique=False,
        postgresql_where=sa.text("alert is not null"),
    )
    op.create_index(
        "ix_orders_ignored",
        "orders",
        ["store_id", "id"],
        unique=False,
        postgresql_where=sa.text("reason = 'IGNORED' or ignored_alert is not null"),
    )
    op.create_index("ix_orders_gateway", "orders", ["store_id", "gateway_key", "channel_id", "state"], unique=False)
    op.create_index(
        "ix_orders_open",
        "orders",
        ["store_id", "channel_id", "id"],
        unique=False,
        postgresql_where=sa.text(
            "state in ('waiting', 'ready', 'queued', 'held') "
            "or (state = 'booked' and status not in ('completed', 'cancelled', 'returned'))"
        ),
    )
    op.create_index(
        "ix_orders_sale",
        "orders",
        ["store_id", "sale_key"],
        unique=False,
        postgresql_where=sa.text("sale_key is not null"),
    )
    op.create_index("ix_orders_number", "orders", ["store_id", "number"], unique=False)
    op.create_index("ix_orders_placed", "orders", ["store_id", "placed_at", "id"], unique=False)
    op.create_index("ix_orders_state", "orders", ["store_id", "state", "placed_at", "id"], unique=False)
    op.create_table(
        "salesperson_mappings",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("salesperson_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_salesperson_mappings_changed_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "marketplace_id"],
            ["marketplaces.store_id", "marketplaces.id"],
            name=op.f("fk_salesperson_mappings_store_id_marketplace_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "salesperson_id"],
            ["salespeople.store_id", "salespeople.id"],
            name=op.f("fk_salesperson_mappings_store_id_salesperson_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_salesperson_mappings_store_id")),
        sa.PrimaryKeyConstraint("store_id", "marketplace_id", name=op.f("pk_salesperson_mappings")),
    )
    op.create_table(
        "invoices",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("number_text", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="posted", nullable=False),
        sa.Column("invoice_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("seller", sa.String(), server_default="", nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("payment_method_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("payment_mapping_version", sa.BigInteger(), nullable=False),
        sa.Column("salesperson_id", sa.BigInteger(), nullable=True),
        sa.Column("salesperson", sa.String(), nullable=False),
        sa.Column("salesperson_mapping_version", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("shipping", sa.BigInteger(), nullable=False),
        sa.Column("adjustment", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column("rounding", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("credited", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("issued_by", sa.BigInteger(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('posted', 'credited')", name=op.f("ck_invoices_state")),
        sa.CheckConstraint("credited between 0 and total", name=op.f("ck_invoices_credited")),
        sa.ForeignKeyConstraint(
            ["store_id", "replaces_id"],
            ["invoices.store_id", "invoices.id"],
            name=op.f("fk_invoices_store_id_replaces_id"),
        ),
        sa.ForeignKeyConstraint(["issued_by"], ["users.id"], name=op.f("fk_invoices_issued_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_invoices_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "marketplace_id"],
            ["marketplaces.store_id", "marketplaces.id"],
            name=op.f("fk_invoices_store_id_marketplace_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"], ["orders.store_id", "orders.id"], name=op.f("fk_invoices_store_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "payment_method_id"],
            ["payment_methods.store_id", "payment_methods.id"],
            name=op.f("fk_invoices_store_id_payment_method_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "salesperson_id"],
            ["salespeople.store_id", "salespeople.id"],
            name=op.f("fk_invoices_store_id_salesperson_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "series"],
            ["number_series.store_id", "number_series.code"],
            name=op.f("fk_invoices_store_id_series"),
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("store_id", "number_text", name=op.f("uq_invoices_store_id_number_text")),
        sa.UniqueConstraint("store_id", "series", "number", name=op.f("uq_invoices_store_id_series_number")),
    )
    op.create_index("ix_invoices_date", "invoices", ["store_id", "invoice_date", "id"], unique=False)
    # Invoices are issued in the order of time, so that a few pages tell where a month begins.
    op.create_index(
        "ix_invoices_replaces",
        "invoices",
        ["store_id", "replaces_id"],
        unique=False,
        postgresql_where=sa.text("replaces_id is not null"),
    )
    op.create_index("ix_invoices_issued", "invoices", ["issued_at"], unique=False, postgresql_using="brin")
    op.create_index("ix_invoices_order", "invoices", ["store_id", "order_id"], unique=False)
    op.create_index(
        "uq_invoices_live_order",
        "invoices",
        ["store_id", "order_id"],
        unique=True,
        postgresql_where=sa.text("state = 'posted'"),
    )
    op.create_table(
        "order_lines",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("isku", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_order_lines_store_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "order_id", "line_no", name=op.f("pk_order_lines")),
    )
    op.execute("create sequence stock_changes")
    op.create_table(
        "stock_levels",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default=sa.text("nextval('stock_changes')"), nullable=False),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_levels_reserved")),
        sa.ForeignKeyConstraint(
            ["store_id", "item_id"], ["items.store_id", "items.id"], name=op.f("fk_stock_levels_store_id_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "location_id"],
            ["locations.store_id", "locations.id"],
            name=op.f("fk_stock_levels_store_id_location_id"),
        ),
        sa.PrimaryKeyConstraint("store_id", "item_id", "location_id", name=op.f("pk_stock_levels")),
    )
    op.create_index("ix_stock_levels_changed", "stock_levels", ["store_id", "changed_seq"])
    op.create_table(
        "stock_movements",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("on_hand_change", sa.BigInteger(), nullable=False),
        sa.Column("reserved_change", sa.BigInteger(), nullable=False),
        sa.Column("on_hand_after", sa.BigInteger(), nullable=False),
        sa.Column("reserved_after", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("words", sa.String(), server_default="", nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("order_sku", sa.String(), server_default="", nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_stock_movements_user_id")),
        sa.ForeignKeyConstraint(
            ["store_id", "item_id"], ["items.store_id", "items.id"], name=op.f("fk_stock_movements_store_id_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "location_id"],
            ["locations.store_id", "locations.id"],
            name=op.f("fk_stock_movements_store_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_stock_movements_store_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_stock_movements")),
        sa.UniqueConstraint("store_id", "key", name=op.f("uq_stock_movements_store_id_key")),
    )
    op.create_index("ix_stock_movements_item", "stock_movements", ["store_id", "item_id", "id"])
    op.create_index(
        "ix_stock_movements_order",
        "stock_movements",
        ["store_id", "order_id"],
        postgresql_where=sa.text("order_id is not null"),
    )
    op.create_table(
        "shortages",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("missing > 0", name=op.f("ck_shortages_missing")),
        sa.CheckConstraint("(why = 'oversold') = (item_id is not null)", name=op.f("ck_shortages_item_id")),
        sa.CheckConstraint("why in ('oversold', 'unlinked')", name=op.f("ck_shortages_why")),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_shortages_store_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "item_id"], ["items.store_id", "items.id"], name=op.f("fk_shortages_store_id_item_id")
        ),
        sa.PrimaryKeyConstraint("store_id", "order_id", "sku", name=op.f("pk_shortages")),
    )
    op.create_index(
        "ix_shortages_item", "shortages", ["store_id", "item_id"], postgresql_where=sa.text("item_id is not null")
    )
    op.create_table(
        "raw_records",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_raw_records_store_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "order_id", name=op.f("pk_raw_records")),
    )
    op.create_table(
        "fulfilments",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_by", sa.String(), nullable=True),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("conflict", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("may_move", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("heard", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("moved_by in ('here', 'there')", name=op.f("ck_fulfilments_moved_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_fulfilments_store_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "order_id", name=op.f("pk_fulfilments")),
    )
    op.create_index(
        "ix_fulfilments_conflict",
        "fulfilments",
        ["store_id", "order_id"],
        unique=False,
        postgresql_where=sa.text("conflict is not null"),
    )
    op.create_table(
        "packages",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("courier", sa.String(), server_default="", nullable=False),
        sa.Column("tracking_number", sa.String(), server_default="", nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_packages_store_id_channel_id"),
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_packages")),
        sa.UniqueConstraint("store_id", "channel_id", "number", name=op.f("uq_packages_store_id_channel_id_number")),
    )
    op.create_table(
        "package_lines",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("package_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_package_lines_quantity")),
        sa.ForeignKeyConstraint(
            ["store_id", "package_id"],
            ["packages.store_id", "packages.id"],
            name=op.f("fk_package_lines_store_id_package_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_package_lines_store_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "package_id", "order_id", "line_no", name=op.f("pk_package_lines")),
    )
    op.create_index("ix_package_lines_order", "package_lines", ["store_id", "order_id"])
    op.create_table(
        "order_news",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_order_news_store_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "order_id", name=op.f("pk_order_news")),
    )
    op.create_table(
        "order_copies",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), server_default="", nullable=False),
        sa.Column("number", sa.String(), server_default="", nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_digest", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_order_copies_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"], ["orders.store_id", "orders.id"], name=op.f("fk_order_copies_store_id_order_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_order_copies_store_id")),
        sa.PrimaryKeyConstraint("store_id", "order_id", "channel_id", name=op.f("pk_order_copies")),
        sa.UniqueConstraint("store_id", "channel_id", "mark", name=op.f("uq_order_copies_store_id_channel_id_mark")),
    )
    op.create_index(
        "uq_order_copies_remote",
        "order_copies",
        ["store_id", "channel_id", "remote_id"],
        unique=True,
        postgresql_where=sa.text("remote_id <> ''"),
    )
    op.create_index(
        "ix_order_copies_number",
        "order_copies",
        ["store_id", "number"],
        unique=False,
        postgresql_where=sa.text("number <> ''"),
    )
    op.create_table(
        "changes",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), server_default="planned", nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("reason_detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'write_back') = (invoice_id is not null)", name=op.f("ck_changes_invoice")),
        sa.CheckConstraint("kind in ('write_back', 'move', 'order')", name=op.f("ck_changes_kind")),
        sa.CheckConstraint(
            "state in ('planned', 'sending', 'done', 'blocked', 'dropped')", name=op.f("ck_changes_state")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_changes_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "invoice_id"],
            ["invoices.store_id", "invoices.id"],
            name=op.f("fk_changes_store_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"], ["orders.store_id", "orders.id"], name=op.f("fk_changes_store_id_order_id")
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_changes")),
        sa.UniqueConstraint("store_id", "channel_id", "key", name=op.f("uq_changes_store_id_channel_id_key")),
    )
    op.create_index(
        "ix_changes_blocked",
        "changes",
        ["store_id", "channel_id"],
        unique=False,
        postgresql_where=sa.text("state = 'blocked'"),
    )
    op.create_index(
        "ix_changes_left",
        "changes",
        ["store_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'dropped' and reason is not null"),
    )
    op.create_index(
        "ix_changes_open",
        "changes",
        ["store_id", "channel_id", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('planned', 'sending')"),
    )
    op.create_index("ix_changes_order", "changes", ["store_id", "order_id"], unique=False)
    op.create_table(
        "invoice_lines",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "invoice_id"],
            ["invoices.store_id", "invoices.id"],
            name=op.f("fk_invoice_lines_store_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("store_id", "invoice_id", "line_no", name=op.f("pk_invoice_lines")),
    )
    op.create_table(
        "credit_notes",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("number_text", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_number", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("words", sa.String(), server_default="", nullable=False),
        sa.Column("credit_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("issued_by", sa.BigInteger(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("total >= 0", name=op.f("ck_credit_notes_total")),
        sa.CheckConstraint(
            "cause in ('reissue', 'cancelled', 'returned', 'refunded', 'correction')",
            name=op.f("ck_credit_notes_cause"),
        ),
        sa.ForeignKeyConstraint(["issued_by"], ["users.id"], name=op.f("fk_credit_notes_issued_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_credit_notes_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "invoice_id"],
            ["invoices.store_id", "invoices.id"],
            name=op.f("fk_credit_notes_store_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"], ["orders.store_id", "orders.id"], name=op.f("fk_credit_notes_store_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "series"],
            ["number_series.store_id", "number_series.code"],
            name=op.f("fk_credit_notes_store_id_series"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_credit_notes_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("store_id", "number_text", name=op.f("uq_credit_notes_store_id_number_text")),
        sa.UniqueConstraint("store_id", "series", "number", name=op.f("uq_credit_notes_store_id_series_number")),
    )
    op.create_index("ix_credit_notes_date", "credit_notes", ["store_id", "credit_date", "id"], unique=False)
    op.create_index("ix_credit_notes_invoice", "credit_notes", ["store_id", "invoice_id"], unique=False)
    op.create_index("ix_credit_notes_order", "credit_notes", ["store_id", "order_id"], unique=False)
    op.create_table(
        "credit_note_lines",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_note_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("invoice_line_no", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "credit_note_id"],
            ["credit_notes.store_id", "credit_notes.id"],
            name=op.f("fk_credit_note_lines_store_id_credit_note_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_credit_note_lines_store_id")),
        sa.PrimaryKeyConstraint("store_id", "credit_note_id", "line_no", name=op.f("pk_credit_note_lines")),
    )
    op.create_table(
        "void_numbers",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("first_number", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("first_number <= last_number", name=op.f("ck_void_numbers_range")),
        sa.ForeignKeyConstraint(
            ["store_id", "series"],
            ["number_series.store_id", "number_series.code"],
            name=op.f("fk_void_numbers_store_id_series"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_void_numbers_store_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_void_numbers_user_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_void_numbers")),
    )
    op.create_table(
        "closings",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("through", sa.Date(), nullable=True),
        sa.Column("words", sa.String(), server_default="", nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_closings_store_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_closings_user_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_closings")),
    )
    op.create_table(
        "verifications",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("by_update", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("older", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("newer", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("short", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("missing", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("extra", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("differing", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_verifications_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "job_id"],
            ["sync_jobs.store_id", "sync_jobs.id"],
            name=op.f("fk_verifications_store_id_job_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_verifications_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_verifications")),
    )
    op.create_index("ix_verifications_channel", "verifications", ["store_id", "channel_id", "id"], unique=False)
    op.create_index("uq_verifications_job", "verifications", ["store_id", "job_id"], unique=True)
    op.create_table(
        "verification_days",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("verification_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("remote_orders", sa.BigInteger(), nullable=False),
        sa.Column("remote_total", sa.BigInteger(), nullable=False),
        sa.Column("remote_paid", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("invoiced", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("extra", sa.BigInteger(), nullable=False),
        sa.Column("differing", sa.BigInteger(), nullable=False),
        sa.Column("difference", sa.BigInteger(), nullable=False),
        sa.Column("invoice_difference", sa.BigInteger(), nullable=False),
        sa.Column("not_invoiced", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "verification_id"],
            ["verifications.store_id", "verifications.id"],
            name=op.f("fk_verification_days_store_id_verification_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_verification_days_store_id")),
        sa.PrimaryKeyConstraint("store_id", "verification_id", "day", "currency", name=op.f("pk_verification_days")),
    )
    op.create_table(
        "deviations",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("verification_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("difference", sa.BigInteger(), nullable=False),
        sa.Column("remote", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("local", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('missing', 'extra', 'unreadable', 'currency', 'total', 'status', 'payment', 'invoice')",
            name=op.f("ck_deviations_kind"),
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_deviations_asked_by")),
        sa.ForeignKeyConstraint(
            ["store_id", "marketplace_id"],
            ["marketplaces.store_id", "marketplaces.id"],
            name=op.f("fk_deviations_store_id_marketplace_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"], ["orders.store_id", "orders.id"], name=op.f("fk_deviations_store_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "verification_id"],
            ["verifications.store_id", "verifications.id"],
            name=op.f("fk_deviations_store_id_verification_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_deviations_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_deviations")),
    )
    op.create_index(
        "ix_deviations_open",
        "deviations",
        ["store_id", "channel_id", "remote_id"],
        unique=False,
        postgresql_where=sa.text("mended_at is null"),
    )
    op.create_index("ix_deviations_verification", "deviations", ["store_id", "verification_id", "id"], unique=False)
    op.create_table(
        "verification_reads",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("verification_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("payment_status", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("found in ('read', 'unreadable', 'absent')", name=op.f("ck_verification_reads_found")),
        sa.ForeignKeyConstraint(
            ["store_id", "verification_id"],
            ["verifications.store_id", "verifications.id"],
            name=op.f("fk_verification_reads_store_id_verification_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_verification_reads_store_id")),
        sa.PrimaryKeyConstraint("store_id", "verification_id", "remote_id", name=op.f("pk_verification_reads")),
    )
    op.create_table(
        "search_texts",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "order_id"],
            ["orders.store_id", "orders.id"],
            name=op.f("fk_search_texts_store_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "order_id", "part", name=op.f("pk_search_texts")),
    )
    op.execute("create extension if not exists pg_trgm")  # both are trusted: the owner of a database may create them
    op.execute("create extension if not exists btree_gin")
    op.create_index(
        "ix_search_texts_words",
        "search_texts",
        ["store_id", "words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": "65536"},
    )
    keep_search_texts()
    op.create_table(
        "order_days",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("marketplace_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Numeric(precision=24, scale=4), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "channel_id"],
            ["channels.store_id", "channels.id"],
            name=op.f("fk_order_days_store_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "marketplace_id"],
            ["marketplaces.store_id", "marketplaces.id"],
            name=op.f("fk_order_days_store_id_marketplace_id"),
        ),
        sa.PrimaryKeyConstraint(
            "store_id", "day", "channel_id", "marketplace_id", "currency", name=op.f("pk_order_days")
        ),
    )
    keep_order_days()
    op.execute("alter table orders set (fillfactor = 70)")  # each is written again when it is pressed, booked, numbered
    op.execute(ORDER_STATE_SINCE)
    op.execute(
        "create trigger state_since before update on orders for each row "
        "when (old.state is distinct from new.state or old.reason is distinct from new.reason) "
        "execute function order_state_since()"
    )
    op.create_table(
        "verification_codes",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_verification_codes_made_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_verification_codes_store_id")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_verification_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_verification_codes_code_hash")),
    )
    op.create_table(
        "links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("main_store_id", sa.BigInteger(), nullable=False),
        sa.Column("sub_store_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("main_name", sa.String(), nullable=False),
        sa.Column("sub_name", sa.String(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel_name", sa.String(), server_default="", nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("reason_detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("stock_after", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by", sa.String(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(), server_default="", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_side", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("main_store_id <> sub_store_id", name=op.f("ck_links_two_stores")),
        sa.CheckConstraint(
            "state in ('draft', 'pending', 'connected', 'denied', 'expired', 'withdrawn', 'suspended', 'ended')",
            name=op.f("ck_links_state"),
        ),
        sa.CheckConstraint("asked_at is not null or state in ('draft', 'withdrawn')", name=op.f("ck_links_asked_at")),
        sa.CheckConstraint("ended_by_side in ('', 'main', 'sub', 'system')", name=op.f("ck_links_ended_by_side")),
        sa.CheckConstraint("stock_after in ('', 'keep', 'zero')", name=op.f("ck_links_stock_after")),
        sa.ForeignKeyConstraint(
            ["main_store_id", "location_id"],
            ["locations.store_id", "locations.id"],
            name=op.f("fk_links_main_store_id_location_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index(
        "uq_links_sub_live",
        "links",
        ["sub_store_id"],
        unique=True,
        postgresql_where=sa.text("state in ('pending', 'connected', 'suspended')"),
    )
    op.create_index(
        "uq_links_draft",
        "links",
        ["main_store_id", "sub_store_id"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_index("ix_links_main", "links", ["main_store_id", "id"], unique=False)
    op.create_index("ix_links_sub", "links", ["sub_store_id", "id"], unique=False)
    op.create_table(
        "link_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("main_store_id", sa.BigInteger(), nullable=False),
        sa.Column("sub_store_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("side in ('main', 'sub', 'system')", name=op.f("ck_link_events_side")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_link_events_link_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_events")),
    )
    op.create_index("ix_link_events_link", "link_events", ["link_id", "id"], unique=False)
    op.create_table(
        "link_days",
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("main_store_id", sa.BigInteger(), nullable=False),
        sa.Column("sub_store_id", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stock_told", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_link_days_link_id")),
        sa.PrimaryKeyConstraint("link_id", "day", name=op.f("pk_link_days")),
    )
    op.create_table(
        "erased_stores",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("erased_by", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("manifest", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_stores")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("who", sa.String(), server_default="", nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("browser", sa.String(), server_default="", nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("thing", sa.String(), nullable=False),
        sa.Column("thing_id", sa.String(), server_default="", nullable=False),
        sa.Column("label", sa.String(), server_default="", nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("many", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_audit_entries_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["store_id", "at", "id"], unique=False)
    op.create_index(
        "ix_audit_entries_user",
        "audit_entries",
        ["store_id", "user_id", "id"],
        unique=False,
        postgresql_where=sa.text("user_id is not null"),
    )
    make_notice_tables()
    make_hook_tables()
    guard("stores", "id")
    for table in STORE_OWNED:
        guard(table)
    guard_links()
    keep_order_news()
    give_orders()
    ask_for_looks()
    tell_endpoints()
    keep_audit()
    install_doors(DOORS_SQL)
