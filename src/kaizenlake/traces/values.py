"""Values as the dialects write them: identifiers, instants, counts and texts."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

TEXT_LENGTH = 20_000
"""Most characters that are kept of a text."""

CUT = " […]"
"""Ends a text that was cut."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{16}|[0-9a-fA-F]{32})")
_MLFLOW_ID = re.compile(r"tr-([0-9a-f]{32})")

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


class BadSpanError(ValueError):
    """A span cannot be taken; the words say why."""


def any_value(value: Any) -> Any:
    """Return the value of OTLP's JSON: an object whose one key tells the type; 64-bit integers are text or number."""
    if not isinstance(value, dict):
        return value
    for kind, held in value.items():
        made = _VALUES.get(kind)
        return held if made is None else made(held)
    return None


def attributes(held: Any) -> dict[str, Any]:
    """Return attributes as a mapping, however they are written: a list of keys and values, an object, or JSON text of one."""
    if isinstance(held, str):
        held = from_text(held)
    if isinstance(held, dict):
        return held
    if isinstance(held, list):
        return {item["key"]: any_value(item.get("value")) for item in held if isinstance(item, dict) and "key" in item}
    return {}


_VALUES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("intValue", "int_value"), int),
    **dict.fromkeys(
        ("arrayValue", "array_value"), lambda held: [any_value(item) for item in (held or {}).get("values") or ()]
    ),
    **dict.fromkeys(("kvlistValue", "kvlist_value"), lambda held: attributes((held or {}).get("values"))),
}
"""What becomes of the values of OTLP that are not as they are written."""


def from_text(value: Any) -> Any:
    """Return what JSON text says; any other value, and text that is no JSON, as it is."""
    if isinstance(value, str) and value[:1] in {"{", "[", '"'}:
        try:
            return decode(value)
        except (msgspec.MsgspecError, RecursionError):
            return value
    return value


def trace_id(value: Any) -> str | None:
    """Name of a trace: 32 hexadecimal digits where it is a number of 128 bits, however it is written."""
    return _find_identifier(value, 16) if isinstance(value, str | int) else None


def span_id(value: Any) -> str | None:
    """Name of a span: 16 hexadecimal digits where it is a number of 64 bits; None for none."""
    return _find_identifier(value, 8) if isinstance(value, str | int) else None


@lru_cache(8192)
def _find_identifier(value: str | int, size: int) -> str | None:
    """Return spans of a trace name it, and one another, again and again."""
    if isinstance(value, int):
        value = format(value, f"0{2 * size}x") if 0 < value < 1 << (8 * size) and not isinstance(value, bool) else ""
    if (made := _HEX.fullmatch(value)) and len(made[1]) == 2 * size:
        return made[1].lower() if made[1].strip("0") else None
    if made := _MLFLOW_ID.fullmatch(value):
        return made[1]
    if len(value) == {16: 24, 8: 12}[size] and value.endswith("="):
        # Protobuf writes bytes so.
        with suppress(ValueError):
            return base64.b64decode(value, validate=True).hex()
    return value.replace("\0", "").strip()[:200] or None


def nanoseconds(value: Any) -> int | None:
    """Return an instant as nanoseconds since 1970: number or text of one, seconds or milliseconds, or RFC 3339; None for none."""
    if isinstance(value, str):
        said = value.strip()
        if not said.lstrip("-").isdigit():
            return _of_instant(said)
        value = int(said)
    if isinstance(value, dict):
        # Protobuf's timestamp.
        return int(value.get("seconds", 0)) * 1_000_000_000 + int(value.get("nanos", 0))
    if not isinstance(value, int | float) or isinstance(value, bool) or value == 0:
        return None
    unit = next((unit for unit, most in _UNITS if abs(value) < most), 1)
    return round(value * unit)


_UNITS = ((1_000_000_000, 1e11), (1_000_000, 1e14), (1_000, 1e17))
"""Nanoseconds of a unit of time, and the numbers below which an instant of this century is in it."""


def _of_instant(text: str) -> int | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _since(instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC))


def _since(instant: datetime) -> int:
    return int((instant - _EPOCH) // timedelta(microseconds=1)) * 1_000


def instant(nanos: int) -> datetime:
    """Return an instant in UTC, to the microsecond.

    Raises:
        BadSpanError: No calendar has it.
    """
    try:
        return _EPOCH + timedelta(microseconds=nanos // 1_000)
    except OverflowError as error:
        raise BadSpanError(f"its time, {nanos} nanoseconds, is none") from error


def count(value: Any) -> int | None:
    """Return a whole number that is not negative; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value) if not value.isdigit() else int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return value if 0 <= value < 1 << 63 else None


def amount(value: Any) -> float | None:
    """Return a finite number that is not negative; None for anything else."""
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        return None
    return found if 0 <= found <= 1e12 else None


def key(value: Any) -> str | None:
    """Return an identifier, cut to what a name may have; None for none."""
    if isinstance(value, str) and len(value) <= 200:
        return _find_plain(value)
    if value is None or isinstance(value, dict | list):
        return None
    found = str(value).replace("\0", "").strip()[:200]
    return found or None


@lru_cache(8192)
def _find_plain(name: str) -> str | None:
    """Return models, agents and tools come again and again."""
    return name.replace("\0", "").strip() or None


def text(value: Any, most: int = TEXT_LENGTH) -> str | None:
    """Return a text, or the JSON of an object, cut to its beginning; None for none."""
    if value is None:
        return None
    if not isinstance(value, str):
        try:
            value = encode(value).decode()
        except (TypeError, RecursionError, OverflowError):
            value = str(value)
    if "\0" in value:
        value = value.replace("\0", "")
    said = str(value)
    return said if len(said) <= most else said[: most - len(CUT)] + CUT
