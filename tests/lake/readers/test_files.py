import os
import stat
import threading

import pytest

from kaizenlake.errors import LakeError
from kaizenlake.lake import files


def test_a_file_is_written_with_its_folder_and_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "latest.json"

    files.write_text(path, '{"näme": 1}')
    assert path.read_text(encoding="utf-8") == '{"näme": 1}'
    files.write_atomic(path, b"[2]")

    assert path.read_bytes() == b"[2]"
    assert [item.name for item in path.parent.iterdir()] == ["latest.json"]


def test_permissions_are_those_asked_for(tmp_path):
    files.write_atomic(tmp_path / "key", b"secret", mode=0o600)

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_readers_find_whole_content_only(tmp_path):
    path = tmp_path / "index"
    contents = {bytes([letter]) * 50_000 for letter in b"abc"}
    files.write_atomic(path, b"a" * 50_000)
    stop = threading.Event()
    seen = []

    def read():
        while not stop.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        for content in contents:
            files.write_atomic(path, content)
    stop.set()
    reader.join()

    assert len(seen) > 10
    assert set(seen) <= contents


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content_and_no_leftover(tmp_path, monkeypatch, call):
    path = tmp_path / "index"
    files.write_atomic(path, b"old")

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(LakeError, match="No space left on device") as raised:
        files.write_atomic(path, b"new")

    assert raised.value.where == str(path)
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["index"]


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(LakeError, match="file/index"):
        files.write_atomic(tmp_path / "file" / "index", b"")
