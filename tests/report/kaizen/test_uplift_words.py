"""The sentence on what contexts are worth."""

from __future__ import annotations

import pytest

from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.kaizen.uplift_words import describe_uplift

DRAWN = {"basis": "experiment", "metric": "click_rate", "status": "better", "units_with": 812, "units_without": 88}
DRAWN |= {"projects": 6, "lift": 0.28, "ci_low": 0.1, "ci_high": 0.45}
SEEN = {**DRAWN, "basis": "observation"}


@pytest.mark.parametrize(
    ("rows", "begins"),
    [
        ([], ""),
        (
            [DRAWN],
            "Contexts pay: +28.0% click rate (+10.0% to +45.0%), 812 briefs with and 88 without one, drawn by chance.",
        ),
        ([DRAWN | {"status": "worse"}], "Contexts do harm: "),
        ([DRAWN | {"status": "unclear"}], "Whether contexts pay is not known yet: "),
        ([DRAWN | {"status": "too_few", "units_without": 1}], "Too few are held out to tell what contexts are worth: "),
        ([DRAWN | {"status": "nobody_held_out", "units_without": 0}], ""),
        ([DRAWN | {"status": "nobody_held_out", "units_without": 0}, SEEN], "No brief is held out, so "),
        ([SEEN | {"ci_low": None, "status": "too_few"}], "No brief is held out, so "),
        ([DRAWN, DRAWN | {"metric": "engagement_rate", "units_without": 90}], "Contexts pay: +28.0% engagement rate"),
    ],
)
def test_what_is_said(rows, begins):
    said = describe_uplift(tuple(TableRow(**row) for row in rows))
    assert said.replace("\u00a0", " ").replace("\u202f", " ").startswith(begins)
    assert bool(said) is bool(begins)
