"""The demo: a lake of shipped samples, landed and computed by the ordinary means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import polars as pl

from kaizenlake.decide.canaries import deployments
from kaizenlake.decide.canaries.deployments import DeploymentPlan
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.command import SOURCE
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.errors import UsageError
from kaizenlake.lake import lock
from kaizenlake.lake.landing import landing
from kaizenlake.lake.landing.landing import Landing
from kaizenlake.lake.store import Lake
from kaizenlake.night.artifact import Run
from kaizenlake.night.run import Watch, next_midnight, nightly
from kaizenlake.parameters import Guardrail
from kaizenlake.report.kaizen.headlines import findings
from kaizenlake.report.kaizen.kaizen_data import Bearings, build
from kaizenlake.samples import AGENCY, Sample, samples
from kaizenlake.tables import Events

FINDINGS = 3

OF_INVENTED = frozenset({"pack_win_rate", "deal_win_rate", "outreach_win_rate", "brief_clarity"})
"""Kinds of findings that rest on the invented sample; they show what a report can say, and say nothing of the world."""


CANARY = DeploymentPlan(
    mode="canary",
    policy_id="filesystem_agent",
    deployment_id="gemini-3-pro-against-2-5-pro",
    control="2.0.0",
    candidates=("4.0.0",),
    shares=(0.5,),
    unit_name="run",
    horizon_nights=14,
    # There are 25 runs of either model; a real canary should wait for more.
    minimum_units=20,
    guardrails=(Guardrail(metric="cost_usd", margin=0.1),),
    auto_rollback=False,
)
"""Two models of the sample of agent runs as the two arms of a canary, versions as its mapping numbers them."""

MODELS = {"2.0.0": "gemini-2.5-pro", "4.0.0": "gemini-3-pro-preview"}
"""Model of each of those versions."""

BY = "demo"
WHY = "Demo: these runs were logged before there were policies, and nothing was randomised."

FIRST_DAY = datetime(2026, 2, 12, tzinfo=UTC)
"""Day of the first of those runs."""


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Args:
        landings: What landing each sample did, by file name.
        run: The night.
        findings: What the tables say, in sentences.
    """

    landings: Mapping[str, Landing]
    run: Run
    findings: tuple[str, ...]


def make(root: str | Path, reports: Path | None, *, watch: Watch | None = None, is_agency: bool = False) -> Demo:
    """Make a lake, land the samples, compare two models as a canary, run the night after the newest event, and read findings.

    Done twice it changes nothing.

    Args:
        root: Folder of the lake; made where missing.
        reports: Folder of the reports; None makes none.
        watch: Told of each step of the night.
        is_agency: Land the invented journal of an agency, and nothing else.

    Raises:
        UsageError: The lake holds events of its own.
    """
    if "://" not in str(root) and Path(root).exists() and not Path(root).is_dir():
        raise UsageError("A lake is a folder, and this is a file.", where=str(root))
    lake = Lake.create(root)
    _only_samples(lake)
    with lock.hold(lake.path(), "kaizen demo"):
        chosen = (AGENCY,) if is_agency else samples()
        landings = {sample.file: _land(lake, sample) for sample in chosen}
    if not is_agency:
        _compare_models(lake)
    landed = Landing(tuple(tally for found in landings.values() for tally in found.tallies))
    run = nightly(lake, as_of=as_of(lake), command="demo", take=lambda _: landed, reports=reports, watch=watch)
    settings = lake.settings
    data = build(lake.scan, as_of=run.as_of, bearings=Bearings.of(settings))
    said = (found for found in findings(data, limit=100) if found.basis != "warning" and found.kind not in OF_INVENTED)
    return Demo(landings, run, tuple(finding.sentence for finding in said)[:FINDINGS])


def as_of(lake: Lake) -> datetime:
    """Return the midnight after the newest event of a lake."""
    newest = lake.scan(Events).select(pl.col("occurred_at").max()).collect().item()
    return next_midnight(newest)


def _land(lake: Lake, sample: Sample) -> Landing:
    with resources.as_file(resources.files("kaizenlake.samples") / sample.file) as path:
        return landing.land(lake, path, mapping=sample.mapping, now=datetime.now(UTC))


def _compare_models(lake: Lake) -> None:
    """Declare the canary of two models; done again, nothing is left to be said."""
    (candidate,) = CANARY.candidates
    for number, model in MODELS.items():
        draft = PolicyDraft(
            doer=CANARY.policy_id,
            version=number,
            parent=CANARY.control if number == candidate else None,
            hparams={"model": model},
        )
        policies.create(lake, draft, by=BY, reason=WHY, now=FIRST_DAY)
        policies.promote(
            lake,
            CANARY.policy_id,
            number,
            to="canary" if number == candidate else "active",
            by=BY,
            reason=WHY,
            override=True,
            now=FIRST_DAY,
        )
    if CANARY.deployment_id not in policies.state(lake).deployments["deployment_id"]:
        deployments.start(lake, CANARY, by=BY, reason=WHY, now=FIRST_DAY)


def _only_samples(lake: Lake) -> None:
    others = (
        lake.scan(Events)
        .filter(~pl.col("source").is_in([*(sample.source for sample in samples()), SOURCE]))
        .select(pl.col("source").unique().sort())
        .collect()["source"]
        .to_list()
    )
    if others:
        raise UsageError(
            f"This lake holds events of its own (from {', '.join(others[:3])}); samples are not mixed in.",
            where=str(lake.root),
            hint="Give the demo a lake of its own with --lake.",
        )
