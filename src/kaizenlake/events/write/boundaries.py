"""Log functions that say more than one event type: packs, sections, quality, performance and marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from math import fsum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec.structs import asdict

from kaizenlake.errors import EventError
from kaizenlake.events import ids
from kaizenlake.events.catalogue import FAMILIES, type_name
from kaizenlake.events.write.functions import COMMON, PerformanceData
from kaizenlake.events.write.log import event_line, log_event, write_lines


def log_pack_event(stage: str, pack_key: str, **said: Any) -> str:
    """Log a stage of a pack.

    Args:
        stage: `started`, `completed` or `failed`; the name of any event type of packs, such as `PACK_STARTED`, will do.
        pack_key: Pack that was asked for.
        **said: Fields of that event type, and what every event takes; see `log_event`.

    Returns:
        The event id.

    Raises:
        EventError: The stage is unknown, or a field breaks its declaration; nothing was logged.
        SpoolError: The event cannot be written; nothing was logged.
    """
    (packs,) = (family for family in FAMILIES if family.name == "packs")
    names = {type_name(payload) for payload in packs.events}
    name = str(stage).upper()
    name = name if name in names else f"PACK_{name}"
    if name not in names:
        stages = ", ".join(sorted(names))
        raise EventError(
            f"{stage!r} is no stage of a pack.", field="stage", rule="unknown_type", hint=f"Known are {stages}."
        )
    return log_event(name, pack_key=pack_key, **said)


def log_allocation(
    experiment_id: str,
    shares: Mapping[str, float],
    shown: Mapping[str, int] | None = None,
    clicks: Mapping[str, int] | None = None,
    **said: Any,
) -> str:
    """Log the shares that the arms of a running test have from now on, as `kaizenlake.context.allocate` gives them.

    With what was shown and clicked until now, the night weighs each time by the inverse of its shares, so that what is learned
    from a test that favours its best arm is not biased. Log every allocation, the first too.

    Args:
        experiment_id: The running test, by the name that its contents give.
        shares: Share of each arm of what is shown next, by variant; all arms, together 1.
        shown: Times each was shown until now.
        clicks: Clicks on each until now.
        **said: What every event takes, such as `project_id` (see `log_event`), and `platform`.

    Returns:
        Name of the allocation.

    Raises:
        EventError: The shares do not sum to 1, or a field breaks its declaration; nothing was logged.
        SpoolError: The events cannot be written; nothing was logged.
    """
    total = fsum(shares.values())
    if not abs(total - 1.0) <= 1e-6:
        raise EventError(f"The shares of an allocation sum to 1; found {total:.6g}.", field="shares", rule="sum")
    allocation_id, platform = ids.event_id(), said.pop("platform", None)
    said.setdefault("occurred_at", datetime.now(UTC))
    write_lines(
        *(
            event_line(
                "ARM_ALLOCATED",
                {
                    "allocation_id": allocation_id,
                    "experiment_id": experiment_id,
                    "variant_id": arm,
                    "propensity_rate": share,
                    "platform": platform,
                    "impressions": None if shown is None else shown[arm],
                    "clicks": None if clicks is None else clicks[arm],
                },
                **said,
            )
            for arm, share in shares.items()
        )
    )
    return allocation_id


def log_section_generation(pack_key: str, section_id: str, success: bool = True, **said: Any) -> str:  # noqa: FBT001, FBT002 - the call that applications make
    """Log that a section of a pack was generated, or that its generation failed.

    Args:
        pack_key: Pack the section belongs to.
        section_id: Section of the pack.
        success: It was generated; if not, `reason` says why.
        **said: Fields of `SECTION_GENERATED` or `SECTION_FAILED`, and what every event takes; see `log_event`.

    Returns:
        The event id.

    Raises:
        EventError: A field breaks its declaration; nothing was logged.
        SpoolError: The event cannot be written; nothing was logged.
    """
    name = "SECTION_GENERATED" if success else "SECTION_FAILED"
    return log_event(name, pack_key=pack_key, section_id=section_id, **said)


def log_pack_quality_assessment(
    pack_key: str,
    *,
    passed: bool | None = None,
    event_id: str | UUID | None = None,
    **said: Any,
) -> str:
    """Log that the quality of a pack was assessed and, where a verdict is given, that it passed or failed.

    The verdict is an event of its own, `PACK_QUALITY_PASSED` or `PACK_QUALITY_FAILED`, which says the same and is named
    after the assessment, so that the same call twice is one. Both are logged, or neither.

    Args:
        pack_key: Pack that was assessed.
        passed: The verdict; None where there is none yet.
        event_id: Name of the assessment; the verdict's is the same with `-verdict`.
        **said: Fields of `PACK_QUALITY_ASSESSED`, and what every event takes; see `log_event`.

    Returns:
        The event id of the assessment.

    Raises:
        EventError: A field breaks its declaration; nothing was logged.
        SpoolError: The events cannot be written; nothing was logged.
    """
    if not (passed is None or isinstance(passed, bool)):
        raise EventError(
            f"PACK_QUALITY_ASSESSED: `passed` is true, false or None, found {passed!r}.",
            field="passed",
            rule="wrong_type",
        )
    name = ids.event_id() if event_id is None else str(event_id)
    envelope, payload = _split({"pack_key": pack_key, **said})
    lines = [event_line("PACK_QUALITY_ASSESSED", payload, event_id=name, **envelope)]
    if passed is not None:
        verdict = "PACK_QUALITY_PASSED" if passed else "PACK_QUALITY_FAILED"
        lines.append(event_line(verdict, payload, event_id=f"{name}-verdict", **envelope))
    write_lines(*lines)
    return name


def _split(said: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is said of the envelope, and what of the payload."""
    envelope = {name: value for name, value in said.items() if name in COMMON}
    return envelope, {name: value for name, value in said.items() if name not in COMMON}


class IngestStats(NamedTuple):
    """What became of a batch: total = succeeded + failed."""

    total: int
    succeeded: int
    failed: int


def ingest_performance_data(
    data: Any,
    project_id: str | int | None = None,
    *,
    tenant_id: str | int | None = None,
    tags: Iterable[str] | None = None,
    occurred_at: datetime | str | None = None,
    event_id: str | UUID | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Log the figures of a content on a platform as `PERFORMANCE_RECORDED`.

    Args:
        data: A `PerformanceData`, or a mapping of the same fields; a mapping may hold the arguments below too.
        project_id: Project it belongs to.
        tenant_id: Tenant it belongs to.
        tags: Free tags.
        occurred_at: When the figures were measured; `performed_at` or `date` of the data, or else now, if not given.
        event_id: Name of the event; a time-ordered UUID if not said.
        metadata: Free object that is kept with the event.

    Returns:
        The event id.

    Raises:
        EventError: A field breaks its declaration; nothing was logged.
        SpoolError: The event cannot be written; nothing was logged.
    """
    if isinstance(data, PerformanceData):
        said = asdict(data)
    elif isinstance(data, Mapping):
        said = dict(data)
    else:
        raise EventError(
            f"PERFORMANCE_RECORDED: expected a PerformanceData or a mapping, found {type(data).__name__}.",
            rule="wrong_type",
        )
    given = {
        "project_id": project_id,
        "tenant_id": tenant_id,
        "tags": tags,
        "occurred_at": occurred_at,
        "event_id": event_id,
        "metadata": metadata,
    }
    envelope, payload = _split(said)
    envelope.setdefault("occurred_at", _take_measured_at(payload))
    if (revenue := payload.pop("revenue", None)) is not None:
        if payload.get("revenue_usd") is not None:
            raise EventError(
                "PERFORMANCE_RECORDED: give `revenue` or `revenue_usd`, not both.", field="revenue", rule="given_twice"
            )
        payload["revenue_usd"] = revenue
    envelope |= {name: value for name, value in given.items() if value is not None}
    return log_event("PERFORMANCE_RECORDED", payload, **envelope)


def _take_measured_at(payload: dict[str, Any]) -> Any:
    """Take out of a payload when its figures were measured: `performed_at`, or the midnight (UTC) of its `date`."""
    performed_at, day = payload.pop("performed_at", None), payload.pop("date", None)
    if day is None:
        return performed_at
    if performed_at is not None:
        raise EventError(
            "PERFORMANCE_RECORDED: give `performed_at` or `date`, not both.", field="date", rule="given_twice"
        )
    if isinstance(day, datetime):
        return day
    try:
        parsed = day if isinstance(day, date) else date.fromisoformat(day)
    except (TypeError, ValueError):
        raise EventError(
            f"PERFORMANCE_RECORDED: `date` is a day such as 2025-12-08, found {day!r}.",
            field="date",
            rule="no_date",
            hint="Give an instant with its zone as `performed_at`.",
        ) from None
    return datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC)


def ingest_performance_batch(items: Iterable[Any], project_id: str | int | None = None, **said: Any) -> IngestStats:
    """Log many figures; what cannot be taken becomes a `PERFORMANCE_INGESTION_FAILED` with its reason.

    Args:
        items: What `ingest_performance_data` takes, each.
        project_id: Project they belong to.
        **said: `tenant_id`, `tags`, `occurred_at`, `metadata`, for all of them.

    Raises:
        EventError: What is said of all of them breaks its declaration.
        SpoolError: The disk refuses; the items before were logged.
    """
    total = failed = 0
    for item in items:
        total += 1
        try:
            ingest_performance_data(item, project_id, **said)
        except EventError as error:
            failed += 1
            log_event(
                "PERFORMANCE_INGESTION_FAILED",
                reason=_within(error, 500),
                content_id=_within(_of(item, "content_id"), 200),
                platform=_within(_of(item, "platform"), 200),
                project_id=project_id,
                **said,
            )
    return IngestStats(total, total - failed, failed)


def _of(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def _within(value: Any, length: int) -> str | None:
    """Return a value as clean text of at most so many characters; None where there is none."""
    if value is None:
        return None
    text = str(value).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return text if len(text) <= length else f"{text[: length - 3]}..."


def mark_creative_as_winner(
    content_id: str | int, reason: str, metrics: Mapping[str, float] | None = None, **said: Any
) -> str:
    """Log that a person marked a content as a winner.

    Args:
        content_id: Content that is marked.
        reason: Why, in words.
        metrics: Figures the mark rests on.
        **said: `platform` and what every event takes; see `log_event`.

    Returns:
        The event id.

    Raises:
        EventError: A field breaks its declaration; nothing was logged.
        SpoolError: The event cannot be written; nothing was logged.
    """
    return log_event("CREATIVE_MARKED_WINNER", content_id=content_id, reason=reason, metrics=metrics, **said)


def mark_creative_as_loser(
    content_id: str | int,
    reason: str,
    metrics: Mapping[str, float] | None = None,
    patterns_to_avoid: Iterable[str] | None = None,
    **said: Any,
) -> str:
    """Log that a person marked a content as a loser.

    Args:
        content_id: Content that is marked.
        reason: Why, in words.
        metrics: Figures the mark rests on.
        patterns_to_avoid: Patterns or phrases that should not be used again.
        **said: `platform` and what every event takes; see `log_event`.

    Returns:
        The event id.

    Raises:
        EventError: A field breaks its declaration; nothing was logged.
        SpoolError: The event cannot be written; nothing was logged.
    """
    return log_event(
        "CREATIVE_MARKED_LOSER",
        content_id=content_id,
        reason=reason,
        metrics=metrics,
        patterns_to_avoid=patterns_to_avoid,
        **said,
    )
