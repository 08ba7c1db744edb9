"""Sealing every channel's credentials with the newest key, while the portal runs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import create_engine, select, update

from app.channels.credentials import BrokenSeal, reseal
from app.channels.models import Channel, Webhook

_SEALED = ((Channel, Channel.id, Channel.credentials), (Webhook, Webhook.channel_id, Webhook.secret))
"""Every column that `app.channels.credentials` seals, with the channel that it is of."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many sealed values are under the newest key now, and how many no key opens any more."""

    done: int
    broken: int


def reseal_all(owner_url: str) -> Resealed:
    """Seal anew what every store's channels keep, as the owner of the tables, who sees all stores; one transaction."""
    done = broken = 0
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            for model, of_channel, value in _SEALED:
                rows = connection.execute(
                    select(model.store_id, of_channel, value).where(value.is_not(None)).with_for_update()
                ).all()
                for store_id, channel_id, sealed in rows:
                    try:
                        anew = reseal(sealed or b"")
                    except BrokenSeal:
                        broken += 1
                        continue
                    connection.execute(
                        update(model).where(model.store_id == store_id, of_channel == channel_id).values({value: anew})
                    )
                    done += 1
    finally:
        engine.dispose()
    return Resealed(done, broken)
