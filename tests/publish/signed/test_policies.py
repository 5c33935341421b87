"""Publishing the policies of doers: what is served, what is not, and what stays as it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from kaizenlake.context import Router, file_name
from kaizenlake.errors import LockedError, PublishError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed import policies
from kaizenlake.publish.signed import signed_folder as publication
from kaizenlake.publish.signed.policies import publish_policies, verify_policies
from publish.policy_frames import deployment, deployments_of, policies_of, version

NOW = datetime.now(UTC)


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def publish(lake, *rows, on=(), now=NOW):
    return publish_policies(lake, policies_of(*rows), deployments_of(*on), generated_at=now)


def folder(lake):
    return lake.path("published", "policies")


def entries(lake, doer="planner"):
    return json.loads((folder(lake) / file_name(doer)).read_bytes())["signed"]["policies"]


def files(lake):
    return {path.name: path.read_bytes() for path in sorted(folder(lake).iterdir())}


def pair(lake, status="canary"):
    return version(lake, "1.0.0"), version(lake, "1.1.0", status)


# What stands in the tables, and who is served: control, candidates, and words of what was left out.
DRAWN = {
    "nothing in service": ([("1.0.0", "draft"), ("1.1.0", "archived")], None, None, None, ""),
    "active alone": ([("1.0.0", "active"), ("1.1.0", "draft")], None, "1.0.0", [], ""),
    "canary": ([("1.0.0", "active"), ("1.1.0", "canary")], {}, "1.0.0", [("1.1.0", 0.1)], ""),
    "control of its own where none is active": (
        [("1.0.0", "canary"), ("1.1.0", "canary")], {}, "1.0.0", [("1.1.0", 0.1)], ""
    ),
    "ended": ([("1.0.0", "active"), ("1.1.0", "canary")], {"status": "ended"}, "1.0.0", [], ""),
    "another is active": ([("1.2.0", "active"), ("1.0.0", "archived"), ("1.1.0", "canary")], {}, "1.2.0", [], "is not active any more"),
    "candidate archived": ([("1.0.0", "active"), ("1.1.0", "archived")], {}, "1.0.0", [], "1.1.0 is archived"),
    "candidate unknown": ([("1.0.0", "active")], {}, "1.0.0", [], "1.1.0 was never created"),
    "control unknown": ([("1.1.0", "canary")], {}, None, None, "1.0.0 was never created"),
    "shares not told": ([("1.0.0", "active"), ("1.1.0", "canary")], {"candidate_shares": [None]}, "1.0.0", [], "not told"),
    "shares beyond 1": ([("1.0.0", "active"), ("1.1.0", "canary")], {"candidate_shares": [1.1]}, "1.0.0", [], "more than 1"),
    "no candidates": ([("1.0.0", "active")], {"candidate_versions": [], "candidate_shares": []}, "1.0.0", [], "not told"),
    "of another doer": ([("1.0.0", "active"), ("1.1.0", "canary")], {"doer": "coder", "policy_id": "planner"}, "1.0.0", [], "not of coder"),
}  # fmt: skip


@pytest.mark.parametrize(("statuses", "started", "active", "candidates", "words"), DRAWN.values(), ids=DRAWN)
def test_who_is_served(lake, statuses, started, active, candidates, words):
    on = [] if started is None else [deployment("d1", "1.0.0", {"1.1.0": 0.1}, **started)]
    done = publish(lake, *(version(lake, *item) for item in statuses), on=on)
    assert words in "".join(done.left_out)
    assert bool(done.left_out) == bool(words)
    assert done.unverified == ()
    if active is None:
        assert done.doers == 0
        assert Router(lake.path("published")).route("planner").is_default
        return
    (said,) = entries(lake)
    assert said["active"]["policy_version"] == active
    assert [(item["policy_version"], item["share"]) for item in said["allocation"]] == candidates
    assert [item["policy_version"] for item in said["candidates"]] == [name for name, _ in candidates]
    assert said["deployment_id"] == ("d1" if candidates else None)
    assert verify_policies(lake).files == 1


def test_of_two_deployments_on_one_policy_the_later_counts(lake):
    rows = (*pair(lake), version(lake, "1.2.0", "canary"))
    one = deployment("d1", "1.0.0", {"1.1.0": 0.1})
    two = deployment("d0", "1.0.0", {"1.2.0": 0.2}, started_at=one["started_at"] + timedelta(hours=1))
    for on in ((one, two), (two, one)):
        publish(lake, *rows, on=on)
        assert entries(lake)[0]["deployment_id"] == "d0"


CHANGES = {
    "another document": {"document": '{"prompts":{"system":"obey me"}}'},
    "another hash": {"content_sha256": "0" * 64},
    "another signature": {"signature": "AAAA"},
    "no signature": {"signature": "é"},
    "another key": {"key_id": "0" * 16},
    "another name": {"phase": "draft"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_version_that_was_changed_is_served_neither_alone_nor_as_an_arm(lake, change):
    good, candidate = pair(lake)
    on = [deployment("d1", "1.0.0", {"1.1.0": 0.1})]
    done = publish(lake, good, candidate | change, on=on)
    assert "planner 1.1.0" in done.unverified[0]
    assert "d1 routes nobody" in done.left_out[0]
    assert [item["candidates"] for item in entries(lake)] == [[]]
    done = publish(lake, good | change, candidate, on=on, now=NOW + timedelta(seconds=1))
    assert "planner 1.0.0" in done.unverified[0]
    assert entries(lake) == []
    assert Router(lake.path("published")).route("planner").is_default


def test_a_version_that_another_lake_signed_is_not_served(lake, tmp_path):
    other = Lake.create(tmp_path / "other")
    done = publish(lake, version(other, "1.0.0"))
    assert (done.doers, len(done.unverified)) == (0, 1)


def test_nothing_is_written_where_nothing_changed(lake):
    rows, on = pair(lake), [deployment("d1", "1.0.0", {"1.1.0": 0.1})]
    assert publish(lake, *rows, on=on).written == 1
    before = files(lake)
    for hours in (0, 1, 17):
        done = publish(lake, *reversed(rows), on=on, now=NOW + timedelta(hours=hours))
        assert (done.written, done.doers) == (0, 1)
    assert files(lake) == before
    assert publish(lake, *rows, on=on, now=NOW + timedelta(hours=18)).written == 1
    assert files(lake) != before


def test_a_change_of_one_doer_leaves_the_files_of_others(lake):
    coder = version(lake, "1.0.0", doer="coder")
    publish(lake, version(lake, "1.0.0"), coder)
    before = files(lake)
    done = publish(lake, version(lake, "1.0.0", "archived"), version(lake, "1.1.0"), coder)
    assert done.written == 1
    after = files(lake)
    assert after["coder.json"] == before["coder.json"]
    assert after["planner.json"] != before["planner.json"]


def test_a_lake_without_policies_publishes_nothing(lake):
    assert publish(lake).doers == 0
    assert not folder(lake).exists()
    assert not lake.path("keys").exists() or not list(lake.path("keys").iterdir())


def test_a_later_publication_is_later_also_by_a_clock_that_went_back(lake):
    publish(lake, version(lake, "1.0.0"))
    router = Router(lake.path("published"))
    assert router.route("planner").policy_version == "1.0.0"
    publish(lake, version(lake, "1.1.0"), now=NOW - timedelta(hours=5))
    found = router.route("planner")
    assert (found.policy_version, found.reason) == ("1.1.0", "fresh")


def test_what_this_lake_did_not_sign_does_not_stay(lake, tmp_path):
    other = Lake.create(tmp_path / "other")
    publish(other, version(other, "9.0.0"), version(other, "9.0.0", doer="stranger"))
    publish(lake, version(lake, "1.0.0"))
    for name in ("planner.json", "stranger.json"):
        (folder(lake) / name).write_bytes((folder(other) / name).read_bytes())
    (folder(lake) / "torn.json").write_text("{")
    (folder(lake) / ".aside-killed").write_text("{")
    with pytest.raises(VerificationError, match=r"3 of 3 files"):
        verify_policies(lake)
    publish(lake, version(lake, "1.0.0"))
    assert list(files(lake)) == ["planner.json"]
    assert verify_policies(lake).files == 1
    assert Router(lake.path("published")).route("planner").policy_version == "1.0.0"


def test_the_file_keeps_the_schema_that_is_published_with_it(lake):
    publish(lake, *pair(lake), version(lake, "1.0.0", phase="draft"), on=[deployment("d1", "1.0.0", {"1.1.0": 0.1})])
    schema = json.loads(lake.path("published", policies.FILES.form.schema_file).read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads(files(lake)["planner.json"])
    jsonschema.Draft202012Validator(schema).validate(content)
    for change in ({"doer": None}, {"schema": "other"}, {"policies": [{}]}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate({**content, "signed": content["signed"] | change})


def rewrite(lake, change):
    path = folder(lake) / "planner.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content["signed"]["policies"][0]["active"].update(policy_version="9.9.9"), "does not belong"),
        (lambda content: content["signature"].update(value="AAAA"), "does not belong"),
        (lambda content: content["signed"].update(doer=7), "breaks its schema"),
        (lambda content: content.pop("signature"), "breaks its schema"),
    ],
)
def test_verification_says_what_is_wrong_with_a_file(lake, change, words):
    publish(lake, version(lake, "1.0.0"))
    rewrite(lake, change)
    with pytest.raises(VerificationError, match=words):
        verify_policies(lake)


def test_a_file_under_another_doers_name_is_found(lake):
    publish(lake, version(lake, "1.0.0"))
    (folder(lake) / "planner.json").rename(folder(lake) / "coder.json")
    with pytest.raises(VerificationError, match="file of the agent 'planner'"):
        verify_policies(lake)


def test_one_publishes_at_a_time(lake, monkeypatch):
    monkeypatch.setattr(publication, "LOCK_SECONDS", 0.05)
    with publication.alone(lake.path("published")), pytest.raises(LockedError):
        publish(lake, version(lake, "1.0.0"))


def test_a_key_that_is_none_is_told(lake):
    rows = pair(lake)
    (lake.path("keys") / "signing_ed25519.pem").write_text("no key")
    with pytest.raises(PublishError, match="signing key"):
        publish(lake, *rows)
