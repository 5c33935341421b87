"""Between the figures and what leaves: what the night decides of shadows and canaries, and who serves from then on."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

from kaizenlake.decide.agency.feedback import FeedbackLoop
from kaizenlake.decide.canaries import nights
from kaizenlake.decide.policies import policies
from kaizenlake.errors import KaizenError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of, views
from kaizenlake.lake.upkeep.versions import find_changed_keys
from kaizenlake.night import artifact
from kaizenlake.night.artifact import Run, RunFailure, StepRecord
from kaizenlake.publish.signed.policies import PLACE, Served, publish_policies
from kaizenlake.publish.signed.signed_folder import FOLDER
from kaizenlake.publish.signed.tenants import audiences
from kaizenlake.tables import Anomalies, CanaryLooks, Deployments, PerformanceSnapshots, Policies, Tasks, full_name

RESTS_ON = (Policies, Deployments, CanaryLooks)
"""Tables that decisions rest on; a night that could not compute them decides nothing."""

MOST_RUNS = 50
"""Earlier runs among which the last is looked for that proposed."""

PROPOSALS_REST_ON = (PerformanceSnapshots, Anomalies, Tasks)
"""Tables that proposals rest on."""


def decide(lake: Lake, run: Run, record: StepRecord) -> None:
    """Decide what the night may decide by itself; nothing where no deployment runs or none asks for it."""
    now, decided, waiting = datetime.now(UTC), list[str](), list[str]()
    for view in views(lake):
        done = nights.night(view, as_of=run.as_of, now=now)
        decided += [name_tenant(view, words) for words in done.decided]
        waiting += [name_tenant(view, words) for words in done.waiting]
        artifact.of_tenant(run, view.tenant).decisions = len(done.decided)
    record.why = (*decided, *waiting)
    record.rows_out = len(decided)
    if not decided:
        record.status = "nothing to do"
        record.why = record.why or ("no shadow or canary runs",)


def propose(lake: Lake, run: Run, record: StepRecord) -> None:
    """Propose tasks for brands with alarms and changed days; of a brand that fails it is said so, and the others go on.

    Days changed if they are others than those at which proposals were last made, whichever night that was.
    """
    table, now = full_name(PerformanceSnapshots), lake.version(PerformanceSnapshots)
    since = _find_proposed_from(lake, run, record.name, table)
    if not lake.settings.feedback.nightly or now is None or now == since:
        record.status = "nothing to do"
        is_off = not lake.settings.feedback.nightly
        record.why = ("the setting feedback.nightly is off" if is_off else "no day of a brand changed",)
        record.reads = {} if is_off or now is None else {table: now}
        return
    made, said, failed = 0, list[str](), len(run.errors)
    for view in views(lake):
        loop = FeedbackLoop(view)
        changed = None if since is None else find_changed_keys(view, PerformanceSnapshots, "brand_id", since)
        alarmed = loop.brands_with_alarms()
        for result in loop.run_all([brand for brand in alarmed if changed is None or brand in changed]):
            made += len(result.tasks_created)
            said += [name_tenant(view, f"proposed {task} for {result.brand_id}") for task in result.tasks_created]
            run.errors += [
                RunFailure(
                    step=record.name,
                    code=KaizenError.code,
                    message=name_tenant(view, f"Nothing is proposed for {result.brand_id}: {words}"),
                )
                for words in result.errors
            ]
    record.rows_out, record.why = made, tuple(said)
    # Where a brand failed, the next night looks at all of them again.
    record.reads = {table: now} if len(run.errors) == failed else {}
    if not made:
        record.status, record.why = "nothing to do", ("no alarm asks for a task that there is not",)


def _find_proposed_from(lake: Lake, run: Run, step: str, table: str) -> int | None:
    """Return the version of a table from which an earlier night proposed last; None where none is on record."""
    former = islice(artifact.runs(lake.path("runs")), MOST_RUNS)
    found = (told for other in former if other.run_id != run.run_id and (told := other.step(step)) is not None)
    return next((told.reads[table] for told in found if told.status != "failed" and table in told.reads), None)


def serve(lake: Lake, run: Run, record: StepRecord) -> None:
    """Publish the policies of doers; nothing where there are none, or what is published still says so."""
    served = [view for view in audiences(lake) if has_policies(view)]
    if not served:
        record.status, record.why = "nothing to do", ("there is no policy",)
        return
    written = 0
    for view in served:
        done = _publish(view)
        written += done.written
        record.why = (*record.why, *(name_tenant(view, words) for words in done.left_out))
        run.errors += [
            RunFailure(
                step=record.name,
                code=VerificationError.code,
                message=name_tenant(view, f"It is not served: {words}"),
            )
            for words in done.unverified
        ]
    if written:
        record.rows_out = written
    else:
        record.status = "nothing to do"
        record.why = (*record.why, "the policies that are published still hold")


def running(lake: Lake) -> tuple[str, ...]:
    """Return shadows and canaries that ran when the last night looked."""
    return tuple(lake.scan(Deployments).filter(status="running").collect()["deployment_id"].sort())


def publish_as_decided(lake: Lake) -> Served:
    """Publish the policies of doers by every decision there is at this moment, whatever the last night has seen.

    Args:
        lake: The lake, as the tenant has it that was decided for.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A table cannot be read, or a file cannot be written.
        VerificationError: A decision that was taken is missing; what is published stays.
    """
    audiences(lake)
    # The first decision for a tenant makes it one of several; one that names none belongs to the founder.
    found = decisions.find_believed(lake)
    tenant = lake.tenant if lake.tenant is not None or None in found.tenants else found.founder
    return _publish(view_of(lake.whole, tenant or "", may_be_new=True))


def name_tenant(view: Lake, words: str) -> str:
    """Return words of a record, with the tenant they are of where there are several."""
    if not view.is_walled:
        return words
    return f"tenant {view.tenant}: {words}" if view.tenant is not None else f"events without a tenant: {words}"


def _publish(lake: Lake) -> Served:
    decisions.ledger(lake).check_whole()
    state = policies.state(lake)
    return publish_policies(lake, state.policies, state.deployments, generated_at=datetime.now(UTC))


def has_policies(lake: Lake) -> bool:
    """Return whether there is anything to serve: versions of policies, or files of them that may have to change."""
    return lake.path(FOLDER, PLACE).is_dir() or lake.rows(Policies) > 0
