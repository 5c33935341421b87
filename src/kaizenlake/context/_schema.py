"""The shape of a context (schema 2), and contexts of schema 1 brought into it: a generator meets one, whoever published.

Schema 1 is what version 0.1.0 published: entries were objects with a key into the evidence of the same document.
"""

from __future__ import annotations

from typing import Any

VALUES = (
    "recommended_tones",
    "preferred_platforms",
    "banned_phrases",
    "successful_pillars",
    "high_performing_hooks",
)
LISTS = (*VALUES, "risky_patterns", "high_clarity_segments", "past_winners", "recommended_patterns")
RATES = ("channel_performance", "pack_success_rates")


def empty() -> dict[str, Any]:
    """Return a context that recommends nothing: what `load` answers where it has nothing and no default was given."""
    return {
        "schema": "kaizen-context",
        "version": 2,
        "tenant": None,
        "scope": {"kind": "everything", "project_id": None, "industry": None, "client_type": None},
        "brand": None,
        "sample_size": 0,
        "confidence": 0.0,
        **{name: [] for name in LISTS},
        **{name: {} for name in RATES},
        "grades": {"works": {}, "promising": {}, "unclear": {}},
        "platforms": [],
        "hours": [],
        "learned_value": None,
        "plugins": {},
        **{name: {} for name in ("borrowed", "more", "usable", "why_empty")},
    }


_KEPT = ("data_notice", "scope", "sample_size", "confidence")


def context_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return a context in the shapes of schema 2; one of another schema than 1 as it is."""
    if document.get("version") != 1 or "evidence" not in document:
        return document
    found: dict[str, Any] = empty() | {"translated_from": 1}
    found |= {name: document[name] for name in _KEPT if name in document}
    for name in VALUES:
        found[name] = [entry["value"] for entry in document[name]]
    found["risky_patterns"] = [_label(entry) for entry in document["risky_patterns"]]
    found["high_clarity_segments"] = [
        f"{entry['industry'] or 'unknown'} / {entry['client_type'] or 'unknown'}"
        for entry in document["high_clarity_segments"]
    ]
    found["past_winners"] = [_drop_evidence(entry) for entry in document["past_winners"]]
    found["recommended_patterns"] = [_drop_evidence(entry) for entry in document["recommended_patterns"]]
    for name in RATES:
        found[name] = {
            entry["value"]: entry["shrunk_rate"] if entry["rate"] is None else entry["rate"] for entry in document[name]
        }
    found["usable"] = {name: bool(found[name]) for name in (*LISTS, *RATES)}
    return found


def evidence_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence that a context of schema 1 holds in the shapes of schema 2; other evidence as it is."""
    if document.get("schema") == "kaizen-evidence":
        return document
    found: dict[str, Any] = {"schema": "kaizen-evidence", "version": 2, "translated_from": 1}
    found |= {name: document[name] for name in _KEPT if name in document}
    found |= {"evidence": {}, "not_recommended": {}, "why_empty": {}}
    rejected = {entry["evidence"]: entry for entry in document["not_recommended"]}
    risky = {entry["evidence"]: entry for entry in document["risky_patterns"]}
    for key, item in document["evidence"].items():
        field, value = item["field"], _label(risky[key]) if key in risky else item["value"]
        if key in rejected:
            entry = {"reason": rejected[key]["reason"], "evidence": item}
            found["not_recommended"].setdefault(field, {})[value] = entry
        else:
            found["evidence"].setdefault(field, {})[value] = item
    return found


def _label(entry: dict[str, Any]) -> str:
    return f"{entry['pattern_type']}: {entry['value']}"


def _drop_evidence(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "evidence"}
