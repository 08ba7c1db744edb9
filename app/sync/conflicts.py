"""What lost when two stores moved one order: told on the order's page until it is read, in each store by itself."""

from __future__ import annotations

from sqlalchemy import null, select, update

from app.extensions import db
from app.orders.models import Order
from app.orders.packages import FulfilmentRow
from app.orders.services import lock_channel
from app.tenancy.scope import current_store_id


def understand(order_id: int) -> bool:
    """Somebody has read it; False when there is no such order. Commits.

    Whoever writes what becomes of the order takes turns with it.
    """
    mine = (Order.store_id == current_store_id(), Order.id == order_id)
    channel_id = db.session.scalar(select(Order.channel_id).where(*mine))
    if channel_id is None:
        return False
    lock_channel(channel_id)
    db.session.execute(
        update(FulfilmentRow)
        .where(FulfilmentRow.store_id == current_store_id(), FulfilmentRow.order_id == order_id)
        .values(conflict=null())
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return True
