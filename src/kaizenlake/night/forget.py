"""Forget a person or client: out of every table, file and document, with a proof that nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kaizenlake import signing
from kaizenlake.decide.record.command_words import check_texts
from kaizenlake.errors import GateError, JobFailedError, LakeError, UsageError, VerificationError
from kaizenlake.lake import files, lock
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys, tombstones
from kaizenlake.lake.trust.subjects import Subject, read_subject
from kaizenlake.lake.trust.tenants import tenants, view_of
from kaizenlake.lake.upkeep import erase_events as events
from kaizenlake.lake.upkeep import erase_files
from kaizenlake.lake.upkeep.erase_events import Decider
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.night import artifact
from kaizenlake.night.run import Watch, next_midnight, nightly
from kaizenlake.publish.signed.documents import prune
from kaizenlake.publish.signed.tenants import audiences
from kaizenlake.vocabulary import plural

FOLDER = "forgotten"
"""Folder of a lake with the proofs, one for each subject."""

SCHEMA = "kaizen-forgotten"


@dataclass(frozen=True)
class ForgetPlan:
    """What would be removed.

    Args:
        by_type: Events by their type.
        mentions: Those of them in which another text than its field names the subject.
        decisions: Those of them that are signed decisions.
        days: Days that are rewritten.
        tables: Tables of silver and gold that name it.
        files: Other files that name it.
    """

    by_type: dict[str, int]
    mentions: int
    decisions: int
    days: int
    tables: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Forgotten:
    """What was removed.

    Args:
        events: Events, decisions included.
        quarantined: Quarantined lines.
        files: Landed files, records and published files that were changed or removed.
        report_days: Days whose reports were removed.
        proof: The signed proof.
    """

    events: int
    quarantined: int
    files: int
    report_days: int
    proof: Path


def find_subject(lake: Lake, text: str, tenant: str | None = None) -> Subject:
    """Return the subject that `KIND=ID` names in a lake.

    Args:
        text: The words.
        tenant: Tenant whose events are meant; needed where there are several, unless a tenant is to be forgotten.

    Raises:
        UsageError: It names none, or there is no such tenant.
        TenantNeededError: The lake has several tenants, and none was named.
    """
    subject = read_subject(text, lake.declared.catalogue)
    if len(tenants(lake)) <= 1 or (subject.field == "tenant_id" and tenant is None):
        return subject
    view = view_of(lake, tenant)
    return Subject(subject.field, subject.name, view.tenant, is_of_tenant=True)


def plan_forgetting(lake: Lake, subject: Subject, reports: Path) -> ForgetPlan:
    """Say what would be removed; nothing is written.

    Args:
        reports: Folder of the reports.
    """
    found = events.find_events(lake, subject)
    traces = erase_files.find_traces(lake, subject, reports)
    return ForgetPlan(
        found.by_type,
        found.mentions,
        found.decisions.height,
        len(found.days),
        erase_files.find_waiting(lake, subject),
        tuple(path for path in traces if not path.endswith(".parquet") or "landing" in Path(path).parts),
    )


def forget(
    lake: Lake,
    subject: Subject,
    who: Decider,
    *,
    reports: Path,
    watch: Watch | None = None,
    progress: Callable[[str], None] | None = None,
) -> Forgotten:
    """Remove a subject from a lake, its publications and reports, make the figures again, and prove it.

    Killed at any moment, the same call goes on where it stopped.

    Args:
        who: Who decides, why, and what may be removed besides.
        reports: Folder of the reports.
        watch: Told of each step of the night that makes the figures again.
        progress: Told what is done next, in words.

    Raises:
        UsageError: The reason names the subject.
        GateError: More than its field says would be removed, and nobody consented.
        LockedError: A night or a landing runs.
        VerificationError: The lake is not as it was signed, or something still names the subject.
        JobFailedError: The figures could not be made again.
    """
    check_texts(by=who.by, reason=who.reason)
    if any(subject.is_in((text or "").encode()) for text in (who.by, who.reason, who.system_user)):
        raise UsageError("Who asks, or the reason, names the subject itself: it would stay in the decision.")
    if not isinstance(lake.root, Path):
        raise LakeError("Only a lake in a folder can be searched to its last byte.", where=str(lake.root))
    tell = progress or (lambda _: None)
    with lock.hold(lake.path(), "kaizen forget"):
        found = events.find_events(lake, subject)
        if found.mentions and not who.takes_mentions:
            raise GateError(
                f"{plural(found.mentions, 'event')} of {len(found.rows):,} {'names' if found.mentions == 1 else 'name'} it "
                f"elsewhere than in {subject.field}, and would be removed too.",
                hint="`kaizen forget --plan` lists them by type; --mentions removes them.",
            )
        tell("Removing its events")
        removed = events.erase_events(lake, subject, who)
        quarantined = events.erase_quarantine(lake, subject)
        changed = erase_files.erase_landed(lake, subject)
        days = erase_files.erase_reports(reports, subject)
    tell("Making the figures again")
    last = next(artifact.runs(lake.path("runs")), None)
    as_of = next_midnight(datetime.now(UTC)) if last is None else last.as_of
    run = nightly(lake, as_of=as_of, command="forget", reports=reports, watch=watch)
    if run.errors:
        raise JobFailedError(
            f"The figures could not be made again: {run.errors[0].message}",
            where=run.errors[0].step,
            hint="Put it right, then give the same command again: it goes on.",
        )
    with lock.hold(lake.path(), "kaizen forget"):
        tell("Removing older versions")
        maintain(lake, keep=timedelta(0))
        for view in audiences(lake):
            prune(view)
        changed += erase_files.erase_records(lake, subject)
        tell("Searching every byte")
        left = erase_files.find_traces(lake, subject, reports)
        if left:
            raise VerificationError(
                f"{plural(len(left), 'file')} still {'names' if len(left) == 1 else 'name'} it, such as {left[0]}.",
                hint="Files of your own, such as mappings and settings, are yours to change; then give the same command again.",
            )
        proof = _prove(lake, subject, who)
    return Forgotten(removed, quarantined, changed, days, proof)


def _prove(lake: Lake, subject: Subject, who: Decider) -> Path:
    """Write and sign that nothing is left; it names the subject by its hash alone."""
    mark = tombstones.mark_subject(tombstones.make_secret(lake), subject)
    signed: dict[str, Any] = {
        "schema": SCHEMA,
        "version": 1,
        "subject_mark": mark,
        "subject_kind": subject.field or "text",
        "decided_by": who.by,
        "searched_at": datetime.now(UTC).isoformat(),
        "versions": dict(sorted(_versions(lake).items())),
        "found": 0,
    }
    content = {"signed": signed, "signature": signing.sign(signed, keys.private_key(lake))}
    path = lake.path(FOLDER, f"{tombstones.name_short(mark)}.json")
    files.write_text(path, json.dumps(content, indent=1) + "\n")
    return path


def _versions(lake: Lake) -> dict[str, int]:
    return {state.name: state.version for state in lake.describe() if state.version is not None}
