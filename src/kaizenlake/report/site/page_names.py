"""Where the pages of the site lie: names from outside become names of files that no name can leave, and links are relative."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import sha256

from kaizenlake.publish import guard

Key = tuple[str, ...]
"""What tells one of a kind from the others: its name, or for a pattern its type and value."""

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def page_name(key: Key) -> str:
    """Return the name of the page of something, without its ending: its own where it is plain, else a hash after a tilde.

    >>> page_name(("acme-2",)), page_name(("../etc",))[:5], page_name(("con",))[:1]
    ('acme-2', '~f7f9', '~')
    """
    name = "--".join(key)
    is_plain = all(_PLAIN.fullmatch(part) and "--" not in part for part in key) and name not in _DEVICES
    if is_plain and len(name) <= _LONGEST and guard.text(name) == name:
        return name
    return "~" + sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


_LONGEST, _DIGITS = 80, 24


class SiteLinks:
    """Which pages there are, and how they are reached from the top of the site.

    Args:
        pages: Keys of the pages of each kind.
    """

    def __init__(self, pages: Mapping[str, Collection[Key]]) -> None:
        self._pages = {kind: frozenset(keys) for kind, keys in pages.items()}

    def find(self, kind: str, key: Key) -> str:
        """Return the link to the page of something; empty where it has none."""
        return f"{kind}/{page_name(key)}.html" if key in self._pages.get(kind, ()) else ""

    def evidence(self, table: str, column: str = "") -> str:
        """Return the link to the page of a table, and on it to one of its columns; empty where it has none.

        Args:
            table: Full name of the table.
            column: Name of the column.
        """
        found = self.find("tables", tuple(table.split(".")))
        return found and (f"{found}#column-{column}" if column else found)
