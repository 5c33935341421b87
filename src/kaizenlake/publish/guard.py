"""The one place that everything published or reported passes: it replaces what identifies a person, and secrets.

Texts from outside are redacted where they become one line, before they are cut (`context.as_line`, `report_format.clean`).
What leaves is redacted once more as a whole: signed files (`signed_files.Form`), documents of contexts (`rendering.render`),
pages and papers (`report.render_html`, `report.render_pdf`), and records of runs. So a new report cannot forget it. It is
on unless the settings of the lake that is at work turn it off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from kaizenlake.redaction import Redactor

Anything = TypeVar("Anything")

_CURRENT: ContextVar[Redactor | None] = ContextVar("redactor", default=None)
_ON = Redactor()


@contextmanager
def guarding(*, is_on: bool) -> Iterator[Redactor]:
    """Let what leaves within be redacted or not, as the settings of a lake say; the outermost guard counts.

    Args:
        is_on: Setting `publishing.redact`.

    Yields:
        The redactor, which counts what it replaces.
    """
    current = _CURRENT.get()
    if current is not None and bool(current.kinds) is is_on:
        yield current
        return
    redactor = Redactor() if is_on else Redactor(kinds=())
    before = _CURRENT.set(redactor)
    try:
        yield redactor
    finally:
        _CURRENT.reset(before)


def kinds() -> tuple[str, ...]:
    """Return the kinds of what is replaced; none where the settings turn it off."""
    return tuple((_CURRENT.get() or _ON).kinds)


def text(value: str) -> str:
    """Replace what identifies a person in a text."""
    return (_CURRENT.get() or _ON).text(value)


def tree(value: Any) -> Any:
    """Replace what identifies a person in every text of plain data, names of members included."""
    return _tree(value, (_CURRENT.get() or _ON).text)


def _tree(value: Any, replaced: Callable[[str], str]) -> Any:
    """Return plain data with every text replaced."""
    if isinstance(value, str):
        return replaced(value)
    if isinstance(value, dict):
        return {replaced(key) if isinstance(key, str) else key: _tree(item, replaced) for key, item in value.items()}
    return [_tree(item, replaced) for item in value] if isinstance(value, (list, tuple)) else value


def redact_report(value: Anything) -> Anything:
    """Replace what identifies a person in every text of a report: figures, names of files and drawings aside."""
    return _part(value)  # type: ignore[no-any-return]


_AS_THEY_ARE = frozenset(
    {"id", "link", "names", "type", "source", "as_of_iso", "table", "kind", "data", "path", "anchors", "tone"}
    | {"source_link", "more_link"}
)
_DRAWINGS = frozenset({"wide", "narrow", "paper"})
_WORDS = re.compile(r">([^<>]+)<|(?:aria-label|alt|title)=\"([^\"]*)\"")


def _part(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        if name in _AS_THEY_ARE:
            return value
        return _WORDS.sub(_redact_mark, value) if name in _DRAWINGS else text(value)
    if isinstance(value, tuple):
        return tuple(_part(item, name) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        held = {item.name: getattr(value, item.name) for item in fields(value)}
        changed = {item: _part(part, item) for item, part in held.items() if item != "rows"}
        if "rows" in held:
            figures = [column.kind == "number" for column in held["columns"]]
            changed["rows"] = tuple(
                tuple(cell if is_figure else _part(cell) for is_figure, cell in zip(figures, row, strict=True))
                for row in held["rows"]
            )
        return replace(value, **changed)
    return value


def _redact_mark(match: re.Match[str]) -> str:
    words = match[1] if match[1] is not None else match[2]
    return match[0].replace(words, text(words))
