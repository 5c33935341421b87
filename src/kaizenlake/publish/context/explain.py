"""Why a context says what it says, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kaizenlake.errors import UsageError
from kaizenlake.publish.context.evidence_document import KaizenEvidence
from kaizenlake.publish.context.model import as_line
from kaizenlake.publish.context.sources import RULES

_LENGTH = 1000


def explain(
    document: Mapping[str, Any] | KaizenEvidence,
    value: str | None = None,
    versions: Mapping[str, int | None] | None = None,
) -> str:
    """Say what each entry of a context rests on, and what was not recommended and why.

    Args:
        document: The evidence of a context: of the service, of the reader, or a published document that was parsed.
        value: Explain this alone: a field such as `recommended_tones`, a value such as `friendly`, or a pattern type.
            Everything by default.
        versions: Version of each table, by full name, where they are known; the index has them.

    Raises:
        UsageError: The evidence knows no such field or value, or it is none.
    """
    if isinstance(document, KaizenEvidence):
        document = msgspec.to_builtins(document)
        assert isinstance(document, Mapping)
    if not all(isinstance(document.get(part), Mapping) for part in ("evidence", "not_recommended")):
        raise UsageError(
            "What was given is no evidence of a Kaizen context. `load_evidence` reads that of a publication."
        )
    entries = _choose(document["evidence"], value)
    rejected = _choose(document["not_recommended"], value)
    if value is not None and not entries and not rejected and value not in _FIELDS:
        raise _make_unknown_value_error(document, value)
    recommended = _describe_recommended(document, entries, value, versions or {})
    return "\n".join([*_yield_head(document), *recommended, *_describe_rejected(rejected, versions or {})])


_FIELDS = tuple(rule.field for rule in RULES)


def _choose(by_field: Mapping[str, Any], value: str | None) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return what is asked for, by field and value."""
    if value is None:
        return {field: dict(by_value) for field, by_value in by_field.items()}
    chosen = {
        field: {shown: item for shown, item in by_value.items() if _is_asked(field, shown, item, value)}
        for field, by_value in by_field.items()
    }
    return {field: by_value for field, by_value in chosen.items() if by_value}


def _is_asked(field: str, shown: str, item: Mapping[str, Any], value: str) -> bool:
    full = str((item.get("evidence") or item).get("value"))
    names = {field, shown, full, *shown.split(": ", 1)}
    return value.casefold() in {name.casefold() for name in names}


def _make_unknown_value_error(document: Mapping[str, Any], value: str) -> UsageError:
    parts = (document["evidence"], document["not_recommended"])
    known = sorted({shown for part in parts for by_value in part.values() for shown in by_value})
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    return UsageError(
        f"The context says nothing of {_format_line(value)!r}.",
        hint=f"It knows the fields {', '.join(_FIELDS)}"
        + (
            f" and the values {', '.join(map(repr, map(_format_line, known[:20])))}{more}."
            if known
            else " and no value."
        ),
    )


def _yield_head(document: Mapping[str, Any]) -> Iterator[str]:
    scope = document.get("scope") or {}
    named = [scope.get(name) for name in ("project_id", "industry", "client_type") if scope.get(name)]
    yield f"Context of {_format_line(' '.join([str(scope.get('kind', 'everything')), *map(str, named)]))}"
    yield f"{document.get('sample_size')} events; confidence {document.get('confidence')} of 100."


def _describe_recommended(
    document: Mapping[str, Any],
    chosen: Mapping[str, Mapping[str, Mapping[str, Any]]],
    value: str | None,
    versions: Mapping[str, int | None],
) -> Iterator[str]:
    reasons = document.get("why_empty") or {}
    for rule in RULES:
        entries = chosen.get(rule.field)
        if not entries:
            if value is None or value == rule.field:
                yield from ("", f"{rule.field}: nothing. {_format_line(reasons.get(rule.field, ''))}".rstrip())
            continue
        yield from ("", rule.field, f"  {rule.meaning}")
        for shown, item in entries.items():
            yield f"  - {_format_line(shown)}: {_format_line(item.get('reason'))}"
            yield from _yield_source(item, versions)


def _describe_rejected(
    chosen: Mapping[str, Mapping[str, Mapping[str, Any]]], versions: Mapping[str, int | None]
) -> Iterator[str]:
    if chosen:
        yield from ("", "not recommended")
    for field, by_value in chosen.items():
        for shown, item in by_value.items():
            yield f"  - {_format_line(shown)} for {field}: {_format_line(item.get('reason'))}"
            yield from _yield_source(item.get("evidence") or {}, versions)


def _yield_source(item: Mapping[str, Any], versions: Mapping[str, int | None]) -> Iterator[str]:
    if item.get("borrowed"):
        yield f"      {_format_line(item['borrowed'])}"
    known = versions.get(str(item.get("table")))
    version = f", version {known}" if known is not None else ""
    yield (
        f"      Evidence: {item.get('basis')}; {_format_line(item.get('observed'))}: {item.get('observations')}; "
        f"{item.get('table')}{version}."
    )


def _format_line(text: Any) -> str:
    """Return a text for a terminal: on one line, and without anything that steers one."""
    return as_line(str(text), _LENGTH)
