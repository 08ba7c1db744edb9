"""What the migrations add for notices: the tables, and the triggers that ask for a look at a store.

Whatever may be worth telling its people (a job ended, a channel or an endpoint was paused, a link moved) sets the
store's clock, whoever did it. What there is to tell is found out later, in a look (`app.notices.looking`): nobody who
books orders waits for it. A link moves two stores, so the function runs as the owner of the tables, and does no more
than set a clock.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

NOTICE_TABLES: Final = ("notices", "notice_copies", "notice_choices", "notice_clocks")
_JOB_SECONDS: Final = 3
"""Jobs end in groups, so that a look comes a moment after the first."""

_ASK: Final = """
create function ask_for_look(p_store_id bigint, p_seconds int) returns void
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
    insert into public.notice_clocks as c (store_id, look_at, next_at)
    values (p_store_id, now() + make_interval(secs => p_seconds), now() + make_interval(secs => p_seconds))
    on conflict (store_id) do update set
        look_at = least(c.look_at, excluded.look_at), next_at = least(c.next_at, excluded.next_at)
    where c.look_at is null or c.look_at > excluded.look_at
$$"""


def _asking(name: str, asks: str) -> str:
    """A trigger's function; its caller may not call `ask_for_look` for other stores, so it too runs as the owner."""
    return f"""
create function {name}() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    {asks}
    return null;
end $$"""


_SQL: Final = (
    _ASK,
    "revoke all on function ask_for_look from public",
    _asking("ended_asks_for_look", f"perform public.ask_for_look(new.store_id, {_JOB_SECONDS});"),
    _asking("paused_asks_for_look", "perform public.ask_for_look(new.store_id, 0);"),
    _asking(
        "moved_asks_for_look",
        "perform public.ask_for_look(new.main_store_id, 0); perform public.ask_for_look(new.sub_store_id, 0);",
    ),
    "create trigger ended_asks_for_look after update of finished_at on sync_jobs for each row "
    "when (old.finished_at is null and new.finished_at is not null) execute function ended_asks_for_look()",
    "create trigger paused_asks_for_look after update of status on channels for each row "
    "when (new.status = 'paused' and new.paused_reason <> '' and new.owners_told_at is null) "
    "execute function paused_asks_for_look()",
    "create trigger paused_asks_for_look after update of state on endpoints for each row "
    "when (new.state = 'paused' and new.paused_reason <> '') execute function paused_asks_for_look()",
    "create trigger moved_asks_for_look after insert on link_events for each row "
    "execute function moved_asks_for_look()",
)


def _when(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def make_notice_tables() -> None:
    """Make them; `guard` and the triggers come once all tables are there."""
    op.create_table(
        "notices",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind in ('failed_sync', 'channel_paused', 'approval_asked', 'verification_difference', "
            "'endpoint_paused', 'key_ends', 'digest')",
            name=op.f("ck_notices_kind"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_notices_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_notices")),
        sa.UniqueConstraint("store_id", "key", name=op.f("uq_notices_store_id_key")),
    )
    op.create_index("ix_notices_at", "notices", ["at"])
    op.create_table(
        "notice_copies",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("in_portal", sa.Boolean(), nullable=False),
        _when("read_at"),
        sa.Column("mail", sa.String(), server_default="none", nullable=False),
        _when("mail_at"),
        sa.Column("mail_attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "mail in ('none', 'planned', 'sending', 'sent', 'failed', 'dropped', 'unclear')",
            name=op.f("ck_notice_copies_mail"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "notice_id"],
            ["notices.store_id", "notices.id"],
            name=op.f("fk_notice_copies_store_id_notice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_copies_user_id")),
        sa.PrimaryKeyConstraint("store_id", "notice_id", "user_id", name=op.f("pk_notice_copies")),
    )
    mine = ["store_id", "user_id", "notice_id"]
    unread, shown = sa.text("in_portal and read_at is null"), sa.text("in_portal")
    open_mail = sa.text("mail in ('planned', 'sending')")
    op.create_index("ix_notice_copies_unread", "notice_copies", mine, postgresql_where=unread)
    op.create_index("ix_notice_copies_mine", "notice_copies", mine, postgresql_where=shown)
    op.create_index("ix_notice_copies_mail", "notice_copies", ["store_id", "mail_at"], postgresql_where=open_mail)
    op.create_table(
        "notice_choices",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.CheckConstraint(
            "way in ('none', 'portal', 'mail', 'both', 'daily', 'weekly')", name=op.f("ck_notice_choices_way")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_notice_choices_store_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_choices_user_id")),
        sa.PrimaryKeyConstraint("store_id", "user_id", "kind", name=op.f("pk_notice_choices")),
    )
    op.create_table(
        "notice_clocks",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        _when("next_at"),
        _when("look_at"),
        _when("digest_at"),
        _when("rung_at"),
        sa.Column("causes", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_notice_clocks_store_id")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_notice_clocks")),
    )
    op.create_index("ix_notice_clocks_next", "notice_clocks", ["next_at"])


def ask_for_looks() -> None:
    """Install the triggers."""
    for statement in _SQL:
        op.execute(statement)
