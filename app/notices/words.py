"""Notices in words, for whoever reads them (`g.membership`): each says what happened, and leads to what mends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.accounts.offering import may, may_open
from app.core.linking import Side
from app.core.noticing import NoticeKind
from app.core.roles import Ability
from app.hooks.words import why_paused
from app.links.words import findings_of, refusal
from app.notices.over import cause_of
from app.orders.causes import CauseKind
from app.sync.problems import cause_url, title_of
from app.web.filters import day, number
from app.web.links import url_if

KIND_WORDS: Final[Mapping[NoticeKind, tuple[Any, Any]]] = {
    NoticeKind.FAILED_SYNC: (
        _l("Failed Sync"),
        _l("Orders or invoice numbers wait for somebody: once a day for each cause that is new or grew."),
    ),
    NoticeKind.CHANNEL_PAUSED: (_l("A channel stopped"), _l("It does not let us in any more, so nothing flows.")),
    NoticeKind.APPROVAL_ASKED: (
        _l("Links with other stores"),
        _l("Another store asks for approval, answers, or ends a link."),
    ),
    NoticeKind.VERIFICATION_DIFFERENCE: (
        _l("Completeness"),
        _l("A verification found that a channel and your books do not say the same."),
    ),
    NoticeKind.ENDPOINT_PAUSED: (_l("A webhook stopped"), _l("Its address took nothing any more and is not called.")),
    NoticeKind.KEY_ENDS: (_l("An API key ends"), _l("A program cannot send orders any more once its key has ended.")),
    NoticeKind.DIGEST: (_l("Digest"), _l("How it stands and what waits, in the morning. Without news there is none.")),
}
"""What each kind is called, and what it is."""

_DRAWINGS: Final[Mapping[NoticeKind, tuple[str, str]]] = {
    NoticeKind.FAILED_SYNC: ("warning", "warning"),
    NoticeKind.CHANNEL_PAUSED: ("pause", "danger"),
    NoticeKind.APPROVAL_ASKED: ("link", "info"),
    NoticeKind.VERIFICATION_DIFFERENCE: ("check", "warning"),
    NoticeKind.ENDPOINT_PAUSED: ("pause", "danger"),
    NoticeKind.KEY_ENDS: ("key", "warning"),
    NoticeKind.DIGEST: ("report", "info"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it is read: what happened, what that means or '', and the page that mends it, with a word for it.

    `url` is None where its reader may open no such page, or where nothing is left to do, which `over` says then.
    """

    title: str
    words: str
    url: str | None
    button: str
    drawing: str
    tone: str
    over: str = ""


def told(kind: NoticeKind, detail: Mapping[str, Any], store: str, *, is_over: bool = False) -> Told:
    """One notice in the reader's language; `store` is the name of the store that it is of."""
    title, words, url, button = _TELLERS[kind](detail, store)
    if is_over:
        is_cause = "cause" in detail
        over = _over(kind, is_cause=is_cause)
        return Told(title, words if is_cause else "", None, button, "check", "neutral", over)
    return Told(title, words, url if url and may_open(url) else None, button, *_DRAWINGS[kind])


def _over(kind: NoticeKind, *, is_cause: bool) -> str:
    if kind is NoticeKind.APPROVAL_ASKED:
        return _("No answer is waited for any more.")
    nothing_waits = is_cause or kind in (NoticeKind.VERIFICATION_DIFFERENCE, NoticeKind.KEY_ENDS)
    return _("Mended: nothing waits any more.") if nothing_waits else _("Mended: it goes on again.")


def _failed(detail: Mapping[str, Any], _store: str) -> tuple[str, str, str | None, str]:
    key = cause_of(detail)
    if key is None:
        title = _("A job of %(channel)s stopped", channel=detail["channel"])
        return (
            title,
            _("See what it says, and try again."),
            url_if("sync.job", job_id=detail["job_id"]),
            _("Open the job"),
        )
    channel, count = detail["channel"], int(detail["count"])
    title = ngettext(
        "%(channel)s: %(count)s order waits for you",
        "%(channel)s: %(count)s orders wait for you",
        count,
        channel=channel,
        count=number(count),
    )
    words = title_of(key, channel)
    has_page = key.kind not in (CauseKind.STOCK, CauseKind.CONFLICTS)
    url = cause_url("orders.failed_cause", key) if has_page else url_if("orders.failed")
    return title, words, url, _("Mend the cause")


def _paused(detail: Mapping[str, Any], store: str) -> tuple[str, str, str | None, str]:
    title = _("%(channel)s stopped: its key is not accepted", channel=detail["channel"])
    words = _(
        "%(channel)s does not accept the key of %(store)s any more, so nothing is read from it and nothing is "
        "written to it. Nothing was lost: it goes on from where it stopped once you reconnect it.",
        channel=detail["channel"],
        store=store,
    )
    if may(Ability.CHANNELS):
        return title, words, url_if("channels.reconnect", channel_id=detail["channel_id"]), _("Reconnect")
    return title, words, url_if("channels.show", channel_id=detail["channel_id"]), _("Open the channel")


def _link(detail: Mapping[str, Any], _store: str) -> tuple[str, str, str | None, str]:
    what = detail["what"]
    title, words = _link_words(what, detail)
    if what == "asked":
        return title, words, url_if("links.authorized"), _("Answer")
    return title, words, url_if("links.show", link_id=detail["link_id"]), _("Open the link")


def _link_words(what: str, detail: Mapping[str, Any]) -> tuple[str, str]:
    """What happened to a link, for the side of the store that reads it."""
    main, sub = detail["main"], detail["sub"]
    other = sub if detail["side"] == Side.MAIN else main
    facts = {"main": main, "sub": sub, "other": other}
    return {
        "asked": (
            _("%(main)s asks to be your main store", **facts),
            _(
                "%(main)s wants to link with %(sub)s. It sees nothing of your store unless you grant access. On the "
                "page below you read what it would see and do, and grant or deny it. If nobody answers, the request "
                "ends on %(day)s.",
                day=day(datetime.fromisoformat(detail["expires_at"])) if detail["expires_at"] else "",
                **facts,
            ),
        ),
        "withdrawn": (
            _("%(main)s withdrew its request", **facts),
            _("%(main)s no longer asks to be the main store of %(sub)s. There is nothing to answer.", **facts),
        ),
        "granted": (
            _("%(main)s and %(sub)s are connected", **facts),
            _("%(sub)s granted access to %(main)s. Either store can end the link at any time.", **facts),
        ),
        "denied": (
            _("%(sub)s denied access", **facts),
            _with_reason(_("%(sub)s does not want to be linked with %(main)s.", **facts), what, detail, other),
        ),
        "expired": (
            _("The request of %(main)s to %(sub)s ended", **facts),
            _("Nobody answered it for 14 days. %(main)s can ask again.", **facts),
        ),
        "code_changed": (
            _("The request of %(main)s to %(sub)s ended", **facts),
            _("%(sub)s changed its verification code before it answered. %(main)s can ask with the new one.", **facts),
        ),
        "suspended": (
            _("The link with %(other)s is suspended", **facts),
            _with_reason(
                _(
                    "Nothing flows between %(main)s and %(sub)s for now, and goes on by itself once this is mended:",
                    **facts,
                ),
                what,
                detail,
                other,
            ),
        ),
        "resumed": (
            _("The link with %(other)s goes on", **facts),
            _("What had suspended the link between %(main)s and %(sub)s is mended.", **facts),
        ),
        "ended": (
            _("The link with %(other)s has ended", **facts),
            _(
                "%(main)s and %(sub)s are not linked any more. Nothing of the other store can be read; orders and "
                "invoices that exist stay where they are.",
                **facts,
            ),
        ),
    }[what]


def _with_reason(words: str, what: str, detail: Mapping[str, Any], other: str) -> str:
    event = dict(detail["event"])
    why = str(event.get("words", "")) if what == "denied" else ""
    if what == "suspended":
        why = refusal(findings_of(event), other, Side(detail["side"]))
    return f"{words} {why}".strip()


def _differs(detail: Mapping[str, Any], _store: str) -> tuple[str, str, str | None, str]:
    title = ngettext(
        "%(count)s order differs from %(channel)s.",
        "%(count)s orders differ from %(channel)s.",
        int(detail["count"]),
        count=number(int(detail["count"])),
        channel=detail["channel"],
    )
    words = _("The verification shows each of them, with what the channel says and what your books say.")
    return title, words, url_if("completeness.show", verification_id=detail["verification_id"]), _("Compare")


def _given_up(detail: Mapping[str, Any], _store: str) -> tuple[str, str, str | None, str]:
    title = _("The webhook to %(host)s is paused", host=detail["host"])
    return (
        title,
        why_paused(detail["reason"]),
        url_if("settings.webhook", endpoint_id=detail["endpoint_id"]),
        _("Open it"),
    )


def _key_ends(detail: Mapping[str, Any], _store: str) -> tuple[str, str, str | None, str]:
    until = day(datetime.fromisoformat(detail["expires_at"]))
    title = _("The key “%(name)s” ends on %(day)s", name=detail["name"], day=until)
    words = _("Make another key in time, give it to the program, and revoke this one.")
    return title, words, url_if("settings.api_keys"), _("Make a key")


def _digest(_detail: Mapping[str, Any], store: str) -> tuple[str, str, str | None, str]:
    return _("How it stands at %(store)s", store=store), "", url_if("reports.home"), _("Open Home")


_TELLERS: Final[Mapping[NoticeKind, Callable[[Mapping[str, Any], str], tuple[str, str, str | None, str]]]] = {
    NoticeKind.FAILED_SYNC: _failed,
    NoticeKind.CHANNEL_PAUSED: _paused,
    NoticeKind.APPROVAL_ASKED: _link,
    NoticeKind.VERIFICATION_DIFFERENCE: _differs,
    NoticeKind.ENDPOINT_PAUSED: _given_up,
    NoticeKind.KEY_ENDS: _key_ends,
    NoticeKind.DIGEST: _digest,
}
