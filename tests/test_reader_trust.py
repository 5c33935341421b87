"""Whom a reader believes: no older publication than it has seen, and the key it was given or those that followed it."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from kaizenlake import signing
from kaizenlake.context import forget, load, load_skill, remember_in, route


@pytest.fixture
def states(tmp_path):
    """A file of the reader's own, which a process that starts anew finds."""
    path = tmp_path / "states" / "readers.json"
    remember_in(path)
    yield path
    remember_in(os.environ["KAIZEN_READER_STATE"])


def start_anew(path):
    """What a new process knows: the file alone."""
    forget()
    remember_in(path)


def put_publication(folder, sequence, key, *, keep=None):
    """A folder with the least that a reader takes."""
    document = json.dumps({"recommended_tones": [], "note": sequence}).encode()
    digest = hashlib.sha256(document).hexdigest()
    (folder / "contexts").mkdir(parents=True, exist_ok=True)
    (folder / "contexts" / f"{digest}.json").write_bytes(document)
    scope = {"kind": "everything", "project_id": None, "industry": None, "client_type": None}
    entry = {"kind": "context", "scope": scope, "file": f"contexts/{digest}.json"}
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=sequence)
    signed = {
        "sequence": sequence,
        "generated_at": at.isoformat(),
        "valid_until": datetime(2100, 1, 1, tzinfo=UTC).isoformat(),
        "entries": [entry | {"sha256": digest, "bytes": len(document)}],
    }
    index = json.dumps({"signed": signed, "signature": signing.sign(signed, key)}).encode()
    (folder / "latest.json").write_bytes(index)
    (folder / "public_key.pem").write_bytes(signing.public_pem(key.public_key()))
    if keep is not None:
        keep.append(index)


KEYS = [signing.Ed25519PrivateKey.from_private_bytes(bytes([byte]) * 32) for byte in (1, 2, 3)]


@pytest.mark.parametrize("is_signed", [True, False], ids=["with the key", "without it"])
def test_an_older_publication_put_back_is_noticed_by_a_reader_that_starts_anew(tmp_path, states, is_signed):
    folder, indexes = tmp_path / "published", []
    key = signing.public_pem(KEYS[0].public_key()) if is_signed else None
    for sequence in (3, 4):
        put_publication(folder, sequence, KEYS[0], keep=indexes)
        assert load(folder, public_key=key).reason == "fresh"
    (folder / "latest.json").write_bytes(indexes[0])
    assert load(folder, public_key=key).sequence == 4, "this process has the last good one"
    start_anew(states)
    found = load(folder, public_key=key, default={"mine": 1})
    assert (found.reason, found.context, found.is_default) == ("default: rolled back", {"mine": 1}, True)
    put_publication(folder, 5, KEYS[0])
    assert load(folder, public_key=key).sequence == 5


def test_a_lake_made_anew_in_the_same_place_is_no_roll_back(tmp_path, states):
    put_publication(tmp_path / "published", 9, KEYS[0])
    assert load(tmp_path / "published").sequence == 9
    put_publication(tmp_path / "published", 1, KEYS[1])
    start_anew(states)
    assert load(tmp_path / "published").sequence == 1


def test_who_cannot_remember_reads_all_the_same(tmp_path, states):
    put_publication(tmp_path / "published", 3, KEYS[0])
    for path in (tmp_path / "published" / "latest.json" / "states.json", None, "/proc/kaizen/readers.json"):
        start_anew(path)
        assert load(tmp_path / "published").reason == "fresh"
    states.parent.mkdir()
    for content in (b"", b"[]", b'{"highest": 7}', b'{"highest": {"a": "b"}}', b"\xff"):
        states.write_bytes(content)
        start_anew(states)
        assert load(tmp_path / "published").reason == "fresh"


def succession(*keys):
    statements = []
    for before, after in itertools.pairwise(keys):
        signed = {
            "schema": "kaizen-key-succession",
            "from": signing.key_id(before.public_key()),
            "to": signing.key_id(after.public_key()),
            "public_key": signing.public_pem(after.public_key()).decode(),
        }
        statements.append({"signed": signed, "signature": signing.sign(signed, before)})
    return {"successions": statements}


@pytest.mark.parametrize("number", [1, 2])
def test_a_reader_follows_the_key_that_it_was_given_to_those_that_it_names(tmp_path, states, number):
    folder, given = tmp_path / "published", signing.public_pem(KEYS[0].public_key())
    put_publication(folder, 3, KEYS[number])
    assert load(folder, public_key=given).reason == "default: bad signature"
    (folder / "keys.json").write_text(json.dumps(succession(*KEYS[: number + 1])))
    assert load(folder, public_key=given).reason == "fresh"
    start_anew(states)
    put_publication(folder, 4, KEYS[0])
    assert load(folder, public_key=given).reason == "default: bad signature", "the old key signs no more"
    (folder / "keys.json").unlink()
    assert load(folder, public_key=given).reason == "default: rolled back", "nor where the succession is taken away"


def test_a_key_that_the_one_before_did_not_name_is_not_followed(tmp_path, states):
    folder, given = tmp_path / "published", signing.public_pem(KEYS[0].public_key())
    put_publication(folder, 3, KEYS[1])
    forged = succession(KEYS[0], KEYS[1])
    forged["successions"][0]["signature"] = signing.sign(forged["successions"][0]["signed"], KEYS[1])
    for content in (forged, {"successions": 7}, {"successions": [7, None, {}]}, []):
        (folder / "keys.json").write_text(json.dumps(content))
        assert load(folder, public_key=given).reason == "default: bad signature"


def test_an_older_file_of_policies_or_skill_card_put_back_is_noticed(tmp_path, states):
    from kaizenlake.context import _router

    folder, key = tmp_path / "published", signing.public_pem(KEYS[0].public_key())
    written = {}
    for day in (1, 2):
        at = datetime(2026, 3, day, tzinfo=UTC).isoformat()
        stamps = {"generated_at": at, "valid_until": datetime(2100, 1, 1, tzinfo=UTC).isoformat()}
        for place, schema, more in (("policies", "kaizen-policies", {"policies": []}), ("skills", "kaizen-skill", {})):
            signed = {"schema": schema, "version": 1, "doer": "planner", **more, **stamps}
            content = json.dumps({"signed": signed, "signature": signing.sign(signed, KEYS[0])}).encode()
            (folder / place).mkdir(parents=True, exist_ok=True)
            (folder / place / "planner.json").write_bytes(content)
            written.setdefault(place, content)
        skill, served = load_skill(folder, "planner", public_key=key), route("planner", "u", folder, public_key=key)
        assert (skill.reason, served.reason) == ("fresh", "default: missing")
    for place, content in written.items():
        (folder / place / "planner.json").write_bytes(content)
    start_anew(states)
    _router._ROUTERS.clear()
    assert load_skill(folder, "planner", public_key=key).reason == "default: rolled back"
    assert route("planner", "u", folder, public_key=key).reason == "default: rolled back"
