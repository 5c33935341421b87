"""Gold table of findings: what the tables say, each in one sentence made of its figures."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import OfTenant, column, table
from kaizenlake.tables.outcome import SUBJECT_KINDS
from kaizenlake.vocabulary import Severity

ALERT_KINDS = {
    "degrading_doer": "The loss of an agent has risen above its baseline, by its control chart.",
    "version_change": "What a version of a policy did to the loss, against the version before it.",
    "broken_guardrail": "A guardrail that a candidate breaks.",
    "invalid_canary": "A canary whose comparison says nothing.",
    "rollback": "A version that was taken out of service.",
    "promotion_waiting": "A candidate that may be promoted and was not yet.",
    "shrinking_counts": "Records of a project on a platform that tell smaller totals to date than those of earlier days.",
    "unusual_source": "A source that sends other amounts, fields or sizes of numbers than it used to.",
}
"""Kinds of findings that may be an alert, and what they say."""

FINDING_KINDS = ALERT_KINDS | {
    "skill_term": "A term of the loss in which an agent is better or worse than the others of its tenant, or than it was.",
    "tested_pattern": "How posts with a pattern fare against the other posts of their experiments.",
    "observed_pattern": "How posts with a pattern fare against other posts, as they happened to be made.",
    **{f"{kind}_win_rate": f"How often a {kind} of one value is won, against the others." for kind in SUBJECT_KINDS},
    "tiers": "How many posts of a platform and type are good or excellent.",
    "best_content": "The best post of its group.",
    "brief_clarity": "How many briefs of a segment arrive clear.",
    "missing_data": "What tables need and the events of a source do not tell, so that the tables stay empty.",
    "silent_source": "A source that has sent nothing for longer than the settings allow.",
}
"""Every kind of finding, and what it says; the one list of them."""

MOST = 100
"""Most findings of a tenant and kind that are told by their strength; what is an alert is always told."""

SEVERITIES: tuple[str, ...] = get_args(Severity)


@table(layer="gold", grain=("tenant_id", "finding_id"))
class Findings(OfTenant):
    """One thing that the tables say: its figures, its verdict, what to do, and the one sentence in which all tell it."""

    finding_id: str = column("Finding: what it is of, by name; the same every night while it holds.")
    kind: str = column("What kind of finding it is.", isin=tuple(FINDING_KINDS))
    subject: str = column("What it is about, by name.")
    doer: str = column("Agent it is about; null where it is about none.", nullable=True, label="Agent")
    policy_id: str = column(
        "Policy it is about; null where it is about none, or about one without a name.", nullable=True
    )
    policy_version: str = column("Version of the policy; null where it is about none.", nullable=True)
    deployment_id: str = column("Shadow or canary it comes from; null where it comes from none.", nullable=True)
    window: str = column("Time that its figures are of, in words.")
    figures: str = column("Figures that its sentence shows, rounded as shown: a JSON object of numbers by name.")
    verdict: str = column("What they say, in a word or two.", format="verdict")
    severity: str = column(
        "How much it matters to somebody who must know; null for what is no alert.", nullable=True, isin=SEVERITIES
    )
    raised_on: pl.Date = column(
        "UTC date on which it began to hold, or happened; null for what is counted to date.",
        nullable=True,
        label="Since",
    )
    strength: float = column(
        "How strong it is among those of its kind, of which the strongest 100 of a tenant are kept: for a comparison the "
        "difference over the width of its interval, else what is counted; null where all of a kind are kept.",
        nullable=True,
        ge=0,
    )
    topic: str = column("What else measures the same thing, by name; null where nothing does.", nullable=True)
    remedy: str = column(
        "What can be done about it; null where nothing needs to be.",
        nullable=True,
        label="What to do",
        format="sentence",
    )
    sentence: str = column(
        "What is the matter, in a sentence with its figures and its window; one that names no days is to date.",
        label="What was found",
        format="sentence",
    )
