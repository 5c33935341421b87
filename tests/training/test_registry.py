"""A model is what was registered, to the byte, wherever it is loaded or moved; nothing that could run code gets in."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import struct
import zipfile

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from kaizenlake.cli.app import app
from kaizenlake.decide.training import model_bundle, model_files, registry
from kaizenlake.decide.training.registry import ModelDraft, load_model, promote, roll_back
from kaizenlake.errors import UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.training.error_codes import LearningError


def safetensors(value=1.0, tail=b""):
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<ff", value, value) + tail


ONNX = b"\x08\x08\x3a\x04\x12\x02ab"


def make_folder(folder, value=1.0, **files):
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(safetensors(value))
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "vocab.txt").write_text("a\nb\n")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def register(lake, folder, version="1.0.0", **fields):
    draft = ModelDraft("writer", version, folder, fields.pop("model_type", "FINE_TUNED"), **fields)
    return registry.register(lake, draft, by="ann")


def code_of(function, *arguments, **fields):
    with pytest.raises(LearningError) as raised:
        function(*arguments, **fields)
    return raised.value.code


def put_in_production(lake, version):
    return promote(lake, ("writer", version), "production", by="ann", reason="tried by hand", override=True)


def test_a_model_goes_through_its_stages_and_comes_back(lake, tmp_path):
    first = register(lake, make_folder(tmp_path / "a"), model_type="BASE", metrics={"loss": 0.5})
    register(lake, make_folder(tmp_path / "b", 2.0), "1.1.0", parents=["writer@1.0.0"])
    assert (first.stage, first.files_count, first.metrics) == ("staging", 2, {"loss": 0.5})
    assert first.files["model.safetensors"] == hashlib.sha256(safetensors()).hexdigest()
    assert code_of(promote, lake, ("writer", "1.0.0"), "production", by="ann") == "E7209"
    with pytest.raises(UsageError, match="needs its reason"):
        promote(lake, ("writer", "1.0.0"), "production", by="ann", override=True)
    assert code_of(roll_back, lake, "writer", by="ann") == "E7210"
    done = put_in_production(lake, "1.0.0")
    assert (done.model.stage, done.model.is_override, done.archived) == ("production", True, None)
    assert not put_in_production(lake, "1.0.0").is_new
    assert code_of(roll_back, lake, "writer", by="ann") == "E7210"
    assert put_in_production(lake, "1.1.0").archived == "1.0.0"
    assert load_model("writer", lake=lake).version == "1.1.0"
    assert code_of(promote, lake, ("writer", "1.0.0"), "production", by="ann") == "E7209"
    back = roll_back(lake, "writer", by="bob", reason="worse")
    assert (back.archived, back.restored) == ("1.1.0", "1.0.0")
    assert load_model("writer", "production", lake).path == tmp_path / "a"
    with pytest.raises(UsageError, match="needs a reason"):
        promote(lake, ("writer", "1.0.0"), "archived", by="ann")
    promote(lake, ("writer", "1.0.0"), "archived", by="ann", reason="over")
    assert code_of(load_model, "writer", lake=lake) == "E7204"
    actions = registry.state(lake).promotions["action"].to_list()
    assert actions == [*["registered"] * 2, "refused", *["promoted"] * 2, "rolled_back", "promoted"]


def test_a_changed_byte_is_refused_at_load_and_at_promote_whoever_overrides(lake, tmp_path):
    folder = make_folder(tmp_path / "a")
    register(lake, folder)
    (folder / "tokenizer" / "vocab.txt").write_text("a\nc\n")
    assert code_of(load_model, "writer", "1.0.0", lake) == "E7208"
    assert code_of(put_in_production, lake, "1.0.0") == "E7208"
    (folder / "tokenizer" / "vocab.txt").write_text("a\nb\n")
    assert load_model("writer", "1.0.0", lake).path == folder
    (folder / "more.json").write_text("{}")
    assert code_of(load_model, "writer", "1.0.0", lake) == "E7208"
    (folder / "more.json").unlink()
    (folder / "model.safetensors").unlink()
    assert "is gone" in registry.find_problems(lake, registry.state(lake).find("writer", "1.0.0"))[0]
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    assert "a link" in registry.find_problems(lake, registry.state(lake).find("writer", "1.0.0"))[0]


class Runs:
    def __reduce__(self):
        return os.system, ("touch /tmp/it-ran",)


def zipped(folder):
    with zipfile.ZipFile(folder / "weights.safetensors", "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Runs()))


REFUSED = {
    "pickle by name": lambda folder: (folder / "weights.bin").write_bytes(b"harmless"),
    "pickle by content": lambda folder: (folder / "weights.json").write_bytes(pickle.dumps(Runs())),
    "pickle as text": lambda folder: (folder / "vocab.txt").write_bytes(pickle.dumps(Runs(), protocol=0)),
    "pickle as safetensors": lambda folder: (folder / "x.safetensors").write_bytes(pickle.dumps(Runs())),
    "zip as safetensors": zipped,
    "safetensors and more": lambda folder: (folder / "x.safetensors").write_bytes(safetensors(tail=b"PK\x03\x04")),
    "safetensors cut": lambda folder: (folder / "x.safetensors").write_bytes(safetensors()[:-1]),
    "no json": lambda folder: (folder / "x.json").write_text("{"),
    "deep json": lambda folder: (folder / "x.json").write_text("[" * 200_000),
    "no onnx": lambda folder: (folder / "x.onnx").write_bytes(b"\x08\x08"),
    "onnx cut": lambda folder: (folder / "x.onnx").write_bytes(ONNX[:-1]),
    "code": lambda folder: (folder / "modeling.py").write_text("import os"),
    "bytes as text": lambda folder: (folder / "x.txt").write_bytes(b"a\0b"),
    "link": lambda folder: (folder / "x.json").symlink_to("/etc/hostname"),
    "link to a folder": lambda folder: (folder / "x").symlink_to("/etc"),
    "pipe": lambda folder: os.mkfifo(folder / "x.json"),
    "name": lambda folder: (folder / "x\n.json").write_text("{}"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_part_of_a_model_is_refused(tmp_path, kind):
    folder = make_folder(tmp_path / "a")
    REFUSED[kind](folder)
    assert code_of(model_files.hash_files, str(folder)) == "E7206"


def test_a_draft_that_names_what_is_not_there_is_refused(lake, tmp_path):
    folder = make_folder(tmp_path / "a", **{"graph.onnx": ONNX, "README": b"words", "deep.json": b"[" * 50 + b"]" * 50})
    for version in ("1.0", "v1.0.0", "latest", "1.0.0/..", ""):
        assert code_of(register, lake, folder, version) == "E7205"
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "link", tmp_path / "empty", tmp_path / "none", folder / "README"):
        assert code_of(register, lake, place) == "E7206"
    assert code_of(register, lake, folder, parents=["writer@0.9.0"]) == "E7207"
    assert code_of(register, lake, folder, dataset="summaries@1.0.0") == "E7207"
    for fields in ({"model_type": "BIG"}, {"metrics": {"loss": float("nan")}}, {"metrics": {"loss": "low"}}):
        with pytest.raises(UsageError):
            register(lake, folder, **fields)
    for name in ("../x", "", "a b", ".x"):
        with pytest.raises(UsageError):
            registry.register(lake, ModelDraft(name, "1.0.0", folder, "BASE"), by="ann")
    register(lake, folder)
    for version in ("1.0.0", "1.0.0+build"):
        assert code_of(register, lake, folder, version) == "E7205"
    assert code_of(load_model, "writre", "1.0.0", lake) == "E7204"
    assert code_of(load_model, "writer", "2.0.0", lake) == "E7204"


def test_the_manifest_is_that_of_its_hash_signature_and_name(lake, tmp_path):
    model = register(lake, make_folder(tmp_path / "a"))
    keys = decisions.public_keys(lake)
    assert registry.find_manifest_fault(model, keys) is None
    for changes in (
        {"manifest": model.manifest.replace("writer", "reader")},
        {"signature": base64.b64encode(b"0" * 64).decode()},
        {"key_id": "0" * 16},
        {"version": "9.9.9"},
    ):
        changed = registry.RegisteredModel(**vars(model) | changes)
        assert registry.find_manifest_fault(changed, keys)


def test_the_bundle_is_a_dsse_envelope_over_every_file(lake, tmp_path):
    """As OpenSSF model-signing 1.1 has it, whose tool verifies these bundles."""
    model = register(lake, make_folder(tmp_path / "a"))
    folder = registry.signatures_of(lake, "writer", "1.0.0")
    bundle = json.loads((folder / model_bundle.BUNDLE).read_bytes())
    pem = (folder / model_bundle.PUBLIC_KEY).read_bytes()
    envelope = bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    key = serialization.load_pem_public_key(pem)
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed, ec.ECDSA(hashes.SHA256()))
    assert bundle["verificationMaterial"]["publicKey"]["hint"] == hashlib.sha256(pem).hexdigest()
    statement = json.loads(payload)
    assert {item["name"]: item["digest"] for item in statement["predicate"]["resources"]} == model.files
    assert (lake.path("keys", model_bundle.KEY_NAME).stat().st_mode & 0o777) == 0o600


def test_a_lineage_goes_both_ways(lake, tmp_path):
    folder = make_folder(tmp_path / "a")
    register(lake, folder, model_type="BASE")
    register(lake, folder, "1.1.0", parents=["writer@1.0.0"])
    register(lake, folder, "1.2.0", parents=["writer@1.1.0", "writer@1.0.0"])
    registry.register(lake, ModelDraft("other", "1.0.0", folder, "BASE"), by="ann")
    state = registry.state(lake)
    last, first = state.find("writer", "1.2.0"), state.find("writer", "1.0.0")
    assert [(depth, name) for depth, name, _ in state.list_ancestors(last)] == [
        (1, "writer@1.0.0"),
        (1, "writer@1.1.0"),
    ]
    assert [item.version for item in state.list_descendants(first)] == ["1.1.0", "1.2.0"]
    assert state.name_line(first) == state.name_line(last) == {"writer@1.0.0", "writer@1.1.0", "writer@1.2.0"}


def test_the_commands_say_what_the_functions_do(tmp_path):
    Lake.create(tmp_path / "lake")
    one, two = make_folder(tmp_path / "a"), make_folder(tmp_path / "b", 2.0)
    (tmp_path / "m.json").write_text('{"loss": 0.5}')

    def kaizen(*words, code=0):
        done = CliRunner().invoke(app, [*map(str, words), "--lake", str(tmp_path / "lake")])
        if code:
            assert done.exception.code == code
            return ""
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    by = ("--by", "ann")
    kaizen("model", "register", "writer", "1.0.0", one, "--type", "BASE", "--metrics", tmp_path / "m.json", *by)
    made = ("model", "register", "writer", "1.1.0", two, "--type", "FINE_TUNED", "--parent", "writer@1.0.0", *by)
    assert "staging" in kaizen(*made)
    kaizen(*made, code="E7205")
    assert "writer@1.0.0" in kaizen("model", "list")
    assert "verified" in kaizen("model", "show", "writer", "1.0.0")
    assert json.loads(kaizen("model", "compare", "writer", "1.0.0", "1.1.0", "--json"))["metrics"] == {
        "loss": [0.5, None]
    }
    assert "1 file differ" in kaizen("model", "compare", "writer", "1.0.0", "1.1.0")
    assert "writer@1.0.0" in kaizen("model", "lineage", "writer", "1.1.0")
    override = ("--override", "--reason", "tried", *by)
    assert "SKIPPED" in kaizen("model", "promote", "writer", "1.0.0", "--to", "production", *override)
    kaizen("model", "promote", "writer", "1.1.0", "--to", "production", *override)
    assert "production again" in kaizen("model", "rollback", "writer", *by)
    (one / "model.safetensors").write_bytes(safetensors(3.0))
    kaizen("model", "verify", "writer", "1.0.0", code="E7208")
    assert "ok" in kaizen("model", "verify", "writer", "1.1.0")
