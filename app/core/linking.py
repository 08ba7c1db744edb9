"""Two stores, one agreement: the verification code, what a sub-store may not hold, and which move follows which.

Pure rules. What is true at the moment is gathered elsewhere (`Standing`), and so is chance (`code_of`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.core.types import OrderType

PENDING_DAYS: Final = 14
"""A request that nobody answers for so long is over."""

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Digits and letters that are told apart when read aloud or written by hand: no 0 and O, no 1 and I."""
CODE_LENGTH: Final = 20
CODE_BYTES: Final = 13
"""Enough chance for CODE_LENGTH characters of five bits: a code has 100 bits."""
_GROUP: Final = 4


class Plan(StrEnum):
    """What a store has subscribed to, from the smallest."""

    STARTER = "starter"
    GROWTH = "growth"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"

    @property
    def may_lead(self) -> bool:
        """Whether a store of this plan may be a main store."""
        return self in (Plan.PREMIUM, Plan.ENTERPRISE)


class LinkState(StrEnum):
    """Where a link between two stores stands."""

    DRAFT = "draft"
    """The main store is filling in the steps; the sub-store knows nothing of it."""
    PENDING = "pending"
    CONNECTED = "connected"
    DENIED = "denied"
    EXPIRED = "expired"
    """Nobody answered in time, or the code was changed before somebody did."""
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"
    """A rule is broken, so nothing flows until it is mended."""
    ENDED = "ended"


LIVE: Final = (LinkState.PENDING, LinkState.CONNECTED, LinkState.SUSPENDED)
"""States in which the sub-store is taken: the database keeps at most one such link for each sub-store."""
GRANTED: Final = (LinkState.CONNECTED, LinkState.SUSPENDED)


class Side(StrEnum):
    """Who moves a link; the system does so by the clock and by the rules."""

    MAIN = "main"
    SUB = "sub"
    SYSTEM = "system"


class Act(StrEnum):
    """What can be done with a link."""

    ASK = "ask"
    WITHDRAW = "withdraw"
    GRANT = "grant"
    DENY = "deny"
    EXPIRE = "expire"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"


MOVES: Final[Mapping[tuple[LinkState, Act], LinkState]] = {
    (LinkState.DRAFT, Act.ASK): LinkState.PENDING,
    (LinkState.DRAFT, Act.WITHDRAW): LinkState.WITHDRAWN,
    (LinkState.PENDING, Act.WITHDRAW): LinkState.WITHDRAWN,
    (LinkState.PENDING, Act.GRANT): LinkState.CONNECTED,
    (LinkState.PENDING, Act.DENY): LinkState.DENIED,
    (LinkState.PENDING, Act.EXPIRE): LinkState.EXPIRED,
    (LinkState.CONNECTED, Act.SUSPEND): LinkState.SUSPENDED,
    (LinkState.SUSPENDED, Act.SUSPEND): LinkState.SUSPENDED,
    (LinkState.SUSPENDED, Act.RESUME): LinkState.CONNECTED,
    (LinkState.CONNECTED, Act.END): LinkState.ENDED,
    (LinkState.SUSPENDED, Act.END): LinkState.ENDED,
}
"""Every move there is. A state with none is the end of its link; who wants another one asks anew."""

MOVERS: Final[Mapping[Act, frozenset[Side]]] = {
    Act.ASK: frozenset({Side.MAIN}),
    Act.WITHDRAW: frozenset({Side.MAIN}),
    Act.GRANT: frozenset({Side.SUB}),
    Act.DENY: frozenset({Side.SUB}),
    Act.EXPIRE: frozenset({Side.SYSTEM, Side.SUB}),
    Act.SUSPEND: frozenset({Side.SYSTEM}),
    Act.RESUME: frozenset({Side.SYSTEM}),
    Act.END: frozenset({Side.MAIN, Side.SUB}),
}
"""Who may make a move. A sub-store lets requests expire by changing its code."""


class NotPossible(Exception):
    """The link does not stand so that this side could do this: somebody was a moment faster."""

    def __init__(self, state: LinkState, act: Act) -> None:
        super().__init__(f"{act} of a link that is {state}")
        self.state = state
        self.act = act


def moved(state: LinkState, act: Act, side: Side) -> LinkState:
    """The state after `side` did `act`; NotPossible."""
    after = MOVES.get((state, act))
    if after is None or side not in MOVERS[act]:
        raise NotPossible(state, act)
    return after


class Journey(StrEnum):
    """Whether an order of a sub-store goes to its main store."""

    STAYS = "stays"
    """It is not of the webstore."""
    EARLIER = "earlier"
    """It was placed before the main store's first day; that store may want earlier ones."""
    ON_ITS_WAY = "on_its_way"
    RESTS = "rests"
    """It goes on as soon as the link is not suspended any more."""
    GOES = "goes"


def flows(kind: OrderType) -> bool:
    """Whether a main store sees orders of this kind at all."""
    return kind is OrderType.WEBSTORE


def journey(kind: OrderType, placed_at: datetime, *, starts_at: datetime, waits: bool, is_suspended: bool) -> Journey:
    """Where an order stands on its way over a granted link.

    `starts_at` is the start of the day on which access was granted; `waits` says that the main store has not looked
    at what the order is now.
    """
    if not flows(kind):
        return Journey.STAYS
    if placed_at < starts_at:
        return Journey.EARLIER
    if not waits:
        return Journey.GOES
    return Journey.RESTS if is_suspended else Journey.ON_ITS_WAY


class Rule(StrEnum):
    """What keeps two stores from being linked, by the code of its refusal."""

    CODE_INVALID = "CODE_INVALID"
    SELF_LINK = "SELF_LINK"
    PLAN_TOO_LOW = "PLAN_TOO_LOW"
    CHAIN_NOT_ALLOWED = "CHAIN_NOT_ALLOWED"
    SUB_ALREADY_LINKED = "SUB_ALREADY_LINKED"
    SUB_HAS_BATCH = "SUB_HAS_BATCH"
    SUB_HAS_SERIAL = "SUB_HAS_SERIAL"
    SUB_HAS_KIT = "SUB_HAS_KIT"


ITEM_RULES: Final = (Rule.SUB_HAS_BATCH, Rule.SUB_HAS_SERIAL, Rule.SUB_HAS_KIT)
KEPT: Final = (Rule.PLAN_TOO_LOW, *ITEM_RULES)
"""Rules that can come to be broken while a link is granted. The others are settled by who was linked first."""


@dataclass(frozen=True, slots=True)
class Held:
    """So many items of a kind that cannot be linked, with the first few SKUs."""

    count: int = 0
    skus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the rules ask about two stores at one moment."""

    plan: Plan
    """Of the main store."""
    is_self: bool = False
    main_is_sub: bool = False
    sub_is_main: bool = False
    sub_has_main: bool = False
    """Another main store than this one asked for it, or has it."""
    batch: Held = Held()
    serial: Held = Held()
    kit: Held = Held()


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that was looked at; `held` says what stands in the way where that is items."""

    rule: Rule
    is_broken: bool
    held: Held = Held()


def checked(standing: Standing) -> list[Finding]:
    """Every rule, kept or broken, in the order in which to mend them. A code led to the store, so it is right.

    A store is never its own main store, so of such a pair nothing else is said.
    """
    code, self_link = Finding(Rule.CODE_INVALID, is_broken=False), Finding(Rule.SELF_LINK, standing.is_self)
    if standing.is_self:
        return [code, self_link]
    return [
        code,
        self_link,
        Finding(Rule.PLAN_TOO_LOW, not standing.plan.may_lead),
        Finding(Rule.CHAIN_NOT_ALLOWED, standing.main_is_sub or standing.sub_is_main),
        Finding(Rule.SUB_ALREADY_LINKED, standing.sub_has_main),
        *_items(standing),
    ]


def kept(standing: Standing) -> list[Finding]:
    """The broken ones among the rules that a granted link has to go on keeping; empty when all is well."""
    findings = [Finding(Rule.PLAN_TOO_LOW, not standing.plan.may_lead), *_items(standing)]
    return [finding for finding in findings if finding.is_broken]


def broken(findings: list[Finding]) -> list[Finding]:
    """Those that stand in the way."""
    return [finding for finding in findings if finding.is_broken]


def is_expired(asked_at: datetime, now: datetime) -> bool:
    """Whether a request has waited too long to be answered."""
    return now - asked_at >= timedelta(days=PENDING_DAYS)


def code_of(chance: bytes) -> str:
    """A new code of CODE_BYTES random bytes, in groups for reading aloud: `7KQF-…`."""
    if len(chance) < CODE_BYTES:
        raise ValueError(f"a code needs {CODE_BYTES} bytes")
    number = int.from_bytes(chance, "big")
    letters = "".join(ALPHABET[number >> (5 * place) & 31] for place in range(CODE_LENGTH))
    return "-".join(letters[start : start + _GROUP] for start in range(0, CODE_LENGTH, _GROUP))


def letters_of(typed: str) -> str:
    """What somebody typed for a code, without what is only there for the eye."""
    return "".join(char for char in typed.upper() if char.isalnum())


def is_code(letters: str) -> bool:
    """Whether these letters can be a code at all; says nothing about whose."""
    return len(letters) == CODE_LENGTH and set(letters) <= set(ALPHABET)


def code_hash(letters: str) -> bytes:
    """What a code is found by. It is random and long, so no salt and no slow function is needed."""
    return hashlib.sha256(b"channelbook verification code " + letters.encode()).digest()


def _items(standing: Standing) -> list[Finding]:
    held = (standing.batch, standing.serial, standing.kit)
    return [Finding(rule, one.count > 0, one) for rule, one in zip(ITEM_RULES, held, strict=True)]
