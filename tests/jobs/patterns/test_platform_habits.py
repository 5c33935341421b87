"""Tones and hours on a platform: compared within projects, and told where they are clear."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.patterns.platform_habits import platform_habits
from kaizenlake.tables import Contents, PlatformHabits


def posts(number, good=1.0, seed=1):
    """Posts of two projects whose rates differ fivefold; those at 18 are of one of them, and of that hour better by a factor."""
    random = np.random.default_rng(seed)
    for place in range(number):
        project, hour = (("rich", 18) if place % 2 else ("poor", 9)) if place % 3 else ("rich", 9 + 9 * (place % 2))
        rate = (0.1 if project == "rich" else 0.02) * random.uniform(0.5, 1.5) * (good if hour == 18 else 1.0)
        yield {
            "tenant_id": "t",
            "project_id": project,
            "content_id": f"c{place}",
            "platform": "x",
            "engagement_rate": float(rate),
            "posted_hour": hour,
            "occurred_at": day(1),
        }


def judge(rows):
    made = platform_habits(frame(Contents, rows), as_of=day(9)).collect()
    tables.check(PlatformHabits, made)
    return {(row["scope"], row["project_id"], row["habit"], row["value"]): row for row in made.iter_rows(named=True)}


@pytest.mark.parametrize(("good", "verdict"), [(1.0, "unclear"), (1.5, "works"), (0.6, "risky")])
def test_an_hour_is_judged_within_its_project(good, verdict):
    found = judge(list(posts(300, good)))
    assert found["everything", None, "hour", "18"]["verdict"] == verdict
    assert found["project", "rich", "hour", "18"]["verdict"] == verdict


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row | {"posted_hour": None} for row in posts(9)],
        [row | {"engagement_rate": None} for row in posts(9)],
        [row | {"engagement_rate": 0.0} for row in posts(9)],
    ],
)
def test_what_is_not_known_is_not_compared(rows):
    assert judge(rows) == {}


def test_few_posts_and_no_spread_are_unclear():
    found = judge(list(posts(9, 3.0)))
    assert {row["verdict"] for row in found.values()} == {"unclear"}
    same = [row | {"engagement_rate": 0.1, "tone": "warm"} for row in posts(60)]
    assert all(row["verdict"] == "unclear" for row in judge(same).values())


def test_no_order_of_rows_changes_a_bit():
    rows = list(posts(200, 1.2))
    one, other = (platform_habits(frame(Contents, item), as_of=day(9)).collect() for item in (rows, rows[::-1]))
    assert one.sort(one.columns[:8]).equals(other.sort(one.columns[:8]))
