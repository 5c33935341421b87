"""Golden sets and replays from the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.running import kaizen
from decide.drawn_runs import RULES, lake_of, logged, run
from kaizenlake import signing
from kaizenlake.cli.app import app
from kaizenlake.decide.policies import drafts, policies
from kaizenlake.errors import UsageError, VerificationError
from kaizenlake.tables import Events

CODE = """
def again(given, seed):
    if given.input is given.payload:
        return {"gates_total": 10, "gates_passed": 10}
    raise RuntimeError("no input")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a lake of 700 logged runs, and drafts of a good policy and of one that the log cannot answer."""
    folder = tmp_path_factory.mktemp("place")
    lake = lake_of(folder, logged(np.random.default_rng(6), 700), resamples=100, seeds=[1, 2])
    unknown = {"default": {"huge": 1.0}}
    for version, rules in (("1.0.0", RULES), ("1.1.0", unknown)):
        draft = {"doer": "router", "version": version, "router_rules": rules}
        (folder / f"{version}.json").write_text(json.dumps(draft), encoding="utf-8")
        policies.create(lake, drafts.read(folder / f"{version}.json"), by="ann")
    (folder / "agents.py").write_text(CODE, encoding="utf-8")
    (folder / "leaves.py").write_text("raise SystemExit(0)", encoding="utf-8")
    return folder


def told(capsys, place, *words):
    """What a command prints, run in this process."""
    app((*words, "--lake", str(place / "lake")), standalone_mode=False)
    return capsys.readouterr().out


def test_replay_by_propensities(place, capsys):
    done = kaizen("policy", "replay", "router", "1.0.0", "--by", "ann", cwd=place)
    lines = done.stdout.splitlines()
    assert lines[0] == "router 1.0.0 by propensities: passed"
    assert lines[1].strip() == "700 runs, 700 units, 2 seeds"
    assert "by sndr: loss" in done.stdout
    assert [line.split("\t")[0] for line in lines[-7:]] == [
        "ips",
        "clipped_ips",
        "snips",
        "dm",
        "dr",
        "sndr",
        "switch_dr",
    ]
    assert ", on record\n" in done.stdout
    said = json.loads(told(capsys, place, "policy", "replay", "router", "1.0.0", "--by", "bob", "--json"))
    assert (said["verdict"], said["decided_by"], said["is_new"]) == ("passed", "ann", False)


def test_a_refusal_leaves_with_1_and_without_a_figure(place):
    done = kaizen("policy", "replay", "router", "1.1.0", cwd=place, code=1)
    assert done.stdout.startswith("router 1.1.0 by propensities: refused")
    assert "100.0% of the candidate's choices were never made in the log" in done.stdout
    assert "effect" not in done.stdout.replace("effective", "")
    assert done.stderr.strip() == "error [gate]: The replay of router 1.1.0 was refused: the log holds no answer."


def test_golden_sets_and_running_again(place, tmp_path, capsys):
    sample = ("golden", "freeze", "core", "--doer", "router", "--at-most", "30")
    assert told(capsys, place, "golden", "list").startswith("There is no golden set")
    made = kaizen(*sample, "--by", "ann", cwd=place).stdout
    assert made.startswith("Frozen: core@1 with 30 runs of router")
    again = json.loads(told(capsys, place, *sample, "--json"))
    assert (again["is_new"], len(again["golden_runs"])) == (False, 30)
    listed = json.loads(told(capsys, place, "golden", "list", "--doer", "router", "--json"))
    assert [(item["golden_set_id"], item["golden_set_version"], item["runs"]) for item in listed] == [("core", 1, 30)]
    assert told(capsys, place, "golden", "list").splitlines()[1].startswith("core\t1\trouter\t30\t")
    assert told(capsys, place, "golden", "verify") == "ok      golden set core@1 (30 runs)\n"
    done = kaizen("policy", "replay", "router", "1.1.0", "--call", "agents:again", cwd=place)
    assert done.stdout.startswith("router 1.1.0 by running its inputs again: passed\n  30 runs of golden set core@1")
    other = tmp_path / "other.pem"
    other.write_bytes(signing.public_pem(signing.signing_key(tmp_path).public_key()))
    with pytest.raises(VerificationError, match="1 golden set failed"):
        app(
            ("golden", "verify", "core", "--public-key", str(other), "--lake", str(place / "lake")),
            standalone_mode=False,
        )
    assert "its signature does not hold" in capsys.readouterr().out


def test_a_run_that_changed_is_named(tmp_path):
    lake = lake_of(tmp_path, [run(number) for number in range(3)])
    words = ("--run", "r00000", "--run", "r00002", "--since", "2026-02-01", "--until", "2026-02-28", "--reason", "two")
    app(("golden", "freeze", "core", "--doer", "router", *words, "--lake", str(lake.root)), standalone_mode=False)
    lake.rewrite(Events, lambda there: there.scan().filter(event_id="run-r00000").collect().vstack(
        there.scan().filter(event_type="GOLDEN_SET_FROZEN").collect()))  # fmt: skip
    failed = kaizen("golden", "verify", "--json", cwd=tmp_path, code=1)
    (found,) = json.loads(failed.stdout)
    assert found["problems"] == ["golden set core@1: 1 run no longer in the lake: r00002"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("policy", "replay", "router", "1.0.0", "--golden", "nope"), "There is no golden set 'nope'"),
        (("policy", "replay", "router", "1.0.0", "--call", "agents"), "Expected MODULE:FUNCTION"),
        (("policy", "replay", "router", "1.0.0", "--call", "nowhere:again"), "cannot be imported: ModuleNotFoundError"),
        (("policy", "replay", "router", "1.0.0", "--call", "agents:nothing"), "has no function 'nothing'"),
        (("policy", "replay", "router", "1.0.0", "--call", "agents:again", "--all-runs"), "not --all-runs"),
        (("policy", "replay", "router", "1.0.0", "--call", "leaves:again"), "cannot be imported: SystemExit: 0"),
        (("policy", "replay", "rooter", "1.0.0"), "did you mean `router`"),
        (("golden", "freeze", "core@1", "--doer", "router"), "holds no @, which parts it from its version"),
        (("golden", "freeze", "\udcff", "--doer", "router"), "name holds half of a surrogate pair"),
        (("golden", "freeze", "new", "--doer", "router", "--run", "\udcff"), "run holds half of a surrogate pair"),
        (("golden", "freeze", "new", "--doer", "nobody"), "No run of 'nobody' fits"),
        (("golden", "verify", "nope"), "There is no golden set 'nope'"),
        (("golden", "verify", "--public-key", "nope.pem"), "The key cannot be read"),
    ],
)
def test_mistakes_are_told_in_words(place, monkeypatch, words, expected):
    monkeypatch.chdir(place)
    with pytest.raises(UsageError) as refused:
        app(words, standalone_mode=False)
    assert expected in str(refused.value)
