"""Cut versions of data sets to learn from: content-addressed, signed, and each the union of what was added so far."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from kaizenlake.decide.record.command_words import check_texts
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.training import dataset_files
from kaizenlake.errors import TableNotFoundError, UsageError
from kaizenlake.events.rules import near
from kaizenlake.events.write.log import Line
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.tables import ExampleRejections, TrainingExamples
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.examples import SCHEMA, TrainingExample, frame_of, full_text
from kaizenlake.training.splits import SPLITS, assign_splits

SOURCE = "kaizen dataset"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")


@dataclass(frozen=True)
class DatasetVersion:
    """One version of a data set.

    Args:
        dataset_id: Its name.
        version: Its version, by semantic versioning.
        splits: Ids of its examples, by `train`, `val` and `test`.
        manifest_hash: SHA-256 of its manifest: the same content is the same hash, whenever and wherever it is cut.
        left_out: Ids of examples that are near to examples of two splits, so that they are in none (`bridges_splits`).
        is_new: Whether this call cut it.
    """

    dataset_id: str
    version: str
    splits: dict[str, list[str]]
    manifest_hash: str
    left_out: tuple[str, ...] = ()
    is_new: bool = True


def create(
    lake: Lake,
    dataset_id: str,
    examples: Iterable[TrainingExample] | pl.DataFrame,
    *,
    by: str,
    reason: str | None = None,
) -> DatasetVersion:
    """Cut the first version of a data set; the same examples once more change nothing.

    Args:
        lake: The lake, as a tenant has it where there are several.
        dataset_id: Its name: letters, digits, `.`, `_` and `-`.
        examples: The examples, or rows of `kaizenlake.training.examples.SCHEMA`; they are not filtered here.
        by: Who asks.
        reason: Why, in words.

    Raises:
        UsageError: The name is none.
        LearningError: A data set of this name holds other examples (E7202).
    """
    if not _NAME.fullmatch(dataset_id):
        raise UsageError(
            f"A data set is named by letters, digits, '.', '_' and '-', at most 100; found {dataset_id!r}."
        )
    return _cut(view_of(lake, may_be_new=True), dataset_id, examples, by=by, reason=reason, is_first=True)


def add(
    lake: Lake,
    dataset_id: str,
    examples: Iterable[TrainingExample] | pl.DataFrame,
    *,
    by: str,
    reason: str | None = None,
) -> DatasetVersion:
    """Cut the next version of a data set: what it had and these; where nothing is new, that is the version it has.

    Raises:
        LearningError: There is no such data set (E7201), or a file of it was changed (E7203).
    """
    return _cut(view_of(lake), dataset_id, examples, by=by, reason=reason, is_first=False)


def _cut(
    lake: Lake,
    dataset_id: str,
    examples: Iterable[TrainingExample] | pl.DataFrame,
    *,
    by: str,
    reason: str | None,
    is_first: bool,
) -> DatasetVersion:
    check_texts(by=by, reason=reason)
    given = examples if isinstance(examples, pl.DataFrame) else frame_of(examples)
    rows = given.select(SCHEMA.keys()).sort("example_id").unique("example_id", keep="first", maintain_order=True)
    stamp = datetime.now(UTC)
    made: DatasetVersion | None = None

    def decide(events: pl.LazyFrame) -> list[Line]:
        nonlocal made
        before = [] if is_first else find_versions(events, dataset_id, must_exist=True)
        _, known = dataset_files.load(lake, dataset_id, [item["manifest_sha256"] for item in before])
        manifest, text, left_out = _make_manifest(dataset_id, rows, known, before)
        if before and not text:
            made = _describe(
                dataset_id, before[-1]["dataset_version"], known, before[-1]["manifest_sha256"], is_new=False
            )
            return []
        named = dataset_files.save(lake, manifest, text)
        every = pl.concat([known, dataset_files.read_rows(text)])
        if is_first and (there := find_versions(events, dataset_id)):
            if there[0]["manifest_sha256"] != named:
                raise LearningError("E7202", f"There is a data set {dataset_id!r} already, with other examples.")
            made = _describe(dataset_id, there[0]["dataset_version"], every, named, is_new=False)
            return []
        made = _describe(dataset_id, manifest["version"], every, named, left_out=tuple(left_out))
        payload = {
            "dataset_id": dataset_id,
            "dataset_version": made.version,
            "parent_version": before[-1]["dataset_version"] if before else None,
            "examples_count": every.height,
            **{f"{name}_count": len(made.splits[name]) for name in SPLITS},
            "manifest_sha256": named,
            "decided_by": by,
            "reason": reason,
        }
        at = max(stamp, before[-1]["occurred_at"]) if before else stamp
        name = f"dataset-{dataset_id}-{made.version}"
        return [decision_line(lake, "DATASET_CUT", payload, event_id=name, occurred_at=at)]

    decisions.append(lake, decide, source=SOURCE, now=stamp)
    assert made is not None, "decide was called"
    return made


def _make_manifest(
    dataset_id: str, rows: pl.DataFrame, known: pl.DataFrame, before: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], bytes, list[str]]:
    """Return the manifest of the next version, the lines of the rows that it adds, and what bridges two splits."""
    new = rows.join(known, on="example_id", how="anti", maintain_order="left")
    earlier = known.select("example_id", "cluster_id", "split", text=full_text()) if known.height else None
    placed, left_out = assign_splits(new.select("example_id", text=full_text()), earlier)
    added = new.join(placed, on="example_id", maintain_order="left")
    text = dataset_files.write_rows(added)
    version = f"1.{len(before)}.0"
    parent = before[-1] if before else None
    counts = pl.concat([known["split"], added["split"]]).to_list()
    manifest = {
        "format": 1,
        "dataset_id": dataset_id,
        "version": version,
        "parent": None
        if parent is None
        else {"version": parent["dataset_version"], "manifest_sha256": parent["manifest_sha256"]},
        "rows_sha256": dataset_files.digest(text),
        "rows_added": added.height,
        "examples": len(counts),
        "splits": {name: counts.count(name) for name in SPLITS},
        "left_out": left_out,
    }
    return manifest, text, left_out


def _describe(
    dataset_id: str,
    version: str,
    rows: pl.DataFrame,
    manifest_hash: str,
    *,
    left_out: tuple[str, ...] = (),
    is_new: bool = True,
) -> DatasetVersion:
    splits = {name: sorted(rows.filter(split=name)["example_id"]) for name in SPLITS}
    return DatasetVersion(dataset_id, version, splits, manifest_hash, left_out, is_new)


def find_versions(
    events: pl.LazyFrame, dataset_id: str | None = None, *, must_exist: bool = False
) -> list[dict[str, Any]]:
    """Return the versions of one data set, or of all, in the order in which they were cut.

    Args:
        events: Believed events of a tenant.
        dataset_id: Data set; all unless given.
        must_exist: Raise where there is none.

    Raises:
        LearningError: There is no such data set (E7201).
    """
    rows = events.filter(pl.col("event_type") == "DATASET_CUT").select("occurred_at", "event_id", "payload").collect()
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for at, _, text in rows.sort("occurred_at", "event_id").iter_rows():
        said = {"parent_version": None, "reason": None, **json.loads(text), "occurred_at": at}
        found.setdefault((said["dataset_id"], said["dataset_version"]), said)
    of_name = [item for item in found.values() if dataset_id in {None, item["dataset_id"]}]
    if must_exist and not of_name:
        names = sorted({name for name, _ in found})
        raise LearningError("E7201", f"There is no data set {dataset_id!r}{near(str(dataset_id), names)}.")
    return sorted(
        of_name, key=lambda item: (item["dataset_id"], [int(part) for part in item["dataset_version"].split(".")])
    )


@dataclass(frozen=True)
class ReadDataset:
    """A version of a data set with all of its rows, each checked against its hash.

    Args:
        told: What was decided of each version up to this one.
        manifests: Their manifests.
        rows: Every example, with its cluster and split.
    """

    told: list[dict[str, Any]]
    manifests: list[dict[str, Any]]
    rows: pl.DataFrame

    @property
    def version(self) -> str:
        """Version that was read."""
        return str(self.told[-1]["dataset_version"])


def read(lake: Lake, dataset_id: str, version: str | None = None) -> ReadDataset:
    """Read a version of a data set.

    Args:
        lake: The lake, as a tenant has it where there are several.
        dataset_id: Data set.
        version: Version of it; the newest unless given.

    Raises:
        LearningError: There is no such version (E7201), or a file was changed (E7203).
    """
    view = view_of(lake)
    told = _list_until(find_versions(decisions.of(view), dataset_id, must_exist=True), version)
    manifests, rows = dataset_files.load(view, dataset_id, [item["manifest_sha256"] for item in told])
    return ReadDataset(told, manifests, rows.sort("example_id"))


def _list_until(told: list[dict[str, Any]], version: str | None) -> list[dict[str, Any]]:
    names = [item["dataset_version"] for item in told]
    if version is not None and version not in names:
        raise LearningError(
            "E7201",
            f"The data set {told[0]['dataset_id']!r} has no version {version!r}; it has {', '.join(names[-10:])}.",
        )
    return told if version is None else told[: names.index(version) + 1]


def verify(lake: Lake, dataset_id: str) -> list[str]:
    """Return what is wrong with a data set, a sentence each: files, hashes, signatures, and clusters that lie in two splits."""
    view = view_of(lake)
    told = find_versions(decisions.of(view), dataset_id, must_exist=True)
    hashes = [item["manifest_sha256"] for item in told]
    found = [problem for named in hashes for problem in dataset_files.find_problems(view, dataset_id, named)]
    if found:
        return found
    manifests, rows = dataset_files.load(view, dataset_id, hashes)
    for earlier, manifest in zip(hashes, manifests[1:], strict=False):
        if manifest["parent"]["manifest_sha256"] != earlier:
            found.append(f"version {manifest['version']} does not rest on the version before it")
    if rows["example_id"].is_duplicated().any():
        found.append("an example is in it twice")
    torn = rows.group_by("cluster_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height
    if torn:
        found.append(f"{torn} clusters of near-duplicates lie in two splits")
    return found


_OPERATORS: Final[dict[str, Callable[[Any, Any], pl.Expr]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*(?P<name>\w+)\s*(?P<sign>>=|<=|!=|=|>|<)\s*(?P<value>.*?)\s*", re.DOTALL)


def find_examples(lake: Lake, where: Sequence[str] = (), *, min_examples: int = 0) -> pl.DataFrame:
    """Return examples of the lake that are fit to be learnt from, as the last night left them.

    Args:
        lake: The lake, as a tenant has it where there are several.
        where: Conditions that all must hold, such as `task_type=summary` or `quality_score>=80`.
        min_examples: Fewest examples there must be.

    Raises:
        LearningError: There are too few (E7501), or a condition is none (E7502).
    """
    view = view_of(lake)
    try:
        fit = view.scan(TrainingExamples).join(
            view.scan(ExampleRejections), on=("tenant_id", "example_id"), how="anti", nulls_equal=True
        )
        rows = fit.rename({"created_at": "timestamp"}).select(SCHEMA.keys()).collect()
    except TableNotFoundError:
        rows = pl.DataFrame(schema=SCHEMA)
    for condition in where:
        rows = rows.filter(_read_condition(condition))
    if rows.height < min_examples:
        raise LearningError(
            "E7501",
            f"The data set needs {min_examples:,} examples; {rows.height:,} of the lake pass every rule and condition.",
        )
    return rows.sort("example_id")


def _read_condition(text: str) -> pl.Expr:
    match = _CONDITION.fullmatch(text)
    kind = SCHEMA.get(match["name"]) if match else None
    if match is None or kind is None:
        names = ", ".join(SCHEMA)
        raise LearningError(
            "E7502", f"The condition {text!r} is none; a column, a sign and a value were expected, of {names}."
        )
    compare, column = _OPERATORS[match["sign"]], pl.col(match["name"])
    if match["name"] == "labels":
        has = column.list.contains(match["value"])
        if match["sign"] not in {"=", "!="}:
            raise LearningError("E7502", f"The condition {text!r} orders labels; they are compared by = and !=.")
        return has if match["sign"] == "=" else ~has
    value = (
        pl.Series([match["value"]]).cast(kind, strict=False) if kind.is_numeric() else _as_kind(match["value"], kind)
    )
    if value[0] is None:
        raise LearningError("E7502", f"The condition {text!r} compares {match['name']} with what it cannot be.")
    return compare(column, pl.lit(value[0], kind)).fill_null(False)


def _as_kind(text: str, kind: pl.DataType) -> pl.Series:
    if kind == pl.Boolean():
        return pl.Series([{"true": True, "false": False}.get(text.lower())], dtype=pl.Boolean)
    if kind == pl.String():
        return pl.Series([text])
    return pl.Series([text]).str.to_datetime(strict=False, time_unit="us", time_zone="UTC")


def freeze_texts(
    lake: Lake, golden_set_id: str, texts: Sequence[str], *, by: str, reason: str | None = None
) -> tuple[str, bool]:
    """Freeze texts of a golden set or a benchmark: no example may hold them, nor they it.

    Args:
        lake: The lake, as a tenant has it where there are several.
        golden_set_id: Name of the set; one that exists gets these texts too.
        texts: What no example may hold.
        by: Who asks.
        reason: Why, in words.

    Returns:
        SHA-256 of the texts, and whether they are new.

    Raises:
        UsageError: There is no text, or a name or a text is none that can be kept.
    """
    check_texts(name=golden_set_id, by=by, reason=reason)
    kept = sorted({text for text in texts if text.strip()})
    if not kept:
        raise UsageError(f"The golden set {golden_set_id!r} would hold no text.")
    if unwordy := next(
        (text for text in kept if len(text) > _LONGEST and len(re.findall(r"\w+", text)) < _WORDS), None
    ):
        raise UsageError(
            f"A text of {len(unwordy):,} characters has fewer than {_WORDS} words, so it cannot be found in pieces.",
            hint=f"Give it as texts of at most {_LONGEST:,} characters.",
        )
    view = view_of(lake, may_be_new=True)
    stamp = datetime.now(UTC)
    named = dataset_files.digest(json.dumps(kept).encode())
    lines = []
    for number, part in enumerate(_parts(kept)):
        payload = {
            "golden_set_id": golden_set_id,
            "golden_texts": part,
            "content_sha256": named,
            "decided_by": by,
            "reason": reason,
        }
        name = f"golden-texts-{named[:32]}-{number}-{dataset_files.digest(golden_set_id.encode())[:16]}"
        lines.append(decision_line(view, "GOLDEN_TEXTS_FROZEN", payload, event_id=name, occurred_at=stamp))
    return named, bool(decisions.append(view, lambda _: lines, source="kaizen golden", now=stamp))


_PART = 400_000
_LONGEST = _PART // 2
_WORDS = 13
_SHARED = 10_000
"""Characters that two pieces of a long text share: more than thirteen words, so that no row of words falls between them."""


def _parts(texts: Sequence[str]) -> list[str]:
    """Return texts as JSON lists that an event can hold; a long text as pieces that overlap, of which every word is held."""
    parts: list[list[str]] = [[]]
    size = 0
    for piece in (piece for text in texts for piece in _cut_text(text)):
        if size + 2 * len(piece) > _PART and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(piece)
        size += 2 * len(piece)
    return [json.dumps(part, ensure_ascii=False) for part in parts]


def _cut_text(text: str) -> list[str]:
    step = _LONGEST - _SHARED
    return [text[start : start + _LONGEST] for start in range(0, max(1, len(text) - _SHARED), step)]
