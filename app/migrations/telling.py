"""The triggers that keep `order_news`: which orders of a sub-store its main store has not heard of yet.

They see whatever writes an order, and write its id alone. Where no main store was granted access, one look into an
index is all that is done; else each statement adds its orders at once. A later change of an order that waits draws
another number, so that whoever heard of the earlier one takes away no more than that.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

from typing import Final

from alembic import op

_TOLD: Final = "store_id, id, digest, status, payment_status, content_key"
"""What of an order is worth telling: how far its own store is with booking it is not."""

_FLOWING: Final = f"select {_TOLD} from {{rows}} where order_type = 'webstore'"

_CHANGED: Final = f"""
    (({_FLOWING.format(rows="new_rows")}) except ({_FLOWING.format(rows="old_rows")}))
    union all
    (({_FLOWING.format(rows="old_rows")}) except ({_FLOWING.format(rows="new_rows")}))"""
"""Webstore orders that are not what they were, and those that are one no more; set against set, never row by row."""


def _telling(name: str, rows: str, written: str) -> str:
    """A trigger's function that tells the orders `rows` (store_id, id) of the statement that wrote `written`.

    In the order of the key, so that two who tell the same orders wait for each other and never in a circle.
    """
    return f"""
create function {name}() returns trigger language plpgsql as $$
begin
    if exists (select from public.links l where l.state in ('connected', 'suspended')
               and l.sub_store_id in (select store_id from {written})) then
        insert into public.order_news (store_id, order_id)
        select distinct store_id, id from ({rows}) told order by 1, 2
        on conflict (store_id, order_id) do update set seq = excluded.seq;
    end if;
    return null;
end $$"""


_PACKED: Final = (
    "select o.store_id, o.id from new_rows f "
    "join public.orders o on o.store_id = f.store_id and o.id = f.order_id where o.order_type = 'webstore'"
)
_SQL: Final = (
    _telling("orders_made_are_news", _FLOWING.format(rows="new_rows"), "new_rows"),
    _telling("orders_changed_are_news", _CHANGED, "new_rows"),
    _telling("fulfilments_are_news", _PACKED, "new_rows"),
    "create trigger made_is_news after insert on orders referencing new table as new_rows "
    "for each statement execute function orders_made_are_news()",
    "create trigger changed_is_news after update on orders referencing old table as old_rows new table as new_rows "
    "for each statement execute function orders_changed_are_news()",
    "create trigger made_is_news after insert on fulfilments referencing new table as new_rows "
    "for each statement execute function fulfilments_are_news()",
    "create trigger changed_is_news after update on fulfilments referencing new table as new_rows "
    "for each statement execute function fulfilments_are_news()",
)


def keep_order_news() -> None:
    """Install them. They run as whoever writes, who sees no links but its own store's."""
    for statement in _SQL:
        op.execute(statement)
