"""What a worker does when the bell rings for an endpoint."""

from __future__ import annotations

from flask import current_app

from app.hooks.sending import deliver


def run(store_id: int, endpoint_id: int) -> None:
    """Call the endpoint with what is due. A job of the queue: two numbers, and the truth stands in the database."""
    with current_app.app_context():
        deliver(store_id, endpoint_id)
