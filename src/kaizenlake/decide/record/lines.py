"""A decision as an event of the tenant it was taken for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from kaizenlake.events.write.log import Line, event_line
from kaizenlake.lake.store import Lake


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
