"""Which contents stand out? Winners and losers, by people, by their experiment or by their place in their group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from kaizenlake import stats
from kaizenlake.job import job
from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs._latest_record import keep_latest
from kaizenlake.jobs.content.content_experiments import ARM
from kaizenlake.parameters import Labels
from kaizenlake.tables import ContentExperiments, Contents, CreativeLabels, CreativeMarks
from kaizenlake.tables.content import LABELS

KEYS = ("tenant_id", "project_id", "content_id", "platform")
GROUP = ("tenant_id", "project_id", "platform", "content_type")

_MICRO = 1_000_000


@job(reads=(Contents, CreativeMarks, ContentExperiments), writes=CreativeLabels, timeless=True)
def creative_labels(
    contents: pl.LazyFrame,
    creative_marks: pl.LazyFrame,
    content_experiments: pl.LazyFrame,
    *,
    as_of: datetime,
    labels: Labels = Labels(),
) -> pl.LazyFrame:
    """Label the contents that people marked, those that won or lost their experiment, and the ends of each group.

    The ends of a group are its best and its worst by shrunk rate. An arm of an experiment is judged by its experiment alone:
    it is in no ranking, and where its experiment is unclear or invalid it has no label. A person's mark overrides; it does not free its place for the next in the ranking.

    Args:
        contents: Contents with their latest figures.
        creative_marks: Marks of winners and losers.
        content_experiments: Verdicts of experiments, by arm.
        as_of: Figures and marks from this instant on do not count.
        labels: Share that is labelled, and how much a group and a content need.
    """
    # Read once for its three uses, which the optimiser would tell apart by their filters.
    figures = (
        contents.filter(pl.col("occurred_at") < as_of)
        .select(*KEYS, "content_type", "engagement_rate", "trials", "occurred_at", "experiment_id", arm=ARM)
        .cache()
    )
    rankable = figures.filter(
        pl.col("experiment_id").is_null(),
        pl.col("engagement_rate").is_not_null(),
        pl.col("trials") >= labels.impressions,
    )
    sizes = rankable.group_by(GROUP).agg(
        group_size=pl.len().cast(pl.Int64),
        lowest=pl.col("engagement_rate").min(),
        highest=pl.col("engagement_rate").max(),
    )
    # Fitted once for both uses: the optimiser cannot see that two calls of a function are one.
    ranking = rank_contents(rankable, sizes, labels).cache()
    said = marks(creative_marks.filter(pl.col("occurred_at") < as_of), figures)
    tried = in_experiments(figures, content_experiments).cache()
    experiment = ("experiment_id", "lift", "beaten_text", "beaten_rate")
    shrunk_rates = (frame.select(*KEYS, "shrunk_rate", "rank_in_group") for frame in (ranking, tried))
    places = pl.concat(shrunk_rates)
    by_people = (
        said.join(places, on=KEYS, how="left", nulls_equal=True)
        .join(tried.select(*KEYS, *experiment), on=KEYS, how="left", nulls_equal=True)
        .join(sizes, on=GROUP, how="left", nulls_equal=True)
        .with_columns(
            source=pl.lit("manual"),
            group_size=pl.when(pl.col("is_known")).then(pl.col("group_size").fill_null(0)),
        )
    )
    by_place = (
        ranking.filter(pl.col("label").is_not_null())
        .join(said, on=KEYS, how="anti", nulls_equal=True)
        .with_columns(source=pl.lit("automatic"), reason=_describe_reason(labels), labelled_at=pl.col("occurred_at"))
    )
    by_test = (
        tried.filter(pl.col("label").is_not_null())
        .join(said, on=KEYS, how="anti", nulls_equal=True)
        .with_columns(
            source=pl.lit("automatic"),
            reason=_describe_experiment_reason(),
            labelled_at=pl.col("occurred_at"),
            group_size=pl.lit(None, dtype=pl.Int64),
        )
    )
    columns = (*KEYS, "content_type", "label", "source", "reason", "engagement_rate", "shrunk_rate", "rank_in_group")
    parts = (by_people, by_place.with_columns(**_no_experiment()), by_test)
    labelled = pl.concat([part.select(*columns, *experiment, "group_size", "labelled_at") for part in parts])
    texts = contents.select(*KEYS, "text")
    return labelled.join(texts, on=KEYS, how="left", nulls_equal=True).sort(KEYS)


def in_experiments(figures: pl.LazyFrame, content_experiments: pl.LazyFrame) -> pl.LazyFrame:
    """Give each content that is an arm the verdict of its experiment.

    Args:
        figures: Contents with `experiment_id` and `arm`.
        content_experiments: Verdicts of experiments, by arm.

    Returns:
        The arms among the contents, with `label` (null where the experiment does not tell), `shrunk_rate` (the rate of the
        other arms times the shrunk lift), `lift` and what was beaten; `rank_in_group` is null.
    """
    key = ["tenant_id", "project_id", "experiment_id", "platform", "arm"]
    told = content_experiments.select(
        *key,
        "arms",
        "rate",
        "rate_of_others",
        "beaten_text",
        "beaten_rate",
        lift="shrunk_lift",
        label=pl.when(pl.col("verdict").is_in(LABELS)).then("verdict"),
        shrunk_rate=(pl.col("rate_of_others") * (1 + pl.col("shrunk_lift"))).clip(upper_bound=1.0),
    )
    return (
        figures.filter(pl.col("experiment_id").is_not_null())
        .join(told, on=key, how="left", nulls_equal=True)
        .with_columns(rank_in_group=pl.lit(None, dtype=pl.Int64))
    )


def _no_experiment() -> dict[str, pl.Expr]:
    types = {"experiment_id": pl.String, "lift": pl.Float64, "beaten_text": pl.String, "beaten_rate": pl.Float64}
    return {name: pl.lit(None, dtype=dtype) for name, dtype in types.items()}


def rank_contents(rankable: pl.LazyFrame, sizes: pl.LazyFrame, labels: Labels) -> pl.LazyFrame:
    """Rank the contents of every group that is large enough, and label its ends.

    The ends are `share` of the group each, rounded down. Contents of one shrunk rate are told apart by their id; where one
    rate reaches from the one end to the other, its contents are neither, and where all rates are equal nobody is.

    Args:
        rankable: Contents with a rate and enough trials.
        sizes: Each group with its `group_size`, and its `lowest` and `highest` rate.
        labels: Share that is labelled, and how much a group needs.

    Returns:
        The rows of groups that are ranked, with `group_size`, `shrunk_rate`, `rank_in_group` and `label`.
    """
    size, rank, shrunk = pl.col("group_size"), pl.col("rank_in_group"), pl.col("shrunk_rate")
    # In whole millionths, so that 0.1 of 30 is 3 and 0.29 of 100 is 29.
    labelled = pl.min_horizontal(size * round(labels.share * _MICRO) // _MICRO, size // 2)
    # Rows are in the order of their group and rank: what is asked of a place in it is taken from there.
    last_winner, first_loser = pl.col("_start") + labelled - 1, pl.col("_start") + size - labelled
    best_cut, worst_cut = (shrunk.gather(place.clip(0, pl.len() - 1)) for place in (last_winner, first_loser))
    spread = pl.col("highest") > pl.col("lowest")
    winner = (rank <= labelled) & ((best_cut > worst_cut) | (shrunk > best_cut))
    loser = (rank > size - labelled) & ((best_cut > worst_cut) | (shrunk < worst_cut))
    groups = (
        sizes.filter(size >= labels.group_size)
        .sort(GROUP)
        .with_row_index("_group")
        .with_columns(_start=size.cum_sum() - size)
    )
    return (
        rankable.join(groups, on=GROUP, nulls_equal=True)
        .with_columns(_wins=(pl.col("engagement_rate") * pl.col("trials")).round().cast(pl.Int64))
        .with_columns(
            shrunk_rate=pl.map_batches(["_group", "_wins", "trials"], _select_shrunk, return_dtype=pl.Float64),
        )
        .sort("_group", "shrunk_rate", "content_id", descending=[False, True, False])
        .with_columns(rank_in_group=pl.int_range(1, pl.len() + 1, dtype=pl.Int64) - pl.col("_start"))
        .with_columns(label=pl.when(spread & winner).then(pl.lit("winner")).when(spread & loser).then(pl.lit("loser")))
    )


def _select_shrunk(columns: Sequence[pl.Series]) -> pl.Series:
    """Return the rate of each content drawn toward its own group's; the priors are fitted to whole groups at once."""
    group, wins, trials = columns
    codes = group.to_numpy()
    return pl.Series(stats.shrink(wins, trials, stats.fit_by(codes, wins, trials).of(codes)))


def marks(creative_marks: pl.LazyFrame, figures: pl.LazyFrame) -> pl.LazyFrame:
    """Give each content that people marked its latest mark.

    A mark without a platform holds for every platform of the content, one without a project for the content in any
    project. A mark that holds for nothing of which figures are known stands under the names it gives itself.

    Args:
        creative_marks: Marks of winners and losers.
        figures: Contents with their type and rate.

    Returns:
        One row a project, content and platform: `label`, `reason`, `labelled_at`, `is_known`, and what `figures` knows.
    """
    content = ["tenant_id", "content_id"]
    given = keep_latest(creative_marks, KEYS).select(
        "tenant_id",
        "content_id",
        "event_id",
        "reason",
        "label",
        mark_project="project_id",
        mark_platform="platform",
        labelled_at="occurred_at",
    )
    named = figures.select(*KEYS, "content_type", "engagement_rate", is_known=pl.lit(True))
    known = named.join(given, on=content, nulls_equal=True).filter(_holds())
    strays = (
        given.join(known, on="event_id", how="anti")
        .select(*content, project_id="mark_project", platform="mark_platform", is_known=pl.lit(False))
        .unique()
    )
    unknown = strays.join(given, on=content, nulls_equal=True).filter(_holds())
    return (
        pl.concat([known, unknown], how="diagonal")
        .sort("labelled_at", "event_id")
        .unique(KEYS, keep="last", maintain_order=True)
        .select(*KEYS, "content_type", "engagement_rate", "is_known", "label", "reason", "labelled_at")
    )


def _holds() -> pl.Expr:
    """Return whether a mark holds for the content it is beside."""
    of_platform = pl.col("mark_platform").is_null() | (pl.col("mark_platform") == pl.col("platform"))
    of_project = pl.col("mark_project").is_null() | (pl.col("mark_project") == pl.col("project_id"))
    return of_platform & of_project


def _describe_experiment_reason() -> pl.Expr:
    """Return the outcome of a content's experiment in words, such as "8.41 % against 2.77 % of the other arms in its experiment"."""
    own, others, lift = (
        (pl.col(name) * 100).round(digits) for name, digits in (("rate", 2), ("rate_of_others", 2), ("lift", 1))
    )
    sign = pl.when(pl.col("lift") > 0).then(pl.lit("+")).otherwise(pl.lit(""))
    words = "{} % against {} % of the other arms of its experiment ({} arms; lift {}{} % after shrinkage)"
    return fill_in(words, own, others, "arms", sign, lift)


def _describe_reason(labels: Labels) -> pl.Expr:
    """Return the place of a content in words, such as "place 2 of 40 in its group by shrunk engagement rate (7.31 %), top 10 %"."""
    end = pl.when(pl.col("label") == "winner").then(pl.lit("top")).otherwise(pl.lit("bottom"))
    percent = (pl.col("shrunk_rate") * 100).round(2)
    words = "place {} of {} in its group by shrunk engagement rate ({} %), {} {} %"
    return fill_in(words, "rank_in_group", "group_size", percent, end, pl.lit(f"{labels.share * 100:g}"))
