"""A decision as an event of the tenant it was taken for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from kaizenlake.errors import KaizenError
from kaizenlake.events.envelope import FUTURE_HOURS
from kaizenlake.events.write.log import Line, event_line
from kaizenlake.lake.store import Lake


def not_before(now: datetime, latest: object, what: str) -> datetime:
    """Return the time of a decision: now, or by a clock that is behind the time of the latest one before it.

    Args:
        now: What the clock of this machine says.
        latest: Time of the latest decision before it; anything else where there is none.
        what: That decision in words, such as "decision on planner".

    Raises:
        KaizenError: The clock is behind by more than a day.
    """
    at = max(now, latest) if isinstance(latest, datetime) else now
    if at - now > timedelta(hours=FUTURE_HOURS):
        raise KaizenError(
            f"It is {now:%Y-%m-%d %H:%M} UTC here, and the latest {what} is of {at:%Y-%m-%d %H:%M} UTC.",
            hint="Set the clock of this machine right.",
        )
    return at


def decision_line(
    lake: Lake,
    event_type: str,
    payload: Mapping[str, Any],
    *,
    event_id: str,
    occurred_at: datetime,
    metadata: Mapping[str, Any] | None = None,
) -> Line:
    """Make the event of a decision.

    Args:
        lake: The lake, as the tenant has it that it is decided for.
        payload: What was decided.
        event_id: Name of the event, unique within the tenant. In the lake it is unique by the tenant's own mark before it,
            which the events without a tenant do not have.
        occurred_at: When it was decided.
        metadata: What is kept with it.
    """
    mark = "" if lake.tenant is None else f"{sha256(lake.tenant.encode()).hexdigest()[:16]}-"
    return event_line(
        event_type,
        payload,
        event_id=f"{mark}{event_id}",
        occurred_at=occurred_at,
        tenant_id=lake.tenant,
        is_decision=True,
        metadata=metadata,
    )
