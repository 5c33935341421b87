"""Keys: the lake's own is rotated and followed, and approvals carry the signature of the persons whom the settings name."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import UTC, datetime

import pytest
from deltalake import DeltaTable
from typer.testing import CliRunner

from decide.evidence import create
from kaizenlake import signing
from kaizenlake.cli.app import app
from kaizenlake.context import _router as router
from kaizenlake.context import forget, route
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.gates import GateEvidence, approval_gate
from kaizenlake.decide.record import trust
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.errors import GateError, PublishError, UsageError, VerificationError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.night.deciding import publish_as_decided
from kaizenlake.night.verify import checks
from kaizenlake.tables import Events

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An active version that is published, a draft, and a landed event."""
    lake = Lake.create(tmp_path_factory.mktemp("made") / "lake")
    create(lake, "1.0.0", "1.1.0")
    policies.promote(lake, "planner", "1.0.0", to="active", by="ann", override=True, reason="First.", now=NOW)
    (lake.path("landing").parent / "one.ndjson").write_text(
        '{"type": "LEAD_CREATED", "id": "e", "occurred_at": "2026-02-01T00:00:00Z", "payload": {"lead_id": "l", "source": "website"}}\n'
    )
    land(lake, lake.path("one.ndjson"), now=NOW)
    publish_as_decided(lake)
    return lake


@pytest.fixture
def lake(made, tmp_path):
    forget()
    router._ROUTERS.clear()
    return Lake(shutil.copytree(made.path(), tmp_path / "lake"))


def broken(lake):
    return [str(check.error) for check in checks(lake) if check.error is not None]


def served(lake, key):
    found = route("planner", "user_1", lake.path("published"), public_key=key)
    return found.policy_version or found.reason


def test_a_rotated_key_vouches_for_what_stands_and_readers_follow_it(lake):
    old = lake.path("published", "public_key.pem").read_bytes()
    assert served(lake, old) == "1.0.0"
    done = trust.rotate(lake, by="ann", reason="yearly")
    assert done.former_key_id != done.key_id
    assert done.files == 1
    router._ROUTERS.clear()
    new = lake.path("published", "public_key.pem").read_bytes()
    assert new != old
    assert [served(lake, key) for key in (old, new)] == ["1.0.0", "1.0.0"]
    assert broken(lake) == []
    create(lake, "1.2.0")
    trust.rotate(lake, by="ann")
    router._ROUTERS.clear()
    assert served(lake, old) == "1.0.0", "over two rotations"
    assert broken(lake) == []


def test_the_key_before_signs_no_more(lake):
    path = lake.path("keys", signing.KEY_NAME)
    old = path.read_bytes()
    trust.rotate(lake, by="ann")
    new = path.read_bytes()
    path.write_bytes(old)
    # Somebody who kept the old key decides with it: nothing that it signs after the rotation counts.
    assert "missing" in " ".join(broken(Lake(lake.path())))
    path.write_bytes(new)
    assert broken(Lake(lake.path())) == []


def test_a_lost_key_is_replaced_and_readers_are_to_be_told(lake):
    old = lake.path("published", "public_key.pem").read_bytes()
    lake.path("keys", signing.KEY_NAME).unlink()
    with pytest.raises(PublishError, match="kaizen keys rotate"):
        publish_as_decided(lake)
    done = CliRunner().invoke(app, ["keys", "rotate", "--by", "ann", "--lake", str(lake.path())])
    assert "hand each of them the new public key" in done.output
    lake = Lake(lake.path())
    assert broken(lake) == []
    router._ROUTERS.clear()
    assert served(lake, old) == "default: bad signature"
    assert served(lake, lake.path("published", "public_key.pem").read_bytes()) == "1.0.0"
    assert policies.state(lake).active("planner").policy_version == "1.0.0"


def test_what_does_not_verify_is_not_vouched_for(lake):
    DeltaTable(lake.uri(Events)).delete("event_type = 'POLICY_PROMOTED'")
    with pytest.raises(VerificationError, match="deleted or changed"):
        trust.rotate(lake, by="ann")


def name_approvers(lake, *names):
    listed = ", ".join(f'"{name}"' for name in names)
    lake.path("kaizen.toml").write_text(f"[promotion]\napprovers = [{listed}]\n")
    return Lake(lake.path())


def approval(lake):
    state = policies.state(lake)
    return approval_gate(GateEvidence(lake, state, NOW), state.version("planner", "1.1.0"))


def test_where_approvers_are_named_an_approval_needs_their_signature(lake, tmp_path):
    policies.approve(lake, "planner", "1.1.0", by="bob", now=NOW)
    assert approval(lake).passed
    lake = name_approvers(lake, "bob", "eve")
    assert not approval(lake).passed, "what was said without a key counts no more"
    with pytest.raises(GateError, match="knows no key of bob"):
        policies.approve(lake, "planner", "1.1.0", by="bob", now=NOW)
    for name in ("bob", "eve"):
        trust.add_person(lake, name, trust.make_person_key(lake, tmp_path / f"{name}.pem"), by="ann")
    assert stat.S_IMODE((tmp_path / "bob.pem").stat().st_mode) == 0o600
    with pytest.raises(GateError, match="mallory may not approve"):
        policies.approve(lake, "planner", "1.1.0", by="mallory", key=tmp_path / "bob.pem", now=NOW)
    with pytest.raises(GateError, match="needs their signature"):
        policies.approve(lake, "planner", "1.1.0", by="bob", now=NOW)
    with pytest.raises(GateError, match="is not that of bob"):
        policies.approve(lake, "planner", "1.1.0", by="bob", key=tmp_path / "eve.pem", now=NOW)
    (tmp_path / "bob.pem").chmod(0o644)
    with pytest.raises(PublishError, match="chmod 600"):
        policies.approve(lake, "planner", "1.1.0", by="bob", key=tmp_path / "bob.pem", now=NOW)
    (tmp_path / "bob.pem").chmod(0o600)
    assert policies.approve(lake, "planner", "1.1.0", by="bob", key=tmp_path / "bob.pem", now=NOW).is_new
    assert approval(lake).passed
    assert not policies.approve(lake, "planner", "1.1.0", by="bob", key=tmp_path / "bob.pem", now=NOW).is_new
    assert not approval(name_approvers(lake, "eve")).passed, "who is named no more approves no more"


def test_the_private_key_of_a_person_does_not_lie_in_the_lake_and_is_not_written_over(lake, tmp_path):
    with pytest.raises(UsageError, match="does not belong into the lake"):
        trust.make_person_key(lake, lake.path("keys", "bob.pem"))
    (tmp_path / "bob.pem").write_text("mine")
    with pytest.raises(UsageError, match="not written over"):
        trust.make_person_key(lake, tmp_path / "bob.pem")


def test_the_audit_says_how_it_is_known_who_decided(lake, tmp_path):
    def kaizen(*words):
        done = CliRunner().invoke(app, [*words, "--lake", str(lake.path())])
        return done.output + str(done.exception or "")

    assert "by ann (not authenticated, system user " in kaizen("policy", "audit", "planner")
    assert "is that of bob" in kaizen("keys", "add", "bob", "--private", str(tmp_path / "bob.pem"), "--by", "ann")
    name_approvers(lake, "bob")
    assert "is approved by bob" in kaizen(
        "policy", "approve", "planner", "1.1.0", "--by", "bob", "--key", str(tmp_path / "bob.pem")
    )
    assert "approved, by bob (signed by the key " in kaizen("policy", "audit", "planner")
    assert "bob" in kaizen("keys", "list")


def test_an_approval_counts_for_its_version_and_tenant_alone_also_for_the_founder(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    lake = name_approvers(lake, "bob")
    trust.add_person(lake, "bob", trust.make_person_key(lake, tmp_path / "bob.pem"), by="ann")
    create(lake, "1.0.0", "1.1.0")
    policies.approve(lake, "planner", "1.1.0", by="bob", key=tmp_path / "bob.pem", now=NOW)
    assert approval(view_of(lake)).passed
    (lake.path("landing").parent / "one.ndjson").write_text(
        '{"type": "LEAD_CREATED", "id": "e", "tenant_id": "acme", "occurred_at": "2026-02-01T00:00:00Z", '
        '"payload": {"lead_id": "l", "source": "website"}}\n'
    )
    land(lake, lake.path("one.ndjson"))
    assert view_of(lake).tenant == "acme"
    assert approval(view_of(lake)).passed, "what was approved before the first event is the founder's"

    # Who holds the lake's key, and not the person's, copies the signature onto another version, and for another tenant.
    said = json.loads(decisions.ledger(lake).rows.filter(event_type="POLICY_APPROVED")["payload"].item())
    for view, version in ((view_of(lake), "1.0.0"), (view_of(lake, "other", may_be_new=True), "1.1.0")):
        if view.tenant == "other":
            create(view, "1.1.0")
        copied = said | {
            "policy_version": version,
            "content_sha256": policies.state(view).version("planner", version).content_sha256,
        }
        line = decision_line(view, "POLICY_APPROVED", copied, event_id=f"copied-{version}", occurred_at=NOW)
        assert decisions.append(view, lambda _, line=line: [line], source="mallory") == 1
        state = policies.state(view)
        assert state.version("planner", version).approved_by == "bob"
        assert not approval_gate(GateEvidence(view, state, NOW), state.version("planner", version)).passed
    assert approval(view_of(lake, "acme")).passed

    # Another key of the person takes the place of the one before.
    trust.add_person(lake, "bob", trust.make_person_key(lake, tmp_path / "new.pem"), by="ann")
    assert not approval(view_of(lake, "acme")).passed
