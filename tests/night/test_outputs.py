"""What a night knows to have made: a file of it that is gone is made again, and what is there is left alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.feeding import feeding
from kaizenlake.night.run import nightly
from kaizenlake.tables import CanaryLooks, Deployments, Policies, PolicyPromotions, SkillCards
from night.test_canary_nights import START, begun, log_day

JOBS = feeding(CanaryLooks, Policies, Deployments, PolicyPromotions, SkillCards)
AS_OF = START + timedelta(days=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lake with a canary and a doer, the folder of its reports, and the files in it by name."""
    folder = tmp_path_factory.mktemp("made")
    lake = begun(folder / "lake")
    log_day(lake, 1, worse=0.3)
    done = nightly(lake, as_of=AS_OF, jobs=JOBS, reports=folder / "reports")
    assert done.exit_code == 0, done.errors
    return lake, folder / "reports", done


def night(lake, reports):
    """A night in which nothing is landed or computed."""
    done = nightly(lake, as_of=AS_OF, jobs=(), take=None, reports=reports)
    step = done.step("report")
    assert step is not None
    return done, step.status


def held(reports):
    """Files of the reports, but for the site and for the record that says of what they were made."""
    files = (path for path in reports.rglob("*") if path.is_file() and not path.name.startswith("."))
    files = (path for path in files if path.relative_to(reports).parts[0] != "site")
    return {path.relative_to(reports).as_posix(): path.read_bytes() for path in files}


def test_every_file_that_a_night_left_beside_its_report_is_on_its_record(made):
    _, reports, done = made
    assert {*map(Path, (*done.reports, *done.attached))} == {reports / name for name in held(reports)}
    assert [Path(path).name for path in done.reports] == [
        "kaizen.html", "kaizen.pdf", "canary-d1.html", "canary-d1.pdf", "policy-audit.html", "policy-audit.pdf",
        "skills.html", "skills.pdf",
    ]  # fmt: skip
    assert {Path(path).relative_to(reports / "2026-03-04").as_posix() for path in done.attached} == {
        "kaizen.json", "skills/planner.html", "skills/planner.pdf",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["kaizen.json", "canary-d1.html", "policy-audit.pdf", "skills.html", "skills/planner.pdf"]
)
def test_a_file_that_is_gone_is_made_again_and_the_night_after_has_nothing_to_do(made, name):
    lake, reports, done = made
    before = held(reports)
    (reports / "2026-03-04" / name).unlink()
    for expected in ("done", "nothing to do"):
        again, status = night(lake, reports)
        assert status == expected
        assert (again.reports, again.attached) == (done.reports, done.attached)
    # The Kaizen report tells what its own run landed, the others and the figures are the same.
    assert {file: text for file, text in held(reports).items() if Path(file).stem != "kaizen" or file == name} == {
        file: text for file, text in before.items() if Path(file).stem != "kaizen" or file == name
    }
