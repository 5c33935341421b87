"""Render Markdown out of templates: every value is escaped as text of Markdown, and none is run as a template."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import jinja2

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
_LIST_MARK = re.compile(r"^([-+]|\d+[.)])(?=\s|$)")


class MarkdownText(str):
    """Markdown of our own, in which texts of others are escaped already."""

    __slots__ = ()


def escape_markdown(value: object) -> str:
    r"""Return a text of others as one line of Markdown that says just that: no heading, link, cell or HTML of its own.

    >>> escape_markdown("Acme *Bakery*\n# {{ 7 * 7 }} <b>")
    'Acme \\*Bakery\\* \\# {{ 7 \\* 7 }} \\<b\\>'
    """
    if isinstance(value, MarkdownText):
        return value
    line = _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
    return _LIST_MARK.sub(lambda found: f"{found[1][:-1]}\\{found[1][-1]}", line)


def render_markdown(room: str, template: str, **values: Any) -> str:
    """Return a document of a template.

    Args:
        room: Package below this one that holds the folder `templates`.
        template: Name of the file.
        **values: What it is made of; one that it asks for and that is not there is an error.
    """
    return _find_environment(room).get_template(template).render(**values)


@cache
def _find_environment(room: str) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(f"kaizenlake.generate.{room}"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=escape_markdown,
        autoescape=False,  # noqa: S701 - it is Markdown, and every value is escaped as such
    )
