"""The forms of the channel pages; the connect form is made from what a connector says it needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, Field, PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError

from app.channels.connecting import Kind
from app.connectors.base import ConfigField
from app.core.errors import (
    AddressRefused,
    AuthRejected,
    CertificateTrouble,
    ChannelError,
    Misconfigured,
    NotThisSystem,
    Unreachable,
)
from app.core.stock import MOST
from app.tenancy.forms import WholeNumberField
from app.web.forms import Form, clean_text

MAX_OPEN, MAX_SECRET = 300, 1000
"""Between the steps all that was typed lies in a cookie, which may have 4,096 bytes; some keys are long."""
MAX_NAME: Final = 60
EARLIEST_START: Final = date(2000, 1, 1)
LATEST_START: Final = timedelta(days=366)
_ABOUT_THE_ADDRESS: Final = (AddressRefused, CertificateTrouble, NotThisSystem, Unreachable)
_ABOUT_THE_KEY: Final = (AuthRejected, Misconfigured)


def _choice(value: str, label: Any) -> SelectChoice:
    """A choice with a lazy label, which WTForms passes on as it is."""
    return SelectChoice(value, label)


class ConnectForm(Form):
    """What a connector needs to be connected; `connect_form` adds its fields."""

    def values(self) -> dict[str, str]:
        """What was typed, by field."""
        return {field.name: field.data or "" for field in self}

    def show(self, error: ChannelError, kind: Kind) -> None:
        """Put a failed test's sentence where it can be mended: at the address, at the key, or above the form."""
        open_fields = [field.name for field in kind.fields if not field.secret]
        secret_fields = [field.name for field in kind.fields if field.secret]
        words = error.user_message
        if error.field in self:
            self[error.field].errors = [words]
            return
        if isinstance(error, AuthRejected):  # its own sentence speaks to those who were connected before
            words = _("%(kind)s does not accept this key. Copy it again from your %(kind)s settings.", kind=kind.label)
        if isinstance(error, _ABOUT_THE_ADDRESS) and open_fields:
            self[open_fields[0]].errors = [words]
        elif isinstance(error, _ABOUT_THE_KEY) and secret_fields:
            self[secret_fields[0]].errors = [words]
        else:
            self.form_errors.append(words)


def connect_form(
    kind: Kind, formdata: Any = None, data: Mapping[str, str] | None = None, *, all_required: bool = False
) -> ConnectForm:
    """The form of one kind. A secret is never filled in, whatever `data` holds, and may be empty unless asked for."""
    fields = {field.name: _secret(field, all_required) if field.secret else _open(field) for field in kind.fields}
    form_class = type("ConnectFormOfKind", (ConnectForm,), fields)
    form: ConnectForm = form_class(formdata, data=dict(data or {}))
    return form


def _secret(field: ConfigField, required: bool) -> Any:
    """A key is pasted, so spaces and line ends around it are never part of it. It is nobody's password, and no
    browser shall offer to keep it as one."""
    return PasswordField(
        str(field.label),
        [*([InputRequired(_("Enter this to go on."))] if required else ()), _at_most(MAX_SECRET)],
        filters=[clean_text],
        render_kw={"autocomplete": "new-password", "spellcheck": "false"},
    )


def _open(field: ConfigField) -> Any:
    return StringField(
        str(field.label),
        [InputRequired(_("Enter this to go on.")), _at_most(MAX_OPEN)],
        render_kw={
            "placeholder": field.placeholder,
            "autocomplete": "off",
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )


def _at_most(limit: int) -> Length:
    return Length(max=limit, message=_("This is longer than %(limit)s characters.", limit=limit))


class DayField(DateField):
    """A day, as date pickers send it and as it can be written where there is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was sent, or say how to write it."""
        try:
            super().process_formdata(valuelist)  # type: ignore[no-untyped-call]
        except ValueError:
            raise ValueError(_("Write the day as in 2026-01-31.")) from None


class NameForm(Form):
    """What the channel is called here, and from which day on its orders are wanted."""

    name = StringField(
        _l("Name"),
        [
            InputRequired(_l("Give the channel a name.")),
            Length(max=MAX_NAME, message=_l("The name is longer than 60 characters.")),
        ],
    )
    start_on = DayField(  # type: ignore[no-untyped-call]
        _l("Orders from"), [InputRequired(_l("Choose the first day of the orders you want."))]
    )

    def validate_start_on(self, field: Field) -> None:
        """A day that people can mean."""
        if field.data is None:
            return  # it could not be read, and says so already
        if field.data < EARLIEST_START:
            raise ValidationError(_("Choose a day after 1 January 2000."))
        if field.data > datetime.now(UTC).date() + LATEST_START:
            raise ValidationError(_("This day is more than a year ahead."))


class OptionsForm(NameForm):
    """The options of a new channel; the rule for unmapped gateways is asked once per store."""

    unmapped_gateway = RadioField(
        _l("When a gateway (how the buyer paid) has no payment method yet"),
        choices=[
            _choice("cash", _l("Book as Cash and mark it red")),
            _choice("hold", _l("Wait until I choose")),
        ],
        default="cash",
    )


class KeptBackForm(Form):
    """How many pieces of each item a channel is not told of."""

    pieces = WholeNumberField(
        _l("Pieces to keep back"),
        [
            InputRequired(_l("Type a number in digits, like 23.")),
            NumberRange(0, MOST, message=_l("That is too many.")),
        ],
    )


class AutoSyncForm(Form):
    """Whether, and every how many minutes, the channel is checked and its orders booked by themselves."""

    on = BooleanField(_l("Auto Sync"))
    minutes = SelectField(
        _l("Every"),
        coerce=int,
        choices=[
            _choice("5", _l("5 minutes")),
            _choice("15", _l("15 minutes")),
            _choice("30", _l("30 minutes")),
            _choice("60", _l("hour")),
            _choice("120", _l("2 hours")),
            _choice("360", _l("6 hours")),
            _choice("720", _l("12 hours")),
            _choice("1440", _l("day")),
        ],
    )
