"""The second step of signing in, and showing again who one is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import entering, halves, limits, proving, recovery, telling
from app.accounts.access import me, signed_in_person, this_browser
from app.accounts.forms import CodeForm, ProofForm
from app.accounts.halves import Brought
from app.accounts.routes import blueprint
from app.accounts.two_step import Answer
from app.web.forms import Form
from app.web.needs import needs_sign_in, public
from app.web.respond import redirect_to, safe_next


@blueprint.route("/signin/code", methods=["GET", "POST"])
@public
@limits.limit_codes
def code() -> BaseResponse:
    """Bring a code of the app, or a recovery code, after the password was right."""
    half, after = halves.half_of(entering.half_token()), safe_next(request.values.get("next"))
    if half is None:
        return _nobody_is_asked(after)
    form = CodeForm(request.form)
    if request.method == "GET" or not form.validate():
        return _code_page(form, after, 200 if request.method == "GET" else 422)
    brought = halves.bring_code(entering.half_token(), form.code.data, at=now())
    if brought is not None and brought.answer.is_right:
        return _let_in(brought, after)
    if brought is None or brought.is_over:
        if brought is not None:
            telling.tell(brought.user_id, telling.wrong_codes, this_browser())
        return _password_again(after, _("These codes did not fit. Begin again with your password."))
    form.code.errors = (_why_refused(brought.answer),)
    return _code_page(form, after, 422)


@blueprint.route("/me/prove", methods=["GET", "POST"])
@needs_sign_in
@limits.limit_person(limits.CHANGE_BY_ACCOUNT)
def prove() -> BaseResponse:
    """Show again who one is, and go on to the page that asked for it."""
    person, form = me(), ProofForm(request.form)
    after = safe_next(request.values.get("next"))
    if request.method == "GET":
        return _proof_page(form, after, 200)
    if request.values.get("with") == "code":
        proved = proving.prove_by_code(person, form.code.data or "", at=now())
        if isinstance(proved, Answer):
            form.code.errors = (_why_refused(proved),)
            return _proof_page(form, after, 422)
    else:
        proved = proving.prove_by_password(person, form.password.data or "") or ""
        if not proved:
            form.password.errors = (_("This is not the password you have now."),)
            return _proof_page(form, after, 422)
    entering.carry_on(proved)
    return redirect_to(after or url_for("accounts.me"))


def now() -> datetime:
    """The moment for which codes count; tests set it."""
    return datetime.now(UTC)


def _let_in(brought: Brought, after: str | None) -> BaseResponse:
    entering.enter(brought.user_id, is_kept=entering.keeps())
    if brought.answer is Answer.BY_RECOVERY:
        telling.tell(brought.user_id, telling.recovery_code_used, this_browser())
        left = recovery.codes_left(brought.user_id)
        words = ngettext(
            "You have %(num)d recovery code left. Lost your phone? Set another one up under Two-step.",
            "You have %(num)d recovery codes left. Lost your phone? Set another one up under Two-step.",
            left,
        )
        flash(words, "warning")
    return redirect_to(after or url_for("accounts.start"))


def _why_refused(answer: Answer) -> str:
    if answer is Answer.USED:
        return _("This code was used already. Wait for the next one.")
    return _("This code does not fit. Codes change every half minute: type the one you see now.")


def _nobody_is_asked(after: str | None) -> BaseResponse:
    if signed_in_person():
        return redirect_to(after or url_for("accounts.start"))
    return _password_again(after, _("Sign in to go on."))


def _password_again(after: str | None, words: str) -> BaseResponse:
    entering.forget_half()
    flash(words, "warning")
    return redirect_to(url_for("accounts.signin", next=after))


def _code_page(form: CodeForm, after: str | None, status: int) -> Response:
    return _page("accounts/code.html", form, status, after=after, by_recovery=request.values.get("with") == "recovery")


def _proof_page(form: ProofForm, after: str | None, status: int) -> Response:
    by_code = me().two_step and request.values.get("with") == "code"
    return _page("accounts/prove.html", form, status, after=after, by_code=by_code)


def _page(template: str, form: Form, status: int, **context: Any) -> Response:
    return make_response(render_template(template, form=form, **context), status)
