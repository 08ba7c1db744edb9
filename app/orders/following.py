"""Orders follow what people change beside them: a gateway's payment method, a channel's start date.

The change and what it means for the orders that are in stand in one transaction, so that a crash between the two
leaves no order waiting for something that was mended long ago.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import update

from app.channels.models import Channel
from app.channels.services import change_settings
from app.core.states import OrderState, Reason
from app.extensions import db
from app.mappings.by_name import map_by_name
from app.mappings.gateways import Added, Conflict, add_gateway, save_payment_mapping
from app.orders.judging import free_gateways, rejudge_channel
from app.orders.models import Order
from app.tenancy.scope import current_store, current_store_id


@dataclass(frozen=True, slots=True)
class Chosen:
    """A gateway's payment method was saved. `freed` orders waited for it and are ready now."""

    gateway_key: str
    freed: int


@dataclass(frozen=True, slots=True)
class ManyChosen:
    """So many gateways got their payment methods. `freed` orders waited for one of them and are ready now."""

    gateways: int
    freed: int


def choose_payment_method(
    mapping_id: int, payment_method_id: int | None, version: int, user_id: int
) -> Chosen | Conflict:
    """Save what a gateway means and move the orders that it decides about. Commits.

    Saving the same again does no harm and frees what may still wait.
    """
    saved = save_payment_mapping(mapping_id, payment_method_id, version, user_id)
    if isinstance(saved, Conflict):
        db.session.rollback()
        return saved
    freed = 0
    if payment_method_id is not None:
        freed = free_gateways(saved.channel_id, [saved.gateway_key], user_id)
    elif saved.changed and current_store().unmapped_gateway == "hold":
        rejudge_channel(saved.channel_id, user_id)
    db.session.commit()
    return Chosen(saved.gateway_key, freed)


def choose_by_name(channel_id: int, mapping_ids: Collection[int], user_id: int) -> ManyChosen:
    """Give each of these gateways the payment method of its name and free the orders that waited. Commits.

    The gateways are locked before the channel, as by whoever saves one of them.
    """
    keys = map_by_name(channel_id, mapping_ids, user_id)
    freed = free_gateways(channel_id, keys, user_id) if keys else 0
    db.session.commit()
    return ManyChosen(len(keys), freed)


def list_gateway(channel_id: int, gateway: str, payment_method_id: int | None, user_id: int) -> Added:
    """List a gateway by hand, with its payment method if one is chosen. Commits.

    The channel is locked first: a page that is just being stored may list the same gateway, and judge orders by it.
    """
    db.session.get_one(Channel, (current_store_id(), channel_id), with_for_update=True)
    added = add_gateway(channel_id, gateway, payment_method_id, user_id)
    if added.is_new and payment_method_id is not None:
        free_gateways(channel_id, [added.gateway_key], user_id)
    db.session.commit()
    return added


def follow_start_date(channel_id: int, user_id: int) -> int:
    """Judge the orders of a channel that came back, whose start date may be another now. Commits; how many moved."""
    _reopen_closed(_channel(channel_id))
    moved = rejudge_channel(channel_id, user_id)
    db.session.commit()
    return moved


def change_channel(channel_id: int, *, name: str, start_on: date, user_id: int) -> int:
    """Rename a channel and move its start date; returns how many orders that are in moved with it. Commits."""
    before = _channel(channel_id).start_at
    change_settings(channel_id, name=name, start_on=start_on)
    channel = _channel(channel_id)
    moved = 0
    if channel.start_at < before:
        _reopen_closed(channel)
    if channel.start_at != before:
        moved = rejudge_channel(channel_id, user_id)
    db.session.commit()
    return moved


def _reopen_closed(channel: Channel) -> None:
    """Orders that a later start date had closed are judged again, like those that wait."""
    db.session.execute(
        update(Order)
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id == channel.id,
            Order.state == OrderState.CLOSED,
            Order.reason == Reason.BEFORE_START_DATE,
            Order.placed_at >= channel.start_at,
        )
        .values(state=OrderState.HELD)
        .execution_options(synchronize_session=False)
    )


def _channel(channel_id: int) -> Channel:
    return db.session.get_one(Channel, (current_store_id(), channel_id))
