"""What people asked never to use again."""

import polars as pl

from jobs.drawn import day, frame, through
from kaizenlake.jobs.content.avoided_phrases import avoided_phrases
from kaizenlake.jobs.content.creative_marks import creative_marks
from kaizenlake.tables import Performance

LATER = day(365)


def mark(number, phrases, at=1, **columns):
    return {
        "event_id": f"e{number}",
        "event_type": "CREATIVE_MARKED_LOSER",
        "occurred_at": day(at),
        "event_date": day(at).date(),
        "project_id": "p",
        "content_id": f"c{number}",
        "reason": f"reason {number}",
        "patterns_to_avoid": phrases,
    } | columns


def compute(*marks, as_of=LATER):
    return through(creative_marks, avoided_phrases, given={Performance: frame(Performance, marks)}, as_of=as_of)


def test_a_phrase_counts_its_marks_and_contents_and_keeps_the_latest_reason():
    found = compute(
        mark(0, ["buy now", "free!!!"], at=1),
        mark(1, ["buy now"], at=3),
        mark(2, ["buy now"], at=2, content_id="c1"),
        mark(3, ["buy now"], at=9, project_id=None),
    )
    assert found.drop("tenant_id").rows() == [
        ("buy now", None, 1, 1, day(9), "reason 3"),
        ("buy now", "p", 3, 2, day(3), "reason 1"),
        ("free!!!", "p", 1, 1, day(1), "reason 0"),
    ]


def test_a_mark_names_a_phrase_once_however_often_it_writes_it():
    found = compute(mark(0, ["buy now", " buy now\n", "buy now"]))
    assert found.select("phrase", "marks").rows() == [("buy now", 1)]


def test_phrases_stay_as_they_were_written():
    found = compute(mark(0, ["Buy NOW", "buy now", "“{{x}}” <b>"]))
    assert sorted(found["phrase"]) == ["Buy NOW", "buy now", "“{{x}}” <b>"]


def test_blank_phrases_empty_lists_and_other_marks_say_nothing():
    winner = mark(3, ["loved"], event_type="CREATIVE_MARKED_WINNER")
    assert compute(mark(0, []), mark(1, None), mark(2, ["", "  "]), winner).is_empty()


def test_of_two_marks_at_one_instant_the_greater_event_id_gives_the_reason():
    assert compute(mark(1, ["x"]), mark(0, ["x"]))["last_reason"].item() == "reason 1"


def test_later_marks_do_not_count():
    assert compute(mark(0, ["x"], at=1), mark(1, ["x"], at=2), as_of=day(2)).select(pl.col("marks")).item() == 1
