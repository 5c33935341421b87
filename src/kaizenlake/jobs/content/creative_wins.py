"""Which contents did well? Those whose rate is good once the luck of few impressions is taken out of it."""

from __future__ import annotations

import numpy as np
import polars as pl

from kaizenlake import stats
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.content.creative_labels import GROUP, KEYS
from kaizenlake.parameters import Labels, Tiers
from kaizenlake.tables import Contents, CreativeWins

_PLACES = 12
"""Digits to which a rate is compared with the threshold: what is left of a sum of floats does not decide."""


@job(reads=(Contents,), writes=CreativeWins, timeless=True)
def creative_wins(
    contents: pl.LazyFrame,
    *,
    tiers: Tiers = Tiers(),
    labels: Labels = Labels(),
) -> pl.LazyFrame:
    """Decide each content on a platform: won if its settled rate is good.

    The raw rate of few impressions is good by chance more often than that of many. So each rate is drawn toward the mean of
    its project, platform and content type, just so far that rates of few impressions spread no wider than true rates do
    (constrained empirical Bayes): at one true rate, or one spread of true rates, as many win with few impressions as with
    many. Contents without a rate are left out; with fewer impressions (or people reached) than labels need they are undecided.

    Args:
        contents: Contents with rate and trials.
        tiers: `good`: rate from which a content has won.
        labels: `impressions`: fewest with which a content is decided.
    """
    rated = pl.col("engagement_rate").is_not_null()
    decided = (pl.col("trials") >= labels.impressions).fill_null(value=False)
    is_good = pl.struct(*GROUP, "engagement_rate", "trials").map_batches(
        lambda rows: _settle_rates(rows.struct.unnest()) >= tiers.good, return_dtype=pl.Boolean
    )
    settled = contents.filter(rated & decided).select(*KEYS, "event_date", won=is_good)
    others = contents.filter(rated & ~decided).select(*KEYS, "event_date", won=pl.lit(None, dtype=pl.Boolean))
    return pl.concat([settled, others])


def _settle_rates(rows: pl.DataFrame) -> pl.Series:
    """Return the rate of each content, whose distance from the mean of its group is shortened by what chance adds to it."""
    codes, _ = group_codes(rows, list(GROUP))
    rate, trials = (rows[name].cast(pl.Float64).to_numpy() for name in ("engagement_rate", "trials"))
    prior = stats.fit_by(codes, np.round(rate * trials), trials).of(codes)
    spread = np.sqrt(trials / (trials + prior.strength))
    return pl.Series(prior.mean + spread * (rate - prior.mean)).round(_PLACES)
