"""Peers that misbehave on a real socket: a script decides, byte by byte, what each connection gets to see."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

Script = Callable[[socket.socket, "Peer"], None]
PATIENCE = 20.0


class Peer:
    """Listens on a free loopback port and plays `script` once for each connection after reading its request."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._tls = script, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self.stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where to reach it, without TLS."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def pause(self, seconds: float) -> bool:
        """Wait, or return True at once when the test is over."""
        return self.stopping.wait(seconds)

    def read_request(self, connection: socket.socket) -> bytes:
        """One whole request, kept in `requests`; b'' when the other side hung up instead."""
        read = b""
        while b"\r\n\r\n" not in read:
            more = connection.recv(65536)
            if not more:
                return b""
            read += more
        head, _, body = read.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(body) < length and (more := connection.recv(65536)):
            body += more
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with suppress(OSError), connection:
            if self._tls is None:
                self._play(connection)
            else:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._play(secured)

    def _play(self, connection: socket.socket) -> None:
        self._open.add(connection)
        try:
            if not self.stopping.is_set():
                self._script(connection, self)
        finally:
            self._open.discard(connection)


def answer(
    body: bytes = b"{}", *, status: str = "200 OK", headers: str = "Content-Type: application/json\r\n"
) -> Script:
    """A script that answers every request of a connection in the same way."""
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode()

    def script(connection: socket.socket, peer: Peer) -> None:
        while peer.read_request(connection):
            connection.sendall(head + body)

    return script


def hang_up(connection: socket.socket, peer: Peer) -> None:
    """Read the request and close without a word."""
    peer.read_request(connection)


def say_nothing(connection: socket.socket, peer: Peer) -> None:
    """Read the request and keep quiet until the other side gives up."""
    peer.read_request(connection)
    connection.recv(1)


def drip(start: bytes, drop: bytes) -> Script:
    """Send `start`, then one `drop` after another for as long as somebody listens."""

    def script(connection: socket.socket, peer: Peer) -> None:
        peer.read_request(connection)
        connection.sendall(start)
        while not peer.pause(0.05):
            connection.sendall(drop)

    return script
