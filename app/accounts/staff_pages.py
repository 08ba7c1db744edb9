"""Settings → Staff: who works here, who is invited, and what each role may do."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from app.accounts import invitations, staff, staff_mails
from app.accounts.access import me
from app.accounts.emails import read_email
from app.accounts.invitations import AT_MOST, IsInvited, IsMember, NoSuchInvitation, TooMany
from app.accounts.later import later
from app.accounts.limits import INVITES_BY_PERSON, INVITES_TO_ADDRESS, limit_mails, limit_person
from app.accounts.proving import proved_recently
from app.accounts.roles import ABILITY_WORDS, ROLE_TEXTS, ROLE_WORDS
from app.accounts.staff import LastOwner, MemberRow, NoSuchMember, NotEntitled
from app.core.roles import Ability, Role
from app.tenancy.routes import blueprint
from app.web.forms import Form
from app.web.needs import needs
from app.web.respond import done, redirect_to

_MEMBER: Final = f"/staff/<int(max={2**63 - 1}):member_id>"
_INVITATION: Final = f"/staff/invitations/<int(max={2**63 - 1}):invitation_id>"
_CHOICES: Final = [SelectChoice(role.value, words) for role, words in ROLE_WORDS.items()]


def _email(_form: Form, field: StringField) -> None:
    if read_email(field.data or "") is None:
        raise ValidationError(_("This is not a complete e-mail address, like you@shop.example."))


class RoleForm(Form):
    """What somebody is in the store."""

    role = RadioField(_l("Role"), [DataRequired(_l("Choose a role."))], choices=_CHOICES)


class InviteForm(Form):
    """Whom to invite, and as what."""

    email = StringField(_l("E-mail"), [DataRequired(_l("Type an e-mail.")), Length(max=254), _email])
    role = RadioField(_l("Role"), [DataRequired(_l("Choose a role."))], choices=_CHOICES)


@blueprint.get("/staff")
@needs(Ability.LOOK)
def staff_page() -> Response:
    """Everybody who works here; for whoever may invite, also the invitations that wait."""
    may_invite = g.membership.role.may(Ability.STAFF)
    waiting = invitations.waiting() if may_invite else []
    return _page("settings/staff.html", members=staff.member_rows(), waiting=waiting, me=me().id)


@blueprint.get("/staff/roles")
@needs(Ability.LOOK)
def roles() -> Response:
    """Who may do what: the table of roles and abilities."""
    return _page("settings/roles.html", roles=list(Role), abilities=ABILITY_WORDS)


@blueprint.route("/staff/invite", methods=["GET", "POST"])
@needs(Ability.STAFF)
@limit_person(INVITES_BY_PERSON)
@limit_mails(INVITES_TO_ADDRESS)
@proved_recently
def invite() -> Response:
    """Invite somebody by e-mail. What is said is the same whether or not the address has an account."""
    form = InviteForm(request.form if request.method == "POST" else None)
    if request.method == "GET":
        return _page("settings/invite.html", form=form, texts=ROLE_TEXTS)
    if form.validate():
        email = form.email.data or ""
        try:
            invitation_id, token = invitations.invite(email, Role(form.role.data), by=me().id)
        except IsMember:
            form.email.errors = (_("This address belongs to somebody who works here already."),)
        except IsInvited:
            form.email.errors = (_("This address is invited already. Send the invitation again from the list."),)
        except TooMany:
            form.form_errors.append(
                _("%(count)d invitations wait already. Withdraw some of them first.", count=AT_MOST)
            )
        else:
            _mail(invitation_id, token)
            return done(url_for(".staff_page"), _sent(email))
    return _page("settings/invite.html", 422, form=form, texts=ROLE_TEXTS)


@blueprint.post(f"{_INVITATION}/again")
@needs(Ability.STAFF)
@limit_person(INVITES_BY_PERSON)
@proved_recently
def send_invitation_again(invitation_id: int) -> Response:
    """Mail a new link, which works from now on; the earlier one opens nothing any more."""
    try:
        token, email = invitations.send_again(invitation_id)
    except NoSuchInvitation:
        abort(404, _("This invitation was accepted or withdrawn meanwhile."))
    _mail(invitation_id, token)
    return done(url_for(".staff_page"), _sent(email))


@blueprint.post(f"{_INVITATION}/withdraw")
@needs(Ability.STAFF)
@proved_recently
def withdraw_invitation(invitation_id: int) -> Response:
    """Let the link open nothing any more."""
    try:
        invitations.withdraw(invitation_id)
    except NoSuchInvitation:
        abort(404, _("This invitation was accepted or withdrawn meanwhile."))
    return done(url_for(".staff_page"), _("The invitation is withdrawn. Its link opens nothing any more."))


@blueprint.route(_MEMBER, methods=["GET", "POST"])
@needs(Ability.STAFF)
@proved_recently
def member(member_id: int) -> Response:
    """One member: their role, and the way out."""
    row = _row_or_404(member_id)
    form = RoleForm(request.form if request.method == "POST" else None, role=row.role.value)
    if request.method == "GET":
        return _member_page(row, form)
    if not form.validate():
        return _member_page(row, form, 422)
    role = Role(form.role.data)
    try:
        is_new = staff.change_role(member_id, role, by=me().id)
    except LastOwner:
        form.form_errors.append(_needs_owner())
        return _member_page(row, form, 422)
    except NoSuchMember:
        abort(404)
    except NotEntitled:
        abort(403)
    if is_new and member_id != me().id:
        staff_mails.tell_role(g.store.id, member_id, role, by=me().name)
    words = _("%(name)s has the role %(role)s now.", name=row.name, role=str(ROLE_WORDS[role]))
    return done(url_for(".staff_page"), words)


@blueprint.route(f"{_MEMBER}/remove", methods=["GET", "POST"])
@needs(Ability.STAFF)
@proved_recently
def remove_member(member_id: int) -> Response:
    """Say what removing means, then do it."""
    row = _row_or_404(member_id)
    if member_id == me().id:
        return redirect_to(url_for(".leave"))
    if request.method == "GET":
        return _page("_shared/confirm.html", **_removing(row))
    if (refused := _take_out(member_id)) is not None:
        return refused
    staff_mails.tell_removed(g.store.id, member_id, by=me().name)
    return done(url_for(".staff_page"), _("%(name)s does not work here any more.", name=row.name))


@blueprint.route("/staff/leave", methods=["GET", "POST"])
@needs(Ability.LOOK)
def leave() -> Response:
    """Leave the store by oneself."""
    if request.method == "GET":
        return _page("_shared/confirm.html", **_leaving())
    name = g.store.name
    if (refused := _take_out(me().id)) is not None:
        return refused
    return done(url_for("accounts.stores"), _("You have left %(store)s.", store=name))


def _take_out(member_id: int) -> Response | None:
    """Take a member out; the answer when that was refused."""
    try:
        staff.remove_member(member_id, by=me().id)
    except LastOwner:
        return done(url_for(".staff_page"), _needs_owner(), category="danger")
    except NoSuchMember:
        abort(404)
    except NotEntitled:
        abort(403)
    return None


def _row_or_404(member_id: int) -> MemberRow:
    row = staff.member_row(member_id)
    if row is None:
        abort(404, _("Nobody of this name works here any more."))
    return row


def _removing(row: MemberRow) -> dict[str, Any]:
    return {
        "title": _("Remove %(name)s from the store?", name=row.name),
        "question": _("From this moment on the store opens for %(name)s on no device any more.", name=row.name),
        "facts": [
            _("What %(name)s did stays in your records, under this name.", name=row.name),
            _("Invitations from %(name)s that wait are withdrawn.", name=row.name),
            _("The account of %(name)s and their other stores stay as they are.", name=row.name),
        ],
        "action": url_for(".remove_member", member_id=row.user_id),
        "button": _("Remove %(name)s", name=row.name),
        "back": url_for(".member", member_id=row.user_id),
        "tone": "danger",
    }


def _leaving() -> dict[str, Any]:
    return {
        "title": _("Leave %(store)s?", store=g.store.name),
        "question": _("From this moment on the store opens for you on no device any more."),
        "facts": [
            _("What you did stays in its records, under your name."),
            _("Your account and your other stores stay as they are."),
            _("Only a new invitation lets you in again."),
        ],
        "action": url_for(".leave"),
        "button": _("Leave the store"),
        "back": url_for(".staff_page"),
        "tone": "danger",
    }


def _needs_owner() -> str:
    return _("The store needs an owner. Make somebody else an owner first.")


def _mail(invitation_id: int, token: str) -> None:
    later(partial(invitations.mail_invitation, g.store.id, invitation_id, token))


def _sent(email: str) -> str:
    return _("An invitation to %(email)s is on its way. Its link works for 7 days.", email=email)


def _member_page(row: MemberRow, form: RoleForm, status: int = 200) -> Response:
    return _page("settings/member.html", status, row=row, form=form, texts=ROLE_TEXTS, me=me().id)


def _page(template: str, status: int = 200, **context: Any) -> Response:
    return make_response(render_template(template, **context), status)
