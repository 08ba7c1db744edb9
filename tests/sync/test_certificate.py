"""A channel whose certificate runs out: nothing is sent, the job says whose it is, and all goes on once renewed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.connectors.test_certificates import Authority, certify
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


class TlsFront:
    """Speaks TLS in front of a server without it, with whatever certificate `context` holds at the moment."""

    def __init__(self, port_behind: int, context: ssl.SSLContext) -> None:
        self.context, self._behind = context, port_behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.append(connection)
        with suppress(OSError), connection:
            secured = self.context.wrap_socket(connection, server_side=True)
            with secured, socket.create_connection(("127.0.0.1", self._behind)) as behind:
                self._open += [secured, behind]
                back = threading.Thread(target=_pump, args=(behind, secured), daemon=True)
                back.start()
                _pump(secured, behind)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def context_of(authority: Authority, folder: Path, *, days: int) -> ssl.SSLContext:
    certificate, key = certify("localhost", authority, days=days)
    path = folder / f"server{days}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The only authority that is trusted."""
    made = certify("Test authority", None, days=30)
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(made[0].public_bytes(serialization.Encoding.PEM))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(bundle))
    return made


@pytest.fixture
def front(merchant: Merchant, authority: Authority, tmp_path: Path) -> Iterator[TlsFront]:
    """The sandbox behind TLS with a good certificate."""
    port = int(merchant.shop.sandbox.root.rpartition(":")[2])
    made = TlsFront(port, context_of(authority, tmp_path, days=30))
    yield made
    made.close()


def test_a_certificate_that_runs_out_stops_the_work_until_it_is_renewed(
    merchant: Merchant, front: TlsFront, authority: Authority, tmp_path: Path
) -> None:
    good = front.context
    merchant.shop.add(*[an_order(order_id=number) for number in (1, 2, 3)])
    merchant.connect(domain=f"https://localhost:{front.port}/sandbox/sitegiant")
    merchant.check()
    assert merchant.job().state == "succeeded", merchant.job()

    front.context = context_of(authority, tmp_path, days=-1)
    merchant.shop.add(an_order(order_id=4))
    merchant.shop.steer("DELETE", "log")
    merchant.sync()
    assert (merchant.job().state, merchant.job().problem) == ("partly", "CERTIFICATE")
    words = merchant.job().problem_detail["message"]
    assert words.startswith("The security certificate of localhost has expired.")
    merchant.check()
    assert (merchant.job().state, merchant.job().problem) == ("failed", "CERTIFICATE")
    assert merchant.shop.log() == []
    assert merchant.rows("select status from channels") == [("connected",)]

    front.context = good
    merchant.hurry()
    merchant.tick()
    merchant.work()
    merchant.check()
    merchant.sync()
    assert merchant.rows("select state, count(*) from orders group by 1") == [("booked", 4)]
    assert sorted(order for order, _number in merchant.written()) == ["1", "2", "3", "4"]
