"""What was kept long enough goes; the latest, and what is not ours, stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from kaizenlake.lake import Lake
from kaizenlake.lake.upkeep.retention import LATEST_RUNS, remove_reports, remove_runs

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path):
    root = tmp_path / "lake"
    Lake.create(root)
    (root / "kaizen.toml").write_text("[retention]\nruns_days = 40\nreports_days = 10\n")
    return Lake(root)


def record(lake, days, content=None):
    started = NOW - timedelta(days=days)
    path = lake.path("runs", f"{started:%Y%m%dT%H%M%S}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"started_at": started.isoformat()}) if content is None else content)
    return path


def test_records_older_than_their_days_go_but_the_latest_stay(lake):
    old = [record(lake, days) for days in range(100, 95, -1)]
    odd = record(lake, 99.5, "no record")
    late = [record(lake, days) for days in range(LATEST_RUNS, 0, -1)]

    assert remove_runs(lake, NOW) == len(old)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in (odd, *late))
    assert remove_runs(lake, NOW + timedelta(days=400)) == 0


@pytest.mark.parametrize("place", [".", "client-a"])
def test_reports_older_than_their_days_go_but_the_latest_stay(lake, tmp_path, place):
    reports = tmp_path / "reports"
    for day in ("2026-01-01", "2026-06-19", "2026-06-20", "2026-06-30", "2026-1-1", "20260101", "site"):
        (reports / place / day).mkdir(parents=True)
        (reports / place / day / "kaizen.html").write_text("x")
    (reports / "other").mkdir(exist_ok=True)
    (reports / "2026-01-02").symlink_to(reports / "other")

    assert remove_reports(lake, reports, NOW) == 2
    left = {path.name for path in (reports / place).iterdir()}
    assert left >= {"2026-06-20", "2026-06-30", "2026-1-1", "20260101", "site"}
    assert left.isdisjoint({"2026-01-01", "2026-06-19"})
    assert remove_reports(lake, reports, NOW + timedelta(days=400)) == 1
    assert (reports / place / "2026-06-30").exists()


def test_nothing_goes_where_nothing_is_set(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    path = record(lake, 900)
    (tmp_path / "reports/2020-01-01").mkdir(parents=True)

    assert (remove_runs(lake, NOW), remove_reports(lake, tmp_path / "reports", NOW)) == (0, 0)
    assert path.exists()
    assert remove_reports(lake, tmp_path / "nowhere", NOW) == 0
