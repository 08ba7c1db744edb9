"""The triggers that write the audit log, whoever changes a setting or a right, and by whatever way.

They tell what a person or a program with an API key did, as the transaction was told of it (`app.tenancy.scope`), and
of rights and switches also what changed by itself. Each watches one table, once for each statement: up to
`ONE_BY_ONE` rows are told one by one, more become one entry that says how many. Names of what a row points at are
written as they are then. They run as whoever writes, who may add to the log and read it, and nothing else.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from alembic import op

ONE_BY_ONE: Final = 20
EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Watched:
    """What is told of one table. Expressions are SQL over a row `r`.

    `fields` are told before and after; of `secrets` only that they changed. `turns` are fields that are yes or no, with
    the verbs of turning to yes and to no, which say it all; `silent` are fields that only show that something changed.
    `key` is what pages find the thing by, and `row` tells the
    rows apart where that does not. `always` are fields that are told even when nobody acts,
    and `by_itself` are verbs that are. `quiet` are the other columns, which say nothing that anybody decided.
    """

    table: str
    thing: str
    fields: Mapping[str, str]
    quiet: tuple[str, ...]
    label: str = "r.name"
    key: str = "r.id"
    row: str = ""
    store: str = "r.store_id"
    secrets: tuple[str, ...] = ()
    turns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    by_itself: tuple[str, ...] = ()
    verbs: Mapping[str, str] = field(default_factory=lambda: {"insert": "added", "update": "changed"})
    where: str = "true"


def _same(*columns: str) -> dict[str, str]:
    return {column: f"r.{column}" for column in columns}


def _named(table: str, column: str, name: str = "name") -> str:
    return f"(select t.{name} from public.{table} t where t.store_id = r.store_id and t.id = r.{column})"


_SCOPE: Final = "nullif(current_setting('app.store_id', true), '')::bigint"
_ALL: Final = {"insert": "added", "update": "changed", "delete": "removed"}
_ARCHIVED: Final = {"archived": "r.archived_at is not null"}
_ARCHIVING: Final = {"archived": ("archived", "restored")}
_TOLD_KINDS: Final = (
    "ignored",
    "unread_ignored",
    "alert_ignored",
    "write_back_ignored",
    "give_ignored",
    "taken_back",
    "not_same_sale",
    "dated",
    "numbers_moved",
)
"""Of the journal: what a person decided about an order against what the rules say, and the numbers that they moved."""

WATCHED: Final = (
    Watched(
        "stores",
        "store",
        _same(
            "name",
            "currency",
            "time_zone",
            "language",
            "plan",
            "invoice_date_rule",
            "invoice_currencies",
            "unmapped_gateway",
            "auto_delivery_order",
            "unlinked_items",
            "auto_credit",
            "seller_details",
            "requires_two_step",
        ),
        quiet=("id", "slug", "closed_through", "created_at"),
        store="r.id",
        always=("plan",),
        by_itself=("added",),
    ),
    Watched(
        "memberships",
        "member",
        {"role": "r.role", "email": "(select u.email from public.users u where u.id = r.user_id)"},
        quiet=("store_id", "user_id", "created_at"),
        label="(select u.name from public.users u where u.id = r.user_id)",
        key="r.user_id",
        always=("role",),
        by_itself=("added", "removed"),
        verbs=_ALL,
    ),
    Watched(
        "api_keys",
        "api_key",
        {**_same("name", "scopes", "expires_at"), "revoked": "r.revoked_at is not null"},
        quiet=("store_id", "id", "prefix", "token_hash", "created_at", "created_by", "last_used_at"),
        turns={"revoked": ("revoked", "restored")},
        always=("name", "scopes", "revoked"),
        by_itself=("added", "removed"),
        verbs=_ALL,
    ),
    Watched(
        "invitations",
        "invitation",
        {
            **_same("role"),
            "accepted": "r.accepted_at is not null",
            "withdrawn": "r.withdrawn_at is not null",
            "sent_at": "r.sent_at",
        },
        quiet=(*("store_id", "id", "email", "token_hash", "invited_by", "created_at", "expires_at", "accepted_by"),),
        label="r.email",
        turns={"accepted": ("accepted", "withdrawn"), "withdrawn": ("withdrawn", "added")},
        always=("accepted", "withdrawn"),
        by_itself=("added", "removed"),
        verbs=_ALL,
    ),
    Watched(
        "endpoints",
        "endpoint",
        {
            "url": r"regexp_replace(r.url, '^([a-z]+://)([^/@]*@)?([^?#]*).*$', '\1\3')",
            **_same("events", "paused_reason"),
            "paused": "r.state = 'paused'",
            "secret": "md5(r.secret)",
        },
        quiet=(
            *("store_id", "id", "paused_at", "old_secret", "old_until", "leased_until", "rests_until", "failures"),
            *("rung_at", "created_by", "created_at"),
        ),
        label="split_part(split_part(r.url, '/', 3), '@', -1)",
        secrets=("secret",),
        turns={"paused": ("paused", "resumed")},
        always=("paused", "paused_reason"),
        by_itself=("added", "removed"),
        verbs=_ALL,
    ),
    Watched(
        "channels",
        "channel",
        {
            **_same("kind", "name", "account_name", "paused_reason", "takes_products", "takes_orders"),
            **_same("gives_orders", "takes_stock", "takes_prices", "start_at", "auto_sync", "stock_buffer"),
            "auto_sync_minutes": "case when r.auto_sync then r.auto_sync_minutes end",
            "config": "case when r.kind <> 'store' then r.config end",
            "options": "r.options - 'set_up'",  # a draft, which nothing follows from
            "paused": "r.status = 'paused'",
            "gone": "r.status = 'removed'",
            "stock_location": _named("locations", "stock_location_id"),
            "credentials": "md5(r.credentials)",
        },
        quiet=(
            "store_id",
            "id",
            "owners_told_at",
            "next_refresh_at",
            "next_sync_at",
            "next_verify_at",
            "checked_at",
            "swept_at",
            "stock_seq",
            "stock_unsettled",
            "created_at",
        ),
        secrets=("credentials",),
        turns={"gone": ("removed", "restored"), "paused": ("paused", "resumed")},
        always=("paused", "gone", "paused_reason"),
        by_itself=("added",),
    ),
    Watched(
        "webhooks",
        "announcements",
        {"secret": "md5(r.secret)"},
        quiet=("store_id", "channel_id", "token_hash", "remote_id", "registered_at", "last_received_at"),
        label=_named("channels", "channel_id"),
        key="r.channel_id",
        secrets=("secret",),
        verbs=_ALL,
    ),
    Watched(
        "marketplaces",
        "marketplace",
        {"warehouse": _named("locations", "location_id")},
        quiet=("store_id", "id", "channel_id", "remote_id", "name", "kind", "currency"),
        verbs={"update": "changed"},
    ),
    Watched(
        "payment_methods",
        "payment_method",
        {**_same("name", "is_default"), **_ARCHIVED},
        quiet=("store_id", "id", "created_at"),
        turns=_ARCHIVING,
    ),
    Watched(
        "salespeople",
        "salesperson",
        {**_same("name"), **_ARCHIVED},
        quiet=("store_id", "id", "created_at"),
        turns=_ARCHIVING,
    ),
    Watched(
        "locations",
        "warehouse",
        {**_same("name", "address"), **_ARCHIVED},
        quiet=("store_id", "id", "created_at"),
        turns=_ARCHIVING,
    ),
    Watched(
        "payment_mappings",
        "gateway",
        {"payment_method": _named("payment_methods", "payment_method_id")},
        quiet=(
            *("store_id", "id", "channel_id", "gateway_key", "gateway", "version", "changed_by", "changed_at"),
            "created_at",
        ),
        label=f"r.gateway || ' · ' || {_named('channels', 'channel_id')}",
        key="r.channel_id",
        row="r.id",
        verbs={"insert": "changed", "update": "changed"},
    ),
    Watched(
        "salesperson_mappings",
        "marketplace",
        {"salesperson": _named("salespeople", "salesperson_id")},
        quiet=("store_id", "marketplace_id", "version", "changed_by", "changed_at"),
        label=_named("marketplaces", "marketplace_id"),
        key="r.marketplace_id",
        verbs={"insert": "changed", "update": "changed"},
    ),
    Watched(
        "number_series",
        "numbers",
        _same("prefix", "padding"),
        quiet=("store_id", "code", "next_number"),
        label="r.code",
        key="r.code",
        verbs={"update": "changed"},
    ),
    Watched(
        "void_numbers",
        "numbers",
        _same("first_number", "last_number", "words"),
        quiet=("store_id", "id", "series", "user_id", "at"),
        label="r.series",
        key="r.series",
        verbs={"insert": "skipped"},
    ),
    Watched(
        "closings",
        "closing",
        _same("through", "words"),
        quiet=("store_id", "id", "user_id", "at"),
        label="coalesce(r.through::text, '')",
        verbs={"insert": "changed"},
    ),
    Watched(
        "verification_codes",
        "code",
        _same("version"),
        quiet=("store_id", "code_hash", "sealed", "made_at", "made_by"),
        label="''",
        key="''",
        silent=("version",),
        by_itself=("rotated",),
        verbs={"insert": "added", "update": "rotated"},
    ),
    Watched(
        "links",
        "link",
        {
            **_same("state", "channel_name", "reason", "stock_after"),
            "warehouse": "(select t.name from public.locations t where t.store_id = r.main_store_id "
            "and t.id = r.location_id)",
        },
        quiet=(
            *("id", "main_store_id", "sub_store_id", "main_name", "sub_name", "code_hash", "reason_detail"),
            *("created_at", "asked_at", "asked_by", "answered_at", "answered_by", "ended_at", "ended_by_side"),
            "version",
        ),
        label=f"case when r.main_store_id = {_SCOPE} then r.sub_name else r.main_name end",
        store=_SCOPE,
        always=("state", "reason"),
        verbs={"update": "changed"},
        where=f"r.state <> 'draft' and {_SCOPE} is not null",
    ),
    Watched(
        "items",
        "item",
        {
            **_same("sku", "barcode", "name", "variant", "kit"),
            "tracking": "nullif(r.tracking, 'none')",
            "price": "case when r.price is null then null else to_jsonb(r.price::text || ' ' || r.currency) end",
            **_ARCHIVED,
        },
        quiet=(
            *("store_id", "id", "sku_key", "loose_key", "barcode_key", "name_key", "product_id", "options"),
            *("weight_grams", "picture_url", "currency", "version", "changed_by", "changed_at", "created_at"),
        ),
        label="r.sku",
        turns=_ARCHIVING,
    ),
    Watched(
        "listings",
        "listing",
        {"item": _named("items", "item_id", "sku")},
        quiet=(
            *("store_id", "id", "channel_id", "remote_id", "sku", "sku_key", "isku", "isku_key", "barcode"),
            *("barcode_key", "name", "variant", "name_key", "price", "currency", "stock", "picture", "unit"),
            *("conversion", "base_id", "family_id", "weight", "obstacle", "remote_updated_at", "search", "digest"),
            *("problem", "raw", "gone_at", "told_item_id", "match", "certainty", "candidate_ids", "rivals"),
            *("refused", "state", "version", "batch", "changed_by", "changed_at", "created_at"),
        ),
        label="coalesce(nullif(r.sku, ''), nullif(r.isku, ''), nullif(r.name, ''), r.remote_id)",
        verbs={"update": "changed"},
    ),
    Watched(
        "credit_notes",
        "credit_note",
        {
            **_same("invoice_number", "cause", "words"),
            "total": "to_jsonb(r.total::text || ' ' || r.currency)",
        },
        quiet=(
            *("store_id", "id", "series", "number", "number_text", "invoice_id", "order_id", "channel_id"),
            *("credit_date", "currency", "seller", "order_number", "buyer", "tax", "tax_included", "job_id"),
            *("issued_by", "issued_at"),
        ),
        label="r.number_text",
        verbs={"insert": "added"},
    ),
    Watched(
        "journal",
        "order",
        {
            "decision": "r.kind",
            "words": "r.detail ->> 'words'",
            "day": "r.detail ->> 'day'",
            "number": "case r.kind when 'numbers_moved' then concat_ws(' → ', r.detail ->> 'from', r.detail ->> 'to') "
            "else r.detail ->> 'number' end",
        },
        quiet=("store_id", "id", "at", "channel_id", "job_id", "invoice_id", "user_id"),
        label="coalesce((select o.number from public.orders o where o.store_id = r.store_id and o.id = r.order_id), "
        "r.detail ->> 'order', '')",
        key="coalesce(r.order_id::text, '')",
        verbs={"insert": "decided"},
        where=f"r.kind in ({', '.join(repr(kind) for kind in _TOLD_KINDS)})",
    ),
)
"""Every table that holds settings or rights, and what of it is told."""

_DIFFERENCE: Final = """
create function audit_difference(was jsonb, is_now jsonb, secrets text[]) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_object_agg(key, case when key = any(secrets)
        then jsonb_build_array(case when a is null then null else 'secret' end,
                               case when b is null then null else 'secret' end)
        else jsonb_build_array(a, b) end), '{}')
    from jsonb_object_keys(was || is_now) key,
        lateral (select nullif(was -> key, 'null') as a0, nullif(is_now -> key, 'null') as b0) raw,
        lateral (select case when was = '{}' or a0 in ('""', '[]', '{}') then null else a0 end as a,
                        case when is_now = '{}' or b0 in ('""', '[]', '{}') then null else b0 end as b) plain
    where a is distinct from b
      and not (was = '{}' and b in ('false', '0')) and not (is_now = '{}' and a in ('false', '0'))
$$"""
"""Each field that differs, with what it was and what it is; of a row that is new or gone, what it says."""

_STAMP: Final = """
create function audit_stamp() returns trigger language plpgsql as $$
begin
    new.at := clock_timestamp();
    new.user_id := nullif(current_setting('app.user_id', true), '')::bigint;
    new.key_id := nullif(current_setting('app.key_id', true), '')::bigint;
    new.job_id := nullif(current_setting('app.job_id', true), '')::bigint;
    new.address := coalesce(current_setting('app.address', true), '');
    new.browser := coalesce(current_setting('app.browser', true), '');
    new.who := coalesce(
        (select u.name from public.users u where u.id = new.user_id),
        (select k.name from public.api_keys k where k.store_id = new.store_id and k.id = new.key_id), '');
    return new;
end $$"""
"""Who, when and from where is never said by whoever adds an entry."""

_NOBODY: Final = (
    "coalesce(current_setting('app.user_id', true), '') = '' and coalesce(current_setting('app.key_id', true), '') = ''"
)


def _object(fields: Mapping[str, str], names: tuple[str, ...]) -> str:
    return f"jsonb_build_object({', '.join(f'{name!r}, {fields[name]}' for name in names)})"


def _rows(one: Watched, rows: str, names: tuple[str, ...], where: str = "true") -> str:
    ids = f"{one.store} as store_id, ({one.key})::text as key, ({one.row or one.key})::text as row_id"
    return f"select {ids}, {one.label} as label, {_object(one.fields, names)} as fields from {rows} r where {where}"


def _both(one: Watched, event: str, names: tuple[str, ...]) -> str:
    """The rows of the statement, each with what it said before and says now."""
    if event == "insert":
        return (
            f"select n.*, '{{}}'::jsonb as was, n.fields as is_now from ({_rows(one, 'new_rows', names, one.where)}) n"
        )
    if event == "delete":
        return f"select o.*, o.fields as was, '{{}}'::jsonb as is_now from ({_rows(one, 'old_rows', names)}) o"
    return (
        f"select n.*, o.fields as was, n.fields as is_now from ({_rows(one, 'new_rows', names, one.where)}) n "
        f"join ({_rows(one, 'old_rows', names)}) o on o.store_id = n.store_id and o.row_id = n.row_id"
    )


def _verb(one: Watched, event: str, names: tuple[str, ...]) -> str:
    turned = [
        f"when (is_now -> '{name}')::boolean and not (was -> '{name}')::boolean then '{on}' "
        f"when (was -> '{name}')::boolean and not (is_now -> '{name}')::boolean then '{off}'"
        for name, (on, off) in one.turns.items()
        if name in names and event == "update"
    ]
    return f"case {' '.join(turned)} else '{one.verbs[event]}' end" if turned else f"'{one.verbs[event]}'"


def _write(one: Watched, event: str, names: tuple[str, ...]) -> str:
    secrets = f"array[{', '.join(map(repr, one.secrets))}]::text[]"
    unsaid = f"array[{', '.join(map(repr, (*one.turns, *one.silent)))}]::text[]"
    return f"""
        with told as materialized (
            select store_id, key, row_id, label, {_verb(one, event, names)} as verb,
                   public.audit_difference(was, is_now, {secrets}) as changes
            from ({_both(one, event, names)}) rows
        ), kept as materialized (select * from told where changes <> '{{}}' order by row_id)
        insert into public.audit_entries (store_id, verb, thing, thing_id, label, changes, many)
        select store_id, verb, '{one.thing}', key, coalesce(label, ''), changes - {unsaid}, 1
        from kept where (select count(*) from kept) <= {ONE_BY_ONE}
        union all
        select store_id, verb, '{one.thing}', '', '',
               case count(distinct changes) when 1 then (array_agg(changes))[1] - {unsaid} else '{{}}' end
               || jsonb_build_object('examples', jsonb_build_array(null, to_jsonb((array_agg(label))[1:{EXAMPLES}]))),
               count(*)
        from kept where (select count(*) from kept) > {ONE_BY_ONE} group by store_id, verb;"""


def _watch(one: Watched, event: str) -> tuple[str, str]:
    """The function and the trigger of one table and one kind of statement."""
    name, every = f"audit_{one.table}_{event}", tuple(one.fields)
    alone = every if one.verbs[event] in one.by_itself else one.always if event == "update" else ()
    otherwise = _write(one, event, alone) if alone else ""
    referencing = {"insert": "new table as new_rows", "delete": "old table as old_rows"}
    rows = referencing.get(event, "old table as old_rows new table as new_rows")
    return (
        f"""
create function {name}() returns trigger language plpgsql as $$
begin
    if {_NOBODY} then
        {otherwise}
        return null;
    end if;
    {_write(one, event, every)}
    return null;
end $$""",
        f"create trigger audit_{event} after {event} on {one.table} referencing {rows} "
        f"for each statement execute function {name}()",
    )


def keep_audit() -> None:
    """Install them, on tables that are all there already."""
    op.execute(_DIFFERENCE)
    op.execute(_STAMP)
    op.execute("create trigger audit_stamp before insert on audit_entries for each row execute function audit_stamp()")
    for one in WATCHED:
        for event in one.verbs:
            for statement in _watch(one, event):
                op.execute(statement)
