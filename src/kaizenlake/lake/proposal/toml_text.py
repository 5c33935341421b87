"""Mappings as the text of a TOML file, each line with the reason for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from kaizenlake.lake.mapping.document import FileFormat


def write(value: Any) -> str:
    r"""Return a value as TOML on one line.

    >>> write({"columns": ["Post ID"], "is row": True})
    '{ columns = ["Post ID"], "is row" = true }'
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(write, value))}]"
        case _:
            return "{ " + ", ".join(f"{_key(name)} = {write(item)}" for name, item in value.items()) + " }"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else write(name)


def line(name: str, value: Any, why: str = "") -> str:
    """Return a line of a TOML file, and behind it why it says so."""
    reason = f"  # {' '.join(why.split())}" if why else ""
    return f"{_key(name)} = {write(value)}{reason}"


def format_lines(form: FileFormat) -> list[str]:
    """Return the table that says how a file is written; nothing where nothing needs to be said."""
    said: Mapping[str, Any] = {
        field.name: getattr(form, field.name)
        for field in msgspec.structs.fields(FileFormat)
        if getattr(form, field.name) not in (field.default, None, [], "")
    }
    return ["", "[format]", *(line(name, value) for name, value in said.items())] if said else []
