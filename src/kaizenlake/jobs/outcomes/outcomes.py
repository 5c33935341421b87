"""Was it won? Packs, deals, outreach, creatives and runs at each age, with what goes with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.outcomes._ages import START
from kaizenlake.jobs.outcomes.outcome_subjects import KNOWN
from kaizenlake.tables import Contents, CreativeWins, Outcomes, OutcomeSubjects
from kaizenlake.tables.outcome import ALL

SEGMENT = ("industry", "client_type")

CREATIVE = ("platform", "content_type", "hook_type", "tone", "pillar", "length_band", "is_paid")
"""What is known of a creative, beside its segment."""

DIMENSIONS: dict[str, tuple[str, ...]] = {
    **{kind: (*known, *SEGMENT) for kind, known in KNOWN.items()},
    "creative": (*CREATIVE, *SEGMENT),
}
"""Dimensions of each kind, beside `ALL`; one whose value is not known makes no row."""

STRATA: dict[str, tuple[str, ...]] = {
    "pack": ("pack_key",),
    "deal": ("source",),
    "outreach": ("channel",),
    "run": ("doer", "phase"),
    "creative": ("platform", "content_type", "is_paid", "reach"),
}
"""What a value is compared within, beside its project: outcomes that differ in these differ for reasons of their own.

The reach of a content is the number of digits of its impressions or people reached: it says how contents were shown.
"""

WIDER: dict[str, tuple[str, ...]] = {"pack_family": ("pack_key",), "pack_tier": ("pack_key",)}
"""What a dimension is not compared within beside itself: conditions of which it is a part."""


@job(reads=(OutcomeSubjects, Contents, CreativeWins), writes=Outcomes, by_day=True, timeless=True)
def outcomes(
    outcome_subjects: pl.LazyFrame,
    contents: pl.LazyFrame,
    creative_wins: pl.LazyFrame,
) -> pl.LazyFrame:
    """List every subject at each age once per dimension that is known of it, and once under the dimension `all`.

    Args:
        outcome_subjects: Packs, leads, outreach messages and runs at each age.
        contents: Contents with their attributes and features.
        creative_wins: Whether each content was won.
    """
    known = dict.fromkeys(name for kind in KNOWN for name in DIMENSIONS[kind])
    creatives = creative_outcomes(contents, creative_wins).with_columns(kind=pl.lit("creative"))
    return pl.concat(
        [
            by_dimension(outcome_subjects, known, {kind: STRATA[kind] for kind in KNOWN}),
            by_dimension(creatives, DIMENSIONS["creative"], {"creative": STRATA["creative"]}),
        ]
    )


def creative_outcomes(contents: pl.LazyFrame, wins: pl.LazyFrame) -> pl.LazyFrame:
    """Take each content on a platform as it was decided; one without a rate is no subject.

    What is decided is so as soon as its figures are told.

    Args:
        contents: Contents with trials, attributes and features.
        wins: Whether each content was won.
    """
    # Only the first slash parts platform and content, so no two contents get one name.
    platform = pl.col("platform").str.replace_all("%", "%25", literal=True).str.replace_all("/", "%2F", literal=True)
    return contents.join(
        wins, on=[*tables.grain(CreativeWins), "event_date"], how="inner", nulls_equal=True
    ).with_columns(
        subject_id=pl.concat_str(platform, "content_id", separator="/"),
        age_days=pl.lit(START, pl.Int64),
        started_at="occurred_at",
        is_latest=pl.lit(value=True),
        reach=pl.when(pl.col("trials") > 0).then(pl.col("trials").cast(pl.String).str.len_chars()).cast(pl.String),
        is_paid=pl.when("is_paid").then(pl.lit("yes")).when(~pl.col("is_paid")).then(pl.lit("no")),
    )


def by_dimension(
    subjects: pl.LazyFrame, dimensions: Iterable[str], kinds: Mapping[str, tuple[str, ...]]
) -> pl.LazyFrame:
    """List each subject of some kinds once per age and known dimension, in the columns of `Outcomes`.

    Args:
        subjects: Rows with their `kind`, at each age.
        dimensions: Columns of it.
        kinds: What values of each kind are compared within.
    """
    index = (
        "tenant_id",
        "kind",
        "subject_id",
        "age_days",
        "started_at",
        "won",
        "is_latest",
        "project_id",
        "event_date",
    )
    segment = {f"of_{name}": name for name in SEGMENT}
    # One text a subject for each set of conditions, which the rows of its dimensions share.
    conditions = frozenset(name for within in kinds.values() for name in within)
    left_out = {name: frozenset((name, *WIDER.get(name, ()))) & conditions for name in dimensions}
    strata = {f"_{number}": names for number, names in enumerate(sorted(set(left_out.values()), key=sorted))}
    of_dimension = {
        text: pl.col("dimension").is_in([name for name, without in left_out.items() if without == names])
        for text, names in strata.items()
    }
    stratum = pl.coalesce(pl.when(holds).then(text) for text, holds in of_dimension.items()).fill_null("")
    return (
        subjects.select(
            *index,
            *dimensions,
            pl.lit(ALL).alias(ALL),
            **{new: pl.col(old) for new, old in segment.items()},
            **{text: _describe_within(names, kinds) for text, names in strata.items()},
        )
        .unpivot(
            on=[ALL, *dimensions], index=[*index, *segment, *strata], variable_name="dimension", value_name="value"
        )
        .filter(pl.col("value").is_not_null())
        .with_columns(stratum=stratum)
        .drop(strata)
        .rename(segment)
    )


def _describe_within(left_out: Iterable[str], kinds: Mapping[str, tuple[str, ...]]) -> pl.Expr:
    """Return the conditions of a subject's kind in words, but for those left out."""
    texts = []
    for kind, conditions in kinds.items():
        names = [name for name in conditions if name not in left_out]
        words = [
            part
            for number, name in enumerate(names)
            for part in (
                pl.lit(f"{', ' if number else ''}{name.replace('_', ' ')} "),
                pl.col(name).fill_null("unknown"),
            )
        ]
        texts.append(pl.when(pl.col("kind") == kind).then(pl.concat_str(words) if words else pl.lit("")))
    return pl.coalesce(texts)
