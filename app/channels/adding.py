"""The steps of [+] Add channel: choose a kind, test its connection, name it, done. Each step is a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import abort, current_app, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.accounts.limits import limit_person
from app.accounts.proving import proved_recently
from app.channels import drafts, queries, services
from app.channels.connecting import Kind, kind_of, kinds, same_address, test_connection
from app.channels.drafts import Draft
from app.channels.forms import ConnectForm, OptionsForm, connect_form
from app.channels.routes import TESTS_A_MINUTE, blueprint, channel_or_404
from app.core.errors import ChannelError
from app.core.roles import Ability
from app.orders.following import follow_start_date
from app.web.needs import needs


@blueprint.get("/add")
@needs(Ability.CHANNELS)
def add() -> str:
    """Step 1: which kind of system."""
    return render_template("channels/add_kind.html", kinds=kinds())


@blueprint.route("/add/<kind>", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
@limit_person(TESTS_A_MINUTE)
@proved_recently
def add_connection(kind: str) -> Response:
    """Step 2: address and key, tested before anything is stored. The key never goes back into the page."""
    system = _kind_or_404(kind)
    draft = drafts.load(kind)
    if request.method == "GET":
        return _connection_page(system, draft, connect_form(system, data=draft.config))
    form = connect_form(system, request.form)
    config = _typed_or_kept(system, form, draft)
    if request.form.get("go") == "back":
        changed = config != draft.config
        return drafts.keep(redirect(url_for(".add"), 303), draft.untested(config) if changed else draft)
    if not _is_complete(form, system, config):
        return _connection_page(system, draft, form, 422)
    try:
        facts = test_connection(kind, config)
    except ChannelError as error:
        form.show(error, system)
        return _connection_page(system, draft, form, 422)
    return drafts.keep(redirect(url_for(".add_options", kind=kind), 303), draft.tested(config, facts))


@blueprint.route("/add/<kind>/options", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
@limit_person(TESTS_A_MINUTE)
def add_options(kind: str) -> Response:
    """Step 3: what it is called and what is wanted from it; *Connect* stores the channel."""
    system = _kind_or_404(kind)
    draft = drafts.load(kind)
    if not draft.is_tested:
        flash(_("Test the connection first, then choose the options."), "info")
        return redirect(url_for(".add_connection", kind=kind), 303)
    if request.method == "GET":
        return _options_page(system, draft, _options_form(draft))
    form = _options_form(draft, request.form)
    if request.form.get("go") == "back":
        kept = replace(draft, options=_typed_options())
        return drafts.keep(redirect(url_for(".add_connection", kind=kind), 303), kept)
    if not form.validate():
        return _options_page(system, draft, form, 422)
    return _connect(system, draft, form)


@blueprint.get("/<int:channel_id>/connected")
@needs(Ability.CHANNELS)
def connected(channel_id: int) -> str:
    """Step 4: what was found, and the first thing to do with it."""
    channel = channel_or_404(channel_id)
    known = {g.store.currency, *g.store.invoice_currencies}
    places = queries.marketplaces(channel_id)
    return render_template(
        "channels/add_done.html",
        channel=channel,
        kind=kind_of(channel.kind),
        marketplaces=places,
        foreign=sorted({place.currency for place in places} - known),
    )


def _connect(system: Kind, draft: Draft, form: OptionsForm) -> Response:
    new = services.NewChannel(
        kind=system.kind,
        config=draft.config,
        name=form.name.data or "",
        start_on=form.start_on.data,
        unmapped_gateway=form.unmapped_gateway.data if "unmapped_gateway" in form else None,
    )
    try:
        channel_id = services.connect_channel(new)
        follow_start_date(channel_id, g.membership.user_id)
    except ChannelError as error:
        form.form_errors.append(error.user_message)
        return _options_page(system, draft, form, 422)
    except services.AlreadyConnected as known:
        flash(_("This account is connected already, as “%(name)s”.", name=known.name), "info")
        return drafts.forget(redirect(url_for(".show", channel_id=known.channel_id), 303), system.kind)
    then = ".set_up" if system.is_set_up else ".connected"
    return drafts.forget(redirect(url_for(then, channel_id=channel_id), 303), system.kind)


def _typed_or_kept(system: Kind, form: ConnectForm, draft: Draft) -> dict[str, str]:
    """What was typed; an empty secret means the one typed before, but only at the address it was typed for."""
    typed = form.values()
    open_now = {name: value for name, value in typed.items() if name not in system.secret_names}
    open_then = {name: value for name, value in draft.config.items() if name not in system.secret_names}
    if draft.config and same_address(open_now, open_then):
        return {name: value or draft.config.get(name, "") for name, value in typed.items()}
    return typed


def _is_complete(form: ConnectForm, system: Kind, config: dict[str, str]) -> bool:
    is_valid = form.validate()
    for field in system.fields:
        if field.secret and not config[field.name] and not form[field.name].errors:
            form[field.name].errors = [_("Enter this to go on. We keep it only for the address it was typed for.")]
            is_valid = False
    return is_valid


def _connection_page(system: Kind, draft: Draft, form: ConnectForm, status: int = 200) -> Response:
    page = render_template(
        "channels/add_connection.html",
        kind=system,
        form=form,
        kept_secrets={name for name in system.secret_names if draft.config.get(name)},
        sandboxes=current_app.extensions["settings"].allow_sandboxes,
    )
    return make_response(page, status)


def _options_form(draft: Draft, formdata: Any = None) -> OptionsForm:
    kept = MultiDict(draft.options) if draft.options and formdata is None else formdata
    form = OptionsForm(kept, data={"name": draft.account, "start_on": _default_start()})
    if queries.had_channel():
        del form.unmapped_gateway
    return form


def _default_start() -> Any:
    return services.first_day_of_year(datetime.now(UTC), g.store.time_zone)


def _typed_options() -> dict[str, str]:
    return {name: request.form.get(name, "")[:100] for name in ("name", "start_on", "unmapped_gateway")}


def _options_page(system: Kind, draft: Draft, form: OptionsForm, status: int = 200) -> Response:
    return make_response(render_template("channels/add_options.html", kind=system, draft=draft, form=form), status)


def _kind_or_404(kind: str) -> Kind:
    try:
        return kind_of(kind)
    except KeyError:
        abort(404)
