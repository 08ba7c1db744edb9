"""What can be read in the source itself: how secrets are compared and made, and what is never used."""

from __future__ import annotations

import ast
import json
import re
import secrets
import tomllib
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any, Final

import pytest
from argon2.low_level import Type
from flask import Flask

from app.accounts import passwords
from app.accounts.recovery import HOW_MANY, LENGTH
from app.accounts.sessions import new_token
from app.core.linking import ALPHABET, CODE_BYTES
from app.sealing import seal
from app.wiring import ROOT

SOURCES: Final = sorted(path for path in (ROOT / "app").rglob("*.py") if "sandbox" not in path.parts)
TEMPLATES: Final = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS: Final = sorted((ROOT / "static").glob("*.js"))
NOT_BROUGHT: Final = frozenset(
    {
        # Digests of what was written, by which a change is noticed.
        "found.digest == digest",
        "copy.told_digest == order.digest",
        "known.get(stub.remote_id) != stub.digest",
        "self.ignored[stub.remote_id] == stub.digest",
        "known.digest != request.digest",
        "digest == parcel.digest",
        # What this very process holds, against what it holds as well.
        "token == stale",
        "self._token != stale",
        "codes.current_hash() != bytes(link.code_hash)",
    }
)
"""Comparisons in which nobody from outside brings one of the sides."""
NAMES_OF_SECRETS: Final = re.compile(r"(secret|token|signature|password|digest|mac|hash)$")
NEVER: Final = frozenset(
    {"eval", "exec", "__import__", "render_template_string", "from_string", "mktemp", "md5", "sha1", "system"}
)
MODULES: Final = frozenset({"pickle", "marshal", "shelve", "dill", "yaml", "xml", "lxml", "telnetlib", "ftplib"})
SPREADS_TRIES: Final = frozenset({"app/hooks/sending.py"})
"""Where chance keeps no secret: it spreads tries over time."""
STARTS_PROCESSES: Final = frozenset(
    {f"app/{name}.py" for name in ("supervisor", "local", *(f"embedded/{part}" for part in
     ("__init__", "postgres", "processes", "valkey")))}
)  # fmt: skip
"""The demo's own servers; no word from outside is part of a command."""


@cache
def nodes() -> tuple[tuple[str, ast.AST], ...]:
    """Every node of every source, with the file that it stands in."""
    trees = [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES]
    return tuple((where, node) for where, tree in trees for node in ast.walk(tree))


def last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_column(node: ast.AST) -> bool:
    """Whether it is a column of a table, which the database compares: `UserSession.token_hash`."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id[:1].isupper()


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def test_secrets_are_compared_in_constant_time() -> None:
    """Or by the database, which finds a hash in its index: what the hash was made of does not follow from how long."""
    found = set()
    for where, node in nodes():
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            sides = [node.left, *node.comparators]
            if any(NAMES_OF_SECRETS.search(last_name(side)) for side in sides) and not any(map(is_column, sides)):
                found.add((where, ast.unparse(node)))
    assert {line for _where, line in found} - NOT_BROUGHT == set(), found


def test_chance_that_keeps_a_secret_is_the_systems_own() -> None:
    assert {where for where, node in nodes() if "random" in imported(node)} == SPREADS_TRIES


def test_nothing_from_outside_is_run_or_unpacked_into_objects() -> None:
    called = {(where, last_name(node)) for where, node in nodes() if isinstance(node, ast.Call)}
    found = {(where, name) for where, name in called if name in NEVER}
    # Lua of our own, run in the queue server, with values beside it.
    assert found == {("app/channels/tokens.py", "eval"), ("app/channels/allowance.py", "eval")}
    assert {where for where, node in nodes() if imported(node) & MODULES} == set()


def test_no_command_of_the_system_is_part_of_a_page_or_job() -> None:
    found = {where for where, node in nodes() if "subprocess" in imported(node)}
    assert found <= STARTS_PROCESSES
    shells = [ast.unparse(node) for _where, node in nodes() if isinstance(node, ast.keyword) and node.arg == "shell"]
    assert shells == []


def test_certificates_are_always_checked() -> None:
    keywords = [node for _where, node in nodes() if isinstance(node, ast.keyword) and node.arg == "verify"]
    assert [ast.unparse(node) for node in keywords] == ["verify=True"]
    names = {last_name(node) for _where, node in nodes()}
    assert names & {"CERT_NONE", "_create_unverified_context", "check_hostname"} == set()


def test_every_template_escapes_everything() -> None:
    for page in TEMPLATES:
        source = page.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|[\w-]=\{\{", source), f"{page}: unquoted or unescaped"


def test_scripts_make_no_markup_of_words_and_keep_nothing() -> None:
    for path in SCRIPTS:
        source = path.read_text(encoding="utf-8")
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|sessionStorage"
            r"|indexedDB|document\.cookie|createContextualFragment",
            source,
        )
        assert found == [], path.name


def test_every_script_and_sheet_is_our_own() -> None:
    """Nothing is loaded from elsewhere, so nothing from elsewhere needs a checksum."""
    for page in TEMPLATES:
        for tag in re.findall(
            r"<(?:script|link|img|iframe|video|audio|source)\b[^>]*>", page.read_text(encoding="utf-8")
        ):
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag), f"{page.name}: {tag}"


def a_fresh(module: Any) -> Any:
    """A second copy of a module, as it is before tests make anything cheap."""
    spec = spec_from_file_location("fresh_copy", str(module.__file__))
    assert spec is not None
    assert spec.loader is not None
    copy = module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


def test_passwords_cost_what_they_should() -> None:
    """Argon2id with no less than 19 MiB and two rounds, a salt of its own of 16 bytes, and 32 bytes of hash."""
    hasher = a_fresh(passwords)._hasher
    assert hasher.type is Type.ID
    assert hasher.memory_cost >= 19 * 1024
    assert hasher.time_cost >= 2
    assert (hasher.salt_len, hasher.hash_len) == (16, 32)


def test_long_passwords_are_taken_whole() -> None:
    assert passwords.MIN_LENGTH >= 12
    assert passwords.MAX_LENGTH >= 64
    long = "kopi " * 25
    stored = passwords.hash_password(long + "a")
    assert passwords.is_right(stored, long + "a")
    assert not passwords.is_right(stored, long + "b")


def test_the_same_password_is_never_stored_the_same() -> None:
    assert len({passwords.hash_password("tram-lantern-82") for _ in range(3)}) == 3


@pytest.mark.parametrize("common", ["password1234", "qwertyuiop12", "123456789012", "iloveyou1234", "letmein12345"])
def test_passwords_that_leaked_most_are_refused(common: str) -> None:
    assert passwords.is_guessable(common)


def test_tokens_and_codes_are_long_enough() -> None:
    assert len(secrets.token_bytes(32)) == 32
    assert len(new_token()) >= 43, "256 bits"
    assert len({new_token() for _ in range(50)}) == 50
    assert LENGTH * 5 >= 80, "a recovery code, at five bits a letter"
    assert len(ALPHABET) == 32
    assert HOW_MANY == 10
    assert CODE_BYTES * 8 >= 64, "a store's verification code"


def test_the_same_secret_is_never_sealed_the_same(app: Flask) -> None:
    with app.app_context():
        assert len({seal({"api_key": "x"}) for _ in range(3)}) == 3


def test_no_script_looks_at_what_is_pasted() -> None:
    assert not any("paste" in path.read_text(encoding="utf-8") for path in SCRIPTS)
    fields = [
        line for page in TEMPLATES for line in page.read_text(encoding="utf-8").splitlines() if ".password" in line
    ]
    assert fields
    assert not [line for line in fields if "field(" in line and "autocomplete=" not in line]


def test_no_form_that_asks_for_a_secret_is_sent_by_its_address() -> None:
    for page in TEMPLATES:
        source = page.read_text(encoding="utf-8")
        if re.search(r"form\.(?:password|current|api_key|code)\b", source):
            assert 'method="get"' not in source, page.name


def test_the_linter_looks_for_what_is_dangerous() -> None:
    """Statements put together from text, shells, weak hashes, markup of words: bandit's rules, for all but tests."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in settings["select"]
    assert not [rule for rule in settings["ignore"] if rule.startswith("S")]
    left_out = [path for path, rules in settings["per-file-ignores"].items() if any(rule[0] == "S" for rule in rules)]
    assert left_out == ["tests/**"]


def test_everything_installed_is_named_with_its_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        named = [line for line in lines if line and not line.startswith((" ", "#", "-"))]
        assert named
        assert all("==" in line and line.endswith("\\") for line in named), name
        assert sum("--hash=sha256:" in line for line in lines) >= len(named)
    locked = json.loads((ROOT / "static/package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("integrity" in package for place, package in locked.items() if place)
    assert "--require-hashes" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_name_of_an_upload_is_looked_at_nowhere() -> None:
    """But for whether there is one: a form without a file is told so."""
    asked = {
        id(node.operand) for _where, node in nodes() if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    }
    named = [(where, node) for where, node in nodes() if isinstance(node, ast.Attribute) and node.attr == "filename"]
    assert named
    assert [where for where, node in named if id(node) not in asked] == []
