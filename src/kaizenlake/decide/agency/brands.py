"""Describe brands, and look at what is known of them at this moment."""

from __future__ import annotations

import json
import tempfile
import tomllib
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from kaizenlake.decide.record.state import ALWAYS
from kaizenlake.errors import UsageError
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.decode import decode
from kaizenlake.events.rules import near
from kaizenlake.events.write.log import event_line
from kaizenlake.jobs.agency import brands as job
from kaizenlake.jobs.agency._time_slots import calendar, read_zone
from kaizenlake.jobs.feedback import brand_notes as notes_job
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of

EVENT = "BRAND_DESCRIBED"
NOTE = "BRAND_NOTED"


def read_file(file: Path) -> dict[str, Any]:
    """Read a description of a brand from a file.

    Args:
        file: TOML or JSON with `brand_id`, `name`, and any other field of BRAND_DESCRIBED.

    Raises:
        UsageError: It cannot be read, or holds no table of fields.
    """
    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text, parse_float=str)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The description of a brand cannot be read: {error}.",
            where=str(file),
            hint='It is TOML or JSON, such as: brand_id = "acme"',
        ) from error
    if not isinstance(found, dict):
        raise UsageError("Expected the fields of one brand, found something else.", where=str(file))
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    """Return a value of TOML as JSON has it: a day is text there."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def describe(lake: Lake, brand: dict[str, Any], *, where: str = "") -> str:
    """Describe a brand: it is landed at once, and what was known of it before does not count any more.

    Args:
        lake: The lake, as a tenant has it where there are several.
        brand: Fields of BRAND_DESCRIBED.
        where: Where they come from, for an error.

    Returns:
        The brand.

    Raises:
        EventError: A field is missing or breaks its declaration.
        UsageError: The zone is unknown, or a holiday is no day.
        LockedError: A night or a landing runs.
    """
    _check_calendar(brand, where)
    _land(lake, EVENT, brand)
    return str(brand["brand_id"])


def _land(lake: Lake, event_type: str, payload: dict[str, Any]) -> None:
    view = view_of(lake)
    line = event_line(event_type, payload, tenant_id=view.tenant, source="kaizen brand")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "brand.ndjson"
        file.write_bytes(line.text)
        land(view.whole, file)


def add_note(lake: Lake, note: dict[str, Any]) -> None:
    """Keep a note on a brand: it is landed at once, and can be looked up from then on.

    Args:
        lake: The lake, as a tenant has it where there are several.
        note: Fields of BRAND_NOTED.

    Raises:
        EventError: A field is missing or breaks its declaration.
        UsageError: There is no such brand, or nothing is said.
        LockedError: A night or a landing runs.
    """
    require_brand(lake, note["brand_id"])
    if not note["insight"].strip():
        raise UsageError(
            "Say what was learned of the brand.", hint='kaizen brand note acme "Opens fall in school holidays"'
        )
    _land(lake, NOTE, note)


def find_notes(lake: Lake, brand_id: str, words: str = "") -> list[dict[str, Any]]:
    """Return the notes on a brand, the latest first: those that hold every word, whatever its case.

    Args:
        lake: The lake, as a tenant has it where there are several.
        brand_id: The brand that they are about.
        words: What to search for; everything where empty.
    """
    event = by_name(NOTE)
    assert event is not None
    told = decisions.of(view_of(lake)).filter(pl.col("event_type") == NOTE)
    notes = notes_job.brand_notes(decode(told, event.family), as_of=ALWAYS).filter(pl.col("brand_id") == brand_id)
    text = (pl.col("note") + " " + pl.col("told_by").fill_null("")).str.to_lowercase()
    holds = [text.str.contains(word, literal=True) for word in words.lower().split()]
    found = notes.filter(*holds) if holds else notes
    return found.sort("noted_at", "note", descending=[True, False]).collect().to_dicts()


def _check_calendar(brand: dict[str, Any], where: str) -> None:
    try:
        calendar(brand.get("zone") or "UTC", brand.get("holidays") or (), business_days=True)
    except UsageError as error:
        raise UsageError(error.message, where=where, hint=error.hint) from error


def find_brands(lake: Lake) -> pl.DataFrame:
    """Return the brands of a lake as the next night will have them, as rows of `gold.brands`.

    Args:
        lake: The lake, as a tenant has it where there are several.
    """
    event = by_name(EVENT)
    assert event is not None
    told = decisions.of(view_of(lake)).filter(pl.col("event_type") == EVENT)
    return job.brands(decode(told, event.family), as_of=ALWAYS).collect()


def find_brand(lake: Lake, brand_id: str) -> dict[str, Any] | None:
    """Return what is known of a brand; None where it was never described."""
    found = find_brands(lake).filter(brand_id=brand_id)
    return None if found.is_empty() else found.row(0, named=True)


def find_shared(lake: Lake, brand_id: str) -> dict[str, list[str]]:
    """Return the projects of a brand that descriptions of others name too, each with these; what names no brand there is nobody's."""
    found = find_brands(lake).select("brand_id", "projects").rows()
    own = next((projects for name, projects in found if name == brand_id), None) or ()
    others = {
        project: sorted(name for name, projects in found if name != brand_id and project in (projects or ()))
        for project in own
    }
    return {project: names for project, names in others.items() if names}


def find_zone(lake: Lake, brand_id: str) -> ZoneInfo:
    """Return the zone of a brand; UTC where none was told.

    Raises:
        UsageError: What was told is none.
    """
    return read_zone((find_brand(lake, brand_id) or {}).get("zone") or "UTC", f"the brand {brand_id}")


def require_brand(lake: Lake, brand_id: str) -> dict[str, Any]:
    """Return what is known of a brand.

    Raises:
        UsageError: It was never described; the words name a likely one.
    """
    if (found := find_brand(lake, brand_id)) is not None:
        return found
    raise UsageError(
        f"There is no brand {brand_id!r}{near(brand_id, find_brands(lake)['brand_id'].to_list())}.",
        hint="`kaizen brand list` lists them, `kaizen brand add FILE` describes one.",
    )
