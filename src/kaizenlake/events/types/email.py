"""E-mail events: what campaigns, newsletters and automated messages achieved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from kaizenlake.events.values.disagreements import Disagreement, beyond, refuse
from kaizenlake.events.values.disagreements import Figure as Told
from kaizenlake.events.values.fields import (
    Brand,
    Clicks,
    Conversions,
    Count,
    FiguresOf,
    Instant,
    Key,
    Payload,
    Revenue,
    Text,
    Word,
    says,
)


class EmailCampaignRecorded(Payload, frozen=True, kw_only=True):
    """The figures of an e-mail campaign were recorded; its time is when they were measured."""

    content_id: Annotated[Key, says("Campaign or message, as the application or the e-mail tool names it.")]
    campaign: Annotated[Word | None, says("Name of the campaign, for people.")] = None
    subject_line: Annotated[Text | None, says("Subject line.")] = None
    audience: Annotated[Word | None, says("List or segment it was sent to.")] = None
    sent: Annotated[Count | None, says("Messages that were sent.", is_field_name_given=True)] = None
    delivered: Annotated[
        Count | None, says("Messages that arrived; sent less bounced where not told.", is_field_name_given=True)
    ] = None
    opened: Annotated[Count | None, says("People who opened it, each once.", is_field_name_given=True)] = None
    clicked: Annotated[Count | None, says("People who clicked in it, each once.", is_field_name_given=True)] = None
    opens: Annotated[Count | None, says("Times it was opened.")] = None
    clicks: Clicks = None
    unsubscribed: Annotated[Count | None, says("People who unsubscribed.", is_field_name_given=True)] = None
    bounced: Annotated[Count | None, says("Messages that did not arrive.", is_field_name_given=True)] = None
    complaints: Annotated[Count | None, says("People who called it spam.")] = None
    conversions: Conversions = None
    revenue_usd: Revenue = None
    figures: FiguresOf = None
    breakdown: Annotated[
        Key | None, says("Part of the audience the counts are of, such as country=AT; parts add up.")
    ] = None
    published_at: Annotated[Instant | None, says("When it was sent.")] = None
    brand_id: Brand = None

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield more people who opened, clicked, unsubscribed or complained than messages arrived, and more that arrived or bounced than were sent."""
        if self.figures == "of the day":
            # What arrived on one day is opened on another.
            return
        for name in ("delivered", "bounced"):
            yield from beyond(Told(name, getattr(self, name)), Told("sent", self.sent))
        for name in ("opened", "clicked", "unsubscribed", "complaints"):
            yield from beyond(Told(name, getattr(self, name)), Told("delivered", self.delivered))

    def __post_init__(self) -> None:
        if self.sent is not None or self.delivered is not None:
            refuse(self.disagreements())
