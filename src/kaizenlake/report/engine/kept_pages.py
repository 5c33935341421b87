"""Keep the pages of a folder whose figures did not change: a page is laid out, drawn and set again only where they did."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import kaizenlake
from kaizenlake._version import __version__
from kaizenlake.lake.files import write_atomic
from kaizenlake.publish import guard
from kaizenlake.report.engine.blocks import ReportDocument
from kaizenlake.report.engine.render import write_document

FILE = ".pages.json"
"""Name of the record of a folder. Without it every page is made again."""

_CODE = ("report", "publish", "redaction", "vocabulary.py")
"""Folders and files of the package that decide how figures become a page."""


class _KeptPage(msgspec.Struct, frozen=True):
    """A page and its paper as they were written.

    Args:
        figures: SHA-256 of what they were made of.
        html: SHA-256 of the page.
        pdf: SHA-256 of the paper.
    """

    figures: str
    html: str
    pdf: str


class KeptPages:
    """The pages of one folder, and what each was made of.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._former: dict[str, _KeptPage] = {}
        self._pages: dict[str, _KeptPage] = {}
        with suppress(OSError, msgspec.MsgspecError):
            self._former = msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, _KeptPage])

    def write(self, name: str, figures: Any, lay_out: Callable[[], ReportDocument]) -> tuple[Path, Path]:
        """Write a page and its paper, unless they lie there as they were made of just these figures.

        Args:
            name: Name of both files, without their endings.
            figures: All that the page is made of, as plain data, structs and dataclasses without sets.
            lay_out: Lays the page out.

        Raises:
            LakeError: A file cannot be written.
            PublishError: A chart or the PDF could not be made.
        """
        made_of = hashlib.sha256(msgspec.json.encode((figures, guard.kinds(), __version__, _hash_code()))).hexdigest()
        paths = self.folder / f"{name}.html", self.folder / f"{name}.pdf"
        former = self._former.get(name)
        if former is None or former.figures != made_of or tuple(map(_digest, paths)) != (former.html, former.pdf):
            paths = write_document(lay_out(), self.folder, name)
            html, pdf = map(_digest, paths)
            former = _KeptPage(made_of, html, pdf)
        self._pages[name] = former
        return paths

    def save(self) -> None:
        """Write the record of the pages that were asked for, where it changed.

        Raises:
            LakeError: It cannot be written.
        """
        if self._pages != self._former:
            write_atomic(self.folder / FILE, msgspec.json.encode(self._pages))
            self._former = dict(self._pages)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


@cache
def _hash_code() -> str:
    package = Path(kaizenlake.__file__).parent
    found = (path for name in _CODE for path in (package / name, *(package / name).rglob("*")) if path.is_file())
    digest = hashlib.sha256()
    for path in sorted(path for path in found if "__pycache__" not in path.parts):
        digest.update(path.read_bytes())
    return digest.hexdigest()
