"""The page behind a mailed invitation: for whoever has an account, and for whoever makes one now."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from app.accounts import entering, invitations, limits, passwords, staff_mails
from app.accounts.access import signed_in_person
from app.accounts.forms import NewPassword
from app.accounts.invitations import HasAccount, Joined, NoSuchInvitation
from app.accounts.routes import blueprint
from app.accounts.sessions import Person
from app.tenancy.doors import Invited
from app.web.forms import Form
from app.web.needs import public
from app.web.respond import redirect_to


class JoinForm(Form):
    """A person, without a store of their own. The address is shown for programs that keep passwords, and not read."""

    email = StringField(_l("E-mail"))
    name = StringField(_l("Your name"), [DataRequired(_l("Type your name.")), Length(max=100)])
    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Choose a password.")), Length(max=passwords.MAX_LENGTH), NewPassword("email", "name")],
    )


@blueprint.route("/invite/<token>", methods=["GET", "POST"])
@public
@limits.limit_address(limits.SIGN_UP_BY_ADDRESS)
def invitation(token: str) -> Response:
    """Join a store. What the link opened is told to nobody once it is used, withdrawn, replaced or over."""
    invited = invitations.opens(token)
    if invited is None:
        return _page("accounts/invitation_gone.html", 410)
    person = signed_in_person()
    try:
        if person is None:
            return _newcomer(token, invited)
        return _accepted(token, invited, person)
    except NoSuchInvitation:
        return _page("accounts/invitation_gone.html", 410)


def _accepted(token: str, invited: Invited, person: Person) -> Response:
    """Whoever is signed in joins by one press, if the invitation is theirs."""
    is_theirs = person.email == invited.email
    if request.method == "GET" or not is_theirs:
        status = 200 if request.method == "GET" else 409
        return _page("accounts/invitation.html", status, invited=invited, person=person, is_theirs=is_theirs)
    return _welcome(invited, invitations.accept(token, person.id, person.email))


def _newcomer(token: str, invited: Invited) -> Response:
    """Whoever has an account is asked to sign in, anybody else to make one."""
    form = JoinForm(request.form if request.method == "POST" else None, email=invited.email)
    has_account = invitations.has_account(invited.email)
    if request.method == "POST" and not has_account and form.validate():
        try:
            joined = invitations.join(token, form.name.data or "", form.password.data or "")
        except HasAccount:  # made a moment ago, somewhere else
            has_account = True
        else:
            entering.enter(joined.user_id)
            return _welcome(invited, joined)
    status = 422 if request.method == "POST" else 200
    return _page("accounts/invitation.html", status, invited=invited, form=form, has_account=has_account)


def _welcome(invited: Invited, joined: Joined) -> Response:
    if joined.is_new:
        staff_mails.tell_joined(invited.store_id, joined.user_id)
    flash(_("Welcome to %(store)s.", store=invited.store), "success")
    return redirect_to(f"/{joined.slug}/")


def _page(template: str, status: int, **context: Any) -> Response:
    return make_response(render_template(template, **context), status)
