"""One record of a run: of each field the latest word, whoever said it, on the day the run ran, and once."""

from pathlib import Path

import pytest

from jobs.drawn import day, events, recorded
from jobs.feeding import feeding
from kaizenlake import tables
from kaizenlake.jobs.runs.crl import crl
from kaizenlake.jobs.runs.pending_scores import pending_scores
from kaizenlake.jobs.runs.run_records import run_records
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import Crl, PendingScores, RunRecords, Runs, Traces

CASES = Path(__file__).parents[2] / "cases"


LATER = day(400)

SOME = feeding(Crl, RunRecords)


def records(text, as_of=LATER):
    found = tables.check(RunRecords, run_records(events(Runs, text), tables.empty(Traces), as_of=as_of).collect())
    return found.sort("tenant_id", "run_id")


def test_the_latest_word_on_each_field_counts_on_the_day_the_run_ran():
    row = records(
        """
        1.5 RUN_COMPLETED run_id=r doer=d gates_passed=1 gates_total=2 model=one
        1.9 RUN_COMPLETED run_id=r doer=d project_id=p contradictions=3
        4.0 RUN_SCORED run_id=r scorer=judge gates_passed=2
        3.0 RUN_SCORED run_id=r scorer=ann contradictions=0 outcome=done
        0.5 RUN_SCORED run_id=r scorer=early model=none gates_total=9
        """
    ).row(0, named=True)
    assert {name: row[name] for name in ("doer", "project_id", "model", "outcome", "scorer", "event_id")} == {
        "doer": "d",
        "project_id": "p",
        "model": "one",
        "outcome": "done",
        "scorer": "judge",
        "event_id": "e0",
    }
    assert (row["gates_passed"], row["gates_total"], row["contradictions"]) == (2, 2, 0)
    assert (row["occurred_at"], row["event_date"], row["records"]) == (day(1.5), day(1).date(), 5)
    assert (row["first_told_date"], row["last_told_date"]) == (day(0).date(), day(4).date())


def test_runs_of_one_name_are_one_within_a_tenant_and_none_is_a_tenant():
    found = records(
        """
        1 RUN_COMPLETED run_id=r doer=d
        2 RUN_SCORED run_id=r scorer=s gates_passed=1
        3 RUN_COMPLETED run_id=r doer=d tenant_id=t
        4 RUN_SCORED run_id=r scorer=s gates_passed=5 tenant_id=t
        """
    )
    assert found.select("tenant_id", "gates_passed", "records").rows() == [(None, 1, 2), ("t", 5, 2)]


def test_a_score_waits_for_its_run():
    text = "1 RUN_SCORED run_id=r scorer=s gates_passed=1 gates_total=4\n 3.5 RUN_COMPLETED run_id=r doer=d"
    assert records(text.splitlines()[0]).is_empty()
    assert records(text, as_of=day(3.5)).is_empty()
    silver = events(Runs, text)
    for as_of, waiting in ((day(3.5), [("s", 1, 1)]), (LATER, [])):
        found = pending_scores(silver, records(text, as_of=as_of).lazy(), as_of=as_of).collect()
        assert tables.check(PendingScores, found).select("scorer", "scores", "runs").rows() == waiting
    assert records(text).select("event_date", "gates_total").rows() == [(day(3).date(), 4)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("outcome=error", True),
        ("outcome=TimeOut", True),
        ("outcome=timed_out", True),
        ("outcome=Crashed", True),
        ("outcome=success", False),
        ("", False),
        ("outcome=error gates_passed=1 gates_total=2", False),
        ("outcome=error gates_total=5", True),
        ("outcome=error gates_passed=0 gates_total=0", True),
        ("outcome=error gates_passed=3", False),
    ],
)
def test_a_run_that_failed_and_tells_no_gates_passed_none(words, expected):
    found = recorded(events(Runs, f"1 RUN_COMPLETED run_id=r doer=d {words}"))
    assert found.collect()["failed_without_gates"].to_list() == [expected]
    term = crl(found, as_of=day(9)).collect()["gates_term"].item()
    assert (term == 1.0) if expected else term in (None, 0.5)


def test_where_no_outcome_is_told_the_failure_modes_say_whether_it_failed():
    told = events(Runs, "1 RUN_COMPLETED run_id=r doer=d\n 1 RUN_COMPLETED run_id=s doer=d outcome=done")
    failing = told.with_columns(failure_modes=["off_topic", "crash"])
    assert sorted(recorded(failing).select("run_id", "failed_without_gates").collect().rows()) == [
        ("r", True),
        ("s", False),
    ]


RIGHT = {"gates_term": 0.5, "cost_term": 0.0, "grounding_term": 0.8, "coverage": 0.5, "loss": 0.49}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_what_comes_late_completes_its_run_in_any_order_of_landing(tmp_path, order):
    lake = Lake.create(tmp_path / "lake")
    lines = (CASES / "late-score" / "runs.ndjson").read_text().splitlines()
    for place, at in enumerate(order):
        file = tmp_path / f"{place}.ndjson"
        file.write_text(lines[at] + "\n")
        land(lake, [file])
        assert nightly(lake, as_of=LATER, jobs=SOME).exit_code == 0
    found = lake.scan(Crl).sort("run_id").collect()
    assert found["run_id"].to_list() == ["r1", "r2"]
    assert {str(date) for date in found["event_date"]} == {"2026-11-20"}
    for row in found.iter_rows(named=True):
        assert {name: row[name] for name in RIGHT} == pytest.approx(RIGHT)
    assert lake.scan(RunRecords).collect()["records"].to_list() == [2, 2]
    assert nightly(lake, as_of=LATER, full=True, jobs=SOME).exit_code == 0
    assert lake.scan(Crl).sort("run_id").collect().equals(found)
