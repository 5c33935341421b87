"""Which content that was made does a platform call by which name?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.creations.content_origins import creation_columns, latest_creations
from kaizenlake.tables import Core, ExternalOrigins


@job(reads=(Core,), writes=ExternalOrigins, timeless=True)
def external_origins(core: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Name each content that was made as its platform does.

    Args:
        core: Silver core events, of which those of creations count.
        as_of: Events from this instant on do not count.
    """
    made = latest_creations(core, as_of=as_of).filter(pl.col("external_id").is_not_null())
    return made.with_columns(**creation_columns())
