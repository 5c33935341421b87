"""Whether replays let a version go on to a shadow, and how evaluations are put on record."""

from __future__ import annotations

from datetime import timedelta
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest

from decide.drawn_runs import NOW, RULES, lake_of, logged, policy
from jobs.drawn import frame
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.gates import GateEvidence, replay_gate
from kaizenlake.decide.replays import golden, replays
from kaizenlake.decide.replays.golden import Filters
from kaizenlake.decide.replays.off_policy import replay_off_policy
from kaizenlake.decide.replays.replays import Standing, standing
from kaizenlake.errors import UsageError
from kaizenlake.tables import Events, ReplayLog

SHA = "a" * 64


def log(text):
    """Replay events, one a line: hour, what; `frozen SET VERSION [DOER]` or `VERDICT [SET VERSION [SHA]]`."""
    rows = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines()))):
        hour, what, *words = line.split()
        is_set = what == "frozen"
        name, version, more = [*words, None, None, None][:3]
        row = {
            "event_id": f"e{number}",
            "event_type": "GOLDEN_SET_FROZEN" if is_set else "OFFLINE_REPLAYED",
            "occurred_at": NOW + timedelta(hours=int(hour)),
            "golden_set_id": None if name in {None, "-"} else name,
            "golden_set_version": None if version in {None, "-"} else int(version),
            "doer": (more or "router") if is_set else "router",
        }
        if not is_set:
            row |= {
                "replay_id": f"p{number}",
                "content_sha256": (more or "a") * 64,
                "verdict": what,
                "runs": 1200,
                "shortfalls": [] if what == "passed" else ["too much"],
            }
            if what != "refused":
                row |= {"effect": -0.01, "effect_ci_low": -0.02, "effect_ci_high": 0.0}
        rows.append(row)
    return frame(ReplayLog, rows).collect()


@pytest.mark.parametrize(
    ("text", "passed", "words"),
    [
        ("", False, "no replay"),
        ("0 passed", True, "replay p0 of 2026-03-01 passed: effect -0.0100 (-0.0200 to +0.0000) on 1,200 runs"),
        ("0 failed", False, "replay p0 of 2026-03-01 failed: effect -0.0100 (-0.0200 to +0.0000) on 1,200 runs; too much"),
        ("0 refused", False, "replay p0 of 2026-03-01 refused: too much"),
        ("1 passed\n0 failed", True, "p0"),
        ("0 passed\n1 failed", False, "p1"),
        ("0 passed - - b", False, "no replay"),
        # a set was frozen: replays count that were made on its newest version
        ("0 frozen core 1\n1 passed", False, "no replay on golden set core@1"),
        ("0 frozen core 1\n1 passed core 1", True, "on golden set core@1 passed"),
        ("0 frozen core 1\n1 passed core 1\n2 failed", True, "p1"),
        ("0 frozen core 1\n1 passed core 1\n2 frozen core 2", False, "no replay on golden set core@2"),
        ("0 frozen core 1\n1 frozen core 2\n2 passed core 2\n3 failed core 1", True, "p2"),
        ("0 frozen core 1 planner\n1 passed", True, "p1"),
        # every candidate is replayed on every set of its doer
        ("0 frozen core 1\n0 frozen edge 1\n1 passed core 1", False, "no replay on golden set edge@1"),
        ("0 frozen core 1\n0 frozen edge 1\n1 passed core 1\n2 passed edge 1", True, "core@1 passed"),
    ],
)  # fmt: skip
def test_which_replay_a_shadow_may_rest_on(text, passed, words):
    found = standing(log(text), doer="router", content_sha256=SHA)
    assert found.passed == passed
    assert words in found.found


@pytest.fixture
def lake(tmp_path):
    made = lake_of(tmp_path, logged(np.random.default_rng(6), 600), resamples=100, seeds=[1])
    policy(made)
    return made


def replay(lake, **more):
    return replay_off_policy(lake, "router", "1.0.0", by="ann", now=NOW, **more)


def standing_of(lake):
    from kaizenlake.events.catalogue import FAMILIES
    from kaizenlake.events.decode import decode

    family = next(family for family in FAMILIES if family.name == "replay_log")
    rows = decode(lake.scan(Events), family).collect()
    return standing(rows, doer="router", content_sha256=policy(lake).version.content_sha256)


def told_by_gate(lake):
    evidence = GateEvidence(lake, policies.state(lake), NOW)
    return replay_gate(evidence, evidence.state.version("router", "1.0.0")).found


def test_the_gate_says_the_whole_command_for_each_golden_set_that_lacks_a_replay(lake):
    for name in ("core", "edge cases"):
        golden.freeze(lake, name, doer="router", by="ann", filters=Filters(at_most=500), now=NOW)
    core, edge = (f"`kaizen policy replay router 1.0.0 --golden {name}`" for name in ("core", "'edge cases'"))
    assert told_by_gate(lake).endswith(f"({core} and {edge}).")
    replay(lake, golden_set="core")
    assert told_by_gate(lake).endswith(f"({edge}).")
    assert standing_of(lake).golden_sets == ("edge cases",)


def test_a_candidate_is_replayed_on_the_newest_golden_set_unless_told(lake):
    assert standing_of(lake) == Standing(passed=False, found="no replay")
    assert told_by_gate(lake) == "no replay (`kaizen policy replay router 1.0.0`)."
    assert replay(lake).payload["runs"] == 600
    assert standing_of(lake).passed
    golden.freeze(lake, "core", doer="router", by="ann", filters=Filters(at_most=500), now=NOW)
    assert not standing_of(lake).passed, "what was replayed on all runs is not what every candidate is replayed on"
    on_set = replay(lake).payload
    assert (on_set["runs"], on_set["golden_set_id"], on_set["golden_set_version"]) == (500, "core", 1)
    assert standing_of(lake).passed
    golden.freeze(lake, "core", doer="router", by="ann", filters=Filters(at_most=550), now=NOW)
    assert not standing_of(lake).passed
    assert replay(lake, golden_set="core@1").payload["golden_set_version"] == 1
    assert not standing_of(lake).passed
    assert replay(lake).payload["golden_set_version"] == 2
    assert standing_of(lake).passed
    assert replay(lake, all_runs=True).payload["runs"] == 600


def test_what_comes_back_after_another_evaluation_is_put_on_record_again(lake):
    first, other = replay(lake), replay(lake, as_of=NOW - timedelta(days=9, hours=16))
    assert (other.payload["runs"], other.is_new) == (480, True)
    back = replay(lake)
    assert back.is_new, "it is the latest that counts"
    assert back.payload["effect"] == first.payload["effect"]
    assert back.payload["replay_id"] != first.payload["replay_id"]
    assert not replay(lake).is_new


def test_of_many_that_replay_at_once_one_is_on_record(lake):
    with ThreadPool(4) as pool:
        done = pool.map(lambda _: replay(lake), range(4))
    assert sum(item.is_new for item in done) == 1
    assert len({item.payload["replay_id"] for item in done}) == 1
    assert lake.scan(Events).filter(event_type="OFFLINE_REPLAYED").collect().height == 1


def test_a_document_that_was_altered_is_not_evaluated(lake):
    import polars as pl

    altered = pl.col("payload").str.replace_all("0.6", "0.9", literal=True)
    is_policy = pl.col("event_type") == "POLICY_CREATED"
    lake.rewrite(Events, lambda there: there.scan().with_columns(payload=pl.when(is_policy).then(altered).otherwise("payload")).collect())  # fmt: skip
    with pytest.raises(UsageError, match="There is no policy"):
        replay(lake)
    assert RULES["default"]["small"] == 0.6
    assert replays.SOURCE not in set(lake.scan(Events).collect()["source"])
