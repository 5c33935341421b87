"""Where it is kept: landing, reading, atomic writes, maintenance."""

from __future__ import annotations

from kaizenlake.lake.changes import Reads
from kaizenlake.lake.store import Lake, Snapshot, Written, fingerprint

__all__ = ["Lake", "Reads", "Snapshot", "Written", "fingerprint"]
