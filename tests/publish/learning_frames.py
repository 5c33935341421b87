"""Literal frames of the tables of learning: a canary of two candidates over twenty nights, and the policies around it."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import NormalDist

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kaizenlake.tables import (
    CanaryLooks,
    CanarySegments,
    CrlTrends,
    Deployments,
    Experiments,
    ExperimentSuccess,
    Policies,
    PolicyPerformance,
    PolicyPromotions,
)
from publish.policy_frames import deployment, row_of
from publish.report_frames import frame

START = datetime(2026, 2, 10, 9, tzinfo=UTC)
NIGHTS = 20
CANARY = "planner-2026-02"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()

NORMAL = NormalDist()
SEED = 7


def deployments():
    canary = deployment(
        CANARY,
        "2.0.0",
        {"2.1.0": 0.1, "2.2.0": 0.1},
        unit_name="project",
        salt="spring",
        horizon_nights=21,
        guardrail_metrics=["security_criticals", "cost_usd"],
        settings_guardrails=["security_criticals"],
        guardrail_margins=[0.05, 0.02],
        started_at=START,
        started_by="ana",
        reason="Shorter plans, and plans with a critic.",
        looks_count=NIGHTS,
    )
    shadow = canary | {
        "deployment_id": "coder-shadow",
        "policy_id": "coder",
        "doer": "coder",
        "deployment_mode": "shadow",
        "status": "ended",
        "control_version": "1.4.0",
        "candidate_versions": ["1.5.0"],
        "candidate_shares": [0.0],
        "ended_at": START + timedelta(days=3),
        "result": "validated",
        "ended_by": "ana",
        "reason": "Validated in the shadow.",
        "looks_count": 3,
    }
    return frame(Deployments, [canary, shadow])


def _guardrails(version, look, units):
    width = 0.4 / math.sqrt(units)
    cost = 0.034 if version == "2.2.0" else 0.004
    told = [
        ("security_criticals", 0.05, 0.006, 3.0 * width),
        ("cost_usd", 0.02, cost + 0.02 / look, 0.8 * width),
    ]
    return [
        {
            "metric": metric,
            "margin": margin,
            "units": units,
            "units_control": 8 * units,
            "effect": effect,
            "lower": effect - wide,
            "upper": effect + wide,
            "verdict": "broken" if effect - wide > margin else "held" if effect + wide < margin else "unclear",
        }
        for metric, margin, effect, wide in told
    ]


def looks():
    rows = []
    for number, (version, true) in enumerate((("2.1.0", -0.024), ("2.2.0", -0.002))):
        random, total, crossed, always, broken = Random(SEED + number), 0.0, None, 1.0, []
        for look in range(1, NIGHTS + 1):
            total += true + random.gauss(0, 0.15 * math.sqrt(1 / 45 + 1 / 360))
            units, control = 45 * look - number * 3, 360 * look - 11
            error = 0.15 * math.sqrt(1 / units + 1 / control)
            effect = total / look
            enough = units >= 100
            wide = error * math.sqrt(2 * math.log(20) + math.log(look + 4)) * 1.04
            p = 2 * NORMAL.cdf(-abs(effect) / error)
            boundary = 0.025 * (look / 21) ** 2
            held = min(1.0, 1.05 * p)
            always = min(always, 1.0, 6 * p)
            if crossed is None and enough and held <= boundary and effect < 0:
                crossed = look
            guards = _guardrails(version, look, units)
            broken = sorted({*broken, *(item["metric"] for item in guards if item["verdict"] == "broken")})
            verdict = "insufficient" if not enough else "rollback" if broken else "promote" if crossed else "continue"
            rows.append(
                {
                    "policy_version": version,
                    "look": look,
                    "looked_on": START.date() + timedelta(days=look - 1),
                    "runs": units * 3,
                    "runs_control": control * 3,
                    "runs_without_unit": 7,
                    "runs_failed": 3,
                    "runs_failed_control": 1,
                    "runs_without_loss": 2,
                    "runs_without_loss_control": 0,
                    "units_without_loss": 1,
                    "units_without_loss_control": 0,
                    "units_not_run": 0,
                    "units_not_run_control": 0,
                    "missing_share": 0.01,
                    "missing_share_control": 0.0,
                    "missing_p": 0.4,
                    "units": units,
                    "units_control": control,
                    "units_mixed": 2,
                    "units_misrouted": 0,
                    "mean_loss": 0.241 + effect,
                    "mean_loss_control": 0.241,
                    "effect": effect,
                    "ci_low": effect - 1.96 * error,
                    "ci_high": effect + 1.96 * error,
                    "sequential_ci_low": effect - wide if enough else None,
                    "sequential_ci_high": effect + wide if enough else None,
                    "lift": effect / 0.241,
                    "lift_ci_low": (effect - 1.96 * error) / 0.241,
                    "lift_ci_high": (effect + 1.96 * error) / 0.241,
                    "p_value": p,
                    "p_always_valid": always if enough else None,
                    "alpha_spent": 0.05 * (look / 21) ** 2,
                    "boundary_p": boundary if enough else None,
                    "p_boundary": held if enough else None,
                    "crossed_on_look": crossed,
                    "shrunk_effect": effect * 0.8,
                    "cuped_explained": 0.12,
                    "sample_ratio_p": 0.62,
                    "guardrails": json.dumps(guards),
                    "guardrails_broken": broken,
                    "power_so_far": min(0.99, look / 22),
                    "nights_needed": max(0.0, 16.0 - look),
                    "verdict": verdict,
                    "reason": _reason(verdict, effect, units, held, boundary, crossed, broken),
                }
            )
    shared = {"deployment_id": CANARY, "deployment_mode": "canary", "policy_id": "planner", "doer": "planner"}
    return frame(CanaryLooks, rows, control_version="2.0.0", **shared)


def _reason(verdict, effect, units, held, boundary, crossed, broken):
    return {
        "insufficient": f"The smaller arm has {units} units of the 100 needed.",
        "rollback": f"The guardrail {', '.join(broken)} is broken: its increase exceeds the margin on all nights at once.",
        "promote": f"The loss is lower by {-effect:.4f}: p {held:.4f} against {boundary:.4f}, crossed on night {crossed}.",
        "continue": f"The effect of {effect:+.4f} is not told apart: p {held:.4f} against {boundary:.4f}.",
    }[verdict]


def segments():
    shared = {"deployment_id": CANARY, "look": NIGHTS, "units": 160, "units_control": 1290}
    rows = [
        ("2.1.0", "segment", "retail", -0.031, -0.024, 0.004, 0.02, "better"),
        ("2.1.0", "segment", "healthcare", 0.011, -0.004, 0.41, 0.55, "unclear"),
        ("2.1.0", "phase", "draft", -0.02, -0.018, 0.09, 0.15, "unclear"),
        ("2.2.0", "segment", "retail", 0.029, 0.021, 0.003, 0.02, "worse"),
        ("2.2.0", "segment", "healthcare", None, None, None, None, "unclear"),
    ]
    names = ("policy_version", "dimension", "value", "effect", "shrunk_effect", "p_always_valid", "q_value", "verdict")
    return frame(CanarySegments, [dict(zip(names, row, strict=True)) for row in rows], **shared)


def document(version, parent_sha256):
    policy = "planner" if version[0] == "2" else "coder"
    return {
        "policy_id": policy,
        "policy_version": version,
        "doer": policy,
        "phase": "draft" if policy == "coder" else None,
        "parent_sha256": parent_sha256,
        "prompts": {"system": f"Plan well, version {version}."},
    }


def policies():
    rows = []
    parents = {"2.0.0": None, "2.1.0": "2.0.0", "2.2.0": "2.0.0", "1.4.0": None, "1.5.0": "1.4.0"}
    statuses = {"2.0.0": "active", "2.1.0": "canary", "2.2.0": "canary", "1.4.0": "archived", "1.5.0": "active"}
    digest = {}
    for version, parent in parents.items():
        is_approved = version in {"2.0.0", "1.5.0"}
        row = row_of(
            document(version, digest.get(parent)),
            KEY,
            status=statuses[version],
            parent_version=parent,
            ancestors_count=int(parent is not None),
            experiment_id="exp-7" if version == "2.2.0" else None,
            created_at=START - timedelta(days=20),
            created_by="ana",
            status_since=START - timedelta(days=2),
            decided_by="ben",
            approved_at=START - timedelta(days=4) if is_approved else None,
            approved_by="eva" if is_approved else None,
            is_override=version == "1.5.0",
        )
        digest[version] = row["content_sha256"]
        rows.append(row | {"root_sha256": digest[parent or version]})
    # Somebody changed the archived one in the store after it was signed.
    rows[3]["document"] = rows[3]["document"].replace("Plan well", "Plan badly")
    return frame(Policies, rows)


def promotions():
    def gates(*found):
        return json.dumps({"gates": [dict(zip(("gate", "passed", "found"), item, strict=True)) for item in found]})

    names = ("policy_id", "policy_version", "action", "from_status", "to_status", "decided_by", "is_override", "reason")
    given = [
        (0, "planner", "2.0.0", "created", None, "draft", "ana", False, None, None),
        (1, "planner", "2.0.0", "approved", None, None, "eva", False, "Read and tried.", None),
        (2, "planner", "2.1.0", "created", None, "draft", "ana", False, "Shorter plans.", None),
        (3, "planner", "2.1.0", "refused", "draft", "shadow", "ana", False, None,
         gates(("replay", False, "No replay of this content has passed; the latest was refused: 61.3 effective units of 100."))),
        (4, "planner", "2.1.0", "promoted", "draft", "shadow", "ana", False, None,
         gates(("replay", True, "Replay r-19 passed: effect −0.011 (−0.019 to −0.003), 214 effective units."))),
        (5, "planner", "2.1.0", "promoted", "shadow", "canary", "ana", False, None,
         gates(("shadow", True, "Shadow planner-shadow validated on night 4."))),
        (6, "coder", "1.4.0", "created", None, "draft", "ana", False, None, None),
        (7, "coder", "1.5.0", "created", None, "draft", "night-writer", False, None, None),
        (8, "coder", "1.5.0", "promoted", "canary", "active", "ben", True, "The client's deadline is tonight.",
         gates(("canary", False, "The latest check says continue: p 0.21 against 0.003."), ("approval", True, "Approved by eva."))),
        (9, "coder", "1.6.0", "rolled_back", "canary", "archived", "night", False, "The guardrail cost_usd is broken.",
         gates(("canary", True, "Verdict rollback on night 6."))),
    ]  # fmt: skip
    rows = []
    for days, *values, found in given:
        row = dict(zip(names, values, strict=True))
        rows.append(
            row
            | {
                "event_id": f"decision-{days}",
                "occurred_at": START - timedelta(days=12 - days),
                "doer": row["policy_id"],
                "is_automatic": row["decided_by"] == "night",
                "gates": found,
                "content_sha256": hashlib.sha256(row["policy_version"].encode()).hexdigest(),
                "deployment_id": CANARY if days == 5 else "coder-canary" if days == 9 else None,
                "looks_count": 6 if days == 9 else None,
                "archived_version": "1.4.0" if days == 8 else None,
            }
        )
    return frame(PolicyPromotions, rows)


def performance():
    rows = [
        ("planner", "2.0.0", "active", None, "observation", 9100, None, 0.241, None, None, None, None, None, None, None),
        ("planner", "2.1.0", "canary", "2.0.0", "canary", 2700, 900, 0.222, 0.241, -0.019, -0.031, -0.004, -0.08, 0.003, "promote"),
        ("planner", "2.2.0", "canary", "2.0.0", "canary", 2690, 897, 0.239, 0.241, -0.002, -0.015, 0.011, -0.01, 0.8, "rollback"),
        ("coder", "1.5.0", "active", "1.4.0", "observation", 512, None, 0.31, 0.29, 0.02, -0.004, 0.044, 0.07, None, None),
    ]  # fmt: skip
    names = (
        "policy_id", "policy_version", "status", "compared_with", "evidence", "runs", "units", "mean_loss",
        "control_mean_loss", "effect", "ci_low", "ci_high", "lift", "p_value", "verdict",
    )  # fmt: skip
    rows = [dict(zip(names, row, strict=True)) for row in rows]
    return frame(PolicyPerformance, [row | {"doer": row["policy_id"]} for row in rows])


ALARMS = (52, 58, 59)
"""Days on which the chart of the coder raised an alarm."""


def trends():
    rows = []
    courses = {
        "planner": (0.26, -0.0012, "improving"),
        "coder": (0.28, 0.0011, "degrading"),
        "copywriter": (0.19, 0.0, "flat"),
    }
    for number, (doer, (start, slope, direction)) in enumerate(courses.items()):
        random, moving = Random(number), start
        for day in range(60):
            mean = start + slope * day + random.gauss(0, 0.012)
            moving = 0.9 * moving + 0.1 * mean
            at = date(2026, 3, 1) - timedelta(days=59 - day)
            alarms = [past for past in ALARMS if past <= day and doer == "coder"]
            lasts = bool(alarms) and day - alarms[-1] < 7
            rows.append(
                {
                    "doer": doer,
                    "event_date": at,
                    "n": 40 + day % 7,
                    "mean_loss": mean,
                    "p50_loss": mean,
                    "p95_loss": mean + 0.1,
                    "ewma_loss": moving,
                    "mean_coverage": 0.9,
                    "n_7d": 290,
                    "change_7d": 7 * slope,
                    "change_7d_ci_low": 7 * slope - 0.006,
                    "change_7d_ci_high": 7 * slope + 0.006,
                    "n_30d": 1290,
                    "change_30d": 30 * slope,
                    "change_30d_ci_low": 30 * slope - 0.009,
                    "change_30d_ci_high": 30 * slope + 0.009,
                    "direction": direction if day > 40 and (lasts or direction != "degrading") else "unclear",
                    "level_loss": mean,
                    "baseline_loss": start,
                    "rise": mean - start,
                    "rise_ci_low": mean - start - (0.01 if day in alarms else 0.2),
                    "rise_ci_high": mean - start + 0.2,
                    "alert_statistic": 3.1 if day in alarms else 0.4,
                    "alert_limit": 2.9,
                    "alert": day in alarms,
                    "last_alarm": at - timedelta(days=day - alarms[-1]) if alarms else None,
                    "degrading_since": at - timedelta(days=day - ALARMS[0]) if lasts else None,
                }
            )
    return frame(CrlTrends, rows, cut="all", value="all")


def experiments():
    rows = [
        ("exp-7", "prompt_synthesis", "planner", "completed", "planner", "2.2.0", "canary", -0.012, 0.9, 18.4, 5400.0),
        ("exp-8", "rag_optimization", "coder", "running", None, None, None, None, None, None, None),
        ("exp-6", "tool_tuning", "coder", "failed", None, None, None, None, None, 3.0, 200.0),
    ]
    names = (
        "experiment_id", "experiment_type", "doer", "status", "policy_id", "policy_version", "policy_status", "loss_delta",
        "stability_rate", "cost_usd", "duration_seconds",
    )  # fmt: skip
    return frame(Experiments, [dict(zip(names, row, strict=True)) for row in rows], started_at=START)


def success():
    names = (
        "doer", "experiment_type", "experiments", "completed", "failed", "policies", "promoted", "decided", "success_rate",
        "ci_low", "ci_high", "mean_delta", "cost_usd", "cost_per_success_usd",
    )  # fmt: skip
    rows = [
        ("*", "prompt_synthesis", 9, 8, 1, 7, 3, 6, 0.5, 0.188, 0.812, -0.011, 120.5, 40.2),
        ("*", "tool_tuning", 2, 1, 1, 0, 0, 2, 0.0, 0.0, 0.658, None, 3.0, None),
        ("planner", "prompt_synthesis", 9, 8, 1, 7, 3, 6, 0.5, 0.188, 0.812, -0.011, 120.5, 40.2),
    ]
    return frame(ExperimentSuccess, [dict(zip(names, row, strict=True)) for row in rows])


def learning():
    """Frames of every table that the reports on learning read, filled."""
    return {
        Deployments: deployments(),
        CanaryLooks: looks(),
        CanarySegments: segments(),
        Policies: policies(),
        PolicyPromotions: promotions(),
        PolicyPerformance: performance(),
        CrlTrends: trends(),
        Experiments: experiments(),
        ExperimentSuccess: success(),
    }
