"""Data set events: versions that were cut to learn from, and texts that were frozen to be learnt from by none."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Count, Document, Key, Payload, Word, says


class DatasetCut(Payload, frozen=True, kw_only=True):
    """A version of a data set was cut."""

    dataset_id: Annotated[Key, says("Data set.")]
    dataset_version: Annotated[Key, says("Version of the data set, by semantic versioning.")]
    parent_version: Annotated[Key | None, says("Version that it adds to.")] = None
    examples_count: Annotated[Count, says("Examples that it holds.")]
    train_count: Annotated[Count, says("Examples to train on.")]
    val_count: Annotated[Count, says("Examples to choose by.")]
    test_count: Annotated[Count, says("Examples to judge by.")]
    manifest_sha256: Annotated[Key, says("SHA-256 of its manifest, as 64 hexadecimal digits.")]
    decided_by: Annotated[Key, says("Who asked for it.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None


class GoldenTextsFrozen(Payload, frozen=True, kw_only=True):
    """Texts of a golden set or a benchmark were frozen: no example may hold them."""

    golden_set_id: Annotated[Key, says("Golden set.")]
    golden_texts: Annotated[Document, says("Its texts, as a JSON list.")]
    content_sha256: Annotated[Key, says("SHA-256 of that list, as 64 hexadecimal digits.")]
    decided_by: Annotated[Key, says("Who asked for it.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None
