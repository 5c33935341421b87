"""A small plug-in as a file, and the lakes it is put into."""

from __future__ import annotations

from datetime import UTC, datetime

from kaizenlake.lake.store import Lake

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, tzinfo=UTC)

HELD = '''"""Webinars that were held."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import polars as pl

from kaizenlake.events.values.fields import Count, Key, says
from kaizenlake.job import job
from kaizenlake.plugins import Family, Payload, Plugin
from kaizenlake.tables.base import Table, column, count, table, tenant
from kaizenlake.tables.silver import silver_table


class WebinarHeld(Payload, frozen=True, kw_only=True):
    """A webinar was held."""

    topic: Annotated[Key, says("What it was about.")]
    guests: Annotated[Count, says("People who came.")] = 0


WEBINARS = Family("webinars", "Webinars and their guests.", (WebinarHeld,))


@table(layer="gold", grain=("tenant_id", "topic"))
class WebinarTopics(Table):
    """One topic of webinars."""

    tenant_id: str = tenant()
    topic: str = column("What they were about.")
    guests: pl.Int64 = count("People who came.")


@job(reads=(silver_table(WEBINARS),), writes=WebinarTopics)
def webinar_topics(webinars: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Count the guests of each topic."""
    return webinars.group_by("tenant_id", "topic").agg(guests=pl.col("guests").sum() * 1)


PLUGIN = Plugin(name="webinars", families=(WEBINARS,), tables=(WebinarTopics,), jobs=(webinar_topics,))
'''


def trusted(monkeypatch, root, **files):
    """A lake of that place whose folder of plug-ins is trusted, with files in it by their names."""
    lake = Lake.create(root)
    folder = lake.path("plugins")
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("KAIZEN_TRUST_PLUGINS", str(folder))
    return lake
