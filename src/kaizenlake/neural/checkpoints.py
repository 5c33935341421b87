"""Checkpoints: which is whole, so that a job that was killed while it wrote one goes on from the one before."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Final

from kaizenlake.neural.networks import hash_folder
from kaizenlake.training.error_codes import LearningError

MARK: Final = ".whole.json"
"""Beside a checkpoint: written when it is whole, with the hash of its files."""

_NAME = re.compile(r"checkpoint-(\d+)")


def mark_whole(checkpoint: Path) -> None:
    """Say of a checkpoint that it is whole; what the library left in it that nothing reads is removed."""
    for file in checkpoint.glob("*.bin"):
        file.unlink()
    said = json.dumps({"sha256": hash_folder(checkpoint)})
    aside = checkpoint.with_name(f"{checkpoint.name}{MARK}.part")
    aside.write_text(said, encoding="utf-8")
    aside.rename(checkpoint.with_name(checkpoint.name + MARK))


def find_checkpoint(folder: Path) -> tuple[Path | None, int]:
    """Return the latest whole checkpoint of a job and its step; None and 0 where there is none. Those half written are removed.

    Raises:
        LearningError: A checkpoint is not what was written (E7402).
    """
    found: list[tuple[int, Path]] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and (named := _NAME.fullmatch(path.name)):
            if path.with_name(path.name + MARK).is_file():
                found.append((int(named[1]), path))
            else:
                shutil.rmtree(path)
    if not found:
        return None, 0
    step, latest = max(found)
    said = json.loads(latest.with_name(latest.name + MARK).read_bytes())
    if said.get("sha256") != hash_folder(latest):
        raise LearningError("E7402", f"A file of {latest.name} is not what the job wrote.", where=str(latest))
    return latest, step


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a job that is done."""
    for path in folder.iterdir():
        if _NAME.match(path.name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
