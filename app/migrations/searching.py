"""The triggers that keep `search_texts` up to date, whoever writes an order, an invoice or a credit note."""

from __future__ import annotations

from typing import Final

from alembic import op

_SQL: Final = (
    """
create function order_texts_added() returns trigger language plpgsql as $$
begin
    insert into public.search_texts (store_id, order_id, part, words)
    select store_id, id, '', ' ' || search || ' ' from added
    union all
    select store_id, id, remote_invoice_no, ' ' || lower(remote_invoice_no) || ' ' from added
    where remote_invoice_no <> '';
    return null;
end $$""",
    """
create function order_text_changed() returns trigger language plpgsql as $$
begin
    if new.search <> old.search then
        update public.search_texts set words = ' ' || new.search || ' '
        where store_id = new.store_id and order_id = new.id and part = '';
    end if;
    if new.remote_invoice_no <> '' then
        insert into public.search_texts (store_id, order_id, part, words)
        values (new.store_id, new.id, new.remote_invoice_no, ' ' || lower(new.remote_invoice_no) || ' ')
        on conflict do nothing;
    end if;
    return null;
end $$""",
    """
create function number_texts_added() returns trigger language plpgsql as $$
begin
    insert into public.search_texts (store_id, order_id, part, words)
    select store_id, order_id, number_text, ' ' || lower(number_text) || ' ' from added
    on conflict do nothing;
    return null;
end $$""",
    "create trigger texts_added after insert on orders referencing new table as added "
    "for each statement execute function order_texts_added()",
    "create trigger text_changed after update on orders for each row "
    "when (old.search <> new.search or old.remote_invoice_no <> new.remote_invoice_no) "
    "execute function order_text_changed()",
    "create trigger texts_added after insert on invoices referencing new table as added "
    "for each statement execute function number_texts_added()",
    "create trigger texts_added after insert on credit_notes referencing new table as added "
    "for each statement execute function number_texts_added()",
)


def keep_search_texts() -> None:
    """Install them, and let the index take in new words while nobody waits.

    New words go to the index's list of pending ones, which whoever searches reads through; each analysis by autovacuum
    takes them in together, at a fraction of what one by one costs. Without one the list is taken in when it is full.
    """
    for statement in _SQL:
        op.execute(statement)
    op.execute(
        "alter table search_texts set (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000)"
    )
