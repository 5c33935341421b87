"""Which sections are in a file: one by its name, or several by their headings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePath
from typing import NamedTuple

from kaizenlake.errors import UsageError
from kaizenlake.readiness.benchmarks import benchmark_of, find_pack, read_pack, spell
from kaizenlake.readiness.judge import spell_heading
from kaizenlake.text.markdown import read_markdown


class Draft(NamedTuple):
    """A text of a section that is to be judged, and the line of its file before its first."""

    pack: str
    section: str
    text: str
    lines_before: int = 0


HINT = (
    "Name them: `kaizen readiness PACK --section SECTION --file FILE`; or call the file PACK.SECTION.md, or SECTION.md in a folder "
    "PACK. A file of several sections begins each with a heading that names it; in JSON it is "
    '{"pack": "…", "sections": {"overview": "…"}}, or the sections alone where the pack is named.'
)


def find_drafts(file: PurePath, text: str, pack: str | None = None, section: str | None = None) -> list[Draft]:
    """Return the sections in a file.

    Args:
        file: Its path, whose names tell pack and section where they are not given.
        text: What it holds: Markdown, or JSON where its name ends with `.json`.
        pack: Key of the pack, where it is known.
        section: Name of the section, where it is known.

    Raises:
        UsageError: Pack or section cannot be told, or there is no benchmark of them.
    """
    if file.suffix.lower() == ".json":
        return list(_of_json(file, text, pack))
    stem, _, last = file.stem.rpartition(".")
    known = find_pack(pack) if pack else find_pack(stem) or find_pack(file.parent.name) or find_pack(last)
    if known is None:
        raise UsageError(
            f"There are no benchmarks of a pack {pack!r}." if pack else "Nothing says of which pack it is.",
            where=str(file),
            hint=HINT,
        )
    names = read_pack(known).sections
    named = section or next((name for name in (spell(last), spell(file.stem)) if name in names), None)
    if named is not None:
        benchmark_of(known, named)
        return [Draft(known, spell(named), text)]
    if found := list(_by_headings(known, text)):
        return found
    raise UsageError(f"Nothing says which section of {known} it is.", where=str(file), hint=HINT)


def _of_json(file: PurePath, text: str, pack: str | None) -> Iterator[Draft]:
    try:
        held = json.loads(text)
        sections = dict(held["sections"] if pack is None or "sections" in held else held)
        known = pack or str(held["pack"])
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"It is no pack in JSON: {error!r}.", where=str(file), hint=HINT) from None
    for name, held_text in sections.items():
        benchmark_of(known, str(name))
        if not isinstance(held_text, str):
            raise UsageError(f"The section {name!r} is no text.", where=str(file), hint=HINT)
        yield Draft(spell(known), spell(str(name)), held_text)


def _by_headings(pack: str, text: str) -> Iterator[Draft]:
    """Cut a document before each heading that names another section; that heading is of none."""
    names = read_pack(pack).sections
    starts: list[tuple[int, str]] = []
    for block in read_markdown(text).blocks:
        name = spell(spell_heading(block.name)) if block.kind == "heading" else ""
        if name in names and (not starts or starts[-1][1] != name):
            starts.append((block.line, name))
    lines = text.splitlines(keepends=True)
    for (line, name), (end, _) in pairwise([*starts, (len(lines) + 1, "")]):
        yield Draft(pack, name, "".join(lines[line : end - 1]), line)
