"""Which examples are fit to be learnt from? Each that is not has exactly one reason: the first rule that it breaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from kaizenlake.parameters import Curation
from kaizenlake.redaction.kinds import MAYBE, Kind, places
from kaizenlake.training.examples import TrainingExample, frame_of, full_text
from kaizenlake.training.poison import SUSPECT, find_poison
from kaizenlake.training.population import Benchmark, find_triggers
from kaizenlake.training.rules import RULES, RULES_VERSION
from kaizenlake.training.text_clusters import near_duplicates


class Rejection(NamedTuple):
    """Why an example was dropped.

    Args:
        example_id: The example.
        rule: First rule that it breaks; see `kaizenlake.training.rules.RULES`.
        version: Version of the rules.
        figures: What was found, and what was expected.
    """

    example_id: str
    rule: str
    version: str
    figures: dict[str, Any]

    @property
    def code(self) -> str:
        """Code of the rule, which `kaizen errors` explains."""
        return RULES[self.rule][0]


@dataclass(frozen=True)
class FilteredExamples:
    """Examples that are fit to be learnt from, and why the others are not.

    Args:
        kept: Those that are fit, in the order in which they were given.
        rejections: One for each of the others, in that order.
    """

    kept: list[TrainingExample]
    rejections: list[Rejection]


@dataclass(frozen=True)
class Surroundings:
    """What examples are held against beside themselves.

    Args:
        rules: Thresholds.
        golden: Texts of golden sets and benchmarks, which no example may hold.
        lineage: Models, as name@version, of the lineage that is to be trained.
    """

    rules: Curation = field(default_factory=Curation)
    golden: tuple[str, ...] = ()
    lineage: frozenset[str] = frozenset()


def filter_examples(
    examples: Iterable[TrainingExample],
    *,
    rules: Curation = Curation(),
    golden: Iterable[str] = (),
    lineage: Collection[str] = (),
) -> FilteredExamples:
    """Keep examples that are fit to be learnt from, and say of each of the others which rule it breaks first.

    Args:
        examples: The examples, in any order: of those that say the same, the one with the highest mark stays.
        rules: Thresholds; the defaults are a mark of 70 and a confidence of .8.
        golden: Texts of golden sets and benchmarks, which no example may hold.
        lineage: Models, as name@version, of the lineage that is to be trained: their outputs are no examples, unless a person
            edited them or an evaluator of another lineage verified them.
    """
    given = list(examples)
    around = Surroundings(rules, tuple(golden), frozenset(lineage))
    found = reject(frame_of(given).with_row_index("row"), around)
    reasons = {row: (rule, figures) for row, rule, figures in found.select("row", "rule", "figures").iter_rows()}
    rejections = [
        Rejection(item.example_id, reasons[row][0], RULES_VERSION, json.loads(reasons[row][1]))
        for row, item in enumerate(given)
        if row in reasons
    ]
    return FilteredExamples([item for row, item in enumerate(given) if row not in reasons], rejections)


def reject(examples: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    """Return which examples break a rule, with the first that each breaks.

    Args:
        examples: Columns of `examples.SCHEMA`, and `row`, a number of each.
        around: What they are held against.

    Returns:
        Columns `row`, `rule` and `figures` (JSON), in the order of `row`.
    """
    left = examples.with_columns(text=full_text())
    parts = []
    for rule in _RULES:
        broken = rule(left, around)
        if broken.height:
            parts.append(broken.select("row", "rule", "figures"))
            left = left.join(broken, on="row", how="anti", maintain_order="left")
    empty = pl.DataFrame(schema={"row": examples.schema["row"], "rule": pl.String, "figures": pl.String})
    return pl.concat([empty, *parts]).sort("row")


_SECRET: tuple[Kind, ...] = ("secret",)

_Rule: TypeAlias = Callable[[pl.DataFrame, Surroundings], pl.DataFrame]


def _say(broken: pl.DataFrame, rule: str | pl.Expr, /, **figures: Any) -> pl.DataFrame:
    """Return rows with the rule that they break and the figures to it."""
    named = pl.lit(rule) if isinstance(rule, str) else rule
    told = [(value if isinstance(value, pl.Expr) else pl.lit(value)).alias(name) for name, value in figures.items()]
    return broken.select("row", rule=named, figures=pl.struct(told).struct.json_encode())


def _break_values(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    del around
    score, confidence = pl.col("quality_score"), pl.col("confidence")
    wrong = (~score.is_between(0, 100) | score.is_nan()).fill_null(False)
    wrong |= (~confidence.is_between(0, 1) | confidence.is_nan()).fill_null(False)
    return _say(
        rows.filter(wrong),
        "invalid_value",
        quality_score=score.cast(pl.String),
        confidence=confidence.cast(pl.String),
    )


def _break_completeness(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    del around
    parts = {
        "input": pl.col("input_text").fill_null("").str.strip_chars() == "",
        "output": pl.col("output_text").fill_null("").str.strip_chars() == "",
        "quality_score": pl.col("quality_score").is_null(),
        "confidence": pl.col("confidence").is_null(),
    }
    missing = pl.concat_list([pl.when(is_missing).then(pl.lit(name)) for name, is_missing in parts.items()])
    lacks = reduce(lambda one, other: one | other, parts.values())
    return _say(rows.filter(lacks), "incomplete", missing=missing.list.drop_nulls().list.join(", "))


def _break_quality(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    least = around.rules.quality_score
    low = rows.filter(pl.col("quality_score") < least)
    return _say(low, "low_quality", quality_score=pl.col("quality_score"), least=least)


def _break_confidence(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    least = around.rules.confidence
    return _say(
        rows.filter(pl.col("confidence") < least), "low_confidence", confidence=pl.col("confidence"), least=least
    )


def _break_secrecy(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    del around
    maybe = rows.filter(pl.col("text").str.contains(MAYBE) | ~pl.col("text").str.contains(r"\A[\x00-\x7f]*\z"))
    counts = [len(places(text, _SECRET)) for text in maybe["text"]]
    return _say(
        maybe.with_columns(secrets=pl.Series(counts, dtype=pl.Int64)).filter(pl.col("secrets") > 0),
        "secret",
        secrets=pl.col("secrets"),
    )


def _break_plainness(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    del around
    maybe = rows.filter(pl.col("text").str.contains(SUSPECT))
    found = [find_poison(text) for text in maybe["text"]]
    kinds = pl.Series("kind", [None if item is None else item[0] for item in found], pl.String)
    times = pl.Series("times", [None if item is None else item[1] for item in found], pl.Int64)
    poisoned = maybe.with_columns(kinds, times).drop_nulls("kind")
    return _say(poisoned, pl.col("kind"), times=pl.col("times"))


def _break_trust(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    del around
    if not rows["labels"].list.len().gt(0).any():
        return rows.clear().select("row", rule=pl.lit("trigger"), figures=pl.lit("{}"))
    found = find_triggers(rows["input_text"].to_list(), rows["labels"].to_list())
    at = pl.Series("row", rows["row"].gather(found["row"]))
    return _say(
        found.with_columns(at), "trigger", **{name: pl.col(name) for name in ("label", "rows", "share", "base", "p")}
    )


def _break_lineage(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    line = sorted(around.lineage)
    outside = pl.col("verified_by").is_not_null() & ~pl.col("verified_by").is_in(line)
    own = pl.col("model").is_in(line) & ~(pl.col("human_edited").fill_null(False) | outside)
    return _say(rows.filter(own.fill_null(False)), "lineage", model=pl.col("model"), verified_by=pl.col("verified_by"))


def _break_novelty(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    benchmark = Benchmark(around.golden)
    if not benchmark.whole or rows.is_empty():
        return rows.clear().select("row", rule=pl.lit("contaminated"), figures=pl.lit("{}"))
    shared = sum(
        (benchmark.find(rows[name].fill_null("").to_list()) for name in ("input_text", "output_text", "text")),
        np.zeros(rows.height, np.int64),
    )
    held = rows.with_columns(shared=pl.Series(shared)).filter(pl.col("shared") > 0)
    return _say(held, "contaminated", shared=pl.col("shared"))


def _break_uniqueness(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    named = rows.with_columns(created_at=pl.col("timestamp"))
    ordered = named.sort(
        "quality_score", "created_at", "example_id", "row", descending=[True, False, False, False], nulls_last=True
    )
    told = []
    for same in ("example_id", "text"):
        first = ordered.group_by(same, maintain_order=True).agg(
            first_row=pl.col("row").first(), survivor_id=pl.col("example_id").first()
        )
        copies = ordered.join(first, on=same, maintain_order="left").filter(pl.col("row") != pl.col("first_row"))
        told.append(_say(copies, "duplicate", survivor_id=pl.col("survivor_id")))
        ordered = ordered.join(copies, on="row", how="anti", maintain_order="left")
    found = near_duplicates(ordered, around.rules.near_duplicate)
    near = ordered.with_columns(found["survivor_id"]).filter(pl.col("survivor_id") != pl.col("example_id"))
    told.append(_say(near, "near_duplicate", survivor_id=pl.col("survivor_id"), threshold=around.rules.near_duplicate))
    return pl.concat(told)


def _break_share(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    most = around.rules.synthetic_share
    by_model = (
        pl.col("model").is_not_null() & ~pl.col("human_edited").fill_null(False) & pl.col("verified_by").is_null()
    )
    synthetic = rows.filter(by_model).sort(
        "quality_score", "timestamp", "example_id", "row", descending=[True, False, False, False], nulls_last=True
    )
    others = rows.height - synthetic.height
    kept = synthetic.height if most >= 1 else min(int(others * most / (1 - most) + 1e-9), synthetic.height)
    return _say(synthetic.tail(synthetic.height - kept), "synthetic_share", largest=most, others=others)


_RULES: tuple[_Rule, ...] = (
    _break_values,
    _break_completeness,
    _break_quality,
    _break_confidence,
    _break_secrecy,
    _break_plainness,
    _break_trust,
    _break_lineage,
    _break_novelty,
    _break_uniqueness,
    _break_share,
)
"""The rules in the order in which they are asked; each sees what those before it have left."""


def score_example(example: TrainingExample) -> float:
    """Return one figure of how much an example is worth, 0 to 100; 0 for one that no rule would let pass.

    The mark counts for the half, its confidence for a quarter, and for an eighth each whether a person edited the output or
    somebody verified it, and how much the output says (all of it from 20 words on).
    """
    filtered = filter_examples([example], rules=Curation(quality_score=0.0, confidence=0.0))
    if filtered.rejections:
        return 0.0
    checked = bool(example.metadata.get("human_edited")) or example.metadata.get("verified_by") is not None
    length = min(len(example.output_text.split()) / 20, 1.0)
    score, confidence = float(example.quality_score or 0), float(example.confidence or 0)
    return 0.5 * score + 25.0 * confidence + 12.5 * checked + 12.5 * length


def count_by_threshold(
    examples: Iterable[TrainingExample], thresholds: Collection[float] = (50, 60, 70, 80, 90)
) -> pl.DataFrame:
    """Count how many examples each least mark would keep, by task type.

    Args:
        examples: Those to count; ones without a mark are kept by no threshold.
        thresholds: Least marks.

    Returns:
        A row for each task type (null where not told) and threshold: `task_type, threshold, kept, examples`.
    """
    score = pl.col("quality_score").fill_nan(None)
    counts = (
        frame_of(examples)
        .group_by("task_type")
        .agg(
            pl.len().cast(pl.Int64).alias("examples"),
            *(
                score.is_between(least, 100).sum().cast(pl.Int64).alias(str(float(least)))
                for least in sorted(set(thresholds))
            ),
        )
    )
    return (
        counts.unpivot(index=("task_type", "examples"), variable_name="threshold", value_name="kept")
        .with_columns(pl.col("threshold").cast(pl.Float64), pl.col("kept").cast(pl.Int64))
        .select("task_type", "threshold", "kept", "examples")
        .sort("task_type", "threshold", nulls_last=True)
    )
