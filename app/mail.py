"""Mails: plain text, sent by what MAIL_URL says, and never a reason for a request to fail.

`console:` writes them to standard output, `file:/folder` one `.eml` for each, `smtp://` and `smtps://` send them.
"""

from __future__ import annotations

import logging
import os
import secrets
import smtplib
import ssl
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from flask import current_app

from app.config import Settings

log = logging.getLogger(__name__)

_TIMEOUT_S: Final = 20
_WHOLE: Final = frozenset({"List-Unsubscribe"})
"""Headers that programs read. Folded and encoded as if they were words they would be read by none."""


class _Policy(EmailPolicy):
    """How a mail is written for the wire: as the library does it, but for headers that stay whole."""

    def fold(self, name: str, value: str) -> str:
        return f"{name}: {value}{self.linesep}" if name in _WHOLE else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii") if name in _WHOLE else super().fold_binary(name, value)


_POLICY: Final = _Policy(linesep="\r\n")


def send(
    to: str, subject: str, text: str, *, html: str = "", headers: Mapping[str, str] | None = None, name: str = ""
) -> bool:
    """Send one mail and say whether it went. A failure is logged under a reference, with no word of the mail's own.

    `html` says the same for readers that show it. A `name` makes the same mail known as the same, should it come twice.
    """
    settings: Settings = current_app.extensions["settings"]
    url = urlsplit(settings.mail_url)
    try:
        _SENDERS[url.scheme](
            _message(settings.mail_from, to, subject, text, html=html, headers=headers or {}, name=name), url
        )
    except (OSError, smtplib.SMTPException, ValueError):
        log.exception("A mail was not sent, reference %s", secrets.token_hex(4))
        return False
    return True


def link(endpoint: str, **values: Any) -> str:
    """The full URL of a page for a mail. It begins with BASE_URL and never with the Host header, which a visitor
    writes: a forged one would lead the owner of an address, with the token, to somebody else's server.
    """
    settings: Settings = current_app.extensions["settings"]
    return settings.base_url + current_app.url_map.bind("").build(endpoint, values)


def _message(
    sender: str, to: str, subject: str, text: str, *, html: str, headers: Mapping[str, str], name: str
) -> EmailMessage:
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{name}@{domain}>" if name else make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"
    for header, value in headers.items():
        message[header] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def _to_console(message: EmailMessage, _url: SplitResult) -> None:
    headers = "".join(f"{name}: {message[name]}\n" for name in ("To", "Subject"))
    sys.stdout.write(f"--- mail ---\n{headers}\n{_plain(message)}------------\n")
    sys.stdout.flush()


def _plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def _to_folder(message: EmailMessage, url: SplitResult) -> None:
    """Written aside and renamed, so that whoever watches the folder never reads half a mail."""
    folder = Path(unquote(url.path))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}"
    part = folder / f".{name}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(message.as_bytes())
    part.rename(folder / f"{name}.eml")


def _to_server(message: EmailMessage, url: SplitResult) -> None:
    """smtps:// is TLS from the first byte; smtp:// with ?tls=starttls changes to it before anything is said."""
    tls = ssl.create_default_context()
    host = url.hostname or ""
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=_TIMEOUT_S, context=tls)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=_TIMEOUT_S)
    with server:
        if url.query == "tls=starttls":
            server.starttls(context=tls)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


_SENDERS: Final[Mapping[str, Callable[[EmailMessage, SplitResult], None]]] = {
    "console": _to_console,
    "file": _to_folder,
    "smtp": _to_server,
    "smtps": _to_server,
}
