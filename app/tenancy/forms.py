"""The forms of the settings pages."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput

from app.core.numbering import MAX_PREFIX, check_prefix
from app.tenancy.choices import currency_choices, language_choices, time_zone_choices
from app.web.forms import Form

_MAX_NUMBER = 10**12


def _choice(value: str, label: Any) -> SelectChoice:
    """A choice whose label is translated when it is shown."""
    return SelectChoice(value, label)


class WholeNumberField(IntegerField):
    """A number without decimals, refused in words a shop uses."""

    def __init__(self, label: Any = None, validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, **options)  # type: ignore[no-untyped-call]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the typed digits; thousands separators and decimals are not guessed at."""
        if not valuelist:
            return
        text = valuelist[0].strip()
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            self.data = None
            raise ValueError(_("Type a number in digits, like 23."))
        self.data = int(text)


class GeneralForm(Form):
    """What the store is called and where it is."""

    name = StringField(_l("Name of the store"), [DataRequired(_l("Give the store a name.")), Length(max=80)])
    seller_details = TextAreaField(_l("Below the name on invoices"), [Length(max=500)])
    currency = SelectField(_l("Currency of its books"), choices=currency_choices)
    time_zone = SelectField(_l("Time zone"), choices=time_zone_choices)
    language = SelectField(_l("Language"), choices=language_choices)


class InvoicingForm(Form):
    """How orders become invoices, and how those are numbered."""

    prefix = StringField(_l("Prefix"))
    padding = WholeNumberField(_l("Digits"), [NumberRange(1, 12, _l("Choose 1 to 12 digits."))])
    next_number = WholeNumberField(_l("Next number"), [NumberRange(1, _MAX_NUMBER, _l("Numbers begin at 1."))])
    shown_number = HiddenField()
    """The next number when the page was made: one that nobody touched does not count as changed by this form."""
    gap_words = StringField(
        _l("Why are these numbers left out?"), [Length(max=200, message=_l("Use at most 200 letters."))]
    )
    invoice_date_rule = RadioField(
        _l("Date of an invoice"),
        choices=[
            _choice("created", _l("The day of the order")),
            _choice("paid", _l("The day it was paid")),
            _choice("shipped", _l("The day it was shipped")),
        ],
    )
    unmapped_gateway = RadioField(
        _l("When a gateway has no payment method"),
        choices=[
            _choice("cash", _l("Book the order under the default")),
            _choice("hold", _l("Hold the order")),
        ],
    )
    unlinked_items = RadioField(
        _l("When an order has products that are linked to no item of yours"),
        choices=[
            _choice("book", _l("Book the order by the channel's words")),
            _choice("hold", _l("Hold the order until they are linked")),
        ],
        default=lambda: g.store.unlinked_items,
    )
    """Not sent by a page from before it was there, which then does not decide about it."""
    invoice_currencies = SelectMultipleField(
        _l("Further currencies"), choices=currency_choices, option_widget=CheckboxInput()
    )
    auto_delivery_order = RadioField(
        _l("Delivery orders"),
        choices=[
            _choice("none", _l("None")),
            _choice("on_save", _l("On each save of an invoice")),
            _choice("on_delivery", _l("On delivery")),
        ],
    )
    auto_credit = BooleanField(_l("Credit at once what a channel cancels, returns or refunds"))

    def validate_prefix(self, field: StringField) -> None:
        """What channels accept in their own field for the number."""
        try:
            check_prefix(field.data or "")
        except ValueError:
            words = _("Use at most %(count)d letters, digits and - / _ . without spaces.", count=MAX_PREFIX)
            raise ValidationError(words) from None

    def number_to_save(self) -> int | None:
        """The next number as it shall be; None when the person left alone what the page had shown."""
        typed: Any = self.next_number.data
        return None if str(typed) == self.shown_number.data else int(typed)


class OpenBooksForm(Form):
    """Why a closed month is opened again."""

    words = StringField(
        _l("Why is it opened again?"),
        [DataRequired(_l("Say why: whoever audits the books will ask.")), Length(max=200)],
    )


class NameForm(Form):
    """The name of a payment method, a salesperson or a warehouse."""

    name = StringField(
        _l("Name"), [DataRequired(_l("Type a name.")), Length(max=60, message=_l("Use at most 60 letters."))]
    )
