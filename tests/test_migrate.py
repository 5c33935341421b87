"""A lake that version 0.1.0 wrote: refused in words, adopted by a person, and then as any other."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from typer.testing import CliRunner

from kaizenlake.cli.app import app
from kaizenlake.decide.policies import policies
from kaizenlake.errors import LakeError
from kaizenlake.lake import formats
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.night.verify import checks
from kaizenlake.tables import Crl, Events

OLD = Path(__file__).parent / "data" / "lake-0.1.0.tar.xz"
"""Forty runs, ten leads with a message each, a golden set, and two versions of a policy, of which one became active. The
key in it signs nothing else."""


@pytest.fixture
def old(tmp_path):
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "lake"


def kaizen(*words):
    """Run a command; what it printed, and the error it met."""
    done = CliRunner().invoke(app, list(map(str, words)))
    return done.output + (str(done.exception) if done.exception else ""), done


@pytest.mark.parametrize(
    "words", [("policy", "list"), ("show", "win_rates"), ("policy", "rollback", "planner", "1.0.0")]
)
def test_an_old_lake_is_refused_with_the_command_that_brings_it_here(old, words):
    told, _ = kaizen(*words, "--lake", old)
    assert "The lake has format 1, this version of kaizenlake writes format 2" in told
    assert "kaizen migrate --by NAME" in told


def test_a_migrated_lake_has_its_decisions_and_figures_and_goes_on(old):
    told, done = kaizen("migrate", "--by", "ann", "--lake", old)
    assert done.exit_code == 0, told
    assert re.search(r"had format 1\. [4-9] decisions and 60 events", told)
    lake = Lake(old)
    assert [str(check.error) for check in checks(lake) if check.error is not None] == []
    state = policies.state(lake)
    assert state.active("planner").policy_version == "1.0.0"
    assert lake.rows(Crl) == 40
    assert "tenant_id" in lake.scan(Crl).collect_schema()
    before = decisions.ledger(lake).rows.height
    policies.roll_back(lake, "planner", "1.0.0", by="ann", reason="It goes on.")
    assert decisions.ledger(lake).rows.height == before + 1
    assert [str(check.error) for check in checks(lake) if check.error is not None] == []
    told, _ = kaizen("migrate", "--by", "ann", "--lake", old)
    assert "nothing to do" in told


def broken(lake):
    return " ".join(str(check.error) for check in checks(lake) if check.error is not None)


def test_what_was_adopted_is_held_to_what_it_was(old):
    kaizen("migrate", "--by", "ann", "--lake", old)
    lake = Lake(old)
    promoted = lake.scan(Events).filter(event_type="POLICY_PROMOTED").collect()
    forged = promoted.with_columns(
        event_id=promoted["event_id"] + "x", payload=promoted["payload"].str.replace("1.0.0", "1.1.0")
    )
    write_deltalake(lake.uri(Events), forged.to_arrow(), mode="append")
    assert policies.state(lake).active("planner").policy_version == "1.0.0"
    assert "it is not signed" in broken(lake)
    DeltaTable(lake.uri(Events)).delete("event_id = 'run-7'")
    assert "60 events of no batch were adopted, and 59 are there" in broken(lake)
    DeltaTable(lake.uri(Events)).delete("event_type = 'POLICY_CREATED'")
    assert "that a person adopted are missing" in broken(lake)


def test_a_newer_format_is_refused_in_words(old):
    kaizen("migrate", "--by", "ann", "--lake", old)
    lake = Lake(old)
    lake.append(Events, lake.scan(Events).head(0).collect(), transaction=(formats.VERSION, 3))
    with pytest.raises(LakeError, match="a newer version of kaizenlake wrote"):
        Lake(old).scan(Events)
    told, _ = kaizen("migrate", "--by", "ann", "--lake", old)
    assert "nothing to do" not in told
