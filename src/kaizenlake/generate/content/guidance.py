"""What a strategy or a creative is made by: the brief, and what a context recommends, as lines of data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kaizenlake.context import Loaded, empty
from kaizenlake.errors import UsageError
from kaizenlake.publish import guard
from kaizenlake.publish.context import rendering
from kaizenlake.publish.context.model import as_line

PLATFORMS = ("instagram", "linkedin", "twitter")
"""Platforms where the context and the brief name none."""

TONES = ("professional", "friendly", "bold")
"""Tones where the context recommends none."""

MOST_PLATFORMS = 3

LINE_LENGTH = 280
"""Most characters of a line of a context, or of a fact of a brief in a template."""

BRIEF_LENGTH = 20_000
"""Most characters of a brief that reach a prompt."""


class ContextFacts(NamedTuple):
    """What an event tells of the context that something was made with.

    Args:
        is_used: Whether a context was used; a default is none.
        confidence: Its confidence; None without one.
        sha256: Hash of the document; None where it is not known.
        held_out: The context was held back on purpose; None where nobody drew.
    """

    is_used: bool
    confidence: float | None = None
    sha256: str | None = None
    held_out: bool | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Fields of an event."""
        return {
            "is_context_used": self.is_used,
            "context_confidence_score": self.confidence,
            "context_sha256": self.sha256,
            "held_out": self.held_out,
        }


@dataclass(frozen=True)
class Guidance:
    """What is to be followed, each a line of data.

    Args:
        brief: Facts of the brief, as they were told.
        platforms: Platforms to write for.
        tones: Tones, to be taken in turn.
        pillars: Content pillars that did well.
        hooks: Ways to open that did well.
        risky: What goes with failure.
        banned: Phrases that may not stand in what is generated.
        facts: What events tell of the context.
        left_out: What was left out of it, and why.
    """

    brief: Mapping[str, Any]
    platforms: tuple[str, ...]
    tones: tuple[str, ...]
    pillars: tuple[str, ...]
    hooks: tuple[str, ...]
    risky: tuple[str, ...]
    banned: tuple[str, ...]
    facts: ContextFacts
    left_out: tuple[str, ...] = field(default=())

    def key(self, name: str) -> str | None:
        """Return an id that the brief names; None where it names none."""
        value = self.brief.get(name)
        return str(value)[:200] if isinstance(value, (str, int)) and str(value).strip() else None

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Facts of the brief as lines, by their names in words."""
        told = ((name, _line_of(value)) for name, value in self.brief.items())
        return [(as_line(str(name).replace("_", " "), 60), line) for name, line in told if line]

    @property
    def as_data(self) -> str:
        """The brief as JSON, for a prompt."""
        told = {str(name): value for name, value in self.brief.items()}
        return guard.text(json.dumps(told, ensure_ascii=False, default=str)[:BRIEF_LENGTH])

    @property
    def learned(self) -> str:
        """What the context recommends as JSON, for a prompt."""
        told = {
            "platforms": self.platforms,
            "tones": self.tones,
            "successful_pillars": self.pillars,
            "high_performing_hooks": self.hooks,
            "risky_patterns": self.risky,
            "banned_phrases": self.banned,
        }
        return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)


def read_guidance(brief: Mapping[str, Any] | str, context: Loaded | Mapping[str, Any] | None) -> Guidance:
    """Return what a brief and a context say is to be followed.

    Args:
        brief: Facts of the brief by name, such as `brand`, `objective`, `audience`, `offer`, and its `brief_id`, `brand_id`
            and `project_id`; a text is one fact.
        context: What `kaizenlake.context.load` answered, or a context itself; None follows none.

    Raises:
        UsageError: The brief is neither, or empty; or the context is no object.
    """
    told: Any = {"brief": brief} if isinstance(brief, str) else brief
    if not isinstance(told, Mapping) or not any(_line_of(value) for value in told.values()):
        raise UsageError(
            f"Expected a brief as a text or as facts by name; found {'nothing in it' if not brief else type(brief).__name__}.",
            hint='Such as {"brand_id": "acme", "objective": "more visits", "audience": "owners of dogs"}.',
        )
    document: Any = context.context if isinstance(context, Loaded) else context
    if document is not None and not isinstance(document, Mapping):
        raise UsageError(f"Expected a context as `load` gives it; found {type(document).__name__}.")
    known: Mapping[str, Any] = document or {}
    own = told.get("platforms")
    platforms = _lines(known.get("preferred_platforms"))[:MOST_PLATFORMS]
    platforms = platforms or _lines([own] if isinstance(own, str) else own)[:MOST_PLATFORMS]
    return Guidance(
        told,
        platforms or PLATFORMS,
        _lines(known.get("recommended_tones")) or TONES,
        _lines(known.get("successful_pillars")),
        _lines(known.get("high_performing_hooks")),
        _lines(known.get("risky_patterns")),
        _lines(known.get("banned_phrases")),
        _facts_of(context, known),
    )


def _facts_of(context: Loaded | Mapping[str, Any] | None, known: Mapping[str, Any]) -> ContextFacts:
    if isinstance(context, Loaded):
        is_used, sha256, held_out = context.sha256 is not None, context.sha256, context.held_out
    else:
        is_used, held_out = bool(known) and known != empty(), None
        sha256 = rendering.compute_sha256(known) if is_used else None
    confidence: Any = known.get("confidence")
    is_figure = isinstance(confidence, (int, float)) and not isinstance(confidence, bool) and 0 <= confidence <= 100
    return ContextFacts(is_used, float(confidence) if is_used and is_figure else None, sha256, held_out)


def _lines(values: Any) -> tuple[str, ...]:
    """Return the texts of a list as lines of data, each once; what is no list has none."""
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping)):
        return ()
    lines = (as_line(value, LINE_LENGTH) for value in values if isinstance(value, str))
    return tuple(dict.fromkeys(line for line in lines if line))


def _line_of(value: Any) -> str:
    """Return a fact as a line of data; empty where nothing was told."""
    if isinstance(value, (list, tuple, set, frozenset)):
        value = "; ".join(str(item) for item in value if item is not None)
    return "" if value is None or isinstance(value, Mapping) else as_line(str(value), LINE_LENGTH)
