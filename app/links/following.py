"""The main store's channel follows the link: it appears with the grant, pauses with a suspension, goes with the end.

The link is the truth; whatever was interrupted is found again by the tick, by holding the channels against the links.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.channels import services as channels
from app.channels.models import Channel
from app.channels.queries import LINK_SUSPENDED
from app.core.errors import ChannelError
from app.core.linking import LinkState
from app.extensions import db
from app.links.models import Link
from app.links.peer import forget_news, leave_nothing
from app.orders.stock import free_stock
from app.tenancy import doors
from app.tenancy.scope import current_store, current_store_id, store_scope

log = logging.getLogger(__name__)
Then = Callable[[int], object]
"""What else is to be done with a channel, by its id. It commits, and may be called twice."""


def _nothing_more(_channel_id: int) -> None:
    """Nothing else is to be done."""


def follow_due(limit: int, begun: Then = _nothing_more, ended: Then = _nothing_more) -> None:
    """Follow every link whose channel does not stand as it does; one that cannot be followed stops no other.

    `begun` is called for a channel that a grant has made, or brought back, and `ended` when its link has ended.
    """
    for link_id, main_store_id in doors.links_to_follow(limit):
        try:
            follow(link_id, main_store_id, begun, ended)
        except (ChannelError, LookupError) as error:
            log.warning("link %s could not be followed: %s", link_id, type(error).__name__)


def follow(link_id: int, main_store_id: int, begun: Then = _nothing_more, ended: Then = _nothing_more) -> None:
    """Let the channel of a link be what the link says, in the main store's scope. Commits; safe to repeat.

    When the other store cannot be read just now nothing happens, and the next tick tries again.
    """
    with store_scope(main_store_id):
        link = db.session.get(Link, link_id)
        if link is None or link.main_store_id != main_store_id:
            return
        channel = _channel_of(link.sub_store_id)
        match LinkState(link.state):
            case LinkState.CONNECTED:
                if channel is not None and channel.status == "removed":
                    ended(channel.id)  # before anything of the time before goes on under the new link
                _connect(link, channel, begun)
            case LinkState.SUSPENDED if channel is not None and channel.status == "connected":
                channels.pause_by_error(channel.id, LINK_SUSPENDED, told=True)
            case LinkState.ENDED if channel is not None and channel.status != "removed":
                leave_nothing(link.id, link.sub_store_id)
                forget_news(link.sub_store_id)
                channels.tell_stock_of(channel.id, None)
                free_stock(channel.id)
                ended(channel.id)
                channels.remove(channel.id)


def _connect(link: Link, channel: Channel | None, begun: Then) -> None:
    if channel is not None and channel.status != "removed":
        if channel.stock_location_id != link.location_id:  # it was interrupted right after it was connected
            begun(channel.id)
            channels.tell_stock_of(channel.id, link.location_id)
        if channel.paused_reason == LINK_SUSPENDED:
            channels.resume(channel.id)
        return
    new = channels.NewChannel(
        kind="store",
        config={"store": str(link.sub_store_id)},
        name=link.channel_name,
        start_on=(link.answered_at or link.created_at).astimezone(ZoneInfo(current_store().time_zone)).date(),
    )
    try:
        channel_id = channels.connect_channel(new)
    except (ChannelError, channels.AlreadyConnected):
        db.session.rollback()
    else:
        begun(channel_id)
        channels.tell_stock_of(channel_id, link.location_id)  # the last, because its want is found again


def _channel_of(sub_store_id: int) -> Channel | None:
    """The channel, a removed one included, that stands for the sub-store."""
    query = select(Channel).where(
        Channel.store_id == current_store_id(),
        Channel.kind == "store",
        Channel.config["store"].astext == str(sub_store_id),
    )
    return db.session.scalars(query).first()
