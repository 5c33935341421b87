"""Why something is recommended or not, in words that carry their figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kaizenlake.parameters import EvidenceNeeds as EvidenceRules
from kaizenlake.publish.context.judgement import SAYS, Judgement, ValueFinding
from kaizenlake.vocabulary import plural, within


def format_p(value: float) -> str:
    """Return a corrected p in words.

    >>> format_p(0.0421), format_p(3.75e-21)
    ('corrected p 0.042', 'corrected p below 0.0001')
    """
    return f"corrected p {value:.2g}" if value >= 0.0001 else "corrected p below 0.0001"


def describe_finding(finding: ValueFinding, level: float) -> str:
    """Return what was found, in one sentence: that of `gold.findings` where it has one.

    Args:
        finding: What a table says.
        level: Confidence of its interval.
    """
    if finding.sentence is not None:
        return finding.sentence
    if finding.basis == "pooled":
        return (
            f"Over {finding.comparisons} tenants that share the effects of text rules, posts with it fare {finding.shrunk_lift:+.1%} "
            f"({level:.0%} interval {finding.lift_low:+.1%} to {finding.lift_high:+.1%}) against those without it."
        )
    lift = ""
    if finding.lift is not None:
        lift = f"{finding.lift:+.1%}"
        if finding.lift_low is not None and finding.lift_high is not None:
            lift += f" ({level:.0%} interval {finding.lift_low:+.1%} to {finding.lift_high:+.1%})"
    p_value = f", {format_p(finding.q_value)}" if finding.q_value is not None else ""
    if finding.basis == "outcomes":
        interval = (
            f" ({level:.0%} interval {finding.rate_low:.1%} to {finding.rate_high:.1%})"
            if finding.rate_low is not None and finding.rate_high is not None
            else ""
        )
        against = f", against {finding.rate_without:.1%} of the others" if finding.rate_without is not None else ""
        came = within(finding.age_days)
        return (
            f"{finding.rate:.1%} of {finding.observations} outcomes were won{came}{interval}{against}{p_value}."
            + more_pending(finding.pending)
        )
    how = (
        f"In {plural(finding.comparisons, 'experiment')}"
        if finding.basis == "experiment"
        else "As observed, and not by experiment"
    )
    if not lift:
        return f"{how}, the {plural(finding.observations, 'post')} with it cannot be compared with posts without it."
    return (
        f"{how}, the {finding.metric} of {plural(finding.observations, 'post')} with it differs by {lift} from that of posts "
        f"without it{p_value}."
    )


def describe_refusal(judgement: Judgement, rules: EvidenceRules) -> str:
    """Return why a value is not recommended, in one sentence.

    Args:
        judgement: What is said of the value, which is not that it works.
        rules: How much evidence a recommendation needs.
    """
    finding = judgement.finding
    needed = rules.decided if finding.basis == "outcomes" else rules.contents
    if judgement.why:
        told = judgement.why
    elif judgement.verdict == "risky":
        told = f"it {SAYS['risky']}"
    elif finding.observations < needed:
        told = f"too few {finding.observed}: {finding.observations}, and {needed} are needed"
    elif finding.q_value is None:
        told = "there is nothing to compare it with"
    elif finding.q_value > rules.q_value:
        told = f"the difference may be chance, {format_p(finding.q_value)} with {rules.q_value:g} allowed"
    else:
        told = "not enough data yet to tell"
    return f"{told[0].upper()}{told[1:]}. {describe_finding(finding, rules.confidence)}"


def describe_lead(finding: ValueFinding, chance: float) -> str:
    """Return in a sentence that a value is a lead to test.

    Args:
        chance: Posterior chance that its effect has the sign that was found.
    """
    kind = "better" if (finding.shrunk_lift or 0.0) > 0.0 else "worse"
    return f"A lead to test: posts with it fare {kind} with a chance of {chance:.0%}."


def describe_learned(row: Mapping[str, Any]) -> str:
    """Return in a sentence what a text model is worth, or why there is none.

    Args:
        row: Row of `LearnedValue`.
    """
    experiments = plural(row["experiments"], "experiment")
    if row["status"] == "too_few":
        return f"{experiments} with several wordings: too few to learn from."
    if row["status"] == "no_model" or row["pair_accuracy"] is None:
        return f"No model: what {experiments} taught did not beat chance on those that followed."
    return (
        f"Of two wordings of later experiments it names the better one in {row['pair_accuracy']:.0%} of pairs; "
        f"the one with the best score has {row['click_gain']:+.1%} clicks."
    )


def describe_rate(row: Mapping[str, Any], level: float, needed: int) -> str:
    """Return how often outcomes of one value were won, in one sentence: that of `gold.findings` where it has one.

    Args:
        row: `wins`, `decided`, `pending`, `age_days`, `win_rate`, `ci_low`, `ci_high`, and the `sentence` of its finding, if any.
        level: Confidence of the interval.
        needed: Fewest decided outcomes that are not called few.
    """
    if row.get("sentence") is not None:
        return f"{row['sentence']}{more_pending(row['pending'])}"
    few = "" if row["decided"] >= needed else f" These are few: fewer than {needed}."
    return (
        f"{row['wins']} of {row['decided']} outcomes were won{within(row['age_days'])}, {row['win_rate']:.1%} "
        f"({level:.0%} interval {row['ci_low']:.1%} to {row['ci_high']:.1%}).{few}{more_pending(row['pending'])}"
    )


def more_pending(pending: int) -> str:
    """Return how many outcomes are too young to count, as a sentence of its own; nothing where none is.

    >>> more_pending(1), more_pending(0)
    (' 1 more is pending.', '')
    """
    return f" {pending} more {'is' if pending == 1 else 'are'} pending." if pending else ""


def describe_pending(row: Mapping[str, Any]) -> str:
    """Say why a value has no rate yet, in one sentence.

    Args:
        row: `pending`, `decided`.

    >>> describe_pending({"pending": 100, "decided": 10})
    'Not enough data yet: 10 outcomes can be counted. 100 are pending: too young, or told by their success alone.'
    """
    decided, pending = row["decided"], row["pending"]
    return (
        f"Not enough data yet: {plural(decided, 'outcome')} can be counted. {pending} {'is' if pending == 1 else 'are'} pending: "
        f"too young, or told by {'its' if pending == 1 else 'their'} success alone."
    )


def describe_clarity(row: Mapping[str, Any], level: float) -> str:
    """Return how clear the briefs of a segment arrive, in one sentence: that of `gold.findings` where it has one.

    Args:
        row: `clear_briefs`, `briefs`, `clear_rate`, `ci_low`, `ci_high`, `mean_score`, and the `sentence` of its finding, if any.
        level: Confidence of the interval.
    """
    if row.get("sentence") is not None:
        return str(row["sentence"])
    return (
        f"{row['clear_briefs']} of {row['briefs']} briefs arrived clear, {row['clear_rate']:.1%} "
        f"({level:.0%} interval {row['ci_low']:.1%} to {row['ci_high']:.1%}); mean first score {row['mean_score']:.1f}."
    )


NOT_YET: Mapping[str, str] = {
    "platforms": "No post with a known result names a tone and a platform.",
    "hours": "No post with a known result tells at which hour it was published.",
    "brand": "No one brand is described that names the project.",
    "learned_value": "No experiment compares wordings of it.",
}
"""Fields that no rule feeds, and what is said of them where they are empty."""


def describe_no_habit(habit: str, considered: int) -> str:
    """Say why no tone or hour of a platform is told.

    >>> describe_no_habit("hour", 24)
    'Of 24 hours on platforms none is shown to do better than the others there.'
    """
    return f"Of {plural(considered, habit)} on platforms none is shown to do better than the others there."


_WHY_EMPTY: Mapping[str, str] = {
    "recommended_patterns": "No post has a text or an attribute to compare.",
    "risky_patterns": "Nothing is shown to go with failure.",
    "banned_phrases": "The settings ban no phrase, and no marked loser names one.",
    "past_winners": "No post is marked as a winner, by a person or by its rate.",
    "channel_performance": "No outreach has an outcome yet.",
    "pack_success_rates": "No pack has an outcome yet.",
    "high_clarity_segments": "No brief was scored yet.",
}


def describe_emptiness(name: str, considered: int, missing: str = "") -> str:
    """Say why a field of a context has no entry.

    Args:
        name: The field.
        considered: How many values were considered for it and are not recommended.
        missing: What sources do not tell and it needs, with the remedy.

    >>> describe_emptiness("recommended_tones", 2)
    'None of 2 values is shown to work; the evidence document says why.'
    >>> describe_emptiness("recommended_tones", 0)
    'No post with a known result names one.'
    """
    if name in NOT_YET:
        return NOT_YET[name]
    if considered and name == "high_clarity_segments":
        return f"Of {plural(considered, 'segment')} none is shown to brief clearly; the evidence document says why."
    if considered and name in {"channel_performance", "pack_success_rates"}:
        values = plural(considered, "value")
        return f"No outcome of {values} can be counted, being too young or told by its success alone; the evidence document says more."
    if considered:
        return f"None of {plural(considered, 'value')} is shown to work; the evidence document says why."
    return " ".join(filter(None, (_WHY_EMPTY.get(name, "No post with a known result names one."), missing)))
