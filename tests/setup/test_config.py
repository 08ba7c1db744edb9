"""Settings are read once, checked as a whole, and refuse by name without showing a value."""

import pytest

from app.config import SettingError, Settings, load_settings

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OLDER_KEY = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
SOUND = {
    "DATABASE_URL": "postgresql://channelbook_app:letmein@db.example/channelbook",
    "REDIS_URL": "redis://kv.example:6379/0",
    "SECRET_KEY": "s" * 32,
    "CREDENTIAL_KEYS": KEY,
    "BASE_URL": "https://books.example",
}


def problems(**changes: str) -> tuple[str, ...]:
    """The sentences with which SOUND with `changes` is refused; none when it is accepted."""
    try:
        load_settings({**SOUND, **changes})
    except SettingError as error:
        return error.problems
    return ()


def test_five_variables_are_enough() -> None:
    settings = load_settings(SOUND)
    assert settings.database_owner_url is None
    assert settings.mail_url == "console:"
    assert settings.sign_up_open
    assert not settings.allow_sandboxes
    assert settings.cookies_secure


def test_every_optional_variable_is_read() -> None:
    settings = load_settings(
        {
            **SOUND,
            "DATABASE_OWNER_URL": "postgresql://owner:pw@/channelbook?host=/run/pg",
            "REDIS_URL": "unix:///run/kv.sock",
            "CREDENTIAL_KEYS": f"{KEY}, {OLDER_KEY}",
            "BASE_URL": "http://127.0.0.1:8000/",
            "MAIL_URL": "smtp://user:pw@mail.example:587?tls=starttls",
            "MAIL_FROM": "books@shop.example",
            "ALLOW_SANDBOXES": "1",
            "SIGN_UP": "closed",
        }
    )
    assert settings == Settings(
        database_url=SOUND["DATABASE_URL"],
        database_owner_url="postgresql://owner:pw@/channelbook?host=/run/pg",
        redis_url="unix:///run/kv.sock",
        secret_key=SOUND["SECRET_KEY"],
        credential_keys=(KEY, OLDER_KEY),
        base_url="http://127.0.0.1:8000",
        mail_url="smtp://user:pw@mail.example:587?tls=starttls",
        mail_from="books@shop.example",
        allow_sandboxes=True,
        sign_up_open=False,
    )
    assert not settings.cookies_secure


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(SettingError) as refused:
        load_settings({"SECRET_KEY": "  "})
    named = [problem.split()[0] for problem in refused.value.problems]
    assert named == ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "BASE_URL"]
    assert all("missing" in problem for problem in refused.value.problems)


def test_a_missing_key_says_how_to_make_one() -> None:
    assert "secrets.token_urlsafe" in problems(SECRET_KEY="")[0]
    assert "os.urandom(32)" in problems(CREDENTIAL_KEYS="")[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://hunter2@db.example/channelbook"),
        ("DATABASE_URL", "postgresql://hunter2@db.example"),
        ("DATABASE_URL", "postgresql:///hunter2"),
        ("DATABASE_URL", "postgresql://db.example:hunter2/channelbook"),
        ("DATABASE_OWNER_URL", "sqlite:///hunter2"),
        ("REDIS_URL", "memcached://hunter2"),
        ("REDIS_URL", "unix://hunter2"),
        ("REDIS_URL", "redis:///hunter2"),
        ("SECRET_KEY", "hunter2"),
        ("CREDENTIAL_KEYS", "hunter2"),
        ("CREDENTIAL_KEYS", f"{KEY},hunter2"),
        ("CREDENTIAL_KEYS", f"{KEY},"),
        ("BASE_URL", "http://hunter2.example"),
        ("BASE_URL", "https://books.example/hunter2"),
        ("BASE_URL", "hunter2"),
        ("MAIL_URL", "hunter2:"),
        ("MAIL_URL", "file:hunter2"),
        ("MAIL_URL", "smtp:///hunter2"),
        ("MAIL_FROM", "hunter2"),
        ("ALLOW_SANDBOXES", "hunter2"),
        ("SIGN_UP", "hunter2"),
    ],
)
def test_an_unusable_value_is_refused_by_name_and_not_shown(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name} is unusable: ")
    assert "hunter2" not in problem


def test_smtp_needs_a_sender() -> None:
    (problem,) = problems(MAIL_URL="smtps://mail.example")
    assert problem.startswith("MAIL_FROM is missing")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_plain_http_is_accepted_on_this_machine(host: str) -> None:
    assert problems(BASE_URL=f"http://{host}") == ()


def test_secrets_are_not_in_the_repr() -> None:
    shown = repr(load_settings({**SOUND, "MAIL_URL": "smtp://u:hunter2@m.example", "MAIL_FROM": "a@b.example"}))
    for secret in ("letmein", "hunter2", SOUND["SECRET_KEY"], KEY):
        assert secret not in shown
