"""Settings → API keys: what other programs of the store come in with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from app.accounts.limits import limit_person
from app.accounts.proving import proved_recently
from app.api.keys import NameTaken, NoSuchKey, Scope, key_row, key_rows, make_key, revoke_key
from app.core.roles import Ability
from app.tenancy.routes import blueprint
from app.web.forms import Form
from app.web.needs import needs
from app.web.respond import done

_EVER: Final = "0"
_DAYS: Final[Mapping[str, Any]] = {
    "90": _l("90 days"),
    "365": _l("One year"),
    _EVER: _l("Until it is revoked"),
}
"""How long a key works: days, and words for them."""
_CHOICES: Final = [SelectChoice(days, words) for days, words in _DAYS.items()]


class KeyForm(Form):
    """A key to be made."""

    name = StringField(
        _l("Name"),
        [
            DataRequired(_l("Name the program that will use it, such as “Our webshop”.")),
            Length(max=60, message=_l("Use at most 60 letters.")),
        ],
    )
    reads = BooleanField(_l("It may read orders"), default=True)
    writes = BooleanField(_l("It may make and change orders"), default=True)
    days = SelectField(_l("It works for"), choices=_CHOICES, default="365")


@blueprint.route("/api-keys", methods=["GET", "POST"])
@needs(Ability.KEYS)
@limit_person("30 per hour")
@proved_recently
def api_keys() -> Response:
    """The keys; a new one is shown once, in the answer to the press that made it."""
    if request.method == "GET":
        return _page(KeyForm())
    form = KeyForm(request.form)
    if not form.validate():
        return _page(form, 422)
    scopes = [scope for scope, wanted in ((Scope.READ, form.reads), (Scope.WRITE, form.writes)) if wanted.data]
    if not scopes:
        form.form_errors.append(_("Say what the key may do."))
        return _page(form, 422)
    try:
        token = make_key(form.name.data or "", scopes, g.membership.user_id, lasts=_lasts(form))
    except NameTaken:
        form.name.errors = (_("Another key has this name. Give each program a key of its own."),)
        return _page(form, 422)
    return _page(KeyForm(), token=token, made=form.name.data)


@blueprint.route(f"/api-keys/<int(max={2**63 - 1}):key_id>/revoke", methods=["GET", "POST"])
@needs(Ability.KEYS)
@proved_recently
def revoke_api_key(key_id: int) -> Response:
    """Ask, then let the key open nothing any more."""
    key = key_row(key_id)
    if key is None:
        abort(404, _("There is no such key in this store."))
    if request.method == "GET":
        asked: dict[str, Any] = {
            "title": _("Revoke the key “%(name)s”?", name=key.name),
            "question": _("Whatever uses it can read and send nothing any more, from this moment on."),
            "facts": [_("The orders that came with it stay."), _("It cannot be taken back: make a new key instead.")],
            "action": url_for(".revoke_api_key", key_id=key_id),
            "button": _("Revoke the key"),
            "back": url_for(".api_keys"),
            "tone": "danger",
        }
        return make_response(render_template("_shared/confirm.html", **asked))
    try:
        revoke_key(key_id)
    except NoSuchKey:
        abort(404)
    return done(url_for(".api_keys"), _("The key “%(name)s” is revoked.", name=key.name))


def _lasts(form: KeyForm) -> timedelta | None:
    return None if form.days.data == _EVER else timedelta(days=int(form.days.data))


def _page(form: KeyForm, status: int = 200, *, token: str = "", made: str | None = None) -> Response:
    page = render_template("settings/api_keys.html", form=form, keys=key_rows(), token=token, made=made)
    return make_response(page, status)
