"""What a view needs of whoever opens it, said one line above it.

Every view says one of three things: `@needs(…)` inside a store, and outside of any store `@needs_sign_in` or
`@public`. Nothing is taken for granted: a view that says nothing is not opened at all, and a test walks them all
before anybody could meet one. The guard that asks is `app.accounts.access`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from app.core.roles import Ability
from app.web.security import SAFE_METHODS

View = TypeVar("View", bound=Callable[..., Any])

_NEED: Final = "_channelbook_need"


@dataclass(frozen=True, slots=True)
class InStore:
    """Of a member of the store: an ability for reading, and one for writing."""

    read: Ability
    write: Ability

    def by(self, method: str) -> Ability:
        """The ability that a request of this HTTP method needs."""
        return self.read if method in SAFE_METHODS else self.write


@dataclass(frozen=True, slots=True)
class Outside:
    """Of whoever comes: to be signed in, or nothing."""

    signed_in: bool


Need = InStore | Outside


def needs(read: Ability, write: Ability | None = None) -> Callable[[View], View]:
    """Ask a member of the store for an ability, whatever the method; for another one where something is `write`-n."""
    return _mark(InStore(read, write or read))


def needs_sign_in(view: View) -> View:
    """Ask for a signed-in person in a view outside any store."""
    return _mark(Outside(signed_in=True))(view)


def public(view: View) -> View:
    """Ask for nobody: a view outside any store that is for everybody, or that asks for a token or key by itself."""
    return _mark(Outside(signed_in=False))(view)


def need_of(view: Callable[..., Any] | None) -> Need | None:
    """What the view has declared; None when it declared nothing."""
    need: Need | None = getattr(view, _NEED, None)
    return need


def _mark(need: Need) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _NEED, need)
        return view

    return mark
