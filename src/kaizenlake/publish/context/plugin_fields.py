"""What plug-ins add to contexts: plain JSON of little room, made anew for each scope; what fails is left out and told."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from kaizenlake.plugin_files import line_of
from kaizenlake.plugins import ContextField, Declarations
from kaizenlake.publish.context.model import Scope, as_line
from kaizenlake.tables import Scan, Table

FIELD_BYTES = 400
"""Most bytes of one field of a plug-in."""

ALL_BYTES = 800
"""Most bytes of the fields of all plug-ins in one context."""

DEEPEST = 4
TEXT = 120


@dataclass(frozen=True)
class PluginValues:
    """What plug-ins add to one context: values by field, and why a field has none."""

    values: Mapping[str, Any] = field(default_factory=dict)
    why_empty: Mapping[str, str] = field(default_factory=dict)

    def leave_out(self) -> PluginValues:
        """Return the same without a value, for a context that has no room for them."""
        return PluginValues({}, {**self.why_empty, **{f"plugins.{name}": _NO_ROOM for name in self.values}})


_NO_ROOM = "There is no room for it."


@dataclass
class PluginFields:
    """The fields of plug-ins with the rows they are made of.

    Args:
        fields: Each with the frames of its tables; None where one of them could not be computed tonight.
        places: File of the plug-in of each field.
        failures: What failed, in words, by field; filled while values are made.
    """

    fields: tuple[tuple[ContextField, tuple[pl.DataFrame, ...] | None], ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, scan: Scan, declared: Declarations, broken: Collection[type[Table]] = ()) -> PluginFields:
        """Read the tables of all fields once.

        Args:
            scan: Gives the rows of a table.
            declared: What is declared for the lake.
            broken: Tables that could not be computed tonight, of which nothing is told.
        """
        found = [(item, taken.where) for taken in declared.plugins for item in taken.plugin.context_fields]
        fields = tuple(
            (item, None if {*item.reads} & {*broken} else tuple(scan(table).collect() for table in item.reads))
            for item, _ in found
        )
        return cls(fields, {item.name: where for item, where in found})

    def of(self, scope: Scope) -> PluginValues:
        """Return what plug-ins add to the context of a scope."""
        values: dict[str, Any] = {}
        why: dict[str, str] = {}
        left = ALL_BYTES
        for item, frames in self.fields:
            if frames is None:
                why[item.name] = "Its tables could not be computed."
                continue
            try:
                value = plain(item.make(msgspec.to_builtins(scope), *frames))
                spent = _bytes_of(value)
                if spent > FIELD_BYTES:
                    raise ValueError(f"it has {spent} bytes, and {FIELD_BYTES} are allowed")  # noqa: TRY301 - told below
            except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is its own failure
                where = self.places[item.name]
                told = f"{type(error).__name__}: {error}{line_of(error, where)} (first in {scope.words})"
                self.failures.setdefault(f"plugins.{item.name} of {where}", told)
                why[item.name] = "It could not be made."
                continue
            if value is None:
                why[item.name] = "Nothing is known yet."
            elif spent > left:
                why[item.name] = _NO_ROOM
            else:
                values[item.name], left = value, left - spent
        return PluginValues(values, {f"plugins.{name}": words for name, words in why.items()})


def plain(value: Any, depth: int = 1) -> Any:
    """Return a value as plain JSON, its texts as lines of data.

    Raises:
        ValueError: It is not finite, or too deep.
        TypeError: It is no JSON.
    """
    if depth > DEEPEST:
        raise ValueError(f"lists and objects lie deeper than {DEEPEST} levels")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a figure is not finite: {value}")
        return round(value, 6)
    if isinstance(value, str):
        return as_line(value, TEXT)
    if isinstance(value, Mapping):
        return {as_line(str(key), TEXT): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    raise TypeError(f"{type(value).__name__} is no JSON")


def _bytes_of(value: Any) -> int:
    """Return bytes of a value in a published document, where markup characters are escaped."""
    text = msgspec.json.encode(value)
    return len(text) + 5 * sum(text.count(character) for character in (b"<", b">", b"&", b"'"))
