"""The forms of the sign-in family."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, SelectField, StringField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from app.accounts import passwords
from app.accounts.emails import read_email
from app.tenancy.choices import currency_choices, time_zone_choices
from app.web.forms import Form


class NewPassword:
    """The rules for a password that is being chosen.

    `about` are the fields that say who chooses it; where no field does, the form may have it as `whose`.
    """

    def __init__(self, *about: str) -> None:
        self.about = about

    def __call__(self, form: Form, field: PasswordField) -> None:
        password = field.data or ""
        if len(password) < passwords.MIN_LENGTH:
            raise ValidationError(_("This is too short for a password."))
        facts = [form[name].data or "" for name in self.about] + list(getattr(form, "whose", ()))
        if passwords.is_guessable(password, *facts):
            raise ValidationError(
                _("This is among the first that anybody would try. Choose something only you think of.")
            )


def _email(_form: Form, field: StringField) -> None:
    if read_email(field.data or "") is None:
        raise ValidationError(_("This is not a complete e-mail address, like you@shop.example."))


class SignInForm(Form):
    """Any text passes: whether it is an address that exists is not for the form to say."""

    email = StringField(_l("E-mail"), [InputRequired(_l("Type your e-mail."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Type your password."))])
    keep = BooleanField(_l("Keep me signed in on this device"))


class SignUpForm(Form):
    """A person and their first store."""

    name = StringField(_l("Your name"), [DataRequired(_l("Type your name.")), Length(max=100)])
    store_name = StringField(_l("Name of your store"), [DataRequired(_l("Give your store a name.")), Length(max=80)])
    email = StringField(_l("E-mail"), [DataRequired(_l("Type your e-mail.")), _email])
    password = PasswordField(
        _l("Password"),
        [
            InputRequired(_l("Choose a password.")),
            Length(max=passwords.MAX_LENGTH),
            NewPassword("email", "name", "store_name"),
        ],
    )


class ForgotForm(Form):
    """Where to mail the link."""

    email = StringField(_l("E-mail"), [DataRequired(_l("Type your e-mail.")), _email])


class ResetForm(Form):
    """A new password, by a mailed link."""

    whose: tuple[str, ...] = ()
    password = PasswordField(
        _l("New password"), [InputRequired(_l("Choose a password.")), Length(max=passwords.MAX_LENGTH), NewPassword()]
    )


class NameForm(Form):
    """What colleagues see."""

    name = StringField(_l("Your name"), [DataRequired(_l("Type your name.")), Length(max=100)])


class PasswordForm(Form):
    """A new password, by somebody who knows the old one."""

    whose: tuple[str, ...] = ()
    current = PasswordField(_l("Password now"), [InputRequired(_l("Type the password you have now."))])
    password = PasswordField(
        _l("New password"), [InputRequired(_l("Choose a password.")), Length(max=passwords.MAX_LENGTH), NewPassword()]
    )


class StoreForm(Form):
    """Another store of one's own."""

    name = StringField(_l("Name of the store"), [DataRequired(_l("Give the store a name.")), Length(max=80)])
    currency = SelectField(_l("Currency"), choices=currency_choices)
    time_zone = SelectField(_l("Time zone"), choices=time_zone_choices)


class CodeForm(Form):
    """A code of the app, or a recovery code."""

    code = StringField(_l("Code"), [DataRequired(_l("Type a code.")), Length(max=60)])


class ProofForm(Form):
    """One of the two is shown, and counts."""

    password = PasswordField(_l("Password"))
    code = StringField(_l("Code"))


class OwnPasswordForm(Form):
    """The password, before something is taken away."""

    password = PasswordField(_l("Password"), [InputRequired(_l("Type your password."))])
