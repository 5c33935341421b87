"""What the tables say of one value, and whether it is to be used, to be avoided, or neither."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, log1p, sqrt
from statistics import NormalDist
from typing import Any, Literal

import polars as pl

from kaizenlake import tables
from kaizenlake.parameters import MIN_EXPERIMENTS
from kaizenlake.parameters import EvidenceNeeds as EvidenceRules
from kaizenlake.publish.context.model import Basis
from kaizenlake.tables import PooledPatterns

PRESENT = "yes"
"""The one value of a text feature."""

Verdict = Literal["works", "risky", "unclear"]


@dataclass(frozen=True, kw_only=True)
class ValueFinding:
    """What one table says of one value of one attribute; figures that the table has not are None.

    Args:
        pattern_type: Attribute or text feature, such as tone.
        value: Its value.
        basis: What kind of evidence it is.
        table: Full name of the table.
        observations: Contents, or outcomes decided, that have the value.
        verdict: What the evidence says.
        comparisons: Experiments, or strata of project and platform, that were compared.
        metric: Rate that is compared, in words.
        rate: Rate of what has the value.
        rate_low: Lower end of its interval.
        rate_high: Upper end of its interval.
        rate_without: Rate of what has it not.
        lift: Relative lift.
        lift_low: Lower end of its interval.
        lift_high: Upper end of its interval.
        shrunk_lift: The lift drawn toward its like, or toward the whole.
        q_value: Corrected p.
        borrowed_rate: Weight of the whole in the shrunk figures.
        age_days: Of outcomes: the age at which the rate is taken.
        pending: Of outcomes: how many are too young for it.
        platforms: Platforms on which it was found; empty where that is not known.
        content_types: Kinds of content of which it was found; empty where that is not known.
        sentence: What `gold.findings` says of it; None where it is no finding there.
    """

    pattern_type: str
    value: str
    basis: Basis
    table: str
    observations: int
    verdict: Verdict
    comparisons: int = 0
    metric: str = "engagement rate"
    rate: float | None = None
    rate_low: float | None = None
    rate_high: float | None = None
    rate_without: float | None = None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    shrunk_lift: float | None = None
    q_value: float | None = None
    borrowed_rate: float = 0.0
    age_days: int | None = None
    pending: int = 0
    platforms: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    sentence: str | None = None

    def chance_of_sign(self, confidence: float) -> float | None:
        """Return the posterior chance that its effect has the sign of its shrunk lift; None where no interval tells.

        Shrinking a lift by a factor shrinks its variance by the same: that of a normal prior around none.

        Args:
            confidence: Coverage of its interval.
        """
        ends = (self.lift, self.lift_low, self.lift_high, self.shrunk_lift)
        if self.basis == "pooled" or any(end is None or not -1.0 < end < inf for end in ends):
            return None
        lift, low, high, shrunk = (log1p(end) for end in ends if end is not None)
        error = (high - low) / (2.0 * NormalDist().inv_cdf(0.5 + confidence / 2.0))
        if error <= 0.0 or lift * shrunk <= 0.0:
            return None
        drawn = min(shrunk / lift, 1.0)
        return NormalDist().cdf(abs(lift) * sqrt(drawn) / error)

    @property
    def observed(self) -> str:
        """What its observations are."""
        return "decided outcomes" if self.basis == "outcomes" else "contents"

    @property
    def proves(self) -> bool:
        """Whether it rests on enough experiments to outrank what was observed."""
        return self.basis == "experiment" and self.comparisons >= MIN_EXPERIMENTS


@dataclass(frozen=True, kw_only=True)
class Uses:
    """What the contents of a scope are and where they stand; empty where nothing is known of it.

    Args:
        platforms: Platforms that it uses.
        content_types: Kinds of content that it makes.
    """

    platforms: frozenset[str] = frozenset()
    content_types: frozenset[str] = frozenset()

    def meets(self, finding: ValueFinding) -> bool:
        """Return whether a finding of others is about a platform and a kind of content that the scope uses."""
        of_platform = (finding.value,) if finding.pattern_type == "platform" else finding.platforms
        of_type = (finding.value,) if finding.pattern_type == "content_type" else finding.content_types
        return _meet(self.platforms, of_platform) and _meet(self.content_types, of_type)


def _meet(used: frozenset[str], told: tuple[str, ...]) -> bool:
    return not used or not told or not used.isdisjoint(told)


def round_figure(value: float | None) -> float | None:
    """Return a figure with six digits: what is published does not hang on the order in which threads summed.

    >>> round_figure(0.12345678)
    0.123457
    """
    return None if value is None else float(f"{value:.6g}")


def of_pattern(row: Mapping[str, Any], table: str) -> ValueFinding:
    """Return a row of `patterns` or `scoped_patterns` as a finding."""
    return ValueFinding(
        pattern_type=row["pattern_type"],
        value=row["pattern"],
        basis=row.get("evidence", "observation"),
        table=table,
        observations=row["contents"],
        verdict=row["verdict"],
        comparisons=row.get("experiments", 0),
        metric=row.get("metric", "engagement_rate").replace("_", " "),
        rate=round_figure(row["rate_with"]),
        rate_without=round_figure(row["rate_without"]),
        lift=round_figure(row["lift"]),
        lift_low=round_figure(row["lift_ci_low"]),
        lift_high=round_figure(row["lift_ci_high"]),
        shrunk_lift=round_figure(row["shrunk_lift"]),
        q_value=round_figure(row["q_value"]),
        platforms=tuple(row.get("platforms") or ()),
        content_types=tuple(row.get("content_types") or ()),
        sentence=row.get("sentence"),
    )


def of_pooled(row: Mapping[str, Any]) -> ValueFinding:
    """Return a row of `pooled_patterns` as a finding, of which the tenant itself has observed nothing."""
    return ValueFinding(
        pattern_type=row["pattern_type"],
        value=PRESENT,
        basis="pooled",
        table=tables.full_name(PooledPatterns),
        observations=0,
        verdict=row["verdict"],
        comparisons=row["tenants"],
        lift_low=round_figure(row["ci_low"]),
        lift_high=round_figure(row["ci_high"]),
        shrunk_lift=round_figure(row["shrunk_lift"]),
        borrowed_rate=1.0,
    )


def with_pooled(judged: Iterable[Judgement], pooled: Iterable[ValueFinding]) -> list[Judgement]:
    """Return judgements, with the pooled finding of tenants where the own says nothing and does not point the other way.

    Args:
        judged: What is said by the tenant's own figures.
        pooled: What tenants share.
    """
    found = {(item.finding.pattern_type, item.finding.value): item for item in judged}
    for finding in pooled:
        own = found.get((finding.pattern_type, finding.value))
        if finding.verdict == "unclear" or (own is not None and (own.verdict != "unclear" or _differs(own, finding))):
            continue
        note = f"Pooled over {finding.comparisons} tenants that share the effects of text rules; nothing of it is this one's own."
        found[finding.pattern_type, finding.value] = Judgement(
            finding=finding, verdict=finding.verdict, observations=0, borrowed=note
        )
    return list(found.values())


def _differs(own: Judgement, pooled: ValueFinding) -> bool:
    """Return whether the own figures point the other way."""
    return (own.finding.shrunk_lift or 0.0) * (pooled.shrunk_lift or 0.0) < 0


def of_win_rate(row: Mapping[str, Any], table: str, rules: EvidenceRules) -> ValueFinding:
    """Return a row of `win_rates` or `scoped_win_rates` that is rated as a finding.

    Where it is compared with others, its rate is that within the strata that hold them too; the interval is that of the raw
    rate, and is left out where the two differ.

    Args:
        table: Full name of the table.
        rules: How much evidence a verdict needs.
    """
    raw, without, q_value = row["win_rate"], row["others_rate"], row["q_value"]
    rate = raw if row["compared_rate"] is None else row["compared_rate"]
    is_raw = round_figure(rate) == round_figure(raw)
    enough = row["decided"] >= rules.decided and q_value is not None and q_value <= rules.q_value
    told_apart = enough and without is not None and round_figure(rate) != round_figure(without)
    return ValueFinding(
        pattern_type=row["dimension"],
        value=row["value"],
        basis="outcomes",
        table=table,
        observations=row["decided"],
        verdict=("works" if rate > without else "risky") if told_apart else "unclear",
        metric="win rate",
        rate=round_figure(rate),
        rate_low=round_figure(row["ci_low"]) if is_raw else None,
        rate_high=round_figure(row["ci_high"]) if is_raw else None,
        rate_without=round_figure(without),
        lift=round_figure(row["lift"]),
        shrunk_lift=_compute_shrunk_lift(row, rate),
        q_value=round_figure(q_value),
        borrowed_rate=round_figure(row.get("borrowed_rate")) or 0.0,
        age_days=row["age_days"],
        pending=row["pending"],
    )


def _compute_shrunk_lift(row: Mapping[str, Any], rate: float) -> float | None:
    """Return the lift drawn toward its like as much as the adjusted rate is; None where nothing is compared."""
    without, adjusted = row["others_rate"], row["adjusted_rate"]
    if not without:
        return None
    drawn = rate * row["shrunk_rate"] / adjusted if adjusted else row["shrunk_rate"]
    return round_figure(drawn / without - 1)


def best_evidence(patterns: pl.LazyFrame, within: tuple[str, ...] = ("tenant_id",)) -> pl.LazyFrame:
    """Return one row per tenant and pattern: what experiments say, which outranks what was observed, where they say anything.

    Fewer than `MIN_EXPERIMENTS` experiments prove nothing: observation outranks them. What could not be compared, and so
    has no q, is outranked by what could.

    Args:
        patterns: Rows of `Patterns`, or of `ScopedPatterns`.
        within: Columns that name a scope.
    """
    by_experiment = pl.col("evidence") == "experiment"
    proves = by_experiment & (pl.col("experiments") >= MIN_EXPERIMENTS)
    pattern = (*within, "pattern_type", "pattern")
    return patterns.sort(*pattern, pl.col("q_value").is_null(), ~proves, by_experiment).unique(
        pattern, keep="first", maintain_order=True
    )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is said of one value in one scope.

    Args:
        finding: The finding it rests on.
        verdict: Use it, avoid it, or neither.
        observations: What the scope itself has observed of it.
        why: Why not, in words; empty where the finding's own figures say it.
        borrowed: What a scope took from everything, in words; empty where it rests on its own.
    """

    finding: ValueFinding
    verdict: Verdict
    observations: int
    why: str = ""
    borrowed: str = ""


def judge(whole: ValueFinding | None, own: ValueFinding | None, where: str, uses: Uses = Uses()) -> Judgement:
    """Judge one value in a project or segment, which may be too small to tell.

    Its own clear finding counts. Without one it borrows that of everything, unless its own figures, drawn toward
    everything, still point the other way, unless its own experiments call unclear what was only observed elsewhere, and
    unless it was found on platforms or of kinds of content that the scope does not use. Experiments over everything
    outrank an observation of the scope that contradicts them; experiments of the scope come first.

    Args:
        whole: Finding over everything, if there is one.
        own: Finding of the scope itself, if there is one; one of the two is there.
        where: The scope in words.
        uses: Platforms and kinds of content that the scope uses.
    """
    if own is None:
        assert whole is not None
        if not uses.meets(whole):
            why = f"it was found on platforms or of kinds of content that {where} does not use"
            return Judgement(finding=whole, verdict="unclear", observations=0, why=why)
        borrowed = f"{where} has no {whole.observed} of its own with it: all of it is borrowed from everything."
        return Judgement(finding=whole, verdict=whole.verdict, observations=0, borrowed=borrowed)
    if whole is None or whole.verdict in {"unclear", own.verdict}:
        return Judgement(finding=own, verdict=own.verdict, observations=own.observations)
    if own.verdict == "unclear":
        return _from_everything(whole, own, where, uses)
    if whole.basis == "experiment" and own.basis != "experiment":
        why = f"in experiments over everything it {SAYS[whole.verdict]}, but in {where} it {SAYS[own.verdict]}"
        return Judgement(finding=own, verdict="unclear", observations=own.observations, why=why)
    return Judgement(finding=own, verdict=own.verdict, observations=own.observations)


def _from_everything(whole: ValueFinding, own: ValueFinding, where: str, uses: Uses) -> Judgement:
    """Judge a value of which everything is clear and the scope itself is not."""
    toward = own.shrunk_lift if own.shrunk_lift is not None else own.lift
    if own.proves and whole.basis != "experiment":
        why = f"over everything it {SAYS[whole.verdict]} as observed, but experiments of {where} do not confirm it"
    elif not uses.meets(whole):
        why = f"over everything it {SAYS[whole.verdict]}, but on platforms or of kinds of content that {where} does not use"
    elif toward is not None and (toward > 0) != (whole.verdict == "works"):
        why = f"over everything it {SAYS[whole.verdict]}, but {where} points the other way"
    else:
        borrowed = f"{own.observations} {own.observed} of {where} cannot tell alone: the finding is that of everything"
        borrowed += f"; drawn toward it, the lift here is {toward:+.1%}." if toward is not None else "."
        return Judgement(finding=whole, verdict=whole.verdict, observations=own.observations, borrowed=borrowed)
    return Judgement(finding=own, verdict="unclear", observations=own.observations, why=why)


SAYS: Mapping[Verdict, str] = {"works": "works", "risky": "goes with failure", "unclear": "is unclear"}
"""What a verdict says, after `it`."""
