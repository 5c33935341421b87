"""The engine: what it does, what it refuses and why, and documents whose figures are those of the tables."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from kaizenlake import AutoExecutionEngine, ExecutionContext
from kaizenlake.decide.agency import brands, schedule, tasks
from kaizenlake.decide.agency.tasks import TaskDraft
from kaizenlake.generate.agency.facts import LACKING, gather
from kaizenlake.generate.agency.task_types import ALIASES, TYPES
from kaizenlake.generate.markdown_templates import escape_markdown
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.readiness.enforce import enforce
from kaizenlake.tables import KpiTargets
from kaizenlake.text.markdown import read_markdown
from publish.context_frames import fill, pattern, scoped_pattern

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVIL = "Acme *Bakery*\n# {{ 7 * 7 }} {% raw %} <script>alert(1)</script> [x](http://x)"
RATES = (10, 20, 30, 40, 50, 60, 70, 80)
"""Engagements of the posts of the brand per 1,000 impressions."""


FULL = {
    "brand_id": "full",
    "name": "Daily Rye",
    "offer": "Rye bread by post, sent on the day it is baked",
    "audience": "People who work from home",
    "voice": "Warm and short",
    "competitors": ["Crumb", "Loaf"],
    "claims": ["Baked this morning", "Organic flour"],
    "zone": "Europe/Berlin",
    "logo": "rye.svg",
    "holidays": ["2026-12-25"],
    "projects": ["full-project"],
}


def full_posts():
    """A hundred posts of a brand that is described in full; those that ask are answered twice as often."""
    texts = ("Our rye is fresh today, number", "Do you know how rye smells? It is number")
    return [
        {
            "id": f"full-{number}",
            "type": "PERFORMANCE_RECORDED",
            "occurred_at": (AT - timedelta(hours=number)).isoformat(),
            "project_id": "full-project",
            "payload": {
                "content_id": f"full-{number}",
                "brand_id": "full",
                "platform": ("instagram", "linkedin")[number // 2 % 2],
                "impressions": 1000,
                "engagements": 30 + 30 * (number % 2) + 40 * (number % 5 < 2) + number % 7,
                "content_type": "photo" if number % 5 < 2 else "link",
                "clicks": 5 + number % 9,
                "text": f"{texts[number % 2]} {number}",
                "posted_weekday": ("monday", "tuesday", "thursday")[number % 3],
                "posted_hour": 8 + number % 2,
            },
        }
        for number in range(100)
    ]


def full_days():
    """Ten days of the newsletter and of the website of that brand."""
    told = {
        "email": {"impressions": 1000, "opens": 250, "clicks": 50},
        "website": {"impressions": 500, "conversions": 10},
    }
    return [
        {
            "id": f"{platform}-{number}",
            "type": "PERFORMANCE_RECORDED",
            "occurred_at": (AT - timedelta(days=number)).isoformat(),
            "payload": {"content_id": f"{platform}-{number}", "brand_id": "full", "platform": platform, **figures},
        }
        for platform, figures in told.items()
        for number in range(10)
    ]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake with eight posts of a brand, one of another, and a night."""
    folder = tmp_path_factory.mktemp("engine")
    made = Lake.create(folder / "lake")
    posts = [("acme", "project-1" if number % 2 else None, rate) for number, rate in enumerate(RATES)]
    posts = [("acme" if project is None else None, project, rate) for _, project, rate in posts] + [
        ("rival", None, 900)
    ]
    lines = (
        full_posts()
        + full_days()
        + [
            {
                "id": f"post-{number}",
                "type": "PERFORMANCE_RECORDED",
                "occurred_at": (AT + timedelta(hours=number)).isoformat(),
                "payload": {
                    "content_id": f"c{number}",
                    "platform": "instagram",
                    "impressions": 1000,
                    "engagements": rate,
                    "text": f"Bread number {number} | <b>fresh</b>",
                }
                | ({"brand_id": brand} if brand else {}),
            }
            | ({"project_id": project} if project else {})
            for number, (brand, project, rate) in enumerate(posts)
        ]
    )
    file = folder / "posts.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert land(made, file).landed == len(lines)
    told = {"brand_id": "acme", "name": EVIL, "offer": "Bread by post", "claims": [EVIL], "projects": ["project-1"]}
    brands.describe(made, told)
    brands.describe(made, FULL)
    assert nightly(made, as_of=datetime.now(UTC) + timedelta(hours=1)).exit_code == 0
    return made


def test_wording_comes_from_the_posts_of_the_brand_and_is_no_kind_of_post(lake):
    own, other = gather(lake, "full"), gather(lake, "acme")
    assert {item.short for item in own.parts["works"]} >= {"question", "content type photo"}
    assert "content type photo" not in {item.short for item in own.parts["wording"]}
    for item in own.parts["wording"]:
        assert own.evidence[item.evidence - 1]["table"] == "gold.scoped_patterns"
        assert "workspace" not in item.text
    # A brand without patterns of its own is told those of all, as such.
    assert all("in the whole workspace" in item.text for item in other.parts["works"])
    rewrite = AutoExecutionEngine(ExecutionContext(), lake).execute_task(
        "t", task(brand_id="full", task_type="email_rewrite")
    )
    rows = [line for line in rewrite.output["markdown"].splitlines() if line.startswith("| Welcome")]
    assert any("question" in row for row in rows)
    assert not any("photo" in row for row in rows)


def test_what_own_experiments_leave_open_is_recommended_by_no_observation(tmp_path):
    held = Lake.create(tmp_path / "lake")
    unclear = scoped_pattern("tone", "warm", "unclear", 0.01, evidence="experiment", experiments=9, q_value=0.8)
    observed = scoped_pattern("tone", "warm", "works", 0.5, evidence="observation")
    fill(held, unclear, observed, pattern("tone", "warm", "works", 0.4), pattern("tone", "bold", "works", 0.3))
    for brand_id in ("one", "two"):
        brands.describe(
            held, {"brand_id": brand_id, "name": brand_id, "projects": ["p1"] if brand_id == "one" else ["p2"]}
        )
    found = gather(Lake(held.root), "one")
    assert [item.short for item in found.parts["works"]] == ["tone bold"]
    # A project that two brands name is of none: what was learned there is told as that of the workspace.
    brands.describe(held, {"brand_id": "two", "name": "two", "projects": ["p1"]})
    told = {item.short: item.text for item in gather(Lake(held.root), "one").parts["works"]}
    assert set(told) == {"tone warm", "tone bold"}
    assert all("workspace" in text for text in told.values())


def task(**changes):
    return {"task_id": "t", "task_type": "kpi_definition", "brand_id": "acme", "approval_status": "approved"} | changes


def add(lake, name, **fields):
    draft = TaskDraft(**{"brand_id": "acme", "task_type": "kpi_definition", "task_id": name} | fields)
    tasks.propose(lake, lambda _: [draft], by="ann")


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, []),
        ({"task_type": "rewrite_email_sequence"}, []),
        ({"task_type": "send_money"}, ["task_type: 'send_money' is none of social_variants"]),
        ({"brand_id": " "}, ["brand_id: the brand that it is for"]),
        ({"approval_status": "pending"}, ["approval: there is no such task in the lake"]),
        ({"task_type": None, "brand_id": None, "approval_status": None}, ["task_type", "brand_id", "approval"]),
    ],
)
def test_what_is_missing_is_said(lake, changes, missing):
    found = AutoExecutionEngine(lake=lake).classify_executability(task(**changes))
    assert found.status == ("NOT_EXECUTABLE" if missing else "READY_TO_RUN")
    assert len(found.missing) == len(missing)
    assert all(told.startswith(start) for told, start in zip(found.missing, missing, strict=True))


def test_every_type_makes_a_document_that_reads_as_markdown_and_says_what_it_does_not_know(lake):
    engine = AutoExecutionEngine(ExecutionContext(dry_run=True, operator_id="ann"), lake)
    assert len(TYPES) == 15
    results = engine.execute_batch([task(task_id=kind.name, task_type=kind.name) for kind in TYPES], max_tasks=20)
    assert {result.status for result in results} == {"COMPLETED_PREVIEW"}
    for kind, result in zip(TYPES, results, strict=True):
        output = result.output
        assert {"markdown", "pack", "section", "evidence", "unknown"} <= set(output)
        headings = [block.text for block in read_markdown(output["markdown"]).blocks if block.kind == "heading"]
        assert "Evidence" in headings
        assert ("To be answered" in headings) == bool(output["unknown"])
        assert "<script>" not in output["markdown"]
        asked = {told.split(":")[0] for told in output["unknown"]}
        assert asked & {*kind.parts} <= {*LACKING}
        assert asked & {"offer", "audience", "voice", "competitors", "claims", "logo", "zone", "budget"} == set(
            kind.needs
        ) - {
            "offer",
            "claims",
            "zone",
        }
        assert "{{ 7" in output["markdown"].replace("\\", ""), "a name is no template"
        assert "rival" not in output["markdown"]
        assert "900" not in output["markdown"], "the post of another brand"
        assert ".- " not in output["markdown"]
        assert result.duration_seconds > 0
        assert result.logs[0] == "READY_TO_RUN: nothing is missing"
    assert set(ALIASES.values()) <= {kind.name for kind in TYPES}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_the_brief_of_a_brand_that_is_known_keeps_the_benchmark_of_its_section(lake, kind):
    output = AutoExecutionEngine(lake=lake).execute_task("t", task(task_type=kind.name, brand_id="full")).output
    enforce(output["markdown"], kind.pack, kind.section)
    assert (output["readiness"], output["verdict"]) == ([], "PASS")
    assert (output["pack"], output["section"]) == (kind.pack, kind.section)
    # What it prints of the tables has its row, and what it does not know is asked for.
    cited = {int(number) for number in re.findall(r"\((\d+)\)", output["markdown"].partition("## Evidence")[0])}
    assert cited == {row["number"] for row in output["evidence"]} != set()
    asked = {told.partition(":")[0] for told in output["unknown"]}
    assert asked <= {"works", "avoid", "strengths", "weaknesses", "budget"}
    named = set(kind.needs) - {"budget"}
    assert all(escape_markdown(FULL[name]) in output["markdown"] for name in named if isinstance(FULL[name], str))
    assert "rival" not in output["markdown"]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_brief_that_knows_nothing_of_its_brand_is_not_ready_and_says_which_facts_are_missing(lake, kind):
    output = AutoExecutionEngine(lake=lake).execute_task("t", task(task_type=kind.name, brand_id="nobody")).output
    assert output["verdict"] == "FAIL"
    missing = next(rule for rule in output["readiness"] if rule["rule"] == "MISSING_FACTS")
    named = {name.partition(":")[0].replace("_", " ") for name in output["unknown"]}
    assert {*missing["wanted"].split(", ")} <= named


def test_a_workspace_of_a_lake_without_tenants_is_only_a_name(lake):
    context = ExecutionContext(dry_run=True, operator_id="ann", workspace_id="w")
    assert AutoExecutionEngine(context, lake).execute_task("t", task()).status == "COMPLETED_PREVIEW"


@pytest.mark.parametrize(
    ("kind", "target", "other"),
    [
        ("email_rewrite", r"25(\.0+)?% email open rate", "engagement rate"),
        ("website_copy", r"\b2(\.0+)?% website conversion rate", "click rate"),
    ],
)
def test_a_letter_or_a_page_has_to_beat_the_rates_of_its_own_channel(lake, kind, target, other):
    written = AutoExecutionEngine(lake=lake).execute_task("t", task(task_type=kind, brand_id="full")).output["markdown"]
    aims = "".join(
        line
        for line in written.partition("## Evidence")[0].splitlines()
        if "beat" in line or "aim at" in line or "| Welcome" in line
    )
    assert re.search(target, written)
    assert other not in aims.replace("email click rate", "")


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_type_declares_the_facts_and_parts_that_its_template_prints(kind):
    folder = resources.files("kaizenlake.generate.agency") / "templates"
    text = (folder / f"{kind.name}.md.j2").read_text(encoding="utf-8")
    for name in re.findall(r'include "(.+?)"', text):
        text += (folder / name).read_text(encoding="utf-8")
    facts = set(re.findall(r'page\.fact\("(\w+)"', text))
    parts = set(re.findall(r'page\.(?:pick|bullets|tell)\("(\w+)"', text)) | (
        {"hours"} if "page.hour(" in text else set()
    )
    told = {"claims", "competitors", "holidays"}
    assert set(kind.needs) - {"budget"} == facts | parts & (told - {"holidays"})
    assert set(kind.parts) == parts - told


def test_targets_are_quartiles_of_the_brands_own_posts_and_their_row_is_the_evidence(lake):
    (row,) = lake.scan(KpiTargets).filter(brand_id="acme", metric="engagement_rate").collect().iter_rows(named=True)
    shown = sorted(rate / 1000 for rate in RATES)
    assert (row["contents"], row["low_rate"], row["target_rate"]) == (8, shown[2], shown[5])
    assert row["median_rate"] in {shown[3], shown[4]}
    output = AutoExecutionEngine(lake=lake).execute_task("t", task()).output
    assert "which at least a quarter of them reached (1)." in output["markdown"]
    assert output["evidence"][0] == {
        "number": 1,
        "table": "gold.kpi_targets",
        **{name: value for name, value in row.items() if name != "tenant_id"},
    }
    asked = AutoExecutionEngine(lake=lake).execute_task("t", task(task_type="brand_positioning")).output["unknown"]
    assert [told.split(":")[0] for told in asked if not told.startswith("hours")] == [
        "audience",
        "voice",
        "competitors",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 4.2 % (x) a-b", "plain 4.2 % (x) a-b"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("a | b & <i>\n`c` [d](e) ~f~ \\", r"a \| b \& \<i\> \`c\` \[d\](e) \~f\~ " + "\\\\"),
    ],
)
def test_texts_of_others_are_text(text, shown):
    assert escape_markdown(text) == shown


def test_without_dry_run_only_an_approval_in_the_lake_counts_and_what_came_of_it_is_kept(lake):
    engine = AutoExecutionEngine(ExecutionContext(dry_run=False, operator_id="ann"), lake)
    assert engine.execute_task("no-such", task()).status == "NOT_EXECUTABLE"
    add(lake, "real")
    assert "nobody approved it" in engine.execute_task("real", task()).reason
    tasks.approve(lake, "real", by="bob")
    assert "of another type or brand" in engine.execute_task("real", task(task_type="swot_analysis")).reason
    done = engine.execute_task("real", task())
    assert done.status == "COMPLETED"
    row = tasks.state(lake).task("real")
    assert (row["status"], row["execution_id"]) == ("completed", done.execution_id)
    assert json.loads(row["output"])["markdown"] == done.output["markdown"]
    again = engine.execute_task("real", task())
    assert again.status in {"SKIPPED", "NOT_EXECUTABLE"}
    assert "is completed" in again.reason


def test_a_preview_puts_nothing_on_record_and_is_the_same_each_time(lake):
    before = tasks.state(lake).steps.height
    engine = AutoExecutionEngine(lake=lake)
    assert engine.execute_task("t", task()) == engine.execute_task("t", task())
    assert tasks.state(lake).steps.height == before


def test_a_tick_does_by_the_engine_and_leaves_what_it_does_not_know(lake):
    for name, kind in (("known", "swot_analysis"), ("unknown", "send_money")):
        add(lake, name, task_type=kind)
        tasks.approve(lake, name, by="bob")
        schedule.schedule_task(lake, name, AT)
    ran = AutoExecutionEngine(ExecutionContext(dry_run=False), lake).runtime().tick(AT)
    assert {run.task_id: run.status for run in ran} == {"known": "completed", "unknown": "NOT_EXECUTABLE"}
    assert "'send_money' is none of" in ran[-1].reason
    assert tasks.state(lake).task("unknown")["status"] == "scheduled"
