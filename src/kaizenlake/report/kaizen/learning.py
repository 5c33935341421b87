"""The section on learning: is each doer getting better, what is being tried, and what serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import (
    Block,
    Cell,
    Finding,
    Headlines,
    Paragraph,
    Picture,
    Section,
    grid,
    interval,
    raw,
)
from kaizenlake.report.engine.svg import Tone
from kaizenlake.report.engine.trend_chart import Trend, trend_chart
from kaizenlake.report.kaizen.data import ReportData
from kaizenlake.report.kaizen.learning_data import CanaryRow, Learning
from kaizenlake.tables import Alerts, CanaryLooks, CrlTrends, Experiments, ExperimentSuccess, Findings, Policies
from kaizenlake.vocabulary import plural

IDENTIFIER = "learning"

_TONES: dict[str, Tone] = {"improving": "good", "degrading": "bad"}


def learning(data: ReportData) -> Section | None:
    """Losses, alerts, canaries, policies and experiments; None where there is none of them."""
    found = data.learning
    if found.is_empty:
        return None
    blocks = [
        *_alerts(found),
        *_losses(found),
        *_versions(found),
        *_canaries(found),
        *_serving(found),
        *_experiments(found),
    ]
    run = found.canaries.total
    beside = "runs beside its control" if run == 1 else "run beside their control"
    lead = (
        "The loss of a run lies between 0 and 1, and lower is better. "
        f"{_directions(found.directions)}{plural(run, 'candidate')} {beside}."
    )
    return Section(IDENTIFIER, "Learning operations", lead, tuple(blocks))


def _directions(directions: Mapping[str, int]) -> str:
    """How many doers go where, in words; empty without a doer."""
    said = []
    for name in ("improving", "degrading", "flat", "unclear"):
        number = directions.get(name, 0)
        goes = f"{'is' if number == 1 else 'are'} {name}"
        if name == "unclear":
            goes = f"{'has' if number == 1 else 'have'} no clear direction"
        said += [f"{plural(number, 'doer')} {goes}"] if number else []
    return f"{', '.join(said)}. " if said else ""


def _alerts(found: Learning) -> Iterator[Block]:
    if found.alerts.total:
        yield Headlines(
            tuple(
                Finding(
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


def _losses(found: Learning) -> Iterator[Block]:
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
            trend_chart(
                "chart-losses",
                "Loss by doer: means of the days as dots, and their moving average",
                f"{told}.",
                trends,
                (("good", "Improving"), ("plain", "Flat or unclear"), ("bad", "Degrading, or an alarm")),
            )
        )
    yield grid(
        "losses-table",
        "Loss of each doer on its latest day (moving average), its change, and the runs of 30 days",
        CrlTrends,
        found.doers,
        (
            ("Doer", "text", lambda r: raw(say.clean(r.doer, 60), r, "doer")),
            ("Direction", "verdict", lambda r: raw(r.direction, r, "direction")),
            ("Loss now", "number", lambda r: raw(say.loss(r.ewma_loss), r, "ewma_loss")),
            ("In 7 days", "number", lambda r: raw(say.effect(r.change_7d), r, "change_7d")),
            ("Interval", "number", lambda r: interval(r, say.effect, "change_7d_ci_low", "change_7d_ci_high")),
            ("In 30 days", "number", lambda r: raw(say.effect(r.change_30d), r, "change_30d")),
            ("Interval", "number", lambda r: interval(r, say.effect, "change_30d_ci_low", "change_30d_ci_high")),
            ("Runs", "number", lambda r: raw(say.count(r.n_30d), r, "n_30d")),
            ("Alarm", "number", lambda r: raw(_alarm(r.alert), r, "alert")),
        ),
    )


def _versions(found: Learning) -> Iterator[Block]:
    """Did the latest change of each doer help? The sentence of its finding."""
    if found.versions.total:
        yield grid(
            "versions-table",
            "What the latest version of each doer did to its loss, against the version before",
            Findings,
            found.versions,
            (
                ("Doer", "text", lambda r: raw(say.clean(r.subject, 60), r, "subject")),
                ("Verdict", "verdict", lambda r: raw(say.words(r.verdict), r, "verdict")),
                ("Since", "number", lambda r: raw(say.day(r.raised_on), r, "raised_on")),
                ("Figures", "text", lambda r: raw(say.clean(r.sentence, 300), r, "sentence")),
            ),
        )


def _alarm(alert: bool | None) -> str:  # noqa: FBT001 - the value of a column
    return say.NOTHING if alert is None else "yes" if alert else "no"


def _canaries(found: Learning) -> Iterator[Block]:
    if found.canaries.total:
        yield grid(
            "canaries-table",
            "Shadows and canaries that run, at the latest look",
            CanaryLooks,
            found.canaries,
            (
                ("Deployment", "text", _deployment),
                (
                    "Candidate",
                    "text",
                    lambda r: raw(say.clean(f"{r.policy_id} {r.policy_version}", 60), r, "policy_version"),
                ),
                ("Verdict", "verdict", lambda r: raw(r.verdict, r, "verdict")),
                ("Look", "number", lambda r: raw(f"{r.look} of {r.horizon_nights}", r, "look")),
                ("Units", "number", lambda r: raw(say.count(r.units), r, "units")),
                ("Effect", "number", lambda r: raw(say.effect(r.effect), r, "effect")),
                (
                    "On all nights",
                    "number",
                    lambda r: interval(r, say.effect, "sequential_ci_low", "sequential_ci_high"),
                ),
            ),
        )


def _deployment(row: CanaryRow) -> Cell:
    shown = raw(f"{row.deployment_mode} {say.clean(row.deployment_id, 60)}", row, "deployment_id")
    return Cell(shown.text, shown.names, shown.value, link=f"{canary_file(row.deployment_id)}.html")


def canary_file(deployment_id: str) -> str:
    """Name of the report of a deployment, without its ending."""
    return f"canary-{say.file_name(deployment_id)}"


def _serving(found: Learning) -> Iterator[Block]:
    if found.serving.total:
        yield grid(
            "serving-table",
            "Policies in service",
            Policies,
            found.serving,
            (
                ("Policy", "text", lambda r: raw(say.clean(f"{r.policy_id} {r.policy_version}", 60), r, "policy_id", "policy_version")),
                ("Status", "verdict", lambda r: raw(r.status, r, "status")),
                ("Gates", "verdict", lambda r: raw("override" if r.is_override else "passed", r, "is_override")),
                ("Since", "number", lambda r: raw(say.day(r.status_since.date()), r, "status_since")),
                ("Runs", "number", lambda r: raw(say.count(r.runs), r, "runs")),
                ("Mean loss", "number", lambda r: raw(say.loss(r.mean_loss), r, "mean_loss")),
                ("Effect", "number", lambda r: raw(say.effect(r.effect), r, "effect")),
                ("Interval", "number", lambda r: interval(r, say.effect)),
                ("By", "number", lambda r: raw(r.evidence or say.NOTHING, r, "evidence")),
            ),
        )  # fmt: skip


def _experiments(found: Learning) -> Iterator[Block]:
    if found.success.total:
        yield grid(
            "success-table",
            "Experiments by type, and how many led to a policy in service",
            ExperimentSuccess,
            found.success,
            (
                ("Type", "text", lambda r: raw(say.sentence(say.clean(say.words(r.experiment_type), 60)), r, "experiment_type")),
                ("Experiments", "number", lambda r: raw(say.count(r.experiments), r, "experiments")),
                ("Decided", "number", lambda r: raw(say.count(r.decided), r, "decided")),
                ("Promoted", "number", lambda r: raw(say.count(r.promoted), r, "promoted")),
                ("Success", "number", lambda r: raw(say.percent(r.success_rate), r, "success_rate")),
                ("Interval", "number", lambda r: interval(r, say.percent)),
                ("USD for each", "number", lambda r: raw(say.figure(r.cost_per_success_usd), r, "cost_per_success_usd")),
            ),
        )  # fmt: skip
    if found.experiments.total:
        yield grid(
            "trials-table",
            "Latest experiments",
            Experiments,
            found.experiments,
            (
                ("Experiment", "text", lambda r: raw(say.clean(r.experiment_id, 60), r, "experiment_id")),
                ("Type", "text", lambda r: raw(say.clean(say.words(r.experiment_type), 40), r, "experiment_type")),
                ("Doer", "text", lambda r: raw(say.clean(r.doer, 40), r, "doer")),
                ("State", "verdict", lambda r: raw(r.status, r, "status")),
                ("Version", "number", lambda r: raw(say.clean(r.policy_version or say.NOTHING, 30), r, "policy_version")),
                ("It is", "number", lambda r: raw(r.policy_status or say.NOTHING, r, "policy_status")),
                ("Change of loss", "number", lambda r: raw(say.effect(r.loss_delta), r, "loss_delta")),
                ("USD", "number", lambda r: raw(say.figure(r.cost_usd), r, "cost_usd")),
            ),
        )  # fmt: skip
