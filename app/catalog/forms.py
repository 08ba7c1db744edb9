"""The form of an item."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from app.catalog.items import ItemFacts
from app.core.money import LIMIT, to_minor
from app.web.forms import Form


class ItemForm(Form):
    """An item; the price is typed in whole units of `currency`."""

    sku = StringField(
        _l("SKU"),
        [DataRequired(_l("Give the item a SKU.")), Length(max=100, message=_l("Use at most 100 letters."))],
    )
    name = StringField(_l("Name"), [Length(max=300, message=_l("Use at most 300 letters."))])
    variant = StringField(_l("Variant"), [Length(max=100, message=_l("Use at most 100 letters."))])
    barcode = StringField(_l("Barcode"), [Length(max=100, message=_l("Use at most 100 letters."))])
    price = StringField(_l("Price"), [Length(max=20, message=_l("Type an amount, like 16.90."))])

    currency = "MYR"

    def validate_price(self, field: StringField) -> None:
        """An amount that is exact in its currency and not below zero."""
        try:
            fits = not field.data or 0 <= to_minor(field.data, self.currency) < LIMIT
        except ValueError:
            fits = False
        if not fits:
            raise ValidationError(_("Type an amount, like 16.90."))

    def facts(self) -> ItemFacts:
        """What was typed; call it when the form is valid."""
        price = to_minor(self.price.data, self.currency) if self.price.data else None
        return ItemFacts(
            sku=self.sku.data or "",
            barcode=self.barcode.data or "",
            name=self.name.data or "",
            variant=self.variant.data or "",
            price=price,
            currency=self.currency,
        )


class SavedItemForm(ItemForm):
    """An item that exists: `version` is the one that the person saw."""

    version = IntegerField(_l("Version"), [InputRequired()])
