"""What an item's page shows of its stock, and why an adjustment was not saved."""

from __future__ import annotations

import secrets
from typing import Any, Final

from flask_babel import gettext as _

from app.catalog.adjusting import BelowPromised, StockChanged, adjustment_notice, newest_movement
from app.catalog.forms import AdjustForm
from app.catalog.queries import ItemRow
from app.catalog.stock import KitHoldsNoStock, Oversold
from app.catalog.stock_queries import MovementFilter, movements_page, stock_of_item
from app.web.filters import number
from app.web.pagination import Keyset

LAST: Final = 10
"""How many movements an item's page shows."""


def stock_context(item: ItemRow, form: AdjustForm | None = None, *, asks: bool = False) -> dict[str, Any]:
    """The stock of an item; `form` is one that was refused, and `asks` that it would be saved if confirmed.

    A form that is new notes the newest movement before anything is read: what the page shows is not older.
    """
    if form is None:
        form = AdjustForm(data={"seen": str(newest_movement()), "key": secrets.token_hex(16)})
    lying = stock_of_item(item.id)
    form.location_id.choices = [
        (one.warehouse.id, one.warehouse.name) for one in lying if not one.warehouse.is_archived
    ]
    page = movements_page(MovementFilter(item=item.id), Keyset(limit=LAST))
    return {
        "lying": lying,
        "adjusting": form,
        "asks": asks,
        "movements": page.rows,
        "notice": adjustment_notice(),
    }


def look_again(form: AdjustForm) -> None:
    """Let a form that was refused be sent again for what is there now."""
    form.seen.data, form.key.data = str(newest_movement()), secrets.token_hex(16)


def refusal(problem: KitHoldsNoStock | Oversold | StockChanged | BelowPromised) -> str:
    """Why an adjustment was not saved, and what can be done."""
    match problem:
        case KitHoldsNoStock():
            return _("A kit holds no stock of its own. Adjust what it is put together from.")
        case Oversold(level=level):
            return _("There are only %(pieces)s; fewer than none cannot be there.", pieces=number(level.on_hand))
        case StockChanged(level=level):
            return _(
                "The stock changed while you were looking: there are %(pieces)s now. Count again, then save.",
                pieces=number(level.on_hand),
            )
        case BelowPromised(level=level):
            return _(
                "%(promised)s are promised to orders, and only %(pieces)s would be there. Save it if that is so; "
                "%(missing)s will be missing.",
                promised=number(level.reserved),
                pieces=number(level.on_hand),
                missing=number(-level.available),
            )
