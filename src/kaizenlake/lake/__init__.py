"""Where it is kept: landing, reading, atomic writes, maintenance."""

from __future__ import annotations

from kaizenlake.lake.changes import Reads
from kaizenlake.lake.describe import TableState
from kaizenlake.lake.store import Lake, Snapshot, Written, fingerprint

__all__ = ["Lake", "Reads", "Snapshot", "TableState", "Written", "fingerprint"]
