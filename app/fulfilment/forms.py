"""What a person types while packing: a courier, a tracking number, and how much goes into another package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length

from app.core.money import to_minor
from app.core.packing import LABEL_LENGTH, Package, PackageKey
from app.orders.services import lines_by_order
from app.web.forms import Form
from app.web.typed import quantity_read

_TOO_LONG = _l("Use at most %(limit)s letters.", limit=LABEL_LENGTH)


class CourierForm(Form):
    """By whom a package travels; both may be left empty."""

    courier = StringField(_l("Courier"), [Length(max=LABEL_LENGTH, message=_TOO_LONG)])
    tracking_number = StringField(_l("Tracking number"), [Length(max=LABEL_LENGTH, message=_TOO_LONG)])


@dataclass(slots=True)
class SplitRow:
    """A line of a package, and how much of it goes into a new one, as typed."""

    key: PackageKey
    order_number: str
    words: str
    sku: str
    quantity: Decimal
    typed: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        """What its field is called."""
        return f"take_{self.key[0]}_{self.key[1]}"


def split_rows(package: Package, typed: Mapping[str, str]) -> list[SplitRow]:
    """The lines of a package with their words. One statement."""
    sold = {
        (line.order_id, line.line_no): line
        for lines in lines_by_order(sorted(package.order_ids)).values()
        for line in lines
    }
    rows = []
    for line in package.lines:
        said = sold.get(line.key)
        words = " / ".join(part for part in (said.name or said.sku, said.variant) if part) if said else ""
        row = SplitRow(line.key, line.order_number, words, said.sku if said else "", line.quantity)
        row.typed = typed.get(row.name, "").strip()[:40]
        rows.append(row)
    return rows


def taken(rows: Iterable[SplitRow]) -> dict[PackageKey, Decimal] | None:
    """How much of each line goes; None when something typed is no quantity, which is shown then."""
    found, is_wrong = {}, False
    for row in rows:
        try:
            # An amount of a currency with four decimals: the same spelling and the same precision.
            many = Decimal(to_minor(quantity_read(row.typed or "0"), "CLF")).scaleb(-4)
        except ValueError:
            many = Decimal(-1)
        if not 0 <= many <= row.quantity:
            row.error, is_wrong = _("Type a number from 0 up to what is in this package."), True
        found[row.key] = many
    return None if is_wrong else found
