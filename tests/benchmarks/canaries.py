"""Simulate canaries that somebody looks at every night: `python tests/benchmarks/canaries.py [--canaries 20000]`.

Prints, as Markdown: how often an A/A canary is decided within 30 nights, by the methods of the package and by a Welch test
read every night; how often a true effect is found; and what shrinkage does to the effects of segments.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from kaizenlake.stats import (
    Moments,
    NormalPrior,
    benjamini_hochberg_by,
    boundaries,
    cautious_test,
    confidence_sequence,
    merge_moments,
    running_minimum,
    shrink_normal,
    shrink_normal_by,
    spend,
    stopped_effect,
)
from kaizenlake.stats.sequential.canary_rule import CanaryRule, judge, verdicts
from kaizenlake.stats.sequential.confidence_sequences import SequenceRule
from kaizenlake.stats.two_groups.welch import welch

NIGHTS = 30
ALPHA = 0.05
MEAN, SD = 0.5, 0.15
SEGMENTS = 20
SHARE_OF_HORIZON = np.arange(1, NIGHTS + 1) / NIGHTS
METHODS = (
    "Welch every night",
    "always-valid",
    "always-valid, separate variances",
    "spending t²",
    "spending t², separate variances",
    "O'Brien-Fleming",
    "promote or roll back",
)

Arms = tuple[Moments, Moments]


def losses(rng, size):
    """Beta losses of the stated mean and standard deviation."""
    strength = MEAN * (1 - MEAN) / SD**2 - 1
    return rng.beta(MEAN * strength, (1 - MEAN) * strength, size)


def mostly_zero(rng, size):
    return np.where(rng.random(size) < 0.9, 0.0, losses(rng, size))


def clustered(rng, size, icc=0.1):
    """Runs of users on the last axis, users before it; the user's part of the variance is ``icc``."""
    users = rng.normal(0.0, np.sqrt(icc), (*size[:-1], 1))
    return MEAN + SD * (users + rng.normal(0.0, np.sqrt(1.0 - icc), size))


def nightly(values):
    """Moments of each night: the observations of a night on the last axis."""
    mean = values.mean(axis=-1)
    return Moments(np.full(mean.shape, float(values.shape[-1])), mean, ((values - mean[..., None]) ** 2).sum(axis=-1))


def so_far(nights):
    """Moments of all nights up to each, merged night by night as the jobs do; nights on the last axis."""
    parts = [Moments(*(part[..., 0] for part in nights))]
    for night in range(1, nights.n.shape[-1]):
        parts.append(merge_moments(parts[-1], Moments(*(part[..., night] for part in nights))))
    return Moments(*(np.stack(part, axis=-1) for part in zip(*parts, strict=True)))


def plain(draw: Callable, candidate: int, control: int) -> Callable[[np.random.Generator, int], Arms]:
    def arms(rng, canaries):
        return tuple(so_far(nightly(draw(rng, (canaries, NIGHTS, runs)))) for runs in (candidate, control))

    return arms


def new_users(*, by_user: bool) -> Callable[[np.random.Generator, int], Arms]:
    """20 users an arm and night, 10 runs each, other users every night."""

    def arm(rng, canaries):
        runs = clustered(rng, (canaries, NIGHTS, 20, 10))
        return so_far(nightly(runs.mean(axis=-1) if by_user else runs.reshape(canaries, NIGHTS, 200)))

    return lambda rng, canaries: (arm(rng, canaries), arm(rng, canaries))


def same_users(*, by_user: bool, users: int = 20) -> Callable[[np.random.Generator, int], Arms]:
    """The same users every night, 10 runs each."""

    def arm(rng, canaries):
        level = rng.normal(0.0, np.sqrt(0.1), (canaries, 1, users, 1))
        runs = MEAN + SD * (level + rng.normal(0.0, np.sqrt(0.9), (canaries, NIGHTS, users, 10)))
        if not by_user:
            return so_far(nightly(runs.reshape(canaries, NIGHTS, -1)))
        nights = np.arange(1, NIGHTS + 1)[:, None]
        return nightly(np.cumsum(runs.mean(axis=-1), axis=1) / nights)

    return lambda rng, canaries: (arm(rng, canaries), arm(rng, canaries))


@dataclass(frozen=True)
class Case:
    """An A/A canary: what a night brings, and the fewest units in the smaller arm before anything is decided."""

    name: str
    arms: Callable[[np.random.Generator, int], Arms]
    minimum_units: float = 100.0


CASES = (
    Case("Beta loss, 200 runs per arm and night", plain(losses, 200, 200)),
    Case("Beta loss, 20 runs", plain(losses, 20, 20)),
    Case("Beta loss, 5 runs", plain(losses, 5, 5)),
    Case("10 against 190 runs, 90 % zeros", plain(mostly_zero, 10, 190)),
    Case("the same without a minimum of units", plain(mostly_zero, 10, 190), minimum_units=2.0),
    Case("20 new users × 10 runs, ICC .1, by user", new_users(by_user=True)),
    Case("the same by run", new_users(by_user=False)),
    Case("the same 20 users × 10 runs every night, by user", same_users(by_user=True)),
    Case("the same without a minimum of units", same_users(by_user=True), minimum_units=2.0),
    Case("the same 20 users by run", same_users(by_user=False)),
)
UNSAFE = {4, 6, 8, 9}
"""Cases that show what the rules are for: nothing is promised about them."""


def decide(arms: Arms, minimum_units: float = 100.0) -> dict[str, np.ndarray]:
    """Night by night, whether each method decides (canaries x nights); "promote or roll back" is the package's verdict."""
    a, b = arms
    looked = np.minimum(a.n, b.n) >= minimum_units
    naive, test = welch(a, b), cautious_test(a, b)
    # Narrowest half way, see confidence_sequence.
    declared = (a.n[:, -1:] + b.n[:, -1:]) / 2.0
    rule = SequenceRule(confidence=1.0 - ALPHA, minimum_units=minimum_units)
    sequence = confidence_sequence(a, b, declared_n=declared, rule=rule)
    separate = confidence_sequence(a, b, declared_n=declared, rule=rule._replace(variance="separate"))
    worse = confidence_sequence(a, b, declared_n=declared, rule=rule._replace(side="above"))
    # Units are what is known: where a night brings no new ones, nothing is tested anew.
    known = np.where(looked, 1.0 / (1.0 / a.n + 1.0 / b.n), np.nan)
    level = {
        family: boundaries(known, spend(SHARE_OF_HORIZON, ALPHA, family)).level
        for family in ("power", "obrien_fleming")
    }
    with np.errstate(invalid="ignore"):
        promote = (test.p_value <= level["power"]) & (test.effect < 0.0)
        return {
            "Welch every night": naive.p_value <= ALPHA,
            "always-valid": sequence.p_value <= ALPHA,
            "always-valid, separate variances": separate.p_value <= ALPHA,
            "spending t²": test.p_value <= level["power"],
            "spending t², separate variances": naive.p_value <= level["power"],
            "O'Brien-Fleming": test.p_value <= level["obrien_fleming"],
            "promote or roll back": promote | (worse.p_value <= ALPHA),
        }


def in_parts(canaries: int, cells: int, seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    """Canaries in parts of about a hundred megabytes, each with a generator of its own."""
    at_once = max(1, min(canaries, 4_000_000 // cells))
    sizes = [min(at_once, canaries - start) for start in range(0, canaries, at_once)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    return ((np.random.default_rng(part), size) for part, size in zip(seeds, sizes, strict=True))


def false_decisions(case: Case, canaries: int, seed: int) -> dict[str, float]:
    """Share of A/A canaries that each method decides on some night."""
    decided = dict.fromkeys(METHODS, 0)
    for rng, size in in_parts(canaries, NIGHTS * 200, seed):
        for method, nights in decide(case.arms(rng, size), case.minimum_units).items():
            decided[method] += int(nights.any(axis=1).sum())
    return {method: count / canaries for method, count in decided.items()}


def segment_decisions(canaries: int, seed: int, runs: int = 10) -> dict[str, float]:
    """Share of A/A canaries in which some of 20 segments is called different on some night."""
    decided = {"Welch every night": 0, "running-minimum always-valid with Benjamini-Hochberg": 0}
    for rng, size in in_parts(canaries, NIGHTS * SEGMENTS * runs, seed):
        a, b = (so_far(nightly(losses(rng, (size, SEGMENTS, NIGHTS, runs)))) for _ in range(2))
        look = confidence_sequence(a, b, declared_n=NIGHTS * runs)
        families = np.broadcast_to(np.arange(size * NIGHTS).reshape(size, 1, NIGHTS), look.p_value.shape)
        q = benjamini_hochberg_by(families.ravel(), running_minimum(look.p_value).ravel()).reshape(look.p_value.shape)
        with np.errstate(invalid="ignore"):
            decided["Welch every night"] += int((welch(a, b).p_value <= ALPHA).any(axis=(1, 2)).sum())
            decided["running-minimum always-valid with Benjamini-Hochberg"] += int((q <= ALPHA).any(axis=(1, 2)).sum())
    return {method: count / canaries for method, count in decided.items()}


def power(canaries: int, seed: int, effects: tuple[float, ...] = (-0.01, -0.02)) -> dict[tuple[float, str, int], float]:
    """Share of canaries with a true effect that are decided by night 10 and by night 30, 200 runs per arm and night."""
    found: dict[tuple[float, str, int], float] = {}
    for rng, size in in_parts(canaries, NIGHTS * 200, seed):
        a, b = plain(losses, 200, 200)(rng, size)
        for effect in effects:
            for method, nights in decide((Moments(a.n, a.mean + effect, a.m2), b)).items():
                for night in (10, 30):
                    key = effect, method, night
                    found[key] = found.get(key, 0.0) + float(nights[:, :night].any(axis=1).sum()) / canaries
    return found


def by_the_rule(canaries: int, seed: int, *, candidates: int = 1, effect: float = 0.0) -> dict[str, float]:
    """Share of canaries that the nightly job's own rule promotes or rolls back within 30 nights: 200 runs per arm and night.

    Unlike `decide` it takes the information of each look from its standard error, and shares alpha over the candidates.
    """
    decided = {"promoted": 0, "rolled back": 0}
    rule = CanaryRule(alpha=ALPHA, horizon=NIGHTS, tolerated=0.0)
    for rng, size in in_parts(canaries, NIGHTS * 200 * (candidates + 1), seed):
        sides = [so_far(nightly(losses(rng, (size, NIGHTS, 200)))) for _ in range(candidates + 1)]
        control = Moments(*(np.stack([part] * candidates, axis=1) for part in sides[0]))
        own = Moments(*(np.stack(parts, axis=1) for parts in zip(*sides[1:], strict=True)))
        own = Moments(own.n, own.mean + effect, own.m2)
        made = np.ones(own.n.shape, dtype=np.bool_)
        said = verdicts(
            judge(rule, own, control), rule, fresh=made, invalid=~made, guardrails_held=made, guardrails_broken=~made
        )
        decided["promoted"] += int((said == "promote").any(axis=(1, 2)).sum())
        decided["rolled back"] += int((said == "rollback").any(axis=(1, 2)).sum())
    return {what: count / canaries for what, count in decided.items()}


def early_estimates(canaries: int, seed: int, effect: float = -0.01) -> dict[str, float]:
    """Mean of the effects of canaries with a true one, raw and corrected, by the night that decided; all and early ones."""
    rng = np.random.default_rng(seed)
    a, b = plain(losses, 200, 200)(rng, canaries)
    test = welch(Moments(a.n, a.mean + effect, a.m2), b)
    known = 1.0 / test.se**2
    design = boundaries(100.0 * np.arange(1, NIGHTS + 1) / SD**2, spend(SHARE_OF_HORIZON))
    crossed = test.p_value <= design.level
    stop = np.where(crossed.any(axis=1), crossed.argmax(axis=1), NIGHTS - 1)[:, None]
    # Information as planned up to the last look, so that all canaries share a design; the last look's as seen.
    known = np.where(np.arange(NIGHTS) <= stop, 100.0 * np.arange(1, NIGHTS + 1) / SD**2, np.nan)
    raw, se = (np.take_along_axis(part, stop, axis=1)[:, 0] for part in (test.effect, test.se))
    stopped = stopped_effect(known, np.broadcast_to(design.critical, known.shape), raw / se)
    # What is known beforehand: effects of policies are about as large as the smallest one worth seeing, either way.
    shrunk = shrink_normal(raw, se**2, NormalPrior(0.0, effect**2))
    early = stop[:, 0] < 10
    covered = (stopped.ci_low <= effect) & (effect <= stopped.ci_high)
    return {
        "raw, median": float(np.median(raw)),
        "corrected, median": float(np.median(stopped.effect)),
        "raw, mean": float(raw.mean()),
        "corrected, mean": float(stopped.effect.mean()),
        "raw, mean of those decided within 10 nights": float(raw[early].mean()),
        "corrected, mean of those decided within 10 nights": float(stopped.effect[early].mean()),
        "shrunk, mean of those decided within 10 nights": float(shrunk[early].mean()),
        "coverage of the corrected interval": float(covered.mean()),
    }


def shrinkage(canaries: int, seed: int, runs: int = 10, spread: float = 0.02) -> tuple[float, float]:
    """Mean squared error of the effects of 20 segments, raw and shrunk; true effects vary about -.01."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-0.01, spread, (canaries, SEGMENTS))
    a, b = (nightly(losses(rng, (canaries, SEGMENTS, runs))) for _ in range(2))
    effect = a.mean + truth - b.mean
    # One variance for all segments of a canary: ten runs say little about their own.
    pooled = (a.m2 + b.m2).sum(axis=1, keepdims=True) / (SEGMENTS * (2 * runs - 2)) * 2 / runs
    codes = np.repeat(np.arange(canaries), SEGMENTS)
    shrunk = shrink_normal_by(codes, effect.ravel(), np.broadcast_to(pooled, effect.shape).ravel())
    return float(np.mean((effect - truth) ** 2)), float(np.mean((shrunk.reshape(truth.shape) - truth) ** 2))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--canaries", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20)
    given = parser.parse_args()
    started = time.perf_counter()
    error = (ALPHA * (1 - ALPHA) / given.canaries) ** 0.5
    print(
        f"A/A canaries decided within {NIGHTS} nights, {given.canaries:,} each, alpha {ALPHA}: "
        f"{ALPHA + 3 * error:.4f} is three standard errors above it\n"
    )
    print("| A/A canary | " + " | ".join(METHODS) + " |\n|---|" + "---|" * len(METHODS))
    for number, case in enumerate(CASES):
        shares = false_decisions(case, given.canaries, given.seed + number)
        print(f"| {case.name} | " + " | ".join(f"{shares[method]:.3f}" for method in METHODS) + " |", flush=True)
    for method, share in segment_decisions(max(1, given.canaries // 5), given.seed + 100).items():
        print(f"\n20 segments × 10 runs a night, {method}: {share:.3f}")
    print(f"\n| true effect, sd {SD}, 200 runs a night | by night | " + " | ".join(METHODS) + " |")
    print("|---|---|" + "---|" * len(METHODS))
    found = power(given.canaries, given.seed + 200)
    for effect, night in ((-0.02, 10), (-0.01, 30)):
        shares = " | ".join(f"{found[effect, method, night]:.3f}" for method in METHODS)
        print(f"| {effect} | {night} | {shares} |", flush=True)
    few = max(1, given.canaries // 20)
    print(f"\n| by the nightly job's rule, {few:,} canaries | promoted | rolled back |\n|---|---|---|", flush=True)
    for number, (candidates, effect) in enumerate(((1, 0.0), (3, 0.0), (1, -0.01))):
        shares = by_the_rule(few, given.seed + 500 + number, candidates=candidates, effect=effect)
        name = f"{candidates} candidate{'s' * (candidates > 1)}, true effect {effect:g}"
        print(f"| {name} | {shares['promoted']:.3f} | {shares['rolled back']:.3f} |", flush=True)
    print("\n| effect of a canary, true -0.01, read on the night that decides | |\n|---|---|")
    for name, value in early_estimates(max(1, given.canaries // 10), given.seed + 300).items():
        print(f"| {name} | {value:.4f} |", flush=True)
    raw, shrunk = shrinkage(max(1, given.canaries // 5), given.seed + 400)
    print(f"\nMSE of 20 segments × 10 runs: raw {raw:.2e}, shrunk {shrunk:.2e}, {raw / shrunk:.1f} times smaller")
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
