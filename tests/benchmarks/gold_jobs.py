"""The gold jobs of content on performance records, against DuckDB computing the same figures from the same files."""

from __future__ import annotations

import tempfile
import time
from typing import Any

import duckdb
import polars as pl
from harness import Row, once, side_by_side

import data
from kaizenlake.job import Job
from kaizenlake.jobs import JOBS
from kaizenlake.jobs.content._hook_rules import HOOK_RULES
from kaizenlake.jobs.content._text_rules import TEXT_RULES
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import GOLD, Performance, PerformanceTiers, Table, WinRates, schema

DAYS = 365
TABLES = (PerformanceTiers, WinRates)
"""What is compared; DuckDB computes these, and what they rest on."""


def prepare(root: str, count: int) -> None:
    """Write silver performance events, as a night would have decoded them."""
    lake = Lake.create(root)
    step = 500_000
    frame = data.performance_payloads(count, DAYS).sort("occurred_at")
    columns = schema(Performance)
    silver = frame.with_columns(
        event_type=pl.lit("PERFORMANCE_RECORDED"), event_date=pl.col("occurred_at").dt.date()
    ).select(
        pl.col(name) if name in {*frame.columns, "event_type", "event_date"} else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in columns.items()
    )
    days = silver["event_date"].unique().sort()
    per_part = max(1, step * DAYS // max(count, 1))

    def parts() -> Any:
        for start in range(0, days.len(), per_part):
            chosen = days.slice(start, per_part)
            yield silver.filter(pl.col("event_date").is_between(chosen[0], chosen[-1]))

    lake.write(Performance, parts(), days=None, reads={}, as_of=data.midnight_after(DAYS), fingerprint="0" * 64)


def rested_on(wanted: tuple[type[Table], ...]) -> list[Job]:
    """The gold jobs that write these tables, and those that they rest on."""
    writers = {job.writes: job for job in JOBS if job.writes in GOLD}
    found: dict[type[Table], Job] = {}
    ahead = list(wanted)
    while ahead:
        table = ahead.pop()
        if table in writers and table not in found:
            found[table] = writers[table]
            ahead += writers[table].reads
    return list(found.values())


def ours(root: str) -> dict[str, Any]:
    """Run the jobs through the night: checked by their models and written to Delta."""
    lake = Lake(root)
    jobs = rested_on(TABLES)
    started = time.perf_counter()
    run = nightly(lake, as_of=data.midnight_after(DAYS), full=True, take=None, jobs=jobs)
    seconds = time.perf_counter() - started
    assert not run.errors, run.errors
    rates = lake.scan(WinRates).sort("kind", "dimension", "value").select("dimension", "value", "wins", "decided")
    return {
        "seconds": seconds,
        "figures": rates.collect().rows(),
        "steps": {step.name: step.seconds for step in run.steps},
    }


def theirs(root: str) -> dict[str, Any]:
    """Compute the same in DuckDB and write Parquet."""
    out = tempfile.mkdtemp(dir=root)
    files = f"{root}/silver/performance/**/*.parquet"
    rules = lambda text, rule: f"regexp_matches({text}, $x${rule.pattern}$x$)"  # noqa: E731
    features = ",".join(f"{rules('t', rule)} as {rule.name}" for rule in TEXT_RULES)
    hooks = " ".join(f"when {rules('t', rule)} then '{rule.name}'" for rule in HOOK_RULES)
    started = time.perf_counter()
    connection = duckdb.connect(config={"temp_directory": out, "memory_limit": "16GB"})
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_progress_bar = false")
    connection.execute(f"""
        create table daily as
        select *, case when engagement_rate is null then null when engagement_rate >= .10 then 'excellent'
          when engagement_rate >= .05 then 'good' when engagement_rate >= .02 then 'average' else 'poor' end as tier
        from (
          select project_id, content_id, platform, event_date as performed_on, impressions, reach, clicks, engagements,
            conversions, revenue_usd, content_type, hook_type, tone, pillar, is_paid, event_id, occurred_at, text,
            coalesce(engagement_rate, case when coalesce(if(rate_of = 'reach', reach, impressions), 0) > 0
              then least(engagements / if(rate_of = 'reach', reach, impressions), 1) end) as engagement_rate,
            case when impressions > 0 then least(clicks / impressions, 1) end as click_rate,
            case when clicks > 0 then least(conversions / clicks, 1) end as conversion_rate
          from read_parquet('{files}', hive_partitioning = true)
          where event_type = 'PERFORMANCE_RECORDED'
          qualify row_number() over (partition by project_id, content_id, platform, event_date
            order by occurred_at desc, event_id desc) = 1)""")
    connection.execute(f"""
        create table texts as select text, len(string_split(text, ' ')) as length_words,
          case {hooks} end as text_hook, {features}
        from (select text, lower(text) as t from (select distinct text from daily))""")
    connection.execute("""
        create table features as select project_id, content_id, platform, performed_on,
          coalesce(d.hook_type, text_hook) as hook_type, f.* exclude (text, text_hook)
        from daily d left join texts f using (text)""")
    connection.execute("""
        create table contents as select d.* exclude (hook_type, text), f.* exclude (project_id, content_id, platform, performed_on)
        from (select * from daily qualify performed_on = max(performed_on) over
          (partition by project_id, content_id, platform)) d
        join features f using (project_id, content_id, platform, performed_on)""")
    connection.execute("""
        create table tiers as select * exclude (text),
          case when engagement_rate is not null then
            (rank() over w + (count(*) over (partition by project_id, platform, content_type, engagement_rate) - 1) / 2)
            / count(engagement_rate) over (partition by project_id, platform, content_type) end as percentile_in_group
        from daily window w as (partition by project_id, platform, content_type order by engagement_rate)""")
    connection.execute("""
        create table outcomes as
        select 'creative' as kind, platform || '/' || content_id as subject_id, occurred_at as decided_at, won,
          dimension, value, project_id
        from (select *, tier in ('excellent', 'good') as won, 'all' as "all", case when length_words <= 5 then '1-5'
            when length_words <= 10 then '6-10' when length_words <= 15 then '11-15' when length_words <= 25 then '16-25'
            when length_words <= 50 then '26-50' else '51+' end as length_band, platform as p from contents
          where tier is not null)
        unpivot (value for dimension in ("all", p, content_type, hook_type, tone, pillar, length_band))""")
    connection.execute("""
        create table win_rates as select *, wins / decided as win_rate,
          (wins / decided + 3.8414588 / (2 * decided) - 1.959964 * sqrt(wins / decided * (1 - wins / decided) / decided
            + 3.8414588 / (4 * decided * decided))) / (1 + 3.8414588 / decided) as ci_low,
          (wins / decided + 3.8414588 / (2 * decided) + 1.959964 * sqrt(wins / decided * (1 - wins / decided) / decided
            + 3.8414588 / (4 * decided * decided))) / (1 + 3.8414588 / decided) as ci_high
        from (select kind, if(dimension = 'p', 'platform', dimension) as dimension, value,
            count(*) filter (won) as wins, count(*) as decided from outcomes group by all)""")
    for table in ("daily", "features", "contents", "tiers", "outcomes", "win_rates"):
        connection.execute(f"copy {table} to '{out}/{table}.parquet'")
    seconds = time.perf_counter() - started
    figures = connection.execute(
        "select dimension, value, wins, decided from win_rates order by kind, dimension, value"
    ).fetchall()
    return {"seconds": seconds, "figures": figures}


def measure(scale: float, repeats: int) -> list[Row]:
    """5M performance records at full scale."""
    count = int(5_000_000 * scale)
    with tempfile.TemporaryDirectory() as root:
        once(prepare, root, count)
        sides = side_by_side({"ours": (ours, (root,)), "duckdb": (theirs, (root,))}, repeats)
    mine, other = sides["ours"], sides["duckdb"]
    assert mine.result["figures"] == other.result["figures"], "the two sides computed other figures"
    print({name: round(seconds, 2) for name, seconds in mine.result["steps"].items()})
    return [
        Row(
            f"gold jobs of content, {count:,} records",
            f"{mine.seconds:.1f} s",
            f"DuckDB {other.seconds:.1f} s",
            f"{mine.seconds / other.seconds:.2f} x",
            "≤ 1.5 x, ≤ 4,000 MB",
            f"{mine.peak_mb:,.0f} / {other.peak_mb:,.0f}",
        )
    ]
