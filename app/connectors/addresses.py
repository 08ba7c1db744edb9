"""Which addresses we talk to, and connections that can reach no other.

A channel's address is typed in by a merchant, so it may point anywhere: at our own database, at a cloud's
metadata service, or at a name that resolves to a public address when checked and to a private one a moment
later. Therefore the check sits where the connection is made: the name is resolved once, every address is
checked, and the socket goes to the checked number. The name stays the one that TLS and `Host` speak of.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask_babel import gettext as _
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from app.core.errors import AddressRefused

POOL_SIZE = 8
_DEFAULT_PORTS = {"https": 443, "http": 80}
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is really reached.
_METADATA = frozenset(
    map(ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
"""Where clouds tell a machine its own secrets, apart from 169.254.169.254, which is link-local."""
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))  # 6to4 and Teredo end at an IPv4 of their choice.


@dataclass(frozen=True, slots=True)
class Guard:
    """What a connection must keep to. `read_seconds` bounds one whole answer, however slowly it drips."""

    allow_private: bool
    read_seconds: float


def is_allowed(address: str, *, allow_private: bool) -> bool:
    """Whether we may connect to this numeric address; `allow_private` adds loopback and private networks only."""
    ip = _embedded(ip_address(address.partition("%")[0]))
    if ip.is_multicast or ip.is_link_local or ip.is_unspecified or ip in _METADATA:
        return False
    if ip.is_loopback:
        return allow_private
    if ip.is_reserved:
        return False
    if isinstance(ip, IPv6Address) and ip in _GLOBAL_UNICAST and any(ip in net for net in _TUNNELS):
        return False
    if ip.is_private or not ip.is_global:
        return allow_private
    return isinstance(ip, IPv4Address) or ip in _GLOBAL_UNICAST


def _embedded(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 notation of it really reaches."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def parse_base_url(text: str, *, allow_sandboxes: bool) -> str:
    """Tidy what a merchant typed (`shop.example`, `https://shop.example/`) into a base URL without a trailing slash.

    Raises AddressRefused: not https, a user name inside, an unusual port, a bare number for a host. Sandboxes
    may be plain http on any port and any host; what the host resolves to is checked when connecting.
    """
    typed = text.strip()
    try:
        url = urlsplit(typed if "://" in typed else f"https://{typed}")
        host, port = _ascii_host(url), url.port
    except (ValueError, UnicodeError):
        host, port, url = "", None, SplitResult("", "", "", "", "")
    if not host or any(character.isspace() or not character.isprintable() for character in typed) or "\\" in typed:
        raise AddressRefused(_("This is not a web address. Enter the store's domain, like shop.example."))
    if url.username is not None or url.password is not None:
        raise AddressRefused(_("The address holds a user name or password. Enter the domain alone, like shop.example."))
    if url.scheme not in ("https", "http") or (url.scheme == "http" and not allow_sandboxes):
        raise AddressRefused(_("The address must begin with https://, so that the key travels encrypted."))
    if not allow_sandboxes:
        if port not in (None, 443):
            raise AddressRefused(_("The address names an unusual port. Enter the domain alone, like shop.example."))
        if _is_number(host):
            raise AddressRefused(_("Enter the store's domain, like shop.example, not a number."))
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[url.scheme]:
        netloc = f"{netloc}:{port}"
    return f"{url.scheme}://{netloc}{url.path.rstrip('/')}"


def _ascii_host(url: SplitResult) -> str:
    """The host as it goes onto the wire, names in other scripts included."""
    host = (url.hostname or "").rstrip(".")
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _is_number(host: str) -> bool:
    """Whether resolvers would read the host as a number: dotted, decimal, octal, hexadecimal or IPv6."""
    last = host.rpartition(".")[2]
    return ":" in host or last.isdigit() or last.startswith("0x")


class GuardedAdapter(HTTPAdapter):
    """The transport adapter of `requests` with guarded connections underneath; safe for several threads.

    Used without a `requests.Session`: no cookies, no proxies or netrc from the environment, no redirects.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        super().__init__(pool_connections=1, pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Make the pools, whose connections know what they must keep to."""
        self.poolmanager = _GuardedPools(
            self._guard, num_pools=connections, maxsize=maxsize, block=block, **pool_kwargs
        )


class _GuardedPools(PoolManager):
    """Makes pools whose connections are guarded."""

    def __init__(self, guard: Guard, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._guard = guard

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        connection = _GuardedHTTPS if scheme == "https" else _GuardedHTTP
        pool.ConnectionCls = partial(connection, guard=self._guard)  # type: ignore[assignment]
        return pool


class _GuardedHTTP(HTTPConnection):
    """A connection that resolves its name once and connects only to an address that was checked."""

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = guard
        self.response_class = partial(_BoundedResponse, read_seconds=guard.read_seconds)  # type: ignore[assignment]

    def _new_conn(self) -> socket.socket:
        last: OSError | None = None
        for address in self._checked_addresses():
            try:
                return create_connection(
                    (address, self.port), self.timeout, self.source_address, socket_options=self.socket_options
                )
            except OSError as error:
                last = error
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, "connect timed out") from last
        raise NewConnectionError(self, "connection refused") from last

    def _checked_addresses(self) -> list[str]:
        """The addresses of the host, at most three. One private address among them condemns them all."""
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            failure = error if isinstance(error, socket.gaierror) else socket.gaierror(socket.EAI_NONAME, "bad name")
            raise NameResolutionError(self.host, self, failure) from error
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_rest, sockaddr in found))
        if not all(is_allowed(address, allow_private=self._guard.allow_private) for address in addresses):
            raise AddressRefused(
                _("The address %(host)s leads into a private network. Enter the store's public domain.", host=self.host)
            )
        return addresses[:3]


class HandshakeFailed(ssl.SSLError):
    """The other side speaks no TLS that we speak; nothing was sent to it."""


class _GuardedHTTPS(_GuardedHTTP, HTTPSConnection):
    """The same under TLS: the certificate is checked against the name, not against the number connected to."""

    def connect(self) -> None:
        """Connect and shake hands. Only here is trouble with TLS surely trouble before anything was sent."""
        try:
            super().connect()
        except (ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise
        except ssl.SSLError as error:
            raise HandshakeFailed(*error.args) from error


class _BoundedResponse(http.client.HTTPResponse):
    """An answer, headers included, that must be complete `read_seconds` after the request was sent.

    A socket's own time-out starts anew with each byte, so a peer that drips would hold a worker for hours.
    """

    def __init__(self, sock: socket.socket, *args: Any, read_seconds: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_BoundedReader(sock, time.monotonic() + read_seconds))


class _BoundedReader(io.RawIOBase):
    """Reads a socket until a deadline."""

    def __init__(self, sock: socket.socket, ends_at: float) -> None:
        self._sock, self._ends_at = sock, ends_at
        self._patience = sock.gettimeout()
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Yes: BufferedReader asks."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read what has come; TimeoutError once the deadline or the socket's own patience is over."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole answer took too long")
        self._sock.settimeout(left if self._patience is None else min(left, self._patience))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Give the socket back."""
        if not self.closed:
            self._raw.close()
        super().close()
