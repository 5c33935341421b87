"""Time of a warm `route` in a service, beside a bare SHA-256 and a dict; every answer is checked."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from harness import Row

sys.path.insert(0, str(Path(__file__).parent.parent))

from kaizenlake.context import Router, arm_of
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.policies import publish_policies
from publish.policy_frames import deployment, deployments_of, policies_of, version

SHARES = (0.2, 0.3)


def measure(scale: float, repeats: int) -> list[Row]:
    """A canary of two candidates whose documents hold 20 kB each."""
    units = [f"user_{number}" for number in range(max(1000, round(100_000 * scale)))]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(f"{folder}/lake")
        text = {"system": "plan " * 4000}
        rows = [version(lake, f"1.{number}.0", "canary" if number else "active", prompts=text) for number in range(3)]
        on = deployment("d1", "1.0.0", {"1.1.0": SHARES[0], "1.2.0": SHARES[1]})
        publish_policies(lake, policies_of(*rows), deployments_of(on), generated_at=datetime.now(UTC))
        router = Router(lake.path("published"))
        assert all(
            router.route("planner", unit).policy_version == f"1.{arm_of('d1', unit, SHARES)}.0" for unit in units
        )
        documents = {row["policy_version"]: row["document"] for row in rows}

        def bare(unit: str) -> str:
            point = int.from_bytes(sha256(f"d1\x1f{unit}".encode()).digest()[:8], "big") / 2**64
            return documents["1.1.0" if point < 0.2 else "1.2.0" if point < 0.5 else "1.0.0"]

        ours, other = [], []
        for _ in range(max(5, repeats)):
            ours.append(_each(lambda unit: router.route("planner", unit), units))
            other.append(_each(bare, units))
    mine, beside = statistics.median(ours), statistics.median(other)
    return [
        Row(
            "routing a unit, CPU",
            f"{mine * 1e6:.1f} µs",
            f"SHA-256 and a dict {beside * 1e6:.1f} µs",
            f"{mine / beside:.1f} x",
            "< 20 µs",
            "",
        )
    ]


def _each(call: object, units: list[str]) -> float:
    """Seconds of CPU a call."""
    assert callable(call)
    started = time.process_time()
    for unit in units:
        call(unit)
    return (time.process_time() - started) / len(units)
