"""Signed files of every kind: whatever lies in their place is found, told in words, and mended by the next publication."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from kaizenlake.errors import PublishError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.alerts import FORM, Alert, publish_alerts, verify_alerts
from kaizenlake.publish.signed.policies import publish_policies, verify_policies
from kaizenlake.publish.signed.skills import publish_skills, verify_skills
from publish.policy_frames import deployment, deployments_of, policies_of, version
from publish.skill_frames import AS_OF, tables_of

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
ALERT = Alert(
    None, "a1", "degrading_doer", "warning", "planner", None, None, None, NOW.date(), "The loss of planner gets worse."
)


def policies(lake, now=NOW, share=0.1):
    rows = version(lake, "1.0.0"), version(lake, "1.1.0", "canary")
    on = deployments_of(deployment("d1", "1.0.0", {"1.1.0": share}))
    return publish_policies(lake, policies_of(*rows), on, generated_at=now)


def skills(lake, now=NOW):
    return publish_skills(lake, as_of=AS_OF, generated_at=now, run_id="run-1")


def alerts(lake, now=NOW):
    return publish_alerts(lake, (ALERT,), as_of=now)


KINDS = {
    "policies": (policies, verify_policies, "policies/planner.json"),
    "skills": (skills, verify_skills, "skills/planner.json"),
    "alerts": (alerts, verify_alerts, "alerts.json"),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("signed") / "lake")
    for table, rows in tables_of().items():
        made.write(table, [rows], days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
    for publish, _, _ in KINDS.values():
        publish(made)
    return made


def changed(whole, **change):
    return json.dumps({**json.loads(whole), **change}).encode()


# What may lie where a signed file should be, made of the file.
SPOILT = {
    "nothing": lambda whole: b"",
    "no JSON": lambda whole: whole[:-20],
    "no text": lambda whole: b"\xff\xfe" + whole,
    "another document": lambda whole: b'{"signed": 3, "signature": []}',
    "endless nesting": lambda whole: b"[" * 100_000,
    "nesting in its place": lambda whole: b'{"signed": ' + b"[" * 100_000,
    "a figure that is none": lambda whole: whole.replace(b'"version": 1,', b'"version": NaN,', 1),
    "half a character": lambda whole: whole.replace(b"planner", b"\\ud800", 1),
    "another field": lambda whole: changed(whole, more=1),
    "no signature": lambda whole: changed(whole, signature={}),
    "a signature of a figure": lambda whole: changed(whole, signature={"algorithm": 1, "key_id": 2, "value": 3}),
    "another's words": lambda whole: whole.replace(b"planner", b"plannex"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_lies_there_is_found_and_mended(lake, kind, spoil):
    publish, verify, file = KINDS[kind]
    path = lake.path("published", *file.split("/"))
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    with pytest.raises(VerificationError, match="not what this lake published") as found:
        verify(lake)
    assert "kaizen nightly" in found.value.hint
    publish(lake)
    verify(lake)
    assert said(path.read_bytes()) == said(whole)


def said(content):
    """What a file says, but for its time: what comes after a file that was spoilt is later than it."""
    signed = json.loads(content)["signed"]
    return {name: value for name, value in signed.items() if name not in {"generated_at", "valid_until"}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_in_place_of_a_file_is_told(lake, kind):
    _, verify, file = KINDS[kind]
    path = lake.path("published", *file.split("/"))
    whole = path.read_bytes()
    path.unlink()
    path.mkdir()
    with pytest.raises(VerificationError, match="it cannot be read"):
        verify(lake)
    path.rmdir()
    path.write_bytes(whole)


def validity(path):
    signed = json.loads(path.read_bytes())["signed"]
    return [datetime.fromisoformat(signed[name]) for name in ("generated_at", "valid_until")]


@pytest.mark.parametrize("kind", ["policies", "skills"])
def test_a_file_is_later_than_the_one_before_also_where_the_clock_went_back(lake, kind):
    publish, _, file = KINDS[kind]
    path = lake.path("published", *file.split("/"))
    before = validity(path)
    publish(lake, NOW - timedelta(hours=3))
    after = validity(path)
    assert after[0] > before[0]
    assert after[1] - after[0] == before[1] - before[0]
    path.unlink()
    publish(lake)


def test_a_figure_that_is_not_finite_is_never_published(lake):
    path = lake.path("published", "policies", "planner.json")
    whole = path.read_bytes()
    with pytest.raises(PublishError, match="not finite"):
        policies(lake, share=float("nan"))
    assert path.read_bytes() == whole


def served(lake, depth):
    """What comes of a version whose document is nested so deeply."""
    nested = []
    for _ in range(depth):
        nested = [nested]
    try:
        row = version(lake, "1.0.0", tools=nested)
    except RecursionError:
        return "cannot be created"
    try:
        done = publish_policies(lake, policies_of(row), deployments_of(), generated_at=NOW)
    except PublishError as error:
        assert error.message.startswith("A file of policies is")  # noqa: PT017 - one of the outcomes
        return "refused"
    return "unverified" if done.unverified else "served"


def test_a_document_nested_as_deeply_as_can_be_is_served_or_refused_in_words(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    outcomes = {served(lake, depth) for depth in (10, *range(840, 1000, 20), 2_000, 20_000)}
    assert {"served"} <= outcomes <= {"served", "unverified", "cannot be created", "refused"}


def test_alerts_keep_the_schema_that_is_published_with_them(lake):
    schema = json.loads(lake.path("published", FORM.schema_file).read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    whole = json.loads(lake.path("published", "alerts.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(whole)
    assert not alerts(lake), "nothing is written where nothing changed"
