"""A minute of the fuzz; all of it is a benchmark."""

from __future__ import annotations

import time

import pytest

from fuzz.rounds import Told, round_of

SECONDS = 60


@pytest.mark.slow
def test_for_a_minute_no_broken_line_or_file_ends_a_landing_and_each_ends_in_one_place():
    told = Told()
    until = time.monotonic() + SECONDS
    number = 0
    while number < 2 or time.monotonic() < until:
        round_of(number, line_count=1_000, file_count=40, told=told)
        number += 1
    assert told.lines_in == told.landed + told.duplicate + told.quarantined
    # It tries something: most rules are broken, and of the files most are read.
    assert {"not_json", "torn_line", "bad_text", "encoding", "not_readable", "wrong_type"} <= told.rules.keys()
    assert told.left < told.files / 2
