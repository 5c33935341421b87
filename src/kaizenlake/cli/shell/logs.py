"""Logs as JSON lines on stderr, for whoever collects them by a program."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaizenlake.night.artifact import StepRecord

VARIABLE = "KAIZEN_LOG"
"""Variable that says how logs are written: `json`, or plain words unless it does."""

logger = logging.getLogger("kaizenlake.night")


def is_json() -> bool:
    """Return whether logs are to be JSON lines."""
    return os.environ.get(VARIABLE, "").strip().lower() == "json"


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, message, and what else was said of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "said", {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


def begin_json() -> None:
    """Write logs as JSON lines from here on, where the variable says so."""
    if is_json():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        root = logging.getLogger("kaizenlake")
        root.handlers[:] = [handler]
        root.setLevel(logging.INFO)
        root.propagate = False


def log_step(step: StepRecord) -> None:
    """Log a step of a night once it ended."""
    if step.status == "running":
        return
    said = {"step": step.name, "status": step.status, "seconds": step.seconds, "rows": step.rows_out}
    level = logging.ERROR if step.status == "failed" else logging.INFO
    logger.log(level, "%s: %s", step.name, step.status, extra={"said": said})
