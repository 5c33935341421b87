"""The reader that services use: what it answers, whatever lies in the folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostile import BOMB, NO_SIGNED_FILE
from kaizenlake.context import (
    BAD_SIGNATURE,
    CORRUPT,
    DENIED,
    FRESH,
    HELD_OUT,
    MISSING,
    STALE,
    UNUSABLE,
    load,
    load_text,
)
from kaizenlake.context import _reader as reader
from kaizenlake.lake.store import Lake
from kaizenlake.publish.context.model import KaizenContext
from kaizenlake.publish.signed.documents import publish_contexts
from publish.context_frames import AS_OF, contexts, copied, events, fill, pattern, project, story

DEFAULT = {"recommended_tones": ["neutral"]}


@pytest.fixture(autouse=True)
def _no_memory():
    reader.forget()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("reader") / "lake")
    fill(made, events(50), project("p1"), pattern("tone", "friendly", "works"))
    publish(made)
    return made


@pytest.fixture
def lake(published, tmp_path):
    return copied(published, tmp_path / "lake")


def publish(lake, ago=0.0, number=0):
    now = datetime.now(UTC) - timedelta(hours=ago)
    return publish_contexts(lake, as_of=AS_OF + timedelta(days=number), generated_at=now, run_id="run_1")


def folder(lake):
    return lake.path("published")


def write_index(lake, change):
    """Change the index without signing it anew."""
    path = folder(lake) / "latest.json"
    index = json.loads(path.read_bytes())
    change(index)
    path.write_text(json.dumps(index))


def put_document(lake, content: bytes):
    """Let the index name other content, with its right hash and size."""
    digest = hashlib.sha256(content).hexdigest()
    (folder(lake) / "contexts" / f"{digest}.json").write_bytes(content)
    entry = {"file": f"contexts/{digest}.json", "sha256": digest, "bytes": len(content)}
    write_index(lake, lambda index: [item.update(entry) for item in index["signed"]["entries"]])


def test_a_fresh_context_comes_with_where_it_is_from(lake):
    loaded = load(folder(lake), project="p1", default=DEFAULT)
    assert (loaded.reason, loaded.detail, loaded.sequence) == (FRESH, "", 1)
    assert loaded.is_fresh
    assert not loaded.is_default
    assert loaded.context["scope"]["project_id"] == "p1"
    assert loaded.context["recommended_tones"] == ["friendly"]
    assert (folder(lake) / "contexts" / f"{loaded.sha256}.json").is_file()
    assert loaded.valid_until - loaded.generated_at == timedelta(hours=36)


def test_the_folder_may_be_text_bytes_or_path(lake):
    for given_as in (folder(lake), str(folder(lake)), os.fsencode(folder(lake))):
        assert load(given_as).reason == FRESH


def test_an_old_publication_is_stale_and_still_answers(lake):
    lake.path("published", "latest.json").unlink()
    publish(lake, ago=37)
    loaded = load(folder(lake), project="p1", default=DEFAULT)
    assert loaded.reason == STALE
    assert "valid until" in loaded.detail
    assert loaded.context["recommended_tones"] == ["friendly"]


@pytest.mark.parametrize(("max_age", "reason"), [(7200, FRESH), (timedelta(hours=2), FRESH), (60, STALE), (0, STALE)])
def test_a_service_may_ask_for_a_younger_one(lake, max_age, reason):
    folder(lake).joinpath("latest.json").unlink()
    publish(lake, ago=1)
    assert load(folder(lake), max_age=max_age).reason == reason


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"project": "unknown"}, MISSING),
        ({"industry": "retail", "client_type": "startup"}, MISSING),
        ({"project": ""}, MISSING),
        ({"industry": "retail"}, MISSING),
        ({"client_type": "startup"}, MISSING),
        ({"project": "p1", "industry": "retail", "client_type": "startup"}, UNUSABLE),
        ({"project": 7}, UNUSABLE),
        ({"project": ["p1"]}, UNUSABLE),
        ({"max_age": "soon"}, CORRUPT),
    ],
)
def test_what_is_not_there_or_not_askable_is_the_default(lake, asked, reason):
    loaded = load(folder(lake), default=DEFAULT, **asked)
    assert (loaded.reason, loaded.context, loaded.sequence) == (reason, DEFAULT, None)
    assert loaded.is_default
    assert loaded.detail


def test_a_new_project_may_take_the_context_of_everything(lake):
    loaded = load(folder(lake), project="unknown", or_everything=True)
    assert (loaded.reason, loaded.context["scope"]["kind"]) == (FRESH, "everything")
    assert load(folder(lake), project="p1", or_everything=True).context["scope"]["kind"] == "project"


@pytest.mark.parametrize("place", ["nowhere", "lake/kaizen.toml", "lake/runs", "nul\0byte", "x" * 5000])
def test_a_folder_that_is_none_is_the_default(lake, tmp_path, place):
    loaded = load(tmp_path / place, default=DEFAULT)
    assert loaded.is_default
    assert loaded.context == DEFAULT


def test_without_a_default_nothing_is_recommended_in_the_form_of_a_context(tmp_path):
    found = load(tmp_path).context
    assert found == reader.empty()
    assert found == {
        name: value for name, value in msgspec.to_builtins(KaizenContext()).items() if name != "data_notice"
    }
    assert reader.load_evidence(tmp_path).context == reader.empty_evidence()


SCHEMA_1 = Path(__file__).parent / "cases" / "publication-schema-1"
"""What version 0.1.0 published of the rows that `publish.context_frames.story` has."""


def test_a_publication_of_schema_1_is_read_in_the_shapes_of_schema_2():
    loaded = load(SCHEMA_1, public_key=SCHEMA_1 / "public_key.pem")
    assert (loaded.reason, loaded.sequence) == (STALE, 1)
    assert "valid until" in loaded.detail
    ours = msgspec.to_builtins(contexts(*story())["everything"])
    names = {field for field in ours if field not in {"data_notice", "past_winners", "grades", "why_empty", "usable"}}
    assert {name: loaded.context[name] for name in names} == {name: ours[name] for name in names}
    assert [entry["content_id"] for entry in loaded.context["past_winners"]] == ["c2", "c1"]
    assert loaded.context["translated_from"] == 1
    assert load(SCHEMA_1, project="p1").context["channel_performance"] == {"email": 0.75, "phone": 0.5}


def test_the_evidence_of_schema_1_is_found_by_field_and_value():
    loaded = reader.load_evidence(SCHEMA_1, project="p1")
    assert loaded.reason == STALE
    assert loaded.context["evidence"]["channel_performance"]["email"]["table"] == "gold.scoped_win_rates"
    assert loaded.context["not_recommended"]["recommended_tones"]["formal"]["reason"].startswith("The difference may")
    assert "hook_type: list" in loaded.context["evidence"]["risky_patterns"]


def test_evidence_comes_from_the_document_of_its_own(lake):
    loaded = reader.load_evidence(folder(lake), project="p1")
    assert loaded.reason == FRESH
    assert loaded.context["evidence"]["recommended_tones"]["friendly"]["observations"] == 0
    assert (folder(lake) / "evidence" / f"{loaded.sha256}.json").is_file()
    (folder(lake) / "evidence" / f"{loaded.sha256}.json").write_text("{}")
    reader.forget()
    assert reader.load_evidence(folder(lake), project="p1").reason == CORRUPT
    assert load(folder(lake), project="p1").reason == FRESH


def test_the_answer_is_a_copy(lake):
    load(folder(lake)).context["recommended_tones"].clear()
    (folder(lake) / "latest.json").unlink()
    assert load(folder(lake)).context["recommended_tones"] == ["friendly"]
    given_default = {"a": 1}
    load(folder(lake), project="nobody", default=given_default).context["b"] = 2
    assert given_default == {"a": 1}


@pytest.mark.parametrize(
    "content",
    [
        *NO_SIGNED_FILE,
        b'{"signed": {"entries": Infinity}}',
        b'{"signed": {"entries": {}}}',
        b'{"signed": {"entries": [1, null, "x", [], {}, {"kind": "context", "scope": 7}]}}',
    ],
)
def test_a_hostile_index_is_the_default(lake, content):
    (folder(lake) / "latest.json").write_bytes(content)
    loaded = load(folder(lake), default=DEFAULT)
    assert loaded.reason in {CORRUPT, MISSING}
    assert loaded.context == DEFAULT


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{", b'{"confidence": NaN}', b'{"a": -Infinity}', b"\xff", BOMB]
)
def test_a_hostile_document_is_the_default_even_with_its_right_hash(lake, content):
    put_document(lake, content)
    loaded = load(folder(lake), default=DEFAULT)
    assert (loaded.reason, loaded.context) == (CORRUPT, DEFAULT)


def test_a_document_that_was_changed_is_the_default(lake):
    for path in (folder(lake) / "contexts").iterdir():
        path.write_bytes(path.read_bytes().replace(b"friendly", b"hostiles"))
    loaded = load(folder(lake), default=DEFAULT)
    assert (loaded.reason, loaded.context) == (CORRUPT, DEFAULT)


@pytest.mark.parametrize(
    "entry",
    [
        {"file": "../../kaizen.toml"},
        {"file": "/etc/passwd"},
        {"file": "contexts/../latest.json"},
        {"file": None},
        {"sha256": "../../../../etc/passwd"},
        {"sha256": "A" * 64},
        {"sha256": 7},
        {"sha256": None},
        {"bytes": 1},
        {"bytes": "many"},
        {"bytes": None},
    ],
)
def test_an_index_cannot_lead_out_of_the_folder_nor_lie_about_a_document(lake, entry):
    write_index(lake, lambda index: [item.update(entry) for item in index["signed"]["entries"]])
    assert load(folder(lake), default=DEFAULT).reason == CORRUPT


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": None},
        {"sequence": "1"},
        {"generated_at": None},
        {"generated_at": "yesterday"},
        {"generated_at": "2026-01-01T00:00:00"},
        {"valid_until": 10**30},
        {"valid_until": "2026-01-01"},
        {"valid_until": []},
    ],
)
def test_wrong_types_in_the_index_are_the_default(lake, change):
    write_index(lake, lambda index: index["signed"].update(change))
    assert load(folder(lake), default=DEFAULT).reason == CORRUPT


def test_a_folder_a_pipe_and_a_device_in_place_of_a_file_are_refused_at_once(lake):
    path = folder(lake) / "latest.json"
    for make in (
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path),
        lambda: path.symlink_to("/dev/null"),
    ):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
        make()
        loaded = load(folder(lake), default=DEFAULT)
        assert loaded.is_default
        assert loaded.context == DEFAULT


def test_a_file_that_is_too_long_is_not_read_to_its_end(lake, monkeypatch):
    with (folder(lake) / "latest.json").open("r+b") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(reader, "INDEX_BYTES", 1 << 20)
    loaded = load(folder(lake), default=DEFAULT)
    assert loaded.reason == CORRUPT
    assert "longer than" in loaded.detail


def test_a_file_that_may_not_be_read_is_said_to_be_denied(lake, monkeypatch):
    def refuse(path, flags):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(reader.os, "open", refuse)
    loaded = load(folder(lake), default=DEFAULT)
    assert (loaded.reason, loaded.context) == (DENIED, DEFAULT)


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(), OSError(5, "Input/output error"), RuntimeError("?")]
)
def test_no_error_of_the_machine_reaches_the_service(lake, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(reader.os, "open", fail)
    loaded = load(folder(lake), default=DEFAULT)
    assert (loaded.reason, loaded.context) == (CORRUPT, DEFAULT)


def test_the_last_good_context_of_the_process_answers_when_the_folder_breaks(lake):
    good = load(folder(lake), project="p1")
    (folder(lake) / "latest.json").write_text("torn {")
    loaded = load(folder(lake), project="p1", default=DEFAULT)
    assert (loaded.reason, loaded.context, loaded.sha256) == (STALE, good.context, good.sha256)
    assert "kept the last good one" in loaded.detail
    assert load(folder(lake), default=DEFAULT).reason == CORRUPT
    reader.forget()
    assert load(folder(lake), project="p1", default=DEFAULT).reason == CORRUPT


def test_an_older_publication_that_was_put_back_is_not_taken(lake):
    old = (folder(lake) / "latest.json").read_bytes()
    publish(lake, number=1)
    assert load(folder(lake)).sequence == 2
    (folder(lake) / "latest.json").write_bytes(old)
    loaded = load(folder(lake))
    assert (loaded.reason, loaded.sequence) == (STALE, 2)
    assert "older" in loaded.detail


def test_a_process_remembers_no_more_than_it_should(lake, monkeypatch):
    monkeypatch.setattr(reader, "REMEMBERED", 1)
    load(folder(lake))
    load(folder(lake), project="p1")
    assert len(reader._LAST_GOOD) == 1


def test_threads_read_beyond_what_is_remembered(lake, monkeypatch):
    monkeypatch.setattr(reader, "REMEMBERED", 2)
    for number in range(6):
        (lake.path() / f"link{number}").symlink_to(folder(lake))
    with ThreadPool(6) as pool:
        found = pool.map(lambda number: load(lake.path() / f"link{number % 6}").reason, range(120))
    assert set(found) == {FRESH}
    assert len(reader._LAST_GOOD) <= 3


def test_a_document_that_was_pruned_meanwhile_is_looked_up_again(lake, monkeypatch):
    whole, gone = reader.content_of, []

    def slow(path, most):
        if "contexts" in path and not gone:
            gone.append(path)
            fill(lake, events(51), project("p1"), pattern("tone", "friendly", "works"))
            publish(lake, number=1)
            Path(path).unlink()
        return whole(path, most)

    monkeypatch.setattr(reader, "content_of", slow)
    loaded = load(folder(lake))
    assert (loaded.reason, loaded.sequence) == (FRESH, 2)


def test_with_the_publishers_key_the_signature_is_checked(lake, tmp_path):
    pem = (folder(lake) / "public_key.pem").read_bytes()
    kept = tmp_path / "kept.pem"
    kept.write_bytes(pem)
    for key in (pem, pem.decode(), kept, str(kept)):
        assert load(folder(lake), public_key=key).reason == FRESH


def stranger(tmp_path):
    from kaizenlake import signing

    return signing.public_pem(signing.signing_key(tmp_path / "stranger").public_key())


@pytest.mark.parametrize(
    "key", [stranger, "no such file.pem", b"", b"-----BEGIN nonsense", 7, "-----BEGIN PUBLIC KEY-----"]
)
def test_another_key_or_none_that_can_be_read_is_a_bad_signature(lake, tmp_path, key):
    given_key = key(tmp_path) if callable(key) else key
    loaded = load(folder(lake), public_key=given_key, default=DEFAULT)
    assert (loaded.reason, loaded.context) == (BAD_SIGNATURE, DEFAULT)


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index["signed"].update(valid_until="2999-01-01T00:00:00Z"),
        lambda index: index["signed"]["entries"].reverse(),
        lambda index: index["signature"].update(value="AAAA"),
        lambda index: index["signature"].update(value=None),
        lambda index: index.pop("signature"),
        lambda index: index.update(signature=[]),
    ],
)
def test_an_index_that_was_changed_is_found_with_the_key_alone(lake, change):
    pem = (folder(lake) / "public_key.pem").read_bytes()
    write_index(lake, change)
    assert load(folder(lake), public_key=pem, default=DEFAULT).reason == BAD_SIGNATURE
    assert load(folder(lake)).reason == FRESH


def test_texts_follow_the_same_rules(lake):
    lake.path("templates").mkdir()
    lake.path("templates", "prompt.md.j2").write_text("é {{ context.scope.kind }}")
    publish(lake)
    loaded = load_text(folder(lake), "prompt.md", project="p1")
    assert (loaded.text, loaded.reason, loaded.sequence) == ("é project", FRESH, 2)
    assert load_text(folder(lake), "prompt.md", project="unknown", default="-").text == "-"
    assert load_text(folder(lake), "prompt.md", project="unknown", or_everything=True).text == "é everything"
    assert load_text(folder(lake), "../latest.json", default="-").reason == MISSING
    for path in (folder(lake) / "texts").iterdir():
        path.write_text("changed")
    reader.forget()
    assert load_text(folder(lake), "prompt.md", default="-")[:2] == ("-", CORRUPT)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_no_damage_of_the_index_reaches_the_service(lake, data):
    reader.forget()
    path = folder(lake) / "latest.json"
    whole = (folder(lake) / "indexes" / "00000001.json").read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 60))
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=40)) + whole[start + length :])
    loaded = load(folder(lake), project="p1", default=DEFAULT)
    assert loaded.context == DEFAULT if loaded.is_default else loaded.context["scope"]["project_id"] == "p1"


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True
    ).stdout


def test_nothing_slow_is_imported(lake):
    code = (
        "import sys; before = set(sys.modules); from kaizenlake.context import load; load(sys.argv[1]);"
        "print(*sorted(set(sys.modules) - before))"
    )
    slow = {"asyncio", "dataclasses", "email", "inspect", "logging", "pathlib", "socket", "ssl", "subprocess", "urllib"}
    assert slow & set(run(code, folder(lake)).split()) == set()


def test_nothing_but_the_standard_library_is_imported(lake):
    code = (
        "import sys; standard = set(sys.modules); from kaizenlake.context import load; load(sys.argv[1]);"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - standard} - sys.stdlib_module_names))"
    )
    assert run(code, folder(lake)).split() == ["kaizenlake"]


def test_a_share_of_the_units_is_held_out_and_the_same_ones_always(lake):
    assert not any(load(folder(lake), project="p1", unit=unit).held_out for unit in (None, ""))
    answers = {unit: load(folder(lake), project="p1", default=DEFAULT, unit=f"brief_{unit}") for unit in range(1000)}
    held = {unit for unit, answer in answers.items() if answer.held_out}
    assert 60 <= len(held) <= 140  # 10 %, four standard errors wide
    for unit, answer in answers.items():
        if unit in held:
            assert (answer.reason, answer.context, answer.sha256) == (HELD_OUT, DEFAULT, None)
            assert load_text(folder(lake), "any", project="p1", unit=f"brief_{unit}").is_default
        else:
            assert answer.is_fresh
            assert answer.context["recommended_tones"] == ["friendly"]
    publish(lake, number=1)  # another night draws nobody anew
    assert {unit for unit in answers if load(folder(lake), project="p1", unit=f"brief_{unit}").held_out} == held
    others = {unit for unit in answers if load(folder(lake), project="p2", unit=f"brief_{unit}").held_out}
    assert others != held


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (None, FRESH),
        ({"salt": "s", "share": 0}, FRESH),
        ({"salt": "s", "share": 1}, HELD_OUT),
        ({"salt": 1, "share": 1}, CORRUPT),
        ({"salt": "s", "share": "all"}, CORRUPT),
        ({"salt": "s", "share": True}, CORRUPT),
        ("all", CORRUPT),
    ],
)
def test_what_an_index_tells_of_the_share_is_checked(lake, told, reason):
    write_index(lake, lambda index: index["signed"].update(hold_out=told))
    assert load(folder(lake), unit="brief_1").reason == reason


@pytest.mark.parametrize("unit", [b"brief", 1.5, ["brief"], object()])
def test_a_unit_that_is_none_is_answered_with_the_default(lake, unit):
    assert load(folder(lake), unit=unit, default=DEFAULT)[:2] == (DEFAULT, UNUSABLE)
