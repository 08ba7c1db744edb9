"""Signing in and out, choosing a new password, and one's own page."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_limiter import RateLimitExceeded
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import access, entering, limits, passwords, services, telling
from app.accounts.access import signed_in_person
from app.accounts.forms import (
    CodeForm,
    ForgotForm,
    NameForm,
    PasswordForm,
    ProofForm,
    ResetForm,
    SignInForm,
    SignUpForm,
    StoreForm,
)
from app.accounts.languages import current_language
from app.accounts.later import later
from app.config import Settings
from app.core.roles import Role
from app.onboarding import services as onboarding
from app.tenancy import doors
from app.tenancy.choices import AT_HOME, ELSEWHERE
from app.web.errors import handle_http_error
from app.web.forms import Form
from app.web.needs import needs_sign_in, public
from app.web.respond import done, invalid, redirect_to, safe_next

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/")
@public
def start() -> BaseResponse:
    """Where one goes on: in the store seen last, else the oldest of one's own; or to sign in."""
    person = signed_in_person()
    if person is None:
        if session.pop("_user_id", None):
            flash(_("Sign in to go on. Forgot your password? Choose a new one below."), "info")
        return redirect_to(url_for("accounts.signin"))
    places = doors.stores_of_person(person.id)
    if not places:
        return redirect_to(url_for("accounts.stores"))
    last = access.last_store()
    place = min(places, key=lambda place: (place.slug != last, place.role != Role.OWNER, place.store_id))
    return redirect_to(f"/{place.slug}/")


@blueprint.route("/signin", methods=["GET", "POST"])
@public
@limits.limit_tries(by_account=limits.SIGN_IN_BY_ACCOUNT, by_address=limits.SIGN_IN_BY_ADDRESS)
def signin() -> BaseResponse:
    """Sign in, and go on to the page that asked for it."""
    form = SignInForm(request.form)
    after = safe_next(request.values.get("next"))
    if request.method == "GET":
        if signed_in_person():
            return redirect_to(after or url_for("accounts.start"))
        return _page("accounts/signin.html", form, after=after)
    if form.validate():
        user_id = services.check_sign_in(form.email.data, form.password.data)
        if user_id is not None:
            if entering.go_in(user_id, is_kept=form.keep.data):
                return redirect_to(after or url_for("accounts.start"))
            return redirect_to(url_for("accounts.code", next=after))
        form.form_errors.append(_("E-mail and password do not match. Check both, or choose a new password below."))
    return _page("accounts/signin.html", form, status=422, after=after)


@blueprint.route("/signup", methods=["GET", "POST"])
@public
@limits.limit_tries(by_account=limits.SIGN_UP_BY_ACCOUNT, by_address=limits.SIGN_UP_BY_ADDRESS)
def signup() -> BaseResponse:
    """Sign up with a first store. The answer is the same whether or not the address has an account already."""
    if not sign_up_open():
        abort(403, _("Sign-up is closed here. Ask whoever runs this server for an account."))
    if signed_in_person():
        return redirect_to(url_for("accounts.start"))
    form = SignUpForm(request.form)
    if request.method == "GET":
        return _page("accounts/signup.html", form)
    if not form.validate():
        return _page("accounts/signup.html", form, status=422)
    user_id = onboarding.sign_up(
        name=form.name.data, email=form.email.data, password=form.password.data, store_name=form.store_name.data
    )
    if user_id is None:
        later(partial(services.mail_account_exists, form.email.data, current_language()))
        entering.enter_nobody()  # the cookies look like a newcomer's
    elif not entering.go_in(user_id):
        return redirect_to(url_for("accounts.code"))
    return redirect_to(url_for("accounts.start"))


@blueprint.post("/signout")
@public
def signout() -> BaseResponse:
    """End this browser's session here and on the server."""
    entering.leave()
    flash(_("You are signed out."), "success")
    return redirect_to(url_for("accounts.signin"))


@blueprint.route("/forgot", methods=["GET", "POST"])
@public
@limits.limit_tries(by_account=limits.RESET_BY_ACCOUNT, by_address=limits.RESET_BY_ADDRESS)
def forgot() -> BaseResponse:
    """Mail a link that sets a new password. Looking the address up comes after the answer, which never differs."""
    form = ForgotForm(request.form)
    if request.method == "GET":
        return _page("accounts/forgot.html", form)
    if not form.validate():
        return _page("accounts/forgot.html", form, status=422)
    later(partial(services.mail_reset_link, form.email.data, current_language()))
    return _page("accounts/forgot_sent.html", form)


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
@public
@limits.limit_address(limits.RESET_BY_ADDRESS)
def reset(token: str) -> BaseResponse:
    """Choose a new password by a mailed link."""
    email = services.opens_reset(token)
    if email is None:
        return _page("accounts/reset_gone.html", ForgotForm(), status=410)
    form = ResetForm(request.form)
    form.whose = (email,)
    if request.method == "GET":
        return _page("accounts/reset.html", form, email=email)
    if not form.validate():
        return _page("accounts/reset.html", form, status=422, email=email)
    user_id = services.reset_password(token, form.password.data)
    if user_id is None:
        return _page("accounts/reset_gone.html", ForgotForm(), status=410)
    telling.tell(user_id, telling.password_changed, access.this_browser())
    entering.leave()
    flash(_("Your new password holds. Sign in with it; every other sign-in has ended."), "success")
    return redirect_to(url_for("accounts.signin"))


@blueprint.route("/me", methods=["GET", "POST"])
@needs_sign_in
def me() -> BaseResponse:
    """One's own page: the name that colleagues see, and the language. What one signs in with has pages of its own."""
    person = access.me()
    form = NameForm(request.form if request.method == "POST" else None, name=person.name)
    if request.method == "GET":
        return _page("accounts/me.html", form)
    if not form.validate():
        return invalid("accounts/me.html", "accounts/_name.html", form=form)
    services.rename_person(person.id, form.name.data)
    return done(url_for("accounts.me"), _("Saved."), fragment="accounts/_name.html", form=form)


@blueprint.route("/me/password", methods=["GET", "POST"])
@needs_sign_in
@limits.limit_person(limits.CHANGE_BY_ACCOUNT)
def change_password() -> BaseResponse:
    """Choose another password. This browser goes on under a new session, every other one is signed out."""
    person = access.me()
    form = PasswordForm(request.form)
    form.whose = (person.email, person.name)
    if request.method == "GET":
        return _page("accounts/password.html", form)
    if form.validate():
        browser = access.this_browser()
        token = services.change_password(
            person.id,
            current=form.current.data,
            new=form.password.data,
            browser=browser,
            is_kept=person.is_kept,
        )
        if token is not None:
            entering.carry(token, is_kept=person.is_kept)
            telling.tell(person.id, telling.password_changed, browser)
            words = _("Your new password holds. Everywhere else you are signed out.")
            return done(
                url_for("accounts.change_password"), words, fragment="accounts/_password.html", form=PasswordForm()
            )
        form.current.errors = (_("This is not the password you have now."),)
    return invalid("accounts/password.html", "accounts/_password.html", form=form)


@blueprint.route("/stores", methods=["GET", "POST"])
@needs_sign_in
@limits.limit_person(limits.NEW_STORES)
def stores() -> BaseResponse:
    """The stores one belongs to, and one more."""
    person = access.me()
    currency, time_zone = AT_HOME.get(current_language(), ELSEWHERE)
    form = StoreForm(request.form if request.method == "POST" else None, currency=currency, time_zone=time_zone)
    if request.method == "POST" and form.validate():
        new = onboarding.create_store(person.id, form.name.data, form.currency.data, form.time_zone.data)
        if new.is_new:
            flash(_("%(name)s is ready.", name=form.name.data), "success")
        else:
            flash(_("You have a store of this name already; this is it."), "info")
        return redirect_to(f"/{new.slug}/")
    places = doors.stores_of_person(person.id)
    status = 422 if request.method == "POST" else 200
    return _page("accounts/stores.html", form, status=status, places=places)


@blueprint.app_template_global()
def sign_up_open() -> bool:
    """Whether strangers may open a store here."""
    settings: Settings = current_app.extensions["settings"]
    return settings.sign_up_open


@blueprint.app_template_global()
def password_length() -> int:
    """How long a password is at least, for the hints below its fields."""
    return passwords.MIN_LENGTH


@blueprint.errorhandler(RateLimitExceeded)
def too_many_tries(error: RateLimitExceeded) -> BaseResponse:
    """The same form with its values kept, and the moment when to try again."""
    page = _LIMITED.get(request.endpoint or "")
    if page is None:
        return handle_http_error(error)
    template, form_class = page
    form = form_class(request.form)
    form.form_errors.append(limits.too_many_tries())
    response = _page(template, form, status=429, after=safe_next(request.form.get("next")))
    response.headers["Retry-After"] = str(limits.seconds_to_wait())
    return response


_LIMITED: Final[dict[str, tuple[str, type[Form]]]] = {
    "accounts.signin": ("accounts/signin.html", SignInForm),
    "accounts.signup": ("accounts/signup.html", SignUpForm),
    "accounts.forgot": ("accounts/forgot.html", ForgotForm),
    "accounts.code": ("accounts/code.html", CodeForm),
    "accounts.prove": ("accounts/prove.html", ProofForm),
}


def _page(template: str, form: Form, *, status: int = 200, **context: Any) -> Response:
    return make_response(render_template(template, form=form, **context), status)
