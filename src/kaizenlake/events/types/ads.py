"""Ad events: what was paid for ads, and what came of them."""

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
    Link,
    Payload,
    Revenue,
    Roas,
    Text,
    Usd,
    Word,
    says,
)


class AdRecorded(Payload, frozen=True, kw_only=True):
    """The figures of an ad, an ad set or a campaign were recorded; its time is when they were measured."""

    content_id: Annotated[Key, says("Ad, or else the ad set or campaign that the figures are of, as it is named.")]
    platform: Annotated[Key, says("Platform it was shown on.")]
    campaign: Annotated[Word | None, says("Name of the campaign, for people.")] = None
    ad_set: Annotated[Word | None, says("Ad set or ad group within the campaign.")] = None
    ad: Annotated[Word | None, says("Name of the ad.")] = None
    spend_usd: Annotated[Usd | None, says("Money spent on showing it.")] = None
    impressions: Annotated[Count | None, says("Times it was shown.")] = None
    reach: Annotated[Count | None, says("People it was shown to.", is_field_name_given=True)] = None
    clicks: Clicks = None
    conversions: Conversions = None
    revenue_usd: Revenue = None
    roas: Roas = None
    figures: FiguresOf = None
    breakdown: Annotated[
        Key | None,
        says("Part of the audience or placement the counts are of, such as age=18-24; parts add up."),
    ] = None
    published_at: Annotated[Instant | None, says("When it was first shown.")] = None
    content_type: Annotated[Key | None, says("Kind of ad, such as video.")] = None
    text: Annotated[Text | None, says("Text of the ad.")] = None
    link: Link = None
    brand_id: Brand = None

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield more clicks than impressions."""
        yield from beyond(Told("clicks", self.clicks), Told("impressions", self.impressions))

    def __post_init__(self) -> None:
        if self.impressions is not None and (self.clicks or 0) > self.impressions:
            refuse(self.disagreements())
