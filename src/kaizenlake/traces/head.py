"""The keys of the first object of a file, out of its first bytes."""

from __future__ import annotations

import re

_MARK = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}:]', re.DOTALL)


def top_keys(head: bytes) -> frozenset[str]:
    """Return keys of the first object, alone or as the first of a list, as far as the bytes go; none for anything else.

    >>> sorted(top_keys(b'[{"a": {"b": 1}, "c": [2'))
    ['a', 'c']
    """
    keys: set[str] = set()
    depth = 0
    text = b""
    body = head.lstrip(b"\xef\xbb\xbf \t\r\n").removeprefix(b"[")
    if body.lstrip()[:1] != b"{":
        return frozenset()
    for found in _MARK.finditer(body):
        mark = found.group()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                break
        elif mark == b":":
            if depth == 1 and text:
                keys.add(text.decode("utf-8", "replace"))
            text = b""
        elif depth == 1:
            text = mark[1:-1]
    return frozenset(keys)
