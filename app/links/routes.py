"""The pages of the agreement between two stores: the main store's steps, the sub-store's answer, the link itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast

from flask import Blueprint, Flask, abort, current_app, flash, g, make_response, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from app.accounts.access import me
from app.accounts.limits import limit_address
from app.catalog.services import warehouse_rows
from app.core.linking import LinkState, NotPossible, Rule, Side, letters_of
from app.core.roles import Ability
from app.extensions import limiter, visitor_address
from app.links import journeys, queries, services, words
from app.links.days import days
from app.links.forms import CodeForm, DenyForm, EndForm, LinkForm
from app.links.queries import LinkRow
from app.links.services import LinkedAlready, NoSuchLink, NoWarehouse, Refused
from app.orders.queries import order_rows
from app.sync.nudge import nudge
from app.web.beside import beside
from app.web.errors import handle_http_error
from app.web.ids import row_id
from app.web.nav import count_badge
from app.web.needs import needs
from app.web.respond import done, fragment, redirect_to, wants_fragment

CODES_BY_STORE: Final = "20 per hour"
CODES_BY_ADDRESS: Final = "60 per hour"
"""How often codes may be tried. A code has 100 bits, so this is against noise, not for its safety."""
_NO_CONTENT: Final = 204
_LONGEST_STAMP: Final = 5000

blueprint = Blueprint("links", __name__, url_prefix="/<store>")


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    app = cast(Flask, state.app)
    count_badge(app, "channels.index", beside(app, queries.counted_requests))
    state.app.jinja_env.globals.update(
        shown_links=queries.shown_links,
        links_stamp=_stamp,
        why_link=words.why,
        link_of=queries.link_of,
        order_journey=journeys.order_journey,
    )


@blueprint.app_errorhandler(NoSuchLink)
def _gone(_error: NoSuchLink) -> Response:
    return handle_http_error(NotFound(_("There is no such link in this store.")))


def _limit_by_store(view: Callable[..., Any]) -> Callable[..., Any]:
    limited: Callable[..., Any] = limiter.limit(
        CODES_BY_STORE, key_func=lambda: f"link-code-{g.store.id}", methods=["POST"]
    )(view)
    return limited


def _by_address() -> str:
    return f"link-code-{visitor_address()}"


@blueprint.route("/channels/add/store", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
@_limit_by_store
@limit_address(CODES_BY_ADDRESS)
def code() -> Response:
    """Step 2 of adding another store: its code. `link` is a draft that one came back from."""
    draft = _draft_of(request.args.get("link", 0, type=row_id))
    form = CodeForm(request.form if request.method == "POST" else None)
    if request.method == "GET":
        return _code_page(form, draft)
    if draft is not None and not form.code.data:
        return redirect_to(url_for(".options", link_id=draft.id))
    problem = "" if not form.validate() else words.about_code(form.code.data or "")
    if problem:
        form.code.errors = (problem,)
    if form.errors or problem:
        return _code_page(form, draft, status=422)
    try:
        link_id = services.start_draft(letters_of(form.code.data or ""))
    except LinkedAlready as known:
        flash(_("You have asked this store already, or are linked with it."), "info")
        return redirect_to(url_for(".show", link_id=known.link_id))
    except Refused as refused:
        return _refused_code(form, draft, refused)
    return redirect_to(url_for(".options", link_id=link_id))


@blueprint.route("/channels/add/store/<int:link_id>", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
def options(link_id: int) -> Response:
    """Step 3: the name, the warehouse, and *Connect*."""
    link = _link_or_404(link_id)
    if not link.is_main or link.state is not LinkState.DRAFT:
        return redirect_to(url_for(".show", link_id=link_id))
    known = {"channel_name": link.channel_name or link.sub_name, "location_id": link.location_id}
    form = LinkForm(request.form if request.method == "POST" else None, data=known).with_warehouses(_warehouses())
    if request.method == "GET":
        return _options_page(link, form)
    if request.form.get("go") == "back":
        services.keep_options(link_id, (form.channel_name.data or "")[:60], _chosen(form))
        return redirect_to(url_for(".code", link=link_id))
    return _ask(link, form) if form.validate() else _options_page(link, form, status=422)


def _ask(link: LinkRow, form: LinkForm) -> Response:
    """*Connect*."""
    try:
        services.ask(link.id, form.channel_name.data or "", form.location_id.data, me().name)
    except Refused as refused:
        return _options_page(link, form, status=422, refused=refused)
    except NoWarehouse:
        form.location_id.errors = (_("This warehouse is not used any more. Choose another one."),)
        return _options_page(link, form, status=422)
    except (NotPossible, LinkedAlready):
        return _overtaken(link)
    _nudge(link)
    asked = _("%(name)s was asked. Its answer appears on this page by itself.", name=link.sub_name)
    return done(url_for(".show", link_id=link.id), asked)


@blueprint.get("/channels/links/<int:link_id>")
@needs(Ability.LOOK)
def show(link_id: int) -> Response:
    """A link as either store sees it: how it stands, what flowed and happened, how to end it.

    `seen` is the stamp of what a page shows.
    """
    link = _link_or_404(link_id)
    if wants_fragment():
        shown = _shown(link)
        if request.args.get("seen") == shown["stamp"]:
            return make_response("", _NO_CONTENT)
        return fragment("links/_link.html", **shown)
    if link.state is LinkState.DRAFT and g.membership.role.may(Ability.CHANNELS):
        return redirect_to(url_for(".options", link_id=link_id))
    return _link_page(link)


@blueprint.get("/channels/links")
@needs(Ability.LOOK)
def cards() -> Response:
    """The links on the Channels page; `seen` tells which state of them it shows."""
    if not wants_fragment():
        return redirect_to(url_for("channels.index"))
    seen = request.args.get("seen", "")
    links = queries.shown_links(kept=_ids_in(seen))
    if seen == _stamp(links):
        return make_response("", _NO_CONTENT)
    return fragment("links/_cards.html", links=links, badge=queries.waiting_requests())


@blueprint.get("/orders/<int:order_id>/journey")
@needs(Ability.LOOK)
def order_journey(order_id: int) -> Response:
    """The line on an order's page that says whether it goes to the main store."""
    if not wants_fragment():
        return redirect_to(url_for("orders.show", order_id=order_id))
    if not order_rows([order_id]):
        abort(404, _("There is no such order in this store."))
    return fragment("links/_journey.html", order_id=order_id)


@blueprint.get("/channels/authorized")
@needs(Ability.LOOK)
def authorized() -> Response:
    """*Authorized Channel*: who asks to be the main store, who is, and who was."""
    found = [link for link in queries.links() if not link.is_main]
    if wants_fragment():
        if request.args.get("seen") == _stamp(found):
            return make_response("", _NO_CONTENT)
        return fragment("links/_authorized.html", links=found, **_may(found))
    return make_response(render_template("links/authorized.html", links=found, **_may(found)))


@blueprint.route("/channels/links/<int:link_id>/grant", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
def grant(link_id: int) -> Response:
    """Say once more what the main store will see and do, then let it in."""
    link = _request_or_none(link_id)
    if link is None:
        return _overtaken(_link_or_404(link_id))
    if request.method == "GET":
        findings = words.checks(services.answer_checks(link_id), link.main_name, Side.SUB)
        return make_response(render_template("links/grant.html", link=link, checks=findings, **_may([link])))
    try:
        services.grant(link_id, me().name)
    except Refused as refused:
        findings = words.checks(refused.findings, link.main_name, Side.SUB)
        page = render_template("links/grant.html", link=link, checks=findings, **_may([link]))
        return make_response(page, 422)
    except NotPossible:
        return _overtaken(link)
    _nudge(link)
    return done(url_for(".show", link_id=link_id), _("You and %(name)s are connected.", name=link.main_name))


@blueprint.route("/channels/links/<int:link_id>/deny", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
def deny(link_id: int) -> Response:
    """Refuse a request, with or without a reason."""
    link = _request_or_none(link_id)
    if link is None:
        return _overtaken(_link_or_404(link_id))
    form = DenyForm(request.form if request.method == "POST" else None)
    if request.method == "GET" or not form.validate():
        return _confirm_denial(link, form)
    try:
        services.deny(link_id, me().name, form.words.data or "")
    except NotPossible:
        return _overtaken(link)
    _nudge(link)
    return done(url_for(".authorized"), _("%(name)s was denied, and saw nothing of your store.", name=link.main_name))


@blueprint.post("/channels/links/<int:link_id>/withdraw")
@needs(Ability.CHANNELS)
def withdraw(link_id: int) -> Response:
    """Take back a draft or a request."""
    link = _link_or_404(link_id)
    try:
        services.withdraw(link_id, me().name)
    except NotPossible:
        return _overtaken(link)
    _nudge(link)
    if link.state is LinkState.DRAFT:
        return done(url_for("channels.index"), _("Discarded. %(name)s was not asked.", name=link.sub_name))
    return done(url_for(".show", link_id=link_id), _("Withdrawn. You can ask again at any time."))


@blueprint.post("/channels/links/<int:link_id>/ask-again")
@needs(Ability.CHANNELS)
def ask_again(link_id: int) -> Response:
    """Begin anew with what an earlier request had."""
    link = _link_or_404(link_id)
    if not link.is_main:
        return _overtaken(link)
    try:
        draft_id = services.ask_again(link_id)
    except LinkedAlready as known:
        return redirect_to(url_for(".show", link_id=known.link_id))
    except Refused as refused:
        flash(words.refusal(refused.findings, link.sub_name, Side.MAIN), "danger")
        return redirect_to(url_for(".code"))
    return redirect_to(url_for(".options", link_id=draft_id))


@blueprint.route("/channels/links/<int:link_id>/end", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
def end(link_id: int) -> Response:
    """Say what the end means for stock, orders and history; then end it."""
    link = _link_or_404(link_id)
    if not link.is_granted:
        return _overtaken(link)
    form = EndForm(request.form if request.method == "POST" else None)
    if request.method == "GET":
        return make_response(render_template("links/end.html", link=link, form=form))
    if not form.validate():
        return make_response(render_template("links/end.html", link=link, form=form), 422)
    try:
        services.end(link_id, me().name, form.stock.data)
    except NotPossible:
        return _overtaken(link)
    _nudge(link)
    return done(url_for(".show", link_id=link_id), _("The link with %(name)s has ended.", name=link.other_name))


@blueprint.route("/settings/general/code", methods=["GET", "POST"])
@needs(Ability.CHANNELS)
def rotate() -> Response:
    """Say what another verification code means, then change it."""
    if request.method == "GET":
        return make_response(render_template("_shared/confirm.html", **_rotation()))
    for store_id in services.rotate_code(me().id, me().name):
        nudge(store_id, "links")
    nudge(g.store.id, "links")
    return done(url_for("settings.general"), _("There is another verification code now. The old one opens nothing."))


def _rotation() -> dict[str, Any]:
    waiting = queries.waiting_requests()
    return {
        "title": _("Change the verification code?"),
        "question": _("This is what happens:"),
        "facts": [
            _("The old code opens nothing any more. Whoever you gave it to needs the new one."),
            _("The request that waits for your answer ends, and who asked is told.")
            if waiting
            else _("A request that is made with the old code until then ends."),
            _("A main store that you granted access stays connected."),
        ],
        "action": url_for(".rotate"),
        "button": _("Change the code"),
        "back": url_for("settings.general"),
        "tone": "danger",
    }


def _confirm_denial(link: LinkRow, form: DenyForm) -> Response:
    facts = [
        _("%(name)s is told that you denied, and reads the reason if you give one.", name=link.main_name),
        _("It has seen nothing of your store and will see nothing."),
        _("It may ask again with your code. Change the code under Settings, General, if you do not want that."),
    ]
    page = render_template(
        "_shared/confirm.html",
        title=_("Deny access to %(name)s?", name=link.main_name),
        question=_("This is what happens:"),
        facts=facts,
        action=url_for(".deny", link_id=link.id),
        button=_("Deny Access"),
        back=url_for(".authorized"),
        tone="danger",
        form=form,
    )
    return make_response(page, 422 if form.errors else 200)


def _refused_code(form: CodeForm, draft: LinkRow | None, refused: Refused) -> Response:
    """An unknown code is said at the field, as is one's own; other rules make the list of checks."""
    if refused.says(Rule.CODE_INVALID) or refused.says(Rule.SELF_LINK):
        form.code.errors = (words.refusal(refused.findings, refused.name, Side.MAIN),)
        return _code_page(form, draft, status=422)
    checks = words.checks(refused.findings, refused.name, Side.MAIN)
    return _code_page(form, draft, status=422, checks=checks, name=refused.name)


def _code_page(form: CodeForm, draft: LinkRow | None, status: int = 200, **context: Any) -> Response:
    leads = services.may_lead()
    sandboxes = current_app.extensions["settings"].allow_sandboxes
    page = render_template("links/code.html", form=form, draft=draft, may_lead=leads, sandboxes=sandboxes, **context)
    return make_response(page, status)


def _options_page(link: LinkRow, form: LinkForm, status: int = 200, refused: Refused | None = None) -> Response:
    findings = refused.findings if refused else services.checks_of(link.id)
    page = render_template(
        "links/options.html",
        link=link,
        form=form,
        checks=words.checks(findings, link.sub_name, Side.MAIN),
        is_refused=any(finding.is_broken for finding in findings),
        has_warehouse=bool(_warehouses()),
    )
    return make_response(page, status)


def _link_page(link: LinkRow) -> Response:
    return make_response(render_template("links/show.html", **_shown(link)))


def _shown(link: LinkRow) -> dict[str, Any]:
    story = [(event, words.told(event, link)) for event in queries.events(link.id)]
    flowed, channel_id = days(link.id), queries.channel_of(link)
    counted = sum(day.orders + day.stock_told + day.moves for day in flowed)
    stamp = f"{link.version}.{channel_id or ''}.{counted}"
    return {"link": link, "story": story, "flowed": flowed, "channel_id": channel_id, "stamp": stamp, **_may([link])}


def _may(links: list[LinkRow]) -> dict[str, Any]:
    """What main stores see and do, by the link's id."""
    return {
        "sees": {link.id: words.what_they_see(link.main_name) for link in links},
        "does": {link.id: words.what_they_do(link.main_name) for link in links},
        "stays": {link.id: words.what_stays(link.main_name) for link in links},
    }


def _overtaken(link: LinkRow) -> Response:
    """Somebody was a moment faster, or the button belongs to the other store: the link's page says how it stands."""
    flash(_("This was not done: the link has changed in the meantime. This is how it stands now."), "warning")
    return redirect_to(url_for(".show", link_id=link.id))


def _link_or_404(link_id: int) -> LinkRow:
    found = queries.link(link_id)
    if found is None:
        abort(404, _("There is no such link in this store."))
    return found


def _request_or_none(link_id: int) -> LinkRow | None:
    """A request that waits for this store's answer."""
    link = _link_or_404(link_id)
    return None if link.is_main or link.state is not LinkState.PENDING else link


def _draft_of(link_id: int) -> LinkRow | None:
    link = queries.link(link_id) if link_id else None
    return link if link is not None and link.is_main and link.state is LinkState.DRAFT else None


def _warehouses() -> list[tuple[int, str]]:
    return [(row.id, row.name) for row in warehouse_rows() if not row.is_archived]


def _chosen(form: LinkForm) -> int | None:
    known = {number for number, _name in _warehouses()}
    return form.location_id.data if form.location_id.data in known else None


def _stamp(links: list[LinkRow]) -> str:
    """Which state of these links a page shows."""
    return "-".join(f"{link.id}.{link.version}" for link in links)


def _ids_in(stamp: str) -> set[int]:
    """The links that a page with this stamp shows."""
    return {int(number) for number in re.findall(r"([0-9]{1,18})\.", stamp[:_LONGEST_STAMP])}


def _nudge(link: LinkRow) -> None:
    """Tell the open pages of both stores to look again. Each fetches what it may see, in its own scope."""
    nudge(g.store.id, "links")
    nudge(link.other_store_id, "links")
