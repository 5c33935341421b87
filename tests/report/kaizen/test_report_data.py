"""The report's data are the gold tables' rows: chosen, ordered, counted, and compared with the report before."""

import doctest
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from kaizenlake.parameters import Tiers
from kaizenlake.publish import formats as report_format
from kaizenlake.report.engine.blocks import Grid, MissingData
from kaizenlake.report.engine.rows import CHART_ROWS, ROWS, Figures, RunFacts
from kaizenlake.report.kaizen import report_labels as report_words
from kaizenlake.report.kaizen.kaizen_data import Bearings, build
from kaizenlake.report.kaizen.lake_sections import build_changes
from kaizenlake.report.kaizen.sections import build_document
from kaizenlake.stats import wilson
from kaizenlake.tables import Contents, CreativeLabels, Patterns, Quarantine, WinRates
from publish.report_frames import AS_OF, NOON, frame, full, scan_of


def built(frames=None, **given):
    return build(scan_of(full() if frames is None else frames), as_of=AS_OF, **given)


def blocks(data, kind):
    sections = laid_out(data).sections
    return {block.id: block for section in sections for block in section.blocks if isinstance(block, kind)}


def text_of(data):
    return msgspec.json.encode(laid_out(data)).decode()


_DRAWN = []


def laid_out(data):
    """The document of the data; drawn once for equal data, since charts take their time."""
    for known, drawn in _DRAWN:
        if known == data:
            return drawn
    _DRAWN.append((data, build_document(data)))
    return _DRAWN[-1][1]


def test_equal_tables_make_equal_data_whatever_the_order_of_their_rows():
    shuffled = {table: frame.sample(fraction=1, shuffle=True, seed=3) for table, frame in full().items()}
    assert built(shuffled) == built()


def test_every_shown_win_rate_and_pattern_is_the_gold_tables_own():
    data, frames = built(), full()
    of_values, of_kinds = (
        frames[WinRates].filter((pl.col("dimension") == "all") == is_total) for is_total in (False, True)
    )
    shown = [row for listing in data.win_rates.values() for row in listing.rows]
    assert {tuple(vars(row).values()) for row in shown} == set(of_values.rows())
    assert {tuple(vars(row).values()) for row in data.kinds} == set(of_kinds.rows())
    patterns = {(row["evidence"], row["pattern_type"], row["pattern"]): row for row in frames[Patterns].to_dicts()}
    for row in (*data.experiments.rows, *data.observations.rows):
        gold = patterns[row.evidence, row.pattern_type, row.pattern]
        assert gold.items() <= vars(row).items()


def test_tiers_are_counted_by_platform_and_content_type():
    rows = {row.content_type: row for row in built().tiers.rows}
    photo = rows["photo"]
    assert (photo.contents, photo.rated, photo.excellent, photo.good, photo.average, photo.poor) == (
        426,
        426,
        30,
        120,
        200,
        76,
    )
    low, high = (float(end) for end in wilson(150, 426))
    assert (photo.good_or_better_rate, photo.ci_low, photo.ci_high) == pytest.approx((150 / 426, low, high), abs=1e-12)


def test_contents_with_few_impressions_are_counted_and_not_rated():
    frames = full()
    few = frames[Contents].filter(content_type="photo").head(60)
    few = few.with_columns(
        content_id=pl.lit("few-") + "content_id", content_type=pl.lit("reel"), trials=pl.lit(10, pl.Int64)
    )
    data = built(frames | {Contents: pl.concat([frames[Contents], few])})
    (reel,) = [row for row in data.tiers.rows if row.content_type == "reel"]

    assert (reel.contents, reel.rated, reel.excellent, reel.good_or_better_rate) == (60, 0, 0, None)
    assert reel.median_engagement_rate is None
    assert data.figures.numbers["good_or_better_rate"] == built().figures.numbers["good_or_better_rate"]


def test_contents_without_a_rate_are_counted_and_not_rated():
    (unrated,) = [row for row in built().tiers.rows if row.content_type is None]
    assert (unrated.contents, unrated.rated, unrated.good_or_better_rate, unrated.median_engagement_rate) == (
        5,
        0,
        None,
        None,
    )


def test_a_subject_counts_once_however_many_dimensions_it_has():
    rows = {row.kind: (row.wins, row.decided) for row in built().kinds}
    assert rows == {
        "pack": (111, 143),
        "deal": (32, 86),
        "outreach": (104, 427),
        "creative": (188, 493),
        "run": (104, 150),
    }


def test_what_is_pending_is_counted_and_has_no_rate():
    section = win_section("outreach")
    (row,) = [row for block in section.blocks if isinstance(block, Grid) for row in block.rows if row[0].text == "chat"]
    assert [cell.text for cell in row[2:7]] == ["0", "0", "30", "14 days", "–"]


def test_a_kind_of_which_nothing_is_old_enough_says_so():
    waiting = {"kind": "outreach", "status": "pending", "wins": 0, "decided": 0, "pending": 30, "strata": 0}
    rows = [waiting | {"dimension": name, "value": value} for name, value in (("all", "all"), ("channel", "email"))]
    section = win_section("outreach", {WinRates: frame(WinRates, rows)})
    assert section.lead == "Not enough data yet: 30 outreach messages are pending."


def win_section(identifier, changes=None):
    """The section of win rates of a report."""
    (section,) = [section for section in laid_out(built(changes)).sections if section.id == identifier]
    return section


def test_marks_of_people_come_first_then_the_best_of_each_group():
    shared = {"label": "winner", "reason": "r", "labelled_at": NOON, "platform": "p", "group_size": 20}
    rows = [
        {**shared, "content_id": "b2", "source": "automatic", "shrunk_rate": 0.02, "rank_in_group": 2},
        {**shared, "content_id": "a2", "source": "automatic", "shrunk_rate": 0.4, "rank_in_group": 2},
        {**shared, "content_id": "b1", "source": "automatic", "shrunk_rate": 0.03, "rank_in_group": 1},
        {**shared, "content_id": "a1", "source": "automatic", "shrunk_rate": 0.5, "rank_in_group": 1},
        {**shared, "content_id": "m", "source": "manual"},
    ]
    names = [row.content_id for row in built({CreativeLabels: frame(CreativeLabels, rows)}).winners.rows]
    assert names == ["m", "a1", "b1", "a2", "b2"]
    lost = [{**row, "label": "loser"} for row in rows]
    names = [row.content_id for row in built({CreativeLabels: frame(CreativeLabels, lost)}).losers.rows]
    assert names == ["m", "b2", "a2", "b1", "a1"]


def test_long_tables_are_cut_and_say_how_much_more_there_is():
    data = built()
    assert (len(data.winners.rows), data.winners.total) == (ROWS, 42)
    assert blocks(data, Grid)["winners-table"].note == "10 of 42 rows shown; the lake's table has them all."
    assert blocks(data, Grid)["tiers-table"].note == ""
    assert all(len(grid.rows) <= 15 for grid in blocks(data, Grid).values())


def test_lines_are_conserved_and_waiting_ones_counted_by_rule():
    quality = built().quality
    assert quality.lines_in == quality.landed + quality.duplicate + quality.quarantined == 1486
    assert quality.waiting == 4
    assert quality.waiting_by_rule == (("not_json", 3), ("missing_field", 1), ("out_of_range", 1))


def test_a_line_that_breaks_no_named_rule_waits_all_the_same():
    rows = [{"quarantine_id": "q", "rules": [], "reasons": [], "raw": "", "line": 1, "status": "waiting"}]
    frames = {Quarantine: frame(Quarantine, rows, file="f", file_hash="h", quarantined_at=NOON)}
    assert (built(frames).quality.waiting, built(frames).quality.waiting_by_rule) == (1, ())


def test_an_empty_lake_makes_a_report_whose_every_section_says_what_to_log():
    data = built({})
    report = laid_out(data)
    told = {
        section.id for section in report.sections if any(isinstance(block, MissingData) for block in section.blocks)
    }
    everything = {section.id for section in report.sections}
    assert told == everything - {"changes", "method", "glossary"}
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, MissingData):
                assert block.events
                assert all(name.isupper() and meaning for name, meaning in block.events)
    assert report.window == "No event has arrived yet."


def test_as_of_must_carry_a_zone():
    with pytest.raises(ValueError, match="zone"):
        build(scan_of({}), as_of=datetime(2026, 3, 2))  # noqa: DTZ001 - the mistake that is tested


def test_the_first_report_says_that_it_is_the_first():
    assert "This is the first report of this lake" in text_of(built())


def test_the_next_report_says_which_figures_moved_and_which_verdicts_turned():
    before = built().figures
    frames = full()
    frames[Contents] = frames[Contents].head(400)
    frames[Patterns] = frames[Patterns].with_columns(
        verdict=pl.when(pl.col("pattern") == "question").then(pl.lit("unclear")).otherwise("verdict")
    )
    data = build(scan_of(frames), as_of=AS_OF + timedelta(days=1), previous=before)
    grids = blocks(data, Grid)
    moved = [tuple(cell.text for cell in row) for row in grids["changed-figures"].rows]
    assert ("Posts measured", "505", "400", "−105") in moved
    assert ("Risky patterns", "3", "2", "−1") in moved
    assert not [row for row in moved if row[0] == "Events"]
    assert [tuple(cell.text for cell in row) for row in grids["changed-verdicts"].rows] == [
        ("Hook: question", "experiment", "risky", "unclear")
    ]


def test_a_report_after_one_that_was_equal_says_that_nothing_moved():
    data = build(scan_of(full()), as_of=AS_OF + timedelta(days=1), previous=built().figures)
    assert "No figure moved since the report of 2 March 2026." in text_of(data)
    assert {figure.change for figure in laid_out(data).figures} == {"no change"}


def test_figures_survive_being_kept_as_json():
    figures = built().figures
    assert msgspec.json.decode(msgspec.json.encode(figures), type=Figures) == figures


@pytest.mark.parametrize("verdicts", [{}, {"of another form": "works"}, {"a|b|c|d": "dubious"}])
def test_figures_of_another_version_of_the_package_are_compared_as_far_as_they_go(verdicts):
    old = Figures(datetime(2020, 1, 1, tzinfo=UTC), {"events": 1.0, "of_old": 2.0}, verdicts)
    grids = {block.id: block for block in build_changes(built(previous=old)).blocks if isinstance(block, Grid)}
    assert [row[0].text for row in grids["changed-figures"].rows] == ["Events"]


def test_what_the_run_did_stands_in_words_and_tables():
    facts = RunFacts(10, 7, 1, 2, (("not_json", 2),), {"gold.a": (3, 4), "gold.b": (2, 2), "gold.c": (None, 0)})
    data = built(facts=facts)
    assert "This run read 10 lines: 7 landed, 1 was known already, 2 went to quarantine (not_json 2)." in text_of(data)
    written = [tuple(cell.text for cell in row) for row in blocks(data, Grid)["changed-tables"].rows]
    assert written == [("gold.a", "3", "4")]
    assert "1 table written for the first time." in text_of(data)


def test_thresholds_of_tiers_are_those_of_the_settings():
    assert "excellent from 30.0%, good from 5.0%" in text_of(built(bearings=Bearings(tiers=Tiers(excellent=0.3))))


@pytest.mark.parametrize("module", [report_format, report_words])
def test_examples_in_the_documentation_hold(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_charts_hold_no_more_rows_than_can_be_read():
    frames = full()
    many = pl.concat([frames[Patterns].with_columns(pattern=pl.col("pattern") + str(index)) for index in range(30)])
    data = built({Patterns: many})
    assert len(data.experiments.rows) == CHART_ROWS
    assert data.experiments.total == 300
