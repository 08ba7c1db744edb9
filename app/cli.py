"""The command line, `channelbook`: running everything here, running it for real, and finding out what is wrong."""

from __future__ import annotations

import contextlib
import functools
import getpass
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import ParamSpec
from urllib.parse import unquote, urlsplit

import click

from app.config import SettingError, Settings, load_settings
from app.core.linking import Plan

P = ParamSpec("P")


@click.group()
def main() -> None:
    """Channelbook: paid channel orders become exactly one sales invoice each."""


def refusing(command: Callable[P, None]) -> Callable[P, None]:
    """Turn a refusal into sentences on stderr and exit code 1: whoever set this up needs no traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SettingError as error:
            raise click.ClickException("these settings need you:\n  " + "\n  ".join(error.problems)) from None

    return wrapped


def _settings() -> Settings:
    return load_settings(os.environ)


@main.command()
@refusing
def demo() -> None:
    """Run everything on this machine, with servers of its own, until Ctrl-C."""
    from app import local  # noqa: PLC0415  # each command loads only what it needs
    from app.embedded import EmbeddedError  # noqa: PLC0415

    def say(words: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # nobody reads any more: that must not end the servers
            click.echo(words)

    try:
        local.run(os.environ, say)
    except (local.CannotRun, EmbeddedError) as error:
        raise click.ClickException(str(error)) from None


@main.command("prepare-demo", hidden=True)
@refusing
def prepare_demo() -> None:
    """Migrate, seed, and print the demo people as JSON."""
    from app.demo import seed  # noqa: PLC0415

    settings = _settings()
    _migrate(settings)
    click.echo(json.dumps([asdict(person) for person in seed(settings)]))


@main.command()
@refusing
def migrate() -> None:
    """Bring the database to this version, as its owner (DATABASE_OWNER_URL)."""
    _migrate(_settings())
    click.echo("The database is up to date.")


def _migrate(settings: Settings) -> None:
    from app.migrations import upgrade  # noqa: PLC0415

    if settings.database_owner_url is None:
        raise SettingError(["DATABASE_OWNER_URL is missing: set the address of the role that owns the tables."])
    upgrade(settings.database_owner_url, app_role=unquote(urlsplit(settings.database_url).username or ""))


@main.command()
@refusing
def check() -> None:
    """Say whether database, role, row-level security, migrations, queue, workers and keys are sound."""
    from app.checks import run_checks  # noqa: PLC0415

    checks = run_checks(_settings())
    for one in checks:
        click.echo(f"{'ok    ' if one.ok else 'FAILED'}  {one.name}: {one.words}")
    sys.exit(0 if all(one.ok for one in checks) else 1)


@main.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="HOST:PORT or unix:PATH.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=64, show_default=True, help="Threads in each; an open page holds one.")
@refusing
def web(bind: str, workers: int, threads: int) -> None:
    """Serve the pages in the foreground, for systemd or a container."""
    from app.serving import gunicorn_command  # noqa: PLC0415

    _settings()  # refuse here, in sentences, instead of in a worker's traceback
    command = gunicorn_command(bind, workers=workers, threads=threads)
    os.execv(command[0], command)  # noqa: S606  # becomes the server, so that signals reach it


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run a server that plays a channel, such as `sitegiant`."""
    command = (sys.executable, "-m", "app.sandbox", *arguments)
    os.execv(command[0], command)  # noqa: S606  # a process of its own: it shares nothing with the portal


@main.command("create-owner")
@click.option("--email", prompt=True)
@click.option("--name", prompt="Name of the person")
@click.option("--store", prompt="Name of the store")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, envvar="OWNER_PASSWORD")
@refusing
def create_owner(email: str, name: str, store: str, password: str) -> None:
    """Make the first owner and their store; the password is asked for, or read from OWNER_PASSWORD."""
    from app import create_app  # noqa: PLC0415
    from app.accounts import passwords  # noqa: PLC0415
    from app.onboarding import services  # noqa: PLC0415

    if len(password) < passwords.MIN_LENGTH or passwords.is_guessable(password, email, name, store):
        raise click.ClickException(
            f"choose a password that is hard to guess, of {passwords.MIN_LENGTH} characters or more"
        )
    with create_app(_settings()).app_context():
        try:
            made = services.create_owner(email=email, name=name, store_name=store, password=password)
        except services.EmailTaken:
            raise click.ClickException(
                "this e-mail has an account already: sign in, and make another store there"
            ) from None
    click.echo(f"Made the store {store} at /{made.slug}; {email} can sign in.")


@main.command("end-two-step")
@click.argument("email")
@refusing
def end_two_step(email: str) -> None:
    """Let somebody sign in by password alone who lost phone and recovery codes. Make sure first that it is them."""
    from app import create_app  # noqa: PLC0415
    from app.accounts import later, telling, two_step  # noqa: PLC0415

    with create_app(_settings()).app_context():
        user_id = two_step.lift(email)
        if user_id is None:
            raise click.ClickException(f"{email} has no two-step sign-in, or no account")
        telling.tell(user_id, telling.two_step_lifted, None)
        later.finish()
    click.echo(f"{email} signs in by password alone, is signed out everywhere, and was told by mail.")


@main.command("rotate-keys")
@refusing
def rotate_keys() -> None:
    """Seal every secret with the first of CREDENTIAL_KEYS, while the portal runs; as the database's owner.

    Put the new key second and restart everything, so that all can open it; then first, restart, and run this. It says
    when the old keys may be dropped. If it is interrupted, run it again: it goes on.
    """
    from app.rotating import rotate  # noqa: PLC0415

    settings = _settings()
    rotated = rotate(_owner_url(settings), settings.credential_keys)
    older = len(settings.credential_keys) - 1
    click.echo(f"{rotated.anew} secrets were sealed with the newest key now, {rotated.already} were already.")
    if rotated.broken:
        raise click.ClickException(
            f"{rotated.broken} secrets are sealed with a key that is not in CREDENTIAL_KEYS: put that key back, "
            "behind the others, and run this again; until then drop none"
        )
    if rotated.anew and older:
        click.echo("Keep the older keys for now. When every process has been restarted with the newest key first,")
        click.echo("run this once more: if nothing is left then, it says that they may be dropped.")
    elif older:
        click.echo("Nothing is sealed with an older key: all but the first may be dropped from CREDENTIAL_KEYS.")


def _owner_url(settings: Settings) -> str:
    """The address for what only the owner of the tables may do; a refusal when it is not set."""
    if settings.database_owner_url is None:
        raise click.ClickException("set DATABASE_OWNER_URL: only the owner of the tables sees every store")
    return settings.database_owner_url


@main.command("set-plan")
@click.argument("store")
@click.argument("plan", type=click.Choice([plan.value for plan in Plan]))
@refusing
def set_plan(store: str, plan: str) -> None:
    """Put the store at /STORE on a plan, as the database's owner. Links that need a higher one are suspended."""
    from app.tenancy.plans import put_on_plan  # noqa: PLC0415

    settings = _settings()
    name = put_on_plan(_owner_url(settings), store, Plan(plan))
    if name is None:
        raise click.ClickException(f"there is no store at /{store}")
    click.echo(f"{name} is on the plan {plan}.")


@main.command("export-store")
@click.argument("store")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path), help="A new or empty folder.")
@refusing
def export_store(store: str, folder: Path) -> None:
    """Write everything of the store at /STORE into a folder: JSON lines, CSV of its books, and a manifest.

    It shows one moment, and the portal runs on meanwhile. Secrets stay behind. Run it as the database's owner.
    """
    from app import create_app  # noqa: PLC0415
    from app.leaving.exporting import CannotExport  # noqa: PLC0415
    from app.leaving.exporting import export_store as export  # noqa: PLC0415

    settings = _settings()
    with create_app(settings).app_context():
        try:
            done = export(_owner_url(settings), store, folder, click.echo)
        except CannotExport as problem:
            raise click.ClickException(str(problem)) from None
    click.echo(f"{done.files} files with {done.rows} rows are in {folder}.")
    click.echo(f"The SHA-256 of manifest.json, which proves all of them: {done.manifest}")


_LAW = (
    "The law keeps tax documents: most countries ask a merchant to be able to show invoices, credit notes and their "
    "registers for years (Malaysia 7, Singapore 5, Vietnam 10). What is erased here is gone"
)


@main.command("delete-store")
@click.argument("store")
@click.option("--yes", "typed", default="", help="The store's name in its address, once more.")
@click.option("--export", "export", type=click.Path(path_type=Path), help="The folder of a finished export of it.")
@click.option("--without-export", is_flag=True, help="Erase it although nobody took it out.")
@refusing
def delete_store(store: str, typed: str, export: Path | None, without_export: bool) -> None:
    """Erase everything of the store at /STORE for ever, as the database's owner; if interrupted, run it again.

    It asks for a finished export first, because tax documents must usually be kept for years.
    """
    from app.leaving.erasing import CannotErase, erase_store  # noqa: PLC0415

    settings = _settings()
    if export is None and not without_export:
        raise click.ClickException(
            f"{_LAW}: run `channelbook export-store {store} --to FOLDER` first, give the folder to the merchant, and "
            "name it here with --export FOLDER; or say --without-export if it need not be kept"
        )
    try:
        erased = erase_store(
            _owner_url(settings), settings.redis_url, store, typed=typed, export=export, by=_account(), tell=click.echo
        )
    except CannotErase as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"/{store} is erased: {erased.rows} rows. That it was there is all that is known of it.")
    click.echo(f"{erased.without_store} of its members have no store any more; their accounts stay.")
    click.echo(f"{_LAW}, and so is what backups hold of it once they run out. Keep the export.")


def _account() -> str:
    """The account of this machine that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@main.command("check-reports")
@click.option("--mend", is_flag=True, help="Count what differs again.")
@refusing
def check_reports(mend: bool) -> None:
    """Count every order again, and say whether the sums that reports read are the same; as the database's owner."""
    from app.reports.recount import mend_stores, wrong_stores  # noqa: PLC0415

    owner_url = _owner_url(_settings())
    wrong = wrong_stores(owner_url)
    for store in wrong:
        click.echo(f"/{store.slug}: {store.days} days differ from their orders, the first on {store.first}")
    if wrong and not mend:
        raise click.ClickException("run `channelbook check-reports --mend`, and please report it: this should not be")
    mend_stores(owner_url, wrong)
    click.echo("Counted again." if wrong else "The sums of all reports equal the orders.")


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(installed_version("channelbook"))


if __name__ == "__main__":
    main()
