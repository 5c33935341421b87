"""The benchmarks of packs: what each section of a pack has to be like, in one JSON file a pack.

The files `benchmarks/section_benchmarks.<pack>.json` follow `benchmarks/benchmarks.schema.json`, which is derived
from the classes here. Nothing in this program changes a benchmark.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kaizenlake.errors import UsageError
from kaizenlake.parameters import OwnBenchmarks
from kaizenlake.vocabulary import SectionFormat

Limit = Annotated[int, Meta(ge=0)]
Length = Annotated[float, Meta(gt=0)]
Phrase = Annotated[str, Meta(min_length=1, max_length=200)]
Phrases = Annotated[tuple[Phrase, ...], Meta(extra_json_schema={"uniqueItems": True})]


class SectionBenchmark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a section has to be like; a limit that is null is none, and limits are inclusive."""

    min_words: Annotated[
        Limit | None, Meta(description="Fewest words, of paragraphs, bullets, headings and cells of tables.")
    ] = None
    max_words: Annotated[Limit | None, Meta(description="Most words.")] = None
    required_headings: Annotated[
        Phrases, Meta(description="Headings, of any level, compared without case, markup, number and closing colon.")
    ] = ()
    min_bullets: Annotated[
        Limit | None, Meta(description="Fewest bullets, nested ones too; numbered items are none.")
    ] = None
    max_bullets: Annotated[Limit | None, Meta(description="Most bullets.")] = None
    format: Annotated[
        SectionFormat, Meta(description="markdown, or markdown_table where there must be a table among the text.")
    ] = "markdown"
    min_table_rows: Annotated[
        Limit | None, Meta(description="Fewest rows of its tables together, headers left out.")
    ] = None
    max_average_sentence_length: Annotated[
        Length | None, Meta(description="Most words of a sentence on average, in paragraphs and bullets.")
    ] = None
    forbidden_phrases: Annotated[
        Phrases, Meta(description="Phrases that must not stand in it, compared without case.")
    ] = ()
    required_terms: Annotated[
        Phrases,
        Meta(description="Terms that must stand in it, compared without case; with markdown_table, in a table."),
    ] = ()

    def __post_init__(self) -> None:
        for low, high in ((self.min_words, self.max_words), (self.min_bullets, self.max_bullets)):
            if low is not None and high is not None and low > high:
                raise ValueError(f"the least ({low}) is more than the most ({high})")


class PackBenchmark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The benchmarks of the sections of a pack."""

    pack: Annotated[str, Meta(description="Key of the pack.")]
    description: Annotated[str, Meta(description="What the pack is, and where its figures come from.")] = ""
    core_sections: Annotated[
        Phrases, Meta(description="Sections without which the pack is not complete; others may be part of it.")
    ] = ()
    sections: Annotated[dict[str, SectionBenchmark], Meta(description="What each section has to be like, by its name.")]

    def __post_init__(self) -> None:
        if unknown := [name for name in self.core_sections if name not in self.sections]:
            raise ValueError(f"core section {unknown[0]!r} has no benchmark")


_FOLDER = resources.files("kaizenlake.readiness") / "benchmarks"
_FILE = re.compile(r"section_benchmarks\.(?P<pack>\w+)\.json")


_OWN: ContextVar[Mapping[str, PackBenchmark] | None] = ContextVar("own_benchmarks", default=None)

FOLDER_VARIABLE = "KAIZEN_READINESS__BENCHMARK_FOLDER"


@contextmanager
def judging_by(own: OwnBenchmarks) -> Iterator[None]:
    """Judge by a team's own benchmarks within a block: a section of them stands in place of ours of that name.

    Args:
        own: The benchmarks; `readiness` of the settings of a lake.

    Raises:
        UsageError: One of them breaks the rules of benchmarks.
    """
    token = _OWN.set(_build_own(json.dumps(own.benchmarks, sort_keys=True)))
    try:
        yield
    finally:
        _OWN.reset(token)


@cache
def _build_own(text: str) -> Mapping[str, PackBenchmark]:
    return {pack: _complete(pack, benchmark) for pack, benchmark in json.loads(text).items()}


def _complete(pack: str, benchmark: Any) -> PackBenchmark:
    """Return the benchmarks of a pack as a team has them: its sections, and those of ours that it says nothing of."""
    try:
        told = msgspec.convert(benchmark, PackBenchmark)
    except msgspec.ValidationError as error:
        raise UsageError(f"The team's benchmark of {pack!r} cannot be taken: {error}.") from error
    if spell(pack) != pack or told.pack != pack:
        raise UsageError(
            f"The team's benchmark of {pack!r} has to name the pack in small letters and underscores, as {spell(pack)!r}."
        )
    if unknown := [name for name in told.sections if spell(name) != name]:
        raise UsageError(f"The section {unknown[0]!r} of {pack} has to be named as {spell(unknown[0])!r}.")
    if pack not in _list_ours():
        return told
    ours = _read_ours(pack)
    return msgspec.structs.replace(
        ours,
        description=told.description or ours.description,
        core_sections=told.core_sections or ours.core_sections,
        sections=ours.sections | told.sections,
    )


def _own() -> Mapping[str, PackBenchmark]:
    """Return the team's own benchmarks: of the block in which this runs, else of the folder that a variable names."""
    held = _OWN.get()
    if held is not None:
        return held
    folder = os.environ.get(FOLDER_VARIABLE)
    return {} if not folder else _read_folder(folder)


@cache
def _read_folder(folder: str) -> Mapping[str, PackBenchmark]:
    found = {}
    for file in sorted(Path(folder).glob("section_benchmarks.*.json")):
        try:
            benchmark = json.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"The benchmark cannot be read: {error}.", where=str(file)) from error
        match = _FILE.fullmatch(file.name)
        if match is not None:
            found[match["pack"]] = _complete(match["pack"], benchmark)
    return found


@cache
def _list_ours() -> tuple[str, ...]:
    found = (_FILE.fullmatch(item.name) for item in _FOLDER.iterdir())
    return tuple(sorted(match["pack"] for match in found if match))


@cache
def _read_ours(pack: str) -> PackBenchmark:
    return msgspec.json.decode((_FOLDER / f"section_benchmarks.{pack}.json").read_bytes(), type=PackBenchmark)


def packs() -> tuple[str, ...]:
    """Return the keys of the packs that have benchmarks, ours and the team's, by name."""
    return tuple(sorted({*_list_ours(), *_own()}))


def read_pack(pack: str) -> PackBenchmark:
    """Return the benchmarks of a pack.

    Args:
        pack: Its key, as `find_pack` gives it.
    """
    own = _own()
    return own[pack] if pack in own else _read_ours(pack)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the files."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:kaizenlake:schema:section-benchmarks:1",
        "title": "Benchmarks of the sections of a pack",
    }
    return head | msgspec.json.schema(PackBenchmark)


_VERSION = re.compile(r"(?:_v\d+(?:_\d+)*)$")


def spell(key: str) -> str:
    """Return a key of a pack or section in small letters, with `_` for whatever is no letter and no digit.

    >>> spell("Strategy Campaign - Premium v2"), spell("SMS and WhatsApp strategy")
    ('strategy_campaign_premium', 'sms_and_whatsapp_strategy')
    """
    return _VERSION.sub("", re.sub(r"[\W_]+", "_", key.lower()).strip("_"))


def find_pack(key: str) -> str | None:
    """Return the pack of which a key, however spelled, is one; None where none has benchmarks."""
    return spelled if (spelled := spell(key)) in packs() else None


def benchmark_of(pack: str, section: str) -> SectionBenchmark:
    """Return the benchmark of a section.

    Args:
        pack: Key of the pack, however spelled.
        section: Name of the section, however spelled.

    Raises:
        UsageError: There is none; the words name the likely ones.
    """
    found = find_pack(pack)
    if found is None:
        raise UsageError(f"There are no benchmarks of a pack {pack!r}.", hint=_likely(spell(pack), packs()))
    sections = read_pack(found).sections
    if (name := spell(section)) not in sections:
        raise UsageError(f"The pack {found} has no benchmark of a section {section!r}.", hint=_likely(name, sections))
    return sections[name]


def _likely(name: str, names: Iterable[str]) -> str:
    known = list(names)
    near = difflib.get_close_matches(name, known, n=3)
    return f"Did you mean {', '.join(near)}?" if near else f"There are {', '.join(known)}."
