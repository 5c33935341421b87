"""The text models published: one signed file a project, by which drafts are scored, and one of all projects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import sqrt
from statistics import NormalDist
from typing import Any, Final

import msgspec
import polars as pl

from kaizenlake import tables
from kaizenlake._version import __version__
from kaizenlake.lake.store import Lake
from kaizenlake.publish.context.model import NOTICE, instant
from kaizenlake.publish.context.reasons import describe_learned
from kaizenlake.publish.signed import text_model_file as model
from kaizenlake.publish.signed.signed_files import FileForm, SignedFiles
from kaizenlake.publish.signed.signed_folder import FOLDER, VerifiedFolder
from kaizenlake.publish.signed.skill_file import Provenance
from kaizenlake.tables import LearnedValue, Table, TextEffects

PLACE = "text_models"

WEIGHTS_BYTES: Final = 88_000
"""Most bytes of the words of a model; the strongest are kept, so that the file has fewer than 100 kB."""

LONGEST_TERM: Final = 40
LONGEST_NUMBER: Final = 4

READ: tuple[type[Table], ...] = (LearnedValue, TextEffects)

FILES = SignedFiles(
    PLACE,
    FileForm(
        model.SCHEMA,
        model.VERSION,
        model.TextModelFile,
        model.json_schema(),
        "text model",
        indent=0,
        named_by="model",
        called="model",
    ),
    "text models",
)


def publish_text_models(lake: Lake, *, generated_at: datetime, run_id: str) -> int:
    """Publish the text model of every project that has enough experiments, and that of all projects.

    A model that does not beat chance has a file that says so. A file that would say the same, and holds for long enough, stays.

    Args:
        generated_at: Now, aware.
        run_id: The run that publishes.

    Returns:
        Files that were written or removed.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A table cannot be read, or a file cannot be written.
    """
    wanted = (pl.col("status") != "too_few") | (pl.col("model") == "")
    found = lake.scan(LearnedValue).filter(wanted).collect().to_dicts()
    if not found and not lake.path(FOLDER, PLACE).is_dir():
        return 0
    provenance = Provenance(
        run_id=run_id,
        package_version=__version__,
        tables={tables.full_name(table): lake.version(table) for table in READ},
    )
    whole = {"data_notice": NOTICE, "provenance": msgspec.to_builtins(provenance)}
    weights = _read_weights(lake) if any(row["status"] == "usable" for row in found) else {}
    said = {row["model"]: _describe(row, weights.get(row["model"])) | whole for row in found}
    with FILES.hold(lake) as held:
        valid_for = timedelta(hours=lake.settings.publishing.valid_hours)
        return held.replace(said, at=generated_at, valid_for=valid_for)


def verify_text_models(lake: Lake, public_key: bytes | None = None) -> VerifiedFolder:
    """Check the published text models; see `SignedFiles.verify`."""
    return FILES.verify(lake, public_key)


def _read_weights(lake: Lake) -> dict[str, dict[str, Any]]:
    """Return rules, words and what is alike for all of each model; of the words the strongest."""
    z = NormalDist().inv_cdf(0.5 + lake.settings.evidence.confidence / 2.0)
    rows = lake.scan(TextEffects).collect()
    found: dict[str, dict[str, Any]] = {}
    strength = pl.col("weight").abs() * pl.col("arms").sqrt()
    width = pl.col("ci_high").log1p() - pl.col("ci_low").log1p()
    ordered = rows.with_columns(
        strength=strength, variance=(width / (2.0 * z)) ** 2, weight=pl.col("weight").round(4)
    ).sort("strength", "term", descending=[True, False])
    for (name,), part in ordered.group_by("model", maintain_order=True):
        is_rule = pl.col("kind") == "rule"
        rules = part.filter(is_rule, pl.col("weight") != 0.0).select("term", "weight").sort("term").rows()
        words = part.filter(~is_rule, pl.col("weight") != 0.0).select("term", "weight").rows()
        found[str(name)] = {
            "centre": round(part["centre"][0], 6),
            "spread": round(part["spread"][0], 6),
            "rule_error": _error(part.filter(is_rule)),
            "word_error": _error(part.filter(~is_rule)),
            "rules": dict(rules),
            "words": dict(sorted(_keep(words))),
        }
    return found


def _error(terms: pl.DataFrame) -> float:
    """Return the standard error of a weight over terms, those that stand in more wordings counting for more."""
    arms = terms["arms"].sum()
    return round(sqrt(float((terms["variance"] * terms["arms"]).sum()) / float(arms)), 6) if arms else 0.0


def _keep(words: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return as many words, the first first, as the file has room for; numbers that may name a person are left out."""
    kept, room = [], WEIGHTS_BYTES
    for term, weight in words:
        if len(term) > LONGEST_TERM or sum(map(str.isdigit, term)) > LONGEST_NUMBER:
            continue
        room -= len(json.dumps(term, ensure_ascii=False).encode("utf-8")) + len(repr(weight)) + 4
        if room < 0:
            break
        kept.append((term, weight))
    return kept


def _describe(row: Mapping[str, Any], weights: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the file of a model says; a model without weights is none."""
    if row["status"] == "usable" and weights is None:
        row = {**row, "status": "no_model"}
    nothing: dict[str, Any] = {
        "centre": 0.0,
        "spread": 0.0,
        "rule_error": 0.0,
        "word_error": 0.0,
        "rules": {},
        "words": {},
    }
    figures = {name: _round(row[name]) for name in model.LearnedFigures.__struct_fields__}
    return {
        "model": row["model"],
        "status": row["status"],
        "why": describe_learned(row),
        "experiments": row["experiments"],
        "arms": row["arms"],
        "first_at": instant(row["first_at"]),
        "last_at": instant(row["last_at"]),
        "value": figures,
        "is_english": row["is_english"],
        **(nothing if row["status"] != "usable" or weights is None else weights),
    }


def _round(figure: Any) -> Any:
    return round(figure, 4) if isinstance(figure, float) else figure
