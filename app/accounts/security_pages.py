"""Settings → Security: how safely everybody who works in the store has to sign in."""

from __future__ import annotations

from flask import Response, flash, g, make_response, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import security
from app.accounts.access import me
from app.accounts.proving import proved_recently
from app.core.roles import Ability
from app.tenancy.routes import blueprint
from app.web.needs import needs
from app.web.respond import redirect_to


@blueprint.get("/security")
@needs(Ability.STAFF)
def security_page() -> Response:
    """Whether the store asks for two-step sign-in, and who has it."""
    return make_response(render_template("settings/security.html", members=security.members()))


@blueprint.post("/security/require")
@needs(Ability.STAFF)
@proved_recently
def require_two_step() -> BaseResponse:
    """Let in only who signs in with a code; whoever wants that of others has it themselves."""
    if not me().two_step:
        flash(_("Set up two-step sign-in for yourself first: you would lock yourself out."), "warning")
        return redirect_to(url_for("accounts.two_step_page", next=url_for(".security_page")))
    security.ask_for_two_step(True)
    flash(_("From now on only members with two-step sign-in get into %(store)s.", store=g.store.name), "success")
    return redirect_to(url_for(".security_page"))


@blueprint.post("/security/release")
@needs(Ability.STAFF)
@proved_recently
def release_two_step() -> BaseResponse:
    """Let the password be enough for this store again."""
    security.ask_for_two_step(False)
    flash(_("The store no longer asks its members for two-step sign-in."), "success")
    return redirect_to(url_for(".security_page"))
