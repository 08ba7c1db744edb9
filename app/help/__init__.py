"""The help: articles, what each page says of itself, and where each refusal is explained."""

from __future__ import annotations

from flask import Flask

from app.help import articles, pages, pictures, refusals


def init_app(app: Flask) -> None:
    """Give templates what they need to lead to an article."""
    for part in (articles, pages, pictures, refusals):
        part.init_app(app)
