"""Data sets as files of other libraries: Parquet, lines of JSON for training by TRL, and the layout of Hugging Face."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl

from kaizenlake.errors import UsageError
from kaizenlake.publish import guard
from kaizenlake.training.splits import SPLITS, measure_diversity, weigh_classes

Rows: TypeAlias = Iterator[dict[str, Any]]


def export_dataset(
    rows: pl.DataFrame, form: str, folder: Path, *, name: str, version: str, manifest_hash: str
) -> list[Path]:
    """Write a version of a data set, a file for each split, and a card that says what it is.

    What identifies a person is replaced in all texts, as the guard around this call has it.

    Args:
        rows: Rows of the data set.
        form: One of `FORMS`.
        folder: Where the files go; it is made.
        name: Data set.
        version: Version of it.
        manifest_hash: SHA-256 by which the version is known.

    Returns:
        Files that were written.

    Raises:
        UsageError: There is no such form, or a file cannot be written.
    """
    if form not in FORMS:
        raise UsageError(f"There is no form {form!r} of export.", hint=f"There are {', '.join(FORMS)}.")
    safe = rows.with_columns(
        pl.Series(column, [None if text is None else guard.text(text) for text in rows[column]], pl.String)
        for column in ("input_text", "output_text", "agent_id", "verified_by")
    )
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            part = safe.filter(split=split).sort("example_id")
            if form in ("parquet", "huggingface"):
                file = folder / (
                    f"data/{_HUB[split]}-00000-of-00001.parquet" if form == "huggingface" else f"{split}.parquet"
                )
                file.parent.mkdir(exist_ok=True)
                part.write_parquet(file)
            else:
                file = folder / f"{split}.jsonl"
                lines = (json.dumps(row, ensure_ascii=False) for row in _WRITERS[form](part))
                file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            written.append(file)
        card = folder / "README.md"
        card.write_text(write_card(safe, name=name, version=version, manifest_hash=manifest_hash), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The data set cannot be written: {error.strerror or error}.", where=str(folder)) from error
    return [*written, card]


_HUB = {"train": "train", "val": "validation", "test": "test"}
"""Names of splits in the layout of Hugging Face."""


def _write_pairs(rows: pl.DataFrame) -> Rows:
    for row in rows.iter_rows(named=True):
        yield {"prompt": row["input_text"], "completion": row["output_text"]}


def _write_chats(rows: pl.DataFrame) -> Rows:
    for row in rows.iter_rows(named=True):
        told = _read_object(row["input_text"])
        messages = told.get("messages")
        if isinstance(messages, list) and messages:
            asked = list(messages)
        else:
            asked, told = [{"role": "user", "content": row["input_text"]}], {}
        answer = _read_object(row["output_text"])
        is_call = isinstance(answer.get("tool_calls"), list)
        said = {"role": "assistant", **answer} if is_call else {"role": "assistant", "content": row["output_text"]}
        chat: dict[str, Any] = {"messages": [*asked, said]}
        if isinstance(told.get("tools"), list):
            chat["tools"] = told["tools"]
        yield chat


def _read_object(text: str | None) -> dict[str, Any]:
    """Return the JSON object that a text is; nothing where it is none."""
    if not text or text.lstrip()[:1] != "{":
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_preferences(rows: pl.DataFrame) -> Rows:
    for _, same in rows.sort("input_text", "example_id").group_by("input_text", maintain_order=True):
        for one, other in combinations(same.iter_rows(named=True), 2):
            if (
                one["quality_score"] is None
                or other["quality_score"] is None
                or one["quality_score"] == other["quality_score"]
            ):
                continue
            best, worst = (one, other) if one["quality_score"] > other["quality_score"] else (other, one)
            yield {"prompt": one["input_text"], "chosen": best["output_text"], "rejected": worst["output_text"]}


_WRITERS: Final[Mapping[str, Callable[[pl.DataFrame], Rows]]] = {
    "jsonl": _write_pairs,
    "chat": _write_chats,
    "preference": _write_preferences,
}

FORMS: Final = ("parquet", *_WRITERS, "huggingface")
"""Forms of export."""


def write_card(rows: pl.DataFrame, *, name: str, version: str, manifest_hash: str) -> str:
    """Return the card of a data set in Markdown, with the head that Hugging Face reads.

    Args:
        rows: Rows of the data set.
        name: Data set.
        version: Version of it.
        manifest_hash: SHA-256 by which the version is known.
    """
    figures = measure_diversity(rows["output_text"], rows["cluster_id"])
    parts = [f"  - split: {_HUB[split]}\n    path: data/{_HUB[split]}-*" for split in SPLITS]
    counts = [f"| {split} | {rows.filter(split=split).height:,} |" for split in SPLITS]
    kinds = rows.group_by("task_type").len().sort("task_type", nulls_last=True)
    types = [f"| {_cell(kind)} | {number:,} |" for kind, number in kinds.iter_rows()]
    weighed = [
        f"| {_cell(name)} | {number:,} | {weight:.3f} |"
        for name, number, weight in weigh_classes(rows["labels"].explode())
    ]
    if not weighed:
        weighed = ["| no label | 0 | |"]
    said = [f"| {key} | {'' if value is None else f'{value:.4f}'} |" for key, value in figures.items()]
    return "\n".join(
        [
            "---",
            "configs:",
            "- config_name: default",
            "  data_files:",
            *parts,
            "---",
            "",
            f"# {name} {version}",
            "",
            f"{rows.height:,} examples out of traces of agents, filtered and cut by kaizenlake.",
            "",
            f"Manifest: `{manifest_hash}`. What is near lies in one split; splits are by a hash of the cluster.",
            "",
            *("| split | examples |", "|---|---|", *counts, ""),
            *("| task type | examples |", "|---|---|", *types, ""),
            *("| label | examples | weight for balance |", "|---|---|---|", *weighed, ""),
            *("| diversity of outputs | |", "|---|---|", *said, ""),
            _CARD_END,
            "",
        ]
    )


_CARD_END = (
    "E-mail addresses, numbers of phones, cards and accounts, and secrets are replaced by placeholders where the settings say "
    "so. Names and addresses of persons are not looked for."
)


def _cell(value: str | None) -> str:
    """Return a value as a cell of a table in Markdown."""
    text = "" if value is None else guard.text(value)
    return "".join(f"\\{char}" if char in "\\|`*_<>[]#" else char for char in " ".join(text.split()))[:200]
