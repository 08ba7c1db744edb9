"""What is wrong with a certificate is said precisely, and nothing is sent to a host that fails the check."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.connectors.http import Door
from app.core.errors import CertificateTrouble, Unavailable
from tests.connectors.peers import Peer, answer

Authority = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
MakeContext = Callable[..., ssl.SSLContext]


def certify(name: str, issuer: Authority | None, *, days: int) -> Authority:
    """A certificate for `name`, by `issuer` or by itself, that ends in `days` days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signer = issuer[1] if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256()), key


@pytest.fixture(scope="module")
def authority() -> Authority:
    return certify("Test authority", None, days=30)


@pytest.fixture
def context(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeContext:
    """Makes server contexts; the test authority is the only one that is trusted."""
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(bundle))

    def make(name: str = "localhost", *, days: int = 30, self_signed: bool = False) -> ssl.SSLContext:
        certificate, key = certify(name, None if self_signed else authority, days=days)
        path = tmp_path / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(path)
        return found

    return make


def call(peer: Peer, *, effect: bool = False) -> int:
    door = Door(
        f"https://localhost:{peer.port}", label="SiteGiant", headers={"Access-Token": "secret"}, allow_sandboxes=True
    )
    try:
        return door.call("PUT" if effect else "GET", "/", effect=effect).status
    finally:
        door.close()


def test_a_good_certificate_is_checked_against_the_name(context: MakeContext) -> None:
    with Peer(answer(), context()) as peer:
        assert call(peer) == 200
    assert len(peer.requests) == 1


def test_an_expired_certificate_says_so(context: MakeContext) -> None:
    with Peer(answer(), context(days=-1)) as peer, pytest.raises(CertificateTrouble, match="localhost has expired"):
        call(peer)
    assert peer.requests == []


def test_a_certificate_for_another_name_says_so(context: MakeContext) -> None:
    with Peer(answer(), context("other.example")) as peer, pytest.raises(CertificateTrouble, match="another name"):
        call(peer)
    assert peer.requests == []


def test_a_self_signed_certificate_says_so(context: MakeContext) -> None:
    home_made = context(self_signed=True)
    with Peer(answer(), home_made) as peer, pytest.raises(CertificateTrouble, match="recognised authority"):
        call(peer)
    assert peer.requests == []


def test_tls_that_breaks_in_the_middle_is_a_lost_answer(context: MakeContext) -> None:
    def break_off(connection: socket.socket, peer: Peer) -> None:
        peer.read_request(connection)
        with socket.socket(fileno=os.dup(connection.fileno())) as underneath:
            underneath.sendall(b"this is no TLS record at all")

    with Peer(break_off, context()) as peer, pytest.raises(Unavailable, match="broke off") as caught:
        call(peer, effect=True)
    assert caught.value.maybe_done
    assert len(peer.requests) == 1


def test_a_host_that_does_not_speak_tls_says_so() -> None:
    def plain(connection: socket.socket, peer: Peer) -> None:
        connection.sendall(b"220 mail.example ESMTP\r\n")
        connection.recv(1024)

    with Peer(plain) as peer, pytest.raises(CertificateTrouble, match="does not offer a secure connection"):
        call(peer)
