"""Mails go where MAIL_URL says, whole, and their failure is a line in the log."""

from __future__ import annotations

import logging
import smtplib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask

from app import mail
from app.config import Settings


def app_with(settings: Settings, mail_url: str) -> Flask:
    app = Flask(__name__)
    app.extensions["settings"] = replace(settings, mail_url=mail_url, mail_from="books@shop.example")
    return app


@dataclass
class Server:
    """A mail server that takes one mail and remembers what was said."""

    port: int
    said: list[bytes] = field(default_factory=list)
    data: bytes = b""


@pytest.fixture
def server() -> Iterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    found = Server(listener.getsockname()[1])
    thread = threading.Thread(target=_serve, args=(listener, found), daemon=True)
    thread.start()
    yield found
    listener.close()
    thread.join(5)


_ANSWERS = {b"EHLO": b"250-hello\r\n250 AUTH PLAIN\r\n", b"AUTH": b"235 ok\r\n", b"QUIT": b"221 bye\r\n"}


def _serve(listener: socket.socket, server: Server) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    with connection, connection.makefile("rwb", buffering=0) as wire:
        wire.write(b"220 ready\r\n")
        for line in wire:
            server.said.append(line.strip())
            verb = line[:4].upper()
            if verb == b"DATA":
                wire.write(b"354 go on\r\n")
                while (row := wire.readline()) != b".\r\n":
                    server.data += row
            wire.write(_ANSWERS.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                return


def test_folder_gets_one_whole_file_for_each(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "mail"
    with app_with(settings, f"file:{folder}").app_context():
        assert mail.send("puan.lim@shop.example", "Kata laluan – 密码", "Xin chào\n")
        assert mail.send("puan.lim@shop.example", "Again", "Second\n")
    files = sorted(folder.iterdir())
    assert [path.suffix for path in files] == [".eml", ".eml"]
    assert files[0].stat().st_mode & 0o077 == 0, "reset links are for their reader alone"
    message = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert message["To"] == "puan.lim@shop.example"
    assert message["From"] == "books@shop.example"
    assert message["Subject"] == "Kata laluan – 密码"
    assert message["Date"]
    assert message["Message-ID"].endswith("@shop.example>")
    assert message.get_content().strip() == "Xin chào"


def test_console_shows_the_text(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with app_with(settings, "console:").app_context():
        assert mail.send("puan.lim@shop.example", "Hello", "http://localhost/reset/abc\n")
    shown = capsys.readouterr().out
    assert "To: puan.lim@shop.example" in shown
    assert "http://localhost/reset/abc" in shown


def test_server_gets_the_mail_and_the_password(settings: Settings, server: Server) -> None:
    with app_with(settings, f"smtp://books%40shop:s%2Fcret@127.0.0.1:{server.port}").app_context():
        assert mail.send("puan.lim@shop.example", "Hello", "Good morning\n")
    assert any(line.lower().startswith(b"mail from:<books@shop.example>") for line in server.said)
    assert any(line.lower().startswith(b"rcpt to:<puan.lim@shop.example>") for line in server.said)
    assert any(line.upper().startswith(b"AUTH PLAIN") for line in server.said)
    assert b"Good morning" in server.data


def test_password_is_not_said_to_a_server_without_the_tls_that_was_asked_for(
    settings: Settings, server: Server
) -> None:
    with app_with(settings, f"smtp://books:secret@127.0.0.1:{server.port}?tls=starttls").app_context():
        assert not mail.send("puan.lim@shop.example", "Hello", "Good morning\n")
    assert not any(line.upper().startswith(b"AUTH") for line in server.said)


def test_failure_is_a_line_with_a_reference_and_without_the_mail(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), app_with(settings, "smtp://127.0.0.1:1").app_context():
        assert not mail.send("puan.lim@shop.example", "Hello", "http://localhost/reset/abc\n")
    assert "reference" in caplog.text
    assert "reset/abc" not in caplog.text


@pytest.mark.parametrize("to", ["a@shop.example\r\nBcc: all@shop.example", "a@shop.example\nX: y"])
def test_address_cannot_add_headers(settings: Settings, tmp_path: Path, to: str) -> None:
    with app_with(settings, f"file:{tmp_path}").app_context():
        assert not mail.send(to, "Hello", "Good morning\n")
    assert not list(tmp_path.iterdir())


def test_smtps_speaks_tls_from_the_first_byte(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, object]] = []

    def connect(host: str, port: int, *, timeout: float, context: object) -> smtplib.SMTP:
        seen.append((host, port, context))
        raise OSError("enough seen")

    monkeypatch.setattr(smtplib, "SMTP_SSL", connect)
    with app_with(settings, "smtps://books:secret@mail.shop.example").app_context():
        assert not mail.send("puan.lim@shop.example", "Hello", "Good morning\n")
    ((host, port, context),) = seen
    assert (host, port) == ("mail.shop.example", 465)
    assert context is not None
