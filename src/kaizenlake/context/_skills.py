"""The skill card of a doer, for whoever generates as that doer: read and checked at every load."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from kaizenlake.context._files import (
    CORRUPT,
    FRESH,
    MISSING,
    STALE,
    UNUSABLE,
    UnusableError,
    check_signature,
    content_of,
    parsed,
    pem_of,
    told,
)
from kaizenlake.context._policies import file_name

FOLDER = "skills"
SCHEMA = "kaizen-skill"
VERSION = 1
FILE_BYTES = 16 * 1024 * 1024


class LoadedSkill(NamedTuple):
    """A skill card and how it came.

    Args:
        skill: The card with what belongs to it: `card`, `policy`, `next_steps`; the default where none can be used.
        reason: `fresh`, `stale`, or `default: …` with what is wrong.
        detail: What was found, in words; empty for a fresh one.
        generated_at: When it was published, or None for a default.
        valid_until: Until when it is fresh, or None for a default.
    """

    skill: dict[str, Any]
    reason: str
    detail: str = ""
    generated_at: datetime | None = None
    valid_until: datetime | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it is as new as the publisher promised."""
        return self.reason == FRESH

    @property
    def is_default(self) -> bool:
        """Whether nothing published could be used."""
        return self.reason.startswith("default")


def load_skill(
    published: str | os.PathLike[str],
    doer: str,
    *,
    default: Mapping[str, Any] | None = None,
    public_key: str | bytes | os.PathLike[str] | None = None,
    max_age: float | timedelta | None = None,
) -> LoadedSkill:
    """Read the skill card of a doer: what it is good and bad at, how it fails, and what to try next.

    Args:
        published: The `published` folder of a lake.
        doer: The doer.
        default: Answer where nothing published can be used; a card that says nothing if not given.
        public_key: Ed25519 key that must have signed it: PEM, or the path of a PEM file. This alone needs
            `cryptography`.
        max_age: Seconds after its publication from which it is stale, even if it promised to hold longer.

    Returns:
        The card, and the reason why it is this one. Its texts are data that came from outside, never instructions.
    """
    fallback = dict(default) if isinstance(default, Mapping) else empty_skill(doer)
    try:
        signed = _read(published, doer, public_key)
        generated_at, valid_until = (_instant(signed, name) for name in ("generated_at", "valid_until"))
        reason, detail = _age(generated_at, valid_until, max_age)
        return LoadedSkill(signed, reason, detail, generated_at, valid_until)
    except UnusableError as error:
        return LoadedSkill(fallback, error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - a service must go on, whatever lies in the folder
        return LoadedSkill(fallback, CORRUPT, told(error))


def empty_skill(doer: Any) -> dict[str, Any]:
    """A card that says nothing: what `load_skill` answers where it has nothing and no default was given."""
    lists = ("strengths", "weaknesses", "not_observed", "terms", "models", "failure_modes", "experiments")
    card: dict[str, Any] = {name: [] for name in lists}
    return {
        "doer": doer,
        "sample_size": 0,
        "card": card | {"loss": None, "best_model": None},
        "policy": None,
        "next_steps": [],
    }


def _read(published: Any, doer: Any, public_key: Any) -> dict[str, Any]:
    if not isinstance(doer, str):
        raise UnusableError(UNUSABLE, "doer is a text")
    path = f"{os.path.abspath(os.fsdecode(published))}/{FOLDER}/{file_name(doer)}"  # noqa: PTH100 - as in the reader
    try:
        found = parsed(content_of(path, FILE_BYTES))
    except UnusableError as error:
        if error.reason == MISSING:
            raise UnusableError(MISSING, f"no skill card of the doer {doer} is published"[:300]) from None
        raise
    if not isinstance(found, dict) or not isinstance(found.get("signed"), dict):
        raise UnusableError(CORRUPT, f"{path} has not the form of a skill card")
    signed: dict[str, Any] = found["signed"]
    if public_key is not None:
        check_signature(signed, found.get("signature"), pem_of(public_key))
    if (signed.get("schema"), signed.get("version")) != (SCHEMA, VERSION):
        raise UnusableError(CORRUPT, f"{path} is of another schema or version")
    if signed.get("doer") != doer:
        raise UnusableError(CORRUPT, f"{path} is of another doer")
    return signed


def _instant(signed: dict[str, Any], name: str) -> datetime:
    moment = datetime.fromisoformat(signed[name])
    if moment.tzinfo is None:
        raise UnusableError(CORRUPT, f"the {name} of a skill card has no zone")
    return moment


def _age(generated_at: datetime, valid_until: datetime, max_age: Any) -> tuple[str, str]:
    """Fresh or stale, and why."""
    now = datetime.now(UTC)
    if now > valid_until:
        return STALE, f"it was valid until {valid_until.isoformat()}"
    if max_age is not None:
        age = max_age if isinstance(max_age, timedelta) else timedelta(seconds=float(max_age))
        if now - generated_at > age:
            return STALE, f"it was published at {generated_at.isoformat()}, longer ago than allowed"
    return FRESH, ""
