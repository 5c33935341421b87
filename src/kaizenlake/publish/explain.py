"""Why a context says what it says, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kaizenlake.errors import UsageError
from kaizenlake.publish.context import KaizenContext, as_line
from kaizenlake.publish.context_rules import RULES

_LENGTH = 1000


def explain(document: Mapping[str, Any] | KaizenContext, value: str | None = None) -> str:
    """Say what each entry of a context rests on, and what was not recommended and why.

    Args:
        document: A context: of the service, of the reader, or a published document that was parsed.
        value: Explain this alone: a field such as `recommended_tones`, a value such as `friendly`, a pattern type, or an evidence key such
            as `recommended_tones/1`. Everything by default.

    Raises:
        UsageError: The context knows no such field or value, or it is no context.
    """
    if isinstance(document, KaizenContext):
        document = msgspec.to_builtins(document)
        assert isinstance(document, Mapping)
    evidence = document.get("evidence")
    if not isinstance(evidence, Mapping):
        raise UsageError("What was given is no Kaizen context: it has no evidence.")
    chosen = {key: item for key, item in evidence.items() if value is None or _is_asked(key, item, value)}
    if value is not None and not chosen and value not in _FIELDS:
        known = sorted({str(item.get("value")) for item in evidence.values()})
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""
        raise UsageError(
            f"The context says nothing of {_line(value)!r}.",
            hint=f"It knows the fields {', '.join(_FIELDS)}"
            + (f" and the values {', '.join(map(repr, map(_line, known[:20])))}{more}." if known else " and no value."),
        )
    return "\n".join([*_head(document), *_recommended(chosen, value), *_rejected(document, chosen)])


_FIELDS = tuple(rule.field for rule in RULES)


def _is_asked(key: str, item: Mapping[str, Any], value: str) -> bool:
    said = str(item.get("value"))
    names = {said, *said.split(": ", 1), str(item.get("field")), key}
    return value.casefold() in {name.casefold() for name in names}


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    scope = document.get("scope") or {}
    named = [scope.get(name) for name in ("project_id", "industry", "client_type") if scope.get(name)]
    yield f"Context of {_line(' '.join([str(scope.get('kind', 'everything')), *map(str, named)]))}"
    window = document.get("data_window") or {}
    between = f", from {window.get('first_at')} to {window.get('last_at')}" if window.get("first_at") else ""
    yield (
        f"As of {document.get('as_of')}: {document.get('sample_size')} events{between}; "
        f"confidence {document.get('confidence')} of 100."
    )


def _recommended(chosen: Mapping[str, Mapping[str, Any]], value: str | None) -> Iterator[str]:
    for rule in RULES:
        entries = [item for key, item in chosen.items() if key.split("/")[0] == rule.field]
        if not entries:
            if value is None or value == rule.field:
                yield from ("", f"{rule.field}: nothing.")
            continue
        yield from ("", rule.field, f"  {rule.meaning}")
        for item in entries:
            yield from _entry(item)


def _rejected(document: Mapping[str, Any], chosen: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    rejected = [item for item in document.get("not_recommended") or [] if item.get("evidence") in chosen]
    if not rejected:
        return
    yield from ("", "not recommended")
    for item in rejected:
        yield f"  - {_line(item.get('value'))} for {item.get('field')}: {_line(item.get('reason'))}"
        yield from _source(chosen[item["evidence"]])


def _entry(item: Mapping[str, Any]) -> Iterator[str]:
    yield f"  - {_line(item.get('value'))}: {_line(item.get('reason'))}"
    yield from _source(item)


def _source(item: Mapping[str, Any]) -> Iterator[str]:
    if item.get("borrowed"):
        yield f"      {_line(item['borrowed'])}"
    version = f", version {item['table_version']}" if item.get("table_version") is not None else ""
    yield (
        f"      Evidence: {item.get('basis')}; {_line(item.get('observed'))}: {item.get('observations')}; "
        f"{item.get('table')}{version}."
    )


def _line(text: Any) -> str:
    """A text for a terminal: on one line, and without anything that steers one."""
    return as_line(str(text), _LENGTH)
