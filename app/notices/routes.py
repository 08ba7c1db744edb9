"""The bell, the page behind it, Settings → Notifications, and the link that stops mails."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Flask, abort, g, make_response, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.accounts.limits import limit_address
from app.core.noticing import EVERY, NoticeKind, Way
from app.core.roles import Ability
from app.notices import queries
from app.notices.choosing import choose, stop_mail, ways_of
from app.notices.personal import mark_devices_read, new_devices
from app.notices.queries import NoticeFilter, NoticeRow
from app.notices.services import mark_read
from app.notices.stopping import stopped_by
from app.notices.words import KIND_WORDS, Told, told
from app.tenancy.routes import blueprint as settings
from app.tenancy.scope import store_scope
from app.web.args import read_args
from app.web.beside import beside
from app.web.ids import LARGEST
from app.web.needs import needs, public
from app.web.pagination import Keyset
from app.web.respond import done, fragment, page_or_fragment, redirect_to, wants_fragment

_IN_MENU = 6
_ID = f"<int(max={LARGEST}):notice_id>"
_HAPPENING = tuple(kind for kind in NoticeKind if kind is not NoticeKind.DIGEST)

blueprint = Blueprint("notices", __name__)


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    app = cast(Flask, state.app)
    app.jinja_env.globals.update(unread_notices=beside(app, queries.unread_counted))


@blueprint.get("/<store>/notices")
@needs(Ability.LOOK)
def index() -> Response:
    """What the person was told of, the newest first."""
    return _list()


@blueprint.get("/<store>/notices/menu")
@needs(Ability.LOOK)
def menu() -> Response:
    """The newest few, for the menu behind the bell."""
    if not wants_fragment():
        return redirect_to(url_for(".index"))
    user_id = g.membership.user_id
    notices = _told(queries.newest(user_id, _IN_MENU))
    return fragment("notices/_menu.html", notices=notices, devices=new_devices(user_id))


@blueprint.get("/<store>/notices/count")
@needs(Ability.LOOK)
def count() -> Response:
    """How many are not read, again."""
    if not wants_fragment():
        return redirect_to(url_for(".index"))
    return fragment("notices/_count.html", unread=queries.unread_count())


@blueprint.post("/<store>/notices/read")
@needs(Ability.LOOK)
def read_all() -> Response:
    """Mark everything as read."""
    many = mark_read(g.membership.user_id) + mark_devices_read(g.membership.user_id)
    words = ngettext("%(num)d notice is marked as read.", "%(num)d notices are marked as read.", many)
    return done(url_for(".index"), words if many else _("Everything was read already."))


@blueprint.post(f"/<store>/notices/{_ID}/read")
@needs(Ability.LOOK)
def read_one(notice_id: int) -> Response:
    """Mark one as read, and stay."""
    _notice_or_404(notice_id)
    mark_read(g.membership.user_id, notice_id)
    return redirect_to(url_for(".index"))


@blueprint.post(f"/<store>/notices/{_ID}/open")
@needs(Ability.LOOK)
def open_one(notice_id: int) -> Response:
    """Mark one as read, and go where it leads."""
    row = _notice_or_404(notice_id)
    mark_read(g.membership.user_id, notice_id)
    return redirect_to(_told_of(row).url or url_for(".index"))


@blueprint.post("/<store>/notices/devices/open")
@needs(Ability.LOOK)
def open_devices() -> Response:
    """Mark what the person is told of their sign-ins as read, and go where they are listed and ended."""
    mark_devices_read(g.membership.user_id)
    return redirect_to(url_for("accounts.devices"))


@settings.route("/notifications", methods=["GET", "POST"])
@needs(Ability.LOOK)
def notifications() -> Response:
    """How the person wants to be told of each kind; the digest, how often."""
    if request.method == "GET":
        return make_response(render_template("settings/notifications.html", **_choices()))
    ways: dict[NoticeKind, Way] = {
        kind: Way.of(in_portal=f"{kind}-portal" in request.form, by_mail=f"{kind}-mail" in request.form)
        for kind in _HAPPENING
    }
    every = request.form.get("digest", "")
    if every not in EVERY:
        problem = _("Choose how often you want the digest.")
        return make_response(render_template("settings/notifications.html", problem=problem, **_choices()), 422)
    choose(g.membership.user_id, {**ways, NoticeKind.DIGEST: Way(every)})
    return done(url_for("settings.notifications"), _("Saved."))


@blueprint.route("/unsubscribe/<token>", methods=["GET", "POST"])
@public
@limit_address("60 per hour")
def stop(token: str) -> Response:
    """Mail a person nothing of one kind any more. A mail program presses the button by itself (RFC 8058)."""
    found = stopped_by(token)
    if found is None:
        abort(404, _("This link is not whole. Copy it again from the e-mail."))
    store_id, user_id, kind = found
    label = KIND_WORDS[kind][0]
    if request.method == "GET":
        return make_response(render_template("notices/stop.html", token=token, label=label))
    with store_scope(store_id):
        stop_mail(user_id, kind)
    return make_response(render_template("notices/stopped.html", label=label))


def _list() -> Response:
    where = read_args(NoticeFilter, request.args)
    keyset = Keyset.from_args(request.args)
    page = queries.notices_page(g.membership.user_id, where, keyset)
    is_newest = keyset.cursor is None
    devices = new_devices(g.membership.user_id) if is_newest and where.kind is None else []
    shown: dict[str, Any] = {
        "page": page,
        "where": where,
        "notices": _told(page.rows),
        "devices": devices,
        "kinds": _HAPPENING,
    }
    return page_or_fragment(
        "notices/list.html", "notices/_list.html", kind_words=KIND_WORDS, is_newest=is_newest, **shown
    )


def _told(rows: Any) -> list[tuple[NoticeRow, Told]]:
    return [(row, _told_of(row)) for row in rows]


def _told_of(row: NoticeRow) -> Told:
    return told(row.kind, row.detail, g.store.name, is_over=row.is_over)


def _notice_or_404(notice_id: int) -> NoticeRow:
    row = queries.notice(g.membership.user_id, notice_id)
    if row is None:
        abort(404, _("There is no such notice."))
    return row


def _choices() -> dict[str, Any]:
    ways = ways_of(g.membership.user_id) or {}
    return {
        "kinds": [(kind, *KIND_WORDS[kind], ways[kind]) for kind in _HAPPENING],
        "digest": ways[NoticeKind.DIGEST],
        "digest_words": KIND_WORDS[NoticeKind.DIGEST],
        "every": ((Way.NONE, _("Never")), (Way.DAILY, _("Every morning")), (Way.WEEKLY, _("Monday mornings"))),
    }
