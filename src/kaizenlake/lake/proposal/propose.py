"""Proposals of mappings: a shipped one whose columns a file has, or else one that is found out from its names and cells, and tried."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec

from kaizenlake.errors import MappingError
from kaizenlake.events.catalogue import OURS, Catalogue
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.lake.mapping import files as mappings
from kaizenlake.lake.mapping.apply import Mapping
from kaizenlake.lake.mapping.document import FileFormat, values
from kaizenlake.lake.mapping.figures import Style, style_of
from kaizenlake.lake.mapping.money import Exchange
from kaizenlake.lake.mapping.records import Grains
from kaizenlake.lake.mapping.times import RowOrigin
from kaizenlake.lake.proposal import toml_text
from kaizenlake.lake.proposal.drafts import EventDraft, KnownTable, complete, drafts
from kaizenlake.lake.proposal.sample import FileSample, samples
from kaizenlake.lake.proposal.shapes import CellShape, look
from kaizenlake.lake.readers import sources
from kaizenlake.lake.readers.chunks import Lines, Rows
from kaizenlake.lake.readers.names import find, root
from kaizenlake.lake.readers.sources import SourceFile, read_head
from kaizenlake.lake.readers.trace_files import is_of_traces, read_traces
from kaizenlake.tables.base.needs import NEEDS, TableNeed
from kaizenlake.vocabulary import plural

MOST_SHOWN = 5
ALSO_TELLS = 0.25
"""What the name that a column also has tells of a mapping, beside its own."""

RIGHT = 0.95
"""Share of the rows that a shipped mapping must land to be proposed."""


@dataclass(frozen=True)
class ProposalSettings:
    """What a proposal is made with.

    Args:
        now: Aware instant of the clock.
        catalogue: Event types that there are.
        folder: The lake's own mappings; None where there are none.
        exchange: What amounts of money are worth.
        line_bytes: Longest record taken.
        zone: Zone of times that say none; None where nobody said it.
    """

    now: datetime
    catalogue: Catalogue = OURS
    folder: Path | None = None
    exchange: Exchange = field(default_factory=Exchange)
    line_bytes: int = 1_048_576
    zone: str | None = None


@dataclass(frozen=True)
class MappingTrial:
    """What a mapping makes of the first rows of a file.

    Args:
        rows: Rows that were looked at.
        left_out: Those that it leaves out, such as totals.
        wrong: Those of which no event could be made, or of which one would go to quarantine.
        events: Events that would land.
        first: The first of them, as JSON.
        reasons: Why others would not, by how many.
        refused: By field, how many rows are refused for it.
    """

    rows: int
    left_out: int
    wrong: int
    events: int
    first: tuple[str, ...]
    reasons: Table[str, int]
    refused: Table[str, int]

    @property
    def share(self) -> float:
        """Share of the rows that land."""
        asked = self.rows - self.left_out
        return 1.0 - self.wrong / asked if asked > 0 and self.events else 0.0


@dataclass(frozen=True)
class MappingProposal:
    """A mapping that is proposed.

    Args:
        file: Name of the file.
        text: Text of the mapping; empty where the file needs none.
        shipped: Name of the mapping that was there already and reads the file as it is; empty for none.
        found: What was found out of how the file is written, in words.
        columns: Of each column its name, what it becomes, and why.
        trial: What it makes of the first rows.
        doubts: What is not sure.
        empty: What will stay empty, and what to map for it.
        types: Types of the events that it makes.
    """

    file: str
    text: str
    shipped: str
    found: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    trial: MappingTrial
    doubts: tuple[str, ...]
    empty: tuple[str, ...]
    types: tuple[str, ...]


class NeedsNoMappingError(MappingError):
    """The file holds events or traces already."""


def propose(path: Path, around: ProposalSettings) -> MappingProposal:
    """Propose a mapping for a file.

    Args:
        path: A file of any form that a mapping reads.
        around: What it is made with.

    Raises:
        MappingError: No event type fits, the file cannot be read, or it needs no mapping; the words say which.
    """
    found, left = sources.find([path], "proposed", around.catalogue)
    if not found:
        raise MappingError("The file cannot be read.", where=str(path), hint=left[0][1] if left else "")
    source = found[0]
    _refuse_events(source, around)
    seen = list(samples(source, around.line_bytes))
    known = _recognise(seen[0], around)
    for other in found[1:MOST_LOOKED_AT] if known is None else ():
        # Of an export of several files, the one that a mapping knows is looked at.
        if tables := _take_samples(other, around):
            known = _recognise(tables[0], around)
        if known is not None:
            source = other
            break
    also = (
        [f"Of the {len(found)} files in it, {source.name} was looked at; a mapping reads all."]
        if len(found) > 1
        else []
    )
    proposal = known if known is not None else _guess(seen, around)
    return replace(proposal, found=(*also, *proposal.found))


MOST_LOOKED_AT = 10
"""Most files of a folder or a packed one that are looked at."""


def _take_samples(source: SourceFile, around: ProposalSettings) -> list[FileSample]:
    """Return what is read of another file; nothing where it cannot be read."""
    with suppress(MappingError):
        return list(samples(source, around.line_bytes))
    return []


def _refuse_events(source: SourceFile, around: ProposalSettings) -> None:
    if source.form in {"json", "ndjson"} and sources.holds_events(source, around.catalogue):
        raise NeedsNoMappingError("The file holds events already: it lands without a mapping.", where=source.name)
    if is_of_traces(source):
        lines = next(read_traces(source, around.line_bytes), Lines()).lines
        if check_lines(lines, range(len(lines)), now=around.now, catalogue=around.catalogue).frame.height:
            raise NeedsNoMappingError("The file holds traces of agents: it lands without a mapping.", where=source.name)


def attempt(mapping: Mapping, rows: Rows, source: SourceFile, around: ProposalSettings) -> MappingTrial:
    """Return what a mapping makes of rows.

    Raises:
        MappingError: It lacks a column.
    """
    mapping.fits(rows.frame.columns, where=source.name)
    modified = datetime.fromtimestamp(source.path.stat().st_mtime, around.now.tzinfo)
    encoding = mapping.dialect(source.form).encoding
    head = mapping.before_header(read_head(source, encoding)) if mapping.reads_preamble else ""
    made = mapping.apply(rows, RowOrigin("proposed", source.name, modified, None, around.exchange, head))
    twofold = Grains().take(made.records) if made.records.height else set()
    kept, doubled = made.without(twofold) if twofold else (made, [])
    checked = check_lines(kept.lines, range(len(kept.lines)), now=around.now, catalogue=around.catalogue)
    reasons: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    wrong = set(kept.unmatched) | {place for place, _ in doubled}
    for item in checked.rejected:
        wrong.add(kept.places[item.line])
        reasons.update([*item.reasons, *kept.hints.get(item.line, ())])
        refused.update({name for reason in item.reasons for name in re.findall(r"`(?:payload\.)?(\w+)`", reason)})
    if kept.unmatched:
        reasons[made.reason] += len(kept.unmatched)
    if doubled:
        reasons["a row before it says something else of the same content and time"] += len(doubled)
    bad = {item.line for item in checked.rejected}
    first = tuple(line.decode() for place, line in enumerate(kept.lines) if place not in bad)[:MOST_SHOWN]
    told = dict(reasons.most_common(_MOST_REASONS))
    return MappingTrial(
        len(rows.numbers),
        made.left_out,
        len(wrong),
        len(kept.lines) - len(bad),
        first,
        told,
        dict(refused.most_common()),
    )


_MOST_REASONS = 50


def _recognise(sample: FileSample, around: ProposalSettings) -> MappingProposal | None:
    """Return a mapping that is there already, where the file has its header and nearly all rows land; the one that its header tells most surely."""
    present = sample.rows.frame.columns
    known: dict[str, Mapping] = {}
    for name in mappings.names(around.folder):
        with suppress(MappingError):
            known[name] = mappings.load(name, around.folder, around.catalogue)
    rarity = _rarity(known.values())
    shipped = mappings.list_shipped()
    likely: list[tuple[float, int, str]] = []
    for name, mapping in known.items():
        with suppress(MappingError):
            mapping.fits(present, where=sample.source.name)
            headers = _headers(mapping, present)
            own = {name.lower() for name in mapping.columns}
            # Names that many exports have, such as Date and Views, tell of none, and what a column is also called tells little;
            # a mapping of one's own fits by its columns.
            sureness = sum(
                rarity[header.lower()] * (1.0 if header.lower() in own else ALSO_TELLS) for header in headers
            )
            if not mapping.needs_time and (sureness >= 1.0 or name not in shipped):
                likely.append((sureness, len(headers), name))
    for _, _, name in sorted(likely, key=lambda item: (-item[0], -item[1], item[2])):
        trial = attempt(known[name], sample.rows, sample.source, around)
        if trial.share >= RIGHT:
            others = [other for _, _, other in likely if other != name]
            return _propose_known(sample, name, known[name], trial, others)
    return None


def _headers(mapping: Mapping, present: Sequence[str]) -> set[str]:
    """Return the columns of a table that a mapping reads."""
    others = mapping.document.also_named
    return {header for name in mapping.columns if (header := root(name, present) or find(name, present, others))}


def _rarity(known: Iterable[Mapping]) -> dict[str, float]:
    """Return by the name of a column, in small letters, how surely it tells of a mapping: the fewer have it, the more."""
    counts: Counter[str] = Counter()
    for mapping in known:
        names = (*mapping.columns, *(other for others in mapping.document.also_named.values() for other in others))
        counts.update({name.lower() for name in names})
    return defaultdict(lambda: 1.0, {name: 1.0 / count for name, count in counts.items()})


def _propose_known(
    sample: FileSample, name: str, mapping: Mapping, trial: MappingTrial, others: Sequence[str]
) -> MappingProposal:
    count = len(_headers(mapping, sample.rows.frame.columns))
    found = [
        *sample.notes,
        f"Its header is that of the mapping {name!r}: {count} of the {len(mapping.columns)} columns which that reads are there.",
        *([f"It has the columns of {', '.join(map(repr, others))} too, which tell less of it."] if others else []),
    ]
    said = mapping.document.format
    separator, encoding = sample.form.separator, sample.form.encoding
    same = (said.separator or None) == separator and said.encoding.lower() == encoding and said.rows == sample.form.rows
    as_it_is = same or sample.source.form not in {"csv", "tsv", "json", "ndjson"}
    text = (
        Path(mapping.where).read_text(encoding="utf-8")
        if Path(mapping.where).is_file()
        else mappings.read_shipped(name)
    )
    if not as_it_is:
        text = _with_format(
            text, msgspec.structs.replace(said, separator=separator, encoding=encoding, rows=sample.form.rows)
        )
    columns = _columns_of(mapping, sample.names)
    types = tuple(section.type for section in mapping.document.event)
    given = {section.type: set(section.fields) for section in mapping.document.event}
    return MappingProposal(
        sample.source.name, text, name if as_it_is else "", tuple(found), columns, trial, (), _empty(given), types
    )


def _with_format(text: str, form: FileFormat) -> str:
    """Return the text of a mapping with another table of how the file is written."""
    without = re.sub(r"(?ms)^\[format\]\n.*?(?=^\[)", "", text)
    head, mark, rest = without.partition("\n[[")
    return "\n".join([head.rstrip(), *toml_text.format_lines(form), ""]) + mark + rest


def _columns_of(mapping: Mapping, names: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """Return what a mapping makes of each column."""
    becomes: dict[str, list[str]] = {}
    for section in mapping.document.event:
        for name, value in values(section):
            for column in value.sources:
                becomes.setdefault(column, []).append(name)
        for name in ("occurred_at", "measured_at"):
            moment = getattr(section, name)
            for column in moment.sources if moment is not None else ():
                becomes.setdefault(column, []).append(name)
        for column in section.when:
            becomes.setdefault(column, []).append(f"tells {section.type}")
    others = mapping.document.also_named
    meant = {find(name, names, others) or name: name for name in becomes if name not in names}
    told = {name: becomes.get(name) or becomes.get(meant.get(name, "")) or ["not read"] for name in names}
    return tuple((name, ", ".join(dict.fromkeys(said)), "") for name, said in told.items())


def _empty(given: Table[str, set[str]]) -> tuple[str, ...]:
    """Return what stays empty without which fields, of events that tell some fields."""

    def lacks(need: TableNeed) -> bool:
        if need.event not in given:
            return False
        if need.events:
            return not any(event in given for event in need.events)
        return not any(name in given[need.event] for name in need.fields)

    missing = [need for need in NEEDS if lacks(need)]
    shown = [
        need
        for need in missing
        if not any(set(need.tables) <= set(other.tables) and set(need.fields) < set(other.fields) for other in missing)
    ]
    return tuple(f"{', '.join(need.tables)}: no {need.lost}. {need.remedy}" for need in shown)


def _guess(seen: Sequence[FileSample], around: ProposalSettings) -> MappingProposal:
    best: tuple[float, KnownTable, EventDraft] | None = None
    for sample in seen:
        shapes = _look(sample)
        known = KnownTable(sample, shapes, around.zone, sample.source.name)
        for draft in drafts(known, around.catalogue)[:1]:
            if best is None or draft.strength > best[0] + 0.2:
                best = draft.strength, known, draft
    if best is None:
        raise _nothing_fits(seen[0])
    _, known, draft = best
    made = complete(draft, known, around.catalogue)
    for _ in range(_MOST_REPAIRS):
        text = _write(made, known)
        mapping = mappings.parse(text.encode(), name="proposed", where="the proposal", catalogue=around.catalogue)
        trial = attempt(mapping, known.sample.rows, known.sample.source, around)
        repaired = _repair(made, trial)
        if repaired is None:
            break
        made = repaired
    if not trial.events:
        raise _nothing_fits(known.sample, trial)
    given = {item.event.name: set(item.fields) for item in made}
    doubts = tuple(dict.fromkeys(doubt for item in made for doubt in item.doubts))
    columns = tuple(_describe_column(name, known.shapes[name], made) for name in known.sample.names)
    return MappingProposal(
        known.sample.source.name, text, "", known.sample.notes, columns, trial, doubts, _empty(given), tuple(given)
    )


_MOST_REPAIRS = 8
_ENGAGED = frozenset({"engagements", "likes", "comments", "shares", "saves", "engagement_rate"})


def _look(sample: FileSample) -> dict[str, CellShape]:
    """Return what the cells of each column look like; a date that may begin with month or day begins as such files do."""
    shapes = {name: look(name, sample.table[name]) for name in sample.names}
    is_continental = sample.form.separator == ";" or any(
        "," in shape.marks and "." not in shape.marks for shape in shapes.values()
    )
    if is_continental:
        shapes = {
            name: replace(shape, form=shape.also, also=shape.form) if shape.also else shape
            for name, shape in shapes.items()
        }
    sure = {
        shape.form[:2]
        for shape in shapes.values()
        if shape.kind == "time" and not shape.also and shape.form[:2] in {"%m", "%d"}
    }
    if len(sure) == 1:
        (first,) = sure
        for name, shape in shapes.items():
            if shape.also:
                shapes[name] = replace(shape, form=shape.form if shape.form[:2] == first else shape.also, also="")
    return shapes


def _describe_column(name: str, shape: CellShape, made: Sequence[EventDraft]) -> tuple[str, str, str]:
    also = [field for item in made for field, value in item.fields.items() if value == name]
    becomes = list(dict.fromkeys([*(item.columns[name] for item in made if name in item.columns), *also]))
    stages = [f"tells {item.event.name}" for item in made if name in item.beside.get("when", {})]
    whys = [why for item in made if (why := item.whys.get(item.columns.get(name, ""), ""))]
    if not becomes and not stages:
        return name, "not read", f"{shape.words()}; no field has such a name"
    return name, ", ".join([*becomes, *stages]), whys[0] if whys else shape.words()


def _nothing_fits(sample: FileSample, trial: MappingTrial | None = None) -> MappingError:
    names = ", ".join(map(repr, sample.names[:40]))
    why = f" What came nearest refuses all rows: {next(iter(trial.reasons), '')}." if trial is not None else ""
    return MappingError(
        f"No event type fits the columns of the file, so no mapping is proposed.{why} There are: {names}.",
        where=sample.source.name,
        hint="`kaizen events` lists the types and their fields; a mapping of your own may name the columns.",
    )


def _repair(made: Sequence[EventDraft], trial: MappingTrial) -> list[EventDraft] | None:
    """Return drafts without the field that most rows are refused for; None where there is none, or the type needs it."""
    least = 0.05 * max(trial.rows - trial.left_out, 1)
    for name, count in trial.refused.items():
        having = [item for item in made if name in item.fields and name not in item.event.required_fields]
        if count < least or not having:
            continue
        # What a cell is lies nearer to its cause than what the field should be.
        told = [reason for reason in trial.reasons if f"`{name}`" in reason or f"`payload.{name}`" in reason]
        said = next((reason for reason in told if " from the column " in reason), told[0] if told else "")
        why = f"{name} is left out, for which {plural(count, 'row')} would be refused: {said}."
        return [item.without(name, why) if item in having else item for item in made]
    return None


def _write(made: Sequence[EventDraft], known: KnownTable) -> str:
    """Return the text of a mapping."""
    sample = known.sample
    kinds = ", ".join(item.event.name for item in made)
    lines = [
        f"# Proposed by `kaizen map` for {_one_line(Path(sample.source.name).name)}. What stands behind # says why; change what is wrong.",
        toml_text.line("description", f"Rows of {_one_line(Path(sample.source.name).name)} as {kinds}."),
        *toml_text.format_lines(_with_marks(sample, known.shapes, made)),
    ]
    for item in made:
        beside = dict(item.beside)
        lines += ["", "[[event]]", toml_text.line("type", item.event.name)]
        if sample.each is not None:
            lines.append(toml_text.line("each", sample.each, "each item of this list is a row"))
        if "when" in beside:
            lines.append(toml_text.line("when", beside.pop("when")))
        lines.append(toml_text.line("id", dict(item.id)))
        lines.append(toml_text.line("occurred_at", dict(item.occurred_at), item.whys.get("occurred_at", "")))
        for name, value in beside.items():
            lines.append(
                toml_text.line(name, dict(value) if isinstance(value, dict) else value, item.whys.get(name, ""))
            )
        lines += ["", "[event.fields]"]
        lines += [toml_text.line(name, value, item.whys.get(name, "")) for name, value in item.fields.items()]
        if (
            any(field.name == "engagements" for field in item.event.fields)
            and "clicks" in item.fields
            and not _ENGAGED & item.fields.keys()
        ):
            line = toml_text.line("engagements", item.fields["clicks"], "if a click is the engagement that counts")
            lines.append(f"# {line}")
    unread = [
        name
        for name in sample.names
        if not any(name in item.columns or name in item.beside.get("when", {}) for item in made)
    ]
    if unread:
        lines += ["", f"# Not read: {', '.join(repr(_one_line(name)) for name in unread)}."]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def _with_marks(sample: FileSample, shapes: Table[str, CellShape], made: Sequence[EventDraft]) -> FileFormat:
    """Return how the file is written, with the marks in its numbers where they follow from some of its cells for all."""
    if sample.source.form not in {"csv", "tsv", "xlsx"}:
        return sample.form
    used = {name: shapes[name] for item in made for name in item.columns if name in shapes}
    numbers = {
        name: shape for name, shape in used.items() if shape.kind == "number" and sample.find_typed(name) is None
    }
    proven = {mark for shape in numbers.values() for mark in shape.marks}
    whole = {field.name for item in made for field in item.event.fields if field.kind == "int"}
    counted = {
        shape.twofold
        for name, shape in numbers.items()
        if shape.twofold and any(item.columns.get(name) in whole for item in made)
    }
    # A count has no decimals: a mark in it stands between thousands.
    proven |= {"." if mark == "," else "," for mark in counted}
    if len(proven | _marks_of_others(sample, shapes)) != 1 or not (counted or "," in proven):
        return sample.form
    (decimal,) = proven
    return msgspec.structs.replace(sample.form, decimal=decimal, thousands="," if decimal == "." else ".")


def _marks_of_others(sample: FileSample, shapes: Table[str, CellShape]) -> set[str]:
    """Return marks that surely stand before decimals in columns that are no numbers by all of their cells."""
    seen: set[str] = set()
    for name, shape in shapes.items():
        if shape.kind == "word":
            cells = sample.table[name].drop_nulls()
            style_of(cells.filter(cells.str.contains(r"^[\d.,]+$")), Style(), seen)
    return seen
