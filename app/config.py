"""Settings: read from the environment once, checked as a whole, frozen from then on.

Every problem is reported at once and by the name of its variable, because whoever sets up a server wants one
list to work off, not a new refusal after each mend. Values are never part of a message: most are secrets.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

T = TypeVar("T")

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MIN_SECRET_LENGTH = 32
_MAKE_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105  # how to make one
_MAKE_KEY = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"


class SettingError(Exception):
    """Settings are missing or unusable: `problems` has a sentence for each, beginning with its name."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that differs between installations; its repr leaves the secrets out, so it may be logged."""

    database_url: str = field(repr=False)  # postgresql://…, as the role that row-level security binds
    redis_url: str = field(repr=False)  # redis://…, rediss://… or unix://…
    secret_key: str = field(repr=False)  # signs sessions and mailed links
    credential_keys: tuple[str, ...] = field(repr=False)  # Fernet keys, newest first: the first seals, all open
    base_url: str  # how people reach us, without a trailing slash
    database_owner_url: str | None = field(default=None, repr=False)  # for migrations; web and worker need none
    mail_url: str = field(default="console:", repr=False)  # console: | file:/folder | smtp://… | smtps://…
    mail_from: str = "channelbook@localhost"
    allow_sandboxes: bool = False  # connectors may speak plain http and reach private addresses
    sign_up_open: bool = True
    trusted_proxies: int = 0  # how many reverse proxies stand before us, each adding an X-Forwarded-… entry

    @property
    def cookies_secure(self) -> bool:
        """Whether cookies carry Secure: whenever people reach us by https."""
        return self.base_url.startswith("https://")


def load_settings(env: Mapping[str, str]) -> Settings:
    """Read the settings from `env` (normally `os.environ`); SettingError names every problem at once."""
    read = _Reader(env)
    settings = Settings(
        database_url=read.required("DATABASE_URL", _database_url, ""),
        database_owner_url=read.optional("DATABASE_OWNER_URL", _database_url, None),
        redis_url=read.required("REDIS_URL", _redis_url, ""),
        secret_key=read.required("SECRET_KEY", _secret_key, ""),
        credential_keys=read.required("CREDENTIAL_KEYS", _credential_keys, ()),
        base_url=read.required("BASE_URL", _base_url, ""),
        mail_url=read.optional("MAIL_URL", _mail_url, "console:"),
        mail_from=read.optional("MAIL_FROM", _mail_from, "channelbook@localhost"),
        allow_sandboxes=read.optional("ALLOW_SANDBOXES", _switch, False),
        sign_up_open=read.optional("SIGN_UP", _open_or_closed, True),
        trusted_proxies=read.optional("TRUSTED_PROXIES", _few, 0),
    )
    if settings.mail_url.startswith("smtp") and not read.has("MAIL_FROM"):
        read.report(
            "MAIL_FROM",
            "is missing: an SMTP server needs the address mails come from, like books@shop.example",
        )
    if read.problems:
        raise SettingError(read.problems)
    return settings


class _Reader:
    """Collects problems while reading, so that all are told together; an empty variable counts as not set."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def has(self, name: str) -> bool:
        return bool(self._env.get(name, "").strip())

    def report(self, name: str, words: str) -> None:
        self.problems.append(f"{name} {words}.")

    def required(self, name: str, parse: Callable[[str], T], blank: T) -> T:
        """The parsed value, or `blank` after reporting that it is missing or unusable."""
        if self.has(name):
            return self._parsed(name, parse, blank)
        self.report(name, f"is missing: {_HOW[name]}")
        return blank

    def optional(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The parsed value, or `default` when not set, or after reporting that it is unusable."""
        return self._parsed(name, parse, default) if self.has(name) else default

    def _parsed(self, name: str, parse: Callable[[str], T], blank: T) -> T:
        try:
            return parse(self._env[name].strip())
        except _UnusableError as error:
            self.report(name, f"is unusable: {error}")
            return blank


class _UnusableError(Exception):
    """What is wrong with one value, in words that do not repeat the value."""


_HOW: Mapping[str, str] = {
    "DATABASE_URL": "set postgresql://ROLE:PASSWORD@HOST/DATABASE, with a role that owns no tables",
    "REDIS_URL": "set redis://HOST:6379/0, rediss://… or unix:///path/to/socket",
    "SECRET_KEY": f"make one with {_MAKE_SECRET}",
    "CREDENTIAL_KEYS": f"make one with {_MAKE_KEY}",
    "BASE_URL": "set the address people open, like https://books.example",
}


def _split(value: str) -> SplitResult:
    """The parts of a URL; the port is read here because a bad one is found only when asked for."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise _UnusableError("it cannot be read as a URL") from None
    return parts


def _database_url(value: str) -> str:
    parts = _split(value)
    if parts.scheme != "postgresql":
        raise _UnusableError("it must begin with postgresql://; PostgreSQL is the only database")
    if not parts.path.strip("/"):
        raise _UnusableError("it names no database; write postgresql://ROLE:PASSWORD@HOST/DATABASE")
    if not parts.hostname and "host" not in parse_qs(parts.query):
        raise _UnusableError("it names no host; write postgresql://ROLE:PASSWORD@HOST/DATABASE")
    return value


def _redis_url(value: str) -> str:
    parts = _split(value)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise _UnusableError("it must begin with redis://, rediss:// or unix://")
    if parts.scheme == "unix" and not parts.path.startswith("/"):
        raise _UnusableError("the path of the socket must be absolute, like unix:///run/valkey/kv.sock")
    if parts.scheme != "unix" and not parts.hostname:
        raise _UnusableError("it names no host; write redis://HOST:6379/0")
    return value


def _secret_key(value: str) -> str:
    if len(value) < MIN_SECRET_LENGTH:
        raise _UnusableError(f"it needs at least {MIN_SECRET_LENGTH} characters; make one with {_MAKE_SECRET}")
    return value


def _credential_keys(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(","))
    for place, key in enumerate(keys, start=1):
        if not _is_fernet_key(key):
            raise _UnusableError(f"key {place} of {len(keys)} is not a Fernet key; make one with {_MAKE_KEY}")
    return keys


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def _base_url(value: str) -> str:
    parts = _split(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _UnusableError("it must be an address people can open, like https://books.example")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise _UnusableError("plain http is for this machine alone (127.0.0.1 or localhost); use https")
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise _UnusableError("give scheme, host and port only, like https://books.example")
    return f"{parts.scheme}://{parts.netloc}"


def _mail_url(value: str) -> str:
    parts = _split(value)
    if parts.scheme in {"smtp", "smtps"}:
        if not parts.hostname:
            raise _UnusableError("it names no host; write smtp://USER:PASSWORD@HOST:587?tls=starttls")
        if parts.query not in {"", "tls=starttls"}:
            raise _UnusableError("the only option is ?tls=starttls")
    elif parts.scheme == "file":
        if not parts.path.startswith("/"):
            raise _UnusableError("the folder must be absolute, like file:/var/lib/channelbook/mail")
    elif value != "console:":
        raise _UnusableError("it must be console:, file:/folder, smtp://… or smtps://…")
    return value


def _mail_from(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or any(c in value for c in "\r\n <>"):
        raise _UnusableError("it must be one bare mail address, like books@shop.example")
    return value


def _switch(value: str) -> bool:
    if value not in {"0", "1"}:
        raise _UnusableError("it must be 1 (on) or 0 (off)")
    return value == "1"


def _few(value: str) -> int:
    if value not in ("0", "1", "2", "3"):
        raise _UnusableError("write how many reverse proxies of yours stand before the portal: 0, 1, 2 or 3")
    return int(value)


def _open_or_closed(value: str) -> bool:
    if value not in {"open", "closed"}:
        raise _UnusableError("it must be open or closed")
    return value == "open"
