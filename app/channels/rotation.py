"""Sealing every channel's credentials with the newest key, while the portal runs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import create_engine, select, update

from app.channels.credentials import BrokenSeal, reseal
from app.channels.models import Channel


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many channels' credentials are under the newest key now, and how many no key opens any more."""

    done: int
    broken: int


def reseal_all(owner_url: str) -> Resealed:
    """Seal anew what every store's channels keep, as the owner of the tables, who sees all stores; one transaction."""
    done = broken = 0
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            channels = connection.execute(
                select(Channel.store_id, Channel.id, Channel.credentials)
                .where(Channel.credentials.is_not(None))
                .with_for_update()
            ).all()
            for store_id, channel_id, credentials in channels:
                try:
                    sealed = reseal(credentials or b"")
                except BrokenSeal:
                    broken += 1
                    continue
                connection.execute(
                    update(Channel)
                    .where(Channel.store_id == store_id, Channel.id == channel_id)
                    .values(credentials=sealed)
                )
                done += 1
    finally:
        engine.dispose()
    return Resealed(done, broken)
