"""E-mail addresses as they are stored and compared: checked for their form, normalised, case-folded."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def read_email(text: str) -> str | None:
    """The address to store for what somebody typed, or None when it is no address. Nothing is asked of the network."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.casefold()
    except EmailNotValidError:
        return None


def fold_email(text: str) -> str:
    """The address to look for: as `read_email`, and what is no address at all is looked for (in vain) as it stands."""
    return read_email(text) or text.strip().casefold()
