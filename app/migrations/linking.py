"""What the migrations add to the tables that two stores share: who sees a row, and who may grant one."""

from __future__ import annotations

from alembic import op

_SCOPE = "nullif(current_setting('app.store_id', true), '')::bigint"

_ONLY_THE_SUB_GRANTS = f"""
create function link_moves() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'draft' or new.asked_at is not null then
            raise insufficient_privilege using message = 'a link begins as a draft';
        end if;
        return new;
    end if;
    if new.state = 'connected' and old.state = 'pending' and {_SCOPE} is distinct from new.sub_store_id then
        raise insufficient_privilege using message = 'only the sub-store grants a link';
    end if;
    if new.state in ('connected', 'suspended') and old.state not in ('pending', 'connected', 'suspended') then
        raise insufficient_privilege using message = 'a link that was not asked for is not granted';
    end if;
    return new;
end $$"""
"""The rule that the whole agreement stands on is the database's as well: no code of the main store can grant itself."""


def guard_links() -> None:
    """Show and accept rows of links and their events as one of the two stores, and hide drafts from the sub-store.

    What flowed on which day is counted by the main store, whose jobs let it flow, and read by both.
    """
    for table in ("links", "link_events", "link_days"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_reach on {table} to current_user using (true) with check (true)")
    op.execute(f"create policy as_main on links using (main_store_id = {_SCOPE}) with check (main_store_id = {_SCOPE})")
    as_sub = f"sub_store_id = {_SCOPE} and asked_at is not null"
    op.execute(f"create policy as_sub_read on links for select using ({as_sub})")
    op.execute(f"create policy as_sub_write on links for update using ({as_sub}) with check ({as_sub})")
    either = f"{_SCOPE} in (main_store_id, sub_store_id)"
    op.execute(f"create policy as_either on link_events using ({either}) with check ({either})")
    op.execute(f"create policy as_either_read on link_days for select using ({either})")
    as_main = f"main_store_id = {_SCOPE}"
    op.execute(f"create policy as_main_add on link_days for insert with check ({as_main})")
    op.execute(f"create policy as_main_write on link_days for update using ({as_main}) with check ({as_main})")
    op.execute(_ONLY_THE_SUB_GRANTS)
    op.execute("create trigger link_moves before insert or update on links for each row execute function link_moves()")
