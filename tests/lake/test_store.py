import shutil
import tempfile
import threading
import weakref
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kaizenlake import tables
from kaizenlake.errors import LakeError, TableInvalidError
from kaizenlake.lake import Lake, Reads, delta, fingerprint
from kaizenlake.lake.upkeep.maintain import maintain
from lake.shelves import MIDNIGHT, PRINT, Totals, Visits, day, held, put, totals, visits


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


class TestReading:
    def test_a_table_that_is_not_written_is_empty_and_has_its_columns(self, lake):
        assert not lake.exists(Visits)
        assert lake.version(Visits) is None
        assert lake.rows(Visits) == 0
        assert lake.reads_of(Visits) == Reads({}, None, None)
        assert lake.changed_days(Visits, 0) is None
        assert_frame_equal(lake.scan(Visits).collect(), tables.empty(Visits).collect())

    def test_rows_come_back_as_they_were_in_the_declared_columns(self, lake):
        rows = visits(0, ["ann", "bob", "zoë 🎉"]).sort("visitor")

        put(lake, Visits, [rows.select(reversed(rows.columns))])

        found = lake.scan(Visits).sort("visitor").collect()
        assert_frame_equal(found, rows)
        assert found.schema == tables.schema(Visits)

    def test_days_read_their_partitions_only(self, lake):
        put(lake, Visits, [visits(number) for number in range(5)])
        for number in (0, 2, 4):
            shutil.rmtree(lake.path("gold", "visits", f"event_date={day(number)}"))

        asked = lake.scan(Visits, days=[day(1), day(3), day(99)])

        assert asked.select(pl.col("event_date").unique().sort()).collect().to_series().to_list() == [day(1), day(3)]
        assert lake.scan(Visits, days=[]).collect().height == 0
        with pytest.raises(FileNotFoundError):
            lake.scan(Visits).collect()

    def test_a_predicate_spares_files_that_cannot_hold_such_rows(self, lake):
        put(lake, Visits, [visits(number, pages=number) for number in range(5)])
        shutil.rmtree(lake.path("gold", "visits", f"event_date={day(0)}"))

        assert lake.scan(Visits).filter(pl.col("pages") > 3).select("visitor").collect().height == 2

    def test_texts_are_found_although_the_log_does_not_hold_them(self, lake):
        put(lake, Visits, [visits(number, ["ann", f"secret{number}"]) for number in range(3)])
        lake.append(Visits, visits(1, ["cid"]))
        maintain(lake, only=[Visits])

        log = "".join(commit.read_text() for commit in lake.path("gold", "visits", "_delta_log").glob("*.json"))
        assert "pages" in log
        assert "secret" not in log
        rows = lake.scan(Visits)
        assert rows.filter(pl.col("visitor") == "secret1").collect().height == 1
        assert rows.filter(pl.col("visitor").is_in(["secret2", "cid"]), pl.col("pages") == 1).collect().height == 2
        assert rows.filter(pl.col("project_id").is_null()).collect().height == 3
        assert rows.filter(pl.col("tags").list.contains("new")).collect().height == 4
        assert rows.filter(pl.col("returned")).collect().height == 4
        assert rows.filter(pl.col("read_rate") < 0.3, pl.col("seen_at") > MIDNIGHT).collect().height == 0
        assert rows.filter(pl.col("visitor") == "ann").select(pl.len()).collect().item() == 3

    def test_days_of_a_table_that_has_none_are_refused(self, lake):
        put(lake, Totals, [totals(p1=1)])

        with pytest.raises(LakeError, match=r"gold\.totals is not kept by day"):
            lake.scan(Totals, days=[day(0)])
        with pytest.raises(LakeError, match=r"gold\.totals is not kept by day"):
            put(lake, Totals, [totals(p1=1)], days=[0])

    def test_an_older_version_is_read_as_it_was(self, lake):
        first = put(lake, Totals, [totals(p1=1)])
        put(lake, Totals, [totals(p1=2, p2=3)])

        assert lake.scan(Totals, version=first.version).collect().rows() == [("p1", 1)]
        assert sorted(lake.scan(Totals).collect().rows()) == [("p1", 2), ("p2", 3)]

    def test_a_version_that_never_was_is_refused(self, lake):
        put(lake, Totals, [totals(p1=1)])

        with pytest.raises(LakeError, match="There is no version 9 of the table; the newest is"):
            lake.scan(Totals, version=9)

    def test_a_scan_shows_the_moment_it_was_asked_for(self, lake):
        put(lake, Totals, [totals(p1=1)])
        asked = lake.scan(Totals)
        put(lake, Totals, [totals(p1=2)])

        assert asked.collect().rows() == [("p1", 1)]


class TestWriting:
    def test_days_are_replaced_and_the_others_stay(self, lake):
        put(lake, Visits, [visits(number) for number in range(4)])
        before = {path: path.stat().st_mtime_ns for path in (lake.path("gold", "visits")).rglob("*.parquet")}

        put(lake, Visits, [visits(1, ["cid"], pages=9), visits(5, pages=2)], days=[1, 2, 5])

        assert held(lake) == {
            day(0): {"ann": 1, "bob": 1},
            day(1): {"cid": 9},
            day(3): {"ann": 1, "bob": 1},
            day(5): {"ann": 2, "bob": 2},
        }
        assert all(path.stat().st_mtime_ns == seen for path, seen in before.items())

    def test_no_days_replace_the_whole_table(self, lake):
        put(lake, Visits, [visits(number) for number in range(4)])

        put(lake, Visits, [visits(2, ["cid"])])

        assert held(lake) == {day(2): {"cid": 1}}

    @pytest.mark.parametrize("parts", [[], [tables.empty(Visits).collect()]], ids=["no part", "an empty part"])
    def test_days_are_emptied(self, lake, parts):
        put(lake, Visits, [visits(0), visits(1)])

        assert put(lake, Visits, parts, days=[1, 7]).rows == 0

        assert held(lake) == {day(0): {"ann": 1, "bob": 1}}

    @pytest.mark.parametrize("days", [None, [], [0]], ids=["whole", "no days", "a day"])
    def test_a_table_without_rows_is_written_nevertheless(self, lake, days):
        put(lake, Visits, [], days=days)

        assert lake.exists(Visits)
        assert lake.rows(Visits) == 0
        assert lake.reads_of(Visits).versions == {"bronze.events": 7}
        assert_frame_equal(lake.scan(Visits).collect(), tables.empty(Visits).collect())

    def test_a_lazy_frame_is_a_part(self, lake):
        put(lake, Visits, pl.concat([visits(0), visits(1)]).lazy())
        put(lake, Totals, totals(p1=1).lazy())

        assert set(held(lake)) == {day(0), day(1)}
        assert lake.rows(Totals) == 1

    def test_parts_of_a_whole_table_are_checked_together(self, lake):
        with pytest.raises(TableInvalidError, match="grain"):
            put(lake, Totals, [totals(p1=1), totals(p1=2)])

        assert not lake.exists(Totals)

    def test_parts_are_taken_one_after_another(self, lake):
        made = []

        def parts():
            for number in range(3):
                made.append(number)
                yield visits(number)

        assert put(lake, Visits, parts()).rows == 6
        assert made == [0, 1, 2]

    def test_many_days_are_replaced_in_one_commit(self, lake):
        first = pl.concat([visits(number, ["ann"]) for number in range(1500)])
        put(lake, Visits, [first])

        written = put(lake, Visits, [first.with_columns(pages=pl.lit(2, pl.Int64))], days=range(1500))

        assert (written.version, lake.rows(Visits)) == (1, 1500)
        assert lake.scan(Visits).select(pl.col("pages").unique()).collect().item() == 2

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda rows: rows.with_columns(pages=pl.lit(-1, pl.Int64)), "pages"),
            (lambda rows: rows.with_columns(pages=pl.lit(1.9)), "pages"),
            (lambda rows: rows.with_columns(pages=pl.lit("12")), "pages"),
            (lambda rows: rows.with_columns(read_rate=pl.lit(float("nan"))), "read_rate"),
            (lambda rows: rows.with_columns(read_rate=pl.lit(1.01)), "read_rate"),
            (lambda rows: rows.with_columns(visitor=pl.lit(None, pl.String)), "visitor"),
            (lambda rows: rows.with_columns(visitor=pl.lit("ann")), "grain"),
            (lambda rows: rows.with_columns(pl.col("visitor").cast(pl.Categorical)), "visitor"),
            (lambda rows: rows.with_columns(pl.col("seen_at").dt.replace_time_zone(None)), "seen_at"),
            (lambda rows: rows.with_columns(pl.col("seen_at").cast(pl.Datetime("ms", "UTC"))), "seen_at"),
            (lambda rows: rows.drop("tags"), "tags"),
            (lambda rows: rows.with_columns(more=1), "more"),
        ],
    )
    def test_a_part_that_breaks_a_rule_changes_nothing(self, lake, spoil, said):
        put(lake, Visits, [visits(0)])
        before = (lake.version(Visits), held(lake), lake.reads_of(Visits))

        with pytest.raises(TableInvalidError, match=said):
            put(lake, Visits, [visits(0, pages=5), spoil(visits(1))], days=[0, 1])

        assert (lake.version(Visits), held(lake), lake.reads_of(Visits)) == before

    def test_rows_of_other_days_are_refused(self, lake):
        put(lake, Visits, [visits(0)])

        with pytest.raises(TableInvalidError, match="2026-03-03"):
            put(lake, Visits, [visits(1), visits(2)], days=[1])
        with pytest.raises(TableInvalidError, match="2026-03-03"):
            put(lake, Visits, [visits(2)], days=[])

        assert lake.version(Visits) == 0

    def test_a_day_in_two_parts_is_refused(self, lake):
        with pytest.raises(TableInvalidError, match="two parts"):
            put(lake, Visits, [visits(1, ["ann"]), visits(1, ["bob"])])

    def test_what_a_part_raises_comes_through_and_changes_nothing(self, lake):
        put(lake, Visits, [visits(0)])

        def parts():
            yield visits(0, pages=5)
            raise ZeroDivisionError("of a job")

        with pytest.raises(ZeroDivisionError, match="of a job"):
            put(lake, Visits, parts())
        assert held(lake) == {day(0): {"ann": 1, "bob": 1}}

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path):
        (tmp_path / "gold").write_text("a file in the way")

        with pytest.raises(LakeError, match="gold"):
            put(Lake(tmp_path), Totals, [totals(p1=1)])


class TestAppending:
    def test_a_numbered_append_is_done_once(self, lake):
        assert lake.append(Visits, visits(0), transaction=("landing", 0)) is not None
        assert lake.append(Visits, visits(1), transaction=("landing", 0)) is None
        assert lake.append(Visits, visits(2), transaction=("landing", 1)) is not None
        assert lake.append(Visits, visits(3), transaction=("landing", 0)) is None

        assert set(held(lake)) == {day(0), day(2)}

    def test_rows_are_made_from_what_is_there(self, lake):
        def new(there):
            known = there.scan(days=[day(0)]).select("visitor")
            return visits(0, ["ann", "bob", "cid"]).join(known.collect(), on="visitor", how="anti")

        put(lake, Visits, [visits(0)])

        written = lake.append(Visits, new)

        assert written is not None
        assert (written.rows, lake.rows(Visits)) == (1, 3)
        assert lake.append(Visits, new) is None

    def test_nothing_to_append_commits_only_what_has_a_number(self, lake):
        put(lake, Visits, [visits(0)])

        assert lake.append(Visits, visits(0, [])) is None
        assert lake.version(Visits) == 0
        lake.append(Visits, visits(0, []), transaction=("landing", 4))
        assert lake.snapshot(Visits).transaction("landing") == 4

    def test_rows_that_break_a_rule_are_not_appended(self, lake):
        with pytest.raises(TableInvalidError):
            lake.append(Visits, visits(0, pages=-1))
        assert not lake.exists(Visits)


class TestReads:
    def test_a_table_says_what_it_was_computed_from(self, lake):
        as_of = datetime(2026, 4, 1, 12, 30, 0, 123_457, tzinfo=UTC)
        read = {"bronze.events": 0, "silver.core": 41}

        lake.write(Totals, [totals(p1=1)], days=None, reads=read, as_of=as_of, fingerprint=PRINT)

        assert lake.reads_of(Totals) == Reads(read, as_of, PRINT)

    def test_the_last_write_counts(self, lake):
        other = fingerprint("other code")
        put(lake, Visits, [visits(0)])
        lake.write(Visits, [], days=[], reads={"silver.core": 3}, as_of=MIDNIGHT + timedelta(days=1), fingerprint=other)

        assert lake.reads_of(Visits) == Reads({"silver.core": 3}, MIDNIGHT + timedelta(days=1), other)
        assert lake.rows(Visits) == 2

    @pytest.mark.parametrize("first", ["0" * 64, "f" * 64, "0" * 12 + "1" + "0" * 51])
    def test_every_fingerprint_comes_back(self, lake, first):
        lake.write(Totals, [], days=None, reads={}, as_of=MIDNIGHT, fingerprint=first)

        assert lake.reads_of(Totals).fingerprint == first

    def test_what_is_no_fingerprint_and_an_instant_without_zone_are_refused(self, lake):
        with pytest.raises(ValueError, match="fingerprint"):
            lake.write(Totals, [], days=None, reads={}, as_of=MIDNIGHT, fingerprint="v1")
        with pytest.raises(ValueError, match="zone"):
            lake.write(Totals, [], days=None, reads={}, as_of=MIDNIGHT.replace(tzinfo=None), fingerprint=PRINT)


class TestDeclarations:
    """A table that was stored by another version of its declaration."""

    def changed(self, layer="gold", **columns):
        from kaizenlake.tables.base import build_class

        made = build_class("Totals", "One project.", columns, module=__name__)
        return tables.table(layer=layer, grain=(next(iter(columns)),))(made)

    def test_a_derived_table_counts_as_not_written_and_is_written_anew(self, lake):
        from kaizenlake.tables.base import column, count

        put(lake, Totals, [totals(p1=1)])
        wider = self.changed(
            project_id=(pl.String, column("Project.", nullable=True)),
            pages=(pl.Int64, count("Pages.")),
            clicks=(pl.Int64, count("Clicks.")),
        )

        assert not lake.exists(wider)
        assert lake.reads_of(wider) == Reads()
        assert lake.changed_days(wider, 0) is None
        assert lake.scan(wider).collect().height == 0
        assert lake.state(wider).state == "outdated"
        assert "not stored: clicks" in lake.state(wider).problem

        put(lake, wider, [totals(p1=1).with_columns(clicks=pl.lit(2, pl.Int64))])
        assert lake.scan(wider).collect().rows() == [("p1", 1, 2)]
        assert not lake.exists(Totals)
        put(lake, Totals, [totals(p1=4)])
        assert lake.scan(Totals).collect().rows() == [("p1", 4)]

    def test_another_type_is_another_declaration(self, lake):
        from kaizenlake.tables.base import column, count

        put(lake, Totals, [totals(p1=1)])
        other = self.changed(
            project_id=(pl.String, column("Project.", nullable=True)),
            pages=(pl.Float64, count("Pages.")),
        )

        assert not lake.exists(other)
        put(lake, other, [totals(p1=1).with_columns(pl.col("pages") / 2)])
        assert lake.scan(other).collect().rows() == [("p1", 0.5)]

    def test_bronze_is_filled_with_nulls_where_a_column_was_added(self, lake):
        from kaizenlake.tables.base import column, count

        narrow = {
            "project_id": (pl.String, column("Project.", nullable=True)),
            "pages": (pl.Int64, count("Pages.")),
        }
        old = self.changed("bronze", **narrow)
        new = self.changed("bronze", **narrow, note=(pl.String, column("Note.", nullable=True)))
        lake.append(old, totals(p1=1))

        assert lake.scan(new).collect().rows() == [("p1", 1, None)]
        lake.append(new, totals(p2=2).with_columns(note=pl.lit("hi")))
        assert sorted(lake.scan(new).collect().rows()) == [("p1", 1, None), ("p2", 2, "hi")]

        with pytest.raises(LakeError, match="not declared: note") as raised:
            lake.scan(old)
        assert "open the lake with the version that wrote it" in str(raised.value)
        assert lake.state(old).state == "unreadable"

    def test_other_words_for_a_column_keep_no_row_out(self, lake):
        from kaizenlake.tables.base import column, count

        def told(layer, words, **more):
            return self.changed(
                layer,
                project_id=(pl.String, column(f"Project{words}", nullable=True)),
                pages=(pl.Int64, count(f"Pages{words}")),
                **more,
            )

        lake.append(told("bronze", "."), totals(p1=1))
        lake.append(told("bronze", ", in other words."), totals(p2=2))
        wider = told("bronze", ", once more.", note=(pl.String, column("Note.", nullable=True)))
        lake.append(wider, totals(p3=3).with_columns(note=pl.lit("hi")))
        assert sorted(lake.scan(wider).collect().rows()) == [("p1", 1, None), ("p2", 2, None), ("p3", 3, "hi")]

        put(lake, told("gold", "."), [totals(p1=1)])
        other = told("gold", ", in other words.")
        put(lake, other, [totals(p1=2)])
        assert lake.scan(other).collect().rows() == [("p1", 2)]

    def test_other_words_for_a_column_keep_no_day_from_being_written(self, lake):
        from kaizenlake.tables.base import count

        told = type(
            "Visits",
            (Visits,),
            {"__annotations__": {"pages": pl.Int64}, "pages": count("Pages, in other words."), "__module__": __name__},
        )
        put(lake, Visits, [visits(0), visits(1)])
        put(lake, told, [visits(1, pages=3)], days=[1])
        put(lake, told, [], days=[])
        put(lake, told, [], days=[0])
        assert held(lake, told) == {day(1): {"ann": 3, "bob": 3}}

    def test_bronze_is_never_rewritten_for_a_column_that_must_not_be_null(self, lake):
        from kaizenlake.tables.base import column, count

        narrow = {"project_id": (pl.String, column("Project.", nullable=True)), "pages": (pl.Int64, count("Pages."))}
        old = self.changed("bronze", **narrow)
        new = self.changed("bronze", **narrow, note=(pl.String, column("Note.")))
        lake.append(old, totals(p1=1))

        with pytest.raises(LakeError, match="not stored: note"):
            lake.append(new, totals(p2=2).with_columns(note=pl.lit("hi")))
        assert lake.rows(old) == 1

    @pytest.mark.parametrize("dtype", [pl.Categorical, pl.UInt32, pl.Duration, pl.Time, pl.Datetime("ns", "UTC")])
    def test_a_type_that_delta_does_not_hold_is_refused(self, dtype):
        from kaizenlake.tables.base import column

        odd = self.changed(odd=(dtype, column("Odd.")))

        with pytest.raises(LakeError, match="column odd"):
            delta.arrow_schema(odd)

    @pytest.mark.parametrize("table", tables.TABLES, ids=tables.full_name)
    def test_every_table_can_be_stored_and_comes_back_described(self, lake, table):
        if table is tables.Events:
            # The first append says which format the lake has.
            lake.append(table, tables.empty(table).collect(), transaction=("first", 1))
        else:
            lake.write(table, [], days=None, reads={}, as_of=MIDNIGHT, fingerprint=PRINT)

        assert lake.scan(table).collect().schema == tables.schema(table)
        handle = lake.snapshot(table).handle
        assert handle.metadata().description == tables.meaning(table)
        assert handle.metadata().name == tables.full_name(table)
        fields = {field.name: field.metadata for field in handle.schema().fields}
        for name, declared in tables.columns(table).items():
            assert fields[name]["comment"] == declared.description


class TestPlaces:
    def test_a_lake_is_made_once_and_kept(self, tmp_path):
        lake = Lake.create(tmp_path / "new" / "lake")
        lake.path("kaizen.toml").write_text("[tiers]\ngood = 0.07\n")

        again = Lake.create(tmp_path / "new" / "lake")

        assert again.settings.tiers.good == 0.07
        assert {path.name for path in lake.path().iterdir()} >= {"landing", "mappings", "kaizen.toml"}

    def test_the_settings_file_of_a_new_lake_sets_nothing(self, tmp_path):
        assert Lake.create(tmp_path / "a").settings == Lake(tmp_path / "b").settings

    def test_a_file_in_the_way_is_named(self, tmp_path):
        (tmp_path / "lake").write_text("")

        with pytest.raises(LakeError, match="No lake can be made here"):
            Lake.create(tmp_path / "lake")

    def test_a_file_address_is_the_same_lake(self, tmp_path):
        place = tmp_path / "a lake"
        put(Lake(place.as_uri()), Totals, [totals(p1=1)])

        assert Lake(place).rows(Totals) == 1
        assert Lake(place.as_uri()).path("runs") == place / "runs"

    def test_an_object_store_needs_a_local_home_for_local_files(self, tmp_path):
        assert Lake("s3://bucket/lake/").uri(Totals) == "s3://bucket/lake/gold/totals"
        with pytest.raises(LakeError, match="home=FOLDER"):
            Lake("s3://bucket/lake").path("landing")
        assert Lake("s3://bucket/lake", home=tmp_path).path("landing") == tmp_path / "landing"

    def test_addresses_and_options_reach_the_tables(self, tmp_path, monkeypatch):
        lake = Lake(tmp_path, storage_options={"timeout": "30s"})
        # A folder named by its address goes the way of every object store.
        monkeypatch.setattr(lake, "root", (tmp_path / "far").as_uri())

        put(lake, Visits, [visits(0), visits(1)])
        put(lake, Visits, [visits(1, ["cid"])], days=[1])

        assert held(lake) == {day(0): {"ann": 1, "bob": 1}, day(1): {"cid": 1}}
        assert lake.changed_days(Visits, 0) == {day(1)}
        assert lake.reads_of(Visits).as_of == MIDNIGHT

    def test_tables_are_told_how_they_stand(self, lake):
        put(lake, Visits, [visits(0), visits(4)])

        state = lake.state(Visits)

        assert (state.name, state.state, state.version, state.rows) == ("gold.visits", "written", 0, 4)
        assert (state.days, state.first_day, state.last_day) == (2, day(0), day(4))
        assert state.files == 2
        assert state.size_bytes == sum(path.stat().st_size for path in lake.path().rglob("*.parquet"))
        assert abs(state.written_at - datetime.now(UTC)) < timedelta(minutes=5)
        assert isinstance(state.first_day, date)
        assert [each.name for each in lake.describe()] == [tables.full_name(table) for table in tables.TABLES]
        assert {each.state for each in lake.describe()} == {"not written"}

    def test_a_broken_table_says_so(self, lake):
        put(lake, Totals, [totals(p1=1)])
        next(lake.path("gold", "totals", "_delta_log").glob("*.json")).write_text("{broken")

        assert lake.state(Totals).state == "unreadable"
        with pytest.raises(LakeError, match="cannot be read"):
            lake.scan(Totals)


class TestPartsThatRead:
    """What makes the parts may itself read tables, as the night does day by day."""

    def test_parts_are_made_in_the_thread_that_writes_and_may_read_the_lake(self, lake):
        put(lake, Visits, [visits(number) for number in range(6)])
        threads = set()

        def parts():
            for number in range(6):
                threads.add(threading.current_thread())
                yield lake.scan(Visits, days=[day(number)]).with_columns(pl.col("pages") + number).collect()

        put(lake, Visits, parts(), days=range(6))

        assert threads == {threading.current_thread()}
        assert held(lake) == {day(number): {"ann": 1 + number, "bob": 1 + number} for number in range(6)}

    def test_no_part_is_made_while_delta_writes(self, lake, monkeypatch):
        """A part that reads a table while Delta's runtime waits for the part would never be done."""
        told, real = [], delta.write_deltalake

        def write(*given, **how):
            told.append("writing")
            real(*given, **how)

        def parts():
            for number in range(3):
                told.append(number)
                yield visits(number)

        monkeypatch.setattr(delta, "write_deltalake", write)
        put(lake, Visits, parts())
        assert told == [0, 1, 2, "writing"]

    @pytest.mark.parametrize(("room", "most_held"), [(0, 1), (500, 6), (1_000_000, 30)])
    def test_parts_beyond_the_room_wait_in_files(self, lake, tmp_path, monkeypatch, room, most_held):
        aside = tmp_path / "aside"
        aside.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(aside))
        monkeypatch.setattr(delta, "HELD_BYTES", room)
        made, most, seen = [], 0, 0

        def parts():
            nonlocal most
            nonlocal most, seen
            for number in range(30):
                part = visits(number)
                made.append(weakref.ref(part))
                yield part
                del part
                most = max(most, sum(item() is not None for item in made))
                seen = max(seen, len(list(aside.rglob("*.arrow"))))

        put(lake, Visits, parts())

        assert seen >= 29 - most_held
        assert held(lake) == {day(number): {"ann": 1, "bob": 1} for number in range(30)}
        assert most <= most_held
        assert list(aside.iterdir()) == []

    def test_a_full_temporary_folder_is_told(self, lake, monkeypatch):
        def full(*_given, **_how):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(delta, "HELD_BYTES", 0)
        monkeypatch.setattr(pl.DataFrame, "write_ipc", full)
        with pytest.raises(LakeError, match=r"No space left on device.*TMPDIR"):
            put(lake, Visits, [visits(0)])
        assert not lake.exists(Visits)

    def test_a_full_disk_is_told(self, lake, monkeypatch):
        def full(_target, reader, **_how):
            reader.read_next_batch()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(delta, "write_deltalake", full)
        with pytest.raises(LakeError, match="No space left on device"):
            put(lake, Visits, [visits(number) for number in range(9)])
        assert not lake.exists(Visits)


def test_small_tables_are_read_once_while_their_rows_are_held(lake):
    put(lake, Visits, [visits(1, "a", pages=3), visits(2, "b", pages=5)])
    with lake.held_rows.holding():
        whole, some = lake.scan(Visits), lake.scan(Visits, days=[day(2)])
        assert all("DF [" in rows.explain() for rows in (whole, some))
        put(lake, Visits, [visits(2, "b", pages=6)], days=[2])
        assert held(lake) == {day(1): {"a": 3}, day(2): {"b": 6}}
        assert lake.scan(Visits, days=[day(2)]).collect()["pages"].to_list() == [6]
        # What was read before the write stays as it was.
        assert sorted(whole.collect()["pages"]) == [3, 5]
        assert some.collect()["pages"].to_list() == [5]
    assert "DF [" not in lake.scan(Visits).explain()


def test_a_view_shares_what_the_lake_has_opened(lake):
    put(lake, Visits, [visits(1)])
    lake.rows(Visits)
    view = lake.of("acme", is_walled=True)
    assert view.hold(Visits) is lake.hold(Visits)
    assert view.whole.hold(Visits) is lake.hold(Visits)
    assert (view.notes, view.held_rows) == (lake.notes, lake.held_rows)
    assert (lake.tenant, lake.is_walled) == (None, False)
