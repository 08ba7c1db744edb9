"""Nudges: names, never data, that tell open pages to fetch their parts again.

They go through the queue server's publish and subscribe. A lost nudge heals itself, because pages also poll.
"""

from __future__ import annotations

import json
import logging

from flask import current_app
from redis.exceptions import RedisError

from app.sync.queue import connection

log = logging.getLogger(__name__)
ALL_TOPICS = "channelbook:nudge:*"
"""The pattern that every store's topic fits."""


def topic(store_id: int) -> str:
    """The publish-and-subscribe name of one store's nudges."""
    return f"channelbook:nudge:{store_id}"


def nudge(store_id: int, *names: str) -> None:
    """Tell the store's open pages that these parts changed, e.g. `job-7`, `jobs`, `orders`, `channel-3`.

    Call after the commit. Never raises: the pages' own polling is the fall-back.
    """
    try:
        connection(current_app.extensions["settings"].redis_url).publish(topic(store_id), json.dumps(names))
    except (RedisError, OSError) as error:
        log.info("nudge lost: %s", type(error).__name__)
