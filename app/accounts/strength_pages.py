"""How strong a password is, told while it is being chosen. Nothing of it is kept or written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import request
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField

from app.accounts import limits
from app.accounts.access import signed_in_person
from app.accounts.passwords import Strength, strength_of
from app.accounts.routes import blueprint
from app.web.forms import Form
from app.web.needs import public
from app.web.respond import fragment

_WORDS: Final[Mapping[Strength, Any]] = {
    Strength.SHORT: _l("Still too short."),
    Strength.GUESSABLE: _l("Too easy to guess."),
    Strength.FAIR: _l("It will do."),
    Strength.GOOD: _l("Good."),
    Strength.STRONG: _l("Strong."),
}


class ChosenForm(Form):
    """A password, and who chooses it as far as the form beside it says: that makes weak passwords."""

    password = PasswordField()
    email = StringField()
    name = StringField()
    store_name = StringField()


@blueprint.post("/signup/password-strength")
@public
@limits.limit_address(limits.STRENGTH_BY_ADDRESS)
def password_strength() -> Response:
    """Judge what was typed so far, by the rules that hold when it is sent. Nothing is looked up for it."""
    form, person = ChosenForm(request.form), signed_in_person()
    password = form.password.data or ""
    about = [field.data or "" for field in (form.email, form.name, form.store_name)]
    strength = strength_of(password, *about, *((person.email, person.name) if person else ()))
    return fragment("accounts/_strength.html", strength=strength, words=_WORDS[strength] if password else "")
