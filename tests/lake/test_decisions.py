"""The chain of decisions: only what the lake's key signed counts, and what was forged, changed or deleted is named."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake import signing
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.decide.record import trust
from kaizenlake.errors import PublishError, UsageError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions, keys, seals
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.night.run import nightly
from kaizenlake.night.verify import checks
from kaizenlake.tables import Events, PolicyLog

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def create(lake, *versions):
    for version in versions:
        draft = PolicyDraft(doer="planner", version=version, prompts={"system": f"Plan, as {version}."})
        policies.create(lake, draft, by="ann", now=NOW)


def activate(lake, version):
    policies.promote(lake, "planner", version, to="active", by="ann", override=True, reason="First.", now=NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two versions, of which first one and then the other became active: five decisions."""
    lake = Lake.create(tmp_path_factory.mktemp("made") / "lake")
    create(lake, "1.0.0", "2.0.0")
    activate(lake, "1.0.0")
    activate(lake, "2.0.0")
    policies.roll_back(lake, "planner", "2.0.0", by="ann", reason="It plans without tests.", now=NOW)
    return lake


@pytest.fixture
def lake(made, tmp_path):
    shutil.copytree(made.path(), tmp_path / "lake")
    return Lake(tmp_path / "lake")


def active(lake):
    found = policies.state(lake).active("planner")
    return None if found is None else found.policy_version


def broken(lake):
    """What verification names, in one text."""
    return " ".join(str(check.error) for check in checks(lake) if check.error is not None)


def test_what_another_process_decided_since_is_not_missing_from_a_moment_before(lake):
    before = lake.snapshot(Events)
    rows = decisions.ledger(lake, before).rows
    create(Lake(lake.root), "3.0.0")

    found = decisions.ledger(lake, before)
    assert (found.gaps, found.rows.height) == ((), rows.height)
    assert decisions.find_believed(lake, before).attested.problems == ()
    assert decisions.ledger(Lake(lake.root)).rows.height == rows.height + 1

    # Where the events are back at that moment, the decision is missing, and is said to be.
    log = lake.path("bronze", "events", "_delta_log")
    for path in log.glob(f"{before.version + 1:020}*"):
        path.unlink()
    assert decisions.ledger(Lake(lake.root)).gaps == ("1 decision is missing: number 6",)


def foreign_append(lake, rows):
    """What somebody with a file handle does."""
    write_deltalake(lake.uri(Events), rows.to_arrow(), mode="append")


def foreign_overwrite(lake, rows):
    write_deltalake(lake.uri(Events), rows.to_arrow(), mode="overwrite")


def foreign_delete(lake, *numbers):
    for number in numbers:
        DeltaTable(lake.uri(Events)).delete(f"seal like '%\"sequence\": {number},%'")


def row_of(lake, kind, place=-1):
    return lake.scan(Events).filter(event_type=kind).sort("seal").collect()[[place]]


def numbers(lake):
    return sorted(json.loads(seal)["sequence"] for seal in lake.scan(Events).collect()["seal"].drop_nulls())


def test_every_decision_is_numbered_and_verifies(lake):
    assert numbers(lake) == [1, 2, 3, 4, 5]
    assert active(lake) == "1.0.0"
    assert broken(lake) == ""
    assert decisions.ledger(lake).chain.head[0] == 5


def test_the_chain_survives_compaction_and_goes_on(lake):
    maintain(lake)
    create(lake, "3.0.0")
    assert numbers(lake) == [1, 2, 3, 4, 5, 6]
    assert broken(lake) == ""


UNSIGNED = {"seal": pl.lit(None, pl.String)}
NAMED_ANEW = {"event_id": pl.lit("forged")}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (NAMED_ANEW | UNSIGNED, "it is not signed"),
        (NAMED_ANEW | {"seal": pl.lit("{}")}, "its seal is none"),
        (
            NAMED_ANEW | {"seal": pl.lit('{"sequence": 6, "previous": "x", "key_id": "k", "signature": "AAAA"}')},
            "key k",
        ),
        (NAMED_ANEW, "is not what the key"),
        ({"landed_at": pl.col("landed_at").dt.offset_by("1h")}, "is not what the key"),
        ({"seal": pl.col("seal").str.replace('"sequence": 4', '"sequence": 6')}, "is not what the key"),
        ({}, "is there 2 times"),
    ],
    ids=["unsigned", "no seal", "other key", "copied seal", "stamped anew", "numbered anew", "copied whole"],
)
def test_a_row_that_was_appended_to_bronze_changes_nothing_and_is_named(lake, changes, why):
    before = policies.state(lake)
    foreign_append(lake, row_of(lake, "POLICY_PROMOTED").with_columns(**changes))
    after = policies.state(lake)
    assert active(lake) == "1.0.0"
    for name in ("policies", "promotions", "deployments", "replay_log"):
        assert getattr(before, name).equals(getattr(after, name)), name
    assert why in broken(lake)
    create(lake, "3.0.0")
    assert "missing" not in broken(lake), "who forges does not stop the lake"


def test_a_forged_promotion_reaches_neither_silver_nor_who_is_served(lake):
    night = datetime(2026, 3, 2, tzinfo=UTC)
    assert nightly(lake, as_of=night).exit_code == 0
    served = lake.path("published", "policies", "planner.json").read_bytes()
    forged = row_of(lake, "POLICY_PROMOTED").with_columns(**NAMED_ANEW | UNSIGNED)
    foreign_append(lake, forged)
    assert nightly(lake, as_of=night).exit_code == 0
    assert "forged" not in lake.scan(PolicyLog).collect()["event_id"]
    assert lake.scan(PolicyLog).collect().height == 5
    assert lake.path("published", "policies", "planner.json").read_bytes() == served


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_decision_that_was_deleted_is_named_and_stops_what_would_be_decided_or_served(lake, number):
    assert nightly(lake, as_of=datetime(2026, 3, 2, tzinfo=UTC)).exit_code == 0
    served = lake.path("published", "policies", "planner.json").read_bytes()
    foreign_delete(lake, number)
    assert f"1 decision is missing: number {number}" in broken(lake)
    with pytest.raises(VerificationError, match="were deleted or changed"):
        create(lake, "3.0.0")
    done = nightly(lake, as_of=datetime(2026, 3, 3, tzinfo=UTC))
    assert [error.step for error in done.errors] == ["serve"], "the rest of the night goes on"
    assert lake.path("published", "policies", "planner.json").read_bytes() == served


@pytest.mark.parametrize("number", [3, 5])
def test_a_person_may_go_on_without_a_decision_that_is_lost(lake, number):
    foreign_delete(lake, number)
    with pytest.raises(UsageError, match="needs a reason"):
        trust.accept_missing(lake, by="ann", reason=None)
    assert trust.accept_missing(lake, by="ann", reason="The disk broke.") == (
        f"1 decision is missing: number {number}",
    )
    assert broken(lake) == ""
    create(lake, "3.0.0")
    assert numbers(lake) == [*sorted({1, 2, 3, 4, 5} - {number}), 6, 7]
    foreign_delete(lake, 1)
    assert "missing: number 1" in broken(lake), "what is lost later is named all the same"
    assert trust.accept_missing(Lake(lake.path()), by="ann", reason="Again.") != ()
    assert trust.accept_missing(lake, by="ann", reason="Again.") == ()


def test_a_decision_that_was_changed_does_not_count(lake):
    rows = lake.scan(Events).collect()
    is_roll_back = pl.col("event_type") == "POLICY_ROLLED_BACK"
    changed = pl.col("payload").str.replace_all("2.0.0", "1.0.0", literal=True)
    foreign_overwrite(lake, rows.with_columns(payload=pl.when(is_roll_back).then(changed).otherwise("payload")))
    assert "POLICY_ROLLED_BACK" in broken(lake)
    assert "missing: number 5" in broken(lake)
    assert policies.state(lake).version("planner", "1.0.0").status == "archived"


def test_a_table_put_back_to_an_older_version_is_noticed(lake):
    older = Lake(lake.path())
    shutil.copytree(lake.path("bronze"), lake.path("older"))
    create(older, "3.0.0", "4.0.0")
    shutil.rmtree(lake.path("bronze"))
    shutil.move(lake.path("older"), lake.path("bronze"))
    assert "2 decisions are missing: number 6 to 7" in broken(Lake(lake.path()))


def test_the_order_of_rows_does_not_count(lake):
    before = policies.state(lake)
    foreign_overwrite(lake, lake.scan(Events).collect().reverse())
    assert broken(lake) == ""
    assert policies.state(lake).promotions.equals(before.promotions)


def test_decisions_of_another_lake_do_not_count_even_by_the_same_key(lake, tmp_path):
    other = Lake.create(tmp_path / "other")
    shutil.copytree(lake.path("keys"), other.path("keys"))
    (other.path("keys") / keys.HEADS).unlink()
    create(other, "1.0.0")
    foreign_append(other, lake.scan(Events).collect())
    assert numbers(other) == [1, 1, 2, 3, 4, 5]
    assert policies.state(other).policies["status"].to_list() == ["draft"]


def test_of_two_branches_that_one_key_signed_the_one_seen_here_counts(lake, tmp_path):
    staging = Lake(shutil.copytree(lake.path(), tmp_path / "staging"))
    create(lake, "3.0.0")
    create(staging, "4.0.0", "5.0.0")
    activate(staging, "5.0.0")
    foreign_append(lake, staging.scan(Events).filter(pl.col("seal").str.contains('"sequence": [678]')).collect())
    assert active(lake) == "1.0.0"
    assert "another decision or batch has its number" in broken(lake)


def test_a_key_that_was_lost_is_told_and_none_is_made_in_its_place(lake):
    lake.path("keys", signing.KEY_NAME).unlink()
    with pytest.raises((PublishError, VerificationError), match="key"):
        create(lake, "3.0.0")
    assert not lake.path("keys", signing.KEY_NAME).exists()
    with pytest.raises(PublishError, match="kaizen keys rotate"):
        keys.private_key(lake)


@pytest.mark.parametrize(
    ("mode", "place"), [(0o644, "signing_ed25519.pem"), (0o620, "signing_ed25519.pem"), (0o777, "")]
)
def test_a_key_that_others_may_read_or_replace_is_refused(lake, mode, place):
    lake.path("keys", place).chmod(mode)
    with pytest.raises(PublishError, match=r"Others may .*chmod"):
        keys.private_key(lake)
    lake.path("keys", place).chmod(0o600 if place else 0o700)
    keys.private_key(lake)


KEY, STRANGER = (signing.Ed25519PrivateKey.from_private_bytes(bytes([byte]) * 32) for byte in (1, 2))
TRUST = keys.Trust(
    signing.key_id(KEY.public_key()), {signing.key_id(KEY.public_key()): KEY.public_key()}, "the lake's own key"
)


def chain_of(contents, key=KEY):
    links, head = [], (0, "")
    for number, content in enumerate(contents, 1):
        text, digest = seals.seal("decision", "7", number, head[1], content, key)
        links.append(seals.read("decision", "7", text, content, content))
        head = number, digest
    return links


@given(st.data())
@settings(max_examples=60)
def test_whatever_is_left_out_changed_or_added_only_what_was_signed_counts(data):
    contents = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=8))
    links = chain_of(contents)
    kept = data.draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    there = [link for link, stays in zip(links, kept, strict=True) if stays]
    forged = chain_of(data.draw(st.lists(st.integers(6, 9), max_size=4)), STRANGER)
    mixed = data.draw(st.permutations([*there, *forged, *there[:1]]))
    found = seals.verify(mixed, TRUST, last=len(links))
    assert list(found.links.values()) == there
    assert found.missing == tuple(number for number, stays in enumerate(kept, 1) if not stays)
    assert {link.hash for link, _ in found.refused} == {link.hash for link in forged}
