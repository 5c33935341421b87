"""Arms whose shares changed while the test ran: what each share was, and what it makes of what was shown and clicked.

An arm that had most of what was shown at a good hour would look better than it is. So what was shown and clicked under each
share counts by the inverse of it (Hajek 1971): every time weighs alike in every arm.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import polars as pl

from kaizenlake.jobs._latest_record import keep_latest

ARM = ("tenant_id", "project_id", "experiment_id", "arm")


def join_allocations(arms: pl.LazyFrame, core: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Add to each arm the allocations that were told of it, as `steps`; null where none was.

    Args:
        arms: Arms with the columns of `ARM`.
        core: Silver core events, of which those of allocations count.
        as_of: Events from this instant on do not count.
    """
    told = core.filter(pl.col("event_type") == "ARM_ALLOCATED", pl.col("occurred_at") < as_of)
    latest = keep_latest(told, ("tenant_id", "project_id", "experiment_id", "allocation_id", "variant_id", "platform"))
    steps = latest.group_by("tenant_id", "project_id", "experiment_id", arm="variant_id").agg(
        steps=pl.struct(
            at="occurred_at",
            allocation_id="allocation_id",
            platform="platform",
            share="propensity_rate",
            shown="impressions",
            clicks="clicks",
        )
    )
    return arms.join(steps, on=list(ARM), how="left", nulls_equal=True)


def weigh_arms(arms: pl.DataFrame, experiment: tuple[str, ...]) -> pl.DataFrame:
    """Add `allocated_share`, `weighed_shown` and `weighed_clicks` to arms, in place of `steps`.

    Shares count only where all is told: every allocation names every arm that was shown, its shares sum to 1, what was shown and
    clicked until it is known and never falls, and no arm was shown while it had no share. Before the first, arms were equal.
    Elsewhere the share is null, and what is weighed is what was counted.

    Args:
        arms: Arms of experiments with `arm`, `metric`, `shown`, `clicks` and `steps`.
        experiment: Columns that name an experiment.
    """
    plain = arms.with_columns(
        pl.lit(None, pl.Float64).alias("allocated_share"),
        weighed_shown=pl.col("shown").cast(pl.Float64),
        weighed_clicks=pl.col("clicks").cast(pl.Float64),
    ).drop("steps")
    if not arms["steps"].is_not_null().any():
        return plain
    columns = (*experiment, "arm", "metric", "shown", "clicks", "steps")
    told = arms.filter(pl.col("steps").is_not_null().any().over(experiment)).select(columns)
    platforms = told.group_by(experiment[:-1]).agg(pl.col("platform").n_unique())
    only = {tuple(row[:-1]): row[-1] == 1 for row in platforms.iter_rows()}
    found = []
    for key, rows in told.group_by(experiment, maintain_order=True):
        found += _weigh(rows.sort("arm").to_dicts(), str(key[-1]), is_only=only[key[:-1]])
    if not found:
        return plain
    names = (*experiment, "arm")
    schema = {name: arms.schema[name] for name in names} | dict.fromkeys(_WEIGHED, pl.Float64())
    weighed = pl.DataFrame([{name: row[name] for name in (*names, *_WEIGHED)} for row in found], schema=schema)
    joined = plain.join(weighed, on=names, how="left", nulls_equal=True, suffix="_told", maintain_order="left")
    return joined.with_columns(pl.coalesce(f"{name}_told", name).alias(name) for name in _WEIGHED).drop(
        f"{name}_told" for name in _WEIGHED
    )


_WEIGHED = ("allocated_share", "weighed_shown", "weighed_clicks")


def _weigh(arms: list[dict[str, Any]], platform: str, *, is_only: bool) -> list[dict[str, Any]]:
    """Return the arms of an experiment with what they count; none where their shares are not told in full."""
    arms = [arm for arm in arms if arm["shown"]]
    if len(arms) < 2 or any(arm["metric"] != "click_rate" or arm["clicks"] is None for arm in arms):
        return []
    rounds = _gather_rounds(arms, platform, is_only=is_only)
    if not rounds:
        return []
    names = [arm["arm"] for arm in arms]
    last = {arm["arm"]: (0.0, int(arm["shown"]), int(arm["clicks"])) for arm in arms}
    if any(
        set(told) != set(names) or abs(sum(share for share, *_ in told.values()) - 1.0) > _NEARLY for told in rounds
    ):
        return []
    first = {name: (1.0 / len(names), 0, 0) for name in names}
    weighed = {name: [0.0, 0.0, 0.0, 0.0] for name in names}
    for before, after in pairwise([first, *rounds, last]):
        gains = {name: (after[name][1] - before[name][1], after[name][2] - before[name][2]) for name in names}
        shown_by_all = sum(shown for shown, _ in gains.values())
        for name, (shown, clicks) in gains.items():
            share = before[name][0]
            if not 0 <= clicks <= shown or (shown and not share):
                return []
            sums = weighed[name]
            sums[3] += share * shown_by_all
            if shown:
                sums[0] += shown / share
                sums[1] += shown / share**2
                sums[2] += clicks / share
    meant = sum(sums[3] for sums in weighed.values())
    if not meant or any(not sums[0] for sums in weighed.values()):
        return []
    return [
        arm
        | {
            "allocated_share": sums[3] / meant,
            "weighed_shown": _round_exactly(sums[0] ** 2 / sums[1]),
            "weighed_clicks": _round_exactly(sums[2] * sums[0] / sums[1]),
        }
        for arm in arms
        for sums in [weighed[arm["arm"]]]
    ]


_NEARLY = 1e-6


def _round_exactly(value: float) -> float:
    """Return a figure in whole 1,024ths, so that sums are the same in every order."""
    return round(value * 1024.0) * 2.0**-10


def _gather_rounds(
    arms: list[dict[str, Any]], platform: str, *, is_only: bool
) -> list[Mapping[str, tuple[float, int, int]]]:
    """Return share, times shown and clicks of each arm by allocation, the first first; none where a count is not told."""
    rounds: dict[str, dict[str, tuple[float, int, int]]] = {}
    begun: dict[str, datetime] = {}
    for arm in arms:
        for step in arm["steps"] or ():
            if step["platform"] != platform and (step["platform"] is not None or not is_only):
                continue
            if step["shown"] is None or step["clicks"] is None:
                return []
            name = step["allocation_id"]
            rounds.setdefault(name, {})[arm["arm"]] = (step["share"], step["shown"], step["clicks"])
            begun[name] = min(begun.get(name, step["at"]), step["at"])
    return [rounds[name] for name in sorted(rounds, key=lambda name: (begun[name], name))]
