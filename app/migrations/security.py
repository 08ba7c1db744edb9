"""Row-level security for the migrations: what every store-owned table gets."""

from __future__ import annotations

from alembic import op


def guard(table: str, column: str = "store_id") -> None:
    """Show and accept only rows of the store that the transaction named; nothing when it named none.

    FORCE holds even for the owner of the table; the owner's own policy lets the doors (functions that run as the
    owner) and migrations see all. After a reset the setting reads '', hence nullif.

    No statistics are kept of which stores there are. With them, a store that grew since they were taken counts as
    empty: its whole table is then walked for each row of a page, and a job gets slower with every page.
    """
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy store_scope on {table} "
        f"using ({column} = nullif(current_setting('app.store_id', true), '')::bigint) "
        f"with check ({column} = nullif(current_setting('app.store_id', true), '')::bigint)"
    )
    if column == "store_id":
        op.execute(f"alter table {table} alter column store_id set statistics 0")
    op.execute(f"create policy owner_reach on {table} to current_user using (true) with check (true)")


def install_doors(doors: dict[str, str]) -> None:
    """Create the functions and keep them from everybody whom the migration's last step does not name."""
    for name, sql in doors.items():
        op.execute(sql)
        op.execute(f"revoke all on function {name} from public")
