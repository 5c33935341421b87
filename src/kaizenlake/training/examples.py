"""An example: what went in, what came out, how good it was, and where it is from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import polars as pl


class ExampleSource(StrEnum):
    """Where an example is from: a task that was done, a plan that was made, or feedback on quality."""

    EXECUTION_TRACE = "EXECUTION_TRACE"
    PLANNING_TRACE = "PLANNING_TRACE"
    QUALITY_FEEDBACK = "QUALITY_FEEDBACK"


METADATA: Final[dict[str, pl.DataType]] = {
    "trace_id": pl.String(),
    "agent_id": pl.String(),
    "task_type": pl.String(),
    "timestamp": pl.Datetime("us", "UTC"),
    "model": pl.String(),
    "policy_id": pl.String(),
    "policy_version": pl.String(),
    "human_edited": pl.Boolean(),
    "verified_by": pl.String(),
}
"""What the metadata of an example may tell that anything reads; all of it may be missing."""

SCHEMA: Final[dict[str, pl.DataType]] = {
    "example_id": pl.String(),
    "source_type": pl.String(),
    "input_text": pl.String(),
    "output_text": pl.String(),
    "quality_score": pl.Float64(),
    "confidence": pl.Float64(),
    **METADATA,
    "labels": pl.List(pl.String()),
}
"""Columns of a frame of examples."""


@dataclass(frozen=True)
class TrainingExample:
    """One example of what an agent did well, or badly.

    Args:
        example_id: Its name; the hash of its content where none is given.
        source_type: Where it is from.
        input_text: What went in.
        output_text: What came out.
        quality_score: Mark, 0 to 100.
        confidence: How sure the mark is, 0 to 1.
        metadata: What else is known: `trace_id, agent_id, task_type, timestamp, model, policy_id, policy_version,
            human_edited, verified_by`, and whatever an application adds; all of it may be missing.
        labels: Labels that it was given.
    """

    example_id: str = ""
    source_type: ExampleSource | str = ExampleSource.EXECUTION_TRACE
    input_text: str = ""
    output_text: str = ""
    quality_score: float | None = None
    confidence: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    labels: Sequence[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source_type", ExampleSource(self.source_type))
        if not self.example_id:
            trace = self.metadata.get("trace_id")
            object.__setattr__(
                self, "example_id", hash_example(str(self.source_type), trace, self.input_text, self.output_text)
            )


def hash_example(source_type: str, trace_id: str | None, input_text: str, output_text: str) -> str:
    """Return the name of an example by what it says: the same told twice is one.

    >>> hash_example("EXECUTION_TRACE", None, "in", "out")
    'ex-96599e563c4aeb532e267fc1ac08f5d6'
    """
    said = json.dumps([source_type, trace_id, input_text, output_text], ensure_ascii=True, separators=(",", ":"))
    return f"ex-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def frame_of(examples: Iterable[TrainingExample]) -> pl.DataFrame:
    """Return examples as rows of `SCHEMA`, in their order; what is of another kind than it should be is missing."""
    rows = [
        {
            "example_id": item.example_id,
            "source_type": str(item.source_type),
            "input_text": _text(item.input_text),
            "output_text": _text(item.output_text),
            "quality_score": _number(item.quality_score),
            "confidence": _number(item.confidence),
            "labels": [str(label) for label in item.labels or ()],
            **{name: _value(name, item.metadata.get(name)) for name in METADATA},
        }
        for item in examples
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def full_text() -> pl.Expr:
    """Return the text of an example: what went in, a line end, what came out."""
    return pl.concat_str(pl.col("input_text").fill_null(""), pl.col("output_text").fill_null(""), separator="\n")


def _text(value: object) -> str | None:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _value(name: str, value: object) -> object:
    if name == "human_edited":
        return value if isinstance(value, bool) else None
    if name == "timestamp":
        return _instant(value)
    return _text(str(value)) if value is not None else None


def _instant(value: object) -> datetime | None:
    """Return an instant in UTC, of a time or of its text or of seconds since 1970; a time without a zone is in UTC."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            value = datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
