"""Is a candidate better than its control? What each night knew of it, and what it says."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake import stats, tables
from kaizenlake.context import arm_of
from kaizenlake.job import job
from kaizenlake.jobs.canaries import _canary_arms as arms_
from kaizenlake.jobs.canaries import _canary_guardrails as guardrails
from kaizenlake.jobs.canaries._canary_known_metrics import count_before_start, find_silent_looks
from kaizenlake.jobs.canaries._canary_words import reason
from kaizenlake.parameters import Canaries
from kaizenlake.stats import Moments
from kaizenlake.stats.sequential.canary_rule import CanaryRule, guard, judge, verdicts
from kaizenlake.tables import CanaryLooks, CanaryUnits, Deployments, RunRecords

Table = NDArray[Any]

NAMED = ("deployment_id", "deployment_mode", "policy_id", "doer", "control_version", "minimum_units", "horizon_nights")
RULED = ("deployment_mode", "alpha", "method", "horizon_nights", "minimum_units", "max_loss_increase")
GUARDED = ("guardrail_metrics", "guardrail_margins", "settings_guardrails")


@job(reads=(Deployments, CanaryUnits, RunRecords), writes=CanaryLooks, timeless=True)
def canary_looks(
    deployments: pl.LazyFrame,
    canary_units: pl.LazyFrame,
    run_records: pl.LazyFrame,
    *,
    as_of: datetime,
    canaries: Canaries = Canaries(),
) -> pl.LazyFrame:
    """Say after each day of a deployment what is known of each candidate: promote, roll back, go on, or not to be judged.

    A look is made of days that are over, one each until the end or the horizon; what came late counts on the look of its own
    day, so looks are told anew. Each randomised unit counts once, with the mean of its runs so far; runs that name no unit
    were not randomised and are left out, as are units of a canary seen under two versions. In a shadow the same unit runs
    under both: there the difference within each unit is tested, unless fewer than half of the candidate's units ran under
    both. A night on which one of the two brought no run that counts is a pause.

    Args:
        deployments: Shadows and canaries.
        canary_units: Sums of their units by day.
        run_records: The record of each run: what those of a control told before the start.
        as_of: Deployments that start from this instant on do not count.
        canaries: `sample_ratio_alpha`: p below which the sizes of the arms make a look invalid.
    """
    known = deployments.filter(pl.col("started_at") < as_of)
    started, units, before = pl.collect_all([known, canary_units, count_before_start(known, run_records)])
    started, units, names = arms_.number_deployments(started, units)
    arms = arms_.arms_of(started)
    if arms.is_empty():
        return tables.empty(CanaryLooks)
    of_code = names.join(before, on=arms_.DEPLOYMENT, nulls_equal=True).select(
        pl.col("code").alias("deployment_id"), pl.all().exclude("code", *arms_.DEPLOYMENT)
    )
    return arms_.with_names(_select_looks(arms, units, of_code, canaries), names).lazy()


class _Sides(NamedTuple):
    """Moments of one figure under each candidate and its control (axes: candidates, looks), with the means to be told."""

    candidate: Moments
    control: Moments
    mean: Table
    mean_control: Table

    def until(self, made: Table) -> _Sides:
        """Return the same without the looks that were not made."""
        own, other = (Moments(np.where(made, side.n, 0.0), side.mean, side.m2) for side in self[:2])
        return _Sides(own, other, self.mean, self.mean_control)

    def with_pairs(self, paired: Table, found: arms_.Pairs) -> _Sides:
        """Return the same, of some candidates by the differences within units: with as many zeros for control, tests are of pairs.

        Args:
            paired: Which candidates.
            found: Their pairs, in their order.
        """
        n, mean, m2 = (np.zeros(self.mean.shape) for _ in range(3))
        n[paired], mean[paired], m2[paired] = found.differences
        mean_a, mean_b = self.mean.copy(), self.mean_control.copy()
        mean_a[paired], mean_b[paired] = found.mean, found.mean_control
        two = paired[:, None]
        differences, zeros = Moments(n, mean, m2), Moments(n, np.where(n > 0.0, 0.0, np.nan), np.zeros(n.shape))
        own, other = (
            Moments(*(np.where(two, new, old) for new, old in zip(pair, alone, strict=True)))
            for pair, alone in ((differences, self.candidate), (zeros, self.control))
        )
        return _Sides(own, other, mean_a, mean_b)


def _select_looks(arms: pl.DataFrame, units: pl.DataFrame, before: pl.DataFrame, canaries: Canaries) -> pl.DataFrame:
    looks = int(arms["looks_count"].max())  # type: ignore[arg-type]
    rows = arms_.with_looks(arms, units)
    of_canary = arms.filter(pl.col("deployment_mode") == "canary").select("deployment_id").unique()
    mixed = arms_.find_mixed_units(rows.join(of_canary, on="deployment_id", how="semi"))
    metrics = arms["guardrail_metrics"].explode().drop_nulls().unique().sort().to_list()
    figures = ["loss", "seen", "activity", "missing", *metrics]
    nights = arms_.unit_nights(arms, rows, figures)
    kept = arms_.without_mixed(nights, mixed)
    known = arms_.moments_so_far(kept, arms.height, looks, figures)

    place = arms["place"].to_numpy()
    candidate = np.flatnonzero(place > 0)
    control = candidate - place[candidate]
    deployment = np.cumsum(place == 0) - 1
    made = (np.arange(1, looks + 1) <= arms["looks_count"].to_numpy()[:, None])[candidate]
    loss, explained = arms_.adjust_by_past(known["loss"], deployment, looks)
    whole = {"loss": loss} | {metric: known[metric].whole for metric in metrics}
    shadow = (arms["deployment_mode"] == "shadow").to_numpy()[candidate]
    partners = {int(arm): int(partner) for arm, partner in zip(candidate[shadow], control[shadow], strict=True)}
    pairs = arms_.pairs_so_far(nights, partners, looks, list(whole)) if partners else {}
    paired = np.zeros(candidate.size, dtype=np.bool_)
    if pairs:
        several = pairs["loss"].differences.n[:, -1]
        paired[shadow] = (several > 0.0) & (2.0 * several >= known["loss"].whole.n[candidate[shadow], -1])
    compared: dict[str, _Sides] = {}
    for name, at in whole.items():
        own, other = (Moments(*(part[side] for part in at)) for side in (candidate, control))
        sides = _Sides(own, other, own.mean, other.mean)
        compared[name] = (sides.with_pairs(paired, pairs[name].of(paired[shadow])) if paired.any() else sides).until(
            made
        )
    losses = compared.pop("loss")

    of_arms = rows.join(_own(arms), on=["deployment_id", "policy_version"])
    runs = arms_.count_rows(of_arms, pl.col("runs").sum(), arms.height, looks)
    sizes = _gather_sizes(of_arms, known, runs)
    lost = arms_.count_rows(of_arms.filter(pl.col("unit").is_null()), pl.col("runs").sum(), arms.height, looks)
    counts = arms_.count_rows(kept.filter(~pl.col("gone")), pl.col("n").sum(), arms.height, looks) > 0
    fresh = counts[candidate] & counts[control]
    ratio = _sample_ratio(arms, known["seen"].whole.n, deployment, looks)
    misrouted = np.cumsum(_count_misrouted(arms, rows, looks), axis=1)
    told: dict[str, Table] = {
        "look": np.broadcast_to(np.arange(1, looks + 1), fresh.shape),
        **{name: of_arm[candidate] for name, of_arm in sizes.items()},
        **{f"{name}_control": of_arm[control] for name, of_arm in sizes.items()},
        "runs_without_unit": np.cumsum(lost[candidate] + lost[control], axis=1),
        "units": losses.candidate.n.astype(np.int64),
        "units_control": losses.control.n.astype(np.int64),
        "units_mixed": _count_mixed(arms, mixed, looks)[candidate],
        "units_misrouted": misrouted[candidate] + misrouted[control],
        "mean_loss": losses.mean,
        "mean_loss_control": losses.mean_control,
        "cuped_explained": np.where(paired[:, None], 0.0, explained[candidate]),
        "sample_ratio_p": ratio[deployment[candidate]],
        "silent": (runs - lost)[candidate] + (runs - lost)[control] == 0,
        "fresh": counts[candidate],
        "fresh_control": counts[control],
    }
    several, horizons = (
        arms.select(figure).to_series().to_numpy()[candidate]
        for figure in (pl.col("candidate_versions").list.len(), pl.col("horizon_nights"))
    )
    lost_runs, missing = (
        _intact(known[figure].whole, (candidate, control, made), several, horizons, canaries.lost_runs_alpha)
        for figure in ("activity", "missing")
    )
    lost_runs.p_value[shadow], lost_runs.since_look[shadow] = np.nan, 0
    told |= {
        "runs_ratio_p": lost_runs.p_value,
        "runs_ratio_level": lost_runs.level,
        "runs_ratio_since": lost_runs.since_look,
        "missing_p": missing.p_value,
        "missing_level": missing.level,
        "missing_since": missing.since_look,
    }
    uneven = told["sample_ratio_p"] < canaries.sample_ratio_alpha
    invalid = uneven | (lost_runs.since_look > 0) | (missing.since_look > 0)
    of_control = before.join(arms.filter(place=0).select("deployment_id", "arm"), on="deployment_id")
    silent = {
        metric: of[control]
        for metric, of in find_silent_looks(of_arms, of_control, metrics, (arms.height, looks)).items()
    }
    judged, guarded = _judge(arms[candidate], losses, compared, silent, fresh, invalid)
    # The rule sees a pair as its difference alone; what that is relative to, the means tell.
    relative = np.divide(
        judged["effect"], losses.mean_control, out=np.full(fresh.shape, np.nan), where=losses.mean_control > 0.0
    )
    judged["lift"] = np.where(paired[:, None], relative, judged["lift"])
    told["uneven"] = uneven
    whole_rows = _frame(arms[candidate], told | judged).filter(made.ravel())
    return (
        whole_rows.join(guarded, on=["row", "look"], how="left")
        .with_columns(
            pl.col("guardrails").fill_null("[]"),
            pl.col("guardrails_broken", "guardrails_left_out").fill_null([]),
            sample_ratio_alpha=pl.lit(canaries.sample_ratio_alpha),
        )
        .with_columns(reason=reason())
        .select(name for name in tables.schema(CanaryLooks).names() if name != "tenant_id")
        .sort("deployment_id", "policy_version", "look")
    )


def _gather_sizes(of_arms: pl.DataFrame, known: dict[str, arms_.Known], runs: NDArray[np.int64]) -> dict[str, Table]:
    """Return what each arm has so far (axes: arms, looks): its runs and units, and those without a loss."""
    failed, with_loss = (arms_.count_rows(of_arms, pl.col(name).sum(), *runs.shape) for name in ("failed", "n"))
    missing = known["missing"].whole.n
    return {
        "runs": np.cumsum(runs, axis=1),
        "runs_failed": np.cumsum(failed, axis=1),
        "runs_without_loss": np.cumsum(runs - with_loss, axis=1),
        "units_without_loss": (missing - known["loss"].whole.n).astype(np.int64),
        "units_not_run": (missing - known["seen"].whole.n).astype(np.int64),
        "missing_share": known["missing"].whole.mean,
    }


def _own(arms: pl.DataFrame) -> pl.DataFrame:
    return arms.select("deployment_id", "policy_version", "arm")


def _sample_ratio(arms: pl.DataFrame, seen: Table, deployment: Table, looks: int) -> Table:
    """Return the p-values of the units of each deployment and look against the allocation; NaN for a shadow, and where it is not known."""
    tested = arms.select(
        (pl.col("deployment_mode") == "canary") & pl.col("share").is_not_null().all().over("deployment_id")
    ).to_series()
    at = np.flatnonzero(tested.to_numpy())
    codes = (deployment[at][:, None] * looks + np.arange(looks)).ravel()
    shares = np.repeat(arms["share"].to_numpy()[at], looks)
    count = int(deployment[-1]) + 1
    return stats.sample_ratio_by(codes, seen[at].ravel(), shares, n_groups=count * looks).p_value.reshape(count, looks)


def _count_misrouted(arms: pl.DataFrame, rows: pl.DataFrame, looks: int) -> Table:
    """Return units first seen on each look under an arm that is not the one their hash says."""
    canaries = arms.filter(
        pl.col("deployment_mode") == "canary", pl.col("share").is_not_null().all().over("deployment_id")
    )
    seen = (
        rows.filter(pl.col("unit").is_not_null())
        .join(
            canaries.select("deployment_id", "policy_version", "arm", "place"), on=["deployment_id", "policy_version"]
        )
        .group_by("deployment_id", "arm", "place", "unit")
        .agg(pl.col("unit_id").first(), pl.col("look").min())
    )
    facts = canaries.filter(place=0).select("deployment_id", "salt", "candidate_shares")
    parts = []
    for name, salt, shares in facts.iter_rows():
        own = seen.filter(pl.col("deployment_id") == name)
        meant = pl.Series([arm_of(salt, unit, shares) for unit in own["unit_id"]], dtype=pl.Int64)
        parts.append(own.filter(own["place"] != meant))
    return arms_.count_rows(pl.concat([seen.clear(), *parts]), pl.len(), arms.height, looks)


def _count_mixed(arms: pl.DataFrame, mixed: pl.DataFrame, looks: int) -> Table:
    """Return the mixed units of the deployment of each arm on each look."""
    new = mixed.select("deployment_id", look="mixed_look").join(arms.select("deployment_id", "arm"), on="deployment_id")
    return np.cumsum(arms_.count_rows(new, pl.len(), arms.height, looks), axis=1)


def _intact(
    known: Moments, sides: tuple[Table, Table, Table], several: Table, horizons: Table, alpha: float
) -> stats.Intact:
    """Return whether a figure of the units of each candidate is that of its control, on each look that was made.

    Args:
        known: Moments of each arm.
        sides: Arm of each candidate, arm of its control, and the looks that were made.
        several: Candidates of the deployment of each.
        horizons: Looks that are planned of each.
        alpha: Chance of a false finding over all looks of a deployment.
    """
    candidate, control, made = sides
    found = stats.Intact(np.zeros(made.shape), np.zeros(made.shape), np.zeros(made.shape, dtype=np.int64))
    for horizon, together in {(int(h), int(k)) for h, k in zip(horizons, several, strict=True)}:
        at = np.flatnonzero((horizons == horizon) & (several == together))
        own, other = (
            Moments(np.where(made[at], known.n[side[at]], 0.0), known.mean[side[at]], known.m2[side[at]])
            for side in (candidate, control)
        )
        one = stats.intact(own, other, horizon=horizon, alpha=alpha, candidates=together)
        for whole, part in zip(found, one, strict=True):
            whole[at] = part
    return found


def _judge(
    candidates: pl.DataFrame,
    losses: _Sides,
    guarded: dict[str, _Sides],
    silent: dict[str, Table],
    fresh: Table,
    invalid: Table,
) -> tuple[dict[str, Table], pl.DataFrame]:
    """Return what every look knows and says of each candidate, and what it knows of each guardrail; equal rules are judged at once."""
    found: dict[str, Table] = {}
    rails = []
    several = pl.len().over("deployment_id").alias("several")
    for group in candidates.with_row_index("row").group_by(*RULED, *GUARDED, several, maintain_order=True):
        facts = group[1].row(0, named=True)
        rows = group[1]["row"].to_numpy().reshape(-1, group[1]["row"].len() // group[1]["deployment_id"].n_unique())
        rule = CanaryRule(
            alpha=facts["alpha"],
            method=facts["method"],
            horizon=facts["horizon_nights"],
            minimum_units=facts["minimum_units"],
            tolerated=facts["max_loss_increase"],
            shadow=facts["deployment_mode"] == "shadow",
        )
        judged = judge(rule, *_of(losses, rows))
        held, broken = np.ones(fresh[rows].shape, dtype=np.bool_), np.zeros(fresh[rows].shape, dtype=np.bool_)
        margins = dict(zip(facts["guardrail_metrics"], facts["guardrail_margins"], strict=True))
        for metric, margin in margins.items():
            candidate, control = _of(guarded[metric], rows)
            one = guard(rule, margin, len(margins), candidate, control)
            left_out = silent[metric][rows] & (metric in facts["settings_guardrails"])
            held &= one.held | left_out
            broken |= (one.broken_since_look > 0) & ~left_out
            rails.append(guardrails.of_looks(metric, margin, rows, (candidate, control), one, left_out))
        verdict = verdicts(
            judged,
            rule,
            fresh=fresh[rows],
            invalid=invalid[rows],
            guardrails_held=held,
            guardrails_broken=broken,
        )
        for name, values in (judged._asdict() | {"verdict": verdict}).items():
            whole = found.setdefault(name, np.zeros(fresh.shape, dtype="U12" if name == "verdict" else values.dtype))
            whole[rows] = values
    return found, guardrails.by_look(rails)


def _of(sides: _Sides, rows: Table) -> tuple[Moments, Moments]:
    own, other = (Moments(*(part[rows] for part in side)) for side in (sides.candidate, sides.control))
    return own, other


def _frame(candidates: pl.DataFrame, figures: dict[str, Table]) -> pl.DataFrame:
    """Return one row per candidate and look, in that order."""
    flat = pl.DataFrame({name: np.ascontiguousarray(values).ravel() for name, values in figures.items()}).fill_nan(None)
    looks = flat.height // candidates.height
    facts = candidates.select(
        *NAMED, "policy_version", tolerated="max_loss_increase", began="started_at"
    ).with_row_index("row")
    named = facts[np.repeat(np.arange(candidates.height), looks)]
    return pl.concat([named, flat], how="horizontal").with_columns(
        looked_on=pl.col("began").dt.date() + pl.duration(days=pl.col("look") - 1),
        crossed_on_look=pl.when(pl.col("crossed_on_look") > 0).then("crossed_on_look"),
    )
