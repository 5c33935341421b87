"""What contexts are worth: who is compared, who is left out, and from where on something is said."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.creations.kaizen_uplift import kaizen_uplift
from kaizenlake.tables import Contents, KaizenUplift


def content(number, project="p1", **said):
    """A content of a project that was shown 1,000 times."""
    made = {
        "tenant_id": "t",
        "project_id": project,
        "content_id": f"c{number}",
        "platform": "instagram",
        "impressions": 1000,
        "clicks": 10,
        "occurred_at": day(1),
    }
    return made | said


WITH = {"context_sha256": "a", "held_out": False}
WITHOUT = {"held_out": True}


def uplift(*rows):
    made = kaizen_uplift(frame(Contents, rows), as_of=day(9)).collect()
    tables.check(KaizenUplift, made)
    return {(row["basis"], row["metric"]): row for row in made.iter_rows(named=True)}


def many(projects, units, factor, seed=1):
    """Contents of projects whose rates differ tenfold, one in ten held out; those with a context have more clicks."""
    random = np.random.default_rng(seed)
    for number in range(units):
        project = number % projects
        is_held = random.random() < 0.1
        rate = 0.01 * (1 + project) * (1.0 if is_held else factor)
        clicks = int(random.binomial(1000, rate))
        yield content(number, f"p{project}", clicks=clicks, unit_id=f"b{number}", **(WITHOUT if is_held else WITH))


@pytest.mark.parametrize(
    ("projects", "units", "factor", "status"),
    [
        (6, 900, 1.3, "better"),
        (6, 900, 0.75, "worse"),
        (6, 900, 1.0, "unclear"),
        (4, 900, 1.3, "too_few"),  # projects
        (6, 200, 1.3, "too_few"),  # held out
    ],
)
def test_what_was_drawn_is_judged_within_projects(projects, units, factor, status):
    row = uplift(*many(projects, units, factor))["experiment", "click_rate"]
    assert (row["status"], row["projects"]) == (status, projects)
    assert row["units_with"] + row["units_without"] == units
    assert row["lift"] == pytest.approx(factor - 1, abs=0.12)
    assert (row["ci_low"] is None) == (status == "too_few")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([content(1), content(2)], None),  # nobody knows of a context
        ([content(1, **WITH)], ("nobody_held_out", 1, 0, 0)),
        ([content(1, context_sha256="a"), content(2)], ("nobody_held_out", 0, 0, 0)),  # nobody drew
        ([content(1, **WITH), content(2, **WITHOUT)], ("too_few", 1, 1, 0)),
        ([content(1, **WITH, unit_id="b"), content(2, **WITHOUT, unit_id="b")], ("too_few", 0, 0, 1)),  # of both sides
        ([content(1, **WITH, unit_id="b"), content(2, "p2", **WITHOUT, unit_id="b")], ("too_few", 1, 1, 0)),
        ([content(1, context_sha256="a", held_out=True)], ("too_few", 0, 0, 1)),  # held out, and yet with a context
        ([content(1, **WITH), content(2, impressions=0, **WITHOUT)], ("nobody_held_out", 1, 0, 0)),
        ([content(1, **WITH), content(2, clicks=None, **WITHOUT)], ("nobody_held_out", 1, 0, 0)),
        ([content(1, **WITH, unit_id="b"), content(2, **WITH, unit_id="b")], ("nobody_held_out", 1, 0, 0)),
        ([content(1, clicks=0, **WITH), content(2, clicks=0, **WITHOUT)], ("too_few", 1, 1, 0)),
    ],
)
def test_who_is_compared(rows, expected):
    row = uplift(*rows).get(("experiment", "click_rate"))
    names = ("status", "units_with", "units_without", "left_out")
    assert (row and tuple(row[name] for name in names)) == expected
    if row is not None:
        assert row["lift"] is None or row["projects"]


def test_what_is_only_observed_is_marked_and_compared_within_platforms():
    rows = [content(number, f"p{number % 6}", clicks=20, **WITH) for number in range(200)]
    rows += [content(number + 200, f"p{number % 6}", clicks=10 + number % 3) for number in range(200)]
    rows += [content(number + 400, f"p{number % 6}", platform="email", clicks=500) for number in range(200)]
    row = uplift(*rows)["observation", "click_rate"]
    assert (row["status"], row["units_with"], row["units_without"]) == ("better", 200, 400)
    assert row["lift"] == pytest.approx(20 / 11 - 1, abs=0.02)


def test_tenants_are_apart_and_no_order_of_rows_changes_a_bit():
    rows = [row | {"tenant_id": tenant} for tenant in ("a", None) for row in many(5, 400, 1.1)]
    one = kaizen_uplift(frame(Contents, rows), as_of=day(9)).collect()
    assert one["tenant_id"].to_list() == [None, None, "a", "a"]
    other = kaizen_uplift(frame(Contents, rows[::-1]), as_of=day(9)).collect()
    assert one.equals(other)
    assert one.drop("tenant_id").head(2).equals(one.drop("tenant_id").tail(2))
    assert isinstance(one, pl.DataFrame)
