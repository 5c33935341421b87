"""The text model of a project, for whoever drafts: read and checked at every load."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from typing import Any

from kaizenlake.context._files import (
    CORRUPT,
    MISSING,
    UNUSABLE,
    UnusableError,
    age_of,
    check_kind,
    describe_error,
    instants_of,
    read_signed,
)
from kaizenlake.context._policies import file_name
from kaizenlake.context._scorer import Scorer
from kaizenlake.context._tenants import check_alone, check_tenant, folders_of

NO_MODEL = "default: no model"

FOLDER = "text_models"
SCHEMA = "kaizen-text-model"
VERSION = 1
FILE_BYTES = 1024 * 1024

WHOLE = ""
"""Name under which the model of all projects of a tenant is published."""

TRANSFER = 0.5
"""How much the weights of a tenant's model count for a project that has too few experiments of its own."""


def load_scorer(
    published: str | os.PathLike[str],
    project: str | None = None,
    *,
    tenant: str | None = None,
    public_key: str | bytes | os.PathLike[str] | None = None,
    max_age: float | timedelta | None = None,
) -> Scorer:
    """Read the text model of a project, which scores and ranks drafts by what won in experiments.

    A project with too few experiments of its own has the model of its tenant, whose weights count half.

    Args:
        published: The `published` folder of a lake.
        project: Project of the drafts; None for the model of all projects.
        tenant: Tenant whose models are wanted, an empty text for the events without one. Needed where a lake has several.
        public_key: Ed25519 key that must have signed it: PEM, or the path of a PEM file. This alone needs
            `cryptography`.
        max_age: Seconds after its publication from which it is stale, even if it promised to hold longer.

    Returns:
        The scorer; where no model can be used it knows nothing, and its reason says why.
    """
    try:
        signed, factor = _find(published, project, tenant, public_key)
        weights = _weights(signed)
        instants = instants_of(signed, "a text model")
        reason, detail = age_of(*instants, max_age)
        return Scorer(reason, detail, signed["model"], *instants, signed["value"], weights, factor)
    except UnusableError as error:
        return Scorer(error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - a service must go on, whatever lies in the folder
        return Scorer(CORRUPT, describe_error(error))


def _find(published: Any, project: Any, tenant: Any, public_key: Any) -> tuple[dict[str, Any], float]:
    """Return what is signed of the model of a project, else of its tenant, and how much its weights count."""
    if project is not None and not isinstance(project, str):
        raise UnusableError(UNUSABLE, "project is a text")
    folders = list(folders_of(published, tenant))
    for name, factor in ((project, 1.0), (WHOLE, 1.0 if project is None else TRANSFER)):
        if name is None:
            continue
        for folder in folders:
            path = f"{folder}/{FOLDER}/{file_name(name)}"
            try:
                signed = read_signed(path, FILE_BYTES, public_key, "a text model")
            except UnusableError as error:
                if error.reason != MISSING:
                    raise
            else:
                check_kind(signed, path, (SCHEMA, VERSION), name, named_by="model")
                check_tenant(signed, tenant)
                return signed, factor
    check_alone(published, tenant, public_key)
    raise UnusableError(NO_MODEL, "no text model is published: it takes experiments with several wordings")


_FIGURES = ("centre", "spread", "rule_error", "word_error")


def _weights(signed: dict[str, Any]) -> dict[str, Any]:
    """Return the weights of a model, checked; a model that is none is a default."""
    if signed["status"] != "usable":
        raise UnusableError(NO_MODEL, str(signed["why"]))
    weights = {name: signed[name] for name in (*_FIGURES, "rules", "words", "is_english")}
    figures = [*(weights[name] for name in _FIGURES), *weights["rules"].values(), *weights["words"].values()]
    if not all(type(figure) in {int, float} and math.isfinite(figure) for figure in figures):
        raise UnusableError(CORRUPT, "a weight of the text model is no figure")
    return weights
