"""How an agency works: leads, packs, brands, tasks, and the language model that writes."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from kaizenlake.parameters.base import AtLeastOne, Days, ParameterGroup, Positive, Share, Text
from kaizenlake.vocabulary import BrandMetric, Priority, Risk


class TaskRules(ParameterGroup):
    """Which tasks a setting approves by itself: none, unless types are named here."""

    auto_approve_types: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        description="Types of tasks that are approved without a person; every such approval stands in the audit. Where "
        "promotion.approvers names persons, none is.",
    )
    auto_approve_confidence: Share = Field(
        default=0.9, description="Confidence that such a task needs; one that tells none waits for a person."
    )
    auto_approve_risk: Risk = Field(
        default="low", description="Most risk that such a task may have; one that tells none counts as high."
    )


class AnomalyRules(ParameterGroup):
    """When a rate of a brand is too low: by a floor, or by the brand's own past."""

    email_open_rate: Share = Field(
        default=0.20, description="Floor of opened over delivered; below it the day is told."
    )
    email_click_rate: Share = Field(default=0.04, description="Floor of clicked over delivered.")
    instagram_engagement_rate: Share = Field(default=0.03, description="Floor of engagements over impressions.")
    website_conversion_rate: Share = Field(default=0.01, description="Floor of conversions over visits.")
    level: Annotated[float, Field(gt=0, le=0.1)] = Field(
        default=0.01, description="Chance of a finding that is none, for each series, night and kind."
    )
    alarm_q: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.1, description="Share of alarms of a night that may be none (Benjamini-Hochberg over all series)."
    )
    most_alarms: AtLeastOne = Field(default=10, description="Most alarms of a night, beside those of floors.")
    episode_nights: Annotated[int, Field(ge=1, le=90)] = Field(
        default=7, description="Nights within which findings of a kind are one episode."
    )


class FeedbackRule(ParameterGroup):
    """What is proposed where a rate of a brand is too low."""

    metric: BrandMetric = Field(description="Rate whose alarms ask for it.")
    cause: Text = Field(description="Why, in a few words; no second task is proposed while one of the cause is open.")
    task_type: Text = Field(description="Type of the task.")
    priority: Priority = Field(default="MEDIUM", description="How much it matters.")
    risk: Risk = Field(default="medium", description="How much harm it could do.")
    inputs: dict[str, str | int | float | bool] = Field(default={}, description="What it is to be done with.")


class Feedback(ParameterGroup):
    """What the night proposes for brands."""

    nightly: bool = Field(default=True, description="`kaizen nightly` proposes tasks for brands with new alarms.")
    rules: tuple[FeedbackRule, ...] = Field(
        default=(
            FeedbackRule(
                metric="email_open_rate",
                cause="low open rate",
                task_type="rewrite_email_sequence",
                priority="HIGH",
                inputs={"focus": "improve_subject_lines"},
            ),
            FeedbackRule(
                metric="email_click_rate",
                cause="low click rate",
                task_type="rewrite_email_sequence",
                priority="HIGH",
                inputs={"focus": "improve_calls_to_action"},
            ),
            FeedbackRule(
                metric="instagram_engagement_rate",
                cause="low social engagement",
                task_type="create_social_variants",
                priority="MEDIUM",
                inputs={"num_variants": 3},
            ),
            FeedbackRule(
                metric="website_conversion_rate",
                cause="low conversion",
                task_type="optimize_landing_page_copy",
                priority="CRITICAL",
                inputs={"focus": "improve_conversion"},
            ),
        ),
        description="Which task is proposed for which rate; written anew, they replace these.",
    )


class Reporting(ParameterGroup):
    """Which reports a night writes beside that on all figures."""

    agency: bool = Field(
        default=False,
        description="`kaizen nightly` writes the reports of an agency too: the funnel, the readiness of each pack, the week of each "
        "brand, and that for the client of each of its projects. `kaizen report` writes them when asked.",
    )


class Schedule(ParameterGroup):
    """How due tasks are taken up."""

    lease_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        default=15,
        description="Minutes for which a scheduler holds a task; one that was killed frees it then, and it is done again.",
    )


class OwnBenchmarks(ParameterGroup):
    """By what sections of packs are judged beside the benchmarks that ship."""

    benchmark_folder: str = Field(
        default="",
        description="Folder beside kaizen.toml with the team's own section_benchmarks.<pack>.json. A section there stands in place "
        "of ours of that name; the others stay.",
    )
    benchmarks: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="The same files by pack, as objects; those of the folder are added."
    )


class GeneratorEndpoint(ParameterGroup):
    """The language model that writes what approved tasks ask for; without one they are briefs."""

    base_url: str = Field(
        default="",
        description="Address of an endpoint that takes chat completions as OpenAI does, such as http://localhost:8000/v1; "
        "empty for none.",
    )
    model: str = Field(default="", max_length=200, description="Model that is asked there.")
    api_key: SecretStr = Field(
        default=SecretStr(""),
        description="Its key; best given by the variable KAIZEN_GENERATOR__API_KEY. It is shown nowhere.",
    )
    timeout_seconds: Positive = Field(default=60.0, le=3600, description="Longest time of one call.")
    tries: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="Tries of a call that meets 429, 5xx or no answer, and of an answer that does not fit."
    )
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=1.0, description="Bound of the random wait before the second try; it doubles with each."
    )
    seed: int = Field(default=0, description="Seed that is asked for.")
    section_tries: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="Texts of a section that are asked for, until one keeps its benchmark."
    )
    cache: bool = Field(default=True, description="Keep answers in the lake, by the hash of what was asked.")

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("expected an address that begins with http:// or https://")
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise ValueError("a key or password belongs into api_key, not into the address")
        return url

    @model_validator(mode="after")
    def _has_model(self) -> Self:
        if self.base_url and not self.model:
            raise ValueError("generator.base_url needs generator.model")
        return self


class FunnelWindow(ParameterGroup):
    """How long leads have to be won before they are judged."""

    window_days: Days = Field(
        default=90,
        description="Days after the end of a month from which on the rates of its leads are shown; for what won deals share, days "
        "after its creation within which a lead is won.",
    )
