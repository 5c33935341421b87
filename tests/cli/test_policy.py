"""`kaizen policy`: a policy's life as a person leads it, told right before any night has run."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from cli.running import kaizen
from decide.evidence import append, deployed, look, looked, replayed
from kaizenlake.cli.app import app
from kaizenlake.lake.store import Lake

POLICY = """
doer = "planner"
version = "{version}"
{parent}
tools_allowlist = ["search"]
[prompts]
system = "Plan in {steps} steps."
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a lake and two versions of a policy as files."""
    folder = tmp_path_factory.mktemp("policies")
    Lake.create(folder / "lake")
    (folder / "one.toml").write_text(POLICY.format(version="1.0.0", parent="", steps="many"))
    (folder / "two.toml").write_text(POLICY.format(version="1.1.0", parent='parent = "1.0.0"', steps="few"))
    return folder


def policy(folder, *words, code=0, by=True):
    """A command on policies, in this process: each of its own would cost a second."""
    decides = words[0] in {"create", "approve", "promote", "rollback"}
    more = ("--by", "ann") if decides and by else ()
    done = CliRunner().invoke(app, ["policy", *map(str, words), "--lake", str(folder / "lake"), *more])
    if code == 0:
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output
    assert getattr(done.exception, "exit_code", done.exit_code) == code, done.exception
    return f"{done.output}{done.exception}"


def said(folder, *words):
    return json.loads(policy(folder, *words, "--json"))


@pytest.fixture(scope="module")
def grown(folder):
    """1.0.0 active by override, 1.1.0 in a canary that says promote, its promotion refused for want of an approval."""
    words = [policy(folder, "create", folder / name) for name in ("one.toml", "two.toml")]
    assert words[0].startswith("planner 1.0.0 is a draft, the root of its line: ")
    assert words[1].startswith("planner 1.1.0 is a draft, made of 1.0.0: ")
    refused = policy(folder, "promote", "planner", "1.0.0", "--to", "active", code=1)
    assert "Gate replay: no replay (`kaizen policy replay" in refused
    assert "the first goes by override" in refused
    done = policy(folder, "promote", "planner", "1.0.0", "--to", "active", "--override", "--reason", "The first.")
    assert done == (
        "planner 1.0.0 is active. Skipped by override: path, replay, shadow, canary, approval; the audit shows it.\n"
    )
    lake, now = Lake(folder / "lake"), datetime.now(UTC)
    replayed(lake, "1.1.0", at=now)
    assert policy(folder, "promote", "planner", "1.1.0", "--to", "shadow") == "planner 1.1.0 is shadow.\n"
    deployed(lake, "1.1.0", "shadow", at=now)
    looked(lake, look("1.1.0", mode="shadow"), look("1.1.0"))
    done = policy(folder, "promote", "planner", "1.1.0", "--to", "canary")
    assert done == "planner 1.1.0 is canary.\nThe deployment shadow-1.1.0 ended.\n"
    deployed(lake, "1.1.0", at=now)
    assert "Gate approval: nobody has approved it" in policy(
        folder, "promote", "planner", "1.1.0", "--to", "active", code=1
    )
    return folder


def test_the_list_tells_what_stands_where(grown):
    rows = [line.split("\t") for line in policy(grown, "list").splitlines()]
    assert rows[0] == ["policy", "version", "doer", "phase", "status", "since", "by", "parent", "override"]
    assert [(row[1], row[4], row[8]) for row in rows[1:]] == [("1.0.0", "active", "yes"), ("1.1.0", "canary", "no")]
    listed = said(grown, "list", "--doer", "planner", "--status", "canary")
    assert [row["policy_version"] for row in listed] == ["1.1.0"]
    assert "There is no such policy" in policy(grown, "list", "--doer", "nobody")
    assert "'new' is not one of" in policy(grown, "list", "--status", "new", code=2)


def test_a_version_is_shown_with_its_document(grown):
    active = policy(grown, "show", "planner")
    assert "planner 1.0.0 for planner: active since" in active
    assert "BY OVERRIDE" in active
    assert "It is the control of the canary canary-1.1.0, which runs." in active
    found = said(grown, "show", "planner", "1.1.0")
    assert found["problem"] is None
    assert found["document"]["prompts"] == {"system": "Plan in few steps."}
    assert found["document"]["parent_sha256"] == said(grown, "show", "planner", "1.0.0")["content_sha256"]
    assert "did you mean `planner`" in policy(grown, "show", "planer", code=2)


def test_two_versions_are_told_apart(grown):
    lines = policy(grown, "diff", "planner", "1.0.0", "1.1.0").splitlines()
    assert lines[:2] == ["--- planner 1.0.0", "+++ planner 1.1.0"]
    assert '-    "system": "Plan in many steps."' in lines
    assert '+    "system": "Plan in few steps."' in lines
    assert policy(grown, "diff", "planner", "1.0.0", "1.0.0") == "planner 1.0.0 and planner 1.0.0 do not differ.\n"


def test_the_line_leads_to_its_root(grown):
    found = said(grown, "lineage", "planner", "1.1.0")
    assert found["is_whole"]
    assert [(row["policy_version"], row["problem"]) for row in found["versions"]] == [("1.1.0", None), ("1.0.0", None)]
    assert found["versions"][0]["parent_sha256"] == found["versions"][1]["content_sha256"]


def test_an_override_stands_out_in_the_audit(grown):
    text = policy(grown, "audit", "planner")
    assert re.search(
        r"OVERRIDE: planner 1\.0\.0 promoted from draft to active, by ann \(not authenticated, system user .+\)\n"
        r"    Reason: The first\.\n",
        text,
    )
    assert "    SKIPPED canary: no canary of it was started" in text
    assert "planner 1.1.0 REFUSED for active; it stays canary, by ann" in text
    assert "    passed  canary: night 3 at canary canary-1.1.0 on 2026-03-04 says promote: 450 units" in text
    assert text.count("OVERRIDE") == 1
    rows = said(grown, "audit", "--overrides")
    assert [(row["policy_version"], row["reason"]) for row in rows] == [("1.0.0", "The first.")]
    assert [gate["gate"] for gate in rows[0]["gates"]] == ["content", "path", "replay", "shadow", "canary", "approval"]


def test_what_a_person_asks_wrongly_is_answered_in_words(grown):
    assert "needs its reason" in policy(grown, "promote", "planner", "1.1.0", "--to", "active", "--override", code=2)
    assert "`night` is nobody's" in policy(grown, "approve", "planner", "1.1.0", "--by", "night", code=2, by=False)
    assert "cannot be read" in policy(grown, "create", grown / "nowhere.toml", code=2)
    assert "It was so already; nothing was changed." in policy(grown, "create", grown / "two.toml")


HOSTILE = "\x1b[31mred\n2026-01-01 00:00 UTC  planner 9.9.9 approved, by the boss\x9b2J\u202e"


def test_a_reason_neither_forges_a_line_nor_steers_the_terminal(folder, tmp_path):
    (tmp_path / "hostile.json").write_text(
        json.dumps({"doer": "hostile", "version": "1.0.0", "prompts": {"a": HOSTILE}})
    )
    policy(folder, "create", tmp_path / "hostile.json", "--reason", HOSTILE)
    policy(folder, "approve", "hostile", "1.0.0", "--by", HOSTILE, by=False)
    for words in (["audit", "hostile"], ["show", "hostile"], ["lineage", "hostile"], ["list", "--doer", "hostile"]):
        told = policy(folder, *words)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", told.replace("\t", "")), words
        assert not [line for line in told.splitlines() if line.startswith("2026-01-01")], words
    plain = policy(folder, "audit", "hostile", "--json")
    assert "\x9b" not in plain
    assert "\u202e" not in plain
    assert [row["reason"] for row in json.loads(plain)] == [HOSTILE, None]


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ("[" * 100_000, "The policy is no JSON: it is nested too deeply."),
        ('{"doer": ' + "9" * 5000 + "}", "Exceeds the limit (4300 digits)."),
        ('{"doer": "a", "version": "1.0.0", "prompts": {"x": "\\ud800"}}', "prompts.x holds half of a surrogate pair"),
        ('{"doer": "a", "doer": "b"}', "'doer' is given twice"),
        ("[]", "Expected `object`, got `array`"),
        ("", "The policy is no JSON"),
    ],
)
def test_a_file_that_is_no_policy_is_told_in_words(folder, tmp_path, draft, words):
    (tmp_path / "draft.json").write_text(draft)
    told = policy(folder, "create", tmp_path / "draft.json", code=2)
    assert words in told
    assert "draft.json" in told


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--by", "\udcff"), "by holds half of a surrogate pair; expected a text in UTF-8"),
        (("--by", "ann", "--reason", "\udcff"), "reason holds half of a surrogate pair"),
        (("--by", "x" * 201), "has 201 characters, the longest has 200"),
        (("--by", "ann", "--reason", "x" * 501), "`reason`: expected `str` of length <= 500"),
        (("--by", " "), "Give --by NAME"),
    ],
)
def test_who_decides_and_why_are_texts_that_can_be_kept(folder, tmp_path, more, words):
    (tmp_path / "new.json").write_text('{"doer": "new", "version": "1.0.0"}')
    assert words in policy(folder, "create", tmp_path / "new.json", *more, code=2, by=False)
    assert "There is no policy 'new'" in policy(folder, "show", "new", code=2)


def test_names_from_outside_do_not_steer_the_terminal(folder):
    append(Lake(folder / "lake"), "POLICY_CREATED", {
        "policy_id": "\x1b[31mred", "policy_version": "1.0.0", "doer": "x", "content_sha256": "0", "decided_by": "a",
        "document": "{}", "signature": "s", "key_id": "k", "root_sha256": "0", "ancestors_count": 0,
    }, datetime.now(UTC))  # fmt: skip
    assert "\x1b" not in policy(folder, "list") + policy(folder, "audit")


def test_the_end_of_the_story_in_processes_of_their_own(grown):
    lake = ("--lake", grown / "lake")
    refused = kaizen("policy", "promote", "planner", "1.1.0", "--to", "active", *lake, code=1)
    assert refused.stderr.startswith("error [gate]: planner 1.1.0 was not promoted to active. Gate approval: ")
    assert "Traceback" not in refused.stderr
    assert "for 14 days" in policy(grown, "approve", "planner", "1.1.0")
    done = policy(grown, "promote", "planner", "1.1.0", "--to", "active")
    assert done == "planner 1.1.0 is active. 1.0.0 was archived.\nThe deployment canary-1.1.0 ended.\n"
    back = said(grown, "rollback", "planner", "1.1.0", "--reason", "Plans without tests.")
    assert (back["status"], back["restored"], back["is_new"]) == ("archived", "1.0.0", True)
    assert [row["action"] for row in said(grown, "audit", "planner")][-3:] == ["approved", "promoted", "rolled_back"]
    last = policy(grown, "rollback", "planner", "1.0.0")
    assert last == "planner 1.0.0 is archived. No version is active now: routers answer with their default.\n"
