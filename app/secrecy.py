"""Every column that holds bytes: what is sealed in it, what only proves something, and what is no secret.

Changing the keys goes through what is sealed, and what a store takes with it leaves out all that is secret. A column
that stands in none of the three fails a test.
"""

from __future__ import annotations

from typing import Final

SEALED: Final = frozenset(
    {
        ("channels", "credentials"),
        ("webhooks", "secret"),
        ("endpoints", "secret"),
        ("endpoints", "old_secret"),
        ("verification_codes", "sealed"),
        ("two_step_secrets", "sealed"),
    }
)
"""(table, column) of what `app.sealing` encrypts."""

PROOFS: Final = frozenset(
    {
        ("user_sessions", "token_hash"),
        ("password_resets", "token_hash"),
        ("half_sign_ins", "token_hash"),
        ("devices", "token_hash"),
        ("recovery_codes", "salt"),
        ("recovery_codes", "code_hash"),
        ("invitations", "token_hash"),
        ("api_keys", "token_hash"),
        ("webhooks", "token_hash"),
        ("verification_codes", "code_hash"),
        ("links", "code_hash"),
    }
)
"""Hashes by which a token, a key or a code is known again."""

PLAIN: Final = frozenset({("own_order_requests", "digest"), ("webhook_deliveries", "body")})
"""What is no secret to the store that it belongs to."""

SECRET_TEXT: Final = frozenset({("users", "password_hash")})
"""Columns of text that are secret all the same."""


def is_secret(table: str, column: str) -> bool:
    """Whether a column is kept from whoever reads its table."""
    return (table, column) in SEALED | PROOFS | SECRET_TEXT
