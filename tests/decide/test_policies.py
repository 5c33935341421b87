"""Commands on policies: what they let through, what they refuse with which figures, and what the audit keeps of it."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from polars.testing import assert_frame_equal

from decide.evidence import NOW, activate, append, create, deployed, draft, look, looked, replayed
from kaizenlake import signing, tables
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.gates import Gate
from kaizenlake.decide.policies.policies import approve, promote, roll_back
from kaizenlake.decide.record.state import Version
from kaizenlake.errors import GateError, KaizenError, UsageError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.night.verify import checks
from kaizenlake.tables import Events, Policies


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    lake = Lake.create(tmp_path_factory.mktemp("grown") / "lake")
    create(lake, "1.0.0", "1.1.0")
    activate(lake, "1.0.0")
    replayed(lake, "1.1.0")
    promote(lake, "planner", "1.1.0", to="shadow", by="ann", now=NOW)
    deployed(lake, "1.1.0", "shadow")
    looked(lake, look("1.1.0", mode="shadow"), look("1.1.0"))
    promote(lake, "planner", "1.1.0", to="canary", by="ann", now=NOW)
    deployed(lake, "1.1.0")
    return lake


@pytest.fixture
def in_canary(grown, tmp_path):
    """A lake with 1.0.0 active and 1.1.0 in a canary whose third look says promote."""
    shutil.copytree(grown.root, tmp_path / "lake")
    return Lake(tmp_path / "lake")


def statuses(lake):
    return dict(policies.state(lake).policies.select("policy_version", "status").iter_rows())


def actions(lake):
    return policies.state(lake).promotions["action"].to_list()


def ends(lake):
    found = policies.state(lake).deployments.filter(status="ended").sort("deployment_id")
    return found.select("deployment_id", "result", "ended_by").rows()


def test_a_version_goes_its_way_through_every_gate(in_canary):
    assert statuses(in_canary) == {"1.0.0": "active", "1.1.0": "canary"}
    assert ends(in_canary) == [("shadow-1.1.0", "validated", "ann")]
    approve(in_canary, "planner", "1.1.0", by="bob", now=NOW)
    done = promote(in_canary, "planner", "1.1.0", to="active", by="ann", now=NOW)
    assert (done.archived, done.ended, done.is_new) == ("1.0.0", ("canary-1.1.0",), True)
    assert statuses(in_canary) == {"1.0.0": "archived", "1.1.0": "active"}
    assert ends(in_canary)[0] == ("canary-1.1.0", "promoted", "ann")
    row = policies.state(in_canary).promotions.row(-1, named=True)
    assert (row["is_override"], row["archived_version"], row["deployment_id"], row["looks_count"]) == (
        False, "1.0.0", "canary-1.1.0", 3,
    )  # fmt: skip
    told = json.loads(row["gates"])["gates"]
    assert [gate["gate"] for gate in told] == ["content", "path", "canary", "approval"]
    assert all(gate["passed"] for gate in told)


@pytest.mark.parametrize(
    ("broken", "gate", "found"),
    [
        ({"looks": []}, "canary", "no night has looked at canary canary-1.1.0 yet"),
        ({"looks": [{"verdict": "continue"}]}, "canary", r"says continue: 450 units against 4,000, effect -0\.0300 \[-0\.0500"),
        ({"looks": [{}, {"number": 4, "verdict": "rollback"}]}, "canary", "night 4 at canary canary-1.1.0"),
        ({"looks": [{"control": "0.9.0"}]}, "canary", "no night has looked"),
        ({"looks": [{"policy_id": "coder"}]}, "canary", "no night has looked"),
        ({"looks": [{"deployment_id": "another"}]}, "canary", "no night has looked"),
        ({"approved": None}, "approval", "nobody has approved it"),
        ({"approved": NOW - timedelta(days=14, seconds=1)}, "approval", "holds for 14 days, this one is older"),
    ],
)  # fmt: skip
def test_a_gate_refuses_with_what_it_found(lake, broken, gate, found):
    early = NOW - timedelta(days=20)
    create(lake, "1.0.0", "1.1.0", now=early)
    activate(lake, "1.0.0", now=early)
    promote(lake, "planner", "1.1.0", to="canary", by="ann", override=True, reason="Quick.", now=early)
    deployed(lake, "1.1.0", at=early)
    looked(lake, *(look("1.1.0", **changes) for changes in broken.get("looks", [{}])))
    if (at := broken.get("approved", NOW)) is not None:
        approve(lake, "planner", "1.1.0", by="bob", now=at)
    with pytest.raises(GateError, match=rf"was not promoted to active\. Gate {gate}: .*{found}"):
        promote(lake, "planner", "1.1.0", to="active", by="ann", now=NOW)
    assert statuses(lake) == {"1.0.0": "active", "1.1.0": "canary"}
    row = policies.state(lake).promotions.row(-1, named=True)
    assert (row["action"], row["from_status"], row["to_status"], row["decided_by"]) == (
        "refused", "canary", "active", "ann",
    )  # fmt: skip
    assert [item["gate"] for item in json.loads(row["gates"])["gates"] if not item["passed"]] == [gate]


def test_the_latest_replay_of_this_very_content_decides(lake):
    create(lake, "1.0.0", "1.1.0")
    with pytest.raises(GateError, match=r"Gate replay: no replay \(`kaizen policy replay"):
        promote(lake, "planner", "1.1.0", to="shadow", by="ann", now=NOW)
    replayed(lake, "1.1.0", content_sha256="0" * 64)
    with pytest.raises(GateError, match=r"no replay"):
        promote(lake, "planner", "1.1.0", to="shadow", by="ann", now=NOW)
    replayed(lake, "1.1.0")
    replayed(lake, "1.1.0", "refused", NOW + timedelta(hours=1), shortfalls=["ESS 12 is below 100."], effect=None)
    with pytest.raises(GateError, match=r"refused: ESS 12 is below 100\."):
        promote(lake, "planner", "1.1.0", to="shadow", by="ann", now=NOW)
    replayed(lake, "1.1.0", at=NOW + timedelta(hours=2))
    assert promote(lake, "planner", "1.1.0", to="shadow", by="ann", now=NOW).version.status == "shadow"


def test_a_verdict_against_a_version_that_is_no_longer_active_is_none(in_canary):
    create(in_canary, "1.2.0")
    activate(in_canary, "1.2.0")
    assert ends(in_canary) == [("canary-1.1.0", "stopped", "ann"), ("shadow-1.1.0", "validated", "ann")]
    with pytest.raises(GateError, match=r"compared it with 1\.0\.0, but 1\.2\.0 is active now"):
        promote(in_canary, "planner", "1.1.0", to="active", by="ann", now=NOW)


def test_no_approval_is_asked_for_where_the_settings_say_so(in_canary):
    in_canary.path("kaizen.toml").write_text("[promotion]\nneeds_approval = false\n")
    lake = Lake(in_canary.root)
    assert promote(lake, "planner", "1.1.0", to="active", by="night", now=NOW).version.status == "active"
    assert policies.state(lake).promotions.row(-1, named=True)["is_automatic"]


def test_an_override_needs_its_reason_and_stands_out(lake):
    create(lake, "1.0.0", "1.1.0")
    with pytest.raises(UsageError, match="An override needs its reason"):
        promote(lake, "planner", "1.0.0", to="active", by="ann", override=True, reason=" ", now=NOW)
    with pytest.raises(UsageError, match="night skips no gate"):
        promote(lake, "planner", "1.0.0", to="active", by="night", override=True, reason="x", now=NOW)
    done = activate(lake, "1.0.0")
    assert done.version.is_override
    assert policies.state(lake).promotions.filter("is_override")["reason"].to_list() == ["It is the first."]
    # Where no gate refuses, nothing is skipped.
    replayed(lake, "1.1.0")
    done = promote(lake, "planner", "1.1.0", to="shadow", by="ann", override=True, reason="Sure.", now=NOW)
    assert not done.version.is_override


@pytest.mark.parametrize("change", ["document", "signature", "hash", "name", "key"])
def test_what_was_changed_after_it_was_created_is_not_promoted_even_by_override(lake, change):
    version = create(lake, "1.0.0")
    other = create(lake, "2.0.0")
    row = vars(version)
    changed = row["document"].replace("Plan", "Obey")
    tampered = {
        "document": {"document": changed},
        "signature": {"signature": other.signature},
        "hash": {"document": changed, "content_sha256": signing.content_hash(changed)},
        "name": {name: getattr(other, name) for name in ("document", "signature", "content_sha256")},
        "key": {},
    }[change]
    if change == "key":
        (lake.path("keys") / signing.KEY_NAME).unlink()
        signing.write_private_key(lake.path("keys") / signing.KEY_NAME, Ed25519PrivateKey.generate())
    key = signing.signing_key(lake.path("keys")).public_key()
    with pytest.raises(VerificationError):
        signing.verify_policy(row | tampered, key)
    rows = lake.scan(Events).collect()
    for name, value in tampered.items():
        told, false = json.dumps(row[name], ensure_ascii=False)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
        first = (pl.col("event_type") == "POLICY_CREATED") & pl.col("payload").str.contains('"1.0.0"', literal=True)
        payload = pl.col("payload").str.replace_all(told, false, literal=True)
        rows = rows.with_columns(pl.when(first).then(payload).otherwise("payload").alias("payload"))
    lake.rewrite(Events, lambda _: rows)
    with pytest.raises(VerificationError, match="Decisions of this lake were deleted or changed"):
        promote(lake, "planner", "1.0.0", to="active", by="ann", override=True, reason="Now.", now=NOW)
    with pytest.raises(VerificationError, match="missing: number 1"):
        approve(lake, "planner", "1.0.0", by="bob", now=NOW)
    assert statuses(lake) == ({} if change == "key" else {"2.0.0": "draft"}), "what was changed does not count"


def test_a_roll_back_brings_the_version_before_back(in_canary):
    promote(in_canary, "planner", "1.1.0", to="active", by="ann", override=True, reason="Now.", now=NOW)
    create(in_canary, "1.2.0")
    activate(in_canary, "1.2.0")
    assert roll_back(in_canary, "planner", "1.2.0", by="ann", now=NOW).restored == "1.1.0"
    assert roll_back(in_canary, "planner", "1.1.0", by="ann", now=NOW).restored == "1.0.0"
    assert roll_back(in_canary, "planner", "1.0.0", by="ann", now=NOW).restored is None
    assert set(statuses(in_canary).values()) == {"archived"}
    assert not roll_back(in_canary, "planner", "1.0.0", by="ann", now=NOW).is_new


def test_a_roll_back_of_a_candidate_ends_its_canary_and_rests_on_what_the_night_saw(in_canary):
    seen = Gate("canary", False, "Loss rose by 0.0400.", "canary-1.1.0", 3)
    done = roll_back(in_canary, "planner", "1.1.0", by="night", reason="Worse.", rests_on=[seen], now=NOW)
    assert (done.restored, done.ended) == (None, ("canary-1.1.0",))
    assert statuses(in_canary) == {"1.0.0": "active", "1.1.0": "archived"}
    assert ends(in_canary)[0] == ("canary-1.1.0", "rolled_back", "night")
    row = policies.state(in_canary).promotions.row(-1, named=True)
    assert (row["deployment_id"], row["looks_count"], row["is_automatic"], row["reason"]) == (
        "canary-1.1.0", 3, True, "Worse.",
    )  # fmt: skip
    assert json.loads(row["gates"])["gates"] == [seen.to_event()]


def test_a_roll_back_of_the_control_stops_what_is_compared_with_it(in_canary):
    done = roll_back(in_canary, "planner", "1.0.0", by="ann", now=NOW)
    assert (done.restored, done.ended) == (None, ("canary-1.1.0",))
    assert ends(in_canary)[0] == ("canary-1.1.0", "stopped", "ann")


def test_what_is_active_is_archived_without_a_successor_for_a_reason_only(in_canary):
    with pytest.raises(UsageError, match=r"nothing serves planner\. That needs a reason"):
        promote(in_canary, "planner", "1.0.0", to="archived", by="ann", now=NOW)
    done = promote(in_canary, "planner", "1.0.0", to="archived", by="ann", reason="The doer is gone.", now=NOW)
    assert (done.version.status, done.version.is_override, done.ended) == ("archived", False, ("canary-1.1.0",))
    assert ends(in_canary)[0] == ("canary-1.1.0", "stopped", "ann")
    with pytest.raises(GateError, match="that is archived and no version is active"):
        promote(in_canary, "planner", "1.1.0", to="active", by="ann", now=NOW)


def test_nothing_is_rolled_back_to_a_version_that_was_changed(in_canary):
    promote(in_canary, "planner", "1.1.0", to="active", by="ann", override=True, reason="Now.", now=NOW)
    changed = pl.col("payload").str.replace_all("as 1.0.0", "as 6.6.6", literal=True)
    rows = in_canary.scan(Events).with_columns(payload=changed).collect()
    in_canary.rewrite(Events, lambda _: rows)
    with pytest.raises(VerificationError, match="missing: number 1"):
        roll_back(in_canary, "planner", "1.1.0", by="ann", now=NOW)
    assert statuses(in_canary) == {"1.1.0": "active"}


def test_kaizen_verify_finds_a_version_that_was_changed(in_canary):
    def broken():
        return [str(check.error) for check in checks(in_canary) if check.error is not None]

    assert broken() == []
    changed = pl.col("payload").str.replace_all("as 1.0.0", "as 6.6.6", literal=True)
    rows = in_canary.scan(Events).with_columns(payload=changed).collect()
    in_canary.rewrite(Events, lambda _: rows)
    (words,) = broken()
    assert "POLICY_CREATED" in words
    assert "missing: number 1" in words


def test_commands_are_safe_to_repeat(in_canary):
    before = in_canary.rows(Events)
    again = [
        policies.create(in_canary, draft("1.1.0", parent="1.0.0"), by="ann", now=NOW),
        promote(in_canary, "planner", "1.1.0", to="canary", by="ann", now=NOW),
        activate(in_canary, "1.0.0"),
    ]
    assert [done.is_new for done in again] == [False] * 3
    assert in_canary.rows(Events) == before
    for _ in range(2):
        with pytest.raises(GateError, match="nobody has approved it"):
            promote(in_canary, "planner", "1.1.0", to="active", by="ann", now=NOW)
        with pytest.raises(UsageError, match="lies behind it"):
            promote(in_canary, "planner", "1.1.0", to="shadow", by="ann", now=NOW)
    approve(in_canary, "planner", "1.1.0", by="bob", now=NOW)
    assert not approve(in_canary, "planner", "1.1.0", by="bob", now=NOW + timedelta(hours=1)).is_new
    assert in_canary.rows(Events) == before + 2, "one refusal and one approval"
    assert approve(in_canary, "planner", "1.1.0", by="bob", now=NOW + timedelta(days=1)).is_new


def test_what_cannot_be_says_what_to_do(lake):
    create(lake, "1.0.0", "1.1.0")
    with pytest.raises(GateError, match=r"is draft; only what is in shadow, canary, active can be rolled back"):
        roll_back(lake, "planner", "1.0.0", by="ann", now=NOW)
    promote(lake, "planner", "1.0.0", to="archived", by="ann", now=NOW)
    with pytest.raises(GateError, match="is archived; only"):
        roll_back(lake, "planner", "1.0.0", by="ann", now=NOW)
    with pytest.raises(GateError, match="so there is nothing to approve"):
        approve(lake, "planner", "1.0.0", by="ann", now=NOW)
    with pytest.raises(UsageError, match="person approves"):
        approve(lake, "planner", "1.1.0", by="night", now=NOW)
    with pytest.raises(UsageError, match="'retired' is no status"):
        promote(lake, "planner", "1.1.0", to="retired", by="ann", now=NOW)
    with pytest.raises(UsageError, match=r"did you mean `planner`"):
        promote(lake, "planer", "1.1.0", to="shadow", by="ann", now=NOW)
    with pytest.raises(UsageError, match=r"It has 1\.0\.0, 1\.1\.0"):
        promote(lake, "planner", "1.2.0", to="shadow", by="ann", now=NOW)
    with pytest.raises(UsageError, match="Say who decides"):
        promote(lake, "planner", "1.1.0", to="shadow", by=" ", now=NOW)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "1.0.0"}, "exists with another content"),
        ({"version": "1.0.0+build.7"}, "exists with another content"),
        ({"parent": "0.9.0"}, "has no version '0.9.0'"),
        ({"version": "0.9.0", "parent": "1.0.0"}, "does not come after that of its parent"),
        ({"doer": "coder", "policy": "planner"}, "is for the doer 'planner', the draft for 'coder'"),
        ({"phase": "draft", "policy": "planner"}, "is for the phase None, the draft for 'draft'"),
    ],
)
def test_a_draft_has_its_place_among_the_versions(lake, changes, said):
    create(lake, "1.0.0")
    with pytest.raises(UsageError, match=said):
        policies.create(lake, draft(**{"version": "1.1.0", "prompts": {}} | changes), by="ann", now=NOW)
    assert actions(lake) == ["created"]


def test_lines_are_chains_of_hashes(lake):
    newest = create(lake, "1.0.0", "1.1.0", "1.2.0")
    root, middle, _ = policies.state(lake).versions("planner")
    assert (newest.parent_sha256, middle.parent_sha256, root.parent_sha256) == (
        middle.content_sha256, root.content_sha256, None,
    )  # fmt: skip
    assert {item.root_sha256 for item in (newest, middle, root)} == {root.content_sha256}
    assert [item.ancestors_count for item in (root, middle, newest)] == [0, 1, 2]
    line = policies.state(lake).lineage(newest)
    assert [item.policy_version for item in line] == ["1.2.0", "1.1.0", "1.0.0"]
    assert json.loads(newest.document)["parent_sha256"] == middle.content_sha256


def test_a_clock_that_is_behind_decides_after_what_was_decided(lake):
    create(lake, "1.0.0", "1.1.0")
    activate(lake, "1.0.0")
    promote(lake, "planner", "1.1.0", to="active", by="ann", override=True, reason="x", now=NOW - timedelta(hours=2))
    assert statuses(lake) == {"1.0.0": "archived", "1.1.0": "active"}
    done = roll_back(lake, "planner", "1.1.0", by="ann", now=NOW - timedelta(hours=23))
    assert done.version.status_since == NOW
    assert statuses(lake) == {"1.0.0": "active", "1.1.0": "archived"}
    with pytest.raises(KaizenError, match="Set the clock of this machine right"):
        roll_back(lake, "planner", "1.0.0", by="ann", now=NOW - timedelta(days=2))


def test_commands_see_what_the_night_will(in_canary):
    append(in_canary, "POLICY_APPROVED", {  # of a version that was never created
        "policy_id": "ghost", "policy_version": "1.0.0", "doer": "x", "content_sha256": "0", "decided_by": "ann",
    })  # fmt: skip
    expected = policies.state(in_canary)
    from kaizenlake.jobs import JOBS

    jobs = [job for job in JOBS if job.name in {"policy_log", "policies", "policy_promotions"}]
    done = nightly(in_canary, as_of=NOW + timedelta(days=1), jobs=jobs)
    assert done.exit_code == 0, done.errors
    for table, frame in ((Policies, expected.policies), (tables.PolicyPromotions, expected.promotions)):
        assert_frame_equal(in_canary.scan(table).collect(), frame, check_row_order=False)
    assert set(Version.__dataclass_fields__) == set(tables.schema(Policies))
