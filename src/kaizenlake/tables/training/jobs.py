"""Gold table of training jobs."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, column, count, table
from kaizenlake.vocabulary import TrainingKind, TrainingStatus


@table(layer="gold", grain=("tenant_id", "job_id"))
class TrainingJobs(OfTenant):
    """One job that trains a model: what was asked for, how it stands, and what it took."""

    job_id: str = column("Training job.")
    kind: str = column("How it is trained.", isin=get_args(TrainingKind))
    name: str = column("Model that comes of it.")
    version: str = column("Version of that model, by semantic versioning.")
    status: str = column("How it stands.", isin=get_args(TrainingStatus))
    base: str = column("Model it starts from, as name@version; null where it starts from none.", nullable=True)
    teacher: str = column("Model it learns from, as name@version; null where it learns from none.", nullable=True)
    dataset: str = column("Data set it is trained on, as name@version; null where it is a file.", nullable=True)
    rows_file: str = column("File of its rows; null where a data set holds them.", nullable=True)
    reward_function: str = column("What judges answers, as module:function; null where nothing does.", nullable=True)
    rows_count: pl.Int64 = count("Rows it is trained on.")
    rows_sha256: str = column("SHA-256 of these rows.")
    config: str = column("Its configuration as a JSON object.")
    attempts: pl.Int64 = count("How often it was begun, and begun again from a checkpoint.")
    steps: pl.Int64 = count("Steps whose loss is known.")
    first_loss: float = column("Loss of the first step; null before it.", nullable=True)
    last_loss: float = column("Loss of the last step; null before the first.", nullable=True)
    seconds: float = column(
        "Time of all attempts that ended; null before the first did.", unit="seconds", nullable=True, ge=0
    )
    peak_memory_mb: float = column(
        "Most memory that its process held, in megabytes; null where not told.", nullable=True
    )
    cost_usd: float = column("Cost of all attempts; null where no price was given.", unit="usd", nullable=True, ge=0)
    output_sha256: str = column("SHA-256 over the files that came of it; null before.", nullable=True)
    metrics: str = column("Figures of what came of it, as a JSON object; null before.", nullable=True)
    requested_at: Instant = column("When it was asked for.")
    changed_at: Instant = column("Since when it stands so.")
    decided_by: str = column("Who asked for it.")
    reason: str = column("Why it failed or was stopped; null else.", nullable=True)
