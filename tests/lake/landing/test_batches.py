"""Batches: a changed, deleted or foreign event is found by the signed digest of the batch that it was landed in."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake import signing, tables
from kaizenlake.decide.record import trust
from kaizenlake.errors import VerificationError
from kaizenlake.lake.landing import batches
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import attested, decisions, digests
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.night.verify import checks
from kaizenlake.tables import Events
from kaizenlake.testing import sample_events

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lines(*numbers):
    return b"".join(
        json.dumps(
            {
                "id": f"e{number}",
                "type": "LEAD_CREATED",
                "occurred_at": (NOW - timedelta(days=number % 3)).isoformat(),
                "payload": {"lead_id": f"lead {number}", "source": "website"},
                **({"tags": ["a", "é"]} if number % 2 else {}),
            }
        ).encode()
        + b"\n"
        for number in numbers
    )


def put(lake, name, *numbers):
    path = lake.path("landing").parent / f"{name}.ndjson"
    path.write_bytes(lines(*numbers))
    return land(lake, path, now=NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    lake = Lake.create(tmp_path_factory.mktemp("made") / "lake")
    put(lake, "first", *range(6))
    put(lake, "second", *range(4, 10))
    put(lake, "third", 20)
    return lake


@pytest.fixture
def lake(made, tmp_path):
    shutil.copytree(made.path(), tmp_path / "lake")
    return Lake(tmp_path / "lake")


def broken(lake):
    return " ".join(str(check.error) for check in checks(lake) if check.error is not None)


def test_each_landing_is_a_batch_whose_seal_one_event_carries(lake):
    found = lake.scan(Events).group_by("batch").agg(pl.len(), pl.col("seal").drop_nulls().len().alias("seals"))
    assert found.sort("batch").collect().rows() == [(1, 6, 1), (2, 4, 1), (3, 1, 1)]
    assert broken(lake) == ""
    assert batches.verify(lake).rows == 11


def test_what_maintenance_or_a_landing_once_more_does_changes_no_digest(lake):
    maintain(lake)
    put(lake, "first", *range(6))
    write_deltalake(lake.uri(Events), lake.scan(Events).collect().reverse().to_arrow(), mode="overwrite")
    assert broken(lake) == ""
    put(lake, "fourth", 30)
    assert sorted(set(lake.scan(Events).collect()["batch"])) == [1, 2, 3, 4]
    assert broken(lake) == ""


def change(**columns):
    def do(lake):
        is_it = pl.col("event_id") == "e4"
        rows = lake.scan(Events).collect()
        changed = rows.with_columns(
            **{name: pl.when(is_it).then(value).otherwise(name) for name, value in columns.items()}
        )
        write_deltalake(lake.uri(Events), changed.to_arrow(), mode="overwrite")

    return do


def delete(where):
    def do(lake):
        DeltaTable(lake.uri(Events)).delete(where)

    return do


def add_a_foreign_event(lake):
    row = lake.scan(Events).filter(event_id="e2").collect()
    foreign = row.with_columns(event_id=pl.lit("forged"), seal=pl.lit(None, pl.String), batch=pl.lit(None, pl.Int64))
    write_deltalake(lake.uri(Events), foreign.to_arrow(), mode="append")


def add_to_a_batch(lake):
    row = lake.scan(Events).filter(event_id="e2").collect()
    foreign = row.with_columns(event_id=pl.lit("forged"), seal=pl.lit(None, pl.String))
    write_deltalake(lake.uri(Events), foreign.to_arrow(), mode="append")


def add_a_batch(lake):
    row = lake.scan(Events).filter(pl.col("seal").is_not_null(), batch=1).head(1).collect()
    text = row["seal"].item().replace('"sequence": 1', '"sequence": 4')
    foreign = row.with_columns(event_id=pl.lit("forged"), seal=pl.lit(text), batch=pl.lit(4, pl.Int64))
    write_deltalake(lake.uri(Events), foreign.to_arrow(), mode="append")


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (change(payload=pl.lit('{"lead_id":"mine"}')), "batch 1 .*first.ndjson.*6 events are there.*changed"),
        (change(occurred_at=pl.col("occurred_at").dt.offset_by("1m")), "batch 1 .*changed"),
        (change(project_id=pl.lit("p")), "batch 1 .*changed"),
        (change(tags=pl.lit(["b"])), "batch 1 .*changed"),
        (change(metadata=pl.lit("{}")), "batch 1 .*changed"),
        (delete("event_id = 'e7'"), "batch 2 .*4 events were landed, and 3 are there"),
        (delete("event_id = 'e20'"), "1 batch is missing: number 3"),
        (delete("batch = 2"), "1 batch is missing: number 2"),
        (delete("seal is not null and batch = 2"), "batch 2.*no digest"),
        (add_a_foreign_event, "1 event were not landed|1 event was not landed"),
        (add_to_a_batch, "batch 1 .*6 events were landed, and 7 are there"),
        (add_a_batch, "batch 4.*is not what the key"),
    ],
)
def test_what_was_changed_deleted_or_put_there_is_named(lake, tamper, words):
    tamper(lake)
    assert re.search(words, broken(lake)), broken(lake)


def test_where_no_key_is_at_hand_events_are_landed_and_counted(lake):
    lake.path("keys", signing.KEY_NAME).unlink()
    assert put(lake, "fifth", 40).landed == 1
    assert lake.scan(Events).filter(event_id="e40").collect()["batch"].item() is None
    with pytest.raises(VerificationError, match="neither its key nor the public half"):
        decisions.of(lake)
    done = trust.rotate(lake, by="ann")
    assert (done.adopted, done.unsigned, believed(lake)) == (0, 1, {*NAMES}), "what nobody vouches for does not count"
    assert "1 event of no batch, which no key of this lake signed, counts for nothing" in decisions.doubts(lake)
    add_a_foreign_event(lake)
    assert trust.rotate(lake, by="ann").unsigned == 2
    DeltaTable(lake.uri(Events)).delete("event_id = 'forged'")
    mark = decisions.find_believed(lake).mark
    done = trust.rotate(lake, by="ann", adopts=True)
    assert (done.adopted, done.unsigned, believed(lake)) == (1, 0, {*NAMES, "e40"})
    assert decisions.find_believed(lake).mark != mark, "so what was computed is computed anew"
    add_a_foreign_event(lake)
    assert believed(lake) == {*NAMES, "e40"}
    assert "1 event of no batch were adopted, and 2 are there" in broken(lake)


NAMES = tuple(f"e{number}" for number in (*range(10), 20))


def believed(lake):
    """Names of the logged events that count."""
    return {*decisions.of(lake).filter(attested.IS_LOGGED).collect()["event_id"]}


def add_a_copy(lake):
    row = lake.scan(Events).filter(event_id="e2").collect()
    write_deltalake(lake.uri(Events), row.to_arrow(), mode="append")


@pytest.mark.parametrize("batch", [0, 1, 2, 3])
def test_of_what_was_put_beside_a_batch_nothing_counts_whatever_came_after(lake, batch):
    tampers = [add_a_foreign_event, add_to_a_batch, add_a_batch, add_a_copy]
    for tamper in tampers[batch:] + tampers[:batch]:
        tamper(lake)
        rows = decisions.of(lake).collect()
        assert sorted(rows["event_id"]) == sorted(NAMES)
    maintain(lake)
    put(lake, "fourth", 30)
    assert believed(lake) == {*NAMES, "e30"}
    assert decisions.of(lake, days=[NOW.date()]).collect().height == sum(n % 3 == 0 for n in (*range(10), 20, 30))


def test_where_the_landed_cannot_be_told_from_the_rest_none_of_the_batch_counts(lake):
    add_to_a_batch(lake)
    DeltaTable(lake.uri(Events)).optimize.compact()
    assert believed(lake) == {*NAMES} - {f"e{number}" for number in range(6)}
    assert "batch 1: 6 events were landed, and 7 are there; which of them" in " ".join(decisions.doubts(lake))


def test_of_a_batch_that_lost_some_the_others_count(lake):
    delete("event_id = 'e7'")(lake)
    assert believed(lake) == {*NAMES} - {"e7"}
    assert decisions.doubts(lake) == ("batch 2: 4 events were landed, and 3 are there",)


def test_every_column_of_an_event_is_digested_or_left_out_on_purpose():
    derived = {"payload_hash", "event_date"}
    assert {*digests.DIGESTED, *derived, "batch", "seal"} == {*tables.schema(Events).names()}


@given(st.randoms(), st.integers(1, 3))
@settings(max_examples=20)
def test_the_digest_of_a_batch_is_that_of_its_events_in_any_order(random, number):
    rows = sample_events(60, seed=number).with_columns(batch=pl.Series([random.randrange(2) for _ in range(60)]))
    shuffled = rows[random.sample(range(60), 60)]
    assert digests.parts(shuffled) == digests.parts(rows)
    days = [shuffled.filter(event_date=day) for day in shuffled["event_date"].unique()]
    assert dict(digests.batches(map(digests.parts, days))) == dict(digests.batches([digests.parts(rows)]))
    other = rows.with_columns(source=pl.when(pl.int_range(60) == 7).then(pl.lit("x")).otherwise("source"))
    assert digests.parts(other) != digests.parts(rows)


def test_what_lies_behind_a_null_is_not_digested():
    rows = sample_events(60, seed=1).with_columns(
        batch=pl.lit(1),
        project_id=pl.when(pl.int_range(60) % 3 == 0).then(pl.lit("p")),
        tags=pl.when(pl.int_range(60) % 4 == 0).then(pl.lit(["a"])),
    )
    texts = ["a text that stays behind its null"] * 60
    data, offsets = "".join(texts).encode(), np.arange(61, dtype=np.int64) * len(texts[0])
    shown = np.packbits(np.arange(60) % 3 == 0, bitorder="little").tobytes()
    behind = pa.LargeStringArray.from_buffers(60, *map(pa.py_buffer, (offsets.tobytes(), data, shown)))
    dirty = rows.with_columns(pl.Series("project_id", behind))
    clean = dirty.with_columns(project_id=pl.Series(dirty["project_id"].to_list(), dtype=pl.String))
    assert dirty["project_id"].equals(clean["project_id"], null_equal=True)
    assert digests.parts(dirty) == digests.parts(clean)
    in_pieces = pl.concat([dirty[place : place + 7] for place in range(0, 60, 7)], rechunk=False)
    assert digests.parts(in_pieces) == digests.parts(in_pieces.rechunk()) == digests.parts(clean)
