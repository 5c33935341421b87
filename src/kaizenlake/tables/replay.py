"""Gold tables of replays: what candidates would have lost on logged runs, and the sets of runs frozen for it."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table
from kaizenlake.vocabulary import ReplayKind, ReplayVerdict

KINDS: tuple[str, ...] = get_args(ReplayKind)
VERDICTS: tuple[str, ...] = get_args(ReplayVerdict)

NO_ESTIMATOR = "none"
"""Stands for the estimator where a replay was refused: there is no estimate."""


@table(layer="gold", grain=("tenant_id", "replay_id", "estimator"))
class OfflineReplays(OfTenant):
    """One replay of a version of a policy on logged runs, by one estimator; a refused one has one row without figures."""

    replay_id: str = column("Replay, unique within the tenant.")
    estimator: str = column(f"Estimator; `paired` for runs made again, `{NO_ESTIMATOR}` where there is no estimate.")
    is_verdict: bool = column("The verdict rests on this estimator; a refusal rests on none.")
    kind: str = column("By propensities, or by running the inputs again.", isin=KINDS)
    policy_id: str = column("Policy that was evaluated.")
    policy_version: str = column("Version of that policy.")
    doer: str = column("Agent that runs under it.")
    content_sha256: str = column("SHA-256 of the content of that version when it was evaluated.")
    golden_set_id: str = column("Golden set; null where all logged runs were looked at.", nullable=True)
    golden_set_version: pl.Int64 = count("Version of that set; null where it is.", nullable=True)
    verdict: str = column("Refused where the data cannot answer.", isin=VERDICTS)
    shortfalls: Words = column("Why it failed or was refused, in words; empty where it passed.")
    logged_loss: float = rate("Mean loss of the runs as logged; null where refused.", nullable=True)
    estimated_loss: float = column("Mean loss under the candidate; null where refused.", nullable=True)
    loss_ci_low: float = column(
        "Lower end of its interval, by resampling units; that of `dm` knows nothing of the error of its model; null where "
        "refused.",
        nullable=True,
    )
    loss_ci_high: float = column("Upper end of its interval; null where refused.", nullable=True)
    effect: float = column("Estimated less logged loss, below 0 is better; null where refused.", nullable=True)
    effect_ci_low: float = column("Lower end of its interval; null where refused.", nullable=True)
    effect_ci_high: float = column("Upper end of its interval; null where refused.", nullable=True)
    seeds_sd: float = column(
        "Standard deviation of the estimate over the seeds; null where refused.", nullable=True, ge=0
    )
    stability: float = column(
        "Largest difference between two seeds in an end of an interval, as a share of its width; null where refused or "
        "runs were made again.",
        nullable=True,
        ge=0,
    )
    random_seeds: pl.Int64 = count("Seeds that were used.")
    runs: pl.Int64 = count("Runs that were looked at.")
    units: pl.Int64 = count("Units of those that could be used.")
    effective_units: float = column(
        "Effective number of units under the candidate's weights; null where runs were made again.", nullable=True
    )
    max_weight: float = column("Largest weight of a run; null where runs were made again.", nullable=True)
    unsupported_rate: float = rate(
        "Share of what the candidate would choose that was never logged; null where runs were made again.",
        nullable=True,
    )
    differing_answers: pl.Int64 = count(
        "Runs that answered differently when run twice with one seed; null where none was run again.", nullable=True
    )
    decided_by: str = column("Who asked for it: a person, or the night.")
    replayed_at: Instant = column("When it was replayed.")


@table(layer="gold", grain=("tenant_id", "golden_set_id", "golden_set_version"))
class GoldenSets(OfTenant):
    """One version of a golden set: runs that were frozen, on which every candidate of their agent is replayed."""

    golden_set_id: str = column("Golden set.")
    golden_set_version: pl.Int64 = count("Version of the set, from 1.")
    doer: str = column("Agent whose runs it holds.")
    runs: pl.Int64 = count("Runs that it holds.")
    is_newest: bool = column("No later version of the set was frozen.")
    content_sha256: str = column("SHA-256 of its runs and of what each of them said.")
    key_id: str = column("Key that signed it, by the first 16 digits of its SHA-256.")
    frozen_at: Instant = column("When it was frozen.")
    frozen_by: str = column("Who asked for it: a person, or the night.")
    reason: str = column("Why, in words; null where not given.", nullable=True)
