"""Gold tables of content: what it achieved, what it is made of, and who stands out."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Table, Words, column, count, rate, table
from kaizenlake.vocabulary import Audience, Figures, Weekday

TIERS = ("excellent", "good", "average", "poor")
LENGTH_BANDS = ("1-5", "6-10", "11-15", "16-25", "26-50", "51+")
LABELS = ("winner", "loser")
ARM_VERDICTS = ("winner", "loser", "unclear", "invalid")
RATES = ("click_rate", "engagement_rate")


class _ContentPlace(OfTenant):
    """Columns that say which content it is, and where it was shown."""

    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    content_id: str = column("Content, as the application names it.")
    platform: str = column("Platform it was shown on.")


class _Content(_ContentPlace):
    performed_on: pl.Date = column("UTC date its figures were measured.")


class _Figures(_Content):
    impressions: pl.Int64 = count("Times it was shown; null where not recorded.", nullable=True)
    reach: pl.Int64 = count("People it was shown to; null where not recorded.", nullable=True)
    clicks: pl.Int64 = count("Clicks on it; null where not recorded.", nullable=True)
    engagements: pl.Int64 = count(
        "Engagements with it, or its likes, comments, shares and saves together; null where none is recorded.",
        nullable=True,
    )
    conversions: float = column(
        "Conversions that followed, parts of one among them; null where not recorded.", nullable=True, ge=0
    )
    revenue_usd: float = column("Revenue that followed; null where not recorded.", unit="usd", nullable=True, ge=0)
    views: pl.Int64 = count(
        "Times it was seen or played, as its platform counts; null where not recorded.", nullable=True
    )
    opens: pl.Int64 = count("Times it was opened; null where not recorded.", nullable=True)
    watch_time_seconds: float = column(
        "Time that people watched it, all together; null where not recorded.", unit="seconds", nullable=True, ge=0
    )
    followers_gained: pl.Int64 = column(
        "Followers who came by it, less those who left; null where not recorded.", nullable=True
    )
    spend_usd: float = column("Money spent on showing it; null where not recorded.", unit="usd", nullable=True, ge=0)
    engagement_rate: float = rate(
        "As recorded, else engagements over impressions (over reach where the record says so), at most 1; "
        "null without a denominator.",
        nullable=True,
    )
    click_rate: float = rate(
        "Clicks over impressions, at most 1; as the platform reports it where either is missing.", nullable=True
    )
    conversion_rate: float = rate("Conversions over clicks, at most 1; null without clicks.", nullable=True)
    tier: str = column("Tier of the engagement rate; null where the rate is.", nullable=True, isin=TIERS)


class _Publication(Table):
    external_id: str = column("The content as its platform names it; null where not given.", nullable=True)
    link: str = column("Address it leads to; null where not given.", nullable=True)
    published_at: Instant = column("When it was published; null where not told.", nullable=True)
    posted_weekday: str = column(
        "Weekday on which it was published, where its publisher is; null where not told.",
        nullable=True,
        isin=get_args(Weekday),
    )
    posted_hour: pl.Int64 = column(
        "Hour at which it was published, where its publisher is; null where not told.", nullable=True, ge=0, le=23
    )
    video_length_seconds: float = column(
        "Length of its video; null where not given.", unit="seconds", nullable=True, ge=0
    )


class _Attributes(Table):
    content_type: str = column("Kind of content; null where not given.", nullable=True)
    hook_type: str = column("How it catches attention, as the event says; null where it does not.", nullable=True)
    tone: str = column("Tone; null where not given.", nullable=True)
    pillar: str = column("Content pillar; null where not given.", nullable=True)
    brand_id: str = column("Brand it speaks for; null where not given.", nullable=True)
    industry: str = column("Industry of the client; null where not given.", nullable=True)
    client_type: str = column("Kind of client; null where not given.", nullable=True)
    experiment_id: str = column("Experiment it is an arm of; null outside experiments.", nullable=True)
    variant_id: str = column("Arm of the experiment; null outside experiments.", nullable=True)
    is_paid: bool = column("It was promoted for money; null where not said.", nullable=True)
    event_id: str = column("Event the figures come from: the latest of the day.")
    occurred_at: Instant = column("When the figures were measured.")


@table(
    layer="gold", grain=("tenant_id", "project_id", "content_id", "platform", "performed_on"), partition="event_date"
)
class DailyPerformance(_Publication, _Attributes, _Figures):
    """The latest record of one content on one platform and day, with its rates and tier."""

    rate_of: str = column("Denominator of the engagement rate.", isin=get_args(Audience))
    figures: str = column(
        "What the counts are of: all since it was published, or the day alone.", isin=get_args(Figures)
    )
    event_date: pl.Date = column("The day, by which the table is partitioned; equals performed_on.")


class _Ranked(_Figures):
    percentile_in_group: float = rate(
        "Share of its group (project, platform, content type) with a rate at or below its own, "
        "ties at their mean rank; null where the rate is.",
        nullable=True,
    )


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "platform", "performed_on"))
class PerformanceTiers(_Attributes, _Ranked):
    """One content on one platform and day: rates, tier, and its place among its like."""


class FeaturesOfText(Table):
    """What the text of a content is made of."""

    language: str = column(
        "Language of the text, as a code of ISO 639-1 such as en: as the event says by a code or name that is known, else "
        "detected; null without a text, or where it is too short to tell.",
        nullable=True,
    )
    language_source: str = column(
        "Where the language comes from; text_instead and not_known: the event names one that is not known, so the text was "
        "read, or did not tell; null without a name and a language.",
        nullable=True,
        isin=("event", "text", "text_instead", "not_known"),
    )
    hook_type: str = column(
        "How it catches attention: as the event says, else by rule; null for neither.", nullable=True
    )
    hook_source: str = column("Where the hook comes from; null without a hook.", nullable=True, isin=("event", "text"))
    length_words: pl.Int64 = count("Words of the text; null without a text.", nullable=True)
    length_band: str = column("Band of the length; null without a text.", nullable=True, isin=LENGTH_BANDS)
    number: bool = column(
        "The text holds a number; null without a text, or in a language that no rule reads.", nullable=True
    )
    question: bool = column("The text asks; null without a text.", nullable=True)
    exclamation: bool = column("The text exclaims; null without a text.", nullable=True)
    quotation: bool = column("The text quotes; null without a text.", nullable=True)
    second_person: bool = column(
        "The text speaks to the reader; null without a text, or in a language that no rule reads.", nullable=True
    )
    first_person: bool = column(
        "The text speaks of its author; null without a text, or in a language that no rule reads.", nullable=True
    )
    negation: bool = column(
        "The text negates; null without a text, or in a language that no rule reads.", nullable=True
    )
    superlative: bool = column(
        "The text uses a superlative; null without a text, or in a language that no rule reads.", nullable=True
    )
    curiosity: bool = column(
        "The text holds back what it is about; null without a text, or in a language that no rule reads.", nullable=True
    )
    urgency: bool = column("The text urges; null without a text, or in a language that no rule reads.", nullable=True)


TEXT_FEATURES = (
    "number",
    "question",
    "exclamation",
    "quotation",
    "second_person",
    "first_person",
    "negation",
    "superlative",
    "curiosity",
    "urgency",
)
"""Columns of `ContentFeatures` that are true or false of a text."""


@table(
    layer="gold", grain=("tenant_id", "project_id", "content_id", "platform", "performed_on"), partition="event_date"
)
class ContentFeatures(FeaturesOfText, _Content):
    """What the text of one content on one platform and day is made of, by declared rules."""

    text: str = column("The text, cut to 280 characters; null where none was recorded.", nullable=True)
    event_date: pl.Date = column("The day, by which the table is partitioned; equals performed_on.")


INCREMENTS = (
    "impressions",
    "clicks",
    "engagements",
    "reach",
    "conversions",
    "revenue_usd",
    "views",
    "opens",
    "watch_time_seconds",
    "followers_gained",
    "spend_usd",
)
"""Figures that records of single days tell."""

MILLIONTHS = ("conversions", "revenue_usd", "watch_time_seconds", "spend_usd")
"""Those of them that are not whole, and are added up in millionths."""


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "platform"))
class ContentIncrements(_ContentPlace):
    """One content on one platform whose records are of single days: their figures added up, in whole numbers."""

    days: pl.Int64 = count("Days that are told of.")
    impressions_days: pl.Int64 = count("Days that tell impressions.")
    clicks_days: pl.Int64 = count("Days that tell clicks.")
    engagements_days: pl.Int64 = count("Days that tell engagements.")
    reach_days: pl.Int64 = count("Days that tell people it was shown to.")
    conversions_days: pl.Int64 = count("Days that tell conversions.")
    revenue_usd_days: pl.Int64 = count("Days that tell revenue.")
    views_days: pl.Int64 = count("Days that tell views.")
    opens_days: pl.Int64 = count("Days that tell how often it was opened.")
    watch_time_seconds_days: pl.Int64 = count("Days that tell how long it was watched.")
    followers_gained_days: pl.Int64 = count("Days that tell followers.")
    spend_usd_days: pl.Int64 = count("Days that tell spend.")
    impressions: pl.Int64 = count("Times it was shown.")
    clicks: pl.Int64 = count("Clicks on it.")
    engagements: pl.Int64 = count("Engagements with it.")
    reach: pl.Int64 = count("People it was shown to, each on every day anew.")
    conversions: pl.Int64 = count("Conversions that followed, in millionths.")
    revenue_usd: pl.Int64 = count("Revenue that followed, in millionths of a US dollar.")
    views: pl.Int64 = count("Times it was seen or played.")
    opens: pl.Int64 = count("Times it was opened.")
    watch_time_seconds: pl.Int64 = count("Time that people watched it, in millionths of a second.")
    followers_gained: pl.Int64 = column("Followers who came by it, less those who left.")
    spend_usd: pl.Int64 = count("Money spent on showing it, in millionths of a US dollar.")


class _Origin(Table):
    matched_by: str = column(
        "By which name the content is known to have been made; null where nobody told how it was.",
        nullable=True,
        isin=("content_id", "external_id"),
    )
    creation_id: str = column("Event that tells how it was made; null where nobody told.", nullable=True)
    generation_id: str = column("Generation that it came out of; null where unknown.", nullable=True)
    context_sha256: str = column(
        "SHA-256 of the context it was made with; null without one, or unknown.", nullable=True
    )
    held_out: bool = column("The context was held back from it on purpose; null where unknown.", nullable=True)
    unit_id: str = column("What was drawn for it, such as its brief; null where unknown.", nullable=True)


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "platform"), partition="event_date")
class Contents(_Origin, _Publication, FeaturesOfText, _Figures):
    """One post on one platform, the unit of every comparison: its figures, attributes and features.

    Figures are those of the latest day, or the sum of all days where each tells its own.
    """

    content_type: str = column("Kind of content; null where not given.", nullable=True)
    tone: str = column("Tone; null where not given.", nullable=True)
    pillar: str = column("Content pillar; null where not given.", nullable=True)
    brand_id: str = column("Brand it speaks for; null where not given.", nullable=True)
    industry: str = column("Industry of the client, as the content or else its project says.", nullable=True)
    client_type: str = column("Kind of client, as the content or else its project says.", nullable=True)
    experiment_id: str = column("Experiment it is an arm of; null outside experiments.", nullable=True)
    variant_id: str = column("Arm of the experiment; null outside experiments.", nullable=True)
    is_paid: bool = column("It was promoted for money; null where not said.", nullable=True)
    trials: pl.Int64 = count("Denominator of the engagement rate: impressions or reach; null without.", nullable=True)
    event_id: str = column("Event the figures come from.")
    occurred_at: Instant = column("When the figures were measured.")
    text: str = column("Its text on that day, cut to 280 characters; null where none was recorded.", nullable=True)
    event_date: pl.Date = column("The day, by which the table is partitioned; equals performed_on.")


@table(layer="gold", grain=("tenant_id", "event_id"), partition="event_date")
class CreativeMarks(OfTenant):
    """One mark that a person set on a content: winner or loser."""

    content_id: str = column("Content, as the application names it.")
    project_id: str = column("Project it names; null for the content in any project.", nullable=True)
    platform: str = column("Platform it names; null for every platform of the content.", nullable=True)
    label: str = column("Winner or loser.", isin=LABELS)
    reason: str = column("Why, in words.")
    patterns_to_avoid: Words = column("Phrases and patterns to avoid; null where none were named.", nullable=True)
    event_id: str = column("Event of the mark.")
    occurred_at: Instant = column("When it was set.")
    event_date: pl.Date = column("UTC date of the mark, by which the table is partitioned.")


@table(layer="gold", grain=("tenant_id", "project_id", "experiment_id", "platform", "arm"))
class ContentExperiments(OfTenant):
    """One arm of an experiment on contents, on one platform, and how it fared against the other arms."""

    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    experiment_id: str = column("Experiment.")
    platform: str = column("Platform it was shown on.")
    arm: str = column("Arm: the variant, else the content itself.")
    content_id: str = column("Content of the arm; the first by name of several.")
    text: str = column(
        "Its text, cut to 280 characters; null without one, or where its contents differ.", nullable=True
    )
    contents: pl.Int64 = column("Contents of the arm.", ge=1)
    arms: pl.Int64 = count("Arms of the experiment that were shown.")
    metric: str = column("Rate by which the experiment is read.", isin=RATES)
    shown: pl.Int64 = count(
        "Times it was shown, or people it was shown to where engagement is of reach; null where not recorded.",
        nullable=True,
    )
    clicks: pl.Int64 = count(
        "Clicks, or engagements where the experiment is read by these; at most one each time; null where not recorded.",
        nullable=True,
    )
    allocated_share: float = rate(
        "Share of what was shown that it was to have, over all allocations that were told; null where arms are equal.",
        nullable=True,
    )
    weighed_shown: float = column(
        "Times it was shown as they count: with shares that changed, those that equal weights of all times are worth.",
        nullable=True,
        ge=0,
    )
    weighed_clicks: float = column("Clicks as they count, each by the inverse of its share.", nullable=True, ge=0)
    rate: float = rate("Clicks over shown, both as they count; null where it was not shown.", nullable=True)
    rate_of_others: float = column(
        "Rate of the other arms together; null where none was shown.", unit="rate", nullable=True, ge=0, le=1
    )
    lift: float = column("Rate over that of the others, less 1; null where that is 0.", nullable=True)
    shrunk_lift: float = column(
        "Lift drawn toward none, by the spread of true lifts over all experiments; null where it is not compared.",
        nullable=True,
    )
    lift_ci_low: float = column("Lower end of the shrunk lift's interval.", nullable=True)
    lift_ci_high: float = column("Upper end of the shrunk lift's interval.", nullable=True)
    p_value: float = column(
        "p against the other arms; null where it cannot be computed.", unit="rate", nullable=True, ge=0, le=1
    )
    q_value: float = column(
        "p corrected over all arms of the project and metric (Benjamini-Hochberg); null where p is, and where invalid.",
        unit="rate",
        nullable=True,
        ge=0,
        le=1,
    )
    sample_ratio_p: float = column(
        "p of the allocation to its arms, equal unless told; null with fewer than two shown.",
        unit="rate",
        nullable=True,
        ge=0,
        le=1,
    )
    verdict: str = column("Winner, loser, unclear, or invalid by the sample ratio.", isin=ARM_VERDICTS)
    beaten_text: str = column(
        "For a winner: the other wording of its experiment with the lowest rate; null without one.", nullable=True
    )
    beaten_rate: float = column("Rate of that wording; null without one.", unit="rate", nullable=True, ge=0, le=1)
    measured_at: Instant = column("When its figures were last measured.")


@table(
    layer="gold",
    grain=(
        "tenant_id",
        "project_id",
        "industry",
        "client_type",
        "platform",
        "content_type",
        "pattern_type",
        "pattern",
        "metric",
    ),
)
class PatternSums(OfTenant):
    """Rates of the contents of one place and pattern, counted and added up: a mergeable aggregate in whole numbers."""

    project_id: str = column("Project; null where none was given.", nullable=True)
    industry: str = column("Industry of the client; null where unknown.", nullable=True)
    client_type: str = column("Kind of client; null where unknown.", nullable=True)
    platform: str = column("Platform; null where the pattern is itself a platform.", nullable=True)
    content_type: str = column(
        "Kind of content; null where unknown, or where the pattern is itself one.", nullable=True
    )
    pattern_type: str = column("Attribute or text feature, such as hook_type.")
    pattern: str = column("Its value, such as question.")
    metric: str = column("Rate that is added up.", isin=RATES)
    n: pl.Int64 = column(
        "Contents that have the rate; those of one experiment or of one text count once, by their mean.", ge=1
    )
    total: pl.Int64 = count("Sum of their rates, in units of 1e-9.")
    squares_high: pl.Int64 = count("Sum of the upper parts of the squared rates: in units of 1e-18, over 2^30.")
    squares_low: pl.Int64 = count("Sum of the lower parts of the squared rates: the rest below 2^30.")


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "platform"), partition="event_date")
class CreativeWins(OfTenant):
    """One content on one platform: is its rate good, as far as chance lets one tell?"""

    content_id: str = column("Content, as the application names it.")
    platform: str = column("Platform.")
    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    won: bool = column(
        "Its rate, less what few impressions spread it, is good; null with fewer impressions than labels need.",
        nullable=True,
    )
    event_date: pl.Date = column("Day of its figures, by which the table is partitioned.")


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "platform"))
class CreativeLabels(OfTenant):
    """A content marked winner or loser, by a person, by its experiment or by its place in its group."""

    content_id: str = column("Content, as the application names it.")
    platform: str = column("Platform; null for a mark on a content of which no figures are known.", nullable=True)
    label: str = column("Winner or loser.", isin=LABELS)
    source: str = column("Who marked it; a person's mark overrides.", isin=("manual", "automatic"))
    reason: str = column("Why, in words.")
    engagement_rate: float = rate("Its engagement rate; null where none is known.", nullable=True)
    shrunk_rate: float = rate(
        "Its rate drawn toward its group's; that of an arm toward the other arms' of its experiment. Null where neither is known.",
        nullable=True,
    )
    rank_in_group: pl.Int64 = column(
        "Place by shrunk rate, 1 is best; null where the group is not ranked.",
        nullable=True,
        ge=1,
        label="Place in group",
    )
    group_size: pl.Int64 = count("Contents of its group that can be ranked; null for unknown contents.", nullable=True)
    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    content_type: str = column("Kind of content; null where not given.", nullable=True)
    experiment_id: str = column("Experiment it is an arm of; null outside experiments.", nullable=True)
    lift: float = column(
        "Of an arm: shrunk lift over the other arms of its experiment; null where it is not compared.",
        nullable=True,
        format="lift",
    )
    beaten_text: str = column(
        "Of an arm that won: the other wording of its experiment with the lowest rate; null otherwise.", nullable=True
    )
    beaten_rate: float = rate("Rate of that wording; null without one.", nullable=True)
    labelled_at: Instant = column("When the person marked it, or when its figures were measured.")
    text: str = column("Text of the content, cut to 280 characters; null where none was recorded.", nullable=True)


@table(layer="gold", grain=("tenant_id", "phrase", "project_id"))
class AvoidedPhrases(OfTenant):
    """A phrase or pattern that people asked to avoid when they marked a content as a loser."""

    phrase: str = column("The phrase, as it was written.", label="Phrase or pattern")
    project_id: str = column("Project of the marks; null where none was given.", nullable=True)
    marks: pl.Int64 = column("Marks that name it.", ge=1)
    contents: pl.Int64 = column("Contents so marked.", ge=1, label="Posts")
    last_marked_at: Instant = column("Time of the latest mark.")
    last_reason: str = column("Reason of the latest mark, in its words.", label="Latest reason", format="sentence")
