"""Between the figures and what leaves: what the night decides of shadows and canaries, and who serves from then on."""

from __future__ import annotations

from datetime import UTC, datetime

from kaizenlake.decide import nights, policies
from kaizenlake.errors import VerificationError
from kaizenlake.lake import decisions
from kaizenlake.lake.store import Lake
from kaizenlake.night.artifact import Failure, Run, StepRecord
from kaizenlake.publish.folder import FOLDER
from kaizenlake.publish.policies import PLACE, Served, publish_policies
from kaizenlake.tables import CanaryLooks, Deployments, Policies

RESTS_ON = (Policies, Deployments, CanaryLooks)
"""Tables that decisions rest on; a night that could not compute them decides nothing."""


def decide(lake: Lake, run: Run, record: StepRecord) -> None:
    """Decide what the night may decide by itself; nothing where no deployment runs or none asks for it."""
    done = nights.night(lake, as_of=run.as_of, now=datetime.now(UTC))
    record.why = (*done.decided, *done.waiting)
    record.rows_out = len(done.decided)
    if not done.decided:
        record.status = "nothing to do"
        record.why = record.why or ("no shadow or canary runs",)


def serve(lake: Lake, run: Run, record: StepRecord) -> None:
    """Publish the policies of doers; nothing where there are none, or what is published still says so."""
    if not has_policies(lake):
        record.status, record.why = "nothing to do", ("there is no policy",)
        return
    done = publish_as_decided(lake)
    record.why = done.left_out
    if done.written:
        record.rows_out = done.written
    else:
        record.status = "nothing to do"
        record.why = (*done.left_out, "the policies that are published still hold")
    run.errors += [
        Failure(step=record.name, code=VerificationError.code, message=f"It is not served: {words}")
        for words in done.unverified
    ]


def running(lake: Lake) -> tuple[str, ...]:
    """Shadows and canaries that ran when the last night looked."""
    return tuple(lake.scan(Deployments).filter(status="running").collect()["deployment_id"].sort())


def publish_as_decided(lake: Lake) -> Served:
    """Publish the policies of doers by every decision there is at this moment, whatever the last night has seen.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A table cannot be read, or a file cannot be written.
        VerificationError: A decision that was taken is missing; what is published stays.
    """
    decisions.ledger(lake).check_whole()
    state = policies.state(lake)
    return publish_policies(lake, state.policies, state.deployments, generated_at=datetime.now(UTC))


def has_policies(lake: Lake) -> bool:
    """Whether there is anything to serve: versions of policies, or files of them that may have to change."""
    return lake.path(FOLDER, PLACE).is_dir() or lake.rows(Policies) > 0
