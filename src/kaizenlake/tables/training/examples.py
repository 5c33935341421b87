"""Gold tables of what is learnt from: examples, why some are dropped, and the data sets that were cut of the others."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table

SOURCE_TYPES = ("EXECUTION_TRACE", "PLANNING_TRACE", "QUALITY_FEEDBACK")


@table(layer="gold", grain=("tenant_id", "example_id"))
class TrainingExamples(OfTenant):
    """One example of what an agent did: what went in, what came out, and what it is worth."""

    example_id: str = column("Example, by a hash of its content.")
    source_type: str = column("Where it is from.", isin=SOURCE_TYPES)
    project_id: str = column("Project; null where none was given.", nullable=True)
    event_id: str = column("Event that told of it first.")
    input_text: str = column("What went in.")
    output_text: str = column("What came out.")
    quality_score: float = column(
        "Latest mark; of feedback, how sure its scorer was, of 100; null where nobody said.",
        unit="score",
        nullable=True,
        ge=0,
        le=100,
    )
    confidence: float = rate("How sure that mark is; null where not told.", nullable=True)
    trace_id: str = column("Trace in which it was done.")
    agent_id: str = column("Agent that did it.")
    task_type: str = column("What kind of task it is.")
    created_at: Instant = column("When it was done.")
    labels: Words = column("Labels that it was given, by name.")
    model: str = column("Model that made what came out; null where not told.", nullable=True)
    policy_id: str = column("Policy it ran under; null where not told.", nullable=True)
    policy_version: str = column("Version of that policy; null where not told.", nullable=True)
    human_edited: bool = column("A person edited what came out; null where not told.", nullable=True)
    verified_by: str = column("Who verified what came out; null where nobody did.", nullable=True)


@table(layer="gold", grain=("tenant_id", "example_id"))
class ExampleRejections(OfTenant):
    """One example that is not learnt from, with the first rule that it breaks."""

    example_id: str = column("Example.")
    task_type: str = column("What kind of task it is.")
    rule: str = column("First rule that it breaks.")
    code: str = column("Code of that rule, which `kaizen errors` explains.")
    version: str = column("Version of the rules.")
    figures: str = column("What was found and what was expected, as JSON.")


@table(layer="gold", grain=("tenant_id", "dataset_id", "dataset_version"))
class Datasets(OfTenant):
    """One version of a data set that was cut to learn from."""

    dataset_id: str = column("Data set.")
    dataset_version: str = column("Version of the data set, by semantic versioning.")
    parent_version: str = column("Version that it adds to; null for the first.", nullable=True)
    examples_count: pl.Int64 = count("Examples that it holds.")
    train_count: pl.Int64 = count("Examples to train on.")
    val_count: pl.Int64 = count("Examples to choose by.")
    test_count: pl.Int64 = count("Examples to judge by.")
    manifest_sha256: str = column("SHA-256 of its manifest.")
    cut_at: Instant = column("When it was cut.")
    decided_by: str = column("Who asked for it.")
    reason: str = column("Why, in words; null where not told.", nullable=True)
