"""The forms of an item and of its stock."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Regexp

from app.catalog.items import ItemFacts
from app.catalog.words import REASONS, TRACKINGS, Tracking
from app.core.goods import read_options, to_grams
from app.core.money import LIMIT, minor_digits, to_minor
from app.core.stock import MOST, Reason
from app.core.typed import PLAIN, plain_amount
from app.tenancy.forms import WholeNumberField
from app.web.forms import Form
from app.web.typed import amount_read, as_typed, example_amount, weight_read

_TOO_LONG = _l("Use at most %(max)d letters.")


def _choices(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """Values with their labels, which are translated when they are shown."""
    return [SelectChoice(*pair) for pair in pairs]


class ItemForm(Form):
    """An item; the price is typed in whole units of `currency`, the weight in kilograms, as the page's language
    writes numbers."""

    sku = StringField(_l("SKU"), [DataRequired(_l("Give the item a SKU.")), Length(max=100, message=_TOO_LONG)])
    name = StringField(_l("Name"), [Length(max=300, message=_TOO_LONG)])
    variant = StringField(_l("Variant"), [Length(max=100, message=_TOO_LONG)])
    barcode = StringField(_l("Barcode"), [Length(max=100, message=_TOO_LONG)])
    price = StringField(_l("Price"), [Length(max=20, message=_TOO_LONG)])
    weight = StringField(_l("Weight"), [Length(max=20, message=_TOO_LONG)])
    product = StringField(_l("Product"), [Length(max=300, message=_TOO_LONG)])
    options = StringField(_l("Options"), [Length(max=500, message=_TOO_LONG)])
    picture_url = StringField(_l("Picture"), [Length(max=1000, message=_TOO_LONG)])
    tracking = SelectField(_l("Tracking"), choices=_choices(TRACKINGS.items()), default=Tracking.NONE)
    kit = BooleanField(_l("This is a kit"))

    currency = "MYR"

    def validate_price(self, field: StringField) -> None:
        """An amount that is exact in its currency and not below zero."""
        try:
            fits = not field.data or 0 <= self._price(field.data) < LIMIT
        except ValueError:
            fits = False
        if not fits:
            raise ValidationError(_("Type an amount, like %(example)s.", example=self._example_price()))

    def validate_weight(self, field: StringField) -> None:
        """Kilograms, exact to the gram."""
        try:
            self._grams(field.data or "0")
        except ValueError:
            example = as_typed("0.25")
            raise ValidationError(_("Type a weight in kilograms, like %(example)s.", example=example)) from None

    def validate_options(self, field: StringField) -> None:
        """Names with values."""
        try:
            read_options(field.data or "")
        except ValueError:
            raise ValidationError(_("Write each option with its value, like Size: M; Colour: Red.")) from None

    def validate_picture_url(self, field: StringField) -> None:
        """An address in the web."""
        if field.data and not is_web_address(field.data):
            raise ValidationError(_("Paste the picture's address; it begins with https://."))

    def validate_kit(self, field: BooleanField) -> None:
        """A kit has no pieces that could be told apart."""
        if field.data and self.tracking.data != Tracking.NONE:
            raise ValidationError(_("A kit has no pieces of its own to track. Choose one of both."))

    def facts(self) -> ItemFacts:
        """What was typed; call it when the form is valid. Options stand in where no variant was typed."""
        options = read_options(self.options.data or "")
        return ItemFacts(
            sku=self.sku.data or "",
            barcode=self.barcode.data or "",
            name=self.name.data or "",
            variant=self.variant.data or " / ".join(options.values())[:100],
            price=self._price(self.price.data) if self.price.data else None,
            currency=self.currency,
            tracking=self.tracking.data,
            kit=self.kit.data,
            product=self.product.data or "",
            options=options,
            weight_grams=self._grams(self.weight.data) if self.weight.data else None,
            picture_url=self.picture_url.data or "",
        )

    def _price(self, text: str) -> int:
        return to_minor(amount_read(text, self.currency), self.currency)

    def _example_price(self) -> str:
        return example_amount(self.currency)

    def _grams(self, text: str) -> int:
        return to_grams(weight_read(text))


class FileItemForm(ItemForm):
    """An item as a row of a file says it, where numbers are written as programs write them, in every language."""

    def _price(self, text: str) -> int:
        return to_minor(plain_amount(text, PLAIN, minor_digits(self.currency)), self.currency)

    def _example_price(self) -> str:
        return "16.90" if minor_digits(self.currency) else "16900"

    def _grams(self, text: str) -> int:
        return to_grams(text)


class SavedItemForm(ItemForm):
    """An item that exists: `version` is the one that the person saw."""

    version = IntegerField(_l("Version"), [InputRequired()])


class How(StrEnum):
    """How an adjustment is told: by what there is now, or by what came or went."""

    SET = "set"
    ADD = "add"
    TAKE = "take"


_HOW = _choices([(How.SET, _l("There are now")), (How.ADD, _l("Add")), (How.TAKE, _l("Take away"))])
_AGAIN = _l("Open the item again, then adjust it.")


class AdjustForm(Form):
    """An adjustment of one item in one warehouse.

    `seen` is the newest movement that the person could see, `key` makes the adjustment happen once.
    """

    location_id = SelectField(_l("Warehouse"), coerce=int, validate_choice=True)
    how = SelectField(_l("Change"), choices=_HOW, default=How.SET)
    pieces = WholeNumberField(
        _l("Pieces"),
        [InputRequired(_l("Type a number in digits, like 23.")), NumberRange(0, MOST, _l("That is too many."))],
    )
    reason = SelectField(_l("Reason"), choices=_choices(REASONS.items()), default=Reason.COUNTED)
    words = StringField(_l("Note"), [Length(max=300, message=_TOO_LONG)])
    seen = HiddenField(validators=[Regexp(r"\A[0-9]{1,18}\Z", message=_AGAIN)])
    key = HiddenField(validators=[Regexp(r"\A[0-9a-f]{32}\Z", message=_AGAIN)])
    confirmed = BooleanField()

    def offer(self, places: Iterable[tuple[int, str]]) -> None:
        """Let these warehouses be chosen: their ids and names."""
        self.location_id.choices = _choices(places)

    def validate_words(self, field: StringField) -> None:
        """ "Something else" says nothing by itself."""
        if self.reason.data == Reason.OTHER and not field.data:
            raise ValidationError(_("Say in a few words what happened."))

    @property
    def change(self) -> dict[str, Any]:
        """What is asked for, as `app.core.stock.Movement` has it."""
        pieces = int(self.pieces.data or 0)
        if self.how.data == How.SET:
            return {"on_hand_to": pieces}
        return {"on_hand": pieces if self.how.data == How.ADD else -pieces}


def is_web_address(text: str) -> bool:
    """Whether browsers would fetch it from another host, and only that."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not any(char.isspace() for char in text)
