"""The rules of the business as pure functions: standard library only, no clock, no network, no session."""
