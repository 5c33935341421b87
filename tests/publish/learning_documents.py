"""The reports on learning out of literal frames: a canary, the audit, and the Kaizen report with its section."""

from __future__ import annotations

import json

import polars as pl

from kaizenlake import tables
from kaizenlake.jobs.alerts.alerts import alerts
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.report.audit import audit_report
from kaizenlake.report.audit.audit_data import build as build_audit
from kaizenlake.report.canary import canary_report
from kaizenlake.report.canary.canary_data import build as build_canary
from kaizenlake.report.kaizen.kaizen_data import build
from kaizenlake.report.kaizen.sections import build_document
from kaizenlake.tables import Alerts, CanaryLooks, ExperimentSuccess, Findings, PolicyPromotions
from publish import hostile_frames
from publish.hostile_frames import HOSTILE, TIED
from publish.learning_frames import CANARY, PUBLIC, learning
from publish.report_frames import AS_OF, scan_of

HOSTILE_CANARY = TIED + CANARY


def frames():
    """Frames of every table that the reports on learning read, with the alerts that follow from them."""
    held = learning()
    told = findings(
        *(held.get(table, tables.empty(table).collect()).lazy() for table in findings.reads), as_of=AS_OF
    ).collect()
    return held | {Findings: told, Alerts: alerts(told.lazy(), as_of=AS_OF).collect()}


def hostile():
    """The same with hostile text in every free string column, and in the JSON of gates and guardrails."""
    tied = {"deployment_id", "policy_id", "policy_version", "control_version", "candidate_versions", "doer"}
    found = frames()
    whole = found.pop(ExperimentSuccess)
    held = hostile_frames.hostile(found, tied=tied, kept={"guardrails", "gates", "cut"})
    held |= hostile_frames.hostile({ExperimentSuccess: whole}, kept={"doer"})
    gates = json.dumps({"gates": [{"gate": HOSTILE[0], "passed": False, "found": HOSTILE[3] + HOSTILE[1]}]})
    given = pl.col("gates").is_not_null()
    held[PolicyPromotions] = held[PolicyPromotions].with_columns(gates=pl.when(given).then(pl.lit(gates)))
    guards = json.dumps(
        [{"metric": HOSTILE[0], "margin": 0.1, "effect": 0.1, "lower": 0.0, "upper": 0.2, "verdict": "held"}]
    )
    held[CanaryLooks] = held[CanaryLooks].with_columns(guardrails=pl.lit(guards))
    return held


def canary_of(held, deployment=CANARY, as_of=AS_OF):
    """The report of a canary out of the tables."""
    return canary_report.build_document(build_canary(scan_of(held), deployment, as_of=as_of))


def audit_of(held):
    """The audit out of the tables."""
    return audit_report.build_document(build_audit(scan_of(held), PUBLIC, as_of=AS_OF))


def made(held, deployment=CANARY):
    """The three documents of a lake."""
    return {
        "canary": canary_of(held, deployment),
        "audit": audit_of(held),
        "kaizen": build_document(build(scan_of(held), as_of=AS_OF)),
    }
