"""The Flask extensions, created unbound and bound in `create_app`: no I/O at import."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from flask import request
from flask_babel import Babel
from flask_htmx import HTMX
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import BigInteger, DateTime, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, registry


class Base(DeclarativeBase):
    """Every table: named constraints, aware times, 64-bit numbers, JSON as JSONB."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: DateTime(timezone=True),
            int: BigInteger,
            str: String,
            dict[str, Any]: JSONB,
        },
    )


def visitor_address() -> str:
    """The visitor's address as tries are counted by it. Of IPv6 it is the network: whoever has one address has 2⁶⁴."""
    told = request.remote_addr or ""
    try:
        ip = ip_address(told)
    except ValueError:
        return told
    if not isinstance(ip, IPv6Address):
        return told
    return str(ip.ipv4_mapped or IPv6Network((ip, 64), strict=False))


class OneContextsSession(Session):
    """A session that is forgotten at the end of its application context, whatever became of its connection.

    Giving back a connection that the server ended in the middle of a transaction raises. The session would then stay
    behind with its rows and its store, to be found by whichever context comes to lie at the same address.
    """

    def close(self) -> None:
        """Give back what there is to give back; the server rolled back what a dead connection had begun."""
        with suppress(DBAPIError):
            super().close()


db = SQLAlchemy(model_class=Base, session_options={"class_": OneContextsSession})
login_manager = LoginManager()
htmx = HTMX()
babel = Babel()
limiter = Limiter(key_func=visitor_address, headers_enabled=False)


@lru_cache(maxsize=4)
def shared_memory(redis_url: str) -> Redis:
    """What all processes share and may lose: one pooled client per address, which connects on first use.

    It tries a lost connection once more and no longer: whoever asks does without.
    """
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=2,
        socket_timeout=5,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1),
    )
