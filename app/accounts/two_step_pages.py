"""One's own two-step sign-in: setting it up, its recovery codes, and switching it off."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import segno
from flask import Response, abort, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import code_pages, entering, limits, proving, telling, totp, two_step
from app.accounts.access import me, this_browser
from app.accounts.forms import CodeForm, OwnPasswordForm
from app.accounts.proving import proved_recently
from app.accounts.routes import blueprint
from app.tenancy import doors
from app.web.needs import needs_sign_in
from app.web.respond import redirect_to, safe_next


@blueprint.get("/me/two-step")
@needs_sign_in
def two_step_page() -> Response:
    """Whether it is on, and what can be done about it. `store` is one that asks for it, and `next` its page."""
    after = safe_next(request.args.get("next"))
    return _page("accounts/two_step.html", standing=two_step.standing(me().id), after=after, asked_by=_asking_store())


@blueprint.post("/me/two-step/start")
@needs_sign_in
@proved_recently
def start_two_step() -> BaseResponse:
    """Draw a secret for an app, the first one or that of another phone."""
    two_step.start_set_up(me().id)
    return redirect_to(url_for("accounts.set_up_two_step", next=safe_next(request.form.get("next"))))


@blueprint.route("/me/two-step/set-up", methods=["GET", "POST"])
@needs_sign_in
@limits.limit_person(limits.CHANGE_BY_ACCOUNT)
@proved_recently
def set_up_two_step() -> BaseResponse:
    """Show the secret to the app, and switch on by its first code; the recovery codes are in that answer alone."""
    secret, form = two_step.secret_to_set_up(me().id), CodeForm(request.form)
    after = safe_next(request.values.get("next"))
    if secret is None:
        return redirect_to(url_for("accounts.two_step_page", next=after))
    if request.method == "GET" or not form.validate():
        return _set_up_page(secret, form, after, 200 if request.method == "GET" else 422)
    is_kept = me().is_kept
    done = two_step.confirm(me().id, form.code.data, at=code_pages.now(), browser=this_browser(), is_kept=is_kept)
    if done is None:
        form.code.errors = (_("This code does not fit. Look whether the clock of your phone is right, and try again."),)
        return _set_up_page(secret, form, after, 422)
    entering.carry(done.token, is_kept=is_kept)
    telling.tell(me().id, telling.two_step_on, this_browser())
    return _page("accounts/recovery_codes.html", codes=done.codes, is_new=True, after=after)


@blueprint.get("/me/two-step/picture.svg")
@needs_sign_in
@proved_recently
def two_step_picture() -> Response:
    """The secret as a drawing that an app reads from the screen."""
    secret = two_step.secret_to_set_up(me().id)
    if secret is None:
        abort(404)
    drawing = BytesIO()
    segno.make(totp.uri(secret, me().email), error="m", micro=False).save(
        drawing, kind="svg", scale=5, border=3, light="#fff", dark="#000", xmldecl=False
    )
    return Response(drawing.getvalue(), content_type="image/svg+xml")


@blueprint.post("/me/two-step/codes")
@needs_sign_in
@proved_recently
def renew_recovery_codes() -> BaseResponse:
    """Make other recovery codes; they are in this answer alone."""
    codes = two_step.renew_codes(me().id)
    if codes is None:
        return redirect_to(url_for("accounts.two_step_page"))
    telling.tell(me().id, telling.codes_renewed, this_browser())
    return _page("accounts/recovery_codes.html", codes=codes, is_new=False, after=None)


@blueprint.route("/me/two-step/off", methods=["GET", "POST"])
@needs_sign_in
@limits.limit_person(limits.CHANGE_BY_ACCOUNT)
def switch_off_two_step() -> BaseResponse:
    """Let the password be enough again, for whoever types it here once more."""
    if not me().two_step:
        return redirect_to(url_for("accounts.two_step_page"))
    form = OwnPasswordForm(request.form)
    if request.method == "GET" or not form.validate():
        return _page("accounts/two_step_off.html", 200 if request.method == "GET" else 422, form=form)
    if not proving.is_password_of(me().id, form.password.data):
        form.password.errors = (_("This is not the password you have now."),)
        return _page("accounts/two_step_off.html", 422, form=form)
    is_kept = me().is_kept
    entering.carry(two_step.switch_off(me().id, this_browser(), is_kept=is_kept), is_kept=is_kept)
    telling.tell(me().id, telling.two_step_off, this_browser())
    flash(_("Two-step sign-in is off. Everywhere else you are signed out."), "success")
    return redirect_to(url_for("accounts.two_step_page"))


def _asking_store() -> str | None:
    """The name of the store that sent the person here, if they belong to it: nobody is told names of others."""
    slug = request.args.get("store")
    places = doors.stores_of_person(me().id) if slug else []
    return next((place.name for place in places if place.slug == slug), None)


def _set_up_page(secret: str, form: CodeForm, after: str | None, status: int) -> Response:
    shown = {"secret": totp.grouped(secret), "uri": totp.uri(secret, me().email)}
    return _page("accounts/two_step_set_up.html", status, form=form, after=after, **shown)


def _page(template: str, status: int = 200, **context: Any) -> Response:
    return make_response(render_template(template, **context), status)
