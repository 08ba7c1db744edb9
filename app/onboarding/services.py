"""From a stranger to an owner with a store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.accounts import passwords
from app.accounts.emails import fold_email
from app.accounts.languages import current_language
from app.accounts.models import User
from app.accounts.services import add_person
from app.core.roles import Role
from app.extensions import db
from app.onboarding.stores import add_store
from app.tenancy import doors
from app.tenancy.choices import AT_HOME, ELSEWHERE


@dataclass(frozen=True, slots=True)
class NewStore:
    """Where a store is found, and whether it was made just now."""

    store_id: int
    slug: str
    is_new: bool = True


class EmailTaken(Exception):
    """An operator named an address that already has an account. Never shown to visitors."""


def sign_up(*, name: str, email: str, password: str, store_name: str) -> int | None:
    """Add a person and their first store in one transaction and return the person's id, or None for no entry.

    An address that has an account opens with that account's password, as a sign-in would, and makes no second
    store: pressing twice signs up once. With another password nothing happens here, and the route gives the answer
    that a newcomer gets: same status, same place to go, a cookie of the same shape, after the same hashing.

    What follows cannot be hidden in the same way: a newcomer is let straight in, and whoever is not let in can
    conclude that the address was taken. Two ways out were weighed and left. Proving the mailbox before letting
    anybody in needs a mail server, which a first look on a laptop has not. Letting several accounts share an
    address would give a person who forgot their first sign-up a second, empty set of books. So the answer itself
    tells nothing, the guessing is slow (`accounts.limits`) and uses up each free address it tries, and an
    installation that wants none of it sets SIGN_UP=closed.
    """
    folded = fold_email(email)
    taken = db.session.execute(select(User.id).where(User.email == folded)).one_or_none()
    user_id = None if taken else add_person(name=name, email=folded, password=password)
    if user_id is None:  # also when another press of the same button was a moment faster
        known = db.session.execute(select(User.id, User.password_hash).where(User.email == folded)).one()
        return known.id if passwords.is_right(known.password_hash, password) else None
    currency, time_zone = AT_HOME.get(current_language(), ELSEWHERE)
    add_store(user_id=user_id, name=store_name, currency=currency, time_zone=time_zone)
    db.session.commit()
    return user_id


def create_store(user_id: int, name: str, currency: str = ELSEWHERE[0], time_zone: str = ELSEWHERE[1]) -> NewStore:
    """Give a person another store of their own, with what every store starts with.

    A person who owns a store of that name already is shown that one: a button that is pressed twice makes one store.
    """
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update())  # the second press waits here
    for place in doors.stores_of_person(user_id):
        if place.role == Role.OWNER and place.name.casefold() == name.casefold():
            db.session.rollback()
            return NewStore(place.store_id, place.slug, is_new=False)
    store_id, slug = add_store(user_id=user_id, name=name, currency=currency, time_zone=time_zone)
    db.session.commit()
    return NewStore(store_id, slug)


def create_owner(*, email: str, name: str, store_name: str, password: str) -> NewStore:
    """Add an owner and their store for whoever runs the server; EmailTaken when the address has an account."""
    user_id = add_person(name=name, email=fold_email(email), password=password)
    if user_id is None:
        raise EmailTaken(email)
    return create_store(user_id, store_name)
