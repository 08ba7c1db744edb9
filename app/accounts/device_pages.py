"""Where one is signed in, and signing out from afar."""

from __future__ import annotations

from flask import Response, abort, make_response, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import devices as known
from app.accounts.access import me
from app.accounts.proving import proved_recently
from app.accounts.routes import blueprint
from app.web.needs import needs_sign_in
from app.web.respond import done


@blueprint.get("/me/devices")
@needs_sign_in
def devices() -> Response:
    """The browsers in which one is signed in."""
    browsers = known.signed_in_browsers(me().id, me().session_id)
    return make_response(render_template("accounts/devices.html", browsers=browsers))


@blueprint.post(f"/me/devices/<int(max={2**63 - 1}):session_id>/sign-out")
@needs_sign_in
@proved_recently
def sign_out_device(session_id: int) -> BaseResponse:
    """Sign one of them out. One that is signed out already stays so."""
    if not known.sign_out_one(me().id, session_id):
        abort(404)
    return done(url_for("accounts.devices"), _("That browser is signed out."))


@blueprint.post("/me/devices/sign-out-others")
@needs_sign_in
@proved_recently
def sign_out_others() -> BaseResponse:
    """Sign all of them out but this one."""
    ended = known.sign_out_others(me().id, me().session_id)
    words = ngettext("%(num)d other browser is signed out.", "%(num)d other browsers are signed out.", ended)
    return done(url_for("accounts.devices"), words if ended else _("You are signed in nowhere else."))
