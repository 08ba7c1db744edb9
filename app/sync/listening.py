"""The phase of a refresh that sees to it that the channel still announces what changes, where it was told to."""

from __future__ import annotations

from collections.abc import Iterator

from app.channels.announcing import announce_anew, registration
from app.connectors.base import Connector
from app.extensions import db
from app.sync.lease import Run
from app.tenancy.scope import store_scope


def listen(run: Run, connector: Connector) -> Iterator[None]:
    """Register anew with a channel that ended the registration by itself; what it missed, the refresh has just read.

    When that does not go, the next refresh tries again.
    """
    with store_scope(run.store_id):
        remote_id = registration(run.channel_id)
        db.session.rollback()
    if not remote_id or connector.keeps_webhook(remote_id):
        return
    with store_scope(run.store_id):
        if announce_anew(run.channel_id):
            run.count(registered_anew=1)
    with store_scope(run.store_id):
        run.enter(run.phase, {"asked": True}, None)
        run.save()
        db.session.commit()
    yield
