"""Performance events: what published content achieved, and what people said of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from kaizenlake.events.values.disagreements import Disagreement, beyond, rate_beside_counts, refuse
from kaizenlake.events.values.disagreements import Figure as Told
from kaizenlake.events.values.fields import (
    Brand,
    Clicks,
    Conversions,
    Count,
    Figure,
    FiguresOf,
    HourOfDay,
    Index,
    Instant,
    Key,
    Keys,
    Link,
    Payload,
    Rate,
    Revenue,
    Roas,
    Seconds,
    Text,
    Usd,
    Word,
    says,
)
from kaizenlake.vocabulary import Audience, Weekday


class PerformanceRecorded(Payload, frozen=True, kw_only=True):
    """The figures of a content on a platform were recorded; its time is when they were measured."""

    content_id: Annotated[Key, says("Content, as the application names it.")]
    platform: Annotated[Key, says("Platform it was shown on.")]
    impressions: Annotated[Count | None, says("Times it was shown.")] = None
    reach: Annotated[Count | None, says("People it was shown to.", is_field_name_given=True)] = None
    clicks: Clicks = None
    engagements: Annotated[
        Count | None, says("Engagements with it, or people who engaged where `rate_of` is reach.")
    ] = None
    conversions: Conversions = None
    views: Annotated[Count | None, says("Times it was seen or played, as the platform counts it.")] = None
    opens: Annotated[Count | None, says("Times it was opened.")] = None
    watch_time_seconds: Annotated[Seconds | None, says("Time that people watched it, all together.")] = None
    followers_gained: Annotated[
        Index | None, says("Followers who came by it, less those who left.", is_field_name_given=True)
    ] = None
    likes: Annotated[Count | None, says("Likes.")] = None
    comments: Annotated[Count | None, says("Comments.")] = None
    shares: Annotated[Count | None, says("Shares.")] = None
    saves: Annotated[Count | None, says("Saves.")] = None
    spend_usd: Annotated[Usd | None, says("Money spent on showing it.")] = None
    revenue_usd: Revenue = None
    engagement_rate: Annotated[Rate | None, says("Engagement rate as the platform reports it.")] = None
    ctr: Annotated[
        Rate | None, says("Click rate as the platform reports it: clicks over impressions.", is_field_name_given=True)
    ] = None
    conversion_rate: Annotated[
        Rate | None, says("Conversion rate as the platform reports it: conversions over clicks.")
    ] = None
    roas: Roas = None
    rate_of: Annotated[Audience | None, says("Denominator of the engagement rate; impressions if not said.")] = None
    figures: FiguresOf = None
    breakdown: Annotated[
        Key | None,
        says("Part of the content's audience or placement the counts are of, such as age=18-24; parts add up."),
    ] = None
    published_at: Annotated[Instant | None, says("When the content was published.")] = None
    posted_weekday: Annotated[Weekday | None, says("Weekday on which it was published, where its publisher is.")] = None
    posted_hour: Annotated[
        HourOfDay | None,
        says("Hour at which it was published, 0 to 23, where its publisher is.", is_field_name_given=True),
    ] = None
    video_length_seconds: Annotated[Seconds | None, says("Length of its video.")] = None
    link: Link = None
    content_type: Annotated[Key | None, says("Kind of content, such as reel or photo.")] = None
    hook_type: Annotated[Key | None, says("How it catches attention, such as question.")] = None
    tone: Annotated[Key | None, says("Tone, such as friendly.")] = None
    pillar: Annotated[Key | None, says("Content pillar it belongs to.")] = None
    brand_id: Brand = None
    industry: Annotated[Key | None, says("Industry of the client.")] = None
    client_type: Annotated[Key | None, says("Kind of client, such as startup or enterprise.")] = None
    experiment_id: Annotated[Key | None, says("Experiment it is an arm of.")] = None
    variant_id: Annotated[Key | None, says("Arm of the experiment.")] = None
    is_paid: Annotated[bool | None, says("It was promoted for money.")] = None
    text: Annotated[Text | None, says("Text of the content.")] = None
    language: Annotated[Key | None, says("Language of the text, as a code such as en, deu or de-AT, or a name.")] = None
    length_words: Annotated[
        Count | None, says("Words of the content, as the application counts them.", is_field_name_given=True)
    ] = None
    external_id: Annotated[Key | None, says("The content as the platform names it.")] = None
    execution_job_id: Annotated[Key | None, says("Job that produced or published the content.")] = None

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield clicks or engagements beyond the impressions, and rates that their counts do not give."""
        impressions, clicks = Told("impressions", self.impressions), Told("clicks", self.clicks)
        engagements, reach = Told("engagements", self.engagements), Told("reach", self.reach)
        yield from beyond(clicks, impressions)
        if self.rate_of != "reach":
            yield from beyond(engagements, impressions)
        wholes = {"reach": [reach], "impressions": [impressions]}.get(self.rate_of or "", [])
        if self.rate_of is None and impressions.value is not None:
            # Which of both it is a share of was not said: either may give it.
            wholes = [impressions, reach]
        yield from rate_beside_counts(Told("engagement_rate", self.engagement_rate), engagements, wholes)
        yield from rate_beside_counts(Told("ctr", self.ctr), clicks, [impressions])
        conversions = Told("conversions", self.conversions)
        yield from rate_beside_counts(Told("conversion_rate", self.conversion_rate), conversions, [clicks])

    def __post_init__(self) -> None:
        if isinstance(self.conversions, float) and self.conversions.is_integer():
            # One spelling, so that a record says the same with 24 as with 24.0.
            msgspec.structs.force_setattr(self, "conversions", int(self.conversions))
        has_rate = self.engagement_rate is not None or self.ctr is not None or self.conversion_rate is not None
        most = self.impressions
        if has_rate or (most is not None and ((self.clicks or 0) > most or (self.engagements or 0) > most)):
            refuse(self.disagreements())


class CreativeMarkedWinner(Payload, frozen=True, kw_only=True):
    """A person marked a content as a winner."""

    content_id: Annotated[Key, says("Content, as the application names it.")]
    reason: Annotated[Word, says("Why, in words.")]
    platform: Annotated[Key | None, says("Platform the mark holds for; all if not said.")] = None
    metrics: Annotated[dict[Key, Figure], says("Figures the mark rests on.")] = {}


class CreativeMarkedLoser(Payload, frozen=True, kw_only=True):
    """A person marked a content as a loser."""

    content_id: Annotated[Key, says("Content, as the application names it.")]
    reason: Annotated[Word, says("Why, in words.")]
    platform: Annotated[Key | None, says("Platform the mark holds for; all if not said.")] = None
    metrics: Annotated[dict[Key, Figure], says("Figures the mark rests on.")] = {}
    patterns_to_avoid: Annotated[Keys, says("Patterns or phrases that should not be used again.")] = []


class PerformanceIngestionFailed(Payload, frozen=True, kw_only=True):
    """A record of performance could not be taken."""

    reason: Annotated[Word, says("Why it was refused, in words.")]
    content_id: Annotated[Word | None, says("Content it was about, as far as it could be read.")] = None
    platform: Annotated[Word | None, says("Platform it was about, as far as it could be read.")] = None
