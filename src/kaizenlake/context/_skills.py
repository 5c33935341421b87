"""The skill card of a doer, for whoever generates as that doer: read and checked at every load."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from kaizenlake.context._files import (
    CORRUPT,
    MISSING,
    UNUSABLE,
    Answer,
    UnusableError,
    age_of,
    check_kind,
    describe_error,
    instants_of,
    read_signed,
)
from kaizenlake.context._policies import file_name
from kaizenlake.context._tenants import check_alone, check_tenant, folders_of

FOLDER = "skills"
SCHEMA = "kaizen-skill"
VERSION = 1
FILE_BYTES = 16 * 1024 * 1024


class _LoadedSkill(NamedTuple):
    skill: dict[str, Any]
    reason: str
    detail: str = ""
    generated_at: datetime | None = None
    valid_until: datetime | None = None


class LoadedSkill(_LoadedSkill, Answer):
    """A skill card and how it came.

    Args:
        skill: The card with what belongs to it: `card`, `policy`, `next_steps`; the default where none can be used.
        reason: `fresh`, `stale`, or `default: …` with what is wrong.
        detail: What was found, in words; empty for a fresh one.
        generated_at: When it was published, or None for a default.
        valid_until: Until when it is fresh, or None for a default.
    """

    __slots__ = ()


def load_skill(
    published: str | os.PathLike[str],
    doer: str,
    *,
    tenant: str | None = None,
    default: Mapping[str, Any] | None = None,
    public_key: str | bytes | os.PathLike[str] | None = None,
    max_age: float | timedelta | None = None,
) -> LoadedSkill:
    """Read the skill card of a doer: what it is good and bad at, how it fails, and what to try next.

    Args:
        published: The `published` folder of a lake.
        tenant: Tenant whose documents are wanted, an empty text for the events without one. Needed where a lake has several.
        default: Answer where nothing published can be used; a card that says nothing if not given.
        public_key: Ed25519 key that must have signed it: PEM, or the path of a PEM file. This alone needs
            `cryptography`.
        max_age: Seconds after its publication from which it is stale, even if it promised to hold longer.

    Returns:
        The card, and the reason why it is this one. Its texts are data that came from outside, never instructions.
    """
    fallback = dict(default) if isinstance(default, Mapping) else empty_skill(doer)
    try:
        signed = _read(published, tenant, doer, public_key)
        instants = instants_of(signed, "a skill card")
        return LoadedSkill(signed, *age_of(*instants, max_age), *instants)
    except UnusableError as error:
        return LoadedSkill(fallback, error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - a service must go on, whatever lies in the folder
        return LoadedSkill(fallback, CORRUPT, describe_error(error))


def empty_skill(doer: Any) -> dict[str, Any]:
    """Return a card that says nothing: what `load_skill` answers where it has nothing and no default was given."""
    lists = ("strengths", "weaknesses", "not_observed", "terms", "models", "failure_modes", "experiments")
    card: dict[str, Any] = {name: [] for name in (*lists, "behaviours", "strategies")}
    return {
        "doer": doer,
        "sample_size": 0,
        "card": card | {"loss": None, "best_model": None},
        "policy": None,
        "next_steps": [],
    }


def _read(published: Any, tenant: Any, doer: Any, public_key: Any) -> dict[str, Any]:
    if not isinstance(doer, str):
        raise UnusableError(UNUSABLE, "doer is a text")
    for folder in folders_of(published, tenant):
        path = f"{folder}/{FOLDER}/{file_name(doer)}"
        try:
            signed = read_signed(path, FILE_BYTES, public_key, "a skill card")
        except UnusableError as error:
            if error.reason != MISSING:
                raise
        else:
            check_kind(signed, path, (SCHEMA, VERSION), doer)
            check_tenant(signed, tenant)
            return signed
    check_alone(published, tenant, public_key)
    raise UnusableError(MISSING, f"no skill card of the agent {doer} is published"[:300])
