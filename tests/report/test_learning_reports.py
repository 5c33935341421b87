"""The reports on canaries, policies and learning: figures equal the tables', outside text stays text, equal bytes."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import timedelta
from itertools import pairwise

import polars as pl
import pypdf
import pytest

from kaizenlake import signing, tables
from kaizenlake.parameters import Canaries, Guardrail
from kaizenlake.report.audit.audit_data import build as build_audit
from kaizenlake.report.canary import canary_labels as canary_report_words
from kaizenlake.report.canary.canary_data import build as build_canary
from kaizenlake.report.canary.canary_data import current
from kaizenlake.report.engine import render as report
from kaizenlake.report.engine.columns import label_of
from kaizenlake.report.kaizen.kaizen_data import build
from kaizenlake.report.kaizen.learning_section import build_learning as learning_section
from kaizenlake.report.learning_reports import write_audit, write_canaries, write_canary
from kaizenlake.tables import (
    Alerts,
    CanaryLooks,
    CanarySegments,
    CrlTrends,
    Deployments,
    Experiments,
    ExperimentSuccess,
    Policies,
    PolicyPerformance,
    PolicyPromotions,
)
from kaizenlake.tables.canary import METHODS, METRICS, RESULTS, VERDICTS
from publish.learning_documents import HOSTILE_CANARY, audit_of, canary_of, frames, hostile, made
from publish.learning_frames import CANARY, KEY, PUBLIC, START
from publish.reading import Page, records, tags_of, text_of
from publish.report_frames import AS_OF, full, scan_of

LIGHT = 400_000


@pytest.fixture(scope="module")
def held():
    return frames()


@pytest.fixture(scope="module")
def documents(held):
    return made(held)


@pytest.fixture(scope="module")
def pages(documents):
    return {name: report.render_html(found) for name, found in documents.items()}


@pytest.fixture(scope="module")
def papers(documents):
    return {name: report.render_pdf(found) for name, found in documents.items()}


GOLD = [
    ("canary", "nights-1-table", CanaryLooks, ("policy_version", "look"), 20),
    ("canary", "nights-2-table", CanaryLooks, ("policy_version", "look"), 20),
    ("canary", "sizes-table", CanaryLooks, ("policy_version", "units"), 2),
    ("canary", "segments-table", CanarySegments, ("policy_version", "dimension", "value"), 5),
    ("canary", "decisions-table", PolicyPromotions, ("event_id",), 1),
    ("audit", "decisions-1-table", PolicyPromotions, ("event_id",), 4),
    ("audit", "decisions-2-table", PolicyPromotions, ("event_id",), 6),
    ("audit", "versions-2-table", Policies, ("policy_version",), 3),
    ("kaizen", "losses-table", CrlTrends, ("doer", "change_30d"), 3),
    ("kaizen", "canaries-table", CanaryLooks, ("policy_version", "look"), 2),
    ("kaizen", "serving-table", PolicyPerformance, ("policy_id", "policy_version"), 4),
    ("kaizen", "success-table", ExperimentSuccess, ("experiment_type",), 2),
    ("kaizen", "trials-table", Experiments, ("experiment_id",), 3),
]


@pytest.mark.parametrize(("page", "identifier", "table", "keys", "number"), GOLD, ids=str)
def test_every_figure_is_the_tables_own(pages, held, page, identifier, table, keys, number):
    gold = {tuple(row[key] for key in keys): row for row in held[table].to_dicts()}
    shown = list(records(Page(pages[page]), identifier))
    assert len(shown) == number
    compared = 0
    for row in shown:
        known = gold[tuple(row[key] for key in keys)]
        for name in row.keys() & known.keys():
            if isinstance(known[name], float | int | str | None):
                assert row[name] == known[name], name
                compared += 1
    assert compared >= 2 * number


def test_guardrails_and_sizes_by_night_are_the_tables_own(documents, held):
    (grid,) = (
        block
        for section in documents["canary"].sections
        for block in section.blocks
        if getattr(block, "id", "") == "units-table"
    )
    looks = held[CanaryLooks].filter(policy_version="2.2.0").sort("look")
    assert [json.loads(row[3].value) for row in grid.rows] == looks["units"].to_list()
    assert [json.loads(row[1].value) for row in grid.rows] == looks["units_control"].to_list()
    shown = [
        [cell.text for cell in row]
        for section in documents["canary"].sections
        if section.id == "guardrails"
        for row in section.blocks[-1].rows
    ]
    assert [(row[0], row[1], row[2]) for row in shown] == [
        ("Critical security findings", "2.1.0", "held"),
        ("Cost (USD)", "2.1.0", "held"),
        ("Critical security findings", "2.2.0", "held"),
        ("Cost (USD)", "2.2.0", "broken"),
    ]
    broken = json.loads(looks["guardrails"][-1])[1]
    assert shown[3][3] == f"{broken['effect']:+.3g}"


def test_pictures_tell_their_finding_with_its_numbers(pages, held):
    last = held[CanaryLooks].filter(policy_version="2.1.0", look=20).row(0, named=True)
    told = {
        name: re.search(rf'<desc id="{name}-wide-desc">(.*?)</desc>', page)[1]
        for page, name in (
            (pages["canary"], "chart-effect-1"),
            (pages["canary"], "chart-evidence-1"),
            (pages["canary"], "chart-guardrails"),
            (pages["kaizen"], "chart-losses"),
        )
    }
    assert f"After 20 nights the effect is {last['effect']:.4f}".replace("-", "−") in told["chart-effect-1"]
    assert (
        f"{last['sequential_ci_low']:.4f} to {last['sequential_ci_high']:.4f}".replace("-", "−")
        in told["chart-effect-1"]
    )
    assert "The boundary was crossed on night 11." in told["chart-effect-1"]
    assert f"is held against {last['boundary_p']:.4f}" in told["chart-evidence-1"]
    assert "2.2.0: cost (USD) 175.0% of the tolerated, broken" in told["chart-guardrails"]
    assert "coder 0.334, degrading, 3 alarms of its control chart" in told["chart-losses"]
    for words in ("boundary crossed on night 11", "roll back from night 9", "tolerated"):
        assert f">{words}</text>" in pages["canary"]


@pytest.mark.parametrize(("version", "place"), [("2.1.0", 1), ("2.2.0", 2)])
def test_what_a_nightly_t_test_would_have_said_is_what_its_p_says(documents, held, version, place):
    looks = held[CanaryLooks].filter(policy_version=version).sort("look")
    first = looks.filter(pl.col("p_value") < 0.05).row(0, named=True)
    (section,) = (section for section in documents["canary"].sections if section.id == f"candidate-{place}")
    (words,) = (block.text for block in section.blocks if block.type == "paragraph")
    side = "better" if first["effect"] < 0 else "worse"
    assert f"would have called {version} {side} on night {first['look']}," in words
    assert "It is not used" in words
    assert ("7 nights before the boundary was crossed" in words) == (version == "2.1.0")
    assert ("it would not say so any more" in words) == (looks["p_value"][-1] >= 0.05)


def heading(held, looks, version="2.1.0"):
    """What the page of the canary says first of a candidate: its headline, and the sentence under the verdict."""
    page = canary_of(held | {CanaryLooks: looks}, CANARY)
    (section,) = (section for section in page.sections if section.id == "verdict")
    (block,) = section.blocks
    (said,) = (finding.sentence for finding in block.findings if finding.sentence.startswith(version))
    (figure,) = (figure.label for figure in page.figures if figure.label.endswith(version))
    return figure, said


def verdicts(held, *told, version="2.1.0"):
    """The looks at a candidate with these verdicts and reasons, one look each."""
    looks = held[CanaryLooks].filter(pl.col("look") <= len(told))
    own = looks.filter(policy_version=version).sort("look")
    said = [f"It says {verdict} on night {look}." for look, verdict in enumerate(told, 1)]
    own = own.with_columns(verdict=pl.Series(told), reason=pl.Series(said))
    return pl.concat([own, looks.filter(pl.col("policy_version") != version)])


@pytest.mark.parametrize(
    ("told", "brief", "decided", "adds"),
    [
        (("insufficient", "continue"), "Continue", 2, None),
        (("continue", "continue", "promote"), "Promote", 3, None),
        (("continue", "continue", "promote", "continue"), "Promote", 3, 4),  # a pause takes nothing back
        (("continue", "promote", "promote", "promote"), "Promote", 2, 4),
        (("continue", "promote", "continue", "rollback", "rollback"), "Roll back", 4, 5),
        (("promote", "invalid"), "Invalid", 2, None),
    ],
)
def test_after_a_crossing_the_page_says_which_night_decided_and_what_later_nights_add(held, told, brief, decided, adds):
    looks = verdicts(held, *told)
    figure, said = heading(held, looks)
    assert figure == f"{brief}: 2.1.0"
    assert f"It says {told[decided - 1]} on night {decided}." in said
    assert (f"Night {decided} decided it" in said) == (adds is not None)
    if adds is not None:
        assert said.endswith(f"Later nights only add to it; at night {adds}: It says {told[-1]} on night {adds}.")


def test_the_report_and_the_page_of_a_canary_say_the_same_verdict(held):
    looks = verdicts(held, "continue", "promote", "continue")
    data = build(scan_of(held | {CanaryLooks: looks}), as_of=AS_OF)
    (row,) = (row for row in data.learning.canaries.rows if row.policy_version == "2.1.0")
    assert (row.verdict, heading(held, looks)[0]) == ("promote", "Promote: 2.1.0")


def test_a_night_that_shows_no_gain_any_more_takes_a_promotion_back(held):
    looks = verdicts(held, "continue", "promote", "continue")
    turned = (pl.col("policy_version") == "2.1.0") & (pl.col("look") == 3)
    looks = looks.with_columns(effect=pl.when(turned).then(0.01).otherwise("effect"))
    figure, said = heading(held, looks)
    assert figure == "Not any more: 2.1.0"
    assert said.startswith("2.1.0: It may not be promoted any more. Night 2, on ")
    assert said.endswith("said promote; night 3 takes that back: It says continue on night 3.")
    (row,) = (
        row
        for row in build(scan_of(held | {CanaryLooks: looks}), as_of=AS_OF).learning.canaries.rows
        if row.policy_version == "2.1.0"
    )
    assert row.verdict == "continue"


def test_a_small_p_is_not_called_a_fit(held):
    few = {"sample_ratio_p": 1e-6, "runs_ratio_p": 1e-6, "missing_p": 1e-6}
    looks = held[CanaryLooks].with_columns(verdict=pl.lit("invalid"), **{name: pl.lit(p) for name, p in few.items()})
    page = canary_of(held | {CanaryLooks: looks}, CANARY)
    (lead,) = (section.lead for section in page.sections if section.id == "sizes")
    assert lead.count("gives p < 0.001") >= 3
    assert " fit " not in lead
    assert "alike" not in lead


def test_a_shadow_and_a_canary_without_a_decision_have_their_report(held):
    looks = held[CanaryLooks].filter(pl.col("look") <= 2)
    shadow = looks.filter(policy_version="2.1.0").with_columns(
        deployment_id=pl.lit("coder-shadow"), policy_version=pl.lit("1.5.0"), sample_ratio_p=None, p_value=None
    )
    shadow = shadow.cast(dict(tables.schema(CanaryLooks)))
    for name, rows in ((CANARY, looks), ("coder-shadow", shadow)):
        page = report.render_html(canary_of(held | {CanaryLooks: rows}, name))
        assert "too few units" in page
        assert "would have decided nothing so far" in page
    assert "It ended on 13 February 2026, 09:00 UTC: the candidate was validated by ana." in page


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        (("effect",), "After 20 nights the effect is not defined."),
        (("sequential_ci_low", "sequential_ci_high"), r"After 20 nights the effect is −0\.\d{4}; on that night alone it lies in −0\.\d"),
        (("ci_low", "ci_high"), r"; on all nights at once it lies in −0\.\d{4} to −0\.\d{4}\. The boundary"),
        (("ci_low", "ci_high", "sequential_ci_low", "sequential_ci_high"), r"the effect is −0\.\d{4}\. The boundary"),
    ],
)  # fmt: skip
def test_what_is_not_defined_is_left_out_of_the_sentence_on_an_effect(held, lacking, words):
    looks = held[CanaryLooks].with_columns(**dict.fromkeys(lacking, None)).cast(dict(tables.schema(CanaryLooks)))
    found = canary_of(held | {CanaryLooks: looks})
    (section,) = (section for section in found.sections if section.id == "candidate-1")
    described = section.blocks[0].chart.description
    assert re.search(words, described)
    assert "–" not in described
    assert report.render_html(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boundary_p": 0.0}, "nothing of the chance is spent, so that p <0.0001 has no boundary to cross; a t-test"),
        ({"p_boundary": None}, "At the latest check there is no p to hold against a boundary; a t-test of that night alone says"),
        ({"p_value": None}, "; a t-test of that night alone is not defined. The boundary was crossed on night 11."),
    ],
)  # fmt: skip
def test_evidence_that_is_held_against_nothing_is_told_so(held, change, words):
    shown = held[CanaryLooks].with_columns(
        pl.when(pl.col("look") < 20).then(pl.col(name)).otherwise(pl.lit(value, pl.Float64)).alias(name)
        for name, value in change.items()
    )
    (section,) = (item for item in canary_of(held | {CanaryLooks: shown}).sections if item.id == "candidate-1")
    assert words in section.blocks[1].chart.description


def test_one_of_a_kind_is_told_in_the_singular(held):
    ones = held[CanaryLooks].with_columns(
        units_mixed=pl.lit(1, pl.Int64), runs_without_unit=pl.lit(1, pl.Int64), units_misrouted=pl.lit(1, pl.Int64)
    )
    few = held[Deployments].with_columns(minimum_units=pl.lit(1, pl.Int64))
    sections = canary_of(held | {CanaryLooks: ones, Deployments: few}).sections
    (lead,) = (section.lead for section in sections if section.id == "sizes")
    assert lead.startswith(
        "Left out: 1 unit seen under more than one version, 1 run without a unit. 1 unit ran under another version than the "
        "one its hash says. The smaller arm needs 1 unit."
    )


def test_words_cover_what_the_tables_allow():
    assert set(canary_report_words.VERDICTS) == set(VERDICTS)
    assert set(canary_report_words.RESULTS) == set(RESULTS)
    assert set(canary_report_words.METHODS) == set(METHODS)
    assert Canaries().method in canary_report_words.METHODS
    named = {metric: canary_report_words.describe_metric(metric) for metric in METRICS}
    assert Guardrail(metric="cost_usd", margin=0).metric in named
    assert len(set(named.values())) == len(METRICS)
    assert not any("_" in words for words in named.values())


def test_reports_of_learning_are_light_and_ask_for_nothing(pages, papers):
    for name, page in pages.items():
        assert len(page.encode()) < LIGHT
        assert len(papers[name]) < LIGHT
        found = Page(page)
        names = [tag for tag, _ in found.tags]
        assert not {"script", "link", "iframe", "img", "object", "embed", "form"} & set(names)
        levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels))
        identifiers = [given["id"] for _, given in found.tags if "id" in given]
        assert len(identifiers) == len(set(identifiers))
        links = {given["href"] for tag, given in found.tags if tag == "a"}
        assert all(link[1:] in identifiers or link == f"canary-{CANARY}.html" for link in links)


def test_the_papers_are_tagged_and_hold_every_figure(documents, papers):
    for name in ("canary", "audit"):
        laid_out, pdf = documents[name], papers[name]
        assert b"pdfuaid" in pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/Metadata"].get_data()
        kinds, told = tags_of(pdf)
        assert kinds.count("/H1") == len(laid_out.sections)
        text = re.sub(r"\s+", "", text_of(pdf))
        for section in laid_out.sections:
            for block in section.blocks:
                if block.type == "picture":
                    assert any(block.chart.description in words for words in told), block.chart.id
                if block.type == "grid":
                    for cell in (cell for row in block.rows for cell in row):
                        shown = re.sub(r"\s+", "", cell.text)
                        assert (shown.upper() if shown == "override" else shown) in text, (block.id, cell.text)


def test_overrides_refusals_and_signatures_stand_out_in_the_audit(documents, pages):
    text = re.sub(r"<[^>]+>", "", pages["audit"])
    assert "ben promoted coder 1.5.0 to active over the gate canary on 6 February 2026, 09:00 UTC." in text
    assert "coder 1.4.0 is not what its hash says" in text
    figures = {figure.label: figure.value for figure in documents["audit"].figures}
    assert figures == {
        "Policies": "2",
        "Versions": "5",
        "Decisions": "10",
        "Gates skipped": "1",
        "Promotions refused": "1",
        "Signatures verified": "4 of 5",
    }
    assert 'class="verdict is-override"' in pages["audit"]
    rows = Page(pages["audit"]).tables["gates-2-table"][1:]
    assert [cell[0] for cell in rows[0]][1:] == [
        "Replay",
        "refused",
        "No replay of this content has passed; the latest was refused: 61.3 effective units of 100.",
    ]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "verified"),
        ({"document": pl.lit("{}")}, "changed"),
        ({"signature": pl.lit("AAAA")}, "forged"),
        ({"signature": pl.lit("no base64")}, "forged"),
        ({"policy_version": pl.lit("9.9.9")}, "forged"),
        ({"key_id": pl.lit("0" * 16)}, "other key"),
    ],
)
def test_a_signature_says_what_was_changed(held, change, state):
    policies = held[Policies].filter(policy_version="2.0.0").with_columns(**change)
    found = build_audit(scan_of(held | {Policies: policies}), KEY.public_key(), as_of=AS_OF)
    assert list(found.signed.values()) == [state]
    assert list(build_audit(scan_of(held), None, as_of=AS_OF).signed.values()).count("other key") == 4


@pytest.mark.parametrize("text", ["[]", "3", '"ab"', "null", "[[[1],2]]", '["ab"]', "{", "", "[" * 100_000])
def test_a_signed_text_that_is_no_document_is_forged(held, text):
    signed = (
        held[Policies]
        .filter(policy_version="2.0.0")
        .with_columns(
            document=pl.lit(text),
            content_sha256=pl.lit(signing.content_hash(text)),
            signature=pl.lit(signing.sign_document(text, KEY)),
        )
    )
    found = build_audit(scan_of(held | {Policies: signed}), PUBLIC, as_of=AS_OF)
    assert list(found.signed.values()) == ["forged"]


def test_text_from_outside_stays_text(pages):
    known = {tag for page in pages.values() for tag, _ in Page(page).tags}
    for kind, found in made(hostile(), HOSTILE_CANARY).items():
        page = report.render_html(found)
        tags = Page(page).tags
        assert {tag for tag, _ in tags} <= known
        assert not [given for _, given in tags if any(name.startswith("on") for name in given)]
        assert len(page.encode()) < LIGHT
        assert "&lt;script&gt;" in page
        text = re.sub(r"\s+", "", text_of(report.render_pdf(found)))
        assert "#panic()#eval" in text, kind
        assert "\u202e" not in re.sub(r"<[^>]+>", "", page) + text


def test_json_that_says_something_else_is_passed_over(held):
    looks = held[CanaryLooks].with_columns(guardrails=pl.lit('{"click_rate": 0.03}'))
    decided = held[PolicyPromotions].with_columns(gates=pl.lit('{"click_rate": [1]}'))
    for text in ("nonsense", '{"gates": 3}', "[]"):
        odd = decided.with_columns(gates=pl.lit(text))
        found = made(held | {CanaryLooks: looks, PolicyPromotions: odd})
        assert "guardrails" not in {section.id for section in found["canary"].sections}
        assert report.render_html(found["audit"])


def test_a_canary_of_many_candidates_and_nights_stays_light(held):
    many = [f"3.{number}.0" for number in range(12)]
    looks = pl.concat(
        held[CanaryLooks]
        .filter(policy_version="2.1.0")
        .with_columns(
            policy_version=pl.lit(version),
            look=pl.col("look") + 20 * part,
            looked_on=pl.col("looked_on") + timedelta(days=20 * part),
        )
        for version in many
        for part in range(6)
    )
    started = (
        held[Deployments].head(1).with_columns(candidate_versions=pl.lit(many), candidate_shares=pl.lit([0.04] * 12))
    )
    found = canary_of(held | {CanaryLooks: looks, Deployments: started}, as_of=AS_OF + timedelta(days=100))
    assert len(report.render_html(found).encode()) < LIGHT
    assert len(report.render_pdf(found)) < LIGHT


def test_an_audit_of_many_decisions_stays_light(held):
    many = pl.concat(
        held[PolicyPromotions].with_columns(
            event_id=pl.col("event_id") + f"-{number}",
            policy_id=pl.lit(f"policy-{number % 40}"),
            occurred_at=pl.col("occurred_at") + timedelta(minutes=number),
        )
        for number in range(400)
    )
    found = audit_of(held | {PolicyPromotions: many})
    assert len(report.render_html(found).encode()) < LIGHT
    assert len(report.render_pdf(found)) < LIGHT
    figures = {figure.label: figure.value for figure in found.figures}
    assert (figures["Policies"], figures["Decisions"], figures["Gates skipped"]) == ("40", "4,000", "400")
    text = html.unescape(re.sub(r"<[^>]+>", "", report.render_html(found)))
    assert "381 more; the lake's tables have them all." in text, "400 skipped gates and a changed version, 20 named"
    assert "Of 40 policies the 15 with the latest decisions follow." in text
    assert len([section for section in found.sections if section.title.startswith("Policy ")]) == 15


def test_the_audit_knows_what_is_active_however_many_versions_are_newer(held):
    (active,) = held[Policies].filter(policy_version="2.0.0").to_dicts()
    drafts = [
        active
        | {
            "policy_version": f"9.{number}.0",
            "status": "draft",
            "created_at": active["created_at"] + timedelta(days=1, minutes=number),
        }
        for number in range(60)
    ]
    rows = pl.DataFrame([active, *drafts], schema=held[Policies].schema)
    (section,) = (
        section for section in audit_of(held | {Policies: rows}).sections if section.title == "Policy planner"
    )
    assert "planner runs under 2.0.0 since 8 February 2026, 09:00 UTC, by ben." in section.lead
    (versions,) = (block for block in section.blocks if block.id.startswith("versions-"))
    assert versions.note.startswith("40 of 61 rows shown")


def told_columns(found):
    """Columns of which a report says what they mean, by table, as it calls them."""
    terms = {
        block.heading: [term for term, _ in block.terms]
        for section in found.sections
        if section.id == "method"
        for block in section.blocks
        if block.heading
    }
    return {heading: names for heading, names in terms.items() if heading != "From runs to a verdict"}


def test_what_is_explained_is_shown(documents):
    for name in ("canary", "audit"):
        found = documents[name]
        shown = {
            column
            for section in found.sections
            for block in section.blocks
            if block.type == "grid"
            for row in block.rows
            for cell in row
            for column in cell.names.split()
        }
        # These stand in sentences: of the sizes, the guardrails, the design and the figures at the head.
        told = {"units_mixed", "units_misrouted", "guardrails", "minimum_units", "max_loss_increase", "lift"}
        told |= {"runs_ratio_p", "missing_p"}
        # And these in words of the table of decisions.
        told |= {"gates", "archived_version", "approved_at"}
        names = {
            label_of(table, column)
            for table in tables.TABLES
            for column in (shown | told).intersection(tables.columns(table))
        }
        explained = {term for terms in told_columns(found).values() for term in terms}
        assert explained
        assert explained <= names


def test_where_there_is_nothing_there_is_no_section_and_no_file(tmp_path):
    scan = scan_of(full())
    assert learning_section(build(scan, as_of=AS_OF)) is None
    assert write_canaries(scan, tmp_path, as_of=AS_OF) == ()
    assert write_canary(scan, tmp_path, CANARY, as_of=AS_OF) == ()
    assert write_audit(scan, tmp_path, PUBLIC, as_of=AS_OF) == ()
    assert list(tmp_path.iterdir()) == []


def test_each_report_lies_under_its_date_and_equal_tables_make_equal_bytes(held, tmp_path):
    written = {}
    for turn, shuffled in (("one", False), ("two", True)):
        turned = {table: frame.reverse() if shuffled else frame for table, frame in held.items()}
        scan = scan_of(turned)
        paths = write_canaries(scan, tmp_path / turn, as_of=AS_OF)
        paths += write_audit(scan, tmp_path / turn, PUBLIC, as_of=AS_OF)
        written[turn] = {path.relative_to(tmp_path / turn).as_posix(): path.read_bytes() for path in paths}
    assert list(written["one"]) == [
        f"2026-03-02/canary-{CANARY}.html",
        f"2026-03-02/canary-{CANARY}.pdf",
        "2026-03-02/policy-audit.html",
        "2026-03-02/policy-audit.pdf",
    ]
    assert written["one"] == written["two"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 200, "CON", "Ümlaut", "", "x\x00y"])
def test_a_name_is_never_a_path(held, tmp_path, name):
    changed = {
        table: held[table].filter(deployment_id=CANARY).with_columns(deployment_id=pl.lit(name))
        for table in (Deployments, CanaryLooks)
    }
    page, paper = write_canary(scan_of(changed), tmp_path, name, as_of=AS_OF)
    assert page.parent == paper.parent == tmp_path / "2026-03-02"
    assert re.fullmatch(r"canary-sha256-[0-9a-f]{64}\.html", page.name)


def test_an_ended_deployment_is_reported_once_more_then_on_request(held):
    ended = pl.lit(START + timedelta(days=10)).cast(tables.schema(Deployments)["ended_at"])
    over = held[Deployments].with_columns(status=pl.lit("ended"), ended_at=ended)
    scan = scan_of(held | {Deployments: over})
    assert current(scan, as_of=START + timedelta(days=10, hours=1)) == (CANARY,)
    assert current(scan, as_of=AS_OF) == ()
    assert current(scan, as_of=AS_OF, since=START) == (CANARY,)
    assert build_canary(scan, CANARY, as_of=AS_OF) is not None


def test_the_section_says_when_somebody_forced_what_serves(documents):
    (section,) = (section for section in documents["kaizen"].sections if section.id == "learning")
    rows = next(block for block in section.blocks if getattr(block, "id", "") == "serving-table").rows
    assert [cell.text for cell in rows[0][:3]] == ["coder 1.5.0", "active", "override"]
    assert "1 agent is improving, 1 agent is degrading, 1 agent is flat. 2 candidates run beside" in section.lead


def test_the_section_counts_every_doer_and_every_alert_not_only_those_it_lists(held):
    doers = pl.concat(held[CrlTrends].with_columns(doer=pl.col("doer") + f"-{number}") for number in range(13))
    raised = pl.concat(held[Alerts].with_columns(alert_id=pl.col("alert_id") + f"-{number}") for number in range(9))
    alone = held[CanaryLooks].filter(policy_version="2.1.0")
    section = learning_section(
        build(scan_of(held | {CrlTrends: doers, Alerts: raised, CanaryLooks: alone}), as_of=AS_OF)
    )
    assert (
        "13 agents are improving, 13 agents are degrading, 13 agents are flat. 1 candidate runs beside its control."
        in (section.lead)
    )
    headlines, more = section.blocks[:2]
    assert len(headlines.findings) == 10
    assert more.text == f"{raised.height - 10} older alerts also stand; the lake's table has them all."
