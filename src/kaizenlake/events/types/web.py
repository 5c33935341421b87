"""Web events: what the pages of a site achieved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from kaizenlake.events.values.disagreements import Disagreement, beyond, refuse
from kaizenlake.events.values.disagreements import Figure as Told
from kaizenlake.events.values.fields import (
    Brand,
    Conversions,
    Count,
    FiguresOf,
    Instant,
    Key,
    Link,
    Payload,
    Revenue,
    Seconds,
    Word,
    says,
)


class WebPageRecorded(Payload, frozen=True, kw_only=True):
    """The figures of a page of a site were recorded; its time is when they were measured."""

    content_id: Annotated[Key, says("Page, as the application or its path names it.")]
    title: Annotated[Word | None, says("Title of the page.")] = None
    link: Link = None
    sessions: Annotated[Count | None, says("Visits that began on it or came by it, as the tool counts them.")] = None
    engaged_sessions: Annotated[Count | None, says("Visits in which people did something.")] = None
    visitors: Annotated[Count | None, says("People who came.")] = None
    views: Annotated[Count | None, says("Times it was seen or played, as the platform counts it.")] = None
    engaged_seconds: Annotated[
        Seconds | None, says("Time in which people had it before them, all visits together.")
    ] = None
    conversions: Conversions = None
    revenue_usd: Revenue = None
    figures: FiguresOf = None
    breakdown: Annotated[
        Key | None, says("Part of the visits the counts are of, such as source=newsletter; parts add up.")
    ] = None
    published_at: Annotated[Instant | None, says("When the page was published.")] = None
    brand_id: Brand = None

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield more engaged visits than visits."""
        yield from beyond(Told("engaged_sessions", self.engaged_sessions), Told("sessions", self.sessions))

    def __post_init__(self) -> None:
        if self.sessions is not None and (self.engaged_sessions or 0) > self.sessions:
            refuse(self.disagreements())
