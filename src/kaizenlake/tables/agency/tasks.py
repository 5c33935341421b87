"""Gold tables of brands and of the tasks for them."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table
from kaizenlake.vocabulary import PRIORITIES, Risk, TaskStatus

TASK_STATUSES: tuple[str, ...] = get_args(TaskStatus)


@table(layer="gold", grain=("tenant_id", "brand_id"))
class Brands(OfTenant):
    """One brand, as it was described last: what executors, calendars and reports know of it."""

    brand_id: str = column("Brand, as performance and tasks name it.", label="Brand")
    name: str = column("Name of the brand, as its clients know it.")
    offer: str = column("What it sells; null where not told.", nullable=True)
    audience: str = column("Whom it speaks to; null where not told.", nullable=True)
    voice: str = column("How it speaks; null where not told.", nullable=True)
    competitors: Words = column("Brands it is compared with.")
    claims: Words = column("Claims that may be made of it; no other is.")
    zone: str = column("Time zone it works in; UTC where not told.")
    holidays: Words = column("Days on which it does not work, such as 2026-12-25.")
    logo: str = column("File or address of its logo; null where not told.", nullable=True)
    projects: Words = column("Projects that are done for it.")
    described_at: Instant = column("When it was described last.")


@table(layer="gold", grain=("tenant_id", "task_id"))
class Tasks(OfTenant):
    """One task for a brand as it stands: what it is, why, who approved it, when it runs and what came of it."""

    task_id: str = column("Task, by a name of its own.", label="Task")
    brand_id: str = column("Brand it is for.", label="Brand")
    task_type: str = column("What it does, such as email_rewrite.", label="Type", format="words")
    priority: str = column("How much it matters.", isin=tuple(PRIORITIES))
    status: str = column("Where it stands.", isin=TASK_STATUSES, label="State", format="verdict")
    status_since: Instant = column("Since when it stands there.", label="Since", format="day")
    decided_by: str = column("Who took its last step: a person, the night or a scheduler.", label="By")
    reason: str = column("Why the last step was taken, in words; null where not told.", nullable=True)
    steps: pl.Int64 = count("Steps since it was proposed.")
    proposed_at: Instant = column("When it was proposed.")
    proposed_by: str = column("Who proposed it.")
    proposal_reason: str = column("Why it was proposed, in words; null where not told.", nullable=True)
    confidence_rate: float = rate("How sure the evidence makes it; null where not told.", nullable=True)
    risk: str = column(
        "How much harm it could do; null where not told, taken for high.", nullable=True, isin=get_args(Risk)
    )
    inputs: str = column("What it is to be done with, as JSON; null for nothing.", nullable=True)
    depends_on: Words = column("Tasks that run before it.")
    deadline_at: Instant = column("Instant by whose day it should run; null without one.", nullable=True)
    window_ends_at: Instant = column("Last instant at which it may run; null for any.", nullable=True)
    resource: str = column("What it needs for itself while it runs; null for nothing.", nullable=True)
    cause: str = column("What it was proposed for; null where not told.", nullable=True)
    approved_at: Instant = column("When it was approved last; null where it is not.", nullable=True)
    approved_by: str = column("Who approved it last; null where nobody did.", nullable=True)
    is_auto_approved: bool = column("A setting approved it; null where nobody did.", nullable=True)
    approver_key_id: str = column("Key by which the approval is signed; null without one.", nullable=True)
    run_at: Instant = column("When it is to run, as it was scheduled last; null where it was not.", nullable=True)
    claim_id: str = column("Run of a scheduler that holds or held it; null for none.", nullable=True)
    lease_ends_at: Instant = column("Instant until which that holds; null for none.", nullable=True)
    runs_count: pl.Int64 = count("Times that it was begun.")
    execution_id: str = column("Its latest execution; null for none.", nullable=True)
    output: str = column("What came of it last, as JSON; null for nothing yet.", nullable=True)
