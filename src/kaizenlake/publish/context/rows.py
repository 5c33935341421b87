"""The rows that contexts are made of, read once and kept by scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from kaizenlake import tables
from kaizenlake.jobs._brand_owners import own_projects
from kaizenlake.jobs.activity.scopes import by_segment
from kaizenlake.jobs.alerts._content_findings import best_content_id, brief_clarity_id, pattern_id, win_rate_id
from kaizenlake.publish.context.judgement import Uses, ValueFinding, best_evidence, of_pattern, of_pooled, of_win_rate
from kaizenlake.publish.context.model import EVERYTHING, WINNERS, Scope, project, segment
from kaizenlake.publish.context.reasons import describe_learned
from kaizenlake.publish.context.scopes import SEGMENT
from kaizenlake.publish.context.sources import ATTRIBUTES, CREATIVE, RATES
from kaizenlake.settings import Settings
from kaizenlake.tables import (
    AvoidedPhrases,
    BrandNotes,
    Brands,
    Contents,
    CreativeLabels,
    Findings,
    IntakeSegments,
    LearnedValue,
    Patterns,
    PlatformHabits,
    PooledPatterns,
    Projects,
    Scan,
    ScopedPatterns,
    ScopedWinRates,
    Table,
    WinRates,
)
from kaizenlake.tables.base.needs import NEEDS

Row = Mapping[str, Any]


class Learned(NamedTuple):
    """What the text model of a scope is worth: its figures, None of one that is not used; and in a sentence."""

    figures: dict[str, float] | None
    words: str


@dataclass(frozen=True)
class Data:
    """Rows of the tables by scope, read once."""

    findings: Mapping[Scope, Mapping[tuple[str, str], ValueFinding]]
    rates: Mapping[Scope, Mapping[tuple[str, str], Row]]
    pending: Mapping[Scope, Mapping[tuple[str, str], Row]]
    winners: Mapping[Scope, list[Row]]
    losers: Mapping[Scope, list[Row]]
    phrases: Phrases
    clarity: list[Row]
    uses: Mapping[Scope, Uses]
    pooled: list[ValueFinding]
    learned: Mapping[Scope, Learned]
    habits: Mapping[Scope, list[Row]]
    """By scope, tones and hours of platforms that are told: those that work, the strongest first, then counts of the others."""
    brands: Mapping[Scope, Row]
    """By scope of a project, its brand with the newest `notes`."""
    missing: Mapping[str, str]
    """By field of a context, what sources do not tell and it needs."""

    @classmethod
    def read(cls, scan: Scan, settings: Settings, only: Scope | None) -> Data:
        """Read all of it at one go; `only` reads what one scope needs."""
        findings = scan(Findings)
        lazy = {
            Patterns: _add_sentence(best_evidence(scan(Patterns)), findings, pattern_id()),
            WinRates: _add_sentence(scan(WinRates).filter(_NEEDED), findings, win_rate_id()),
            ScopedPatterns: best_evidence(scan(ScopedPatterns).filter(_is_wanted(only)), ("tenant_id", *_SCOPE)),
            ScopedWinRates: scan(ScopedWinRates).filter(_is_wanted(only), _NEEDED),
            CreativeLabels: _add_sentence(_list_labelled(scan, only), findings, best_content_id()),
            AvoidedPhrases: scan(AvoidedPhrases),
            Projects: by_segment(
                scan(Projects).filter(pl.col("project_id").is_not_null()).select("project_id", *SEGMENT)
            ),
            IntakeSegments: _add_sentence(scan(IntakeSegments).sort(SEGMENT), findings, brief_clarity_id()),
            Contents: _list_used(scan, only),
            LearnedValue: scan(LearnedValue),
            PlatformHabits: _list_habits(scan, only),
            Brands: own_projects(scan(Brands)).join(
                scan(Brands).select("tenant_id", "name", owner="brand_id"), on=["tenant_id", "owner"], nulls_equal=True
            ),
            BrandNotes: scan(BrandNotes)
            .sort("noted_at", "note", descending=[True, False])
            .group_by("brand_id")
            .head(WINNERS),
            PooledPatterns: scan(PooledPatterns).sort("pattern_type"),
            Findings: findings.filter(pl.col("kind") == "missing_data").sort(
                "strength", "finding_id", descending=[True, False]
            ),
        }
        frames = dict(zip(lazy, pl.collect_all(lazy.values()), strict=True))
        pending = {table: frame.filter(~_RATE_IS_KNOWN) for table, frame in frames.items() if table in _WITH_RATES}
        frames |= {table: frame.filter(_RATE_IS_KNOWN) for table, frame in frames.items() if table in _WITH_RATES}
        labelled, entries = frames[CreativeLabels], settings.publishing.entries
        return cls(
            findings=_gather_findings(frames, settings),
            rates=_gather_rates(frames),
            pending=_gather_rates(pending),
            winners=_list_marked(labelled.filter(label="winner"), entries, only),
            losers=_list_marked(labelled.filter(label="loser", source="manual"), entries, only),
            phrases=Phrases.of_rows(frames[AvoidedPhrases], frames[Projects]),
            uses=_uses(frames[Contents]),
            clarity=list(frames[IntakeSegments].iter_rows(named=True)),
            pooled=[of_pooled(row) for row in frames[PooledPatterns].iter_rows(named=True)]
            if settings.tenants.sharing == "pooled"
            else [],
            learned=_gather_learned(frames[LearnedValue]),
            habits=_gather_habits(frames[PlatformHabits]),
            brands=_gather_brands(frames[Brands], frames[BrandNotes]),
            missing=_missing(frames[Findings]),
        )

    def of(self, scope: Scope) -> tuple[Any, ...]:
        """Return all that is known of a scope by itself, in an order that is always the same; `repr` tells any two apart.

        What it borrows is that of everything.
        """
        uses = self.uses.get(scope, Uses())
        return (
            *(sorted(held.get(scope, {}).items(), key=_by_key) for held in (self.findings, self.rates, self.pending)),
            self.winners.get(scope, []),
            self.losers.get(scope, []),
            self.phrases.of(scope),
            self.learned.get(scope),
            self.brands.get(scope),
            self.habits.get(scope, []),
            sorted(uses.platforms),
            sorted(uses.content_types),
            *((self.clarity, self.pooled, sorted(self.missing.items())) if scope == EVERYTHING else ()),
        )


_LEARNED = (
    *("judged_experiments", "pair_accuracy", "pair_accuracy_error", "significant_accuracy"),
    *("click_gain", "click_gain_error", "slope", "kept_sign_rate"),
)
"""What a context tells of what was learned, by the lake's own experiments."""


def _gather_learned(models: pl.DataFrame) -> dict[Scope, Learned]:
    """Return what the text model of each project, and that of all, is worth on experiments that it did not see."""
    found: dict[Scope, Learned] = {}
    for row in models.iter_rows(named=True):
        figures = {name: round(float(row[name]), 4) for name in _LEARNED if row[name] is not None}
        scope = project(row["model"]) if row["model"] else EVERYTHING
        found[scope] = Learned(figures if row["status"] == "usable" else None, describe_learned(row))
    return found


def _list_habits(scan: Scan, only: Scope | None) -> pl.LazyFrame:
    """Return habits of platforms that work, and of those that do not one row for each kind and scope with their number."""
    habits = scan(PlatformHabits).filter(_is_wanted(only))
    works = habits.filter(verdict="works").select(*_SCOPE, "platform", "habit", "value", "lift", considered=1)
    others = (
        habits.filter(pl.col("verdict") != "works")
        .group_by(*_SCOPE, "habit")
        .agg(considered=pl.len().cast(pl.Int32))
        .with_columns(
            lift=pl.lit(None, pl.Float64), **{name: pl.lit(None, pl.String) for name in ("platform", "value")}
        )
    )
    return pl.concat([works, others.select(works.collect_schema().names())]).sort(
        "lift", "habit", "platform", "value", descending=[True, False, False, False], nulls_last=True
    )


def _gather_habits(habits: pl.DataFrame) -> dict[Scope, list[Row]]:
    found: dict[Scope, list[Row]] = defaultdict(list)
    for row in habits.iter_rows(named=True):
        found[_scope_of(row)].append(row)
    return found


def _gather_brands(brands: pl.DataFrame, notes: pl.DataFrame) -> dict[Scope, Row]:
    """Return the brand of each project with its newest notes; none where several brands name the project."""
    by_brand = {name: rows.to_dicts() for (name,), rows in notes.group_by("brand_id", maintain_order=True)}
    return {
        project(row["project_id"]): {
            "brand_id": row["owner"],
            "name": row["name"],
            "notes": by_brand.get(row["owner"], []),
        }
        for row in brands.sort("project_id").iter_rows(named=True)
    }


def _missing(findings: pl.DataFrame) -> dict[str, str]:
    """Return for each field of a context what is missing most; without counts, which change every night."""
    needs = {need.name: need for need in NEEDS}
    found: dict[str, str] = {}
    for name, subject in findings.select("finding_id", "subject").iter_rows():
        need = needs.get(name.split("/")[1])
        if need is not None:
            for field in need.context:
                found.setdefault(field, need.in_short(None if need.events else subject))
    return found


Frames = Mapping[type[Table], pl.DataFrame]


def _by_key(item: tuple[tuple[str, str], Any]) -> tuple[str, str]:
    return item[0]


_SCOPE = ("scope", "project_id", "industry", "client_type")
_NAMED = (
    ("project", ("project_id",)),
    ("segment", SEGMENT),
    *(("segment", (name,)) for name in SEGMENT),
)
"""Kinds of scope, and the columns that name one; a segment is named by both or by one of them."""


_JUDGED = {(CREATIVE, attribute) for attribute in ATTRIBUTES}
_RATED = {(rule.kind, rule.dimension) for rule in RATES}
_NEEDED = pl.any_horizontal(
    (pl.col("kind") == kind) & (pl.col("dimension") == dimension) for kind, dimension in sorted(_JUDGED | _RATED)
)
"""Win rates that enter a context."""

_WITH_RATES = (WinRates, ScopedWinRates)
_RATE_IS_KNOWN = pl.col("shrunk_rate").is_not_null()
"""What is pending has no rate, and holds nothing back."""


def _add_sentence(rows: pl.LazyFrame, findings: pl.LazyFrame, name: pl.Expr) -> pl.LazyFrame:
    """Return rows in their order with the sentence of their finding; null where they are none.

    Args:
        rows: Rows of a table.
        findings: What the tables say.
        name: Name of the finding on a row.
    """
    key = ["tenant_id", "finding_id"]
    named = rows.with_columns(finding_id=name)
    return named.join(sentences(findings), on=key, how="left", nulls_equal=True, maintain_order="left").drop(
        "finding_id"
    )


def sentences(findings: pl.LazyFrame) -> pl.LazyFrame:
    """Return all that contexts read of findings: the sentences of the kinds that they tell, by their names."""
    return findings.filter(pl.col("kind").is_in(_TOLD) | pl.col("kind").str.ends_with("_win_rate")).select(
        "tenant_id", "finding_id", "sentence"
    )


_TOLD = ("tested_pattern", "observed_pattern", "best_content", "brief_clarity")
"""Kinds of findings that contexts tell, beside the win rates of each kind of outcome."""


def _scope_of(row: Row) -> Scope:
    return Scope(
        kind=row["scope"], project_id=row["project_id"], industry=row["industry"], client_type=row["client_type"]
    )


def _is_wanted(only: Scope | None) -> pl.Expr:
    """Return rows of a scoped table that belong to the scope, or to any."""
    if only is None:
        return pl.lit(True)
    return pl.all_horizontal(
        pl.col("scope") == only.kind, *(pl.col(name).eq_missing(pl.lit(getattr(only, name))) for name in _SCOPE[1:])
    )


def _of(which: Collection[tuple[str, str]], rates: pl.DataFrame) -> Iterator[Row]:
    """Return the win rates of some kinds and dimensions."""
    return (row for row in rates.iter_rows(named=True) if (row["kind"], row["dimension"]) in which)


def _gather_findings(frames: Frames, settings: Settings) -> dict[Scope, dict[tuple[str, str], ValueFinding]]:
    found: dict[Scope, dict[tuple[str, str], ValueFinding]] = defaultdict(dict)

    # Patterns come first, and what comes first stays: the win rate of creatives counts only where contents were not looked
    # at. Where they were and could not be compared within a project and platform, comparing across them misleads; and where
    # experiments contrast an attribute, they alone say of its values.
    contrasted = set[tuple[Scope, str]]()

    def keep(scope: Scope, finding: ValueFinding) -> None:
        if finding.basis == "experiment":
            contrasted.add((scope, finding.pattern_type))
        elif finding.basis == "outcomes" and (scope, finding.pattern_type) in contrasted:
            return
        found[scope].setdefault((finding.pattern_type, finding.value), finding)

    for row in frames[Patterns].iter_rows(named=True):
        keep(EVERYTHING, of_pattern(row, tables.full_name(Patterns)))
    for rate in _of(_JUDGED, frames[WinRates]):
        keep(EVERYTHING, of_win_rate(rate, tables.full_name(WinRates), settings.evidence))
    for row in frames[ScopedPatterns].iter_rows(named=True):
        keep(_scope_of(row), of_pattern(row, tables.full_name(ScopedPatterns)))
    for rate in _of(_JUDGED, frames[ScopedWinRates]):
        keep(_scope_of(rate), of_win_rate(rate, tables.full_name(ScopedWinRates), settings.evidence))
    return found


def _list_used(scan: Scan, only: Scope | None) -> pl.LazyFrame:
    """Return platforms and kinds of content that each project and segment uses."""
    places = ("project_id", *SEGMENT, "platform", "content_type")
    names = {"project": ("project_id",), "segment": SEGMENT}
    wanted = names.get(only.kind, ()) if only is not None else ()
    of_scope = (pl.col(name) == value for name in wanted if (value := getattr(only, name)) is not None)
    return scan(Contents).filter(pl.lit(True), *of_scope).select(places).unique()


def _uses(places: pl.DataFrame) -> dict[Scope, Uses]:
    """Return what each scope uses, out of rows of projects, segments, platforms and kinds of content."""
    uses: dict[Scope, Uses] = {}
    for kind, names in _NAMED:
        named = places.drop_nulls(names).group_by(names).agg(pl.col("platform", "content_type").drop_nulls().unique())
        for *values, platforms, content_types in named.iter_rows():
            scope = dict.fromkeys(_SCOPE[1:]) | dict(zip(names, values, strict=True)) | {"scope": kind}
            uses[_scope_of(scope)] = Uses(platforms=frozenset(platforms), content_types=frozenset(content_types))
    return uses


def _gather_rates(frames: Frames) -> dict[Scope, dict[tuple[str, str], Row]]:
    found: dict[Scope, dict[tuple[str, str], Row]] = defaultdict(dict)
    for row in _of(_RATED, frames[WinRates]):
        found[EVERYTHING][row["dimension"], row["value"]] = row
    for row in _of(_RATED, frames[ScopedWinRates]):
        found[_scope_of(row)][row["dimension"], row["value"]] = row
    return found


def _list_labelled(scan: Scan, only: Scope | None) -> pl.LazyFrame:
    """Return winners, and the losers a person marked: a person's marks first, then by shrunk rate."""
    key = ("tenant_id", "project_id", "content_id", "platform")
    labels = scan(CreativeLabels).filter((pl.col("label") == "winner") | (pl.col("source") == "manual"))
    contents = scan(Contents).select(*key, "hook_type", "tone", "pillar", *SEGMENT, "trials", "performed_on")
    if only is not None and only.kind == "project":
        mine = pl.col("project_id") == only.project_id
        labels, contents = labels.filter(mine), contents.filter(mine)
    elif only is not None and only.kind == "segment":
        named = {name: value for name in SEGMENT if (value := getattr(only, name)) is not None}
        contents = contents.filter(**named)
    return (
        labels.join(contents, on=key, how="left", nulls_equal=True)
        .with_columns(pl.col("engagement_rate", "shrunk_rate").round_sig_figs(6), beat="beaten_text")
        .sort(
            pl.col("source") == "manual",
            "shrunk_rate",
            "engagement_rate",
            *key,
            descending=[*[True] * 3, *[False] * len(key)],
            nulls_last=True,
        )
    )


def one_of_each(marked: pl.DataFrame, within: tuple[str, ...] = ()) -> pl.DataFrame:
    """Keep the first winner of each experiment, and of these the first of each wording; losers stay.

    Args:
        marked: Labelled contents, the best first.
        within: Columns that name a scope; each scope has its own rows.
    """
    experiment = pl.struct(*within, "tenant_id", of="project_id", experiment="experiment_id").is_first_distinct()
    words = pl.col("text").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    wording = pl.struct(*within, "tenant_id", words=words).is_first_distinct()
    stays = pl.col("label") != "winner"
    # An arm that beat the same words alone won by something else: its text is no winner.
    is_wording = pl.col("experiment_id").is_null() | pl.col("text").is_null() | pl.col("beaten_text").is_not_null()
    told = marked.filter(stays | is_wording | (pl.col("source") == "manual"))
    return told.filter(stays | pl.col("experiment_id").is_null() | experiment).filter(
        stays | pl.col("text").is_null() | wording
    )


def _list_marked(marked: pl.DataFrame, entries: int, only: Scope | None) -> dict[Scope, list[Row]]:
    """Return the marked contents of every scope, in their order; at most `entries` of each."""
    found: dict[Scope, list[Row]] = {}
    if only in {None, EVERYTHING}:
        found[EVERYTHING] = list(one_of_each(marked).head(entries).iter_rows(named=True))
    for kind, names in _NAMED:
        if only is not None and (
            only.kind != kind or names != tuple(name for name in _SCOPE[1:] if getattr(only, name))
        ):
            continue
        of_scope = True if only is None else pl.all_horizontal(pl.col(name) == getattr(only, name) for name in names)
        of_scopes = one_of_each(marked.filter(of_scope, pl.all_horizontal(pl.col(names).is_not_null())), names)
        firsts = of_scopes.filter(pl.int_range(pl.len()).over(names) < entries)
        for values, rows in firsts.partition_by(names, as_dict=True, maintain_order=True).items():
            scope = dict.fromkeys(_SCOPE[1:]) | dict(zip(names, values, strict=True))
            found[_scope_of({"scope": kind, **scope})] = list(rows.iter_rows(named=True))
    return found


@dataclass(frozen=True)
class Phrases:
    """Phrases to avoid, by the project of their marks; those of no project hold for all."""

    by_project: Mapping[str | None, list[Row]]
    members: Mapping[Scope, list[str]]

    @classmethod
    def of_rows(cls, phrases: pl.DataFrame, projects: pl.DataFrame) -> Phrases:
        """Return all of them, and the projects with a segment, whose phrases are those of the segment too."""
        by_project: dict[str | None, list[Row]] = defaultdict(list)
        for row in phrases.iter_rows(named=True):
            by_project[row["project_id"]].append(row)
        members: dict[Scope, list[str]] = defaultdict(list)
        for project_id, industry, client_type in projects.iter_rows():
            if project_id in by_project:
                members[segment(industry, client_type)].append(project_id)
        return cls(by_project, members)

    def of(self, scope: Scope) -> list[Row]:
        """Return phrases of a scope, the most marked first, then the latest."""
        if scope == EVERYTHING:
            rows = [row for group in self.by_project.values() for row in group]
        else:
            named = [scope.project_id] if scope.kind == "project" else self.members.get(scope, [])
            rows = [row for name in (None, *named) for row in self.by_project.get(name, [])]
        merged: dict[str, dict[str, Any]] = {}
        for row in rows:
            known = merged.setdefault(row["phrase"], {**row, "marks": 0, "contents": 0})
            known["marks"] += row["marks"]
            known["contents"] += row["contents"]
            if (row["last_marked_at"], row["last_reason"]) > (known["last_marked_at"], known["last_reason"]):
                known |= {"last_marked_at": row["last_marked_at"], "last_reason": row["last_reason"]}
        by_name = sorted(merged.values(), key=lambda row: row["phrase"])
        return sorted(by_name, key=lambda row: (row["marks"], row["last_marked_at"]), reverse=True)
