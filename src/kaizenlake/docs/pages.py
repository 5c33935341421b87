"""Lay out pages of Markdown: headings, tables whose cells hold any text, and code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")
_CODE = re.compile(r"(`[^`]+`)")


def escape(text: object) -> str:
    r"""Return a text as it stands in Markdown, on one line; what stands between backticks stays code.

    >>> print(escape("a|b <i>, `a_b`"))
    a\|b \<i\>, `a_b`
    """
    parts = _CODE.split(" ".join(str(text).split()))
    return "".join(part if place % 2 else _SPECIAL.sub(r"\\\1", part) for place, part in enumerate(parts))


def lay_out_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, with a blank one before and after it; columns that hold nothing are left out.

    Args:
        head: Headings of the columns.
        rows: Their cells, in Markdown.
    """
    held = [tuple(row) for row in rows]
    shown = [place for place in range(len(head)) if any(row[place] for row in held)]
    if not shown:
        return []
    lines = [[head[place] for place in shown], ["---"] * len(shown), *([row[place] for place in shown] for row in held)]
    return ["", *(f"| {' | '.join(cells)} |" for cells in lines), ""]


def lay_out_code(text: str, language: str = "") -> list[str]:
    """Return the lines of a block of code, fenced by more backticks than it holds in a row."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return ["", f"{fence}{language}", *text.rstrip("\n").split("\n"), fence, ""]
