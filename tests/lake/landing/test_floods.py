"""What one source sends at once: caps, floods that are said or held back, and ids that nobody can take beforehand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.errors import LakeError, SettingsError
from kaizenlake.jobs.activity import source_arrivals
from kaizenlake.lake import formats
from kaizenlake.lake.landing import batch, floods
from kaizenlake.lake.landing.landing import land, retry
from kaizenlake.lake.store import Lake
from lake.landed import NOW, held, ids, lead, ndjson, put

DAY = timedelta(days=1)


def leads(prefix, count, **changes):
    return ndjson(*(lead(f"{prefix}{place}", f"{prefix}{place}", **changes) for place in range(count)))


def lake_with(folder, settings=""):
    lake = Lake.create(folder / "lake")
    lake.path("kaizen.toml").write_text(settings)
    return Lake(folder / "lake")


def fates(done):
    return done.landed, done.duplicate, done.quarantined


def test_a_cap_lets_so_many_events_of_a_source_in_a_day(tmp_path):
    lake = lake_with(tmp_path, "[landing]\nevents_per_day = 3\n")
    first = put(tmp_path / "a.ndjson", leads("a", 5, source="crm"))
    assert fates(land(lake, first, now=NOW)) == (3, 0, 2)
    assert held(lake) == [(4, ["over_cap"]), (5, ["over_cap"])]
    # Landed once more it is what it was; another source and another tenant have caps of their own.
    assert fates(land(lake, first, now=NOW)) == (0, 3, 2)
    assert fates(land(lake, put(tmp_path / "b.ndjson", leads("b", 2, source="crm")), now=NOW)) == (0, 0, 2)
    assert fates(land(lake, put(tmp_path / "c.ndjson", leads("c", 2, source="web")), now=NOW)) == (2, 0, 0)
    tenant = leads("d", 2, source="crm", tenant_id="t1")
    assert fates(land(lake, put(tmp_path / "d.ndjson", tenant), now=NOW)) == (2, 0, 0)
    assert fates(land(lake, put(tmp_path / "e.ndjson", leads("e", 3, source="crm")), now=NOW + DAY)) == (3, 0, 0)
    # A retry for another reason leaves them; who has looked lands them.
    left = retry(lake, now=NOW + DAY)
    assert (left.tried, left.held_back) == (0, 4)
    assert retry(lake, held_back=True, now=NOW + DAY).landed == 4
    assert len(ids(lake)) == 14


def test_a_cap_of_a_source_goes_before_that_of_all(tmp_path):
    settings = '[landing]\nevents_per_day = 1\ncaps = [{ source = "web", events_per_day = 2 }, { source = "crm", events_per_day = 0 }]\n'
    lake = lake_with(tmp_path, settings)
    content = leads("w", 3, source="web") + leads("c", 3, source="crm") + leads("o", 3)
    done = land(lake, put(tmp_path / "a.ndjson", content), now=NOW)
    assert fates(done) == (6, 0, 3)
    assert done.by_rule == {"over_cap": 3}


def test_a_source_has_one_cap(tmp_path):
    lake = lake_with(
        tmp_path, '[landing]\ncaps = [{ source = "a", events_per_day = 1 }, { source = "a", events_per_day = 2 }]\n'
    )
    with pytest.raises(SettingsError, match="has two caps"):
        land(lake, put(tmp_path / "a.ndjson", leads("a", 1)), now=NOW)


@pytest.fixture
def least(monkeypatch):
    for module in (source_arrivals, floods):
        monkeypatch.setattr(module, "LEAST_FLOOD", 20)


@pytest.mark.parametrize("does", ["say", "hold"])
@pytest.mark.usefixtures("least")
def test_a_flood_is_said_before_figures_are_made_or_held_back(tmp_path, does):
    lake = lake_with(tmp_path, f'[landing]\nflood = "{does}"\n')
    for day in range(6):
        daily = leads(f"d{day}-", 2, source="crm") + leads(f"w{day}-", 2, source="web")
        land(lake, put(tmp_path / f"{day}.ndjson", daily), now=NOW + day * DAY)
    now = NOW + 6 * DAY
    assert floods.describe_floods(lake, now) == ()
    invented = put(tmp_path / "f.ndjson", leads("x", 60, source="crm") + leads("y", 20, source="web"))
    assert fates(land(lake, invented, now=now)) == ((80, 0, 0) if does == "say" else (20, 0, 60))
    said = floods.describe_floods(lake, now)
    if does == "say":
        assert said == ("source 'crm' landed 60 events on 2026-03-07, where 2 a day are usual",)
    else:
        assert said == ()
        assert {tuple(rules) for _, rules in held(lake)} == {("over_usual",)}
        assert retry(lake, held_back=True, now=now).landed == 60


@pytest.mark.usefixtures("least")
def test_a_killed_landing_ends_in_the_same_events(tmp_path, monkeypatch):
    lake = lake_with(tmp_path, "[landing]\nevents_per_day = 3\n")
    file = put(tmp_path / "a.ndjson", leads("a", 5))
    with monkeypatch.context() as patch:
        patch.setattr(batch.quarantine, "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            land(lake, file, now=NOW)
    done = land(lake, file, now=NOW)
    assert fates(done) == (3, 0, 2)
    assert ids(lake) == ["a0", "a1", "a2"]


MAPPING = """
description = "Deals of a test."
source = "deals"
[[event]]
type = "LEAD_CREATED"
id.columns = ["Id"]
occurred_at = { column = "At", zone = "UTC" }
fields.lead_id = "Id"
"""
ROWS = b"Id,At\nd1,2026-02-01\nd2,2026-02-02\n"


def land_rows(folder, lake, rows=ROWS, name="a.csv"):
    mapping = put(folder / "deals.toml", MAPPING.encode())
    return land(lake, put(folder / name, rows), mapping=mapping, now=NOW)


def test_the_id_of_a_mapped_row_cannot_be_taken_before_it_comes(tmp_path):
    there, here = lake_with(tmp_path / "one"), lake_with(tmp_path / "two")
    assert fates(land_rows(tmp_path, there)) == (2, 0, 0)
    # Who knows the rows and the mapping, but no lake from within, lands other events by their ids.
    squats = ndjson(*(lead(name, "squat") for name in ids(there)))
    land(here, put(tmp_path / "squat.ndjson", squats), now=NOW)
    assert fates(land_rows(tmp_path, here)) == (2, 0, 0)
    assert not {*ids(there)} & {name for name in ids(here) if name not in ids(there)}
    # In one lake a row has one id, in whatever file it lies.
    assert fates(land_rows(tmp_path, here, ROWS + b"d3,2026-02-03\n", "b.csv")) == (1, 2, 0)
    assert fates(land_rows(tmp_path, Lake(here.root))) == (0, 2, 0)


def test_a_lake_that_has_no_salt_keeps_its_ids(tmp_path, monkeypatch):
    lake = lake_with(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(formats.IdSalt, "draw", classmethod(lambda cls: cls()))
        land_rows(tmp_path, lake)
    before = ids(lake)
    assert fates(land_rows(tmp_path, Lake(lake.root), ROWS + b"d3,2026-02-03\n", "b.csv")) == (1, 2, 0)
    assert {*before} < {*ids(lake)}


def test_of_two_first_landings_of_a_lake_the_later_mapped_one_is_done_again(tmp_path, monkeypatch):
    lake = lake_with(tmp_path)
    judge, other = batch.judge, put(tmp_path / "o.ndjson", leads("o", 1))

    def between(*given):
        monkeypatch.setattr(batch, "judge", judge)
        land(Lake(lake.root), other, now=NOW)
        return judge(*given)

    monkeypatch.setattr(batch, "judge", between)
    with pytest.raises(LakeError, match="another salt"):
        land_rows(tmp_path, lake)
    assert ids(lake) == ["o0"]
    assert fates(land_rows(tmp_path, Lake(lake.root))) == (2, 0, 0)


def test_events_are_counted_by_the_day_of_their_landing():
    at = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    row = dict.fromkeys(tables.schema(tables.Events)) | {"source": "s", "occurred_at": NOW, "event_date": NOW.date()}
    made = [row | {"event_id": str(place), "landed_at": at + place * timedelta(minutes=1)} for place in range(3)]
    late = row | {"event_id": "late", "occurred_at": NOW + DAY, "landed_at": at}
    frame = pl.DataFrame([*made, late], schema=tables.schema(tables.Events)).lazy()
    found = source_arrivals.source_arrivals(frame, as_of=NOW + DAY).collect().sort("landed_on")
    assert found.select("landed_on", "events").rows() == [(at.date(), 1), (at.date() + DAY, 2)]
