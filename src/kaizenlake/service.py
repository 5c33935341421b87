"""The figures of a lake for notebooks and services, in the words of the team."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from kaizenlake.errors import UsageError
from kaizenlake.jobs.activity.scopes import by_segment
from kaizenlake.lake.store import Lake, default_lake
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.publish import guard
from kaizenlake.publish.context.build import Documents, Edition, build
from kaizenlake.publish.context.explain import explain
from kaizenlake.publish.context.judgement import best_evidence, round_figure
from kaizenlake.publish.context.model import EVERYTHING, KaizenContext, Scope, project, segment
from kaizenlake.publish.context.plugin_fields import PluginFields
from kaizenlake.publish.context.scopes import SEGMENT
from kaizenlake.publish.signed.documents import LakeSnapshot
from kaizenlake.tables import Contents, Patterns, Projects, WinRates

PATTERN_TYPES: dict[str, tuple[str, str]] = {
    "hooks": ("hook", "hook_type"),
    "tones": ("tone", "tone"),
    "platforms": ("platform", "platform"),
    "content_types": ("content_type", "content_type"),
    "pillars": ("pillar", "pillar"),
    "lengths": ("length", "length_band"),
}
"""What may be asked for: the key of its values in an answer, and the column that holds them."""

KIND_OF: dict[str, str] = {
    "pack_key": "pack",
    "pack_family": "pack",
    "channel": "outreach",
    "template_id": "outreach",
    "industry": "deal",
    "client_type": "deal",
    "source": "deal",
    "platform": "creative",
    "content_type": "creative",
    "hook_type": "creative",
    "tone": "creative",
    "pillar": "creative",
    "length_band": "creative",
    "model": "run",
    "doer": "run",
}
"""The kind of outcome that is meant where several have the dimension and none is named."""


class KaizenService:
    """Asks a lake, as it stands now.

    Args:
        lake: The lake, or its folder; the folder that KAIZEN_LAKE names, else `lake`, by default.
        tenant: Tenant whose figures are asked for, an empty text for the events without one. Needed where the lake has
            several: every question raises TenantNeededError else.
    """

    def __init__(self, lake: Lake | str | Path | None = None, *, tenant: str | None = None) -> None:
        self._tenant = tenant
        self._lake = lake if isinstance(lake, Lake) else Lake(lake) if lake is not None else default_lake()

    @property
    def lake(self) -> Lake:
        """The lake as the tenant has it.

        Raises:
            TenantNeededError: It has several tenants, and none was named.
            UsageError: There is no such tenant.
        """
        return view_of(self._lake, self._tenant)

    def build_context(self) -> KaizenContext:
        """Return the context of everything."""
        return self._build(EVERYTHING)

    def build_context_for_project(self, project_id: str) -> KaizenContext:
        """Return the context of a project; one of which nothing is known borrows all from everything."""
        return self._build(project(project_id))

    def build_context_for_segment(
        self, segment_id: str | None = None, industry: str | None = None, client_type: str | None = None
    ) -> KaizenContext:
        """Build the context of a segment; one of which nothing is known borrows all from everything.

        Args:
            segment_id: The segment in one text, such as `SaaS/startup`, `SaaS:startup` or `saas-startup`, in place of the two.
            client_type: Its kind of client; it may stand alone, as the industry may.

        Raises:
            UsageError: Neither is given, or both a name and its parts.
        """
        return self._build(self._segment(segment_id, industry, client_type))

    def get_win_rates(
        self, groupby: str = "pack_key", *, kind: str | None = None, shrunk: bool = False
    ) -> dict[str, float]:
        """Return the win rate of each value of a dimension, the best first: by the rate adjusted for the mix of cases.

        Values that are pending, since too few of their outcomes are old enough, have no rate and are left out. So are values of
        contents that share no project, platform, type, payment and reach with any other value: of few impressions more posts
        cross a threshold by chance. `explain_win_rates` counts them and names the age at which the rates are taken.

        Args:
            groupby: Dimension, such as `pack_key`, `channel` or `tone`.
            kind: What was decided: pack, deal, outreach, creative or run. By default the kind the dimension is mostly
                asked for.
            shrunk: Give the rates drawn toward their like, which a single win does not make 1.

        Raises:
            UsageError: No outcome has that dimension; the words name those there are.
        """
        column = "shrunk_rate" if shrunk else "win_rate"
        alone = (pl.col("kind") == "creative") & (pl.col("dimension") != "platform") & (pl.col("strata") == 0)
        rated = self._win_rates(groupby, kind).filter(status="rated").filter(~alone | (pl.len() == 1))
        order = ("shrunk_rate" if shrunk else "adjusted_rate", column, "value")
        rows = rated.sort(order, descending=[True, True, False])
        return dict(rows.select("value", column).collect().iter_rows())

    def explain_win_rates(self, groupby: str = "pack_key", *, kind: str | None = None) -> list[dict[str, Any]]:
        """Explain the win rate of each value of a dimension, the best first and what is pending last.

        Args:
            groupby: Dimension, such as `pack_key`, `channel` or `tone`.
            kind: What was decided, as for `get_win_rates`.

        Returns:
            One dict a value: `value`, `status` (rated or pending), `age_days` at which the rate is taken, `wins`, `decided`,
            `pending`, `comparable` (whether it shares a project, platform and what else its kind needs with another value: rates
            of those that do not say nothing beside the others'), and, None while pending, `win_rate`, `ci_low`, `ci_high`, `adjusted_rate` (for the mix of cases),
            `shrunk_rate`, `lift` against the other values and `q_value`.

        Raises:
            UsageError: No outcome has that dimension; the words name those there are.
        """
        counts = ("value", "status", "age_days", "wins", "decided", "pending", "comparable")
        figures = ("win_rate", "ci_low", "ci_high", "adjusted_rate", "shrunk_rate", "lift", "q_value")
        rates = self._win_rates(groupby, kind).with_columns(comparable=pl.col("strata") > 0)
        rows = rates.sort("adjusted_rate", "pending", "value", descending=[True, True, False], nulls_last=True)
        return [
            row | {name: round_figure(row[name]) for name in figures}
            for row in rows.select(*counts, *figures).collect().iter_rows(named=True)
        ]

    def _win_rates(self, groupby: str, kind: str | None) -> pl.LazyFrame:
        """Return rows of the win rates of a dimension, of the kind that is named or meant."""
        rates = self.lake.scan(WinRates)
        known = rates.select("kind", "dimension").unique().sort("kind", "dimension").collect().rows()
        kinds = [one for one, dimension in known if dimension == groupby]
        meant = kind if kind is not None else KIND_OF.get(groupby, kinds[0] if kinds else "")
        if kind is None and meant not in kinds and kinds:
            meant = kinds[0]
        if meant not in kinds and (kind is not None or groupby not in KIND_OF):
            there = sorted({dimension for one, dimension in known if kind is None or one == kind} | set(KIND_OF))
            raise UsageError(
                f"No outcome{f' of kind {kind!r}' if kind is not None else ''} has the dimension {groupby!r}.",
                hint=f"Allowed: {', '.join(there)}.",
            )
        return rates.filter(kind=meant, dimension=groupby)

    def get_top_performing_patterns(self, pattern_type: str = "hooks", *, limit: int = 10) -> list[dict[str, Any]]:
        """Return patterns of contents, the best first: by lift drawn toward the others, else by mean engagement rate.

        Args:
            pattern_type: `hooks`, `tones`, `platforms`, `content_types`, `pillars` or `lengths`.
            limit: Most patterns.

        Returns:
            One dict a pattern: its value under the singular of the type, `count` of contents, `avg_engagement` (mean of the
            known engagement rates, or None), and what is known of its effect (None where nothing is): `lift`, `ci_low` and
            `ci_high` of the lift, `shrunk_lift`, `q_value`, `verdict`, `evidence`.

        Raises:
            UsageError: There is no such type; the words name those there are.
        """
        if pattern_type not in PATTERN_TYPES:
            raise UsageError(
                f"There is no pattern type {pattern_type!r}.", hint=f"Allowed: {', '.join(PATTERN_TYPES)}."
            )
        key, column = PATTERN_TYPES[pattern_type]
        micros = (pl.col("engagement_rate") * 1_000_000).round().cast(pl.Int64)
        rated = pl.col("engagement_rate").count()
        counted = (
            self.lake.scan(Contents)
            .filter(pl.col(column).is_not_null())
            .group_by(pl.col(column).alias("pattern"))
            .agg(
                count=pl.len().cast(pl.Int64),
                avg_engagement=pl.when(rated > 0).then(micros.sum() / (rated * 1_000_000)),
            )
        )
        figures = ("lift", "lift_ci_low", "lift_ci_high", "shrunk_lift", "q_value", "verdict", "evidence")
        best = best_evidence(self.lake.scan(Patterns).filter(pattern_type=column)).select("pattern", *figures)
        rows = (
            counted.join(best, on="pattern", how="left")
            .with_columns(pl.col("shrunk_lift").round_sig_figs(6))
            .sort("shrunk_lift", "avg_engagement", "pattern", descending=[True, True, False], nulls_last=True)
            .head(limit)
            .collect()
        )
        return [
            {
                key: row["pattern"],
                "count": row["count"],
                "avg_engagement": round_figure(row["avg_engagement"]),
                "lift": round_figure(row["lift"]),
                "ci_low": round_figure(row["lift_ci_low"]),
                "ci_high": round_figure(row["lift_ci_high"]),
                "shrunk_lift": row["shrunk_lift"],
                "q_value": round_figure(row["q_value"]),
                "verdict": row["verdict"],
                "evidence": row["evidence"],
            }
            for row in rows.iter_rows(named=True)
        ]

    def explain(
        self,
        value: str | None = None,
        *,
        project_id: str | None = None,
        industry: str | None = None,
        client_type: str | None = None,
    ) -> str:
        """Say what the entries of a context rest on, and what was not recommended and why.

        Args:
            value: Explain this field, value or pattern type alone.
            project_id: Explain the context of this project.
            industry: Explain the context of this industry's segment.
            client_type: Kind of client of the segment; it may stand alone, as the industry may.

        Raises:
            UsageError: The context knows no such field or value.
        """
        scope = EVERYTHING if industry is None and client_type is None else segment(industry, client_type)
        scope = project(project_id) if project_id is not None else scope
        source = LakeSnapshot(self.lake)
        return explain(self._documents(scope, source).evidence, value, source.versions)

    def _segment(self, segment_id: str | None, industry: str | None, client_type: str | None) -> Scope:
        """Return the segment that is meant: of one that is named in one text the one that reads so, whatever parts it."""
        is_in_parts = industry is not None or client_type is not None
        if (segment_id is None) != is_in_parts:
            raise UsageError(
                "A segment is named by its industry, its kind of client, or both; or by a segment_id alone.",
                hint='Such as build_context_for_segment(industry="SaaS", client_type="startup").',
            )
        if segment_id is None:
            return segment(industry, client_type)
        known = by_segment(self.lake.scan(Projects).select(*SEGMENT)).unique().sort(SEGMENT, nulls_last=True).collect()
        for names in known.iter_rows():
            if _spelling(*names) == _spelling(segment_id):
                return segment(*names)
        first, _, rest = segment_id.partition(next((mark for mark in "/:|" if mark in segment_id), "/"))
        return segment(first.strip() or None, rest.strip() or None)

    def _build(self, scope: Scope) -> KaizenContext:
        return self._documents(scope, LakeSnapshot(self.lake)).context

    def _documents(self, scope: Scope, source: LakeSnapshot) -> Documents:
        fields = PluginFields.read(source.scan, self.lake.declared)
        edition = Edition(settings=self._lake.settings, tenant=self.lake.tenant, plugins=fields)
        with guard.guarding(is_on=self._lake.settings.publishing.redact):
            (documents,) = build(source.scan, edition, only=scope)
        return documents


def _spelling(*names: str | None) -> str:
    """Return letters and digits of a name alone, without case: what stays the same however its parts are joined."""
    return "".join(character for name in names if name for character in name.casefold() if character.isalnum())
