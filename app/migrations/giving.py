"""The triggers that have orders made here given to the channel that takes them (`channels.gives_orders`).

They see whatever makes or changes an order, so no writer can forget it, and plan in its own transaction: a copy for
each order that is made while the channel takes them, and one change for each copy, which is planned again whenever the
order says something else. One that waits to be sent already, or is being sent, is left as it is: whoever sends it
reads the order as it stands then, and looks again when the answer has come (`app.sync.giving`).

An order that waits because the channel has no product for a line of it is planned again as soon as that line's SKU
means something there, whoever saved the listing or the item.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

from typing import Final

from alembic import op

_TAKES: Final = "c.gives_orders and c.status <> 'removed'"

_PLAN: Final = f"""
create function plan_copies(p_order_ids bigint[]) returns void language sql as $$
    insert into public.changes (store_id, channel_id, kind, key, order_id, remote_id, payload)
    select k.store_id, k.channel_id, 'order', 'order:' || k.order_id, k.order_id, '', '{{}}'
    from public.order_copies k
    join public.channels c on c.store_id = k.store_id and c.id = k.channel_id and {_TAKES}
    where k.store_id = nullif(current_setting('app.store_id', true), '')::bigint and k.order_id = any(p_order_ids)
      and not exists (
          select from public.changes g
          where g.store_id = k.store_id and g.channel_id = k.channel_id and g.key = 'order:' || k.order_id
            and (g.state in ('planned', 'sending') or (g.state = 'dropped' and g.reason is not null)))
    order by k.order_id
    on conflict (store_id, channel_id, key) do update set
        state = 'planned', fence = null, attempts = 0, not_before = null, reason = null, reason_detail = '{{}}',
        planned_at = now(), claimed_at = null, done_at = null
    where changes.state in ('done', 'blocked') or (changes.state = 'dropped' and changes.reason is null)
$$"""
"""What a person left out (dropped for a reason) stays so until it is taken back."""


def _giving(name: str, made: str, changed: str) -> str:
    return f"""
create function {name}() returns trigger language plpgsql as $$
begin
    if exists (select from public.channels c where {_TAKES} and c.store_id in (select store_id from new_rows)) then
        {made}
        perform public.plan_copies(array({changed}));
    end if;
    return null;
end $$"""


_FREE: Final = """
create function free_copies(p_item_ids bigint[]) returns void language sql as $$
    update public.changes g
    set state = 'planned', fence = null, attempts = 0, not_before = null, reason = null, reason_detail = '{}'
    where g.store_id = nullif(current_setting('app.store_id', true), '')::bigint
      and g.kind = 'order' and g.state = 'blocked' and g.reason = 'PRODUCT_UNLINKED'
      and exists (
          select from public.items i
          join public.listings l on l.store_id = i.store_id and l.item_id = i.id and l.gone_at is null
          where i.store_id = g.store_id and i.id = any(p_item_ids) and i.archived_at is null
            and l.channel_id = g.channel_id and jsonb_exists(g.reason_detail -> 'keys', i.sku_key))
$$"""
"""What names one line too few is planned again too: it is blocked anew for those that are left."""


def _freeing(name: str, item_id: str) -> str:
    return f"""
create function {name}() returns trigger language plpgsql as $$
begin
    if exists (select from public.changes g where g.kind = 'order' and g.state = 'blocked'
               and g.reason = 'PRODUCT_UNLINKED' and g.store_id in (select store_id from new_rows)) then
        perform public.free_copies(array(select {item_id} from new_rows where {item_id} is not null));
    end if;
    return null;
end $$"""


_MAKE_COPIES: Final = f"""
        insert into public.order_copies (store_id, order_id, channel_id, mark)
        select o.store_id, o.id, c.id, replace(gen_random_uuid()::text, '-', '')
        from new_rows o
        join public.channels own on own.store_id = o.store_id and own.id = o.channel_id and own.kind = 'own'
        join public.channels c on c.store_id = o.store_id and {_TAKES}
        order by o.id
        on conflict do nothing;"""

_CHANGED: Final = "select id from (select id, digest from new_rows except select id, digest from old_rows) changed"

_SQL: Final = (
    _PLAN,
    _FREE,
    _freeing("listings_free_copies", "item_id"),
    _freeing("items_free_copies", "id"),
    "create trigger saved_frees_copies after update on listings referencing new table as new_rows "
    "for each statement execute function listings_free_copies()",
    "create trigger saved_frees_copies after update on items referencing new table as new_rows "
    "for each statement execute function items_free_copies()",
    _giving("orders_made_are_given", _MAKE_COPIES, "select id from new_rows"),
    _giving("orders_changed_are_given", "", _CHANGED),
    "create trigger made_is_given after insert on orders referencing new table as new_rows "
    "for each statement execute function orders_made_are_given()",
    "create trigger changed_is_given after update on orders referencing old table as old_rows new table as new_rows "
    "for each statement execute function orders_changed_are_given()",
)


def give_orders() -> None:
    """Install them. They run as whoever writes the orders, and see no store but that one's."""
    for statement in _SQL:
        op.execute(statement)
