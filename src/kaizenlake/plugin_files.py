"""Find plug-ins: packages that are installed for it, and the files in the folder of a lake that somebody outside it trusts.

A plug-in is code. A package was installed by whoever runs us; a file in a lake may have been put there by anybody who may write
to the lake, so it counts only where the environment trusts its folder, and where nobody but its owner can have written it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

TRUST_VARIABLE = "KAIZEN_TRUST_PLUGINS"
"""Variable of the environment that names the folders of plug-ins that are trusted, parted as in PATH."""

GROUP = "kaizenlake.plugins"
"""Group of entry points by which an installed package declares plug-ins."""

FOLDER = "plugins"
"""Folder of a lake in which its plug-ins lie."""

DECLARED = "PLUGIN"
"""Name that a file gives to what it declares."""


@dataclass(frozen=True, eq=False)
class PluginSource:
    """A plug-in as it was found.

    Args:
        where: Its file; of an installed one the entry point.
        digest: Name of its code, which changes when the code does.
        plugin: What it declares; None where it cannot be read.
        problem: Why it cannot be read, in words; empty where it can.
    """

    where: str
    digest: str = ""
    plugin: Any = None
    problem: str = ""


@dataclass(frozen=True)
class PluginFolder:
    """What lies in the folder of plug-ins of a lake.

    Args:
        sources: The plug-ins.
        off: Why its files are not read, in words; empty where they are, or where there are none.
    """

    sources: tuple[PluginSource, ...] = ()
    off: str = ""


@cache
def find_installed() -> tuple[PluginSource, ...]:
    """Return the plug-ins of installed packages, by their names; looked for once a process."""
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    return tuple(_of_package(point) for point in found)


def in_folder(folder: Path) -> PluginFolder:
    """Return the plug-ins in a folder; a file that begins with an underscore or a dot is none.

    Args:
        folder: Folder `plugins` of a lake; it need not be there.
    """
    try:
        files = sorted(path for path in folder.glob("*.py") if not path.name.startswith(("_", ".")))
    except OSError as error:
        return PluginFolder((PluginSource(str(folder), problem=f"the folder cannot be read: {error.strerror}"),))
    if not files:
        return PluginFolder()
    real = folder.resolve()
    if real not in trusted_folders():
        return PluginFolder(
            off=f"plug-ins in {real} are off: nothing outside the lake trusts that folder ({TRUST_VARIABLE}={real} does)"
        )
    return PluginFolder(tuple(_of_file(path, real) for path in files))


def trusted_folders() -> frozenset[Path]:
    """Return the folders that the environment trusts."""
    named = os.environ.get(TRUST_VARIABLE, "").split(os.pathsep)
    return frozenset(Path(name).resolve() for name in named if name)


def describe_writers(path: Path) -> str:
    """Say which of a path and the folders above it somebody else may write; empty where nobody may.

    In a folder such as /tmp, where each removes what is his alone (the sticky bit), others cannot put their own file in place
    of ours.

    Args:
        path: A path without links.
    """
    for place in (path, *path.parents):
        found = place.stat()
        if found.st_uid not in (os.geteuid(), 0):
            return f"{place} belongs to another user"
        is_kept_apart = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_kept_apart:
            return f"others than its owner may write {place}"
    return ""


def _of_package(point: EntryPoint) -> PluginSource:
    where = f"entry point {point.name} = {point.value}"
    if point.dist is not None:
        where += f", package {point.dist.name} {point.dist.version}"
    try:
        plugin = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code: whatever it raises is its own failure
        return PluginSource(where, problem=_describe_error(error, ""))
    return PluginSource(where, _digest_of_package(point.module), plugin)


def _digest_of_package(module: str) -> str:
    """Return the digest of all code of the package that a module belongs to."""
    file = Path(getattr(sys.modules[module], "__file__", None) or "")
    top = module.partition(".")[0]
    root = Path(getattr(sys.modules.get(top), "__file__", None) or "")
    files = sorted(root.parent.rglob("*.py")) if root.name == "__init__.py" else [file]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()};".encode())
    return digest.hexdigest()


_guard = threading.RLock()
_read: dict[tuple[str, str], PluginSource] = {}
"""Plug-ins by their file and the digest of its text: a text is run once, and one that changed is run anew."""


def _of_file(path: Path, folder: Path) -> PluginSource:
    where = str(path)
    try:
        real = path.resolve(strict=True)
        if real.parent != folder:
            return PluginSource(where, problem="it is a link that leads out of the folder")
        if words := describe_writers(real):
            return PluginSource(where, problem=f"it is refused: {words}")
        text = real.read_bytes()
    except OSError as error:
        return PluginSource(where, problem=f"it cannot be read: {error.strerror}")
    digest = hashlib.sha256(text).hexdigest()
    with _guard:
        if (where, digest) not in _read:
            _read[where, digest] = _run(text, real, where, digest)
        return _read[where, digest]


def _run(text: bytes, real: Path, where: str, digest: str) -> PluginSource:
    """Run the text of a plug-in as a module of its own; no compiled copy beside it is looked at, and none is written."""
    place = hashlib.sha256(f"{real}:{digest}".encode()).hexdigest()[:16]
    module = ModuleType(f"kaizenlake_plugin_{place}_{real.stem}")
    module.__file__ = str(real)
    sys.modules[module.__name__] = module
    try:
        exec(compile(text, str(real), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - somebody trusts it
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code: whatever it raises is its own failure
        del sys.modules[module.__name__]
        return PluginSource(where, digest, problem=_describe_error(error, str(real)))
    if not hasattr(module, DECLARED):
        return PluginSource(where, digest, problem=f"it declares no `{DECLARED} = Plugin(…)`")
    return PluginSource(where, digest, getattr(module, DECLARED))


def _describe_error(error: BaseException, file: str) -> str:
    """Say what was raised, and on which line of a file."""
    return f"{type(error).__name__}: {error}{line_of(error, file)}"


def line_of(error: BaseException, file: str) -> str:
    """Say on which line of a file an error arose; empty where it did not pass through the file."""
    if isinstance(error, SyntaxError):
        return ""
    from traceback import extract_tb

    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == file]
    return f" (line {lines[-1]})" if lines else ""
