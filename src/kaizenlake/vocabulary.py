"""The words that events, settings, tables, files and commands share: each list of them is written here, and only here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["draft", "shadow", "canary", "active", "archived"]
"""Where a version of a policy stands, in the order in which it goes through them."""

Mode: TypeAlias = Literal["shadow", "canary"]
"""What a deployment is: a shadow serves nobody, a canary a share of the units."""

Result: TypeAlias = Literal["promoted", "validated", "rolled_back", "stopped"]
"""What came of a deployment."""

Method: TypeAlias = Literal["power", "obrien_fleming", "pocock", "always_valid"]
"""How the chance of a false promotion is spent over the looks at a deployment."""

ModelType: TypeAlias = Literal["BASE", "FINE_TUNED", "DISTILLED", "LORA_ADAPTER", "REWARD"]
"""What kind of model a version is."""

ModelStage: TypeAlias = Literal["staging", "production", "archived"]
"""Where a version of a model stands, in the order in which it goes through them."""

Recommendation: TypeAlias = Literal["DEPLOY", "REVIEW", "REJECT"]
"""What the validation of a model says."""
TrainingKind: TypeAlias = Literal["features", "sft", "reward", "dpo", "rloo", "grpo", "distil"]
"""How a model is trained: on features without any network, by examples, by preferences, by a reward, or by a teacher."""

TrainingStatus: TypeAlias = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
"""How a training job stands."""

ReplayKind: TypeAlias = Literal["off_policy", "re_execution"]
"""How a candidate is replayed: by propensities, or by running inputs again."""

ReplayVerdict: TypeAlias = Literal["passed", "failed", "refused"]
"""What a replay says."""

Estimator: TypeAlias = Literal["ips", "clipped_ips", "snips", "dm", "dr", "sndr", "switch_dr"]
"""By what a replay by propensities estimates."""

StepKind: TypeAlias = Literal["agent", "workflow", "inference", "embedding", "tool", "retrieval", "evaluation", "other"]
"""What a step of a trace is; tokens and cost are those of inference and embedding."""

StepStatus: TypeAlias = Literal["unset", "ok", "error"]
"""How a step of a trace ended, as it says itself."""

FAILED_OUTCOMES = (
    "error",
    "errored",
    "exception",
    "timeout",
    "timed out",
    "crash",
    "crashed",
    "failed",
    "failure",
    "fatal",
    "killed",
)
"""Words of a run's `outcome` that say that it ended in error, timeout or crash; case, `_` and `-` make no difference."""

PASSED_OUTCOMES = ("passed", "pass", "success", "succeeded", "successful", "solved")
"""Words of a run's `outcome` that say that it did what it should, where neither gates nor a mark tell; read as those above."""

ExperimentType: TypeAlias = Literal["prompt_synthesis", "adapter_training", "tool_tuning", "rag_optimization"]
"""What an experiment varies to find a better policy."""

Direction: TypeAlias = Literal["improving", "flat", "degrading", "unclear"]
"""Where the loss of a doer goes."""

VersionVerdict: TypeAlias = Literal["helped", "hurt", "no_difference", "too_early"]
"""What a version did to the loss: less, more, nothing worth speaking of, or not enough known yet."""

TermVerdict: TypeAlias = Literal["strength", "weakness", "even", "unclear"]
"""What a comparison of losses says: less, more, the same within what matters, or nothing yet."""

StrategyVerdict: TypeAlias = Literal["recommended", "better", "worse", "unclear", "refused"]
"""What the log says of a strategy: the best of those that are better for certain, another of them, worse, or nothing."""

ValueMeasure: TypeAlias = Literal["loss", "failure"]
"""What a strategy is valued by."""

CurriculumStage: TypeAlias = Literal["warm_up", "core", "stretch", "out_of_reach"]
"""Stage of a training, by the chance that the mean agent passes a task."""

Trend: TypeAlias = Literal["rising", "falling", "unclear"]
"""Where the share of a failure goes."""

PolicyOrigin: TypeAlias = Literal["policies", "runs"]
"""Where the policy of a skill card is known from: the table of policies, or its runs alone."""

ExperimentCause: TypeAlias = Literal["degrading", "weakness", "both"]
"""Why an experiment is proposed."""

Severity: TypeAlias = Literal["info", "warning", "critical"]
"""How much an alert matters: somebody may act, somebody should look, harm is done."""

Priority: TypeAlias = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]
"""How much a task matters, the most first."""

Risk: TypeAlias = Literal["low", "medium", "high"]
"""How much harm a task could do, the least first."""

TaskStatus: TypeAlias = Literal[
    "pending_review",
    "approved",
    "rejected",
    "scheduled",
    "in_progress",
    "completed",
    "completed_preview",
    "failed",
    "skipped",
]
"""Where a task stands."""

PRIORITIES = {"CRITICAL": 8, "HIGH": 4, "MEDIUM": 2, "LOW": 1}
"""What a day too late weighs, by priority."""

Figures: TypeAlias = Literal["total so far", "of the day"]
"""What the figures of a content count: all since it was published, or those of the day alone."""

Weekday: TypeAlias = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

Audience: TypeAlias = Literal["impressions", "reach"]
"""What an engagement rate is a share of."""


SectionFormat: TypeAlias = Literal["markdown", "markdown_table"]
"""What the text of a section is written in: Markdown, or Markdown with a table among it."""

RuleVerdict: TypeAlias = Literal["PASS", "WARN", "FAIL"]
"""What a text makes of one rule: kept, broken in style alone, broken."""

SectionVerdict: TypeAlias = Literal["PASS", "PASS_WITH_WARNINGS", "FAIL"]
"""What a section is when all rules are judged: one that fails is not ready to be sold."""


ClarityLevel: TypeAlias = Literal["excellent", "good", "needs_clarification", "poor"]
"""How clear a brief is."""

IntakeEfficiency: TypeAlias = Literal["perfect", "good", "acceptable", "problematic"]
"""How many rounds of questions a brief took."""


BrandMetric: TypeAlias = Literal[
    "email_open_rate", "email_click_rate", "instagram_engagement_rate", "website_conversion_rate"
]
"""Rates of a brand that are watched, each over impressions: messages delivered, times shown, visits."""

AnomalyKind: TypeAlias = Literal["floor", "dip", "shift", "volume"]
"""What a rate of a brand is found to be."""

AnomalySeverity: TypeAlias = Literal["low", "medium", "high", "critical"]
"""How serious it is."""


PackRunStatus: TypeAlias = Literal["started", "completed", "failed"]
"""Where the production of a pack stands."""


@dataclass(frozen=True)
class Outcome:
    """How one kind of outcome is spoken of.

    Args:
        one: Noun of one subject.
        many: Noun of several.
        won: What happened to those that were won, after a plural noun.
        rule: When a subject counts as won; an age follows it.
    """

    one: str
    many: str
    won: str
    rule: str


OUTCOMES = {
    "pack": Outcome(
        "pack", "packs", "succeeded", "A pack is won when it completed{within} and did not fail on quality."
    ),
    "deal": Outcome("lead", "leads", "became deals", "A lead is won when its deal was won{within}, else it is not."),
    "outreach": Outcome(
        "outreach message", "outreach messages", "were replied to", "An outreach is won when a reply came{within}."
    ),
    "creative": Outcome(
        "post",
        "posts",
        "did well",
        "A post is won when its engagement rate is good, less what few impressions spread it. One with too few is pending.",
    ),
    "run": Outcome("agent run", "agent runs", "passed all gates", "A run is won when it passed all its gates."),
}

FEATURE_WORDS = {
    "number": ("Number", "a number"),
    "question": ("Question", "a question"),
    "exclamation": ("Exclamation", "an exclamation"),
    "quotation": ("Quotation", "a quotation"),
    "second_person": ("Speaks to the reader", "words to the reader (second person)"),
    "first_person": ("Speaks of its author", "the author's own voice (first person)"),
    "negation": ("Negation", "a negation"),
    "superlative": ("Superlative", "a superlative"),
    "curiosity": ("Curiosity gap", "a curiosity gap"),
    "urgency": ("Urgency", "urgency"),
}
"""Label and phrase of each text feature; a test holds the list to `TEXTFEATURE_WORDS`."""


def plural(number_of: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> plural(1, "content"), plural(2000, "content")
    ('1 content', '2,000 contents')
    """
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def within(age_days: int | None) -> str:
    """Return within which age something came, after a verb; nothing for what is decided at once.

    >>> within(14), within(0)
    (' within 14 days', '')
    """
    return f" within {plural(age_days, 'day')}" if age_days else ""
