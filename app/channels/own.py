"""The channel of the orders that are made here. Nobody connects it: it is there when the first of them is."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.languages import for_the_store
from app.channels.connecting import test_connection
from app.channels.models import Channel
from app.channels.services import first_day_of_year, start_of, store_marketplaces
from app.connectors.own import Own
from app.extensions import db
from app.sealing import seal
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id


def own_channel() -> int:
    """The id of the store's own channel, which is made if there is none. Commits then; holds no lock afterwards.

    It follows the store's currency, which may change until the first invoice, and is named in its language.
    """
    currency = db.session.scalars(select(Store.currency).where(Store.id == current_store_id())).one()
    found = _found()
    if found is not None and found.config.get("currency") == currency:
        return found.id
    with for_the_store():
        facts, name = test_connection(Own.kind, {"currency": currency}), _("This store")
    # Two first orders at the same moment take turns here, and the second finds the channel of the first.
    store = db.session.execute(
        select(Store).where(Store.id == current_store_id()).with_for_update(key_share=True)
    ).scalar_one()
    channel = _found() or Channel(store_id=store.id, kind=Own.kind, name=name, account_name=store.name)
    channel.config = {"currency": currency}
    if channel.credentials is None:
        channel.credentials = seal({})
        channel.start_at = start_of(first_day_of_year(datetime.now(UTC), store.time_zone), store.time_zone)
        db.session.add(channel)
    db.session.flush()
    channel_id = channel.id
    store_marketplaces(channel_id, facts)
    db.session.commit()
    return channel_id


def _found() -> Channel | None:
    query = select(Channel).where(Channel.store_id == current_store_id(), Channel.kind == Own.kind)
    return db.session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
