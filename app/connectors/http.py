"""The one outbound door: every call to a channel goes through here, whatever the connector.

It keeps to addresses that may be reached, to time and size limits and to the channel's rate limit, and it turns
whatever goes wrong into the error family of `app.core.errors`, in a shop owner's words with what to do. No
header, query or key ever gets into an exception, a repr or the log: errors are built from what is known to be
harmless and raised outside the `except` block, so that the library's own error is not even their context.

Sentences are translated when the error is raised, by `flask_babel.gettext`: in a web request that is the
reader's language; where there is no app context (a bare thread, a script) it is the English source.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from flask_babel import gettext as _

from app.connectors.addresses import Guard, GuardedAdapter
from app.connectors.budget import Budget, retry_after
from app.connectors.troubles import TRANSPORT_ERRORS, translated
from app.connectors.turns import reading
from app.core.errors import (
    AddressRefused,
    AuthRejected,
    ChannelError,
    FailedThere,
    Misconfigured,
    RateLimited,
    Rejected,
    Unavailable,
)

log = logging.getLogger(__name__)
# urllib3 writes whole URLs, query included, and a query may hold a key. Our own line says enough.
logging.getLogger("urllib3").setLevel(logging.ERROR)

MAX_BYTES = 20 * 1024 * 1024
"""What one answer may hold: a page of 100 orders of a thousand lines each is about as large."""
MAX_REDIRECTS = 3
AT_ONCE = 4
"""So many calls with one credential are on their way at a time, however many threads call."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1024 * 1024
_WORDS_LENGTH = 300
_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")  # NUL and half of a surrogate pair, as JSON escapes them.
_MOST_DIGITS = 30


class NoSuchRoute(Rejected):
    """The address does not know what we asked for: another version of the system, or another system altogether."""

    code = "NO_SUCH_ROUTE"


class NotJson(Unavailable):
    """The answer is no JSON: a page of something else stands in between, or it is another system altogether."""

    code = "NOT_JSON"


class TooMuch(NotJson):
    """The answer is larger or deeper than we take in; fewer rows at a time may do."""


class _TooDeepError(ValueError):
    """JSON whose brackets stand deeper in each other than can be read."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to wait for the next byte, and for one whole answer."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, complete in memory."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def parsed(self) -> Any:
        """The body as JSON; ValueError when it is none.

        Numbers with a fraction stay the text they were sent as, so that no amount ever passes through a float
        and what is kept can be stored as JSON again; so do whole numbers of absurd length. What PostgreSQL cannot
        store (NUL, half a surrogate pair) is taken out here, once. Line breaks within a text, which JSON forbids
        and sloppy servers send, are read as what they are.
        """
        with reading():
            text = self.body.decode("utf-8-sig", errors="replace")
            try:
                found = json.loads(text, parse_float=str, parse_int=_whole_number, parse_constant=str, strict=False)
                return _storable(found) if "\x00" in text or _UNSTORABLE.search(text) else found
            except RecursionError:
                raise _TooDeepError("nested too deeply") from None


class Door:
    """Calls one base URL with one credential; safe for several threads. `headers` are secrets, and so are `secrets`.

    `label` names the channel in sentences. Raises Misconfigured for a key that cannot be sent. A connector whose
    system gives statuses a meaning of their own overrides `refusal`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        label: str,
        headers: Mapping[str, str],
        secrets: Collection[str] = (),
        allow_sandboxes: bool = False,
        timeouts: Timeouts | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._base, self._label = base_url, label
        self._host = urlsplit(base_url).hostname or ""
        self._secrets = tuple(value for value in (*headers.values(), *secrets) if value)
        if not all(value.isascii() and value.isprintable() for value in self._secrets):
            raise Misconfigured(_("The key holds characters that no key has. Copy it again, without line breaks."))
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "Channelbook",
            **headers,
        }
        self._timeouts = timeouts or Timeouts()
        self._max_bytes = max_bytes
        self._budget = Budget()
        self._lines = BoundedSemaphore(AT_ONCE)
        self._adapter = GuardedAdapter(Guard(allow_private=allow_sandboxes, read_seconds=self._timeouts.total))

    def __repr__(self) -> str:
        return f"Door({self._host})"

    def close(self) -> None:
        """Give the connections back."""
        self._adapter.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        effect: bool = False,
    ) -> Reply:
        """Send one request and return its answer if it was 2xx, else raise what it means.

        The body is `payload` as JSON, or a `form`. `headers` are those of this call alone, and secrets as well.
        `effect`: the call changes something there, so a lost answer is reported as maybe done.
        """
        wait = self._budget.take()
        if wait > 0:
            raise self._too_fast(wait, detail=f"held back: {method} {path}")
        url, redirects = self._base + path, 0
        sent = {"params": params, "json": payload, "data": form, "headers": {**self._headers, **(headers or {})}}
        while True:
            reply = self._exchange(method, url, sent, effect)
            self._budget.learn(reply.headers)
            if reply.status not in _REDIRECTS:
                break
            url, redirects = self._redirected(method, url, reply, redirects), redirects + 1
            sent["params"] = None
        if not 200 <= reply.status < 300:
            hidden = (headers or {}).values()
            raise self._refusal_of(reply, detail=f"{method} {path}: HTTP {reply.status}", effect=effect, hidden=hidden)
        return reply

    def json(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, payload: Any = None,
        form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, effect: bool = False,
    ) -> tuple[Any, Mapping[str, str]]:  # fmt: skip
        """Like `call`, and the answer must be JSON: returns it with the headers, or raises NotJson."""
        reply = self.call(method, path, params=params, payload=payload, form=form, headers=headers, effect=effect)
        try:
            return reply.parsed(), reply.headers
        except ValueError as error:
            too_deep = isinstance(error, _TooDeepError)
        if too_deep:
            raise self._too_much(detail=f"{method} {path}: nested too deeply", maybe_done=effect)
        raise self._not_json(detail=f"{method} {path}: HTTP {reply.status}, no JSON", maybe_done=effect)

    def post(self, body: bytes, headers: Mapping[str, str], *, keep: int) -> Reply:
        """Send bytes as they are to the base URL, and return whatever is answered, its body cut after `keep` bytes.

        No status is an error here, and a redirect is an answer like any other: nobody follows it. The path is not
        logged, because an address that takes calls may be a secret as a whole.
        """
        sent = {"data": body, "headers": {"User-Agent": "Channelbook", **headers}}
        return self._exchange("POST", self._base, sent, effect=True, keep=keep)

    def refusal(
        self, status: int, words: str, *, detail: str, effect: bool = False, headers: Mapping[str, str] | None = None
    ) -> ChannelError:
        """What a status means, whether it came as the HTTP status or as a code inside the body."""
        words = self.redact(words)
        detail = f"{detail} {words}".strip()
        if status in (401, 403):
            return AuthRejected(
                _(
                    "%(label)s does not accept this key. Copy it again from your %(label)s settings and reconnect.",
                    label=self._label,
                ),
                detail=detail,
            )
        if status == 429:
            wait = retry_after(headers or {})
            self._budget.hold(wait)
            return self._too_fast(wait, detail=detail)
        if status >= 500 or status in (408, 425):
            return FailedThere(
                _(
                    "%(label)s has trouble just now (error %(status)s). Try again later.",
                    label=self._label,
                    status=status,
                ),
                detail=detail,
                maybe_done=effect,
            )
        kind = NoSuchRoute if status in (404, 405, 410) else Rejected
        return kind(
            _("%(label)s refused: %(words)s", label=self._label, words=words or _("error %(status)s", status=status)),
            detail=detail,
        )

    def redact(self, text: str, hidden: Collection[str] = ()) -> str:
        """Their words, shortened, with our secrets and what else is `hidden` taken out should they echo them."""
        for secret in (*self._secrets, *hidden):
            text = text.replace(secret, "•••")
        return " ".join(text.split())[:_WORDS_LENGTH]

    def _exchange(self, method: str, url: str, sent: Mapping[str, Any], effect: bool, keep: int | None = None) -> Reply:
        """One request, one answer, while others wait; a failure is translated and raised without its origin."""
        path = urlsplit(url).path if keep is None else "/…"
        started, outcome = time.monotonic(), "failed"
        timeout = (self._timeouts.connect, self._timeouts.read)
        try:
            request = requests.Request(method, url, **sent).prepare()
            with self._lines:
                started = time.monotonic()
                response = self._adapter.send(request, stream=True, timeout=timeout, verify=True, proxies=None)
                outcome = str(response.status_code)
                with closing(response):
                    body = self._bounded_body(response) if keep is None else _first_bytes(response, keep)
        except TRANSPORT_ERRORS as error:
            failure = translated(error, label=self._label, host=self._host, detail=f"{method} {path}", effect=effect)
        else:
            if body is not None:
                return Reply(response.status_code, response.headers, body)
            failure = self._too_much(detail=f"{method} {path}: over {self._max_bytes} bytes", maybe_done=effect)
        finally:
            log.info("%s %s%s %s %d ms", method, self._host, path, outcome, (time.monotonic() - started) * 1000)
        raise failure

    def _bounded_body(self, response: requests.Response) -> bytes | None:
        """The unpacked body, or None when it is larger than we take in."""
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > self._max_bytes:
                return None
        return bytes(body)

    def _redirected(self, method: str, url: str, reply: Reply, redirects: int) -> str:
        """Where a redirect leads, if it is a plain read that stays on the same host; else AddressRefused."""
        target = urljoin(url, reply.headers.get("Location", ""))
        here, there = urlsplit(url), urlsplit(target)
        same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
        if same and method == "GET" and redirects < MAX_REDIRECTS and target != url:
            return target
        raise AddressRefused(
            _(
                "%(host)s passes us on to %(other)s. If that is your store, enter that address: "
                "we never send a key to an address that you did not enter.",
                host=self._host,
                other=there.hostname if not same and there.hostname else _("another page"),
            ),
            detail=f"{method} {here.path}: HTTP {reply.status}",
        )

    def _refusal_of(self, reply: Reply, *, detail: str, effect: bool, hidden: Collection[str]) -> ChannelError:
        """What an HTTP error status means. A 401 or 403 with a page of HTML comes from something in between."""
        try:
            found = reply.parsed()
        except ValueError:
            found = None
            if reply.status in (401, 403) and reply.body.lstrip().startswith(b"<"):
                return self._not_json(detail=f"{detail}, no JSON", maybe_done=False)
        secret = [part for value in hidden for part in (value, value.rpartition(" ")[2]) if part]
        words = self.redact(_told(found), secret)
        return self.refusal(reply.status, words, detail=detail, effect=effect, headers=reply.headers)

    def _too_fast(self, wait: float, *, detail: str) -> RateLimited:
        return RateLimited(
            _(
                "%(label)s asks us to go slower. We go on in %(seconds)s seconds.",
                label=self._label,
                seconds=round(wait),
            ),
            retry_after=wait,
            detail=detail,
        )

    def _too_much(self, *, detail: str, maybe_done: bool) -> TooMuch:
        words = _("%(label)s sent more at once than we take in.", label=self._label)
        return TooMuch(words, detail=detail, maybe_done=maybe_done)

    def _not_json(self, *, detail: str, maybe_done: bool) -> NotJson:
        return NotJson(
            _("%(label)s sent something that we cannot read. Try again later.", label=self._label),
            detail=detail,
            maybe_done=maybe_done,
        )


def _first_bytes(response: requests.Response, keep: int) -> bytes:
    """The beginning of the unpacked body; the rest is not read."""
    body = b""
    for chunk in response.iter_content(keep):
        body += chunk
        if len(body) >= keep:
            break
    return body[:keep]


def _told(found: Any) -> str:
    """The sentence of a refusal, where systems put it: beside the status, or in a part of the body about it."""
    for place in (found, found.get("responseStatus") if isinstance(found, dict) else None):
        if isinstance(place, dict):
            told = place.get("message") or place.get("error")
            if isinstance(told, str):
                return told
    return ""


def _whole_number(digits: str) -> int | str:
    """A whole number, or its text where it is none that anybody counts with: reading it would take for ever."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _storable(value: Any) -> Any:
    """The same JSON value without characters that PostgreSQL cannot store."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
