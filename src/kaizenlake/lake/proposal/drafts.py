"""Drafts of events: for each type the columns that feed its fields, and how well they fit together."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from kaizenlake.events.catalogue import Catalogue, EventType, Field
from kaizenlake.events.values.platforms import ALIASES
from kaizenlake.events.values.synonyms import DAYS, ENDED, PARTS, PROJECT, STAGES, TENANT, TIMES, plain_name, unit_in
from kaizenlake.lake.proposal import times
from kaizenlake.lake.proposal.grain import grain_of, identity_of
from kaizenlake.lake.proposal.names import ColumnMatch, is_named, matches
from kaizenlake.lake.proposal.sample import FileSample
from kaizenlake.lake.proposal.shapes import CellShape

ENOUGH = 0.8
"""Least strength at which a type of event is proposed."""


@dataclass(frozen=True)
class EventDraft:
    """An event that rows may stand for.

    Args:
        event: Its type.
        id: What names it.
        occurred_at: When it happened.
        fields: By field, where its value comes from.
        whys: By field, why.
        columns: By column, the field that it feeds.
        strength: How well the columns fit.
        beside: Further keys of the section, such as `when`.
        doubts: What is not sure about it.
    """

    event: EventType
    id: Mapping[str, Any]
    occurred_at: Mapping[str, Any]
    fields: Mapping[str, Any]
    whys: Mapping[str, str]
    columns: Mapping[str, str]
    strength: float
    beside: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    def without(self, name: str, why: str) -> EventDraft:
        """Return the draft without a field, and why it is left out."""
        fields = {key: value for key, value in self.fields.items() if key != name}
        columns = {column: told for column, told in self.columns.items() if told != name}
        return replace(self, fields=fields, columns=columns, doubts=(*self.doubts, why))


@dataclass(frozen=True)
class KnownTable:
    """What is known of a table when drafts are made.

    Args:
        sample: Its first rows.
        shapes: What the cells of each column look like.
        zone: Zone of times that say none; None where nobody said it.
        name: Name of the file.
    """

    sample: FileSample
    shapes: Mapping[str, CellShape]
    zone: str | None
    name: str


def drafts(known: KnownTable, catalogue: Catalogue) -> list[EventDraft]:
    """Return the events that rows may stand for, the best first; more than one where a row of a CRM tells how a lead ended."""
    found = [draft for event in catalogue.logged if (draft := _draft(event, known, catalogue)) is not None]
    return sorted(found, key=lambda draft: -draft.strength)


def _weight(field: Field, catalogue: Catalogue) -> float:
    """Return how much a field tells of the type: the fewer types have it, the more."""
    types = sum(any(other.name == field.name for other in event.fields) for event in catalogue.logged)
    return (0.3 if field.name.endswith("_id") else 1.0) / math.sqrt(max(types, 1))


def _draft(event: EventType, known: KnownTable, catalogue: Catalogue, least: float = ENOUGH) -> EventDraft | None:
    declared = {item.name: item for item in event.fields}
    told = times.time_of(event.name, known.shapes, name=known.name, zone=known.zone)
    published = None
    if event.is_record and told.column:
        published = times.published_at(known.shapes, zone=known.zone, taken=told.column)
    spoken_for = {told.column, "" if published is None else published.column}
    candidates = [match for match in matches(event, known.shapes) if match.column not in spoken_for]
    made = _FieldsSoFar(event, known, declared)
    subject = next((name for name in event.required_fields if name.endswith("_id")), None)
    # What names the subject is not taken for another name of something.
    own = {match.column for match in candidates if match.field == subject and match.score >= _SURE}
    others = [match for match in candidates if match.field != subject]
    chosen = _assign([match for match in others if not (match.field.endswith("_id") and match.column in own)])
    if not any(declared[name].unit or declared[name].kind in {"int", "float"} for name in chosen) and not told.score:
        return None
    for match in chosen.values():
        made.take(match, known.shapes[match.column])
    strength = sum(match.score * _weight(declared[match.field], catalogue) for match in chosen.values())
    strength += 0.3 * made.gates(chosen) + (0.5 if event.name in TIMES or event.is_record else 0.1) * told.score
    free = {column: shape for column, shape in known.shapes.items() if column not in spoken_for}
    named = [match for match in candidates if match.field == subject]
    if event.is_record:
        strength += 0.4 * made.record(named, free, told.column)
    elif subject is not None:
        strength += 0.4 * made.subject_of(subject, named, told.column)
    else:
        made.id = {"row": True}
    if not made.fill_required(subject) or strength < least:
        return None
    made.envelope(free)
    made.time(told, published)
    fields = {name: made.fields[name] for name in declared if name in made.fields}
    doubts = tuple(dict.fromkeys(made.doubts))
    return EventDraft(event, made.id, made.moment, fields, made.whys, made.columns, strength, made.beside, doubts)


_SURE = 0.9
"""Likeness of names at which a column surely names the subject."""


def _assign(candidates: Sequence[ColumnMatch]) -> dict[str, ColumnMatch]:
    """Return for each field the likeliest column, each column for one field."""
    chosen: dict[str, ColumnMatch] = {}
    used: set[str] = set()
    for match in candidates:
        if match.field not in chosen and match.column not in used:
            chosen[match.field] = match
            used.add(match.column)
    return chosen


class _FieldsSoFar:
    """Fields of an event that are made one after the other."""

    def __init__(self, event: EventType, known: KnownTable, declared: Mapping[str, Field]) -> None:
        self.event = event
        self.known = known
        self.declared = declared
        self.fields: dict[str, Any] = {}
        self.whys: dict[str, str] = {}
        self.columns: dict[str, str] = {}
        self.beside: dict[str, Any] = {}
        self.id: Mapping[str, Any] = {}
        self.moment: Mapping[str, Any] = {}
        self.doubts: list[str] = []

    def record(self, named: Sequence[ColumnMatch], free: Mapping[str, CellShape], time: str) -> bool:
        """Take what a record of figures is about; False where no column names it."""
        parts = [column for column in free if is_named(column, PARTS) and column not in self.columns]
        # The platform's own id names the content, and so does a name for people, such as that of an ad, where nothing else does.
        names = {name for name, field in self.declared.items() if field.kind == "str" and not name.endswith("_id")}
        own = [column for column, field in self.columns.items() if field == "external_id"]
        open_to = own + [
            match.column for match in named if self.columns.get(match.column, "text") in names - {"platform"}
        ]
        found = grain_of(self.known.sample, self.known.shapes, open_to, time, parts, self.columns.get)
        if (
            self.event.name == "AD_RECORDED"
            and is_named(time, DAYS)
            and found.figures == "total so far"
            and not found.doubts
        ):
            # A report of ads that is split by day tells each day alone.
            found = replace(found, figures="of the day")
        self._name("content_id", found.content)
        self._views()
        self.id = found.identity
        self.beside["figures"] = found.figures
        if found.parts:
            self.beside["breakdown"] = list(found.parts)
            self.columns |= dict.fromkeys(found.parts, "breakdown")
        self.doubts += found.doubts
        return bool(found.content)

    def _views(self) -> None:
        """Let views stand for the times it was shown, where nothing else tells these."""
        if "impressions" in self.declared and "views" in self.fields and "impressions" not in self.fields:
            self.fields["impressions"] = self.fields["views"]
            self.whys["impressions"] = "views stand for the times it was shown"

    def subject_of(self, subject: str, named: Sequence[ColumnMatch], time: str) -> float:
        """Take what an event is about; the return is how surely a column names it."""
        self._name(subject, [named[0].column] if named else identity_of(self.known.sample, self.known.shapes))
        self.id = self._identity(subject, time)
        return named[0].score if named else 0.0

    def time(self, told: times.TimeSource, published: times.TimeSource | None) -> None:
        """Take what tells when it happened."""
        self.moment = told.moment if published is None else published.moment
        self.whys["occurred_at"] = told.why if published is None else published.why
        if published is not None:
            self.beside["measured_at"] = told.moment
            self.whys["measured_at"] = told.why
            self.columns[published.column] = "occurred_at"
        if told.column:
            self.columns[told.column] = "occurred_at" if published is None else "measured_at"
        self.doubts += (*told.doubts, *(() if published is None else published.doubts))

    def take(self, match: ColumnMatch, shape: CellShape) -> None:
        """Take a column for a field, with the conversion that its cells need."""
        value, why = convert(match.column, self.declared[match.field], shape, self.known)
        self.fields[match.field] = value
        self.whys[match.field] = f"{match.why}{why}" if match.score < 0.9 or why else ""
        self.columns[match.column] = match.field
        if match.score < 0.65:
            self.doubts.append(f"{match.column!r} is taken for {match.field}, as {match.why}.")

    def gates(self, chosen: Mapping[str, ColumnMatch]) -> bool:
        """Take columns of two answers for gates that a run passed or not; False where there are none."""
        if "gates_passed" not in self.declared or "gates_total" not in self.declared:
            return False
        shapes = self.known.shapes
        answers = [
            column
            for column, shape in shapes.items()
            if shape.passed
            and shape.distinct <= 4
            and re.search(r"(?i)pass|success|correct|resolved|reward|valid", column)
            and self.columns.get(column) in {None, "gates_passed", "outcome"}
        ]
        if not answers:
            return False
        if len(answers) > 1:
            # What sums the others up is none of them.
            answers = [column for column in answers if plain_name(column) not in {"success", "passed"}] or answers
        yes = sorted({word for column in answers for word in shapes[column].passed})
        self.fields["gates_passed"] = {"count": answers, "is": yes}
        self.fields["gates_total"] = {"constant": len(answers)}
        self.whys["gates_passed"] = f"each of these says whether a run passed; {', '.join(map(repr, yes))} says yes"
        self.columns.update(dict.fromkeys(answers, "gates_passed"))
        if "outcome" in chosen and chosen["outcome"].column in answers:
            del self.fields["outcome"]
        return True

    def _name(self, name: str, columns: Sequence[str]) -> None:
        """Take columns that name what the event is about; the row's number where there is none."""
        if len(columns) == 1:
            self.fields[name] = columns[0]
        elif columns:
            self.fields[name] = {"columns": list(columns), "join": "/"}
            self.whys[name] = "together they tell all rows apart"
        else:
            self.fields[name] = {"row": f"{name.removesuffix('_id')}-"}
            self.whys[name] = "no column names it"
            self.doubts.append(f"No column names {name}: the number of the row stands for it.")
        self.columns |= {column: name for column in columns if column not in self.columns}

    def _identity(self, subject: str, time: str) -> dict[str, Any]:
        """Return what names the event: its subject, and its time where the subject comes more than once."""
        value = self.fields[subject]
        columns = [value] if isinstance(value, str) else list(value.get("columns", ()))
        table = self.known.sample.table
        if columns and time and table.select(columns).is_duplicated().any():
            columns.append(time)
        if not columns or self.known.sample.each is not None or table.select(columns).is_duplicated().any():
            return {"row": True}
        return {"columns": columns}

    def fill_required(self, subject: str | None) -> bool:
        """Give required fields that no column feeds a constant; False where one cannot have any."""
        for name in self.event.required_fields:
            if name in self.fields or name == subject:
                continue
            if name == "platform":
                self._constant(name, *_platform(self.known))
            elif name == "doer":
                stem = (
                    re.sub(r"[^A-Za-z0-9]+", "_", PurePath(self.known.name).name.split(".")[0]).strip("_").lower()
                    or "agent"
                )
                self._constant(name, stem, "no column names the agent: the file's name stands for it", is_sure=False)
            else:
                return False
        return True

    def _constant(self, name: str, word: str, why: str, *, is_sure: bool = True) -> None:
        self.fields[name] = {"constant": word}
        self.whys[name] = why
        if not is_sure or word == "unknown":
            self.doubts.append(f"No column tells {name}: {word!r} is written. Write the right one.")

    def envelope(self, free: Mapping[str, CellShape]) -> None:
        """Take columns that name the project and the tenant."""
        for key, known in (("project_id", PROJECT), ("tenant_id", TENANT)):
            found = [
                (score, column)
                for column, shape in free.items()
                if self.columns.get(column) is None
                and shape.kind in {"word", "number"}
                and (score := is_named(column, known)) > 0.85
            ]
            if found:
                column = max(found)[1]
                self.beside[key] = column
                self.columns[column] = key


def convert(column: str, declared: Field, shape: CellShape, known: KnownTable) -> tuple[Any, str]:
    """Return where the value of a field comes from, converted to its unit, and what is to be said of that."""
    unit = unit_in(column)
    if declared.unit == "rate" and not shape.is_percent and shape.highest > 1:
        return {
            "column": column,
            **({"divide_by": 100} if known.sample.rows.is_workbook else {"percent": True}),
        }, "; its numbers go beyond 1, so they are percents"
    if declared.unit == "seconds" and not shape.is_length:
        if unit in {"ms", "millis", "milliseconds", "msec"}:
            return {"column": column, "divide_by": 1000}, "; milliseconds"
        if unit in {"min", "mins", "minutes"}:
            return {"column": column, "multiply_by": 60}, "; minutes"
        if unit in {"h", "hours", "hrs"}:
            return {"column": column, "multiply_by": 3600}, "; hours"
    if declared.kind == "datetime":
        said = times.moment_of(column, shape, known.zone)
        return (said if len(said) > 1 else column), ""
    return column, ""


def _platform(known: KnownTable) -> tuple[str, str]:
    """Return the platform of a table whose columns do not name it, and why it is that."""
    words: dict[str, str] = {}
    for name, shape in known.shapes.items():
        if shape.kind == "link" and (host := re.match(r"(?:https?://)?(?:www\.|m\.)?([^/]+)", shape.example)):
            words[host[1].lower()] = f"links in {name!r} lead there"
    parts = re.split(r"[^a-z0-9]+", PurePath(known.name).name.lower())
    words |= {word: "the file's name says so" for word in parts if len(word) > 2}
    words |= {" ".join(pair): "the file's name says so" for pair in itertools.pairwise(parts)}
    for name in known.shapes:
        words |= {word: f"the column {name!r} names it" for word in plain_name(name).split() if len(word) > 2}
    text = " ".join(known.sample.before).lower()
    for platform, aliases in ALIASES.items():
        for alias in (platform, *aliases):
            if alias in words:
                return platform, words[alias]
            if len(alias) > 3 and re.search(rf"\b{re.escape(alias)}\b", text):
                return platform, "the lines before the header name it"
    return "unknown", "nothing in the file tells which platform it is of"


def complete(draft: EventDraft, known: KnownTable, catalogue: Catalogue) -> list[EventDraft]:
    """Return the draft that fits best with those that go with it: how leads ended, and what ads and e-mails achieved as posts.

    Args:
        draft: The draft that fits best.
        known: What is known of the table.
        catalogue: Event types that there are.
    """
    post = catalogue.by_name("PERFORMANCE_RECORDED")
    if draft.event.is_record and post is not None and draft.event is not post and "clicks" in draft.fields:
        beside = _draft(post, known, catalogue, least=0.0)
        if beside is None or not {"impressions", "views"} & beside.fields.keys():
            return [draft]
        same = {name: draft.fields[name] for name in ("content_id", "platform") if name in draft.fields}
        paid = (
            {"is_paid": {"constant": True}}
            if draft.event.name == "AD_RECORDED" and "is_paid" not in beside.fields
            else {}
        )
        grain = {key: value for key, value in beside.beside.items() if key not in {"figures", "breakdown"}}
        grain |= {key: draft.beside[key] for key in ("figures", "breakdown") if key in draft.beside}
        fields = {**beside.fields, **same, **paid}
        return [draft, replace(beside, id=draft.id, fields=fields, beside=grain, doubts=())]
    return _ends(draft, known, catalogue)


def _ends(draft: EventDraft, known: KnownTable, catalogue: Catalogue) -> list[EventDraft]:
    """Return the drafts of a table of leads: one is a lead from the day it was made, and where its stage says so, won or lost."""
    stages = [
        column for column, shape in known.shapes.items() if is_named(column, STAGES) and shape.kind in {"word", "flag"}
    ]
    if draft.event.family.name != "acquisition" or not stages:
        return [draft]
    stage = max(stages, key=lambda column: is_named(column, STAGES))
    cells = [word for word in known.sample.table[stage].unique() if word is not None]
    found: list[EventDraft] = []
    made = catalogue.by_name("LEAD_CREATED")
    if made is not None and (lead := _draft_of(made, known, catalogue, stage)) is not None:
        found.append(lead)
    for kind, known_words in ENDED.items():
        words = [cell for cell in cells if plain_name(cell) in known_words]
        event = catalogue.by_name(kind)
        if words and event is not None and (ended := _draft_of(event, known, catalogue, stage)) is not None:
            found.append(replace(ended, beside={**ended.beside, "when": {stage: words}}))
    return found if len(found) > 1 else [draft]


def _draft_of(event: EventType, known: KnownTable, catalogue: Catalogue, stage: str) -> EventDraft | None:
    shapes = {column: shape for column, shape in known.shapes.items() if column != stage}
    return _draft(event, replace(known, shapes=shapes), catalogue, least=0.0)
