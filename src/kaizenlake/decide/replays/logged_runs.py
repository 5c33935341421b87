"""The runs of a doer with what each lost, from the events of this moment: a replay does not wait for the night."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.events.catalogue import FAMILIES
from kaizenlake.events.decode import decode
from kaizenlake.jobs.runs.crl import crl
from kaizenlake.jobs.runs.run_records import RUN, run_records
from kaizenlake.parameters import LossRules
from kaizenlake.tables.silver import events_of

UNIT = (
    pl.when(pl.col("unit_id").is_null())
    .then(pl.concat_str(pl.lit("run:"), "run_id", pl.col("tenant_id").fill_null("")))
    .otherwise(pl.concat_str(pl.lit("unit:"), "unit_id"))
)
"""What was randomised; a run that names no unit is one of its own."""

_NAMED = 5

_ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)

_FAMILY = next(family for family in FAMILIES if family.name == "runs")


def run_events(
    events: pl.LazyFrame, *, doer: str, as_of: datetime, run_ids: Collection[str] | None = None
) -> pl.LazyFrame:
    """Return the bronze events that tell of the runs of a doer, their scores among them, before an instant, with `run_id`.

    Args:
        events: Rows of `bronze.events`.
        as_of: Events from this instant on do not count.
        run_ids: These runs only.
    """
    said = pl.col("payload").str.json_decode(pl.Struct({"run_id": pl.String(), "doer": pl.String()})).struct
    told = events.filter(
        pl.col("event_type").is_in([event.name for event in events_of(_FAMILY)]), pl.col("occurred_at") < as_of
    ).with_columns(run_id=said.field("run_id"), _doer=said.field("doer"))
    if run_ids is not None:
        wanted = pl.LazyFrame({"run_id": sorted(run_ids)}, schema={"run_id": pl.String()})
        told = told.join(wanted, on="run_id", how="semi")
    # Which doer did a run, its own event says; a score need not.
    own = told.filter(pl.col("_doer") == doer).select(RUN).unique()
    return told.join(own, on=RUN, how="semi", nulls_equal=True).drop("_doer")


def decode_runs(bronze: pl.LazyFrame) -> pl.LazyFrame:
    """Return the record of each run out of its own bronze events, as the job `run_records` keeps it; traces are none of them."""
    return run_records.function(decode(bronze, _FAMILY), tables.empty(tables.Traces), as_of=_ALWAYS)


def with_losses(runs: pl.LazyFrame, loss: LossRules, as_of: datetime) -> pl.LazyFrame:
    """Return records of runs, with `loss` and `coverage` as the job `crl` reckons them.

    Args:
        runs: Rows of `decode_runs`.
        loss: Weights and terms.
        as_of: Runs that ended from this instant on do not count.
    """
    return crl.function(runs, as_of=as_of, loss=loss)


def logged_runs(
    events: pl.LazyFrame,
    *,
    doer: str,
    loss: LossRules,
    as_of: datetime,
    phase: str | None = None,
    run_ids: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return the runs of a doer with their losses, one row a run, in the order of their names.

    Args:
        events: Rows of `bronze.events`.
        loss: Weights and terms of the loss.
        as_of: Runs that ended from this instant on do not count.
        phase: Runs of this phase only.
        run_ids: These runs only.
    """
    runs = with_losses(decode_runs(run_events(events, doer=doer, as_of=as_of, run_ids=run_ids)), loss, as_of)
    if phase is not None:
        runs = runs.filter(pl.col("phase") == phase)
    return runs.with_columns(unit=UNIT).collect().sort(*RUN, nulls_last=True)


def some_of(names: Sequence[str], *, between: str = ", ") -> str:
    """Return the first five of many names, and how many there are more.

    >>> some_of(["r1", "r2"]), some_of([f"r{number}" for number in range(8)])
    ('r1, r2', 'r0, r1, r2, r3, r4 and 3 more')
    """
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return between.join(names[:_NAMED]) + more
