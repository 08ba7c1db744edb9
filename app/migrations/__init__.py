"""Alembic's migrations, run by the owner of the tables; the app's own role never changes the schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from app.tenancy.doors import DOORS_SQL


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def head_revision() -> str:
    """The revision that this code expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(owner_url: str, app_role: str) -> None:
    """Bring the database to the head and let `app_role` use its tables. Safe to run twice and by two at once."""
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(hashtext('channelbook-migrations'))"))
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _grant(connection, app_role)
    finally:
        engine.dispose()


_WRITTEN_ONCE = (
    "audit_entries",
    "invoices",
    "invoice_lines",
    "credit_notes",
    "credit_note_lines",
    "void_numbers",
    "closings",
    "verification_days",
    "deviations",
    "journal",
    "stock_movements",
)


_OF_A_LINK = (
    "state",
    "code_hash",
    "channel_name",
    "location_id",
    "reason",
    "reason_detail",
    "stock_after",
    "asked_at",
    "asked_by",
    "answered_at",
    "answered_by",
    "ended_at",
    "ended_by_side",
    "version",
)
"""What changes about a link; never which two stores it is between, nor what they were called."""


def _grant(connection: Connection, app_role: str) -> None:
    """Rows, never the schema. The books are append-only for the app: no invoice and no journal is deleted."""
    role = connection.dialect.identifier_preparer.quote(app_role)
    for statement in (
        f"grant usage on schema public to {role}",
        f"grant select, insert, update, delete on all tables in schema public to {role}",
        f"grant usage, select on all sequences in schema public to {role}",
        *(f"grant execute on function {door} to {role}" for door in DOORS_SQL),
        f"revoke insert, update, delete on alembic_version from {role}",
        f"revoke all on erased_stores from {role}",
        f"revoke delete on number_series, seen_orders, orders, changes, items, listings, stores from {role}",
        f"revoke delete on order_copies from {role}",
        f"revoke delete on verifications, stock_levels from {role}",
        f"revoke update, delete on {', '.join(_WRITTEN_ONCE)} from {role}",
        f"grant update (state, credited) on invoices to {role}",
        f"grant update (asked_at, asked_by, tried_at, mended_at) on deviations to {role}",
        f"revoke update, delete on links, link_events, link_days from {role}",
        f"grant update (orders, stock_told, moves) on link_days to {role}",
        f"grant update ({', '.join(_OF_A_LINK)}) on links to {role}",
    ):
        connection.execute(text(statement))
