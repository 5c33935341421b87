"""Replay events: frozen sets of runs, and what a candidate would have lost on logged runs; only commands append them."""

from __future__ import annotations

from typing import Annotated, Any

from kaizenlake.events.values.fields import Count, Figure, Key, Names, Payload, Rate, Texts, Word, says
from kaizenlake.vocabulary import ReplayKind, ReplayVerdict


class GoldenSetFrozen(Payload, frozen=True, kw_only=True):
    """A version of a golden set was frozen: the runs on which every candidate is replayed."""

    golden_set_id: Annotated[Key, says("Golden set.")]
    golden_set_version: Annotated[Count, says("Version of the set, from 1.", is_field_name_given=True)]
    doer: Annotated[Key, says("Agent whose runs it holds.")]
    golden_runs: Annotated[Names, says("Its runs, in order.")]
    content_sha256: Annotated[Key, says("SHA-256 of its canonical JSON, as 64 hexadecimal digits.")]
    signature: Annotated[Word, says("Ed25519 signature of its canonical JSON, in base64.")]
    key_id: Annotated[Key, says("Key that signed it, by the first 16 digits of its SHA-256.")]
    decided_by: Annotated[Key, says("Who asked for it: a person, or the night.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None


class OfflineReplayed(Payload, frozen=True, kw_only=True):
    """A version of a policy was evaluated on logged runs, or the evaluation was refused."""

    replay_id: Annotated[Key, says("Replay, unique in the lake.")]
    kind: Annotated[ReplayKind, says("By propensities, or by running the inputs again.")]
    policy_id: Annotated[Key, says("Policy that was evaluated.")]
    policy_version: Annotated[Key, says("Version of that policy, by semantic versioning.")]
    doer: Annotated[Key, says("Agent that runs under it.")]
    content_sha256: Annotated[Key, says("SHA-256 of its canonical JSON, as 64 hexadecimal digits.")]
    golden_set_id: Annotated[Key | None, says("Golden set.")] = None
    golden_set_version: Annotated[Count | None, says("Version of the set, from 1.", is_field_name_given=True)] = None
    verdict: Annotated[ReplayVerdict, says("Refused where the data cannot answer.")]
    shortfalls: Annotated[Texts, says("Why it failed or was refused, in words.")] = []
    estimator: Annotated[Key | None, says("Estimator that the verdict rests on.")] = None
    logged_loss: Annotated[Rate | None, says("Mean loss of the runs as logged.", is_field_name_given=True)] = None
    estimated_loss: Annotated[Figure | None, says("Mean loss under the candidate; not given where refused.")] = None
    effect: Annotated[Figure | None, says("Estimated less logged loss; below 0 is better.")] = None
    effect_ci_low: Annotated[Figure | None, says("Lower end of its interval.")] = None
    effect_ci_high: Annotated[Figure | None, says("Upper end of its interval.")] = None
    seeds_sd: Annotated[Figure | None, says("Standard deviation of the estimate over the seeds.")] = None
    random_seeds: Annotated[Count, says("Seeds that were used.")]
    runs: Annotated[Count, says("Runs that were looked at.")]
    units: Annotated[Count, says("Units of those runs.")]
    effective_units: Annotated[Figure | None, says("Effective number of units under the candidate's weights.")] = None
    max_weight: Annotated[Figure | None, says("Largest weight of a run.")] = None
    unsupported_rate: Annotated[
        Rate | None, says("Share of the runs where the candidate does what was never logged.")
    ] = None
    differing_answers: Annotated[Count | None, says("Runs that answered differently when run twice with one seed.")] = (
        None
    )
    estimates: Annotated[
        dict[str, Any], says("All estimators: a list `estimates` of estimator, loss, ci_low, ci_high and seeds_sd.")
    ]
    decided_by: Annotated[Key, says("Who asked for it: a person, or the night.")]
