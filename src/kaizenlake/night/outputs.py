"""What leaves at the end of a night: the publication and the reports, each only where something changed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import polars as pl

from kaizenlake import signing, tables
from kaizenlake.errors import JobFailedError, LakeError, PluginError, PublishError, UsageError
from kaizenlake.lake.mapping.money import Exchange
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.night import artifact
from kaizenlake.night.artifact import Run, RunFailure, StepRecord
from kaizenlake.night.deciding import name_tenant
from kaizenlake.publish import guard
from kaizenlake.publish.signed import documents
from kaizenlake.publish.signed.playbooks import publish_playbooks
from kaizenlake.publish.signed.skills import publish_skills
from kaizenlake.publish.signed.tenants import audiences
from kaizenlake.publish.signed.text_models import publish_text_models
from kaizenlake.report.engine.render import ReportPlace, folder_of
from kaizenlake.report.engine.rows import RunFacts
from kaizenlake.report.kaizen.kaizen_data import Bearings
from kaizenlake.report.kaizen.plugin_sections import plugin_sections
from kaizenlake.report.kaizen.write_kaizen import FIGURES_NAME, HTML_NAME, OURS, PDF_NAME, write_reports
from kaizenlake.report.learning_reports import write_audit, write_canaries, write_canary, write_skills
from kaizenlake.tables import EventCounts, Findings, SourceFreshness, Table


def stale_sources(lake: Lake) -> tuple[str, ...]:
    """Return sources that were silent for longer than the setting allows, as of the latest night."""
    return tuple(
        lake.scan(SourceFreshness).filter(stale=True).select("source").unique().sort("source").collect()["source"]
    )


def missing_data(lake: Lake) -> tuple[artifact.MissingRecord, ...]:
    """Return what tables need and sources do not tell, as of the latest night; what most events lack first."""
    found = lake.scan(Findings).filter(pl.col("kind") == "missing_data")
    rows = found.select("tenant_id", "sentence", "remedy", "strength").collect()
    ordered = rows.sort("strength", "tenant_id", "sentence", descending=[True, False, False])
    return tuple(
        artifact.MissingRecord(tenant_id=tenant, words=sentence, remedy=remedy or "")
        for tenant, sentence, remedy, _ in ordered.iter_rows()
    )


def versions(lake: Lake) -> dict[str, int]:
    """Return the version of each table that is written, by full name."""
    return {
        tables.full_name(table): found for table in lake.declared.tables if (found := lake.version(table)) is not None
    }


def settings_sha256(lake: Lake) -> str:
    """Return the SHA-256 of all settings of a lake, and of the code of its plug-ins."""
    return hashlib.sha256((lake.settings.model_dump_json() + lake.declared.mark).encode()).hexdigest()


def publish(lake: Lake, run: Run, record: StepRecord, broken: Collection[type[Table]] = ()) -> None:
    """Publish contexts, skill cards, text models and playbooks of the tables as this run leaves them; nothing where what is there still holds."""
    now, rows, is_changed = datetime.now(UTC), 0, False
    notes: list[str] = []
    for view in audiences(lake):
        with redact_within(view, run):
            done = documents.publish_contexts(view, as_of=run.as_of, generated_at=now, run_id=run.run_id, broken=broken)
            cards = publish_skills(view, as_of=run.as_of, generated_at=now, run_id=run.run_id)
            models = publish_text_models(view, generated_at=now, run_id=run.run_id)
            models += publish_playbooks(view, generated_at=now)
        of_tenant = artifact.of_tenant(run, view.tenant)
        of_tenant.publication = done.sequence
        of_tenant.events = view.scan(EventCounts).select(pl.col("events").sum()).collect().item()
        run.publication = None if view.is_walled else done.sequence
        if not done.unchanged or cards.written or models:
            is_changed = True
            rows += cards.written + models + (0 if done.unchanged else done.documents + done.texts)
        notes += [name_tenant(view, note) for note in done.notes]
        run.errors += [
            RunFailure(step=record.name, code=PublishError.code, message=name_tenant(view, failure))
            for failure in done.failures
        ]
    if is_changed:
        record.rows_out, record.why = rows, tuple(notes)
    else:
        record.status, record.why = "nothing to do", ("what is published still holds",)


def report(lake: Lake, run: Run, record: StepRecord, reports: Path, broken: Collection[type[Table]] = ()) -> None:
    """Write the reports of this run; nothing where all of them are there and tell of just these tables and settings."""
    found = audiences(lake)
    there = [
        str(folder_of(find_report_place(view, reports), run.as_of) / name)
        for view in found
        for name in (HTML_NAME, PDF_NAME)
    ]
    # Runs of another as_of wrote elsewhere: the night does not read them all.
    of_as_of = takewhile(lambda former: former.as_of == run.as_of, artifact.runs(lake.path("runs")))
    last = next((former for former in of_as_of if set(there) <= set(former.reports)), None)
    if (
        last is not None
        and not broken
        and not any(failure.code == JobFailedError.code or failure.step == "report" for failure in last.errors)
        and len(last.tenants) == len(found)
        and last.versions == versions(lake)
        and last.settings_sha256 == settings_sha256(lake)
        and all(Path(path).is_file() for path in (*last.reports, *last.attached))
    ):
        record.status, record.why = "nothing to do", ("the reports are there and tell of these tables",)
        run.reports, run.attached = last.reports, last.attached
        return
    if len(found) > 1:
        _take_away(folder_of(reports, run.as_of))
    with redact_within(lake, run):
        made = [_write(view, run, reports, broken) for view in found]
    for view, files in zip(found, made, strict=True):
        artifact.of_tenant(run, view.tenant).reports = len(files.reports) + len(files.attached)
    run.reports = tuple(str(path) for files in made for path in files.reports)
    run.attached = tuple(str(path) for files in made for path in files.attached)


def find_report_place(view: Lake, reports: Path) -> ReportPlace:
    """Return where the reports of a tenant lie."""
    named = f"tenant {view.tenant}" if view.tenant is not None else "events without a tenant"
    exchange = Exchange.of(view.settings.money)
    return ReportPlace(reports, view.tenant_place, named if view.is_walled else "", exchange)


def _take_away(folder: Path) -> None:
    """Remove the reports of a day that were written for a lake with one tenant: now each has a folder of its own."""
    for pattern in OURS:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def report_again(lake: Lake, reports: Path) -> tuple[Path, ...]:
    """Write the reports of the latest run that computed the tables, once more.

    Args:
        lake: The lake, as the tenant has it whose reports are written.
        reports: Folder of the reports.

    Raises:
        LakeError: No run has been made yet.
    """
    with guard.guarding(is_on=lake.settings.publishing.redact):
        return _write(lake, find_latest(lake), reports).reports


def report_canary(lake: Lake, reports: Path, deployment_id: str) -> tuple[Path, ...]:
    """Write the report of one deployment, running or ended, from the tables of the latest run.

    Raises:
        UsageError: There is none of that name, or no night has looked at it.
        LakeError: No run has been made yet.
    """
    with guard.guarding(is_on=lake.settings.publishing.redact):
        written = write_canary(
            lake.scan, find_report_place(lake, reports), deployment_id, as_of=find_latest(lake).as_of
        )
    if not written:
        raise UsageError(
            f"No night has looked at a shadow or canary of the name {deployment_id!r}.",
            hint="`kaizen show deployments` lists them; the first check comes with the first night.",
        )
    return written


def report_audit(lake: Lake, reports: Path) -> tuple[Path, ...]:
    """Write the audit of policies from the tables of the latest run.

    Raises:
        UsageError: Nothing was decided of any policy.
        LakeError: No run has been made yet.
    """
    with guard.guarding(is_on=lake.settings.publishing.redact):
        written = write_audit(lake.scan, find_report_place(lake, reports), _keys(lake), as_of=find_latest(lake).as_of)
    if not written:
        raise UsageError(
            "Nothing was decided of any policy yet.", hint="`kaizen policy create` makes one; then `kaizen nightly`."
        )
    return written


def _keys(lake: Lake) -> signing.Keys:
    return decisions.public_keys(lake)


def find_latest(lake: Lake) -> Run:
    """Return the latest run that computed the tables."""
    latest = next(
        (run for run in artifact.runs(lake.path("runs")) if run.status == "done" and run.tables_changed), None
    )
    if latest is None:
        raise LakeError("There is nothing to report yet.", where=str(lake.root), hint="Run `kaizen nightly` first.")
    return latest


@contextmanager
def redact_within(lake: Lake, run: Run) -> Iterator[None]:
    """Redact what leaves within, if the settings say so, and put on record how often each kind was replaced.

    Args:
        run: The run; its `redacted` is added to.
    """
    with guard.guarding(is_on=lake.settings.publishing.redact) as redactor:
        yield
    run.redacted = dict(Counter[str](run.redacted) + Counter[str](redactor.counts))


class _Made(NamedTuple):
    """Files that were written: those that people open, and those that these lead to or rest on."""

    reports: tuple[Path, ...]
    attached: tuple[Path, ...]


def _write(lake: Lake, run: Run, reports: Path, broken: Collection[type[Table]] = ()) -> _Made:
    place = find_report_place(lake, reports)
    # The others come first: the report that is there says that they are.
    skills = write_skills(lake.scan, place, as_of=run.as_of)
    fleet, cards = skills[:2], skills[2:]
    others = write_canaries(lake.scan, place, as_of=run.as_of)
    others += write_audit(lake.scan, place, _keys(lake), as_of=run.as_of)
    more, failures = plugin_sections(lake.scan, lake.declared, broken)
    run.errors += [
        RunFailure(step="report", code=PluginError.code, message=name_tenant(lake, words)) for words in failures
    ]
    whole = write_reports(
        lake.scan,
        place,
        as_of=run.as_of,
        facts=facts_of(lake, run),
        bearings=Bearings.of(lake.settings),
        more=more,
    )
    return _Made(whole + others + fleet, (*cards, whole[0].with_name(FIGURES_NAME)))


def facts_of(lake: Lake, run: Run) -> RunFacts:
    """Return what the report says of a run."""
    former = next(
        (other for other in artifact.runs(lake.path("runs")) if other.run_id < run.run_id and other.tables_changed),
        None,
    )
    before = {} if former is None else former.versions
    now = versions(lake)
    nothing = artifact.Landed(files=0, lines_in=0, landed=0, duplicate=0, quarantined=0)
    # What a run landed is of all tenants together.
    landing = nothing if lake.is_walled else run.landing or nothing
    return RunFacts(
        lines_in=landing.lines_in,
        landed=landing.landed,
        duplicate=landing.duplicate,
        quarantined=landing.quarantined,
        by_rule=tuple(landing.by_rule.items()),
        versions={name: (before.get(name), now.get(name)) for name in map(tables.full_name, lake.declared.tables)},
    )
