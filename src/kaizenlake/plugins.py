"""What there is besides ours: events, tables, jobs, fields of contexts and sections of reports that plug-ins declare.

Ours are declared in the same classes. Each lake has `Declarations` of its own, made of ours and those of its plug-ins, and they
are handed down with the lake; nothing is entered in a list of the process, so two lakes never mix.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from graphlib import CycleError
from pathlib import Path
from typing import Any

import polars as pl

from kaizenlake import plugin_files, tables
from kaizenlake.errors import PluginError
from kaizenlake.events.catalogue import OURS, Catalogue, Family
from kaizenlake.events.values.fields import Payload
from kaizenlake.job import Job, in_order
from kaizenlake.plugin_files import PluginSource
from kaizenlake.tables import Table
from kaizenlake.tables.outcome import KINDS
from kaizenlake.tables.outcome_kind import NEEDED, OutcomeKind
from kaizenlake.tables.silver import ENVELOPE, silver_table


@dataclass(frozen=True, kw_only=True)
class ContextField:
    """A value that a plug-in adds to every context, as `plugins.<name>`.

    Args:
        name: Name of the field.
        meaning: What it tells, in one sentence.
        reads: Tables it is made of.
        make: Takes the scope (`kind`, `project_id`, `industry`, `client_type`) and one frame for each table read, and gives
            plain JSON; None where there is nothing to tell.
    """

    name: str
    meaning: str
    reads: tuple[type[Table], ...]
    make: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """A section that a plug-in adds to the report: the rows of a table, under headings.

    Args:
        name: Name of the section.
        title: Its heading.
        lead: What it tells, in a sentence.
        table: Table it shows.
        columns: Columns of the table, each with its heading; the first names the row. How values are written follows from the
            declaration of the column, and so does a heading that is empty.
        where: Values that columns must have for a row to be shown.
        sort: Columns by which the rows are sorted; one that begins with `-` from the highest.
        missing: What to say where there is no row.
        events: Event types that would fill it.
    """

    name: str
    title: str
    lead: str
    table: type[Table]
    columns: Mapping[str, str]
    where: Mapping[str, str] = field(default_factory=dict)
    sort: tuple[str, ...] = ()
    missing: str = "Nothing to tell yet."
    events: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Plugin:
    """What a plug-in declares.

    Args:
        name: Its name: small letters, digits and underscores.
        families: Families of events; each has a silver table, `silver_table(family)`, and a job that fills it.
        tables: Gold tables; each carries `tenant_id`.
        jobs: Jobs that write them, one a table.
        outcome_kinds: Kinds of outcome: their win rates stand beside ours.
        context_fields: What it adds to contexts.
        report_sections: What it adds to the report.

    Raises:
        PluginError: It declares what cannot be taken.
    """

    name: str
    families: tuple[Family, ...] = ()
    tables: tuple[type[Table], ...] = ()
    jobs: tuple[Job, ...] = ()
    outcome_kinds: tuple[OutcomeKind, ...] = ()
    context_fields: tuple[ContextField, ...] = ()
    report_sections: tuple[ReportSection, ...] = ()

    def __post_init__(self) -> None:
        if broken := [*_yield_problems(self)]:
            raise PluginError(f"A plug-in declares what cannot be taken: {'; '.join(broken)}.")

    @cached_property
    def all_tables(self) -> tuple[type[Table], ...]:
        """Its tables: a silver one for each family, those that it declares, and one of subjects for each kind of outcome."""
        return (*map(silver_table, self.families), *self.tables, *(kind.subjects for kind in self.outcome_kinds))


@dataclass(frozen=True)
class Taken:
    """A plug-in that counts, where it was found, and the name of its code."""

    plugin: Plugin
    where: str
    digest: str


@dataclass(frozen=True)
class Declarations:
    """Everything that is declared for a lake: ours and its plug-ins'.

    Args:
        plugins: Plug-ins that count.
        refused: Plug-ins that do not: where each was found, and why not.
        off: Why the folder of the lake is not looked into, in words; empty where it is.
    """

    plugins: tuple[Taken, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    off: str = ""

    @cached_property
    def catalogue(self) -> Catalogue:
        """Event types."""
        families = tuple(family for taken in self.plugins for family in taken.plugin.families)
        hint = f"; {self.off}" if self.off else ""
        hint = "; a plug-in is refused, see `kaizen doctor`" if self.refused else hint
        return Catalogue((*OURS.families, *families), hint=hint) if families or hint else OURS

    @cached_property
    def tables(self) -> tuple[type[Table], ...]:
        """Tables, ours first."""
        return (*tables.TABLES, *(table for taken in self.plugins for table in taken.plugin.all_tables))

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs, ours first."""
        from kaizenlake.jobs import JOBS

        ours = (self.without(job, ()) for job in JOBS)
        return (*ours, *(job for taken in self.plugins for job in _list_jobs(taken.plugin)))

    def without(self, job: Job, broken: Collection[type[Table]]) -> Job:
        """Return a job as it is to run tonight: that of outcomes reads all kinds but those whose tables failed.

        Args:
            broken: Tables that could not be computed.
        """
        kinds = [kind for taken in self.plugins for kind in taken.plugin.outcome_kinds]
        if job.writes is not tables.Outcomes or not kinds:
            return job
        from kaizenlake.jobs.outcomes.declared_kinds import outcomes_with

        return outcomes_with(tuple(kind for kind in kinds if kind.subjects not in broken))

    def code_of(self, job: Job) -> str:
        """Name the code of the plug-ins that a job is of, or whose tables it reads; empty for none."""
        owners = [self.owner(table) for table in (job.writes, *job.reads)]
        return ":".join(dict.fromkeys(owner.digest for owner in owners if owner is not None))

    @cached_property
    def _owners(self) -> Mapping[type[Table], Taken]:
        return {table: taken for taken in self.plugins for table in taken.plugin.all_tables}

    def owner(self, table: type[Table]) -> Taken | None:
        """Return the plug-in that a table belongs to; None for one of ours."""
        return self._owners.get(table)

    @cached_property
    def mark(self) -> str:
        """Name of the code of all plug-ins; empty without one."""
        if not self.plugins:
            return ""
        return hashlib.sha256(":".join(taken.digest for taken in self.plugins).encode()).hexdigest()


def declare(home: Path | None) -> Declarations:
    """Return what is declared for a lake: ours, then the plug-ins that are installed, then those in its folder.

    A plug-in that cannot be taken is refused by itself: ours and the others count all the same.

    Args:
        home: Local folder of the lake; None looks at installed plug-ins alone.
    """
    in_lake = plugin_files.PluginFolder() if home is None else plugin_files.in_folder(home / plugin_files.FOLDER)
    return _gather_declarations((*plugin_files.find_installed(), *in_lake.sources), in_lake.off)


@lru_cache(maxsize=32)
def _gather_declarations(sources: tuple[PluginSource, ...], off: str) -> Declarations:
    taken: list[Taken] = []
    refused: list[tuple[str, str]] = []
    for source in sources:
        if why := source.problem or _describe_refusal(source.plugin, taken):
            refused.append((source.where, why))
        else:
            taken.append(Taken(source.plugin, source.where, source.digest))
    return Declarations(tuple(taken), tuple(refused), off)


def _describe_refusal(plugin: Any, others: Collection[Taken]) -> str:
    """Say why a plug-in cannot count beside ours and others; empty where it can."""
    if not isinstance(plugin, Plugin):
        return f"expected a `kaizenlake.plugins.Plugin`, found {type(plugin).__name__}"
    return next(_yield_conflicts(plugin, others), "")


def _yield_conflicts(plugin: Plugin, others: Collection[Taken]) -> Iterator[str]:
    """Give what a plug-in declares that cannot stand beside what there is."""
    there = Declarations(tuple(others))
    if any(other.plugin.name == plugin.name for other in others):
        yield f"another plug-in is called {plugin.name!r}"
    theirs = {name: other.where for other in others for name in _yield_names(other.plugin)} | dict.fromkeys(
        _list_our_names(), "ours"
    )
    names = [*_yield_names(plugin)]
    for what, name in names:
        if (what, name) in theirs:
            yield f"there is already {what} {name!r}, of {theirs[what, name]}"
        elif names.count((what, name)) > 1:
            yield f"it declares {what} {name!r} more than once"
    known = {*there.tables, *plugin.all_tables}
    for job in plugin.jobs:
        for read in job.reads:
            if read not in known:
                yield f"job {job.name!r} reads {tables.full_name(read)}, which nobody declares"
    try:
        in_order((*there.jobs, *_list_jobs(plugin)))
    except CycleError as error:
        yield f"its jobs wait for one another: {' → '.join(map(str, error.args[1]))}"


def _yield_names(plugin: Plugin) -> Iterator[tuple[str, str]]:
    """Give each name that a plug-in declares and nobody else may have."""
    yield from (("an event type", event.name) for family in plugin.families for event in family.types)
    yield from (("a table", tables.name(table)) for table in plugin.all_tables)
    yield from (("a job", job.name) for job in _list_jobs(plugin))
    yield from (("a kind of outcome", kind.name) for kind in plugin.outcome_kinds)
    yield from (("a field of contexts", item.name) for item in plugin.context_fields)


@cache
def _list_our_names() -> frozenset[tuple[str, str]]:
    from kaizenlake.jobs import JOBS

    return frozenset(
        (
            *(("an event type", event.name) for event in OURS.events),
            *(("a table", tables.name(table)) for table in tables.TABLES),
            *(("a job", job.name) for job in JOBS),
            *(("a kind of outcome", kind) for kind in KINDS),
        )
    )


@cache
def _decode_job(family: Family) -> Job:
    from kaizenlake.jobs.silver import decode_job

    return decode_job(family, silver_table(family))


def _list_jobs(plugin: Plugin) -> tuple[Job, ...]:
    """Return the jobs of a plug-in: one that fills the silver table of each family, then those that it declares."""
    from kaizenlake.jobs.outcomes.declared_kinds import subjects_job

    return (*map(_decode_job, plugin.families), *plugin.jobs, *map(subjects_job, plugin.outcome_kinds))


_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_WORDS = re.compile(r"[a-z]{1,40}(_[a-z]{1,40})*")


def _yield_problems(plugin: Plugin) -> Iterator[str]:
    """Give what is wrong with the declarations of a plug-in, each in words."""
    if not _NAME.fullmatch(plugin.name):
        yield f"the name {plugin.name!r} has other characters than small letters, digits and underscores"
    for family in plugin.families:
        found = [*_yield_family_problems(family)]
        if not found and tables.name(silver_table(family)) != family.name:
            found = [f"family {family.name!r}: a part of the name that begins with a digit, or goes on after one"]
        yield from found
        if found:
            return
    for table in plugin.tables:
        yield from _yield_table_problems(table)
    yield from _yield_job_problems(plugin)
    for kind in plugin.outcome_kinds:
        yield from _yield_kind_problems(kind, plugin)
    yield from _yield_shown_problems(plugin)


def _yield_shown_problems(plugin: Plugin) -> Iterator[str]:
    for item in plugin.context_fields:
        if not _NAME.fullmatch(item.name):
            yield f"field of contexts {item.name!r}: no name of small letters, digits and underscores"
    for section in plugin.report_sections:
        columns = [*section.columns, *section.where]
        columns += [column.removeprefix("-") for column in section.sort]
        missing = [column for column in columns if column not in tables.schema(section.table)]
        if missing or not section.columns:
            yield f"section {section.name!r}: {tables.full_name(section.table)} has no column {missing[:1]}"


def _yield_family_problems(family: Family) -> Iterator[str]:
    at = f"family {family.name!r}"
    if not _NAME.fullmatch(family.name):
        yield f"{at}: no name of small letters, digits and underscores"
    if family.is_decision:
        yield f"{at}: decisions are signed by our commands, a plug-in declares none"
    classes: tuple[Any, ...] = family.events
    if strange := [item for item in classes if not (inspect.isclass(item) and issubclass(item, Payload))]:
        yield f"{at}: {strange[0]!r} is no subclass of `Payload`"
        return
    kinds: dict[str, str] = {}
    for event in family.types:
        try:
            fields = event.fields
        except (KeyError, TypeError, ValueError, NameError) as error:
            yield f"{event.name}: a field is of no kind that is taken ({type(error).__name__}: {error})"
            continue
        if "__doc__" not in vars(event.payload) or not event.meaning:
            yield f"{event.name}: its class says in no docstring what the event tells"
        yield from (
            f"{event.name}: `{item.name}` is not described (`says(…)`)" for item in fields if not item.description
        )
        yield from (
            f"{event.name}: `{item.name}` stands beside the payload" for item in fields if item.name in ENVELOPE
        )
        yield from (
            f"{at}: `{item.name}` is {kinds[item.name]} in one type and {item.kind} in another"
            for item in fields
            if kinds.setdefault(item.name, item.kind) != item.kind
        )


def _yield_table_problems(table: type[Table]) -> Iterator[str]:
    at = f"table {tables.name(table)!r}"
    columns = tables.schema(table)
    if tables.layer(table) != "gold" or not _NAME.fullmatch(tables.name(table)):
        yield f"{at}: expected a gold table with a name of small letters, digits and underscores"
    if columns.get("tenant_id") != pl.String or "tenant_id" not in tables.grain(table):
        yield f"{at}: it must carry `tenant_id`, also in its grain, so that no tenant sees the rows of another"
    if absent := [name for name in tables.grain(table) if name not in columns]:
        yield f"{at}: its grain names {absent[0]!r}, which is no column"
    if tables.partition(table) not in (None, "event_date"):
        yield f"{at}: a table is kept by `event_date`, or not by day"


def _yield_kind_problems(kind: OutcomeKind, plugin: Plugin) -> Iterator[str]:
    at = f"kind of outcome {kind.name!r}"
    if not _WORDS.fullmatch(kind.name):
        yield f"{at}: no name of small letters and underscores"
    if kind.table not in plugin.tables:
        yield f"{at}: {kind.table.__name__} is no table of the plug-in"
        return
    needed = NEEDED | dict.fromkeys(kind.dimensions, pl.String())
    columns = tables.schema(kind.table)
    yield from (
        f"{at}: its table needs the column `{name}` of type {dtype}, found {columns.get(name)}"
        for name, dtype in needed.items()
        if columns.get(name) != dtype
    )
    if set(tables.grain(kind.table)) != {"tenant_id", "project_id", "subject_id"}:
        yield f"{at}: its table has one row a subject, with the grain tenant_id, project_id, subject_id"
    if clash := {*kind.dimensions} & {*NEEDED, "kind", "all", "industry", "client_type"}:
        yield f"{at}: {min(clash)!r} cannot be a dimension"
    if not {*kind.strata} <= {*kind.dimensions}:
        yield f"{at}: its strata are no dimensions"
    if not kind.ages or list(kind.ages) != sorted({*kind.ages}) or kind.ages[0] < 1:
        yield f"{at}: its ages are days, at least 1, the youngest first"


def _yield_job_problems(plugin: Plugin) -> Iterator[str]:
    from kaizenlake.settings import Settings

    written = [job.writes for job in plugin.jobs]
    for table in plugin.tables:
        if written.count(table) != 1:
            yield f"table {tables.name(table)!r}: {written.count(table)} jobs write it, expected one"
    for job in plugin.jobs:
        if job.writes not in plugin.tables:
            yield f"job {job.name!r}: it writes {tables.full_name(job.writes)}, which is no table of the plug-in"
        if "as_of" not in inspect.signature(job.function).parameters:
            yield f"job {job.name!r}: it takes no `as_of`"
        if unknown := [name for name in job.settings if name not in Settings.model_fields]:
            yield f"job {job.name!r}: there is no group of settings {unknown[0]!r}"


__all__ = [
    "ContextField",
    "Declarations",
    "Family",
    "OutcomeKind",
    "Payload",
    "Plugin",
    "ReportSection",
    "Taken",
    "declare",
]
