"""One night: lock, land, jobs in order, publish, report; and the record of it, however it ends."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from kaizenlake import tables
from kaizenlake.errors import (
    UNEXPECTED,
    AllQuarantinedError,
    EmptyMappingError,
    JobFailedError,
    KaizenError,
    PluginError,
    QuarantinedError,
    StaleSourceError,
    Stopped,
)
from kaizenlake.job import Job, in_order
from kaizenlake.lake import lock
from kaizenlake.lake.changes import Reads
from kaizenlake.lake.landing import landing
from kaizenlake.lake.landing.changed_files import find_changed
from kaizenlake.lake.landing.floods import describe_floods
from kaizenlake.lake.landing.landing import Landing
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.night import alerts, artifact, deciding, site
from kaizenlake.night.artifact import Landed, Run, RunFailure, StepRecord
from kaizenlake.night.fingerprint import belief, fingerprint, settings_of
from kaizenlake.night.job_output import JobOutput
from kaizenlake.night.outputs import (
    missing_data,
    publish,
    redact_within,
    report,
    settings_sha256,
    stale_sources,
    versions,
)
from kaizenlake.night.plan import PlannedJob, decide, predict
from kaizenlake.plugin_files import line_of
from kaizenlake.publish import guard

logger = logging.getLogger(__name__)

Watch = Callable[[StepRecord], None]
"""Is told of each step when it begins and when it ends."""


def next_midnight(now: datetime) -> datetime:
    """Return the first UTC midnight after an instant: the usual as_of, the same for all runs of one day.

    >>> next_midnight(datetime(2026, 3, 1, 22, 30, tzinfo=UTC))
    datetime.datetime(2026, 3, 2, 0, 0, tzinfo=datetime.timezone.utc)
    """
    day = now.astimezone(UTC).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    """What a night would do.

    Args:
        waiting: Files that wait to be landed.
        steps: Jobs that would run, in their order.
        running: Shadows and canaries that run, on which the night would decide as far as each allows.
    """

    waiting: tuple[str, ...]
    steps: tuple[PlannedJob, ...]
    running: tuple[str, ...] = ()


def plan(lake: Lake, *, as_of: datetime, full: bool = False, jobs: Collection[Job] | None = None) -> Plan:
    """Say what a night would do now; nothing is written and no lock is taken.

    Args:
        as_of: Events before it count.
        full: Recompute every table.
        jobs: Jobs of the night, in any order; all of the lake by default, those of its plug-ins too.
    """
    waiting = tuple(landing.waiting(lake))
    steps = predict(
        in_order(lake.declared.jobs if jobs is None else jobs),
        lake,
        as_of=as_of,
        fingerprint=lambda job: fingerprint(job, lake.settings, belief(lake), lake.declared.code_of(job)),
        full=full,
        arriving=(tables.Events,) if waiting else (),
    )
    return Plan(waiting, steps, deciding.running(lake))


def nightly(
    lake: Lake,
    *,
    as_of: datetime,
    command: str = "nightly",
    full: bool = False,
    strict: bool = False,
    take: Callable[[Lake], Landing] | None = landing.land_folder,
    reports: Path | None = None,
    jobs: Collection[Job] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Run the night.

    A job that fails leaves its table as it was; the jobs that rest on it are skipped, the others go on.

    Args:
        as_of: Events before it count.
        command: What was asked for, for the record.
        full: Recompute every table.
        strict: Count what waits in quarantine unacknowledged, files that could not be read and stale sources in the exit
            code.
        take: Lands what the night is about: what waits in the lake's `landing` folder. None lands nothing.
        reports: Folder of the reports; None makes none.
        jobs: Jobs of the night, in any order; all of the lake by default, those of its plug-ins too.
        watch: Told of each step.

    Returns:
        The record of the run, as it was written to `runs/`.

    Raises:
        LockedError: Another run holds the lake.
        Stopped: A signal ended the run; its record says so.
    """
    with lock.hold(lake.path(), f"kaizen {command}"), _stoppable(), lake.held_rows.holding():
        artifact.mark_killed(lake.path("runs"))
        # What takes time comes before the record, which is ended by whatever comes after it.
        jobs = lake.declared.jobs if jobs is None else jobs
        night = _Night(lake, as_of, command, watch)
        try:
            night.find_plugins()
            if take is not None:
                night.land(take)
            night.doubt()
            for job in in_order(jobs):
                night.compute(job, full=full)
            if take is not None:
                night.propose(jobs)
            night.settle(jobs)
            night.alert(jobs)
            night.leave(reports)
            night.show(reports)
        except Stopped as stop:
            night.end("terminated", stop.exit_code)
            raise
        except KaizenError as error:
            # A step that the rest of the night stands on failed; the record has it already.
            night.end("failed", error.exit_code)
        except BaseException:
            night.end("failed", UNEXPECTED)
            raise
        else:
            night.end("failed" if night.run.errors else "done", night.exit_code(strict=strict))
    return night.run


class _Night:
    """A run under way and its record."""

    def __init__(self, lake: Lake, as_of: datetime, command: str, watch: Watch | None) -> None:
        now = datetime.now(UTC)
        self.lake = lake
        self.settings = lake.settings
        self.watch = watch
        self.began = time.perf_counter()
        self.validated_before = lake.frames_validated
        self.broken: dict[type[tables.Table], str] = {}
        self._believed: tuple[int | None, str] | None = None
        self.run = Run(
            run_id=artifact.new_run_id(now),
            command=command,
            as_of=as_of,
            started_at=now,
            host=socket.gethostname(),
            pid=os.getpid(),
        )
        self.save()

    def save(self, *, is_synced: bool = True) -> None:
        self.run.seconds = round(time.perf_counter() - self.began, 3)
        self.run.frames_validated = self.lake.frames_validated - self.validated_before
        with guard.guarding(is_on=self.lake.settings.publishing.redact):
            artifact.write(self.lake.path("runs"), self.run, is_synced=is_synced)

    def end(self, status: artifact.RunStatus, exit_code: int) -> None:
        for step in self.run.steps:
            if step.status == "running":
                step.status = "failed"
        with suppress(KaizenError):
            self.lake.save_reads()
        self.run.status, self.run.exit_code, self.run.ended_at = status, exit_code, datetime.now(UTC)
        self.run.versions = versions(self.lake)
        self.run.settings_sha256 = settings_sha256(self.lake)
        self.save()

    def exit_code(self, *, strict: bool) -> int:
        if self.run.errors:
            return JobFailedError.exit_code
        if self.run.landing is not None and self.run.landing.all_quarantined:
            return AllQuarantinedError.exit_code
        if self.run.landing is not None and self.run.landing.made_nothing:
            return EmptyMappingError.exit_code
        is_blocked = self.run.landing is not None and bool(self.run.landing.blocked)
        if strict and (is_blocked or landing.count_unacknowledged(self.lake)):
            return QuarantinedError.exit_code
        if strict and self.run.stale_sources:
            return StaleSourceError.exit_code
        return 0

    @contextmanager
    def step(self, record: StepRecord) -> Iterator[StepRecord]:
        """Keep the record of a step while it runs; an error is put on record and raised on."""
        self.run.steps.append(record)
        # So that the record of a night that is killed names its step; what the step did is saved with the next one.
        self.save(is_synced=False)
        self.tell(record)
        began = time.perf_counter()
        try:
            yield record
            if record.status == "running":
                record.status = "done"
        except Exception as error:
            record.status = "failed"
            code = error.code if isinstance(error, KaizenError) else "unexpected"
            message = str(error) if isinstance(error, KaizenError) else f"{type(error).__name__}: {error}"
            self.run.errors.append(RunFailure(step=record.name, code=code, message=message))
            raise
        finally:
            record.seconds = round(time.perf_counter() - began, 3)
            self.tell(record)

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """Go on after a step that failed: it is on record. A mistake of code shows its traceback all the same."""
        try:
            yield
        except KaizenError:
            pass
        except Exception:
            logger.exception("A step of the night failed by a mistake of its code")

    def tell(self, record: StepRecord) -> None:
        if self.watch is not None:
            self.watch(record)

    def note(self, record: StepRecord) -> None:
        """Put a step on record that did not run; it is saved with the next that does."""
        self.run.steps.append(record)
        self.tell(record)

    def find_plugins(self) -> None:
        """Put on record which plug-ins do not count: those that are refused are errors of the run, which goes on."""
        declared = self.lake.declared
        if declared.off:
            self.note(StepRecord(name="plugins", status="nothing to do", why=(declared.off,)))
        if declared.refused:
            self.note(StepRecord(name="plugins", status="failed", why=tuple(map(": ".join, declared.refused))))
            self.run.errors += [
                RunFailure(step="plugins", code=PluginError.code, message=f"{where}: {why}")
                for where, why in declared.refused
            ]

    def land(self, take: Callable[[Lake], Landing]) -> None:
        with self.step(StepRecord(name="land", status="running", writes="bronze.events")) as record:
            found = take(self.lake)
            self.run.landing = Landed(
                files=found.files,
                lines_in=found.lines_in,
                landed=found.landed,
                duplicate=found.duplicate,
                quarantined=found.quarantined,
                quarantined_before=found.quarantined_before,
                left_out=found.left_out,
                made_nothing=found.made_nothing,
                all_quarantined=found.is_all_quarantined,
                by_rule=dict(found.by_rule),
                left=tuple(f"{name}: {reason}" for name, reason in found.left),
                blocked=found.blocked,
            )
            record.rows_in, record.rows_out = found.lines_in, found.landed
            record.version = self.lake.version(tables.Events)
            if not found.landed and found.quarantined == found.quarantined_before:
                record.status = "nothing to do"
                record.why = (
                    "what lies in landing/ was landed before" if found.files else "no file waits in landing/",
                )

    def doubt(self) -> None:
        """Put on record what of the lake does not verify: it does not count in what follows, or counts as it was changed."""
        try:
            why = (
                *decisions.doubts(self.lake),
                *find_changed(self.lake),
                *describe_floods(self.lake, datetime.now(UTC)),
            )
        except KaizenError:
            # The jobs that read events fail by it, and say so.
            return
        if why:
            self.note(StepRecord(name="doubt", status="done", why=why))

    def compute(self, job: Job, *, full: bool) -> None:
        job, writes = self.lake.declared.without(job, self.broken), tables.full_name(job.writes)
        waits = [self.broken[read] for read in job.reads if read in self.broken]
        if waits:
            self.broken[job.writes] = waits[0]
            self.note(StepRecord(name=job.name, status="skipped", why=tuple(waits), writes=writes))
            return
        mark = fingerprint(job, self.settings, self.belief(), self.lake.declared.code_of(job))
        # Before it is decided on them: what is appended meanwhile is looked at another time.
        reads = {tables.full_name(read): found for read in job.reads if (found := self.lake.version(read)) is not None}
        step = decide(job, self.lake, as_of=self.run.as_of, fingerprint=mark, full=full)
        if step is None:
            if self.run.step(job.name) is not None:
                # Computed, or found so, before the night decided.
                return
            # So that no later night looks through the same commits.
            self.lake.keep_reads(job.writes, Reads(reads, self.run.as_of, mark))
            why = ("neither its inputs, nor as_of, nor its code and settings changed",)
            self.note(StepRecord(name=job.name, status="nothing to do", why=why, writes=writes))
            return
        record = StepRecord(name=job.name, status="running", why=step.why, writes=writes, reads=dict(step.reads))
        with self.surviving(), self.step(record):
            self.broken[job.writes] = f"{job.name} failed"
            with _naming_plugin(self.lake, job):
                self._write(step, mark, record, full=full)
            del self.broken[job.writes]

    def belief(self) -> str:
        """Return what is believed of the events beside what their days say; worked out once for as long as they stand."""
        try:
            version = self.lake.version(tables.Events)
        except KaizenError:
            # As `belief` has it.
            return ""
        if self._believed is None or self._believed[0] != version:
            self._believed = version, belief(self.lake)
        return self._believed[1]

    def _write(self, step: PlannedJob, mark: str, record: StepRecord, *, full: bool) -> None:
        work = JobOutput(step, self.lake, self.run.as_of, settings_of(step.job, self.settings))
        parts = work.parts()
        written = self.lake.write(
            step.job.writes,
            parts,
            days=work.days,
            reads=step.reads,
            as_of=self.run.as_of,
            fingerprint=mark,
            # To compare every day of a long table with what is stored costs more than to write it.
            only_changes=not full and (not step.job.by_day or work.days is not None),
        )
        record.rows_in, record.rows_out, record.version = work.rows_in, written.rows, written.version
        record.days = work.days_done

    def propose(self, jobs: Collection[Job]) -> None:
        """Propose what the alarms of brands ask for, and compute what that changed."""
        if not {job.writes for job in jobs}.issuperset(deciding.PROPOSALS_REST_ON):
            return
        if any(table in self.broken for table in deciding.PROPOSALS_REST_ON):
            return
        record = StepRecord(name="feedback", status="running")
        with self.surviving(), self.step(record):
            deciding.propose(self.lake, self.run, record)
        if record.rows_out:
            for job in in_order(jobs):
                if job.writes not in self.broken:
                    self.compute(job, full=False)

    def settle(self, jobs: Collection[Job]) -> None:
        """Decide what the night may decide, compute what that changed, and publish who serves.

        Who serves does not wait for a job that failed: a roll back must reach the services.
        """
        if not {job.writes for job in jobs}.issuperset(deciding.RESTS_ON):
            return
        record = StepRecord(name="decide", status="running")
        if why := tuple(dict.fromkeys(self.broken[table] for table in deciding.RESTS_ON if table in self.broken)):
            self.note(StepRecord(name="decide", status="skipped", why=why))
        else:
            with self.surviving(), self.step(record):
                deciding.decide(self.lake, self.run, record)
        if record.rows_out:
            for job in in_order(jobs):
                if job.writes not in self.broken:
                    self.compute(job, full=False)
        with self.surviving(), self.step(StepRecord(name="serve", status="running")) as record:
            deciding.serve(self.lake, self.run, record)

    def alert(self, jobs: Collection[Job]) -> None:
        """Tell of what somebody should know, even where other tables failed."""
        if tables.Alerts not in {job.writes for job in jobs}:
            return
        if tables.Alerts in self.broken:
            self.note(StepRecord(name="tell", status="skipped", why=(self.broken[tables.Alerts],)))
            return
        step = StepRecord(name="tell", status="running")
        with self.surviving(), self.step(step) as record, redact_within(self.lake, self.run):
            alerts.tell(self.lake, self.run, record)

    def leave(self, reports: Path | None) -> None:
        """Publish and report; not of tables that a failed job left behind, but for those of plug-ins, which only they show."""
        ours = [why for table, why in self.broken.items() if self.lake.declared.owner(table) is None]
        if ours:
            why = tuple(dict.fromkeys(ours))
            for name in ("publish", *(("report",) if reports is not None else ())):
                self.note(StepRecord(name=name, status="skipped", why=why))
            return
        self.run.stale_sources = stale_sources(self.lake)
        self.run.missing = missing_data(self.lake)
        with self.surviving(), self.step(StepRecord(name="publish", status="running")) as record:
            publish(self.lake, self.run, record, self.broken)
        if reports is not None:
            with self.surviving(), self.step(StepRecord(name="report", status="running")) as record:
                report(self.lake, self.run, record, reports, self.broken)
            if self.settings.reporting.agency:
                # Only here is it read, as it needs what lays out calendars.
                from kaizenlake.night import agency_reports

                with self.surviving(), self.step(StepRecord(name="agency", status="running")) as record:
                    agency_reports.report_nightly(self.lake, self.run, record, reports)

    def show(self, reports: Path | None) -> None:
        """Write the site, also where a job failed: it says what broke."""
        if reports is not None:
            with self.surviving(), self.step(StepRecord(name="site", status="running")) as record:
                site.show(self.lake, self.run, record, reports, self.broken)


@contextmanager
def _naming_plugin(lake: Lake, job: Job) -> Iterator[None]:
    """Name the file of the plug-in in whatever a job of it raises.

    Raises:
        JobFailedError: The job of a plug-in raised.
    """
    owner = lake.declared.owner(job.writes)
    try:
        yield
    except Exception as error:
        if owner is None:
            raise
        words = str(error) if isinstance(error, KaizenError) else f"{type(error).__name__}: {error}"
        line = line_of(error, str(Path(owner.where).resolve()))
        raise JobFailedError(
            f"Job {job.name!r} of plug-in {owner.plugin.name!r} failed: {words}{line}", where=owner.where
        ) from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """Raise `Stopped` on SIGTERM and SIGINT, so that a run told to stop leaves its record; main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        raise Stopped(signum)

    former = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
