"""Mails about one's own account: what changed about signing in, and who may have tried.

Each says what happened, when, on which device and from where, and what to do if it was somebody else. They are sent
after the answer, in the person's own words and with the clock of the first store that they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from flask import g
from flask_babel import gettext as _
from sqlalchemy import select

from app import mail
from app.accounts.agents import agent_of
from app.accounts.languages import CODES, speaking_to
from app.accounts.later import later
from app.accounts.models import User
from app.accounts.sessions import Browser
from app.extensions import db
from app.tenancy import doors
from app.tenancy.scope import current_store, store_scope
from app.web.filters import moment, zone_name

Words = Callable[[], tuple[str, str]]
"""A mail's subject and what happened, said in the language that is spoken when it is called."""


def tell(user_id: int, words: Words, browser: Browser | None) -> None:
    """Mail a person, after the answer, what happened to their account in `browser` just now; None: on the server."""
    later(partial(_tell, user_id, words, browser, datetime.now(UTC)))


def new_device() -> tuple[str, str]:
    """Signed in with a device that they never used before."""
    return _("New sign-in to your account"), _("Somebody signed in to your Channelbook account with a new device.")


def password_changed() -> tuple[str, str]:
    """The password is another one."""
    return _("Your password was changed"), _("The password of your Channelbook account was changed.")


def two_step_on() -> tuple[str, str]:
    """A code is asked for from now on, or another app makes it."""
    return _("Two-step sign-in is on"), _("Signing in to your Channelbook account now asks for a code from an app.")


def two_step_off() -> tuple[str, str]:
    """The password is enough again."""
    return _("Two-step sign-in is off"), _("Signing in to your Channelbook account asks for the password alone again.")


def two_step_lifted() -> tuple[str, str]:
    """Whoever runs the server helped a person who lost their phone."""
    words = _("Whoever runs this Channelbook server switched your two-step sign-in off. Set it up again.")
    return _("Two-step sign-in is off"), words


def codes_renewed() -> tuple[str, str]:
    """Other recovery codes count."""
    return _("New recovery codes"), _(
        "New recovery codes were made for your Channelbook account. The old ones are void."
    )


def recovery_code_used() -> tuple[str, str]:
    """Somebody came in without the phone."""
    return _("A recovery code was used"), _("A recovery code was used to sign in to your Channelbook account.")


def wrong_codes() -> tuple[str, str]:
    """Somebody has the password and no phone."""
    return (
        _("Somebody knows your password"),
        _("Somebody typed your right Channelbook password and then wrong codes. They did not get in."),
    )


def _tell(user_id: int, words: Words, browser: Browser | None, at: datetime) -> None:
    person = db.session.execute(select(User.email, User.language).where(User.id == user_id)).one()
    with _in_first_store_of(user_id) as otherwise, speaking_to(person.language, otherwise):
        subject, happened = words()
        when = f"{moment(at)} ({zone_name(at)})"
        facts = _("When: %(when)s", when=when) if browser is None else _facts(when, browser)
        advice = _(
            "If this was you, there is nothing to do. If it was not, choose a new password at once:\n\n%(forgot)s\n\n"
            "Then look at where you are signed in:\n\n%(devices)s",
            forgot=mail.link("accounts.forgot"),
            devices=mail.link("accounts.devices"),
        )
    mail.send(person.email, subject, f"{happened}\n\n{facts}\n\n{advice}\n")


def _facts(when: str, browser: Browser) -> str:
    return _(
        "When: %(when)s\nDevice: %(device)s\nAddress: %(address)s",
        when=when,
        device=agent_of(browser.user_agent).name,
        address=browser.address,
    )


@contextmanager
def _in_first_store_of(user_id: int) -> Iterator[str]:
    """Read the clock of the store that the person has belonged to the longest, and give its language."""
    places = doors.stores_of_person(user_id)
    db.session.remove()
    if not places:
        yield CODES[0]
        return
    with store_scope(min(place.store_id for place in places)):
        g.store = current_store()
        db.session.expunge(g.store)
    yield g.store.language
