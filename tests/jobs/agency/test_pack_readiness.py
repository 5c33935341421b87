"""Productions of packs, why they fail, and whether their sections are fit to be sold; a stub counts nowhere."""

import json

import pytest

from jobs.drawn import day, events, frame, through
from kaizenlake.cli.app import app
from kaizenlake.errors import BenchmarkEnforcementError, UsageError
from kaizenlake.events.write.log import event_line
from kaizenlake.jobs.agency.pack_failures import pack_failures
from kaizenlake.jobs.agency.pack_readiness import pack_readiness
from kaizenlake.jobs.agency.pack_runs import pack_runs
from kaizenlake.jobs.agency.section_readiness import STUB_RULE, section_readiness
from kaizenlake.jobs.outcomes.outcome_subjects import outcome_subjects
from kaizenlake.lake.landing.landing import land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.night.fingerprint import pure_files
from kaizenlake.night.run import nightly
from kaizenlake.readiness import judge
from kaizenlake.readiness.benchmarks import packs
from kaizenlake.readiness.drafts import find_drafts
from kaizenlake.tables import PackReadiness, Packs
from readiness.drawn_sections import write_section

LATER = day(400)
QUICK = "quick_social_basic"
CORE = ("overview", "copy_variants", "detailed_30_day_calendar", "final_summary")


def section(number, section_id, text=None, pack_key=QUICK, **more):
    at = day(number)
    return {
        "event_id": f"e{number}-{section_id}",
        "event_type": "SECTION_GENERATED",
        "occurred_at": at,
        "event_date": at.date(),
        "pack_key": pack_key,
        "section_id": section_id,
        "text": text,
    } | more


def good(section_id, pack=QUICK):
    return write_section(pack, section_id, 1)[0]


def state(rows):
    """What is known of the one pack of some sections."""
    (row,) = through(section_readiness, pack_readiness, given={Packs: frame(Packs, rows)}, as_of=LATER).rows(named=True)
    return row


def test_a_pack_is_ready_when_the_latest_real_text_of_every_core_section_is():
    rows = [section(1, name, good(name)) for name in CORE]
    assert state(rows)["is_ready"]
    assert state(rows)["verdict"] in {"PASS", "PASS_WITH_WARNINGS"}
    assert state(rows[1:])["sections_missing"] == ["overview"]
    assert not state(rows[1:])["is_ready"]

    worse = state([*rows, section(2, "overview", "Lorem ipsum.")])
    assert (worse["is_ready"], worse["verdict"], worse["sections_failed"]) == (False, "FAIL", ["overview"])
    assert state([*rows, section(0, "overview", "Lorem ipsum.")])["is_ready"]


def test_a_stub_is_never_ready_and_takes_no_real_text_away():
    rows = [section(1, name, good(name), is_stub=name == "overview") for name in CORE]
    found = state(rows)
    assert (found["is_ready"], found["sections_only_stub"], found["sections_missing"]) == (
        False,
        ["overview"],
        ["overview"],
    )
    only = state([section(1, name, good(name), is_stub=True) for name in CORE])
    assert (only["is_ready"], only["verdict"], only["sections_passed"]) == (False, None, [])
    # A stub that comes later hides nothing, and a real text ends the time of stubs.
    assert state([*(section(1, name, good(name)) for name in CORE), section(3, "overview", "Soon.", is_stub=True)])[
        "is_ready"
    ]

    judged = through(section_readiness, given={Packs: frame(Packs, rows)}, as_of=LATER)
    (stub,) = judged.filter(is_stub=True).rows(named=True)
    assert (stub["rule"], stub["verdict"], stub["section_verdict"]) == (STUB_RULE, "FAIL", "FAIL")


def test_what_cannot_be_judged_is_named():
    found = state(
        [
            section(1, "overview"),
            section(1, "weekly_jokes", "Ha."),
            section(1, "final_summary", "Short."),
            section(1, "Final Summary", good("final_summary"), pack_key="Quick Social Basic v2") | {"event_id": "last"},
        ]
    )
    assert found["sections_without_text"] == ["overview"]
    assert found["sections_without_benchmark"] == ["weekly_jokes"]
    assert len(found["sections_passed"] + found["sections_with_warnings"]) == 1
    other = state([section(1, "overview", good("overview"), pack_key="our_own_pack")])
    assert (other["has_benchmark"], other["is_ready"], other["verdict"]) == (False, False, None)


def test_every_rule_stands_in_the_table_with_what_was_found():
    judged = through(
        section_readiness,
        given={Packs: frame(Packs, [section(1, "awareness_strategy", "# Objective\n\nlorem\nipsum")])},
        as_of=LATER,
    )
    rules = judge.judge("# Objective\n\nlorem\nipsum", QUICK, "awareness_strategy")
    assert judged.height == len(rules)
    told = {(row["rule"], row["about"]): row for row in judged.rows(named=True)}
    words = told["TOO_FEW_WORDS", ""]
    assert (words["found"], words["wanted"], words["verdict"]) == ("3", "280", "FAIL")
    assert told["MISSING_HEADING", "Objective"]["text_line"] == 1
    assert told["FORBIDDEN_PHRASE", "lorem ipsum"]["text_line"] == 3
    assert {row["section_verdict"] for row in told.values()} == {"FAIL"}


def test_a_text_that_comes_again_is_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(judge, "read_markdown", lambda text: read.append(text) or real(text))
    real = __import__("kaizenlake.text.markdown", fromlist=["read_markdown"]).read_markdown
    monkeypatch.setattr(judge, "_KEPT", {})
    rows = [section(number, "overview", f"Text {number % 2}.") for number in range(1, 9)]
    assert through(section_readiness, given={Packs: frame(Packs, rows)}, as_of=LATER)["event_id"].n_unique() == 8
    assert sorted(read) == ["Text 0.", "Text 1."]


STORY = """
    0    PACK_STARTED       pack_key=quick_social_basic project_id=p pack_run_id=r sections_planned=3
    0.1  SECTION_GENERATED  pack_key=quick_social_basic project_id=p pack_run_id=r section_id=a
    0.2  SECTION_FAILED     pack_key=quick_social_basic project_id=p pack_run_id=r section_id=b reason=timeout
    0.3  SECTION_FAILED     pack_key=quick_social_basic project_id=p pack_run_id=r section_id=c reason=timeout
    0.4  SECTION_GENERATED  pack_key=quick_social_basic project_id=p pack_run_id=r section_id=c
    0.5  PACK_COMPLETED     pack_key=quick_social_basic project_id=p pack_run_id=r
    0.6  PACK_QUALITY_FAILED pack_key=quick_social_basic project_id=p pack_run_id=r gates_passed=2 gates_total=3
    1    PACK_STARTED       pack_key=own_pack_premium project_id=p
    2    PACK_FAILED        pack_key=own_pack_premium project_id=p reason=budget error_type=Late
    3    PACK_STARTED       pack_key=own_pack_premium project_id=p
"""


def test_productions_tell_how_they_went():
    found = through(pack_runs, given={Packs: events(Packs, STORY)}, as_of=LATER).sort("started_at").rows(named=True)
    done, failed, open_ = found
    assert (done["pack_run_id"], done["status"], done["pack_tier"]) == ("r", "completed", "basic")
    assert done["duration_seconds"] == pytest.approx(0.5 * 86_400)
    counts = ("sections_planned", "sections_generated", "sections_failed", "gates_passed", "gates_total")
    assert [done[name] for name in counts] == [3, 2, 1, 2, 3]
    assert (done["passed_quality"], done["failure_reason"], done["is_stub"]) == (False, None, False)
    assert (failed["status"], failed["failure_reason"], failed["error_type"]) == ("failed", "budget", "Late")
    assert (failed["pack_family"], failed["pack_run_id"]) == ("own_pack", "own_pack_premium#1")
    assert (open_["status"], open_["duration_seconds"], open_["ended_at"]) == ("started", None, None)


def test_reasons_of_failures_are_counted():
    packs = events(Packs, STORY)
    found = through(pack_failures, given={Packs: packs}, as_of=LATER)
    counted = {(row["part"], row["section_id"], row["reason"]): row["failures"] for row in found.rows(named=True)}
    assert counted == {
        ("section", "b", "timeout"): 1,
        ("section", "c", "timeout"): 1,
        ("quality", None, "no reason told"): 1,
        ("pack", None, "budget"): 1,
    }


@pytest.mark.parametrize("is_stub", [True, False, None])
def test_a_production_that_holds_a_stub_is_no_outcome(is_stub):
    story = """
        0   PACK_STARTED   pack_key=a project_id=p pack_run_id=r
        0.5 PACK_COMPLETED pack_key=a project_id=p pack_run_id=r
    """
    stub = section(0.2, "overview", "Soon.", "a", project_id="p", pack_run_id="r", is_stub=is_stub)
    packs = events(Packs, story).collect().vstack(frame(Packs, [stub]).collect()).lazy()
    found = through(outcome_subjects, given={Packs: packs}, as_of=LATER)
    assert found.is_empty() is (is_stub is True)
    (run,) = through(pack_runs, given={Packs: packs}, as_of=LATER).rows(named=True)
    assert run["is_stub"] is (is_stub is True)


def test_a_text_that_was_only_tried_begins_no_production():
    tried = events(Packs, "1 SECTION_TRIED pack_key=a project_id=p section_id=overview verdict=FAIL")
    for job in (outcome_subjects, pack_runs, pack_readiness):
        assert through(job, given={Packs: tried}, as_of=LATER).is_empty()


def said(capsys, *words):
    """What a command of this process says."""
    app([*map(str, words)], standalone_mode=False)
    return capsys.readouterr().out


SECRET = "Zanzibar placeholder"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake after a night with a pack that is ready, one that fails, and stubs."""
    lake = Lake.create(tmp_path_factory.mktemp("lake"))
    told = [(QUICK, name, good(name), None) for name in CORE]
    told += [("launch_gtm_pack", "overview", "Lorem ipsum.", None)]
    told += [("launch_gtm_pack", "persona_cards", SECRET, True)]
    lines = [
        event_line("SECTION_GENERATED", {"pack_key": p, "section_id": s, "text": t, "is_stub": stub}, project_id="acme",
                   occurred_at=day(number))
        for number, (p, s, t, stub) in enumerate(told)
    ]  # fmt: skip
    lake.path("landing", "sections.ndjson").write_bytes(b"".join(line.text + b"\n" for line in lines))
    land_folder(lake)
    assert nightly(lake, as_of=LATER).exit_code == 0
    return lake


def test_the_night_judges_what_landed_and_commands_say_it(lake, capsys):
    assert lake.scan(PackReadiness).collect().height == 2
    ready = said(capsys, "readiness", "quick social basic", "--lake", lake.path())
    assert "ready; 4 sections pass" in ready or "style" in ready
    with pytest.raises(BenchmarkEnforcementError, match="1 section fails"):
        said(capsys, "readiness", "--all", "--lake", lake.path())
    every = capsys.readouterr().out
    for words in ("TOO_FEW_WORDS: found 2, wanted at least 80. Add at least 78 words.", "FORBIDDEN_PHRASE, line 1",
                  "retention_crm_booster: never generated.", "only ever a stub: persona_cards"):  # fmt: skip
        assert words in every
    looked = said(capsys, "doctor", "--readiness", "--lake", lake.path())
    assert "quick_social_basic: ready;" in looked
    assert "launch_gtm_pack: not ready;" in looked
    assert "only ever a stub: persona_cards" in looked
    states = json.loads(said(capsys, "doctor", "--readiness", "--json", "--lake", lake.path()))
    assert [one["pack"] for one in states if one["is_ready"]] == [QUICK]
    with pytest.raises(UsageError, match="quick_social_basic"):
        said(capsys, "readiness", "quick_social", "--lake", lake.path())


def test_a_changed_benchmark_has_every_text_judged_again():
    counted = {path.name for path in pure_files()}
    assert {"judge.py", "sentences.py", "markdown.py"} <= counted
    assert {f"section_benchmarks.{pack}.json" for pack in packs()} <= counted


def test_no_word_of_a_stub_leaves_the_lake(lake):
    published = [path for path in lake.path("published").rglob("*") if path.is_file()]
    assert published
    assert not any(SECRET.encode() in path.read_bytes() for path in published)


def test_files_are_judged_without_a_lake(tmp_path, capsys):
    whole = "# Pack\n\n" + "\n".join(
        f"## {n}. {name.replace('_', ' ').title()}\n\n{good(name)}" for n, name in enumerate(CORE, 1)
    )
    (tmp_path / "draft.md").write_text(whole + "\nLorem ipsum.\n", encoding="utf-8")
    with pytest.raises(BenchmarkEnforcementError):
        said(capsys, "readiness", QUICK, "--file", tmp_path / "draft.md", "--json")
    found = json.loads(capsys.readouterr().out)
    assert [item["section"] for item in found["sections"]] == list(CORE)
    (broken,) = [
        rule
        for item in found["sections"]
        for rule in item["rules"]
        if rule["rule"] == "FORBIDDEN_PHRASE" and rule["found"]
    ]
    assert broken["line"] == len((whole + "\nLorem ipsum.").splitlines())

    (tmp_path / f"{QUICK}.overview.md").write_text(good("overview"), encoding="utf-8")
    assert "overview: PASS" in said(capsys, "readiness", "--file", tmp_path / f"{QUICK}.overview.md")
    (tmp_path / "pack.json").write_text(json.dumps({"pack": QUICK, "sections": {"overview": good("overview")}}))
    assert "overview: PASS" in said(capsys, "readiness", "--file", tmp_path / "pack.json")
    (tmp_path / "sections.json").write_text(json.dumps({"overview": good("overview")}))
    assert "overview: PASS" in said(capsys, "readiness", QUICK, "--file", tmp_path / "sections.json")
    (tmp_path / "overview.md").write_text(good("overview"), encoding="utf-8")
    assert "overview: PASS" in said(capsys, "readiness", QUICK, "--file", tmp_path / "overview.md")
    for words in ((), (QUICK, "--all"), ("--file", tmp_path / "draft.md"), ("--file", tmp_path / "none.md")):
        with pytest.raises(UsageError):
            said(capsys, "readiness", *words)


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"sections": {"overview": "x"}}', '{"pack": "launch_gtm_pack", "sections": {"overview": 3}}']
)
def test_json_that_is_no_pack_is_refused(text, tmp_path):
    with pytest.raises(UsageError):
        find_drafts(tmp_path / "a.json", text)
