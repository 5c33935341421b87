"""Headline findings say what the tables say, the surest first, and nothing that the evidence does not carry."""

import dataclasses

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.report.kaizen.headlines import FINDING_KINDS, findings
from kaizenlake.report.kaizen.kaizen_data import Bearings, build
from kaizenlake.tables import Contents, CreativeLabels, Findings, Patterns, Quarantine, SourceFreshness, WinRates
from publish.report_frames import AS_OF, frame, full, scan_of, with_findings


def found(frames, **given):
    return findings(build(scan_of(with_findings(frames, **given)), as_of=AS_OF, bearings=Bearings(**given)))


def test_findings_are_sentences_with_their_numbers_and_intervals():
    said = [(finding.basis, finding.sentence) for finding in found(full())]
    assert said[0] == (
        "experiment",
        (
            "9.2% higher click rate in posts with hook type “curiosity” than in other posts, in 611 experiments "
            "(95% interval 5.8% to 12.7%, q < 0.001)."
        ),
    )
    assert (
        "observation",
        (
            "41.0% lower engagement rate in posts with content type “link” than in other posts, over 22 posts, "
            "as observed and not tested (95% interval 17.0% to 58.0%, q = 0.009)."
        ),
    ) in said
    assert (
        "count",
        (
            "35.2% of 426 posts of type “photo” on facebook are good or excellent (95% interval 30.8% to 39.9%); "
            "half reach an engagement rate of 3.5% or more."
        ),
    ) in said
    assert (
        "count",
        (
            "53.7% of 41 briefs from technology × startup arrive clear (95% interval 38.8% to 67.9%); "
            "their mean first score is 68.2 of 100."
        ),
    ) in said


def test_experiments_come_before_observations_counts_and_warnings():
    bases = [finding.basis for finding in found(full())]
    assert bases == sorted(bases, key=("experiment", "observation", "count", "warning").index)
    assert set(bases) == {"experiment", "observation", "count", "warning"}


def test_a_limit_keeps_the_list_broad_and_keeps_the_warnings():
    data = build(scan_of(full()), as_of=AS_OF)
    few = findings(data, 3)
    headlines = [finding.kind for finding in few if finding.basis != "warning"]
    assert len(headlines) == len(set(headlines)) == 3
    assert [finding.kind for finding in few if finding.basis == "warning"] == ["quarantine", "silent_source"]


def test_nothing_is_found_in_an_empty_lake():
    assert found({}) == []


def test_a_pattern_that_is_unclear_is_no_finding():
    frames = full()
    frames[Patterns] = frames[Patterns].with_columns(verdict=pl.lit("unclear"))
    assert not [finding for finding in found(frames) if finding.table == "gold.patterns"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, True),
        ({"q_value": 0.051}, False),
        ({"q_value": None}, False),
        ({"decided": 9}, False),
        ({"lift": None}, False),
    ],
)
def test_a_win_rate_is_a_finding_only_with_enough_evidence(change, told):
    frames = full()
    kept = frames[WinRates].filter(pl.col("value") == "cold_outreach_v3")
    frames[WinRates] = kept.with_columns(pl.lit(value, kept.schema[name]).alias(name) for name, value in change.items())
    said = [finding.sentence for finding in found(frames) if finding.table == "gold.win_rates"]
    assert (
        said
        == [
            (
                "33.9% of 180 outreach messages with template “cold_outreach_v3” were replied to within 14 days "
                "(95% interval 27.4% to 41.1%): 71.0% more often than the others, q < 0.001."
            )
        ]
        * told
    )


def test_win_rates_of_contents_are_no_headline_because_platforms_differ():
    assert not [
        finding for finding in found(full()) if finding.table == "gold.win_rates" and "posts" in finding.sentence
    ]


def test_thresholds_are_the_settings():
    strict = found(full(), evidence=EvidenceNeeds(q_value=0.0001, contents=10**6, decided=10**6, confidence=0.9))
    assert not {finding.kind for finding in strict} & {
        "outreach_win_rate",
        "run_win_rate",
        "tiers",
        "brief_clarity",
    }
    assert all("95%" not in finding.sentence for finding in strict)


def test_beside_the_strongest_pattern_stands_one_that_speaks_the_other_way():
    everything = findings(build(scan_of(full()), as_of=AS_OF), limit=20)
    said = [finding.sentence for finding in everything if finding.kind == "tested_pattern"]
    assert len(said) == 2
    assert sorted("higher" in sentence for sentence in said) == [False, True]


def test_the_order_of_rows_changes_nothing():
    frames = {table: frame.sample(fraction=1, shuffle=True, seed=7) for table, frame in full().items()}
    assert found(frames) == found(full())


def test_hostile_words_are_quoted_on_one_line_and_cut():
    frames = full()
    rows = frames[WinRates].with_columns(value="a\nb\u202e<b>" + pl.col("value") + "x" * 500)
    frames[WinRates] = rows
    for finding in found(frames):
        assert "\n" not in finding.sentence
        assert "\u202e" not in finding.sentence
        assert len(finding.sentence) <= 400


def test_warnings_name_the_commonest_rule_and_the_longest_silence():
    frames = full()
    warnings = [finding.sentence for finding in found(frames) if finding.basis == "warning"]
    assert warnings == [
        "4 lines wait in quarantine, most often for rule not_json (3); they change no figure until they are corrected.",
        "6.5 days without an event from source “crm_deals” (since 2026-02-23): what depends on it may be out of date.",
    ]
    frames[Quarantine] = frames[Quarantine].filter(pl.col("status") == "landed")
    frames[SourceFreshness] = frames[SourceFreshness].filter(~pl.col("stale"))
    assert not [finding for finding in found(frames) if finding.basis == "warning"]


def test_counts_that_shrink_are_a_warning_in_the_words_of_their_finding_and_stand_with_their_remedy():
    from kaizenlake.report.engine.blocks import Grid
    from kaizenlake.report.kaizen.lake_sections import build_quality

    said = (
        "The records of 3 posts of spring on instagram tell smaller counts than those of an earlier day (2026-02-27)."
    )
    told = {
        "kind": "shrinking_counts",
        "subject": "spring on instagram",
        "figures": '{"posts":3}',
        "sentence": said,
        "strength": 3.0,
    }
    rows = [told | {"remedy": "Look at the export.", "raised_on": AS_OF.date()}, {"kind": "degrading_doer"}]
    frames = {Findings: frame(Findings, rows)}
    told = findings(build(scan_of(frames), as_of=AS_OF))
    assert [(item.basis, item.kind, item.sentence) for item in told] == [("warning", "shrinking_counts", said)]
    blocks = build_quality(build(scan_of(frames), as_of=AS_OF)).blocks
    (grid,) = (block for block in blocks if isinstance(block, Grid) and block.id == "contradictions-table")
    assert [cell.text for cell in grid.rows[0]] == ["spring on instagram", "2 March 2026", said, "Look at the export."]


def test_every_kind_of_finding_has_a_section_of_the_report():
    from kaizenlake.report.kaizen.sections import build_document

    sections = {section.id for section in build_document(build(scan_of({}), as_of=AS_OF)).sections}
    assert {kind.section for kind in FINDING_KINDS} <= sections
    assert {kind.name for kind in FINDING_KINDS} - {"quarantine"} <= set(tables.finding.FINDING_KINDS)


def test_a_content_without_a_rank_is_not_called_the_best():
    frames = full()
    manual = frames[CreativeLabels].filter(pl.col("source") == "manual").with_columns(label=pl.lit("winner"))
    frames[CreativeLabels] = manual
    assert not [finding for finding in found(frames) if finding.kind == "best_content"]


def test_a_platform_with_few_rated_contents_is_not_judged():
    frames = full()
    frames[Contents] = frames[Contents].filter(pl.col("content_type") == "video")
    assert not [finding for finding in found(frames) if finding.kind == "tiers"]


def test_findings_are_plain_data():
    first = found(full())[0]
    assert dataclasses.asdict(first).keys() == {"kind", "sentence", "table", "basis", "section"}
