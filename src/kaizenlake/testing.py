"""Helpers for tests of jobs: sample frames of any table, and the contract that every job keeps.

The samples are made as the lake makes them: events drawn from the catalogue, checked as landed lines are, and folded by the
jobs. The contract is a tuple of laws, each a function of a job and of the frames it reads; a broken law raises an
`AssertionError` that shows the difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Literal, Self, TypeAlias, get_args, get_origin, get_type_hints

import polars as pl
from polars.testing import assert_frame_equal

from kaizenlake import tables
from kaizenlake.errors import UsageError
from kaizenlake.events.catalogue import EVENTS, EventType, Field
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.job import Job, astray, at_home, find_superseded, in_order, sum_up, without
from kaizenlake.jobs import JOBS
from kaizenlake.tables import Events, Table

Frames: TypeAlias = Mapping[type[Table], pl.DataFrame]
"""The rows of each table."""

Engine: TypeAlias = Literal["auto", "in-memory", "streaming"]

Law: TypeAlias = Callable[[Job, Frames, datetime], None]
"""Raises AssertionError where a job breaks it; given the tables before it and the instant until which events count."""

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 8
AS_OF = START + timedelta(days=DAYS)
"""Midnight after the last sample event."""

_PROJECTS = ("project-0",) * 6 + ("project-1", "project-2", None)
_NAMES = {
    "content_id": 60,
    "platform": 2,
    "content_type": 1,
    "patterns_to_avoid": 3,
    "doer": 2,
    "policy_id": 2,
    "policy_version": 3,
    "run_id": 200,
}
"""How many names of a field are drawn from, where it is not four: groups large enough to be ranked come about."""

_SPELLED = {
    "pack_key": ("quick_social_basic", "strategy_campaign_premium", "pack_key-2", "pack_key-3"),
    "section_id": ("overview", "final_summary", "section_id-2", "section_id-3"),
}
"""Names of which some are known: packs and sections that have benchmarks."""

_OFTEN = {"PERFORMANCE_RECORDED": 4, "RUN_COMPLETED": 2, "DEPLOYMENT_STARTED": 1, "CONTENT_CREATED": 1}
"""How often these are drawn, for every second event: of what is compared there must be enough."""

_PARTS = (
    ("gates_passed", "gates_total"),
    ("clicks", "impressions"),
    ("engagements", "impressions"),
    ("delivered", "sent"),
    ("bounced", "sent"),
    ("opened", "delivered"),
    ("clicked", "delivered"),
    ("unsubscribed", "delivered"),
    ("complaints", "delivered"),
    ("engaged_sessions", "sessions"),
)
"""Figures that are no more than others, these before what is a part of them."""

_ALL_HOURS = range(24 * DAYS)
_HOURS = {
    "DEPLOYMENT_STARTED": range(48),
    "DEPLOYMENT_ENDED": range(24 * 6, 24 * DAYS),
    "LEAD_CREATED": range(-24 * 100, -24 * 93),
}
"""Hours after `START` at which events happen: deployments last for some days, and leads are old enough to be judged."""

_TEXTS = (
    "How to sleep better",
    "You won’t believe what happens next…",
    "“We never sleep,” she said",
    "7 reasons to stay 🔥🔥",
    "Why now?",
    " ",
    "🔥",
    "100% of the best offers &amp; more, today only!",
)


_LAST = "BRAND_NOTED"
"""Type of the last event of every sample, and of no other: it holds words alone, and one tells as much as many."""


def sample_events(count: int = 1_500, *, seed: int = 0) -> pl.DataFrame:
    """Draw bronze events of all types over eight days from `START`.

    Names are drawn from few, so that events meet; instants are whole hours, so that some fall together; about every third
    optional field is left out.

    Args:
        count: Number of events.
        seed: Seed of the draw: the same events for the same seed.
    """
    random = Random(seed)  # noqa: S311 - a sample, no secret
    drawn = [event for event in EVENTS if event.name != _LAST]
    often = [event for event in EVENTS for _ in range(_OFTEN.get(event.name, 0))]
    (last,) = (event for event in EVENTS if event.name == _LAST)
    lines = [
        _line(number, random.choice(often if random.random() < 0.5 else drawn), random) for number in range(count - 1)
    ]
    lines.append(_line(count - 1, last, random))
    checked = check_lines(lines, range(1, count + 1), now=AS_OF, decisions=True)
    assert not checked.rejected, checked.rejected[:3]
    return checked.frame.with_columns(
        file=pl.lit("sample.ndjson"),
        landed_at=pl.lit(AS_OF, tables.schema(Events)["landed_at"]),
        batch=pl.lit(None, pl.Int64),
        seal=pl.lit(None, pl.String),
    ).select(tables.schema(Events).names())


def _line(number: int, event: EventType, random: Random) -> bytes:
    payload = {
        field.name: _value(field, event, random) for field in event.fields if field.required or random.random() < 0.66
    }
    payload |= _gather_shared_payload(event, random)
    payload |= _gather_agreeing(payload)
    envelope: dict[str, Any] = {
        "id": f"event-{random.getrandbits(32):08x}-{number}",
        "type": event.name,
        "occurred_at": (START + timedelta(hours=random.choice(_HOURS.get(event.name, _ALL_HOURS)))).isoformat(),
        "source": random.choice(("site", "crm")),
        "payload": payload,
    }
    project = random.choice(_PROJECTS[:-1] if event.family.needs_project else _PROJECTS)
    if project is not None:
        envelope["project_id"] = project
    return json.dumps(envelope).encode()


def _gather_shared_payload(event: EventType, random: Random) -> dict[str, Any]:
    """Return what policies, deployments and runs tell in common, so that the runs fall into arms of units."""
    policy = {"doer": "doer-0", "policy_id": "policy_id-0"}
    if event.name == "DEPLOYMENT_STARTED":
        candidates = ["policy_version-1", "policy_version-2"]
        return policy | {
            "phase": None,
            "control_version": "policy_version-0",
            "candidate_versions": candidates,
            "arms": {"arms": [{"policy_version": version, "share": 0.3} for version in candidates]},
            "horizon_nights": 6,
            "minimum_units": random.randrange(2, 6),
            "alpha_rate": 0.05,
            "guardrails": {"guardrails": [{"metric": "cost_usd", "margin": 50.0}]},
        }
    if event.name == "POLICY_CREATED" and random.random() < 0.5:
        return policy
    if event.name == "RUN_COMPLETED" and random.random() < 0.7:
        version = random.randrange(3)
        return policy | {
            "policy_version": f"policy_version-{version}",
            "unit_id": f"{random.choice((version, 3))}-{random.randrange(20)}",
        }
    return {}


def _gather_agreeing(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures that do not contradict one another: parts within their wholes, rates as their counts give them."""
    passed: dict[str, Any] = {}
    for part, whole_of in _PARTS:
        known = {**payload, **passed}
        if known.get(part) is not None and known.get(whole_of) is not None:
            passed[part] = min(known[part], known[whole_of])
    told = {**payload, **passed}
    whole = told.get("reach" if told.get("rate_of") == "reach" else "impressions")
    shown = told.get("impressions")
    shares = (
        ("engagement_rate", "engagements", whole),
        ("ctr", "clicks", shown),
        ("conversion_rate", "conversions", told.get("clicks")),
    )
    for rate, part, of in shares:
        if told.get(rate) is not None and told.get(part) is not None:
            passed[rate] = told[part] / of if of and told[part] <= of else None
    return passed


def _value(field: Field, event: EventType, random: Random) -> Any:
    drawn: dict[str, Callable[[], Any]] = {
        "str": lambda: random.choice(_words(event, field.name)),
        "int": lambda: _int(field, random),
        "float": lambda: _float(field, random),
        "bool": lambda: random.random() < 0.5,
        "datetime": AS_OF.isoformat,
        "list": lambda: random.choices(_words(event, field.name), k=random.randrange(3)),
        "dict": lambda: {"click_rate": 0.03},
    }
    return drawn[field.kind]()


def _int(field: Field, random: Random) -> int:
    low = int(field.minimum or 0)
    high = int(min(field.maximum if field.maximum is not None else 2_000, 2_000))
    return max(low, random.choice((0, random.randrange(high), random.randrange(high))))


def _float(field: Field, random: Random) -> float:
    low = field.minimum or 0.0
    high = min(field.maximum if field.maximum is not None else 1_000.0, 1_000.0)
    return random.choice((low, high, random.uniform(low, high), random.uniform(low, high)))


@cache
def _words(event: EventType, name: str) -> tuple[str, ...]:
    if name == "text":
        return _TEXTS
    if name in _SPELLED:
        return _SPELLED[name]
    hint = get_type_hints(event.payload)[name]
    literals = [part for part in (hint, *get_args(hint)) if get_origin(part) is Literal]
    return get_args(literals[0]) if literals else tuple(f"{name}-{number}" for number in range(_NAMES.get(name, 4)))


def fold(events: pl.DataFrame, *, as_of: datetime, jobs: Iterable[Job] = JOBS) -> dict[type[Table], pl.DataFrame]:
    """Compute every table from events, as a night does, without a lake.

    Args:
        events: Bronze events.
        as_of: Events from this instant on do not count.
        jobs: Jobs to run, in any order; they read bronze events or one another's tables.
    """
    # How events were landed is not known of them: what a landing writes beside them is empty.
    frames: dict[type[Table], pl.DataFrame] = {table: tables.empty(table).collect() for table in tables.BRONZE}
    frames[Events] = events
    for job in in_order(jobs):
        frames[job.writes] = run(job, frames, as_of)
    return frames


def sample(table: type[Table], count: int = 1_500, *, seed: int = 0) -> pl.DataFrame:
    """Return rows of a table that are true to its declaration: folded from `sample_events`.

    Args:
        table: Bronze events, or a table that a job writes.
        count: Number of events they are folded from.
        seed: Seed of the draw.

    Raises:
        UsageError: Neither bronze events nor any job's table.
    """
    rows = _fold(count, seed).get(table)
    if rows is None or (table in tables.BRONZE and table is not Events):
        raise UsageError(f"No job writes {tables.full_name(table)}, so there is no sample of it.")
    return rows


@cache
def _fold(count: int, seed: int) -> dict[type[Table], pl.DataFrame]:
    return fold(sample_events(count, seed=seed), as_of=AS_OF)


def run(job: Job, frames: Frames, as_of: datetime, engine: Engine = "auto") -> pl.DataFrame:
    """Compute a job from collected frames and check the result against its table.

    Args:
        job: The job, with its default settings.
        frames: Rows of at least the tables it reads.
        as_of: Events from this instant on do not count.
        engine: Polars engine that computes it.

    Raises:
        TableInvalidError: The result breaks the declaration of the table.
    """
    lazy = (frames[read].lazy() for read in job.reads)
    return tables.check(job.writes, job(*lazy, as_of=as_of).collect(engine=engine))


def describes_itself(job: Job, frames: Frames, as_of: datetime) -> None:  # noqa: ARG001 - the signature of a law
    """Check that the job, its table and every column say what they mean."""
    assert job.meaning, f"{job.name} has no docstring"
    assert tables.meaning(job.writes)
    silent = [name for name, item in tables.columns(job.writes).items() if not item.description]
    assert not silent, f"columns of {tables.full_name(job.writes)} without a description: {silent}"


def takes_nothing(job: Job, frames: Frames, as_of: datetime) -> None:
    """Empty tables make an empty table."""
    assert run(job, {read: frames[read].clear() for read in job.reads}, as_of).is_empty()


def takes_one_row(job: Job, frames: Frames, as_of: datetime) -> None:
    """Check that a single row in each table makes a valid table."""
    for position in (0, -1):
        run(job, {read: frames[read][position:][:1] for read in job.reads}, as_of)


def takes_nulls(job: Job, frames: Frames, as_of: datetime) -> None:
    """Nulls wherever the tables allow them make a valid table; the names of a row stay."""
    run(job, {read: _add_nulls(read, frames[read]) for read in job.reads}, as_of)


def ignores_order(job: Job, frames: Frames, as_of: datetime) -> None:
    """Check that the rows may come in any order."""
    expected = run(job, frames, as_of)
    for seed in range(3):
        shuffled = {read: frames[read].sample(fraction=1, shuffle=True, seed=seed) for read in job.reads}
        same(run(job, shuffled, as_of), expected, job)


def ignores_chunks(job: Job, frames: Frames, as_of: datetime) -> None:
    """Check that the rows may come in chunks of any size, as from many files."""
    expected = run(job, frames, as_of)
    for size in (1, 37):
        cut = {read: _in_chunks(frames[read], size) for read in job.reads}
        same(run(job, cut, as_of), expected, job)


def repeats_itself(job: Job, frames: Frames, as_of: datetime) -> None:
    """Check that the same input makes the same output, bit for bit, in either engine."""
    expected = run(job, frames, as_of)
    engines: tuple[Engine, ...] = ("streaming", "in-memory")
    for engine in engines * 2:
        same(run(job, frames, as_of, engine), expected, job)


def is_the_union_of_its_days(job: Job, frames: Frames, as_of: datetime) -> None:
    """Check that a by-day job makes of each day alone what it makes of it among all days; of its last days, once these are known."""
    if not job.by_day:
        return
    by_day = [read for read in job.reads if tables.partition(read) is not None]
    assert {tables.partition(read) for read in (*by_day, job.writes)} == {"event_date"}
    assert job.reads[0] in by_day
    days: set[date] = {day for read in by_day for day in frames[read]["event_date"]}
    expected = run(job, frames, as_of)
    known = dict(frames)
    if job.last_of:
        first = frames[job.reads[0]].lazy()
        known[job.reads[0]] = without(first, find_superseded(first, job.last_of), job.last_of).collect()
    parts = [run(job, known | {read: _of_day(job, read, known[read], day) for read in by_day}, as_of) for day in days]
    same(pl.concat(parts), expected, job)
    for day, part in zip(days, parts, strict=True):
        assert part["event_date"].unique().to_list() in ([], [day])


def _of_day(job: Job, read: type[Table], rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return rows of a table that count on a day."""
    here = rows.filter(pl.col("event_date") == day)
    if job.gathers is None or read is not job.reads[0]:
        return here
    elsewhere = astray(rows.lazy(), job.gathers).collect()
    return at_home(here.lazy(), rows.lazy(), elsewhere, [day], job.gathers).collect()


def adds_up(job: Job, frames: Frames, as_of: datetime) -> None:
    """Of a job that adds up, the parts that it makes of some rows and of the others add up to the whole; none is of nothing."""
    if not job.adds_up:
        return
    (read,) = job.reads
    schema, keys = tables.schema(job.writes), tables.grain(job.writes)
    assert {dtype for name, dtype in schema.items() if name not in keys} == {pl.Int64}
    expected = run(job, frames, as_of)
    place = pl.int_range(pl.len())
    parts = [run(job, {read: frames[read].filter(place % 3 == rest)}, as_of) for rest in range(3)]
    same(sum_up([part.lazy() for part in parts], job.writes).collect(), expected, job)


def needs_no_clock(job: Job, frames: Frames, as_of: datetime) -> None:
    """Check that a timeless job makes the same of the same frames on any later day."""
    if job.timeless:
        same(run(job, frames, as_of + timedelta(days=400)), run(job, frames, as_of), job)


def ignores_what_comes_later(job: Job, frames: Frames, as_of: datetime) -> None:
    """With `as_of` in the past, the table is the one that the events before it make."""
    agrees_on_the_past(job, frames, Past.of(frames[Events], as_of, _add_its_sources(job)))


@dataclass(frozen=True)
class Past:
    """An earlier night, seen from then and from today.

    Args:
        until: Its `as_of`.
        then: Tables of the events before it.
        now: Tables of all events, with its `as_of`.
    """

    until: datetime
    then: Frames
    now: Frames

    @classmethod
    def of(cls, events: pl.DataFrame, as_of: datetime, jobs: Iterable[Job]) -> Self:
        """Compute the night of three days and some hours before an instant, twice.

        Args:
            events: Bronze events.
            as_of: Instant until which they count today.
            jobs: Jobs that are computed.
        """
        until = as_of - timedelta(days=3, hours=7)
        before = events.filter(pl.col("occurred_at") < until)
        return cls(until, fold(before, as_of=until, jobs=jobs), fold(events, as_of=until, jobs=jobs))


def agrees_on_the_past(job: Job, frames: Frames, past: Past) -> None:
    """Check that a job makes of an earlier night what it made of it then."""
    same(past.now[job.writes], past.then[job.writes], job)
    # Of tables of events the job itself drops what is later.
    later = {read: frames[read] if tables.layer(read) != "gold" else past.then[read] for read in job.reads}
    same(run(job, later, past.until), past.then[job.writes], job)


CONTRACT: tuple[Law, ...] = (
    describes_itself,
    takes_nothing,
    takes_one_row,
    takes_nulls,
    ignores_order,
    ignores_chunks,
    repeats_itself,
    is_the_union_of_its_days,
    adds_up,
    needs_no_clock,
    ignores_what_comes_later,
)
"""What every job keeps."""


def same(found: pl.DataFrame, expected: pl.DataFrame, job: Job) -> None:
    """Assert that two results of a job hold the same rows, bit for bit, in whatever order.

    Raises:
        AssertionError: They differ; the words show where.
    """
    keys = tables.grain(job.writes)
    assert_frame_equal(found.sort(keys), expected.sort(keys), check_exact=True)


def _add_its_sources(job: Job) -> set[Job]:
    sources = (source for source in JOBS if source.writes in job.reads)
    return {job}.union(*map(_add_its_sources, sources))


def _add_nulls(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    columns = tables.columns(table)
    nullable = [name for name in columns if columns[name].nullable and name not in tables.grain(table)]
    if "event_type" in columns:
        # What an event cannot be without, it never lacks.
        needed = {field.name for event in EVENTS for field in event.fields if field.required}
        kept = {name: [e.name for e in EVENTS if name in {f.name for f in e.fields if f.required}] for name in needed}
    else:
        kept = {}
    return frame.with_columns(
        pl.when(pl.col("event_type").is_in(kept[name])).then(name).alias(name)
        if name in kept
        else pl.lit(None, tables.schema(table)[name]).alias(name)
        for name in nullable
    )


def _in_chunks(frame: pl.DataFrame, size: int) -> pl.DataFrame:
    return pl.concat([part.clone() for part in frame.iter_slices(size)] or [frame], rechunk=False)
