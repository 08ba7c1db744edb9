"""What a sub-store is told when it adjusts stock that its main store keeps."""

from __future__ import annotations

from flask_babel import gettext as _

from app.core.linking import LinkState
from app.links.queries import main_link


def stays_here() -> str | None:
    """That an adjustment does not travel, and what ends it; None in a store without a main store."""
    link = main_link()
    if link is None or link.state != LinkState.CONNECTED:
        return None
    return _(
        "%(main)s keeps this store's stock. What you change stays here: it does not reach %(main)s, and it is written "
        "over as soon as %(main)s has another quantity of the item.",
        main=link.main_name,
    )
