"""The news of a sub-store: orders that its main store has not looked at, within the sub-store's own scope.

Triggers write them with the orders (app/migrations/telling.py). Rows that somebody is just writing are passed over:
they are news with another number as soon as that is committed, and whoever waited for them here, while they wait for
another row that is held here, would wait for ever.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, delete, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.types import News
from app.extensions import db
from app.links.models import OrderNews
from app.tenancy.scope import current_store_id


def news(limit: int) -> News:
    """Up to `limit` orders that wait to be looked at, by their ids. One statement; read them only after it."""
    rows = db.session.execute(
        select(OrderNews.order_id, OrderNews.seq)
        .where(OrderNews.store_id == current_store_id())
        .order_by(OrderNews.order_id)
        .limit(limit)
        .with_for_update(read=True, skip_locked=True)
    ).all()
    return News(tuple(str(row.order_id) for row in rows), tuple(row.seq for row in rows), is_last=len(rows) < limit)


def forget(looked_at: News) -> None:
    """Take away exactly these, whatever came since. Does not commit."""
    ids, marks = [int(one) for one in looked_at.order_ids], list(looked_at.mark)
    said = func.unnest(literal(ids, ARRAY(BigInteger)), literal(marks, ARRAY(BigInteger)))
    pairs = select(said.table_valued("order_id", "seq").render_derived())
    _take_away(tuple_(OrderNews.order_id, OrderNews.seq).in_(pairs))


def forget_all() -> None:
    """Take away all that nobody will look at any more. Does not commit."""
    _take_away()


def waits(order_id: int) -> bool:
    """Whether the main store has still to look at this order."""
    query = select(OrderNews.seq).where(OrderNews.store_id == current_store_id(), OrderNews.order_id == order_id)
    return db.session.scalar(query) is not None


def _take_away(*which: ColumnElement[bool]) -> None:
    mine = OrderNews.store_id == current_store_id()
    held = select(OrderNews.order_id).where(mine, *which).with_for_update(skip_locked=True)
    statement = delete(OrderNews).where(mine, OrderNews.order_id.in_(held))
    db.session.execute(statement.execution_options(synchronize_session=False))
