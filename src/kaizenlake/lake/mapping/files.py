"""Where the file of a mapping lies, and how it is read: the lake's own, one that is shipped, or one that is named by its path."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from kaizenlake.errors import MappingError
from kaizenlake.events.catalogue import OURS, Catalogue
from kaizenlake.lake.mapping.apply import Mapping, near
from kaizenlake.lake.mapping.document import MappingDocument, Name
from kaizenlake.lake.mapping.rules import problems


def list_shipped() -> tuple[str, ...]:
    """Return names of the mappings that come with the package."""
    return tuple(
        sorted(item.name.removesuffix(".toml") for item in _shipped_folder().iterdir() if item.name.endswith(".toml"))
    )


def _shipped_folder() -> Traversable:
    return files("kaizenlake").joinpath("mappings")


def read_shipped(name: str) -> str:
    """Return the text of a mapping that is shipped."""
    return _shipped_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")


def load(name: str, folder: Path | None = None, catalogue: Catalogue = OURS) -> Mapping:
    """Read a mapping.

    Args:
        name: Path of a TOML file, or a name: of a file in the lake's `mappings` folder, or else of one that is shipped.
        folder: The lake's `mappings` folder.
        catalogue: Event types that its rows may become.

    Raises:
        MappingError: There is none of that name, or it breaks a rule; file, key and rule are named.
    """
    if name.endswith(".toml") or "/" in name or "\\" in name:
        path = Path(name)
        if not path.is_file():
            raise MappingError("There is no such mapping file.", where=name)
        return parse(path.read_bytes(), name=path.stem, where=name, catalogue=catalogue)
    if folder is not None and (own := folder / f"{name}.toml").is_file():
        return parse(own.read_bytes(), name=name, where=str(own), catalogue=catalogue)
    if name in list_shipped():
        return parse(_shipped_folder().joinpath(f"{name}.toml").read_bytes(), name=name, where=f"mappings/{name}.toml")
    known = names(folder)
    alike = near(name, known)
    raise MappingError(
        f"There is no mapping {name!r}"
        + (f"; did you mean {alike[0]!r}?" if alike else ".")
        + f" There are: {', '.join(known)}.",
        hint="A mapping may also be given as the path of its TOML file.",
    )


def names(folder: Path | None = None) -> list[str]:
    """Return names of all mappings there are: the lake's own, then those that are shipped.

    Args:
        folder: The lake's `mappings` folder.
    """
    owned = sorted(path.stem for path in folder.glob("*.toml")) if folder is not None and folder.is_dir() else []
    return [*owned, *(item for item in list_shipped() if item not in owned)]


def parse(text: bytes, *, name: str, where: str, catalogue: Catalogue = OURS) -> Mapping:
    """Read a mapping from the text of its file.

    Raises:
        MappingError: It is no TOML, or it breaks a rule; file, key and rule are named.
    """
    try:
        document = msgspec.toml.decode(text, type=MappingDocument)
        msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        raise MappingError(f"A mapping breaks a rule: {error}.".replace("`$.", "`"), where=where) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise MappingError(f"A mapping is not readable as TOML: {error}.", where=where) from error
    for problem in problems(document, catalogue):
        raise MappingError(f"A mapping breaks a rule: {problem}" + ("" if problem.endswith("?") else "."), where=where)
    return Mapping(name, where, sha256(text).hexdigest(), document, catalogue)
