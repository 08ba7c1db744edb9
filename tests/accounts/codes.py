"""A phone for tests: it makes the codes, by a clock that the tests set."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask

from app.accounts import code_pages, two_step
from app.accounts.sessions import Browser
from tests.support.factories import SomePerson

HERE = Browser("pytest", "127.0.0.1")


class Clock:
    """The moment for which codes count."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.at = datetime(2026, 11, 22, 4, 0, 5, tzinfo=UTC)
        patch.setattr(code_pages, "now", lambda: self.at)

    def pass_spans(self, spans: int = 1) -> None:
        """Let so many codes go by."""
        self.at += timedelta(seconds=30 * spans)


@dataclass
class Phone:
    """An app that knows a person's secret."""

    secret: str
    clock: Clock
    recovery_codes: list[str] = field(default_factory=list)

    def code(self, spans: int = 0) -> str:
        """The code that it shows, or will show after so many spans."""
        return pyotp.TOTP(self.secret).at(self.clock.at, counter_offset=spans)

    def other_code(self) -> str:
        """Six digits that are no code of now, nor of the spans around."""
        near = {self.code(spans) for spans in range(-2, 3)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)


def with_phone(app: Flask, person: SomePerson, clock: Clock) -> Phone:
    """Switch two-step sign-in on for a person; the code that did it was that of the span before."""
    with app.app_context():
        two_step.start_set_up(person.id)
        secret = two_step.secret_to_set_up(person.id)
        assert secret
        phone = Phone(secret, clock)
        done = two_step.confirm(person.id, phone.code(-1), at=clock.at, browser=HERE)
        assert done
        phone.recovery_codes = done.codes
    return phone
