"""Files that are written together appear when all of them are on the disk, or not at all."""

from __future__ import annotations

import pytest

from kaizenlake.errors import LakeError
from kaizenlake.lake import files


def named(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(files.ASIDE)}


@pytest.mark.parametrize("number", [2, files.MANY + 1])
def test_files_written_together_appear_at_the_end(tmp_path, number):
    with files.flushing_together():
        for place in range(number):
            files.write_text(tmp_path / f"{place}", f"content {place}")
        assert named(tmp_path) == {}
    assert named(tmp_path) == {f"{place}": f"content {place}" for place in range(number)}
    files.write_text(tmp_path / "later", "at once")
    assert named(tmp_path)["later"] == "at once"
    assert len(list(tmp_path.iterdir())) == number + 1


def test_where_one_fails_none_appears_and_nothing_is_left(tmp_path):
    def write_both():
        with files.flushing_together():
            files.write_text(tmp_path / "first", "first")
            files.write_text(tmp_path / "file" / "second", "second")

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LakeError):
        write_both()
    assert named(tmp_path) == {"file": "in the way"}
    assert len(list(tmp_path.iterdir())) == 1
