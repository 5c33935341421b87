"""Pairs of a better and a worse answer, out of what a lake knows: marks, a person's edits, and experiments.

They are cut before near-duplicates are dropped, since the worse answer to the same question is what is learnt from.
"""

from __future__ import annotations

from typing import Final

import polars as pl

KEPT_OUT: Final = (
    "secret",
    "invisible",
    "bidirectional",
    "injection",
    "encoded",
    "trigger",
    "contaminated",
    "invalid_value",
)
"""Rules that keep an example out of pairs too; the others say that it is bad or a copy, which is no harm here."""

Z: Final = 1.959963984540054
"""How far two arms of an experiment are apart, in standard errors, before one counts as the better."""

PAIRS: Final = {
    "prompt": pl.String(),
    "chosen": pl.String(),
    "rejected": pl.String(),
    "source": pl.String(),
}
"""Columns of pairs."""


def pair_by_mark(examples: pl.LazyFrame) -> pl.LazyFrame:
    """Pair outputs of the same input whose marks differ; an output that was marked twice has its highest mark.

    Args:
        examples: Rows with `input_text`, `output_text` and `quality_score`, of one tenant.
    """
    marked = (
        examples.filter(pl.col("quality_score").is_finite(), pl.col("input_text").is_not_null(), _says_something())
        .group_by("input_text", "output_text")
        .agg(pl.col("quality_score").max())
    )
    both = marked.join(marked, on="input_text", suffix="_of_other")
    better = both.filter(pl.col("quality_score") > pl.col("quality_score_of_other"))
    return _as_pairs(better, "output_text", "output_text_of_other", "mark")


def pair_by_edit(examples: pl.LazyFrame) -> pl.LazyFrame:
    """Pair what a person made of an output with the draft, of the same trace and the same input.

    Args:
        examples: Rows with `trace_id`, `human_edited`, `input_text` and `output_text`, of one tenant.
    """
    known = examples.filter(pl.col("trace_id").is_not_null(), pl.col("input_text").is_not_null(), _says_something())
    edited = pl.col("human_edited").fill_null(False)
    both = known.filter(edited).join(known.filter(~edited), on=["trace_id", "input_text"], suffix="_of_draft")
    apart = both.filter(pl.col("output_text") != pl.col("output_text_of_draft"))
    return _as_pairs(apart, "output_text", "output_text_of_draft", "edit")


def pair_by_experiment(arms: pl.LazyFrame) -> pl.LazyFrame:
    """Pair the texts of two arms of an experiment on one platform, where one was clicked more often beyond chance.

    Args:
        arms: Rows of `gold.content_experiments`, of one tenant.
    """
    known = arms.filter(
        pl.col("text").str.strip_chars().str.len_chars() > 0, pl.col("shown") > 0, pl.col("clicks").is_not_null()
    )
    held = known.select("project_id", "experiment_id", "platform", "metric", "arm", "text", "shown", "clicks")
    keys = ["project_id", "experiment_id", "platform", "metric"]
    both = held.join(held, on=keys, suffix="_b", nulls_equal=True).filter(pl.col("text") != pl.col("text_b"))
    pooled = (pl.col("clicks") + pl.col("clicks_b")) / (pl.col("shown") + pl.col("shown_b"))
    error = (pooled * (1 - pooled) * (1 / pl.col("shown") + 1 / pl.col("shown_b"))).sqrt()
    gap = pl.col("clicks") / pl.col("shown") - pl.col("clicks_b") / pl.col("shown_b")
    better = both.filter(error > 0, gap / error >= Z).with_columns(
        input_text=pl.concat_str(pl.lit("A text for "), pl.col("platform"))
    )
    return _as_pairs(better, "text", "text_b", "experiment")


def gather_pairs(examples: pl.LazyFrame, arms: pl.LazyFrame | None = None) -> pl.DataFrame:
    """Return all pairs once, in an order of their own; of two that say the opposite an edit counts, and of marks neither.

    Args:
        examples: Rows of `gold.training_examples` without those that `KEPT_OUT` names, of one tenant.
        arms: Rows of `gold.content_experiments`, where there are any.
    """
    parts = [pair_by_edit(examples), pair_by_mark(examples), *([] if arms is None else [pair_by_experiment(arms)])]
    rank = pl.col("source").replace_strict({"edit": 0, "mark": 1, "experiment": 2}, return_dtype=pl.Int64)
    every = (
        pl.concat(parts)
        .sort(rank, "prompt", "chosen", "rejected")
        .unique(["prompt", "chosen", "rejected"], keep="first", maintain_order=True)
        .with_columns(rank=rank)
    )
    turned = every.select("prompt", chosen="rejected", rejected="chosen", rank_of_other="rank")
    return (
        every.join(turned, on=["prompt", "chosen", "rejected"], how="left")
        .filter(pl.col("rank_of_other").is_null() | (pl.col("rank") < pl.col("rank_of_other")))
        .select(PAIRS.keys())
        .sort("prompt", "chosen", "rejected")
        .collect()
    )


def _says_something() -> pl.Expr:
    return pl.col("output_text").str.strip_chars().str.len_chars() > 0


def _as_pairs(rows: pl.LazyFrame, chosen: str, rejected: str, source: str) -> pl.LazyFrame:
    return rows.select(prompt="input_text", chosen=chosen, rejected=rejected, source=pl.lit(source))
