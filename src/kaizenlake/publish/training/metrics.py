"""Figures for monitoring in the text of OpenMetrics and of Prometheus, counted from the lake and so across processes."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl
from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.openmetrics import exposition
from prometheus_client.registry import Collector

from kaizenlake.errors import KaizenError, TableNotFoundError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.tables import ExampleRejections, Table, TrainingExamples


def write_metrics(lake: Lake) -> str:
    """Return the figures of a lake in the text of OpenMetrics, which ends with `# EOF`.

    Args:
        lake: The lake, of all of its tenants.
    """
    text: bytes = exposition.generate_latest(_registry(lake))  # type: ignore[no-untyped-call]
    return text.decode()


def write_textfile(lake: Lake, file: Path) -> None:
    """Write the figures of a lake where the textfile collector of node_exporter reads them, whole or not at all.

    Args:
        lake: The lake, of all of its tenants.
        file: The file, whose name ends in `.prom`.

    Raises:
        KaizenError: It cannot be written.
    """
    try:
        write_to_textfile(str(file), _registry(lake))
    except OSError as error:
        raise KaizenError(f"The figures cannot be written: {error.strerror or error}.", where=str(file)) from error


def _registry(lake: Lake) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_OfLake(lake))
    return registry


class _OfLake(Collector):
    """Counts what a lake holds when it is asked."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def collect(self) -> Iterable[Metric]:
        """Yield every figure."""
        yield from self._count_learning()
        yield from self._count_nights()

    def _count_learning(self) -> Iterator[Metric]:
        yield _count_by(
            ("l07_examples_extracted", "Examples made of traces.", "source_type"), self._scan(TrainingExamples)
        )
        yield _count_by(
            ("l07_examples_filtered", "Examples that a rule dropped.", "rule"), self._scan(ExampleRejections)
        )
        cut = decisions.of(self.lake).filter(pl.col("event_type") == "DATASET_CUT").select(pl.len()).collect().item()
        yield CounterMetricFamily("l07_datasets_created", "Versions of data sets that were cut.", value=cut)
        yield from self._count_jobs()
        yield from self._count_models()

    def _count_models(self) -> Iterator[Metric]:
        told = decisions.of(self.lake)
        registered = told.filter(pl.col("event_type") == "MODEL_REGISTERED").select(pl.len()).collect().item()
        yield CounterMetricFamily("l07_models_registered", "Versions of models that were registered.", value=registered)
        said = told.filter(pl.col("event_type") == "MODEL_VALIDATED").select("payload").collect()["payload"]
        passed = [json.loads(payload)["recommendation"] == "DEPLOY" for payload in said]
        yield GaugeMetricFamily(
            "l07_validation_pass_rate",
            "Share of validations that passed; NaN where there was none.",
            value=sum(passed) / len(passed) if passed else math.nan,
        )

    def _count_jobs(self) -> Iterator[Metric]:
        """Count training jobs that were started, and the attempts at them that ended."""
        events = decisions.of(self.lake).filter(pl.col("event_type").str.starts_with("TRAINING_"))
        rows = events.select("event_type", "payload").collect()
        started = rows.filter(event_type="TRAINING_REQUESTED").height
        said = [json.loads(text) for text in rows.filter(event_type="TRAINING_STATUS_CHANGED")["payload"]]
        took = [item["duration_seconds"] for item in said if item.get("duration_seconds") is not None]
        yield CounterMetricFamily("l07_training_jobs", "Training jobs that were started.", value=started)
        yield SummaryMetricFamily(
            "l07_training_job_duration_seconds",
            "Seconds that attempts at training jobs took.",
            count_value=len(took),
            sum_value=math.fsum(took),
        )

    def _scan(self, table: type[Table]) -> pl.LazyFrame | None:
        try:
            return self.lake.scan(table)
        except TableNotFoundError:
            return None

    def _count_nights(self) -> Iterator[Metric]:
        by_status: Counter[str] = Counter()
        latest = 0.0
        for file in self.lake.path("runs").glob("*.json"):
            try:
                run = json.loads(file.read_bytes())
                by_status[str(run["status"])] += 1
                changed = file.stat().st_mtime
            except (OSError, ValueError, KeyError, TypeError):
                continue
            latest = max(latest, changed)
        runs = CounterMetricFamily("kaizen_runs", "Runs of the lake that left a record.", labels=("status",))
        for status, number in sorted(by_status.items()):
            runs.add_metric((status,), number)
        yield runs
        yield GaugeMetricFamily(
            "kaizen_last_run_timestamp_seconds", "When the latest run wrote its record; 0 for never.", value=latest
        )


def _count_by(told: tuple[str, str, str], rows: pl.LazyFrame | None) -> Metric:
    """Count rows by a column; without any row there is one figure of 0."""
    name, meaning, column = told
    counts = [] if rows is None else rows.group_by(column).len().sort(column).collect().rows()
    if not counts:
        return CounterMetricFamily(name, meaning, value=0)
    made = CounterMetricFamily(name, meaning, labels=(column,))
    for value, number in counts:
        made.add_metric((str(value),), number)
    return made
