"""Passwords: argon2id, and the few rules that keep out the ones that are guessed first.

Long and not guessable is all that is asked: no mix of letters and signs, and no change by the calendar, because both
make people write passwords down.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 128
_GUESSES: Final = 10**8
"""What is found among so many guesses is refused: all words and names that leaked most often, with years and digits."""
_GOOD: Final = 10**11
_STRONG: Final = 10**14
"""Whoever stole the hashes would try for years with the means of a state, since each try costs what ours does."""
_LOOKED_AT: Final = 72
"""Judging takes the longer the more letters there are; these are enough to judge by."""
_WORDS: Final = (
    "password passw0rd p@ssw0rd p@ssword mypassword letmein letmeinnow welcome iloveyou sayangku sayangsayang "
    "qwerty qwertyuiop asdfghjkl zxcvbnm 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5 qweasdzxc qazwsxedc abcabcabc abc123abc "
    "admin administrator superadmin changeme default secret football malaysia vietnam singapore shopee lazada "
    "sitegiant kiotviet channelbook abcd abc aa"
)
COMMON: Final = frozenset(_WORDS.split())
"""What people add digits to; a password that is one of these, with or without digits behind, is refused."""
_RUNS: Final = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")

_hasher = PasswordHasher()


class Strength(IntEnum):
    """How well a password keeps others out; the first two are refused."""

    SHORT = 0
    GUESSABLE = 1
    FAIR = 2
    GOOD = 3
    STRONG = 4


def use_hasher(hasher: PasswordHasher) -> None:
    """Hash from now on with other costs; tests use cheap ones."""
    global _hasher  # noqa: PLW0603  # one policy for the whole process
    _hasher = hasher
    _nobodys_hash.cache_clear()


def hash_password(password: str) -> str:
    """The argon2id hash to store, with its costs and salt inside."""
    return _hasher.hash(password)


def is_right(stored_hash: str | None, password: str) -> bool:
    """Whether `password` is the one that was hashed. Without a hash it is wrong, after the same work as ever:
    how long an answer takes must not tell whether an e-mail is known.
    """
    try:
        matches = _hasher.verify(stored_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored_hash is not None


def is_outdated(stored_hash: str) -> bool:
    """Whether the hash was made with other costs than today's: hash again while the password is at hand."""
    return _hasher.check_needs_rehash(stored_hash)


def is_guessable(password: str, *about: str) -> bool:
    """Whether the password is among the first that anybody tries; `about` is what the page knows of the person."""
    return _guesses(password, about) < _GUESSES


def strength_of(password: str, *about: str) -> Strength:
    """How strong the password is, by the same rules by which it is taken or refused."""
    if len(password) < MIN_LENGTH:
        return Strength.SHORT
    guesses = _guesses(password, about)
    if guesses < _GUESSES:
        return Strength.GUESSABLE
    if guesses < _GOOD:
        return Strength.FAIR
    return Strength.GOOD if guesses < _STRONG else Strength.STRONG


def _guesses(password: str, about: Sequence[str]) -> float:
    """After how many tries it is found by who knows what people choose, and this person."""
    letters = _letters(password)
    if letters in COMMON or letters.rstrip("0123456789!.") in COMMON or len(set(letters)) < 4:
        return 0
    if any(letters in run or letters in run[::-1] for run in _RUNS):
        return 0
    names = [fact.partition("@")[0] for fact in about if "@" in fact]
    facts = [_letters(fact) for fact in (*about, *names) if len(fact) > 2]
    if any(letters.startswith(fact) and len(letters) - len(fact) < 6 for fact in facts):
        return 0
    from zxcvbn import zxcvbn  # noqa: PLC0415  # 12 MB of words, which no worker needs

    judged = zxcvbn(password[:_LOOKED_AT], user_inputs=[*COMMON, *facts])
    return float(judged["guesses"])


def _letters(text: str) -> str:
    return "".join(text.casefold().split())


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash("the password of nobody")
