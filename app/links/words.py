"""The sentences about links: what a check found, what happened, what stands between two stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from babel.lists import format_list
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app.core.linking import CODE_LENGTH, Finding, Held, LinkState, Rule, Side, is_code, letters_of
from app.links.queries import EventRow, LinkRow


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list of checks: whether it is all right, and the sentence."""

    is_ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a link's story."""

    title: str
    drawing: str
    tone: str
    words: str = ""


def about_code(typed: str) -> str:
    """What is wrong with a code that cannot be one; '' when it may be one."""
    letters = letters_of(typed)
    if not letters:
        return _("Type the verification code that the other store gave you.")
    if len(letters) != CODE_LENGTH:
        return ngettext(
            "This code has one letter; a verification code has %(right)s.",
            "This code has %(num)s letters; a verification code has %(right)s.",
            len(letters),
            right=CODE_LENGTH,
        )
    if not is_code(letters):
        return _("A verification code has no 0, 1, I and O, so one of its letters was misread.")
    return ""


def checks(findings: Sequence[Finding], other: str, side: Side) -> list[Check]:
    """The list of checks as `side` reads it, with the other store's name where it is known."""
    words = _as_main if side is Side.MAIN else _as_sub
    return [Check(not finding.is_broken, words(finding, other)) for finding in findings]


def refusal(findings: Sequence[Finding], other: str, side: Side) -> str:
    """The broken rules in a row of sentences."""
    return " ".join(check.sentence for check in checks(findings, other, side) if not check.is_ok)


def findings_of(detail: dict[str, Any]) -> list[Finding]:
    """The findings that were kept with a link or an event."""
    return [
        Finding(Rule(one["rule"]), is_broken=True, held=Held(one["count"], tuple(one["skus"])))
        for one in detail.get("findings", [])
    ]


def why(link: LinkRow) -> str:
    """Why a link is suspended, denied or over, in words for its own side; '' when there is nothing to add."""
    if link.state is LinkState.SUSPENDED:
        return refusal(findings_of(link.reason_detail), link.other_name, link.side)
    if link.state is LinkState.DENIED:
        return str(link.reason_detail.get("words", ""))
    if link.state is LinkState.EXPIRED and link.reason == Rule.CODE_INVALID:
        return (
            _("The verification code was changed before the request was answered. Ask for the new one.")
            if link.is_main
            else _("You changed the verification code before you answered.")
        )
    if link.state is LinkState.EXPIRED:
        return _("Nobody answered for 14 days.")
    return ""


def told(event: EventRow, link: LinkRow) -> Told:
    """One event as the link's page tells it."""
    main, sub = link.main_name, link.sub_name
    findings = findings_of(event.detail)
    tellings = {
        "ask": Told(_("%(main)s asked %(sub)s", main=main, sub=sub), "clock", "neutral"),
        "withdraw": Told(_("%(main)s withdrew the request", main=main), "x", "neutral"),
        "grant": Told(_("%(sub)s granted access", sub=sub), "check", "success"),
        "deny": Told(_("%(sub)s denied access", sub=sub), "x", "danger", event.detail.get("words", "")),
        "expire": Told(
            _("%(sub)s changed its verification code, so the request ended", sub=sub)
            if event.detail.get("rule")
            else _("The request ended: nobody answered for 14 days"),
            "clock",
            "neutral",
        ),
        "suspend": Told(_("Suspended"), "pause", "warning", refusal(findings, link.other_name, link.side)),
        "resume": Told(_("Goes on: every rule is kept again"), "play", "success"),
        "end": Told(
            _("%(name)s ended the link", name=main if event.side is Side.MAIN else sub),
            "x",
            "neutral",
            _("The stock of %(sub)s was set to zero.", sub=sub)
            if event.detail.get("stock") == "zero"
            else _("The stock of %(sub)s stays as it was.", sub=sub),
        ),
    }
    return tellings.get(event.kind) or Told(event.kind, "info", "neutral")


def what_they_see(main: str) -> list[str]:
    """What a main store will see of the sub-store once it is granted."""
    return [
        _("%(main)s sees your items: SKU, barcode, name, picture, price and stock.", main=main),
        _(
            "%(main)s sees your webstore orders: what was bought, the buyer's name, address and phone, "
            "and their status.",
            main=main,
        ),
    ]


def what_they_do(main: str) -> list[str]:
    """What a main store may do in the sub-store once it is granted."""
    return [
        _("%(main)s sets the stock of the items that it links to its own.", main=main),
        _(
            "%(main)s processes and ships webstore orders that are made in your store: it may say that they "
            "are ready, shipped, on hold, cancelled or returned. If you both act at once the later counts, and both of "
            "you are told.",
            main=main,
        ),
    ]


def what_stays(main: str) -> list[str]:
    """What stays the sub-store's own, and how it ends."""
    return [
        _("%(main)s does not see your invoices, your other orders, your settings or your people.", main=main),
        _(
            "You have one main store at a time, and no batch items, serial items or kits: while you hold one, "
            "the link is suspended."
        ),
        _("You or %(main)s can end it at any time.", main=main),
    ]


def _as_main(finding: Finding, sub: str) -> str:
    """What a check found, in words for the store that asks."""
    if finding.rule in _HELD:
        return _held_there(finding, sub)
    good, bad = {
        Rule.CODE_INVALID: (
            _("It is the code of %(sub)s.", sub=sub),
            _(
                "No store has this code now. Ask the other store to read it to you again: it stands under "
                "Settings, General."
            ),
        ),
        Rule.SELF_LINK: (
            _("%(sub)s is another store than yours.", sub=sub),
            _("This is your own store's code. Ask the other store for its code."),
        ),
        Rule.PLAN_TOO_LOW: (
            _("Your plan allows you to be a main store."),
            _(
                "A main store needs the plan Premium or Enterprise. Ask whoever runs Channelbook for you to raise "
                "your plan."
            ),
        ),
        Rule.CHAIN_NOT_ALLOWED: (
            _("Neither of you stands between two other stores."),
            _(
                "A store is either a main store or a sub-store, never both. Yours has a main store or is asked by one, "
                "or the other one is a main store itself. End that link or request first."
            ),
        ),
        Rule.SUB_ALREADY_LINKED: (
            _("%(sub)s has no main store yet.", sub=sub),
            _(
                "%(sub)s has a main store already, or another one asked first. It can be linked once that has ended.",
                sub=sub,
            ),
        ),
    }[finding.rule]
    return bad if finding.is_broken else good


def _as_sub(finding: Finding, main: str) -> str:
    """What a check found, in words for the store that is asked."""
    if finding.rule in _HELD:
        return _held_here(finding)
    good, bad = {
        Rule.CODE_INVALID: (
            _("The request was made with your current code."),
            _("The request was made with an old code of yours. It ends by itself."),
        ),
        Rule.SELF_LINK: (_("It is another store than this one."), _("This is your own store.")),
        Rule.PLAN_TOO_LOW: (
            _("The plan of %(main)s allows it to be a main store.", main=main),
            _(
                "A main store needs the plan Premium or Enterprise, and %(main)s has a smaller one. Only it can "
                "change that.",
                main=main,
            ),
        ),
        Rule.CHAIN_NOT_ALLOWED: (
            _("Neither of you stands between two other stores."),
            _(
                "A store is either a main store or a sub-store, never both. You are a main store or asked to be one, "
                "or %(main)s is a sub-store itself. That link or request must end first.",
                main=main,
            ),
        ),
        Rule.SUB_ALREADY_LINKED: (
            _("You have no main store yet."),
            _("You have a main store already. End that link first."),
        ),
    }[finding.rule]
    return bad if finding.is_broken else good


_HELD = (Rule.SUB_HAS_BATCH, Rule.SUB_HAS_SERIAL, Rule.SUB_HAS_KIT)


def _held_there(finding: Finding, sub: str) -> str:
    if not finding.is_broken:
        return _none_held(finding.rule, sub)
    return _(
        "%(items)s It must archive them, or change how they are kept, before it can be linked.",
        items=_list(finding, sub),
    )


def _held_here(finding: Finding) -> str:
    if not finding.is_broken:
        return _none_held(finding.rule, _("This store"))
    return _(
        "%(items)s Archive them, or change how they are kept, under Inventory.", items=_list(finding, _("This store"))
    )


def _none_held(rule: Rule, who: str) -> str:
    return {
        Rule.SUB_HAS_BATCH: _("%(store)s holds no batch items.", store=who),
        Rule.SUB_HAS_SERIAL: _("%(store)s holds no serial items.", store=who),
        Rule.SUB_HAS_KIT: _("%(store)s holds no kits.", store=who),
    }[rule]


def _list(finding: Finding, who: str) -> str:
    """How many of which kind, with the first few SKUs: `Kedai Ipoh holds 5 kits: A, B and C, and 2 more.`"""
    count, facts = finding.held.count, {"store": who, "skus": format_list(finding.held.skus, locale=get_locale())}
    whole = {
        Rule.SUB_HAS_BATCH: ngettext(
            "%(store)s holds one batch item: %(skus)s.",
            "%(store)s holds %(num)s batch items: %(skus)s.",
            count,
            **facts,
        ),
        Rule.SUB_HAS_SERIAL: ngettext(
            "%(store)s holds one serial item: %(skus)s.",
            "%(store)s holds %(num)s serial items: %(skus)s.",
            count,
            **facts,
        ),
        Rule.SUB_HAS_KIT: ngettext(
            "%(store)s holds one kit: %(skus)s.", "%(store)s holds %(num)s kits: %(skus)s.", count, **facts
        ),
    }
    more = {
        Rule.SUB_HAS_BATCH: _("%(store)s holds %(count)s batch items, such as %(skus)s.", count=count, **facts),
        Rule.SUB_HAS_SERIAL: _("%(store)s holds %(count)s serial items, such as %(skus)s.", count=count, **facts),
        Rule.SUB_HAS_KIT: _("%(store)s holds %(count)s kits, such as %(skus)s.", count=count, **facts),
    }
    return (more if count > len(finding.held.skus) else whole)[finding.rule]
