"""People, their place in stores, and where they are signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class User(Base):
    """A person. Belongs to no store by itself; `email` is stored case-folded."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    language: Mapped[str | None]
    """What they chose to read; None follows the store that they look at."""
    two_step_at: Mapped[datetime | None]
    """Since when signing in asks for a code as well; None: the password is enough."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Membership(StoreOwned, Base):
    """A person's place in a store."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role in ('owner', 'manager', 'bookkeeper', 'order_desk', 'read_only')", name="role"),
        Index("ix_memberships_user_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Invitation(StoreOwned, Base):
    """A place in a store that is offered to whoever opens the mails of an address, by a link that works once.

    `email` is stored case-folded, as that of a person. What became of it stays, for whoever asks later.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role in ('owner', 'manager', 'bookkeeper', 'order_desk', 'read_only')", name="role"),
        Index(
            "uq_invitations_waiting",
            "store_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at is null and withdrawn_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    invited_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_at: Mapped[datetime | None]


class UserSession(Base):
    """One signed-in browser. The cookie holds a random token, this row its hash: ending the row signs it out."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index("ix_user_sessions_user_id", "user_id", postgresql_where=text("ended_at is null")),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_agent: Mapped[str] = mapped_column(server_default="")
    address: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    proved_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When whoever sits at it last showed who they are: by signing in, or by being asked again."""
    is_kept: Mapped[bool] = mapped_column(server_default="false")
    """Whether the person asked to stay signed in on this device: it lasts longer then."""
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A reset link that was mailed: single use, expiring, stored hashed."""

    __tablename__ = "password_resets"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class TwoStepSecret(Base):
    """What a person's app makes codes from. One that a code has confirmed counts; beside it one may be being set up."""

    __tablename__ = "two_step_secrets"
    __table_args__ = (
        Index("uq_two_step_secrets_counts", "user_id", unique=True, postgresql_where=text("confirmed_at is not null")),
        Index("uq_two_step_secrets_set_up", "user_id", unique=True, postgresql_where=text("confirmed_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    sealed: Mapped[bytes]
    """The secret, encrypted; opened only by `app.sealing`."""
    last_counter: Mapped[int] = mapped_column(server_default="0")
    """The span of time of the last code that was accepted: that code and those before it are used up."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """One of the codes for the day the phone is lost: single use, stored as a salted hash."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    salt: Mapped[bytes]
    code_hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]


class HalfSignIn(Base):
    """Somebody has typed the right password and is asked for a code. It opens nothing but that question."""

    __tablename__ = "half_sign_ins"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    wrong_codes: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


class Device(Base):
    """A browser that a person has signed in with, known again by a cookie that signing out leaves."""

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("user_id", "token_hash"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[bytes]
    user_agent: Mapped[str] = mapped_column(server_default="")
    address: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_sign_in_at: Mapped[datetime] = mapped_column(server_default=func.now())
    told_at: Mapped[datetime | None]
    """When its first sign-in was told to the person; None for the device that they began with."""
    read_at: Mapped[datetime | None]
    """When the person saw behind the bell that they were told."""
