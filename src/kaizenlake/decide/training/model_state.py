"""Where do models stand at this moment? Folded from the events by the jobs of the night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.record.lines import not_before
from kaizenlake.decide.record.state import ALWAYS
from kaizenlake.errors import VerificationError
from kaizenlake.events.catalogue import EVENTS, Family
from kaizenlake.events.decode import ENVELOPE_COLUMNS, decode
from kaizenlake.events.rules import near
from kaizenlake.jobs.training.model_promotions import model_promotions
from kaizenlake.jobs.training.models import models
from kaizenlake.tables.training.models import STAGES
from kaizenlake.training.error_codes import LearningError


@dataclass(frozen=True)
class RegisteredModel:
    """A version of a model as it stands; the columns of `gold.models`, which say what each is."""

    tenant_id: str | None
    name: str
    version: str
    model_type: str
    stage: str
    path: str
    files: dict[str, str]
    files_count: int
    manifest_sha256: str
    parents: tuple[str, ...]
    dataset: str | None
    job_id: str | None
    metrics: dict[str, Any]
    registered_at: datetime
    registered_by: str
    stage_since: datetime
    decided_by: str
    is_override: bool
    manifest: str
    signature: str
    key_id: str

    @property
    def full_name(self) -> str:
        """Model and version, as examples and parents name it."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class ModelState:
    """Everything that was decided of models, as frames of the tables that the next night will write.

    Args:
        models: As `gold.models`.
        promotions: As `gold.model_promotions`.
    """

    models: pl.DataFrame
    promotions: pl.DataFrame

    def list_models(self, name: str | None = None) -> list[RegisteredModel]:
        """Return versions of a model, or of all, by name and in the order in which they were registered."""
        rows = self.models if name is None else self.models.filter(name=name)
        return [_read_row(row) for row in rows.sort("name", "registered_at", "version").iter_rows(named=True)]

    def find(self, name: str, version: str | None = None) -> RegisteredModel:
        """Return a version of a model.

        Args:
            name: Model.
            version: Its version, or a stage, such as production, of which it is the version that was put there last;
                production unless given.

        Raises:
            LearningError: There is none (E7204); the words name those there are.
        """
        versions = self.list_models(name)
        if not versions:
            names = sorted(set(self.models["name"]))
            raise LearningError("E7204", f"There is no model {name!r}{near(name, names)}.")
        asked = "production" if version is None else version
        if asked in STAGES:
            of_stage = [item for item in versions if item.stage == asked]
            if of_stage:
                return max(of_stage, key=lambda item: item.stage_since)
            raise LearningError("E7204", f"No version of the model {name} is in {asked}.")
        for item in versions:
            if item.version == asked:
                return item
        known = ", ".join(item.version for item in versions[-10:])
        raise LearningError("E7204", f"The model {name} has no version {asked!r}; it has {known}.")

    def find_production(self, name: str) -> RegisteredModel | None:
        """Return the version of a model that is in production; None where none is."""
        return next((item for item in self.list_models(name) if item.stage == "production"), None)

    def by_full_name(self, full_name: str) -> RegisteredModel | None:
        """Return a model by name@version; None where the lake has none of that name."""
        name, _, version = full_name.rpartition("@")
        return next((item for item in self.list_models(name) if item.version == version), None)

    def find_before(self, model: RegisteredModel) -> str | None:
        """Return the version that was in production until one became so by its last promotion."""
        moved = self.promotions.filter(name=model.name, version=model.version, action="promoted", to_stage="production")
        return None if moved.is_empty() else moved["archived_version"][-1]

    def find_validation(self, model: RegisteredModel) -> dict[str, Any] | None:
        """Return the latest validation of a version with the files that it has; None where there was none."""
        rows = self.promotions.filter(
            name=model.name, version=model.version, action="validated", manifest_sha256=model.manifest_sha256
        )
        return None if rows.is_empty() else rows.row(-1, named=True)

    def list_ancestors(self, model: RegisteredModel) -> Iterator[tuple[int, str, RegisteredModel | None]]:
        """Yield what a model was made of: how far back, name@version, and the model; each once."""
        seen = {model.full_name}
        waiting = [(1, parent) for parent in model.parents]
        while waiting:
            depth, name = waiting.pop(0)
            if name in seen:
                continue
            seen.add(name)
            found = self.by_full_name(name)
            yield depth, name, found
            if found is not None:
                waiting += [(depth + 1, parent) for parent in found.parents]

    def list_descendants(self, model: RegisteredModel) -> list[RegisteredModel]:
        """Return what was made of a model, directly or not, in the order in which it was registered."""
        line, found = {model.full_name}, []
        for item in sorted(self.list_models(), key=lambda item: (item.registered_at, item.full_name)):
            if item.full_name not in line and line & {*item.parents}:
                line.add(item.full_name)
                found.append(item)
        return found

    def name_line(self, model: RegisteredModel) -> frozenset[str]:
        """Return the lineage of a model as name@version: itself, all it was made of, and all that was made of these."""
        line = {model.full_name, *(name for _, name, _ in self.list_ancestors(model))}
        for name in tuple(line):
            if (found := self.by_full_name(name)) is not None:
                line |= {item.full_name for item in self.list_descendants(found)}
        return frozenset(line)

    def not_before(self, name: str, now: datetime) -> datetime:
        """Return the time of a decision on a model: now, or by a clock that is behind the time of the latest before it.

        Raises:
            KaizenError: The clock is behind by more than a day.
        """
        return not_before(now, self.promotions.filter(name=name)["occurred_at"].max(), f"decision on {name}")


def read_models(events: pl.LazyFrame) -> ModelState:
    """Fold the decisions on models among events.

    Args:
        events: Rows of `bronze.events`.
    """
    family = _find_family()
    types = [event.name for event in family.types]
    taken = events.filter(pl.col("event_type").is_in(types)).select(*ENVELOPE_COLUMNS, "payload").collect()
    log = decode(taken.lazy(), family).collect().lazy()
    return ModelState(
        models=models(log, as_of=ALWAYS).collect(), promotions=model_promotions(log, as_of=ALWAYS).collect()
    )


def _find_family() -> Family:
    return next(event.family for event in EVENTS if event.family.name == "model_log")


def _read_row(row: dict[str, Any]) -> RegisteredModel:
    fields = RegisteredModel.__dataclass_fields__
    read = {
        "files": json.loads(row["files"]),
        "metrics": json.loads(row["metrics"] or "{}"),
        "parents": tuple(row["parents"]),
    }
    return RegisteredModel(**{name: row[name] for name in fields if name in row} | read)


def find_manifest_fault(model: RegisteredModel, public_keys: signing.Keys) -> str | None:
    """Return why the manifest of a model is not what was signed when it was registered, in words; None where it is.

    Args:
        model: A version as it stands in the lake.
        public_keys: Public keys of the lake.
    """
    if signing.content_hash(model.manifest) != model.manifest_sha256:
        return "its manifest is not that of its hash"
    if signing.key_named(model.key_id, public_keys) is None:
        return f"it was signed by the key {model.key_id}, which is none of this lake"
    signature = {"algorithm": signing.ALGORITHM, "key_id": model.key_id, "value": model.signature}
    try:
        manifest = json.loads(model.manifest)
        signing.check_signature(manifest, signature, public_keys)
    except (VerificationError, ValueError) as error:
        return str(error)
    if (manifest.get("name"), manifest.get("version")) != (model.name, model.version):
        return f"its manifest is that of {manifest.get('name')}@{manifest.get('version')}"
    return None
