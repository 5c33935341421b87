"""Task events: what is proposed for brands, decided of it and done; only commands append them."""

from __future__ import annotations

from typing import Annotated, Any

from kaizenlake.events.values.fields import Document, Instant, Key, Keys, Payload, Rate, Word, says
from kaizenlake.vocabulary import Priority, Risk, TaskStatus


class _TaskStep(Payload, frozen=True, kw_only=True):
    """What every step of a task says."""

    task_id: Annotated[Key, says("Task, by a name of its own.")]
    brand_id: Annotated[Key, says("Brand it is for.")]
    to_status: Annotated[TaskStatus, says("Where it stands from then on.")]
    decided_by: Annotated[Key, says("Who took the step: a person, the night or a scheduler.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None
    system_user: Annotated[Key | None, says("Name under which the operating system knows who ran the command.")] = None


class TaskProposed(_TaskStep, frozen=True, kw_only=True):
    """A task was proposed, and waits for a person."""

    task_type: Annotated[Key, says("What it does, such as email_rewrite.")]
    priority: Annotated[Priority, says("How much it matters.")]
    confidence_rate: Annotated[Rate | None, says("How sure the evidence makes it.")] = None
    risk: Annotated[Risk | None, says("How much harm it could do; taken for high where not given.")] = None
    inputs: Annotated[dict[str, Any] | None, says("What it is to be done with, such as a focus.")] = None
    depends_on: Annotated[Keys, says("Tasks that run before it.")] = []
    deadline_at: Annotated[Instant | None, says("Instant by whose day it should run.")] = None
    window_ends_at: Annotated[Instant | None, says("Last instant at which it may run.")] = None
    resource: Annotated[Key | None, says("What it needs for itself while it runs.")] = None
    cause: Annotated[Key | None, says("What it was proposed for, so that nothing is proposed twice.")] = None


class TaskMoved(_TaskStep, frozen=True, kw_only=True):
    """A task went a step further."""

    from_status: Annotated[TaskStatus, says("Where it stood before.")]
    is_automatic: Annotated[bool, says("A setting took the step, not a person.")] = False
    approver_key_id: Annotated[
        Key | None, says("Key of the person by which an approval is signed; not given where it is not.")
    ] = None
    approver_signature: Annotated[Word | None, says("Signature by that key, in base64.")] = None
    due_at: Annotated[Instant | None, says("When it is to run, of one that is scheduled.")] = None
    claim_id: Annotated[Key | None, says("Run of a scheduler that holds it, of one in progress.")] = None
    lease_ends_at: Annotated[Instant | None, says("Instant until which it is held.")] = None
    execution_id: Annotated[Key | None, says("Execution, which effects carry as their key.")] = None
    output: Annotated[Document | None, says("What came of it, as JSON.")] = None
