"""What the migrations add for webhooks that we send: the tables, and the triggers that plan what is told.

They see whatever writes a document, an order, a change, a channel or a stock level, so that no writer can forget it,
and plan in its own transaction: what is rolled back is never told. They look at whole statements; where no endpoint of
the store asks for it, one look into an index is all that is done.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

HOOK_TABLES: Final = ("endpoints", "hook_messages", "hook_attempts")
_STORE: Final = "nullif(current_setting('app.store_id', true), '')::bigint"


def _telling(name: str, events: tuple[str, ...], told: str) -> str:
    """A trigger's function. `told` selects (place, type, data) of the statement; `place` is only its order.

    In the order of the endpoints' ids last, so that two statements wait for each other and never in a circle.
    """
    wanted = ", ".join(f"'{event}'" for event in events)
    return f"""
create function {name}() returns trigger language plpgsql as $$
begin
    if exists (select from public.endpoints e where e.store_id = {_STORE} and e.state = 'active'
               and e.events && array[{wanted}]::varchar[]) then
        insert into public.hook_messages (store_id, endpoint_id, message_id, type, data)
        select e.store_id, e.id, m.message_id, m.type, m.data
        from (select place, type, data, 'msg_' || replace(gen_random_uuid()::text, '-', '') as message_id
              from ({told}) happened) m
        join public.endpoints e on e.store_id = {_STORE} and e.state = 'active' and m.type = any(e.events)
        order by m.place, e.id;
    end if;
    return null;
end $$"""


_CHANNEL: Final = "join public.channels c on c.store_id = n.store_id and c.id = n.channel_id"
_OF_CHANNEL: Final = "jsonb_build_object('id', c.id::text, 'name', c.name)"

_INVOICES: Final = f"""
    select n.id as place, 'invoice.issued' as type, jsonb_build_object(
        'id', n.id::text, 'number', n.number_text, 'date', n.invoice_date, 'currency', n.currency, 'total', n.total,
        'order', jsonb_build_object('id', n.order_id::text, 'number', n.order_number),
        'channel', {_OF_CHANNEL}) as data
    from new_rows n {_CHANNEL}"""
_CREDITS: Final = f"""
    select n.id as place, 'credit_note.issued' as type, jsonb_build_object(
        'id', n.id::text, 'number', n.number_text, 'date', n.credit_date, 'currency', n.currency, 'total', n.total,
        'cause', n.cause, 'invoice', jsonb_build_object('id', n.invoice_id::text, 'number', n.invoice_number),
        'order', jsonb_build_object('id', n.order_id::text, 'number', n.order_number),
        'channel', {_OF_CHANNEL}) as data
    from new_rows n {_CHANNEL}"""
_HELD: Final = f"""
    select n.id as place, 'order.held' as type, jsonb_build_object(
        'id', n.id::text, 'number', n.number, 'reason', n.reason, 'currency', n.currency, 'total', n.total,
        'channel', {_OF_CHANNEL}) as data
    from new_rows n {_CHANNEL}
    where n.state = 'held'"""
_HELD_ANEW: Final = f"""{_HELD} and not exists (
        select from old_rows o where o.store_id = n.store_id and o.id = n.id and o.state = 'held'
        and o.reason is not distinct from n.reason)"""
_WRITTEN: Final = f"""
    select n.id as place, case n.state when 'done' then 'write_back.done' else 'write_back.failed' end as type,
        jsonb_build_object('number', i.number_text, 'reason', n.reason,
            'invoice', jsonb_build_object('id', i.id::text, 'number', i.number_text),
            'order', jsonb_build_object('id', i.order_id::text, 'number', i.order_number),
            'channel', {_OF_CHANNEL}) as data
    from new_rows n {_CHANNEL}
    join public.invoices i on i.store_id = n.store_id and i.id = n.invoice_id
    where n.kind = 'write_back' and n.state in ('done', 'blocked') and not exists (
        select from old_rows o where o.store_id = n.store_id and o.id = n.id and o.state = n.state)"""
_STOPPED: Final = """
    select n.id as place, case n.status when 'paused' then 'channel.paused' else 'channel.resumed' end as type,
        jsonb_build_object('id', n.id::text, 'name', n.name, 'kind', n.kind, 'reason', n.paused_reason) as data
    from new_rows n
    join old_rows o on o.store_id = n.store_id and o.id = n.id
    where (o.status, n.status) in (('connected', 'paused'), ('paused', 'connected'))"""
_LEVELS: Final = """
    select min(item_id) as place, 'stock.changed' as type, jsonb_build_object('levels', jsonb_agg(level)) as data
    from (select n.item_id, (row_number() over (order by n.item_id, n.location_id) - 1) / 100 as part,
              jsonb_build_object('sku', i.sku, 'warehouse', l.name, 'on_hand', n.on_hand, 'reserved', n.reserved,
                                 'available', n.on_hand - n.reserved) as level
          from new_rows n
          join public.items i on i.store_id = n.store_id and i.id = n.item_id
          join public.locations l on l.store_id = n.store_id and l.id = n.location_id
          {where}) levels
    group by part"""
"""At most a hundred levels in one message."""
_MOVED: Final = """where not exists (
              select from old_rows o where o.store_id = n.store_id and o.item_id = n.item_id
              and o.location_id = n.location_id and o.on_hand = n.on_hand and o.reserved = n.reserved)"""


def _trigger(name: str, when: str, table: str) -> str:
    rows = "new table as new_rows" if when == "insert" else "old table as old_rows new table as new_rows"
    return (
        f"create trigger {name} after {when} on {table} referencing {rows} for each statement execute function {name}()"
    )


_SQL: Final = (
    _telling("invoices_are_told", ("invoice.issued",), _INVOICES),
    _telling("credits_are_told", ("credit_note.issued",), _CREDITS),
    _telling("orders_made_are_told", ("order.held",), _HELD),
    _telling("orders_changed_are_told", ("order.held",), _HELD_ANEW),
    _telling("numbers_are_told", ("write_back.done", "write_back.failed"), _WRITTEN),
    _telling("channels_are_told", ("channel.paused", "channel.resumed"), _STOPPED),
    _telling("levels_made_are_told", ("stock.changed",), _LEVELS.replace("{where}", "")),
    _telling("levels_changed_are_told", ("stock.changed",), _LEVELS.replace("{where}", _MOVED)),
    _trigger("invoices_are_told", "insert", "invoices"),
    _trigger("credits_are_told", "insert", "credit_notes"),
    _trigger("orders_made_are_told", "insert", "orders"),
    _trigger("orders_changed_are_told", "update", "orders"),
    _trigger("numbers_are_told", "update", "changes"),
    _trigger("channels_are_told", "update", "channels"),
    _trigger("levels_made_are_told", "insert", "stock_levels"),
    _trigger("levels_changed_are_told", "update", "stock_levels"),
)


def _when(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _since(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def make_hook_tables() -> None:
    """Make them; `guard` and the triggers come once all tables are there."""
    op.create_table(
        "endpoints",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("state", sa.String(), server_default="active", nullable=False),
        sa.Column("paused_reason", sa.String(), server_default="", nullable=False),
        _when("paused_at"),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        _when("old_until"),
        _when("leased_until"),
        _when("rests_until"),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        _when("rung_at"),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        _since("created_at"),
        sa.CheckConstraint("state in ('active', 'paused')", name=op.f("ck_endpoints_state")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_endpoints_created_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_endpoints_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_endpoints")),
    )
    op.create_index("ix_endpoints_active", "endpoints", ["id"], postgresql_where=sa.text("state = 'active'"))
    op.create_table(
        "hook_messages",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _since("created_at"),
        sa.Column("state", sa.String(), server_default="planned", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        _since("planned_at"),
        _since("next_at"),
        sa.CheckConstraint("state in ('planned', 'delivered', 'failed')", name=op.f("ck_hook_messages_state")),
        sa.ForeignKeyConstraint(
            ["store_id", "endpoint_id"],
            ["endpoints.store_id", "endpoints.id"],
            name=op.f("fk_hook_messages_store_id_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_hook_messages")),
    )
    planned, of_endpoint = sa.text("state = 'planned'"), ["store_id", "endpoint_id"]
    op.create_index("ix_hook_messages_due", "hook_messages", [*of_endpoint, "next_at"], postgresql_where=planned)
    op.create_index("ix_hook_messages_recent", "hook_messages", [*of_endpoint, "id"])
    op.create_index("ix_hook_messages_old", "hook_messages", ["created_at"])
    op.create_table(
        "hook_attempts",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hook_message_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        _since("at"),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(), server_default="", nullable=False),
        sa.Column("trouble", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "hook_message_id"],
            ["hook_messages.store_id", "hook_messages.id"],
            name=op.f("fk_hook_attempts_store_id_hook_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_hook_attempts")),
    )
    op.create_index("ix_hook_attempts_message", "hook_attempts", ["store_id", "hook_message_id"])


def tell_endpoints() -> None:
    """Install the triggers. They run as whoever writes, and see no endpoints but that store's."""
    for statement in _SQL:
        op.execute(statement)
