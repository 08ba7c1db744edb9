"""What the mapping pages send."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.web.forms import Form
from app.web.ids import row_id


def _chosen_id(value: Any) -> int | None:
    """The id of a choice; the empty choice is None."""
    return row_id(str(value)) if value not in (None, "") else None


class ChoiceForm(Form):
    """A row's choice: the version that the person saw, and a name when the choice is a new one."""

    version = IntegerField(_l("Version"), [InputRequired()])
    new_name = StringField(
        _l("Name"), [Optional(), Length(max=60, message=_l("The name is longer than 60 characters."))]
    )


class PaymentChoiceForm(ChoiceForm):
    """A gateway's payment method."""

    payment_method_id = SelectField(_l("Payment method"), coerce=_chosen_id, validate_choice=False)


class SalespersonChoiceForm(ChoiceForm):
    """A marketplace's salesperson."""

    salesperson_id = SelectField(_l("Salesperson"), coerce=_chosen_id, validate_choice=False)


class GatewayForm(Form):
    """A gateway listed by hand."""

    gateway = StringField(
        _l("Gateway"),
        [
            InputRequired(_l("Write how the channel calls it.")),
            Length(max=100, message=_l("The name is longer than 100 characters.")),
        ],
    )
    payment_method_id = SelectField(_l("Payment method"), coerce=_chosen_id, validate_choice=False)
