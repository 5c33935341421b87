"""The demo: a lake of shipped samples, landed and computed by the ordinary means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import polars as pl

from kaizenlake.errors import UsageError
from kaizenlake.lake import landing, lock
from kaizenlake.lake.landing import Landing
from kaizenlake.lake.store import Lake
from kaizenlake.night.artifact import Run
from kaizenlake.night.run import Watch, next_midnight, nightly
from kaizenlake.publish.findings import findings
from kaizenlake.publish.report_data import build
from kaizenlake.samples import Sample, samples
from kaizenlake.tables import Events

FINDINGS = 3

OF_INVENTED = frozenset({"pack win rate", "deal win rate", "outreach win rate", "clarity of briefs"})
"""Kinds of findings that rest on the invented sample; they show what a report can say, and say nothing of the world."""


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


def make(root: str | Path, reports: Path | None, *, watch: Watch | None = None) -> Demo:
    """Make a lake, land the samples, run the night after their newest event, and read three findings from it.

    Done twice it changes nothing.

    Args:
        root: Folder of the lake; made where missing.
        reports: Folder of the reports; None makes none.
        watch: Told of each step of the night.

    Raises:
        UsageError: The lake holds events of its own.
    """
    if "://" not in str(root) and Path(root).exists() and not Path(root).is_dir():
        raise UsageError("A lake is a folder, and this is a file.", where=str(root))
    lake = Lake.create(root)
    _only_samples(lake)
    with lock.hold(lake.path(), "kaizen demo"):
        landings = {sample.file: _land(lake, sample) for sample in samples()}
    landed = Landing(tuple(tally for found in landings.values() for tally in found.tallies))
    run = nightly(lake, as_of=as_of(lake), command="demo", take=lambda _: landed, reports=reports, watch=watch)
    data = build(lake.scan, as_of=run.as_of, tiers=lake.settings.tiers, evidence=lake.settings.evidence)
    said = (found for found in findings(data, limit=100) if found.basis != "warning" and found.kind not in OF_INVENTED)
    return Demo(landings, run, tuple(finding.sentence for finding in said)[:FINDINGS])


def as_of(lake: Lake) -> datetime:
    """The midnight after the newest event of a lake."""
    newest = lake.scan(Events).select(pl.col("occurred_at").max()).collect().item()
    return next_midnight(newest)


def _land(lake: Lake, sample: Sample) -> Landing:
    with resources.as_file(resources.files("kaizenlake.samples") / sample.file) as path:
        return landing.land(lake, path, mapping=sample.mapping, now=datetime.now(UTC))


def _only_samples(lake: Lake) -> None:
    others = (
        lake.scan(Events)
        .filter(~pl.col("source").is_in([sample.source for sample in samples()]))
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
