"""The form of an order that is made here, and its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from app.core.own_orders import BUYER, LINE_FIELDS, MOST_LINES, Mistake, OwnOrder, Wrong
from app.core.types import OrderType, PaymentStatus
from app.own_orders.words import words_of
from app.web.forms import Form
from app.web.typed import amount_read, as_typed, example_amount, quantity_read, typed_amount, typed_quantity

KIND_NAMES: Final = (
    (OrderType.WEBSTORE, _l("Webstore")),
    (OrderType.LANDING_PAGE, _l("Landing page")),
    (OrderType.SOCIAL_COMMERCE, _l("Social commerce")),
    (OrderType.POS, _l("POS")),
    (OrderType.SHOPPING_APP, _l("Shopping app")),
)
KINDS_OFFERED: Final = [SelectChoice(str(kind), cast(str, name)) for kind, name in KIND_NAMES]
_BUYER_SHOWN: Final = ("name", "company", "phone", "email", "address")
_TYPED_AT: Final = "%Y-%m-%dT%H:%M"
_UNREADABLE: Final = "?"
"""Stands for a number that the page's language does not write like that: `app.core.own_orders` refuses it."""


class OrderForm(Form):
    """Everything but the lines; what is typed is judged by `app.core.own_orders`, so that all roads agree."""

    press = HiddenField()
    """Names this form, so that pressing twice makes one order."""
    kind = SelectField(_l("Kind of sale"), choices=KINDS_OFFERED, validate_choice=False)
    number = StringField(_l("Order number"), [Length(max=200)])
    placed_at = StringField(_l("Placed"), [Length(max=40)])
    payment_method = StringField(_l("Paid by"), [Length(max=200)])
    paid = BooleanField(_l("It is paid"))
    buyer_name = StringField(_l("Name"), [Length(max=1000)])
    buyer_company = StringField(_l("Company"), [Length(max=1000)])
    buyer_phone = StringField(_l("Phone"), [Length(max=1000)])
    buyer_email = StringField(_l("E-mail"), [Length(max=1000)])
    buyer_address = StringField(_l("Address"), [Length(max=1000)])
    shipping = StringField(_l("Shipping"), [Length(max=40)])
    discount = StringField(_l("Discount on the whole order"), [Length(max=40)])
    note = TextAreaField(_l("Note"), [Length(max=10_000)])


@dataclass(slots=True)
class LineRow:
    """One row of the lines, as typed, and what is wrong with it."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed into it yet."""
        return not any(self.values[name] for name in ("sku", "name", "variant", "unit_price", "discount"))


def typed_rows(form: MultiDict[str, str]) -> list[LineRow]:
    """The rows of the lines, blank ones too."""
    columns = {
        "sku": form.getlist("line_sku"),
        "name": form.getlist("line_name"),
        "variant": form.getlist("line_variant"),
        "quantity": form.getlist("line_quantity"),
        "unit_price": form.getlist("line_unit_price"),
        "discount": form.getlist("line_discount"),
    }
    many = min(max(map(len, columns.values())), MOST_LINES + 1)
    return [
        LineRow({name: values[at].strip() if at < len(values) else "" for name, values in columns.items()})
        for at in range(many)
    ]


def blank_row() -> LineRow:
    """A row to type into."""
    return LineRow(dict.fromkeys(LINE_FIELDS, "") | {"quantity": "1"})


def document_of_form(
    form: OrderForm, rows: Iterable[LineRow], currency: str, zone: str, kept: Mapping[str, Any]
) -> dict[str, Any]:
    """What was typed as a document; `kept` are the fields of the order that the form does not show."""
    return {
        **kept,
        "kind": form.kind.data or "",
        "number": form.number.data or "",
        **({"placed_at": with_zone(form.placed_at.data, zone)} if form.placed_at.data else {}),
        "payment_method": form.payment_method.data or "",
        "payment_status": str(PaymentStatus.PAID if form.paid.data else PaymentStatus.UNPAID),
        "buyer": {**kept.get("buyer", {}), **{name: form[f"buyer_{name}"].data or "" for name in _BUYER_SHOWN}},
        "note": form.note.data or "",
        "lines": [_line(row.values, currency) for row in rows],
        "shipping": _amount(form.shipping.data or "", currency),
        "discount": _amount(form.discount.data or "", currency),
    }


def form_of(order: OwnOrder, zone: str) -> tuple[OrderForm, list[LineRow]]:
    """The form as it stands for an order that exists."""

    def amount(minor: int) -> str:
        return typed_amount(minor, order.currency) if minor else ""

    placed_at = order.placed_at.astimezone(ZoneInfo(zone)) if order.placed_at else None
    form = OrderForm(
        data={
            "kind": order.kind,
            "number": order.number,
            "placed_at": placed_at.strftime(_TYPED_AT) if placed_at else "",
            "payment_method": order.payment_method,
            "paid": order.payment_status == PaymentStatus.PAID,
            **{f"buyer_{name}": order.buyer.get(name, "") for name in _BUYER_SHOWN},
            "shipping": amount(order.shipping),
            "discount": amount(order.discount),
            "note": order.note,
        }
    )
    rows = [
        LineRow(
            {
                "sku": line.sku,
                "name": line.name,
                "variant": line.variant,
                "quantity": typed_quantity(line.quantity),
                "unit_price": typed_amount(line.unit_price, order.currency),
                "discount": amount(line.discount),
            }
        )
        for line in order.lines
    ]
    return form, rows


def kept_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What of an order's document the form does not show, and must not lose."""
    kept = {
        name: document[name] for name in ("status", "tax", "tax_included", "paid_at", "shipped_at") if name in document
    }
    hidden = {name: text for name, text in document.get("buyer", {}).items() if name not in _BUYER_SHOWN}
    return {**kept, "buyer": hidden}


def show_mistakes(form: OrderForm, rows: Sequence[LineRow], found: Iterable[Mistake]) -> None:
    """Put each mistake beside its field, and what has no field on top."""
    for mistake in found:
        words = _typed_words(mistake) or words_of(mistake)
        match mistake.at:
            case ("lines", int(number), str(name)) if number < len(rows) and name in LINE_FIELDS:
                rows[number].errors.setdefault(name, words)
            case ("buyer", str(name)) if name in _BUYER_SHOWN:
                form[f"buyer_{name}"].errors = [words]
            case ("lines",):
                form.form_errors.append(_("Add at least one item.") if mistake.wrong == Wrong.MISSING else words)
            case (str(name),) if name in form and name not in BUYER:
                form[name].errors = [words]
            case _:
                form.form_errors.append(words)


def _typed_words(mistake: Mistake) -> str:
    """The sentence about a number, with an example as the page's language writes it; "" for all else."""
    if mistake.wrong == Wrong.NOT_AN_AMOUNT:
        currency = str(mistake.facts["currency"])
        example = example_amount(currency)
        return _(
            "Type an amount in %(currency)s, like %(example)s, not below zero.", currency=currency, example=example
        )
    if mistake.wrong == Wrong.NOT_A_QUANTITY:
        example = as_typed("0.5")
        return _("Type a quantity above zero, like 2 or %(example)s, with at most four decimals.", example=example)
    return ""


def _line(values: Mapping[str, str], currency: str) -> dict[str, str]:
    amounts = {name: _amount(values[name], currency) for name in ("unit_price", "discount")}
    return {**values, **amounts, "quantity": _read(values["quantity"], quantity_read)}


def _amount(typed: str, currency: str) -> str:
    return _read(typed, lambda text: amount_read(text, currency))


def _read(typed: str, read: Callable[[str], str]) -> str:
    try:
        return read(typed) if typed else ""
    except ValueError:
        return _UNREADABLE


def with_zone(typed: str, zone: str) -> str:
    """A moment as it was typed, in the store's zone when it names none; what is no moment stays, to be refused."""
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    return at.isoformat() if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone)).isoformat()
