"""What a person is told of themselves, in whichever store they are: sign-ins with a device that is new.

It is no notice of a store, whose others must not read it, and nobody chooses whether to be told. The device itself
remembers that it was told of, by mail and here, and when that was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update

from app.accounts.agents import agent_of
from app.accounts.models import Device
from app.extensions import db


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that somebody signed in with for the first time, as the person is told of it."""

    name: str
    address: str
    at: datetime


def new_devices(user_id: int) -> list[NewDevice]:
    """What the person has not read yet, the newest first. One statement."""
    rows = db.session.execute(
        select(Device.user_agent, Device.address, Device.told_at)
        .where(*_unread(user_id))
        .order_by(Device.told_at.desc(), Device.id.desc())
    )
    return [NewDevice(agent_of(row.user_agent).name, row.address, row.told_at) for row in rows]


def new_devices_counted(user_id: ColumnElement[int]) -> ColumnElement[int]:
    """How many there are, as a column."""
    return select(func.count()).select_from(Device).where(*_unread(user_id)).scalar_subquery()


def mark_devices_read(user_id: int) -> int:
    """Mark them as read; how many there were. Commits."""
    marked = db.session.execute(
        update(Device)
        .where(*_unread(user_id))
        .values(read_at=func.now())
        .returning(Device.id)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.commit()
    return len(marked)


def _unread(user_id: int | ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    return Device.user_id == user_id, Device.told_at.is_not(None), Device.read_at.is_(None)
