"""The section on learning: is each doer getting better, what is being tried, and what serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import (
    Block,
    FindingBlock,
    Headlines,
    Paragraph,
    Picture,
    Section,
    build_grid,
)
from kaizenlake.report.engine.columns import show, show_interval, show_text
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.engine.svg import Tone
from kaizenlake.report.engine.trend_chart import Trend, draw_trend_chart
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.report.kaizen.learning_data import Learning
from kaizenlake.tables import Alerts, CanaryLooks, CrlTrends, Experiments, ExperimentSuccess, Findings, Policies
from kaizenlake.vocabulary import plural

IDENTIFIER = "learning"

_TONES: dict[str, Tone] = {"improving": "good", "degrading": "bad"}


def build_learning(data: ReportData) -> Section | None:
    """Return losses, alerts, canaries, policies and experiments; None where there is none of them."""
    found = data.learning
    if found.is_empty:
        return None
    blocks = [
        *_yield_alerts(found),
        *_yield_losses(found),
        *_yield_versions(found),
        *_yield_canaries(found),
        *_yield_serving(found),
        *_yield_experiments(found),
    ]
    run = found.canaries.total
    beside = "runs beside its control" if run == 1 else "run beside their control"
    lead = (
        "The loss of a run lies between 0 and 1, and lower is better. "
        f"{_describe_directions(found.directions)}{plural(run, 'candidate')} {beside}."
    )
    return Section(IDENTIFIER, "Learning operations", lead, tuple(blocks))


def _describe_directions(directions: Mapping[str, int]) -> str:
    """Return how many doers go where, in words; empty without a doer."""
    said = []
    for name in ("improving", "degrading", "flat", "unclear"):
        number = directions.get(name, 0)
        goes = f"{'is' if number == 1 else 'are'} {name}"
        if name == "unclear":
            goes = f"{'has' if number == 1 else 'have'} no clear direction"
        said += [f"{plural(number, 'agent')} {goes}"] if number else []
    return f"{', '.join(said)}. " if said else ""


def _yield_alerts(found: Learning) -> Iterator[Block]:
    if found.alerts.total:
        yield Headlines(
            tuple(
                FindingBlock(
                    "alert",
                    f"{say.clean(row.words, 400)} Since {say.day(row.raised_on)}.",
                    tables.full_name(Alerts),
                    "count" if row.severity == "info" else "warning",
                    IDENTIFIER,
                )
                for row in found.alerts.rows
            )
        )
    if (more := found.alerts.total - len(found.alerts.rows)) > 0:
        yield Paragraph(
            f"{plural(more, 'older alert')} also stand{'s' if more == 1 else ''}; the lake's table has them all."
        )


def _yield_losses(found: Learning) -> Iterator[Block]:
    if not found.doers.total:
        return
    rows = {row.doer: row for row in found.doers.rows}
    trends = [
        Trend(
            say.clean(doer, 60),
            course,
            found.alarms.get(doer, frozenset()),
            f"{say.loss(rows[doer].ewma_loss)}, {rows[doer].direction}",
            f"{say.loss(rows[doer].ewma_loss)} {rows[doer].direction}",
            _TONES.get(rows[doer].direction, "plain"),
        )
        for doer, course in found.courses.items()
    ]
    if trends:
        told = "; ".join(
            f"{trend.label} {trend.shown}, {plural(len(trend.alerts), 'alarm')} of its control chart"
            if trend.alerts
            else f"{trend.label} {trend.shown}"
            for trend in trends
        )
        yield Picture(
            draw_trend_chart(
                "chart-losses",
                "Loss by agent: means of the days as dots, and their moving average",
                f"{told}.",
                trends,
                (("good", "Improving"), ("plain", "Flat or unclear"), ("bad", "Degrading, or an alarm")),
            )
        )
    yield build_grid(
        "losses-table",
        "Loss of each agent on its latest day (moving average), its change, and the runs of 30 days",
        CrlTrends,
        found.doers,
        (
            *("doer", "direction", "ewma_loss"),
            *("change_7d", show_interval("change_7d_ci_low", "change_7d_ci_high")),
            *("change_30d", show_interval("change_30d_ci_low", "change_30d_ci_high")),
            *("n_30d", "alert"),
        ),
    )


def _yield_versions(found: Learning) -> Iterator[Block]:
    """Yield did the latest change of each doer help? The sentence of its finding."""
    if found.versions.total:
        yield build_grid(
            "versions-table",
            "What the latest version of each agent did to its loss, against the version before",
            Findings,
            found.versions,
            (show("subject", "Agent"), "verdict", "raised_on", show("sentence", "Figures")),
        )


def _yield_canaries(found: Learning) -> Iterator[Block]:
    if found.canaries.total:
        yield build_grid(
            "canaries-table",
            "Shadows and canaries that run, at the latest check",
            CanaryLooks,
            found.canaries,
            (
                show_text("Deployment", _format_deployment, "deployment_id", link=_format_page),
                show_text("Candidate", _format_candidate, "policy_version"),
                "verdict",
                show_text("Night", _format_night, "look", format="count"),
                "units",
                "effect",
                show_interval("sequential_ci_low", "sequential_ci_high", "On all nights"),
            ),
        )


def _format_deployment(row: TableRow) -> str:
    return f"{row.deployment_mode} {say.clean(row.deployment_id, 60)}"


def _format_candidate(row: TableRow) -> str:
    return say.clean(f"{row.policy_id} {row.policy_version}", 60)


def _format_night(row: TableRow) -> str:
    return f"{row.look} of {row.horizon_nights}"


def _format_page(row: TableRow) -> str:
    return f"{canary_file(row.deployment_id)}.html"


def canary_file(deployment_id: str) -> str:
    """Name of the report of a deployment, without its ending."""
    return f"canary-{say.file_name(deployment_id)}"


def _yield_serving(found: Learning) -> Iterator[Block]:
    if found.serving.total:
        yield build_grid(
            "serving-table",
            "Policies in service",
            Policies,
            found.serving,
            (
                show_text("Policy", _format_candidate, "policy_id", "policy_version"),
                "status",
                show_text("Gates", _format_gates, "is_override", format="verdict"),
                "status_since",
                show("runs", format="count"),
                show("mean_loss", format="loss"),
                show("effect", format="effect"),
                show_interval(format="effect"),
                show("evidence", "By", "text"),
            ),
        )


def _format_gates(row: TableRow) -> str:
    return "override" if row.is_override else "passed"


def _yield_experiments(found: Learning) -> Iterator[Block]:
    if found.success.total:
        yield build_grid(
            "success-table",
            "Experiments by type, and how many led to a policy in service",
            ExperimentSuccess,
            found.success,
            (
                *("experiment_type", "experiments", "decided", "promoted"),
                *("success_rate", show_interval(), "cost_per_success_usd"),
            ),
        )
    if found.experiments.total:
        yield build_grid(
            "trials-table",
            "Latest experiments",
            Experiments,
            found.experiments,
            (
                *("experiment_id", "experiment_type", "doer", "status", "policy_version", "policy_status"),
                *("loss_delta", "cost_usd"),
            ),
        )
