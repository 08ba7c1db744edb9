"""What goes wrong below HTTP, in the error family of `app.core.errors` and in a shop owner's words."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3
from flask_babel import gettext as _
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from app.connectors.addresses import HandshakeFailed
from app.core.errors import AddressRefused, CertificateTrouble, ChannelError, Unavailable, Unreachable

TRANSPORT_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)
"""All that a call through the adapter may raise, apart from our own errors."""

_NOT_CONNECTED = (NewConnectionError, ConnectTimeoutError, requests.ConnectTimeout)
_TOO_SLOW = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED; the other numbers are of the same OpenSSL table.
_SELF_SIGNED = frozenset({18, 19, 20, 21})
_WRONG_NAME = frozenset({62, 64})


def translated(error: Exception, *, label: str, host: str, detail: str, effect: bool) -> ChannelError:
    """The transport's error in our words.

    Only what surely happened before anything was sent is Unreachable or a matter of the address; all else may have
    been done if the call had an `effect`. Nothing of the error's own text is taken over: it may hold the query.
    """
    causes = tuple(_causes(error))
    detail = f"{detail}: {type(causes[-1]).__name__}"
    if isinstance(error, requests.exceptions.InvalidURL):
        return AddressRefused(_("This is not a web address. Enter the store's domain, like shop.example."))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = _certificate_words(cause.verify_code, host)
            return CertificateTrouble(words, detail=f"{detail} {cause.verify_code}")
        if isinstance(cause, HandshakeFailed):
            return CertificateTrouble(_not_secure(host), detail=detail)
    if any(isinstance(cause, NameResolutionError) for cause in causes):
        return Unreachable(_no_such_host(causes, host), detail=detail)
    if any(isinstance(cause, _NOT_CONNECTED) for cause in causes):
        return Unreachable(
            _("%(host)s cannot be reached. Check the domain; if it is right, try again later.", host=host),
            detail=detail,
        )
    if any(isinstance(cause, _TOO_SLOW) for cause in causes):
        words = _("%(label)s took too long to answer. Try again later.", label=label)
    else:
        words = _("%(label)s broke off in the middle of its answer. Try again later.", label=label)
    return Unavailable(words, detail=detail, maybe_done=effect)


def _no_such_host(causes: tuple[BaseException, ...], host: str) -> str:
    if any(isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN for cause in causes):
        return _("The address %(host)s could not be looked up just now. Try again later.", host=host)
    return _("There is no website at %(host)s. Check the domain for a typing mistake.", host=host)


def _certificate_words(number: int, host: str) -> str:
    if number == _EXPIRED:
        return _(
            "The security certificate of %(host)s has expired. Ask whoever runs the website to renew it.", host=host
        )
    if number in _WRONG_NAME:
        return _(
            "The security certificate at %(host)s belongs to another name. Check the domain for a typing mistake.",
            host=host,
        )
    if number in _SELF_SIGNED:
        return _(
            "The security certificate of %(host)s was not issued by a recognised authority. "
            "Ask whoever runs the website for a proper one.",
            host=host,
        )
    return _not_secure(host)


def _not_secure(host: str) -> str:
    return _(
        "%(host)s does not offer a secure connection. Check the domain, or ask whoever runs the website.", host=host
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything inside it, outermost first: libraries wrap by argument, by `reason` and by cause."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inside = [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
        waiting.extend(cause for cause in inside if isinstance(cause, BaseException))
