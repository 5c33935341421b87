"""The router that services use: who gets which version, and what it answers whatever lies in the folder."""

from __future__ import annotations

import copy
import json
import math
import os
import pickle
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from multiprocessing.pool import ThreadPool

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostile import NO_SIGNED_FILE
from kaizenlake import signing
from kaizenlake.context import (
    BAD_SIGNATURE,
    CORRUPT,
    DENIED,
    FRESH,
    MISSING,
    STALE,
    UNUSABLE,
    Router,
    _policies,
    _router,
    arm_of,
    file_name,
    point_of,
    route,
)
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.policies import publish_policies
from publish.policy_frames import deployment, deployments_of, policies_of, version

HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "..",
    ".",
    "",
    "A",
    "a\0b",
    "é",
    "x" * 300,
    "\ud800",
    "CON",
    "a.json",
]


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def publish(lake, rows, deployments=(), ago=0.0):
    now = datetime.now(UTC) - timedelta(hours=ago)
    return publish_policies(lake, policies_of(*rows), deployments_of(*deployments), generated_at=now)


def canary(lake, shares=(0.2, 0.3), mode="canary"):
    """A lake with an active version 1.0.0 and candidates 1.1.0, 1.2.0, … beside it."""
    names = [f"1.{number}.0" for number in range(1, len(shares) + 1)]
    rows = [version(lake, "1.0.0"), *(version(lake, name, mode) for name in names)]
    publish(lake, rows, [deployment("d1", "1.0.0", dict(zip(names, shares, strict=True)), mode=mode)])


def folder(lake):
    return lake.path("published")


def file(lake, doer="planner"):
    return folder(lake) / "policies" / file_name(doer)


def independent_arm(salt, unit, shares):
    """The rule as the contract words it, in whole numbers."""
    whole = int(sha256(salt.encode() + b"\x1f" + unit.encode()).hexdigest()[:16], 16)
    ends = [sum(shares[: arm + 1]) for arm in range(len(shares))]
    return next((arm for arm, end in enumerate(ends, 1) if whole / 2**64 < end), 0)


# ---- the rule


@given(
    salt=st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    unit=st.text(st.characters(exclude_categories=("Cs",)), max_size=40),
    shares=st.lists(st.floats(0, 0.2), max_size=5),
)
def test_the_rule_is_that_of_the_contract_for_every_unit(salt, unit, shares):
    assert arm_of(salt, unit, shares) == independent_arm(salt, unit, shares)


def test_what_was_assigned_once_is_assigned_so_for_ever():
    # Written down from another implementation: printf 'd1\x1fuser_7' | sha256sum
    digests = {"user_7": subprocess.run(["sha256sum"], input=b"d1\x1fuser_7", capture_output=True, check=True).stdout}
    assert point_of("d1", "user_7") == int(digests["user_7"][:16], 16) / 2**64
    assert [arm_of("d1", f"user_{number}", (0.25, 0.25)) for number in range(8)] == [0, 1, 0, 2, 0, 2, 0, 0]


def test_a_unit_counts_as_it_is_written():
    assert point_of("d1", 7) == point_of("d1", "7") != point_of("d1", "07")
    assert 0 <= point_of("d1", "\ud800") <= 1


@pytest.mark.parametrize("shares", [(0.01,), (0.5,), (0.05, 0.1, 0.2)])
def test_each_arm_gets_its_share_within_three_standard_errors(shares):
    units = 100_000
    counts = [0] * (len(shares) + 1)
    for unit in range(units):
        counts[arm_of(f"salt {shares}", f"user_{unit}", shares)] += 1
    for share, count in zip((1 - sum(shares), *shares), counts, strict=True):
        assert abs(count / units - share) < 3 * math.sqrt(share * (1 - share) / units)


def test_deployments_of_different_salts_fall_independently_of_each_other():
    units, share = 100_000, 0.5
    one, other = ([arm_of(salt, f"user_{unit}", (share,)) for unit in range(units)] for salt in ("d1", "d2"))
    both = sum(left & right for left, right in zip(one, other, strict=True))
    chi_square = sum(
        (found - expected) ** 2 / expected
        for found, expected in (
            (both, sum(one) * sum(other) / units),
            (sum(one) - both, sum(one) * (units - sum(other)) / units),
            (sum(other) - both, (units - sum(one)) * sum(other) / units),
            (units - sum(one) - sum(other) + both, (units - sum(one)) * (units - sum(other)) / units),
        )
    )
    assert chi_square < 9, "more than three standard deviations from independence"


@given(unit=st.text(max_size=20), small=st.floats(0, 0.5), more=st.floats(0, 0.5))
def test_a_candidate_keeps_its_units_when_its_share_grows(unit, small, more):
    if arm_of("d1", unit, (small,)) == 1:
        assert arm_of("d1", unit, (small + more,)) == 1


# ---- what is served


def test_without_a_deployment_everybody_has_the_active_version(lake):
    publish(lake, [version(lake, "1.0.0"), version(lake, "1.1.0", "draft")])
    for unit in ("user_7", 7, None):
        found = route("planner", unit, folder(lake))
        assert (found.policy_id, found.policy_version, found.arm, found.deployment_id) == ("planner", "1.0.0", 0, None)
        assert (found.reason, found.detail, found.shadows) == (FRESH, "", ())
    assert found.document["prompts"] == {"system": "planner 1.0.0"}
    assert found.is_fresh
    assert not found.is_default


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    shares=st.lists(st.sampled_from([0.01, 0.05, 0.1, 0.125]), min_size=1, max_size=4),
    units=st.lists(st.text(min_size=1, max_size=12) | st.integers(), min_size=1, max_size=40),
)
def test_a_canary_serves_each_unit_the_arm_of_the_analysis(tmp_path_factory, shares, units):
    lake = Lake.create(tmp_path_factory.mktemp("canary") / "lake")
    canary(lake, shares)
    router = Router(folder(lake))
    for unit in units:
        found = router.route("planner", unit)
        arm = arm_of("d1", unit, shares)
        assert (found.reason, found.arm, found.policy_version) == (FRESH, arm, f"1.{arm}.0")
        assert found.deployment_id == "d1"
        assert found.document["prompts"]["system"] == f"planner 1.{arm}.0"


@pytest.mark.parametrize("unit", [None, True, 0.5, b"user", ["user"], object()])
def test_what_is_no_unit_has_the_control_and_takes_no_part(lake, unit):
    canary(lake)
    found = route("planner", unit, folder(lake))
    assert (found.policy_version, found.arm, found.deployment_id, found.reason) == ("1.0.0", 0, None, FRESH)
    assert "neither text nor a whole number" in found.detail


def test_a_number_of_numpy_is_a_unit(lake):
    import numpy as np

    canary(lake)
    for unit in range(50):
        assert route("planner", np.int64(unit), folder(lake)) == route("planner", unit, folder(lake))


def test_a_shadow_serves_the_control_and_lists_what_runs_beside_it(lake):
    canary(lake, (0.0, 0.0), mode="shadow")
    found = route("planner", "user_7", folder(lake))
    assert (found.policy_version, found.arm, found.deployment_id) == ("1.0.0", 0, "d1")
    assert [(item.policy_version, item.document["policy_version"]) for item in found.shadows] == [
        ("1.1.0", "1.1.0"),
        ("1.2.0", "1.2.0"),
    ]


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ({}, "planner"),
        ({"phase": "draft"}, "planner.draft"),
        ({"phase": "review"}, "planner"),
        ({"policy_id": "other"}, "other"),
        ({"policy_id": "other", "phase": "draft"}, "other"),
        ({"policy_id": "planner.draft", "phase": "draft"}, "planner.draft"),
        ({"policy_id": "planner.draft"}, None),
        ({"policy_id": "unknown"}, None),
    ],
)
def test_a_phase_has_its_own_policy_or_that_of_every_phase(lake, asked, served):
    rows = [version(lake, "1.0.0"), version(lake, "2.0.0", phase="draft"), version(lake, "3.0.0", policy="other")]
    publish(lake, rows)
    found = route("planner", "user_7", folder(lake), **asked)
    assert found.policy_id == served
    assert found.reason == (FRESH if served else MISSING)


def test_a_roll_back_reaches_a_running_service_with_its_next_call(lake):
    canary(lake, (0.5,))
    router = Router(folder(lake))
    assert {router.route("planner", unit).policy_version for unit in range(50)} == {"1.0.0", "1.1.0"}
    publish(lake, [version(lake, "1.0.0"), version(lake, "1.1.0", "archived")])
    assert {router.route("planner", unit).policy_version for unit in range(50)} == {"1.0.0"}


def test_what_is_out_of_service_is_not_kept(lake):
    publish(lake, [version(lake, "1.0.0")])
    router = Router(folder(lake))
    assert router.route("planner").is_fresh
    publish(lake, [version(lake, "1.0.0", "archived")])
    assert router.route("planner").reason == MISSING


def test_the_document_cannot_be_changed_but_copied_and_written(lake):
    publish(lake, [version(lake, "1.0.0", hparams={"stop": ["a", ["b"]], "deep": {"t": 0.5}})])
    document = route("planner", 1, folder(lake)).document
    for change in (
        lambda: document.update(a=1),
        lambda: document["hparams"].pop("stop"),
        lambda: document["hparams"]["stop"].append("c"),
        lambda: document["hparams"]["deep"].__setitem__("t", 1),
        lambda: document.__ior__({"a": 1}),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    assert json.loads(json.dumps(document))["hparams"] == {"stop": ["a", ["b"]], "deep": {"t": 0.5}}
    assert pickle.loads(pickle.dumps(document)) == document
    mine = copy.deepcopy(document)
    mine["hparams"]["stop"].append("c")
    assert mine["hparams"]["stop"] == ["a", ["b"], "c"]
    assert route("planner", 1, folder(lake)).document["hparams"]["stop"] == ("a", ("b",))


# ---- faults


@pytest.mark.parametrize("doer", HOSTILE)
def test_a_doer_may_be_called_anything_and_is_never_a_path(lake, doer):
    name = file_name(doer)
    assert name.replace("sha256-", "").removesuffix(".json").replace("_", "").replace("-", "").isalnum()
    assert "/" not in name
    assert route(doer, 1, folder(lake)).reason == MISSING
    if doer.isprintable() and doer:
        publish(lake, [version(lake, "1.0.0", doer=doer)])
        assert [path.name for path in (folder(lake) / "policies").iterdir()] == [name]
        assert route(doer, 1, folder(lake)).document["doer"] == doer


def test_no_two_doers_share_a_file():
    hashed = file_name("../planner").removesuffix(".json")
    names = [
        "planner",
        "Planner",
        "../planner",
        hashed,
        hashed.removeprefix("sha256-"),
        "planner.json",
        "x" * 64,
        "x" * 65,
    ]
    assert len({file_name(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "asked",
    [
        {"doer": 7},
        {"doer": ["planner"]},
        {"doer": None},
        {"phase": 7},
        {"phase": ["draft"]},
        {"policy_id": {}},
        {"published": {}},
        {"public_key": []},
    ],
)
def test_arguments_of_no_use_are_said_to_be_so(lake, asked):
    canary(lake)
    found = route(**{"doer": "planner", "unit_id": 1, "published": folder(lake)} | asked)
    assert (found.reason, found.policy_version, found.document) == (UNUSABLE, None, {})
    assert found.is_default


@pytest.mark.parametrize("place", ["nowhere", "lake/kaizen.toml", "lake/runs", "nul\0byte", "x" * 5000])
def test_a_folder_that_is_none_is_the_default(lake, tmp_path, place):
    found = Router(tmp_path / place, default={"prompts": {"system": "plain"}}).route("planner", 1)
    assert found.is_default
    assert found.document == {"prompts": {"system": "plain"}}


@pytest.mark.parametrize(
    "content",
    [
        *NO_SIGNED_FILE,
        b'{"signed": {"schema": "kaizen-policies", "version": 1, "doer": "planner", "policies": []}}',
    ],
)
def test_a_hostile_file_is_the_default_or_the_last_good_one(lake, content):
    canary(lake)
    kept = Router(folder(lake))
    good = kept.route("planner", "user_1")
    file(lake).write_bytes(content)
    assert route("planner", "user_1", folder(lake)).reason == CORRUPT
    found = kept.route("planner", "user_1")
    assert (found.reason, found.policy_version, found.arm) == (STALE, good.policy_version, good.arm)
    assert "kept the last good one" in found.detail


def change_file(lake, change):
    """Change the signed part of the file without signing it anew."""
    content = json.loads(file(lake).read_bytes())
    change(content["signed"], content["signed"]["policies"][0])
    file(lake).write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda signed, policy: policy["active"]["document"].update(prompts={"system": "obey me"}),
        lambda signed, policy: policy["candidates"][0].update(content_sha256="0" * 64),
        lambda signed, policy: policy["candidates"].reverse(),
        lambda signed, policy: policy["allocation"].pop(),
        lambda signed, policy: policy["allocation"][0].update(share=-0.1),
        lambda signed, policy: policy["allocation"][0].update(share=True),
        lambda signed, policy: policy["allocation"][0].update(share="0.1"),
        lambda signed, policy: [item.update(share=0.9) for item in policy["allocation"]],
        lambda signed, policy: policy.update(salt=None),
        lambda signed, policy: policy.update(deployment_id=None),
        lambda signed, policy: policy.update(active=None),
        lambda signed, policy: policy.update(mode=None),
        lambda signed, policy: policy.update(mode="all"),
        lambda signed, policy: policy.pop("mode"),
        lambda signed, policy: signed.update(doer="coder"),
        lambda signed, policy: signed.update(version=2),
        lambda signed, policy: signed.update(policies={}) or signed.update(policies=7),
        lambda signed, policy: signed.update(valid_until="2026-01-01T00:00:00"),
        lambda signed, policy: signed.update(generated_at=[]),
    ],
)
def test_a_file_that_contradicts_itself_is_not_used_also_without_a_key(lake, change):
    canary(lake)
    change_file(lake, change)
    assert route("planner", "user_1", folder(lake)).reason == CORRUPT


def test_with_the_publishers_key_what_was_changed_is_found(lake, tmp_path):
    canary(lake)
    pem = (folder(lake) / "public_key.pem").read_bytes()
    kept = tmp_path / "kept.pem"
    kept.write_bytes(pem)
    for key in (pem, pem.decode(), kept, str(kept)):
        assert route("planner", 1, folder(lake), public_key=key).reason == FRESH
    stranger = signing.public_pem(signing.signing_key(tmp_path / "stranger").public_key())
    for key in (stranger, b"", "no such file.pem", 7):
        assert route("planner", 1, folder(lake), public_key=key).reason == BAD_SIGNATURE
    change_file(lake, lambda signed, policy: policy["allocation"][0].update(share=0.5))
    assert route("planner", 1, folder(lake)).reason == FRESH
    assert Router(folder(lake), public_key=pem).route("planner", 1).reason == BAD_SIGNATURE
    held = route("planner", 1, folder(lake), public_key=pem)
    assert (held.reason, held.arm) == (STALE, arm_of("d1", 1, (0.2, 0.3)))


def test_an_older_file_that_was_put_back_is_not_taken(lake):
    canary(lake)
    old = file(lake).read_bytes()
    router = Router(folder(lake))
    publish(lake, [version(lake, "1.0.0"), version(lake, "1.1.0", "archived")])
    assert router.route("planner", "user_1").is_fresh
    file(lake).write_bytes(old)
    found = router.route("planner", "user_1")
    assert (found.reason, found.policy_version, found.deployment_id) == (STALE, "1.0.0", None)
    assert "older" in found.detail


def test_what_broke_is_taken_again_when_it_is_mended(lake, monkeypatch):
    canary(lake)
    router, whole = Router(folder(lake)), file(lake).read_bytes()
    assert router.route("planner", 1).is_fresh
    file(lake).unlink()
    assert router.route("planner", 1).reason == STALE
    file(lake).write_bytes(whole)
    monkeypatch.setattr(_router, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(_router.time, "monotonic", lambda before=time.monotonic: before() + 2)
    assert router.route("planner", 1).is_fresh


def test_when_the_nights_stop_the_answer_is_the_same_and_said_to_be_stale(lake):
    rows = [version(lake, "1.0.0"), version(lake, "1.1.0", "canary")]
    publish(lake, rows, [deployment("d1", "1.0.0", {"1.1.0": 0.5})], ago=37)
    for unit in range(20):
        found = route("planner", unit, folder(lake))
        assert (found.reason, found.arm) == (STALE, arm_of("d1", unit, (0.5,)))


def test_a_folder_a_pipe_and_a_device_in_place_of_the_file_are_refused_at_once(lake):
    canary(lake)
    path = file(lake)
    for make in (
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path),
    ):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
        make()
        assert Router(folder(lake)).route("planner", 1).is_default


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), DENIED),
        (MemoryError(), CORRUPT),
        (OSError(5, "Input/output error"), CORRUPT),
        (RuntimeError("?"), CORRUPT),
    ],
)
def test_no_error_of_the_machine_reaches_the_service(lake, monkeypatch, error, reason):
    canary(lake)

    def fail(*_):
        raise error

    monkeypatch.setattr(_policies.os, "open", fail)
    assert Router(folder(lake)).route("planner", 1).reason == reason


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_no_damage_of_the_file_reaches_the_service(lake, data):
    if not file(lake).exists() or not hasattr(lake, "whole"):
        canary(lake)
        lake.content = file(lake).read_bytes()
    start = data.draw(st.integers(0, len(lake.content)))
    length = data.draw(st.integers(0, 60))
    file(lake).write_bytes(lake.content[:start] + data.draw(st.binary(max_size=40)) + lake.content[start + length :])
    found = Router(folder(lake)).route("planner", "user_1")
    assert found.is_default or found.document["prompts"]["system"] == f"planner {found.policy_version}"


def test_threads_share_a_router_while_the_file_is_swapped(lake):
    canary(lake, (0.5,))
    router = Router(folder(lake))
    rows = [version(lake, "1.0.0"), version(lake, "1.1.0", "canary")]
    states = [[], [deployment("d1", "1.0.0", {"1.1.0": 0.5})]]

    def ask(number):
        if number % 40 == 0:
            publish(lake, rows, states[(number // 40) % 2])
        found = router.route("planner", number)
        return found.is_fresh and found.policy_version in {"1.0.0", f"1.{arm_of('d1', number, (0.5,))}.0"}

    with ThreadPool(6) as pool:
        assert all(pool.map(ask, range(600)))


def test_a_router_remembers_no_more_than_it_should(lake, monkeypatch):
    monkeypatch.setattr(_router, "REMEMBERED", 2)
    publish(lake, [version(lake, "1.0.0", doer=f"doer{number}") for number in range(5)])
    router = Router(folder(lake))
    assert all(router.route(f"doer{number}").is_fresh for number in range(5))
    assert len(router._held) == 2
    router.forget()
    assert not router._held
    for number in range(5):
        route("doer0", 1, f"{folder(lake)}/{'./' * number}")
    assert len(_router._ROUTERS) <= 2


# ---- what it needs


def test_nothing_but_the_standard_library_is_imported(lake):
    canary(lake)
    code = (
        "import sys; standard = set(sys.modules); from kaizenlake.context import route;"
        "assert route('planner', 1, sys.argv[1]).reason == 'fresh';"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - standard} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder(lake))], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["kaizenlake"]
