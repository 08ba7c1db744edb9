"""The help centre: outside of any store, and open to whoever wants to read it, signed in or not."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request

from app.accounts.access import last_store, signed_in_person
from app.help.articles import ARTICLES, SECTIONS, Article, draw, places_of
from app.help.search import find
from app.web.links import has_page, url_to
from app.web.needs import public
from app.web.respond import page_or_fragment

blueprint = Blueprint("help", __name__)

_LONGEST = 100


@blueprint.get("/help")
@public
def index() -> Any:
    """All articles, or those in which every word of `q` stands, in the reader's language."""
    query = request.args.get("q", "").strip()[:_LONGEST]
    found = find(query) if query else ()
    return page_or_fragment("help/index.html", "help/_found.html", query=query, found=found, sections=SECTIONS)


@blueprint.get("/help/<slug>")
@public
def show(slug: str) -> str:
    """One article, with a link to the page that it is about."""
    article = ARTICLES.get(slug)
    if article is None:
        abort(404)
    section = next(one for one in SECTIONS if article in one.articles)
    words = draw(article)
    shown = {"words": words, "places": places_of(words), "section": section, "page_url": _page_of(article)}
    return render_template("help/show.html", article=article, **shown)


def _page_of(article: Article) -> str | None:
    """The page in the store that this browser showed last; whether it still may is for that page to say."""
    store, page = last_store(), article.page
    if page is None or not has_page(page) or signed_in_person() is None:
        return None
    return url_to(page) if page.startswith("accounts.") else url_to(page, store=store) if store else None
