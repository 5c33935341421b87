"""Golden sets: frozen, signed, versioned; a run that changed or was lost is told."""

from __future__ import annotations

import shutil
from datetime import timedelta

import polars as pl
import pytest

from decide.drawn_runs import NOW, lake_of, land, run
from kaizenlake import signing, tables, testing
from kaizenlake.decide.replays import golden
from kaizenlake.decide.replays.golden import Filters
from kaizenlake.errors import UsageError
from kaizenlake.jobs.policies.golden_sets import golden_sets
from kaizenlake.jobs.silver import DECODE
from kaizenlake.lake.store import Lake
from kaizenlake.night.verify import checks
from kaizenlake.tables import Events, GoldenSets


@pytest.fixture
def lake(tmp_path):
    """A lake with forty runs on ten days, every other of them won, and one of another doer."""
    events = [run(144 * number * 2, outcome="won" if number % 2 else "lost") for number in range(40)]
    return lake_of(tmp_path, [*events, run(5, doer="planner")])


def problems(lake, item):
    return golden.problems(lake.scan(Events), item, golden.public_key_of(lake))


def table(lake):
    decode = next(job for job in DECODE if job.name == "replay_log")
    made = testing.fold(lake.scan(Events).collect(), as_of=NOW + timedelta(days=99), jobs=(decode, golden_sets))
    return tables.check(GoldenSets, made[GoldenSets])


def test_what_was_frozen_verifies_and_twice_is_once(lake):
    item, is_new = golden.freeze(lake, "core", doer="router", by="ann", reason="the first forty", now=NOW)
    assert is_new
    assert (item.name, item.doer, len(item.runs)) == ("core@1", "router", 40)
    assert problems(lake, item) == ()
    assert golden.golden_sets(lake.scan(Events)) == [item], "what is read back is what was frozen"
    again, is_new = golden.freeze(lake, "core", doer="router", by="bob", now=NOW + timedelta(hours=1))
    assert (again, is_new) == (item, False)
    row = table(lake).row(0, named=True)
    assert row == {
        "tenant_id": None, "golden_set_id": "core", "golden_set_version": 1, "doer": "router", "runs": 40, "is_newest": True,
        "content_sha256": item.content_sha256, "key_id": item.key_id, "frozen_at": NOW, "frozen_by": "ann",
        "reason": "the first forty",
    }  # fmt: skip


def test_other_runs_make_the_next_version_and_the_first_still_verifies(lake):
    first, _ = golden.freeze(lake, "core", doer="router", by="ann", filters=Filters(outcome="won"), now=NOW)
    second, is_new = golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    assert is_new
    assert (first.name, len(first.runs), second.name, len(second.runs)) == ("core@1", 20, "core@2", 40)
    assert problems(lake, first) == problems(lake, second) == ()
    events = lake.scan(Events)
    assert golden.find(events, "core") == second
    assert golden.find(events, "core@1") == first
    assert golden.newest(events, "router") == [second]
    assert table(lake).select("golden_set_version", "runs", "is_newest").rows() == [(1, 20, False), (2, 40, True)]


@pytest.mark.parametrize(
    ("filters", "places"),
    [
        (Filters(outcome="won"), range(1, 40, 2)),
        (Filters(since=(NOW - timedelta(days=8)).date()), range(8, 40)),
        (Filters(until=(NOW - timedelta(days=8)).date()), range(13)),
        (Filters(run_ids=("r00288", "r00000")), (0, 1)),
    ],
)
def test_filters(lake, filters, places):
    item, _ = golden.freeze(lake, "core", doer="router", by="ann", filters=filters, now=NOW)
    frame = lake.scan(Events).filter(event_type="RUN_COMPLETED").select("event_date", "payload").collect()
    assert frame.height == 41
    if filters.since or filters.until:
        days = {f"run-{run_id}" for run_id in item.runs}
        kept = lake.scan(Events).filter(pl.col("event_id").is_in(days)).collect()["event_date"]
        since, until = filters.since or kept.min(), filters.until or kept.max()
        outside = lake.scan(Events).filter(pl.col("event_type") == "RUN_COMPLETED", pl.col("event_date").is_between(since, until), pl.col("event_id") != "run-r00005")  # fmt: skip
        assert len(item.runs) == kept.len() == outside.collect().height
        assert kept.is_between(since, until).all()
    else:
        assert item.runs == tuple(f"r{288 * place:05}" for place in places)


def test_a_sample_hangs_on_its_seed_alone_and_a_larger_one_holds_it(lake, tmp_path):
    def drawn(name, **filters):
        return set(golden.freeze(lake, name, doer="router", by="ann", filters=Filters(**filters), now=NOW)[0].runs)

    ten = drawn("a", at_most=10)
    assert len(ten) == 10
    assert ten == drawn("b", at_most=10)
    assert ten < drawn("c", at_most=20)
    assert ten != drawn("d", at_most=10, seed=1)
    assert len(drawn("e", at_most=1000)) == 40


def test_a_run_that_says_something_else_later_is_told(lake):
    item, _ = golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    land(lake, [run(288, gates_passed=9) | {"id": "corrected"}])
    assert problems(lake, item) == ("golden set core@1: 1 run changed since: r00288",)
    fresh, is_new = golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    assert (fresh.name, is_new, problems(lake, fresh)) == ("core@2", True, ())


def test_a_run_that_is_lost_or_was_altered_in_place_is_told(lake):
    item, _ = golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    of_run = pl.col("event_id") == "run-r00288"
    altered = pl.when(of_run).then(pl.col("payload").str.replace('"gates_passed":5', '"gates_passed":9'))
    assert [check.error for check in checks(lake)] == [None] * len(list(checks(lake)))
    lake.rewrite(Events, lambda there: there.scan().with_columns(payload=altered.otherwise("payload")).collect())
    batch, golden_set = (str(check.error) for check in checks(lake) if check.error is not None)
    assert "one or more of them were changed" in batch
    assert "changed since" in golden_set
    assert problems(lake, item) == ("golden set core@1: 1 run changed since: r00288",), (
        "its stored hash is not believed"
    )
    lake.rewrite(
        Events, lambda there: there.scan().filter(~pl.col("event_id").is_in(["run-r00288", "run-r00000"])).collect()
    )
    assert problems(lake, item) == ("golden set core@1: 2 runs no longer in the lake: r00000, r00288",)


def test_a_set_whose_list_was_altered_no_longer_verifies(lake):
    golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    shorter = pl.col("payload").str.replace('"r00000",', "", literal=True)
    is_set = pl.col("event_type") == "GOLDEN_SET_FROZEN"
    lake.rewrite(Events, lambda there: there.scan().with_columns(payload=pl.when(is_set).then(shorter).otherwise("payload"), metadata=pl.when(is_set).then(None).otherwise("metadata")).collect())  # fmt: skip
    item = golden.find(lake.scan(Events), "core")
    assert len(item.runs) == 39
    assert problems(lake, item) == ("golden set core@1: its content is not what was frozen",)


def test_the_signature_is_of_the_lakes_own_key(lake, tmp_path):
    item, _ = golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    copy = tmp_path / "copy"
    shutil.copytree(lake.path(), copy)
    shutil.rmtree(copy / "keys")
    (without_key,) = problems(Lake(copy), item)
    assert "no key" in without_key
    signing.signing_key(copy / "keys")
    (other_key,) = problems(Lake(copy), item)
    assert "its signature does not hold" in other_key
    assert item.key_id in other_key


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"doer": "nobody"}, "No run of 'nobody' fits"),
        ({"filters": Filters(run_ids=("r00000", "nope"))}, "1 of the runs.*nope"),
        ({"filters": Filters(outcome="drawn")}, "No run of 'router' fits"),
        ({"golden_set_id": "theirs"}, "holds runs of 'planner', not of 'router'"),
    ],
)
def test_what_cannot_be_frozen_is_told(lake, given, words):
    golden.freeze(lake, "theirs", doer="planner", by="ann", now=NOW)
    with pytest.raises(UsageError, match=words):
        golden.freeze(lake, **{"golden_set_id": "core", "doer": "router", "by": "ann", "now": NOW} | given)
    assert len(golden.golden_sets(lake.scan(Events))) == 1


def test_which_set_a_candidate_is_replayed_on(lake):
    def choose(asked=None, **more):
        return golden.choose(lake.scan(Events), "router", asked, **more)

    assert choose() is None
    first, _ = golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    assert choose() == first
    assert choose(all_runs=True) is None
    golden.freeze(lake, "theirs", doer="planner", by="ann", now=NOW)
    assert choose() == first
    other, _ = golden.freeze(lake, "edge", doer="router", by="ann", filters=Filters(at_most=3), now=NOW)
    assert choose("edge@1") == other
    for asked, more, words in (
        (None, {}, "2 golden sets: core, edge"),
        (None, {}, "`kaizen policy replay POLICY VERSION --golden core`"),
        (None, {"replayed": ("r 1", "2.0.0")}, "`kaizen policy replay 'r 1' 2.0.0 --golden core`"),
        ("theirs", {}, "runs of 'planner'"),
        ("cores", {}, "did you mean `core`"),
        ("core", {"all_runs": True}, "not both"),
    ):
        with pytest.raises(UsageError, match=words):
            choose(asked, **more)
