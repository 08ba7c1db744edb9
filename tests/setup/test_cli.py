"""The command line refuses in sentences, names what is wrong, and makes the first owner."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask import Flask

from app.accounts.services import check_sign_in
from app.cli import main
from app.config import Settings
from app.embedded.folder import PROJECT
from app.tenancy.scope import current_store, store_scope
from tests.support.factories import SomeStore


def as_env(settings: Settings) -> dict[str, str | None]:
    """The environment that gives these settings."""
    return {
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": f"{settings.redis_url}?db=15",  # where no worker of another test is registered
        "SECRET_KEY": settings.secret_key,
        "CREDENTIAL_KEYS": ",".join(settings.credential_keys),
        "BASE_URL": settings.base_url,
    }


def run(*arguments: str, env: dict[str, str | None]) -> Result:
    return CliRunner().invoke(main, arguments, env=env)


@pytest.mark.parametrize("command", ["check", "migrate", "web"])
def test_without_settings_every_missing_one_is_named(command: str) -> None:
    nothing: dict[str, str | None] = dict.fromkeys(
        ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "BASE_URL"]
    )
    result = run(command, env=nothing)
    assert result.exit_code == 1
    assert all(f"  {name} is missing" in result.output for name in nothing)


def test_check_has_a_line_for_each_answer_and_fails_with_one_of_them(settings: Settings) -> None:
    with psycopg.connect(str(settings.database_owner_url)) as owner:
        owner.execute("delete from heartbeats")
    result = run("check", env=as_env(settings))
    assert result.exit_code == 1
    failed = [line for line in result.output.splitlines() if line.startswith("FAILED")]
    assert [line.split(": ")[0] for line in failed] == ["FAILED  Tick", "FAILED  Workers"]
    sound = [line.removeprefix("ok      ").split(": ")[0] for line in result.output.splitlines() if line not in failed]
    assert sound == [
        "Database",
        "Database version",
        "Database role",
        "Row-level security",
        "Migrations",
        "Queue",
        "Credential keys",
    ]


def test_migrate_may_be_run_twice(settings: Settings) -> None:
    for _ in range(2):
        assert run("migrate", env=as_env(settings)).output == "The database is up to date.\n"


def test_migrate_needs_the_owner(settings: Settings) -> None:
    result = run("migrate", env={**as_env(settings), "DATABASE_OWNER_URL": None})
    assert result.exit_code == 1
    assert "DATABASE_OWNER_URL is missing" in result.output


def create_owner(settings: Settings, password: str) -> subprocess.CompletedProcess[str]:
    who = ("--email", "First@Shop.example", "--name", "Aisyah", "--store", "Kedai Pertama")
    return alone(settings, "create-owner", *who, OWNER_PASSWORD=password)


def alone(settings: Settings, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command that builds an application of its own, in a process of its own."""
    env = {name: value for name, value in as_env(settings).items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=PROJECT,
        env={**os.environ, **env, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_owner_can_sign_in_and_is_made_once(settings: Settings, app: Flask) -> None:
    assert "hard to guess" in create_owner(settings, "password123").stderr
    made = create_owner(settings, "tram-lantern-82")
    assert made.stdout.startswith("Made the store Kedai Pertama at /kedai-pertama"), made.stderr
    with app.app_context():
        assert check_sign_in("first@shop.example", "tram-lantern-82")
    again = create_owner(settings, "tram-lantern-83")
    assert again.returncode == 1
    assert "has an account already" in again.stderr


def test_two_step_is_ended_only_where_it_is(settings: Settings, store: SomeStore) -> None:
    none = alone(settings, "end-two-step", store.owner.email)
    assert (none.returncode, "has no two-step sign-in" in none.stderr) == (1, True)


def test_a_sandbox_is_started_with_its_own_options() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "app.cli", "sandbox", "sitegiant", "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "--orders" in told.stdout


def test_set_plan_puts_a_store_on_a_plan(settings: Settings, app: Flask, store: SomeStore) -> None:
    result = run("set-plan", store.slug, "premium", env=as_env(settings))
    assert result.output == f"{store.name} is on the plan premium.\n"
    with app.app_context(), store_scope(store.id):
        assert current_store().plan == "premium"


def test_set_plan_refuses_what_there_is_not(settings: Settings, store: SomeStore) -> None:
    unknown = run("set-plan", "no-such-store", "premium", env=as_env(settings))
    assert (unknown.exit_code, "there is no store at /no-such-store" in unknown.output) == (1, True)
    assert run("set-plan", store.slug, "gold", env=as_env(settings)).exit_code == 2
    ownerless = run("set-plan", store.slug, "growth", env={**as_env(settings), "DATABASE_OWNER_URL": None})
    assert "DATABASE_OWNER_URL" in ownerless.output
