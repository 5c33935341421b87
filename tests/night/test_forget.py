"""A person or client is forgotten: no byte of the lake, its publications and reports names it, and it does not come back."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import polars as pl
import pyarrow.parquet as pq
import pytest

from kaizenlake import signing, tables
from kaizenlake.decide.record import trust
from kaizenlake.errors import GateError, UsageError, VerificationError
from kaizenlake.events.catalogue import OURS
from kaizenlake.lake.landing.landing import land, land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions, keys, tombstones
from kaizenlake.lake.trust.subjects import Subject, read_subject, split_words
from kaizenlake.lake.upkeep import erase_events as erasing
from kaizenlake.lake.upkeep.erase_events import Decider, erase_events, erase_quarantine
from kaizenlake.lake.upkeep.erase_files import find_traces
from kaizenlake.night import forget as forgetting
from kaizenlake.night.run import nightly
from kaizenlake.night.verify import checks
from lake.landed import lead, ndjson, post, put

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANN = Decider("ann", "She asked on paper.")
GONE = "zq-person-170"

pytestmark = pytest.mark.usefixtures("nightly_site")

KILLED = """
import os, signal, sys
from pathlib import Path
from kaizenlake.lake.store import Lake
from kaizenlake.lake.upkeep.erase_events import Decider
from kaizenlake.night import forget as forgetting
lake = Lake(sys.argv[1])
def progress(words):
    if words.startswith("Making"):
        os.kill(os.getpid(), signal.SIGKILL)
forgetting.forget(lake, forgetting.find_subject(lake, f"lead={sys.argv[3]}"), Decider("ann", takes_mentions=True),
    reports=Path(sys.argv[2]), progress=progress)
"""


def broken(lake):
    return [str(check.error) for check in checks(lake) if check.error is not None]


def ids(lake):
    """Ids of events that applications logged."""
    rows = lake.scan(tables.Events).filter(pl.col("event_type") != "SUBJECT_FORGOTTEN")
    return rows.select(pl.col("event_id").sort()).collect()["event_id"].to_list()


def events_of(person, number=3):
    return [lead(f"{person}-{place}", person, occurred_at=f"2026-02-0{place + 1}T09:00:00Z") for place in range(number)]


def every_byte(*folders):
    """Everything that lies in some folders, packed files unpacked."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield path.name.encode() + b" " + path.read_bytes()
                if path.suffix == ".parquet":
                    yield str(pq.read_table(path).to_pydict()).encode()
                if path.suffix == ".gz":
                    yield gzip.decompress(path.read_bytes())


def names(subject, *folders):
    return any(subject.encode() in content for content in every_byte(*folders))


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake after a night, in which a person is in every corner."""
    folder = tmp_path_factory.mktemp("forget")
    lake = Lake.create(folder / "lake")
    posts = [post(f"p{place}", content_id=f"c{place}", impressions=100 + place) for place in range(40)]
    told = post("told", content_id=f"c-{GONE}", text=f"Thanks to\n{GONE}!")
    landing = lake.path("landing")
    put(landing / "a.ndjson", ndjson(*events_of(GONE), *events_of("zq-person-17"), *posts, told))
    put(landing / "b.ndjson.gz", gzip.compress(ndjson(lead("only", GONE), lead("other", "somebody"))))
    put(landing / "c.ndjson", b'{"id": "bad", "type": "LEAD_CREATED", "payload": {"lead_id": "%s"}}\n' % GONE.encode())
    reports = folder / "reports"
    # What an earlier night reported, with a paper that cannot be searched.
    put(reports / "2026-02-20" / "kaizen.html", f"<td>{GONE}</td>".encode())
    put(reports / "2026-02-20" / "kaizen.pdf", b"%PDF")
    put(reports / "2026-02-19" / "kaizen.html", b"<td>others</td>")
    assert nightly(lake, as_of=NOW).errors == []
    assert names(GONE, lake.path(), reports)
    put(landing / "waiting.ndjson", ndjson(lead("late", GONE), lead("late-2", "somebody")))
    return lake


def test_nothing_names_who_was_forgotten_also_when_killed_half_way(lake):
    reports = lake.path().parent / "reports"
    subject = forgetting.find_subject(lake, f"lead={GONE}")
    plan = forgetting.plan_forgetting(lake, subject, reports)
    assert plan.by_type == {"LEAD_CREATED": 4, "PERFORMANCE_RECORDED": 1}
    assert (plan.mentions, plan.decisions) == (1, 0)
    assert "silver.acquisition" in plan.tables
    with pytest.raises(GateError, match="1 event of 5 names it elsewhere"):
        forgetting.forget(lake, subject, ANN, reports=reports)
    assert names(GONE, lake.path())
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(lake.root), str(reports), GONE], check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    lake = Lake(lake.root)
    assert broken(lake) == []
    done = forgetting.forget(lake, subject, ANN, reports=reports)
    assert not names(GONE, lake.path(), reports)
    assert sorted(path.name for path in reports.iterdir()) == ["2026-02-19", "2026-03-01", "site"]
    # Another whose id is the beginning of it stays.
    assert names("zq-person-17", lake.path())
    assert broken(lake) == []
    proof = json.loads(done.proof.read_bytes())
    signing.check_signature(proof["signed"], proof["signature"], keys.private_key(lake).public_key())
    assert (proof["signed"]["found"], proof["signed"]["decided_by"]) == (0, "ann")
    assert decisions.ledger(lake).rows.filter(event_type="SUBJECT_FORGOTTEN").height == 1

    # The old file again, as it was, longer, and packed.
    again = ndjson(*events_of(GONE), lead("new", "somebody-new"))
    put(lake.path("landing", "a.ndjson"), again)
    put(lake.path("landing", "d.ndjson.gz"), gzip.compress(again))
    put(lake.path("landing", "e.ndjson"), b"no json, but %s\n" % GONE.encode())
    before = len(ids(lake))
    landed = land_folder(lake, now=NOW)
    assert (landed.landed, landed.forgotten, landed.quarantined) == (1, 7, 0)
    assert len(ids(lake)) == before + 1
    land_folder(lake, now=NOW)
    assert not names(GONE, lake.path())
    assert broken(lake) == []


def test_batches_are_vouched_for_anew_also_one_that_is_empty_and_one_that_lost_its_seal(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    for name, events in (
        ("a", [*events_of("aa-first"), lead("x1", "stays")]),
        ("b", events_of("aa-first-and-alone")),
        ("c", [lead("0", "aa-first", occurred_at="2026-01-01T00:00:00Z"), *events_of("stays-2")]),
    ):
        land(lake, put(tmp_path / f"{name}.ndjson", ndjson(*events)), now=NOW)
    assert erase_events(lake, Subject("lead_id", "aa-first-and-alone"), ANN) == 3
    assert erase_events(lake, Subject("lead_id", "aa-first"), ANN) == 4
    assert erase_events(lake, Subject("lead_id", "aa-first"), ANN) == 0
    lake = Lake(lake.root)
    assert ids(lake) == ["stays-2-0", "stays-2-1", "stays-2-2", "x1"]
    assert broken(lake) == []
    assert decisions.doubts(lake) == ()
    trust.rotate(lake, by="ann")
    land(lake, put(tmp_path / "d.ndjson", ndjson(lead("later", "x"))), now=NOW)
    assert broken(lake) == []
    assert decisions.of(lake).filter(event_type="LEAD_CREATED").collect().height == 5


def test_what_was_changed_is_not_vouched_for(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "a.ndjson", ndjson(*events_of("person-9"), lead("x1", "stays"))), now=NOW)
    lake.rewrite(
        tables.Events,
        lambda snapshot: snapshot.scan().with_columns(pl.col("payload").str.replace("stays", "changed")).collect(),
    )
    with pytest.raises(VerificationError, match="not as they were landed"):
        erase_events(lake, Subject("lead_id", "person-9"), ANN)


def test_signed_decisions_go_only_where_that_is_said(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "a.ndjson", ndjson(lead())), now=NOW)
    pem = trust.make_person_key(lake, tmp_path / "eve.pem")
    trust.add_person(lake, "eve-17", pem, by="ann")
    trust.add_person(lake, "bob-17", trust.make_person_key(lake, tmp_path / "bob.pem"), by="ann")
    with pytest.raises(GateError, match="1 signed decision name it, such as PERSON_KEY_ADDED"):
        erase_events(lake, Subject("person", "eve-17"), ANN)
    assert erase_events(lake, Subject("person", "eve-17"), Decider("ann", takes_decisions=True)) == 1
    assert sorted(trust.persons(lake)) == ["bob-17"]
    assert broken(lake) == []


def test_a_tenant_is_a_wall(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    events = [lead(f"{tenant}{place}", "person-9", tenant_id=tenant) for tenant in ("a", "b") for place in range(2)]
    land(lake, put(tmp_path / "a.ndjson", ndjson(*events)), now=NOW)
    subject = forgetting.find_subject(lake, "lead=person-9", "a")
    assert erase_events(lake, subject, ANN) == 2
    assert ids(lake) == ["b0", "b1"]
    again = [lead(f"{tenant}9", "person-9", tenant_id=tenant) for tenant in ("a", "b")]
    assert land(lake, put(tmp_path / "b.ndjson", ndjson(*again)), now=NOW).landed == 1
    assert ids(lake) == ["b0", "b1", "b9"]
    assert broken(lake) == []


def test_the_name_of_a_file_and_a_quarantined_line_are_cleaned(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "client-77.ndjson", ndjson(lead()) + b'{"lead": "client-77"}\nother\n'), now=NOW)
    subject = Subject("", "client-77")
    assert (erase_events(lake, subject, ANN), erase_quarantine(lake, subject)) == (0, 2)
    lake = Lake(lake.root)
    files = {name for table in (tables.Events, tables.Landings) for name in lake.scan(table).collect()["file"]}
    assert not any("client-77" in name for name in files)
    assert broken(lake) == []


def test_without_the_secret_nothing_is_landed(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "a.ndjson", ndjson(lead())), now=NOW)
    erase_events(lake, Subject("lead_id", "person-9"), ANN)
    lake.path(keys.FOLDER, tombstones.SECRET).unlink()
    with pytest.raises(VerificationError, match="what keeps them out is not here"):
        land(lake, put(tmp_path / "b.ndjson", ndjson(lead("e2"))), now=NOW)
    with pytest.raises(VerificationError):
        tombstones.make_secret(lake)


def test_the_reason_does_not_keep_the_name(lake):
    with pytest.raises(UsageError, match="names the subject itself"):
        forgetting.forget(lake, Subject("", "eve-17"), Decider("ann", "eve-17 asked"), reports=lake.path("r"))


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ('{"lead_id":"ann-1"}', True),
        ('{"lead_id":"ANN-1"}', True),
        ('{"text":"by\\nann-1, today"}', True),
        ("https://example.com/ann-1/x", True),
        ('{"lead_id":"ann-12"}', False),
        ('{"lead_id":"joann-1"}', False),
        ("", False),
    ],
)
def test_tables_files_and_landing_find_a_name_alike(text, is_named):
    subject = Subject("lead_id", "ann-1")
    frame = pl.DataFrame({"payload": [text]})
    told = json.loads(text) if text.startswith("{") else text
    assert frame.select(subject.names(["payload"], frame.schema)).item() is is_named
    assert subject.is_in(text.encode()) is is_named
    words = told.values() if isinstance(told, dict) else [told]
    assert any("ann-1" in split_words(word, [5]) for word in words) is is_named


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lead", "takes KIND=ID"),
        ("lead=", "takes KIND=ID"),
        ("lead=a", "too short"),
        ("leed=person-9", "has a field 'leed'"),
    ],
)
def test_a_subject_that_is_none_is_told(text, why):
    with pytest.raises(UsageError, match=why):
        read_subject(text, OURS)


def test_a_lake_without_events_keeps_out_who_never_came(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    assert erase_events(lake, Subject("lead_id", "person-9"), ANN) == 0
    assert land(lake, put(tmp_path / "b.ndjson", ndjson(lead("e", "person-9"), lead("f"))), now=NOW).forgotten == 1
    assert ids(lake) == ["f"]
    assert find_traces(lake, Subject("lead_id", "person-9"), None) == ()
    assert erasing.find_events(lake, Subject("lead_id", "person-9")).days == frozenset()
