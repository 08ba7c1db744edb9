"""Settings → Webhooks: addresses of the merchant's own that are called when something happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.limits import limit_person
from app.accounts.proving import proved_recently
from app.core.calling import Event, body_of
from app.core.errors import AddressRefused
from app.core.roles import Ability
from app.hooks import queries, services
from app.hooks.addresses import LONGEST
from app.hooks.queries import EndpointRow
from app.hooks.services import MOST_ENDPOINTS, IsPaused, NoSuchEndpoint, TooManyEndpoints
from app.hooks.words import EVENT_WORDS, trouble_words, why_paused
from app.tenancy.routes import blueprint
from app.web.forms import Form
from app.web.ids import LARGEST
from app.web.needs import needs
from app.web.pagination import Keyset
from app.web.respond import done, fragment, redirect_to, wants_fragment

_ENDPOINT = f"/webhooks/<int(max={LARGEST}):endpoint_id>"


class EndpointForm(Form):
    """An address and what it is told."""

    url = StringField(
        _l("Address"),
        [
            DataRequired(_l("Enter the address that is to be called, like https://shop.example/hooks.")),
            Length(max=LONGEST),
        ],
    )
    events = SelectMultipleField(
        _l("Call it when"),
        choices=[SelectChoice(event.value, words) for event, words in EVENT_WORDS.items()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=True,
    )


@blueprint.route("/webhooks", methods=["GET", "POST"])
@needs(Ability.KEYS)
@proved_recently
@limit_person("60 per hour")
def webhooks() -> Response:
    """The endpoints; the secret of a new one is shown once, in the answer to the press that made it."""
    if request.method == "GET":
        return _list(EndpointForm())
    form = EndpointForm(request.form)
    if not _is_good(form):
        return _list(form, 422)
    try:
        endpoint_id, secret = services.add_endpoint(form.url.data or "", _events(form), g.membership.user_id)
    except AddressRefused as refused:
        form.url.errors = (refused.user_message,)
        return _list(form, 422)
    except TooManyEndpoints:
        form.form_errors.append(_("A store has at most %(count)s webhooks.", count=MOST_ENDPOINTS))
        return _list(form, 422)
    return _show(endpoint_id, secret=secret)


@blueprint.route(_ENDPOINT, methods=["GET", "POST"])
@needs(Ability.KEYS)
@limit_person("60 per hour")
def webhook(endpoint_id: int) -> Response:
    """One endpoint: what it is told and what came of it; saved in place."""
    row = _row_or_404(endpoint_id)
    if request.method == "GET":
        return _show(endpoint_id, row=row)
    form = EndpointForm(request.form)
    if not _is_good(form):
        return _show(endpoint_id, form=form, status=422)
    try:
        services.change_endpoint(endpoint_id, form.url.data or "", _events(form))
    except AddressRefused as refused:
        form.url.errors = (refused.user_message,)
        return _show(endpoint_id, form=form, status=422)
    except NoSuchEndpoint:
        abort(404)
    return done(url_for(".webhook", endpoint_id=endpoint_id), _("Saved."))


@blueprint.get(f"{_ENDPOINT}/log")
@needs(Ability.KEYS)
def webhook_log(endpoint_id: int) -> Response:
    """What was sent, again."""
    if not wants_fragment():
        return redirect_to(url_for(".webhook", endpoint_id=endpoint_id))
    return fragment("hooks/_log.html", endpoint=_row_or_404(endpoint_id), **_log(endpoint_id))


@blueprint.post(f"{_ENDPOINT}/pause")
@needs(Ability.KEYS)
def pause_webhook(endpoint_id: int) -> Response:
    """Call it no more for now."""
    return _act(endpoint_id, services.pause, _("It is paused."))


@blueprint.post(f"{_ENDPOINT}/resume")
@needs(Ability.KEYS)
def resume_webhook(endpoint_id: int) -> Response:
    """Call it again."""
    return _act(endpoint_id, services.resume, _("It is called again."))


@blueprint.post(f"{_ENDPOINT}/test")
@needs(Ability.KEYS)
@limit_person("60 per hour")
def test_webhook(endpoint_id: int) -> Response:
    """Send a test, whose result shows below."""
    return _act(endpoint_id, services.send_test, _("A test is on its way. What it answers shows below."))


@blueprint.post(f"{_ENDPOINT}/messages/<int(max={LARGEST}):message_id>/redeliver")
@needs(Ability.KEYS)
def redeliver(endpoint_id: int, message_id: int) -> Response:
    """Send a message once more."""
    try:
        services.redeliver(endpoint_id, message_id)
    except NoSuchEndpoint:
        abort(404, _("There is no such message."))
    except IsPaused:
        words = _("It is paused. Resume it first.")
        return done(url_for(".webhook", endpoint_id=endpoint_id), words, category="warning")
    return done(url_for(".webhook", endpoint_id=endpoint_id), _("It is sent once more."))


@blueprint.route(f"{_ENDPOINT}/secret", methods=["GET", "POST"])
@needs(Ability.KEYS)
@proved_recently
def webhook_secret(endpoint_id: int) -> Response:
    """Ask, then make another secret, which is shown this once."""
    row = _row_or_404(endpoint_id)
    if request.method == "GET":
        return _ask(
            row,
            title=_("Change the secret?"),
            question=_("From now on everything is signed with a new secret, which is shown once."),
            facts=[_("For 24 hours it is signed with the old one too, so that nothing is lost meanwhile.")],
            action=url_for(".webhook_secret", endpoint_id=endpoint_id),
            button=_("Change the secret"),
        )
    return _show(endpoint_id, secret=services.rotate_secret(endpoint_id))


@blueprint.route(f"{_ENDPOINT}/remove", methods=["GET", "POST"])
@needs(Ability.KEYS)
def remove_webhook(endpoint_id: int) -> Response:
    """Ask, then forget it."""
    row = _row_or_404(endpoint_id)
    if request.method == "GET":
        return _ask(
            row,
            title=_("Remove this webhook?"),
            question=_("%(url)s is not called any more.", url=row.url),
            facts=[_("What waits for it is not sent, and the list of what was sent goes too.")],
            action=url_for(".remove_webhook", endpoint_id=endpoint_id),
            button=_("Remove it"),
        )
    services.remove(endpoint_id)
    return done(url_for(".webhooks"), _("The webhook is removed."))


def _act(endpoint_id: int, act: Callable[[int], Any], words: str) -> Response:
    try:
        act(endpoint_id)
    except NoSuchEndpoint:
        abort(404, _("There is no such webhook in this store."))
    return done(url_for(".webhook", endpoint_id=endpoint_id), words)


def _is_good(form: EndpointForm) -> bool:
    good = form.validate()
    if not form.events.data:
        form.events.errors = (_("Say what it is to be told."),)
        return False
    return bool(good)


def _events(form: EndpointForm) -> list[Event]:
    return [event for event in Event if event.value in (form.events.data or ())]


def _list(form: EndpointForm, status: int = 200) -> Response:
    page = render_template("hooks/index.html", form=form, endpoints=queries.endpoints(), event_words=EVENT_WORDS)
    return make_response(page, status)


def _show(
    endpoint_id: int,
    *,
    row: EndpointRow | None = None,
    form: EndpointForm | None = None,
    secret: str = "",
    status: int = 200,
) -> Response:
    row = row or _row_or_404(endpoint_id)
    form = form or EndpointForm(data={"url": row.url, "events": list(row.events)})
    shown = {"endpoint": row, "form": form, "secret": secret, "example": _example(), **_log(endpoint_id)}
    return make_response(render_template("hooks/show.html", **shown), status)


def _example() -> str:
    """What is sent of an invoice, as a program reads it."""
    body = body_of(
        message_id="msg_5f0c1d9ab2e84b7f9a37c1d2e3f40516",
        type_=Event.INVOICE_ISSUED,
        created_at=datetime(2026, 11, 22, 4, 30, tzinfo=UTC),
        store=g.store.slug,
        data={
            "id": "1042",
            "number": "INV01042",
            "date": "2026-11-22",
            "currency": g.store.currency,
            "total": 3990,
            "order": {"id": "2207", "number": "2611ABC"},
            "channel": {"id": "3", "name": "SiteGiant"},
        },
    )
    return json.dumps(json.loads(body), indent=2)


def _log(endpoint_id: int) -> dict[str, Any]:
    page = queries.messages_page(endpoint_id, Keyset.from_args(request.args))
    return {"page": page, "event_words": EVENT_WORDS, "trouble_words": trouble_words, "why_paused": why_paused}


def _ask(row: EndpointRow, **asked: Any) -> Response:
    back = url_for(".webhook", endpoint_id=row.id)
    return make_response(render_template("_shared/confirm.html", back=back, tone="danger", **asked))


def _row_or_404(endpoint_id: int) -> EndpointRow:
    row = queries.endpoint(endpoint_id)
    if row is None:
        abort(404, _("There is no such webhook in this store."))
    return row
