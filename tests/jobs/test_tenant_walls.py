"""Nothing of one tenant enters the figures of another: what each gets beside the other is what it gets alone."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jobs.drawn import day, events, frame, through
from kaizenlake import tables
from kaizenlake.jobs.activity.event_counts import event_counts
from kaizenlake.jobs.activity.project_segments import project_segments
from kaizenlake.jobs.activity.projects import projects
from kaizenlake.jobs.activity.segment_words import segment_words
from kaizenlake.jobs.activity.source_freshness import source_freshness
from kaizenlake.jobs.agency.intake_segments import intake_segments
from kaizenlake.jobs.agency.intakes import intakes
from kaizenlake.jobs.agency.pack_failures import pack_failures
from kaizenlake.jobs.agency.pack_readiness import pack_readiness
from kaizenlake.jobs.agency.pack_runs import pack_runs
from kaizenlake.jobs.agency.section_readiness import section_readiness
from kaizenlake.jobs.outcomes.outcome_counts import outcome_counts
from kaizenlake.jobs.outcomes.outcome_subjects import outcome_subjects
from kaizenlake.jobs.outcomes.outcomes import outcomes
from kaizenlake.jobs.outcomes.scoped_win_rates import scoped_win_rates
from kaizenlake.jobs.outcomes.win_rates import win_rates
from kaizenlake.jobs.runs.run_records import run_records
from kaizenlake.tables import Acquisition, Events, Intake, Packs, Runs

LATER = day(400)

OURS = {
    Acquisition: """
        0 LEAD_CREATED     lead_id=l project_id=p source=web industry=retail client_type=startup
        1 OUTREACH_SENT    lead_id=l project_id=p channel=email template_id=t1 message_id=m
        2 OUTREACH_REPLIED lead_id=l channel=email message_id=m
        3 DEAL_WON         lead_id=l
        4 LEAD_LOST        lead_id=k project_id=p
    """,
    Packs: """
        1 PACK_STARTED   pack_key=a project_id=p
        2 PACK_COMPLETED pack_key=a project_id=p
        3 PACK_STARTED   pack_key=a project_id=p
        4 PACK_FAILED    pack_key=a project_id=p reason=late
        5 SECTION_GENERATED pack_key=quick_social_basic project_id=p section_id=overview text=Short.
    """,
    Runs: "1 RUN_COMPLETED run_id=r project_id=p doer=d gates_passed=3 gates_total=3",
    Intake: "1 INTAKE_APPROVED project_id=p industry=retail client_type=startup",
}
THEIRS = {
    Acquisition: """
        0   LEAD_CREATED     lead_id=l project_id=p source=fair industry=health client_type=clinic
        0.5 OUTREACH_SENT    lead_id=l project_id=q channel=email template_id=t1 message_id=m
        1.5 OUTREACH_REPLIED lead_id=l channel=email message_id=m
        5   LEAD_LOST        lead_id=l
    """,
    Packs: """
        1.5 PACK_STARTED   pack_key=a project_id=p
        2.5 PACK_FAILED    pack_key=a project_id=p reason=late
        6   SECTION_GENERATED pack_key=quick_social_basic project_id=p section_id=final_summary text=Short.
    """,
    Runs: "9 RUN_COMPLETED run_id=r project_id=p doer=d gates_passed=1 gates_total=3",
    Intake: "5 INTAKE_APPROVED project_id=p industry=health client_type=clinic",
}
JOBS = (
    event_counts,
    segment_words,
    project_segments,
    projects,
    source_freshness,
    run_records,
    outcome_subjects,
    intakes,
    intake_segments,
    outcomes,
    outcome_counts,
    win_rates,
    scoped_win_rates,
    pack_runs,
    pack_failures,
    section_readiness,
    pack_readiness,
)


def silver(stories, tenant):
    """Events of a tenant by table."""
    scores = [
        {"event_type": "INTAKE_CLARITY_SCORED", "project_id": f"p{n}", "clarity_score": 90.0 if tenant else 20.0 + n}
        | {"event_id": f"s{n}", "occurred_at": day(n), "event_date": day(n).date()}
        for n in range(4)
    ]
    drawn = {table: events(table, text) for table, text in stories.items()}
    drawn[Intake] = pl.concat([drawn[Intake], frame(Intake, scores)])
    return {
        table: rows.with_columns(
            tenant_id=pl.lit(tenant, pl.String),
            event_id=pl.lit(f"{tenant}-{tables.name(table)}-") + pl.col("event_id"),
        )
        for table, rows in drawn.items()
    }


def given(*parts):
    """Silver tables of several tenants together, and the bronze events that they are of."""
    together = {table: pl.concat([part[table] for part in parts]) for table in parts[0]}
    names = ("event_id", "event_type", "event_date", "occurred_at", "project_id", "tenant_id")
    arrived = pl.concat([rows.select(names) for rows in together.values()]).with_columns(source=pl.lit("app"))
    rest = {
        name: pl.lit(None, dtype) for name, dtype in tables.schema(Events).items() if name not in (*names, "source")
    }
    return together | {Events: arrived.with_columns(**rest).select(tables.schema(Events).names())}


@pytest.mark.parametrize("last", range(len(JOBS)), ids=lambda number: JOBS[number].name)
@pytest.mark.parametrize("ours", ["acme", None])
def test_a_tenant_gets_beside_another_what_it_gets_alone(last, ours):
    jobs = JOBS[: last + 1]
    alone = through(*jobs, given=given(silver(OURS, ours)), as_of=LATER)
    both = through(*jobs, given=given(silver(OURS, ours), silver(THEIRS, "other")), as_of=LATER)

    assert alone.height
    mine = both.filter(pl.col("tenant_id").eq_missing(pl.lit(ours, pl.String)))
    assert_frame_equal(mine, alone, check_row_order=False)
    assert both.height > mine.height
