"""What templates import from each other, found at once: a row of a list imports the macros it is drawn with anew."""

from __future__ import annotations

from flask import Flask
from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context


class OneForAll(Template):
    """A template that is rendered with the globals of its environment, as all of ours are, and none of its own."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        """What others import of it. Jinja compares the names of all globals first, in case it was given some more."""
        if self._module is None:
            return super()._get_default_module(ctx)
        return self._module


def init_app(app: Flask) -> None:
    """Make templates of that kind."""
    app.jinja_env.template_class = OneForAll
