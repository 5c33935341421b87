"""Telling of alerts: into the run's record, into `published/alerts.json`, to the hook, by webhook and by e-mail, each alert once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Literal

import msgspec

from kaizenlake.lake.store import Lake
from kaizenlake.night import artifact
from kaizenlake.night.artifact import AlertRecord, DeliveryRecord, HookRecord, Run, StepRecord
from kaizenlake.night.telling.channels import Delivery
from kaizenlake.night.telling.mail import send_mail
from kaizenlake.night.telling.webhook import post_alerts
from kaizenlake.publish.signed.alerts import SCHEMA, VERSION, Alert, publish_alerts, standing
from kaizenlake.publish.signed.tenants import audiences
from kaizenlake.vocabulary import plural

OUTPUT = 2_000
"""Most characters of what a hook wrote that are kept."""


def tell(lake: Lake, run: Run, record: StepRecord) -> None:
    """Put the alerts on record, publish them, and tell those that were not told yet: by the hook, the webhook and e-mail.

    An alert is told once by each channel, however long it holds. Where one fails, the next run tells it again.

    Args:
        run: The run; its `alerts`, `hook` and `deliveries` are set.
        record: The step.
    """
    former = _former(lake, run)
    known, told = {_key(item) for item in former}, {_key(item) for item in former if item.is_told}
    found, written = list[Alert](), False
    for view in audiences(lake):
        of_tenant = standing(view.scan)
        written |= publish_alerts(view, of_tenant, as_of=run.as_of)
        artifact.of_tenant(run, view.tenant).alerts = len(of_tenant)
        found += of_tenant
    untold = tuple(alert for alert in found if _key(alert) not in told)
    settings = lake.settings.alerts
    if settings.hook and untold:
        run.hook = _run_hook(settings.hook, settings.hook_seconds, untold, run, lake)
        if run.hook.status == "done":
            told |= {_key(alert) for alert in untold}
    taken: dict[tuple[str | None, str], set[str]] = {_key(item): set(item.told_by) for item in former}
    for channel in _channels(lake):
        waiting = tuple(alert for alert in found if channel not in taken.get(_key(alert), ()))
        if not waiting:
            continue
        delivery = _deliver(channel, waiting, run, lake)
        run.deliveries = (*run.deliveries, delivery)
        if delivery.status == "done":
            for alert in waiting:
                taken.setdefault(_key(alert), set()).add(channel)
    run.alerts = tuple(
        AlertRecord(
            tenant_id=alert.tenant_id,
            alert_id=alert.alert_id,
            kind=alert.kind,
            severity=alert.severity,
            raised_on=alert.raised_on,
            words=alert.words,
            is_new=_key(alert) not in known,
            is_told=_key(alert) in told,
            told_by=tuple(sorted(taken.get(_key(alert), ()))),
        )
        for alert in found
    )
    record.rows_out = len(run.alerts)
    said = [("the hook", run.hook)] if run.hook is not None else []
    record.why = tuple(f"{name} was given {plural(made.alerts, 'alert')}: {made.status}" for name, made in said)
    record.why += tuple(
        f"the {made.channel} was given {plural(made.alerts, 'alert')}: {made.status}" for made in run.deliveries
    )
    if record.why:
        return
    if not written:
        record.status, record.why = "nothing to do", ("the alerts are those of the run before",)


Channel = Literal["webhook", "mail"]


def _channels(lake: Lake) -> Iterator[Channel]:
    """Yield the channels beside the hook by which the settings have alerts told."""
    rules = lake.settings.alerts
    if rules.webhook.get_secret_value():
        yield "webhook"
    if rules.mail_to:
        yield "mail"


def _deliver(channel: Channel, alerts: tuple[Alert, ...], run: Run, lake: Lake) -> DeliveryRecord:
    rules, began = lake.settings.alerts, time.perf_counter()
    try:
        if channel == "webhook":
            made = post_alerts(rules, alerts, as_of=run.as_of, run_id=run.run_id)
        else:
            made = send_mail(rules, alerts, as_of=run.as_of, now=datetime.now(UTC))
    except Exception as error:  # noqa: BLE001 - a server of others: whatever comes of it stops no night, and its words may hold a secret
        made = Delivery(f"it could not be told: {type(error).__name__}")
    return DeliveryRecord(
        channel=channel,
        status="failed" if made.error else "done",
        alerts=len(alerts),
        tries=made.tries,
        seconds=round(time.perf_counter() - began, 3),
        output=made.error,
    )


def _key(alert: Alert | AlertRecord) -> tuple[str | None, str]:
    """Return what tells an alert from all others."""
    return alert.tenant_id, alert.alert_id


def _former(lake: Lake, run: Run) -> tuple[AlertRecord, ...]:
    """Return alerts of the latest run that looked for them, this one aside."""
    found = (
        other.alerts
        for other in artifact.runs(lake.path("runs"))
        if other.run_id != run.run_id and other.alerts is not None
    )
    return next(found, ())


def _run_hook(command: tuple[str, ...], seconds: float, alerts: tuple[Alert, ...], run: Run, lake: Lake) -> HookRecord:
    """Run the command with the alerts as JSON on its input; without a shell, and ended with its children when late."""
    given = {
        "schema": SCHEMA,
        "version": VERSION,
        "lake": str(lake.root),
        "run_id": run.run_id,
        "as_of": run.as_of.isoformat(),
        "alerts": msgspec.to_builtins(alerts),
    }
    began = time.perf_counter()
    # Files, not pipes: a child that outlives the hook would keep a pipe open, and the night waiting.
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as errors:
        told.write(json.dumps(given, ensure_ascii=False).encode())
        told.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is of the team's own settings
                command, stdin=told, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True, cwd=lake.path()
            )
        except (OSError, ValueError) as error:
            return HookRecord(status="failed", alerts=len(alerts), output=f"It could not be started: {error}."[:OUTPUT])
        try:
            code: int | None = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return HookRecord(
            status="timed out" if code is None else "failed" if code else "done",
            alerts=len(alerts),
            exit_code=code,
            seconds=round(time.perf_counter() - began, 3),
            output=_end(errors),
        )


def _end(file: IO[bytes]) -> str:
    """Return the last characters of what was written."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 4 * OUTPUT))
    return file.read().decode("utf-8", "replace")[-OUTPUT:]
