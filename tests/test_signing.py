"""Keys and signatures."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from multiprocessing.pool import ThreadPool

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake import signing
from kaizenlake.errors import PublishError, VerificationError

JSON = st.recursive(
    st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_canonical_json_does_not_hang_on_spelling(value):
    again = json.loads(json.dumps(value, indent=3))
    assert signing.canonical(again) == signing.canonical(value)


def test_the_key_is_made_once_and_is_the_owners_alone(tmp_path):
    folder = tmp_path / "keys"
    first, second = signing.signing_key(folder), signing.signing_key(folder)
    assert signing.public_pem(first.public_key()) == signing.public_pem(second.public_key())
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_threads_that_make_the_key_at_once_get_the_same(tmp_path):
    with ThreadPool(12) as pool:
        keys = pool.map(lambda _: signing.signing_key(tmp_path / "keys"), range(48))
    assert len({signing.key_id(key.public_key()) for key in keys}) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 1


def test_processes_that_make_the_key_at_once_get_the_same(tmp_path):
    code = (
        "import sys; from pathlib import Path; from kaizenlake import signing; sys.stdin.readline();"
        "print(signing.key_id(signing.signing_key(Path(sys.argv[1])).public_key()))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "keys")]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert len({process.communicate()[0] for process in running}) == 1


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_broken_key_is_named_and_not_replaced(tmp_path, content):
    (tmp_path / signing.KEY_NAME).write_bytes(content)
    with pytest.raises(PublishError, match=signing.KEY_NAME):
        signing.signing_key(tmp_path)
    assert (tmp_path / signing.KEY_NAME).read_bytes() == content


def test_a_signature_holds_for_its_payload_and_key_alone():
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    payload = {"sequence": 1, "entries": [{"file": "é"}]}
    signature = signing.sign(payload, key)
    signing.check_signature(payload, signature, key.public_key())
    for changed, named, checked in (
        ({**payload, "sequence": 2}, signature, key),
        (payload, signature, other),
        (payload, {**signature, "value": "AAAA"}, key),
        (payload, {**signature, "algorithm": "none"}, key),
        (payload, {}, key),
        (payload, None, key),
        (payload, {**signature, "value": 7}, key),
    ):
        with pytest.raises(VerificationError):
            signing.check_signature(changed, named, checked.public_key())


def test_a_public_key_is_read_back(tmp_path):
    key = Ed25519PrivateKey.generate().public_key()
    assert signing.key_id(signing.public_key(signing.public_pem(key), "here")) == signing.key_id(key)
    assert isinstance(key, Ed25519PublicKey)
    with pytest.raises(VerificationError, match="here"):
        signing.public_key(b"nonsense", "here")
