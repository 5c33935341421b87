"""Gold table of alerts: what somebody should know of doers, policies, canaries and records."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import OfTenant, column, table
from kaizenlake.tables.finding import ALERT_KINDS
from kaizenlake.vocabulary import Severity

KINDS = tuple(ALERT_KINDS)
SEVERITIES: tuple[str, ...] = get_args(Severity)


@table(layer="gold", grain=("tenant_id", "alert_id"))
class Alerts(OfTenant):
    """Something that somebody should know: it holds now, or happened in the last 30 days."""

    alert_id: str = column("Alert: what it is of, by name; the same every night, so that it is told once.")
    kind: str = column("What it is about.", isin=KINDS)
    severity: str = column("info: somebody may act; warning: look at it; critical: harm is done.", isin=SEVERITIES)
    doer: str = column("Agent it is about; null where it is about none, but about records.", nullable=True)
    policy_id: str = column(
        "Policy it is about; null for an agent as a whole, and where it is about none.", nullable=True
    )
    policy_version: str = column("Version of that policy; null where the policy is.", nullable=True)
    deployment_id: str = column("Shadow or canary it comes from; null where it comes from none.", nullable=True)
    raised_on: pl.Date = column("UTC date on which it began to hold, or happened.")
    words: str = column("What is the matter, in a sentence with its numbers.")
