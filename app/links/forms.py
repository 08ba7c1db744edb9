"""The forms of the agreement between two stores."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from app.web.forms import Form


class CodeForm(Form):
    """The verification code of the other store, however it is typed."""

    code = StringField(
        _l("Store Verification Code"),
        [Length(max=60, message=_l("A verification code has 20 letters."))],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )


class LinkForm(Form):
    """What the sub-store is called among the channels, and which warehouse it sells from; `choices` come later."""

    channel_name = StringField(
        _l("Channel name"),
        [
            DataRequired(_l("Give the channel a name.")),
            Length(max=60, message=_l("The name is longer than 60 characters.")),
        ],
    )
    location_id = SelectField(_l("Warehouse"), coerce=int)

    def with_warehouses(self, places: list[tuple[int, str]]) -> LinkForm:
        """The form with these warehouses to choose from."""
        field: Any = self.location_id
        field.choices = places
        return self


class DenyForm(Form):
    """An optional word for the other store."""

    words = TextAreaField(
        _l("Reason (optional)"), [Length(max=300, message=_l("Use at most 300 letters."))], render_kw={"rows": 3}
    )


class EndForm(Form):
    """What becomes of the stock that the main store has set."""

    stock = RadioField(
        _l("Stock of the linked items"),
        [DataRequired(_l("Choose what becomes of the stock."))],
        choices=[
            SelectChoice("keep", _l("Keep the last numbers")),  # type: ignore[arg-type]
            SelectChoice("zero", _l("Set to zero")),  # type: ignore[arg-type]
        ],
        default="keep",
    )
