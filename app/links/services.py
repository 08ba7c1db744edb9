"""The agreement between two stores: asked by the one, answered by the other, ended by either.

Each verb takes its own store's turn, locks the link's row and moves it by the table of `app.core.linking`; of two
people who press at the same moment one gets NotPossible. Lock order: the store's row, then the link's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.catalog.models import Item, Location
from app.core import linking
from app.core.linking import GRANTED, ITEM_RULES, LIVE, Act, Finding, Held, LinkState, Plan, Rule, Side, Standing
from app.extensions import db
from app.links import codes
from app.links.models import Link, LinkEvent
from app.tenancy import doors
from app.tenancy.doors import CodeOwner
from app.tenancy.named import take_turns
from app.tenancy.scope import current_store, current_store_id

_UNIQUE_SUB: Final = "uq_links_sub_live"
_SKUS: Final = 3


class NoSuchLink(LookupError):
    """This store has no such link, or may not see it."""


class Refused(Exception):
    """The rules do not allow it. `findings` are all that were looked at, `name` is the other store's where it is known.

    An unknown code is told by itself alone.
    """

    def __init__(self, findings: Sequence[Finding], name: str = "") -> None:
        super().__init__(", ".join(finding.rule for finding in findings if finding.is_broken))
        self.findings = list(findings)
        self.name = name

    def says(self, rule: Rule) -> bool:
        """Whether this rule is among the broken ones."""
        return any(finding.rule is rule and finding.is_broken for finding in self.findings)


class LinkedAlready(Exception):
    """This store asked that sub-store already, or has it: `link_id` is where."""

    def __init__(self, link_id: int) -> None:
        super().__init__(link_id)
        self.link_id = link_id


class NoWarehouse(Exception):
    """The link names no warehouse of this store, so nothing can flow from anywhere."""


def may_lead() -> bool:
    """Whether this store's plan allows it to be a main store."""
    return Plan(current_store().plan).may_lead


def start_draft(letters: str) -> int:
    """Begin a link with the store that a code belongs to, or find the draft that was begun. Commits; the link's id.

    Refused tells which rules are broken. A store whose plan is too low learns nothing of a code, and a code that is
    unknown says nothing but that.
    """
    if not may_lead():
        raise Refused([Finding(Rule.PLAN_TOO_LOW, is_broken=True)])
    wanted = linking.code_hash(letters)
    owner = codes.owner_of(wanted)
    if owner is None:
        raise Refused([Finding(Rule.CODE_INVALID, is_broken=True)])
    take_turns()
    _require(linking.checked(_standing_with(owner)), owner.name)
    link_id = _draft_with(owner.store_id)
    if link_id is None:
        link_id = _new_draft(owner)
    else:
        _locked(link_id).code_hash = wanted
    db.session.commit()
    return link_id


def checks_of(link_id: int) -> list[Finding]:
    """What the rules say at this moment of a link that is not asked yet; CODE_INVALID when its code was changed."""
    link = _of_main(link_id)
    owner = codes.owner_of(bytes(link.code_hash))
    if owner is None:
        return [Finding(Rule.CODE_INVALID, is_broken=True)]
    return linking.checked(_standing_with(owner))


def keep_options(link_id: int, channel_name: str, location_id: int | None) -> None:
    """Note what was typed in the last step, so that going back loses nothing. Commits."""
    link = _locked(link_id)
    if link.state == LinkState.DRAFT:
        _set_options(link, channel_name, location_id)
    db.session.commit()


def ask(link_id: int, channel_name: str, location_id: int, person: str) -> None:
    """*Connect*: ask the sub-store, whose people are told. Commits.

    Refused when a rule is broken by now; of two main stores that press at the same moment the index lets one through.
    """
    take_turns()
    link = _locked(link_id)
    linking.moved(LinkState(link.state), Act.ASK, _side(link))
    _set_options(link, channel_name, location_id)
    if link.location_id is None:
        db.session.rollback()
        raise NoWarehouse
    _require(checks_of(link_id), link.sub_name)
    now = datetime.now(UTC)
    try:
        _move(link, Act.ASK, person, asked_at=now, asked_by=person)
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        if _UNIQUE_SUB not in str(error):
            raise
        raise Refused([Finding(Rule.SUB_ALREADY_LINKED, is_broken=True)]) from None


def ask_again(link_id: int) -> int:
    """A new draft with what an earlier request had, for the case that it came to nothing. Commits; its id."""
    take_turns()
    old = _of_main(link_id)
    if old.state in LIVE:
        raise LinkedAlready(old.id)
    if not may_lead():
        raise Refused([Finding(Rule.PLAN_TOO_LOW, is_broken=True)])
    owner = codes.owner_of(bytes(old.code_hash))
    if owner is None:
        raise Refused([Finding(Rule.CODE_INVALID, is_broken=True)])
    _require(linking.checked(_standing_with(owner)), owner.name)
    known = _draft_with(owner.store_id)
    anew = known or _new_draft(owner, old.channel_name, old.location_id)
    db.session.commit()
    return anew


def withdraw(link_id: int, person: str) -> None:
    """Take back a draft, or a request that is not answered. Commits."""
    link = _locked(link_id)
    _move(link, Act.WITHDRAW, person, ended_at=datetime.now(UTC), ended_by_side=Side.MAIN)
    db.session.commit()


def grant(link_id: int, person: str) -> None:
    """Let the main store in, if the rules are kept at this very moment. Commits; Refused, NotPossible."""
    take_turns()
    link = _locked(link_id)
    linking.moved(LinkState(link.state), Act.GRANT, _side(link))
    _require(answer_checks(link_id), link.main_name)
    _move(link, Act.GRANT, person, answered_at=datetime.now(UTC), answered_by=person, reason="", reason_detail={})
    db.session.commit()


def answer_checks(link_id: int) -> list[Finding]:
    """What the rules say of granting a request; CODE_INVALID when it was made with a code that is no longer ours."""
    link = _of_sub(link_id)
    if codes.current_hash() != bytes(link.code_hash):
        return [Finding(Rule.CODE_INVALID, is_broken=True)]
    standing = _own_standing(link)
    return [finding for finding in linking.checked(standing) if finding.rule is not Rule.SELF_LINK]


def deny(link_id: int, person: str, words: str) -> None:
    """Refuse the main store; `words` are for it to read, and may be ''. Commits."""
    link = _locked(link_id)
    detail = {"words": words} if words else {}
    at = datetime.now(UTC)
    _move(link, Act.DENY, person, detail, answered_at=at, answered_by=person, ended_at=at, reason_detail=detail)
    db.session.commit()


def end(link_id: int, person: str, stock_after: str) -> None:
    """End a granted link, from either side; `stock_after` is keep or zero. Commits."""
    link = _locked(link_id)
    side = _side(link)
    at = datetime.now(UTC)
    _move(link, Act.END, person, {"stock": stock_after}, ended_at=at, ended_by_side=side, stock_after=stock_after)
    db.session.commit()


def rotate_code(user_id: int, person: str) -> list[int]:
    """Change the store's code; requests made with the old one end. Commits; the main stores that had asked."""
    take_turns()
    codes.replace_code(user_id)
    pending = db.session.scalars(
        select(Link)
        .where(Link.sub_store_id == current_store_id(), Link.state == LinkState.PENDING)
        .order_by(Link.id)
        .with_for_update()
    ).all()
    for link in pending:
        _expire(link, Rule.CODE_INVALID, Side.SUB, person)
    asked = [link.main_store_id for link in pending]
    db.session.commit()
    return asked


def settle(link_id: int) -> tuple[int, int] | None:
    """Move a link as the clock and the rules want it, in the scope of its sub-store. Commits.

    Its two stores; None when somebody was a moment faster and there is nothing left to do.
    """
    link = _locked(link_id)
    has_moved = _settle_pending(link) if link.state == LinkState.PENDING else _settle_granted(link)
    stores = (link.main_store_id, link.sub_store_id)
    db.session.commit()
    return stores if has_moved else None


def unlinkable_items() -> dict[Rule, Held]:
    """What this store holds that a sub-store may not hold, by the rule that it breaks."""
    mine = (Item.store_id == current_store_id(), Item.archived_at.is_(None))
    rows = db.session.execute(
        select(Item.sku, Item.tracking, Item.kit).where(*mine, Item.kit | (Item.tracking != "none")).order_by(Item.id)
    ).all()
    found = {
        Rule.SUB_HAS_BATCH: [row.sku for row in rows if row.tracking == "batch"],
        Rule.SUB_HAS_SERIAL: [row.sku for row in rows if row.tracking == "serial"],
        Rule.SUB_HAS_KIT: [row.sku for row in rows if row.kit],
    }
    return {rule: Held(len(skus), tuple(skus[:_SKUS])) for rule, skus in found.items()}


def as_detail(findings: Sequence[Finding]) -> dict[str, Any]:
    """Findings as they are kept with a link and its story."""
    return {
        "findings": [{"rule": one.rule.value, "count": one.held.count, "skus": list(one.held.skus)} for one in findings]
    }


def _settle_pending(link: Link) -> bool:
    if link.asked_at is not None and linking.is_expired(link.asked_at, datetime.now(UTC)):
        _expire(link, None, Side.SYSTEM)
        return True
    if codes.current_hash() != bytes(link.code_hash):
        _expire(link, Rule.CODE_INVALID, Side.SYSTEM)
        return True
    return False


def _settle_granted(link: Link) -> bool:
    if link.state not in GRANTED:
        return False
    findings = linking.kept(_own_standing(link))
    reason = findings[0].rule if findings else ""
    if reason == link.reason:
        return False
    act = Act.SUSPEND if findings else Act.RESUME
    detail = as_detail(findings) if findings else {}
    _move(link, act, "", detail, side=Side.SYSTEM, reason=reason, reason_detail=detail)
    return True


def _expire(link: Link, why: Rule | None, side: Side, person: str = "") -> None:
    detail = {"rule": why.value} if why else {}
    at = datetime.now(UTC)
    _move(link, Act.EXPIRE, person, detail, side=side, ended_at=at, ended_by_side=side, reason=why or "")


def _move(
    link: Link, act: Act, person: str, detail: dict[str, Any] | None = None, *, side: Side | None = None, **values: Any
) -> None:
    """Move a locked link and write it into its story; NotPossible. A draft has no story: nobody was asked."""
    by = side or _side(link)
    was_draft = link.state == LinkState.DRAFT
    link.state = linking.moved(LinkState(link.state), act, by)
    link.version += 1
    for name, value in values.items():
        setattr(link, name, value)
    db.session.flush()
    if was_draft and act is not Act.ASK:
        return
    db.session.add(
        LinkEvent(
            link_id=link.id,
            main_store_id=link.main_store_id,
            sub_store_id=link.sub_store_id,
            kind=act.value,
            side=by,
            person=person,
            detail=detail or {},
        )
    )


def _require(findings: Sequence[Finding], name: str) -> None:
    if linking.broken(list(findings)):
        db.session.rollback()
        raise Refused(findings, name)


def _standing_with(owner: CodeOwner) -> Standing:
    """What the rules ask, from the main store's side of the door."""
    mine = db.session.scalars(
        select(Link).where(
            Link.main_store_id == current_store_id(), Link.sub_store_id == owner.store_id, Link.state.in_(LIVE)
        )
    ).first()
    if mine is not None:
        raise LinkedAlready(mine.id)
    return Standing(
        plan=Plan(current_store().plan),
        is_self=owner.store_id == current_store_id(),
        main_is_sub=_has_links(Link.sub_store_id, LIVE),
        sub_is_main=owner.is_main,
        sub_has_main=owner.has_main,
        batch=Held(owner.batch, owner.batch_skus),
        serial=Held(owner.serial, owner.serial_skus),
        kit=Held(owner.kit, owner.kit_skus),
    )


def _own_standing(link: Link) -> Standing:
    """What the rules ask, from the sub-store's side: of the main store a door says no more than they need."""
    main = doors.link_standing(link.id)
    if main is None:
        raise NoSuchLink(link.id)
    plan, main_is_sub = main
    held = unlinkable_items()
    batch, serial, kit = (held[rule] for rule in ITEM_RULES)
    return Standing(
        plan=Plan(plan),
        main_is_sub=main_is_sub,
        sub_is_main=_has_links(Link.main_store_id, LIVE),
        sub_has_main=_has_links(Link.sub_store_id, GRANTED),
        batch=batch,
        serial=serial,
        kit=kit,
    )


def _has_links(column: Any, states: Sequence[LinkState]) -> bool:
    query = select(Link.id).where(column == current_store_id(), Link.state.in_(states)).limit(1)
    return db.session.scalar(query) is not None


def _draft_with(sub_store_id: int) -> int | None:
    query = select(Link.id).where(
        Link.main_store_id == current_store_id(), Link.sub_store_id == sub_store_id, Link.state == LinkState.DRAFT
    )
    return db.session.scalar(query)


def _new_draft(owner: CodeOwner, channel_name: str = "", location_id: int | None = None) -> int:
    store = current_store()
    link = Link(
        main_store_id=store.id,
        sub_store_id=owner.store_id,
        main_name=store.name,
        sub_name=owner.name,
        code_hash=owner.code_hash,
        channel_name=channel_name,
        location_id=location_id,
    )
    db.session.add(link)
    db.session.flush()
    return link.id


def _set_options(link: Link, channel_name: str, location_id: int | None) -> None:
    """A warehouse that is not this store's, or no longer used, is taken for none."""
    here = select(Location.id).where(
        Location.store_id == current_store_id(), Location.id == location_id, Location.archived_at.is_(None)
    )
    link.channel_name = channel_name
    link.location_id = None if location_id is None else db.session.scalar(here)


def _locked(link_id: int) -> Link:
    """The link, locked until the transaction ends; NoSuchLink."""
    query = select(Link).where(Link.id == link_id, _is_party()).with_for_update()
    link = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if link is None:
        raise NoSuchLink(link_id)
    return link


def _is_party() -> Any:
    return (Link.main_store_id == current_store_id()) | (Link.sub_store_id == current_store_id())


def _of_main(link_id: int) -> Link:
    link = db.session.get(Link, link_id)
    if link is None or link.main_store_id != current_store_id():
        raise NoSuchLink(link_id)
    return link


def _of_sub(link_id: int) -> Link:
    link = db.session.get(Link, link_id)
    if link is None or link.sub_store_id != current_store_id():
        raise NoSuchLink(link_id)
    return link


def _side(link: Link) -> Side:
    return Side.MAIN if link.main_store_id == current_store_id() else Side.SUB
