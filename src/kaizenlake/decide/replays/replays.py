"""Evaluations of candidates: of what is evaluated, how the outcome is put on record, and whether a gate may rest on it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.record import state
from kaizenlake.decide.record.command_words import check_texts
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.replays.golden import GoldenSet
from kaizenlake.events.write.log import Line
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.signing import canonical
from kaizenlake.vocabulary import plural

SOURCE = "kaizen policy replay"


@dataclass(frozen=True)
class CandidateVersion:
    """A version of a policy as it was created.

    Args:
        policy_id: Policy.
        policy_version: Version.
        doer: Agent that runs under it.
        phase: Phase it is for; None for every phase.
        content_sha256: SHA-256 of its document.
        document: What it holds.
    """

    policy_id: str
    policy_version: str
    doer: str
    phase: str | None
    content_sha256: str
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Policy and version, as people write them."""
        return f"{self.policy_id} {self.policy_version}"


@dataclass(frozen=True)
class Replayed:
    """An evaluation on record.

    Args:
        payload: Fields of its event, `OFFLINE_REPLAYED`.
        is_new: It was appended; else the same stood there already as the latest.
    """

    payload: Mapping[str, Any]
    is_new: bool

    @property
    def verdict(self) -> str:
        """Passed, failed or refused."""
        return str(self.payload["verdict"])


@dataclass(frozen=True)
class Standing:
    """Whether replays let a version go on to a shadow.

    Args:
        passed: They do.
        found: What was found, with its figures.
        golden_sets: Golden sets of the doer on which it has yet to pass.
    """

    passed: bool
    found: str
    golden_sets: tuple[str, ...] = ()


def candidate(lake: Lake, events: pl.LazyFrame, policy_id: str, policy_version: str) -> CandidateVersion:
    """Return the version of a policy among events.

    Args:
        lake: The lake; its key has signed the version.
        events: Rows of `bronze.events`.

    Raises:
        UsageError: There is none; the words name those there are.
        VerificationError: Its document is not what was hashed and signed when it was created.
    """
    version = state.read(events).version(policy_id, policy_version)
    document = signing.verify_policy(vars(version), decisions.public_keys(lake))
    return CandidateVersion(policy_id, policy_version, version.doer, version.phase, version.content_sha256, document)


def describe_evaluation(version: CandidateVersion, frozen: GoldenSet | None) -> dict[str, Any]:
    """Return what every evaluation says of the version and the runs it was evaluated on."""
    return {
        "policy_id": version.policy_id,
        "policy_version": version.policy_version,
        "doer": version.doer,
        "content_sha256": version.content_sha256,
        "golden_set_id": None if frozen is None else frozen.golden_set_id,
        "golden_set_version": None if frozen is None else frozen.golden_set_version,
    }


def figure(value: float) -> float | None:
    """Return a figure for an event: null where it is not defined.

    >>> [figure(0.5), figure(float("nan"))]
    [0.5, None]
    """
    return float(value) if math.isfinite(value) else None


def record(lake: Lake, payload: Mapping[str, Any], *, by: str, now: datetime) -> Replayed:
    """Append the outcome of an evaluation, unless the latest one of the version says the same.

    It is named by its content and the evaluation it follows, so that the same evaluation made twice is one.

    Args:
        payload: Fields of `OFFLINE_REPLAYED` without `replay_id` and `decided_by`.
        by: Who asked.
        now: Aware instant of the clock.
    """
    lake = view_of(lake)
    check_texts(by=by)
    content = {name: value for name, value in payload.items() if value is not None}
    found = Replayed({}, is_new=False)

    def decide(events: pl.LazyFrame) -> list[Line]:
        nonlocal found
        before = _list_replays(events, payload["content_sha256"])
        last = before[-1] if before else None
        if last is not None and _gather_content(last.payload) == _gather_content(json.loads(canonical(content))):
            found = Replayed({"shortfalls": [], **last.payload}, is_new=False)
            return []
        after = None if last is None else last.payload["replay_id"]
        name = hashlib.sha256(canonical({"content": content, "after": after})).hexdigest()[:32]
        said = {**content, "replay_id": name, "decided_by": by}
        found = Replayed(said, is_new=True)
        # After the one it follows, also by a clock that is behind: the latest is what a gate rests on.
        at = now if last is None else max(now, last.occurred_at + timedelta(microseconds=1))
        return [decision_line(lake, "OFFLINE_REPLAYED", said, event_id=f"replay-{name}", occurred_at=at)]

    decisions.append(lake, decide, source=SOURCE, now=now)
    return found


def standing(replay_log: pl.DataFrame, *, doer: str, content_sha256: str) -> Standing:
    """Return whether the latest replay of a content passed: on the newest version of each golden set of the doer, where it has any.

    What was replayed before the version was changed does not count, nor what was replayed on a golden set before a newer
    version of it was frozen.

    Args:
        replay_log: Rows of `silver.replay_log`, or of the events of that family decoded alike.
        doer: Agent that runs under the policy.
        content_sha256: Content hash of the version.
    """
    made = replay_log.filter(
        pl.col("event_type") == "OFFLINE_REPLAYED", pl.col("content_sha256") == content_sha256
    ).sort("occurred_at", "event_id")
    frozen = replay_log.filter(pl.col("event_type") == "GOLDEN_SET_FROZEN", pl.col("doer") == doer)
    sets = frozen.group_by("golden_set_id").agg(pl.col("golden_set_version").max()).sort("golden_set_id")
    if sets.is_empty():
        return _make_standing(made, "")
    each = {
        name: _make_standing(
            made.filter(pl.col("golden_set_id") == name, pl.col("golden_set_version") == version),
            f" on golden set {name}@{version}",
        )
        for name, version in sets.iter_rows()
    }
    lacking = tuple(name for name, item in each.items() if not item.passed)
    return Standing(not lacking, "; ".join(item.found for item in each.values()), lacking)


def _make_standing(made: pl.DataFrame, where: str) -> Standing:
    if made.is_empty():
        return Standing(passed=False, found=f"no replay{where}")
    last = made.row(-1, named=True)
    name = f"replay {last['replay_id']} of {last['occurred_at']:%Y-%m-%d}{where} {last['verdict']}"
    if last["verdict"] == "refused" or last["effect"] is None:
        return Standing(last["verdict"] == "passed", f"{name}: {'; '.join(last['shortfalls'] or []) or 'no figures'}")
    interval = f"{_add_sign(last['effect_ci_low'])} to {_add_sign(last['effect_ci_high'])}"
    figures = f"effect {_add_sign(last['effect'])} ({interval}) on {plural(last['runs'], 'run')}"
    return Standing(last["verdict"] == "passed", "; ".join([f"{name}: {figures}", *(last["shortfalls"] or [])]))


def _add_sign(value: float | None) -> str:
    return "not known" if value is None else f"{value:+.4f}"


@dataclass(frozen=True)
class _Event:
    occurred_at: datetime
    payload: dict[str, Any]


def _list_replays(events: pl.LazyFrame, content_sha256: str) -> list[_Event]:
    """Return evaluations of a content, the latest last."""
    rows = (
        events.filter(
            pl.col("event_type") == "OFFLINE_REPLAYED", pl.col("payload").str.contains(content_sha256, literal=True)
        )
        .select("occurred_at", "event_id", "payload")
        .collect()
        .sort("occurred_at", "event_id")
    )
    found = (_Event(at, json.loads(text)) for at, text in rows.select("occurred_at", "payload").iter_rows())
    return [item for item in found if item.payload["content_sha256"] == content_sha256]


def _gather_content(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes two evaluations the same: everything but their names and who asked; an empty list is as none."""
    return {name: value for name, value in payload.items() if name not in {"replay_id", "decided_by"} and value != []}
