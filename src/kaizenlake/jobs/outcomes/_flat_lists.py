"""Lists of flat objects in a payload field, read so that no text whatever stops a night."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

_TEXT = r'"(?:[^"\\]|\\.)*"'
_NUMBER = r"-?\d{1,18}(?:\.\d{1,25})?(?:[eE](?:-\d{1,3}|\+?\d{1,2}))?"
_SCALAR = rf"(?:{_TEXT}|{_NUMBER}|true|false|null)"
_SCALARS = rf"\[\s*(?:{_SCALAR}(?:\s*,\s*{_SCALAR})*)?\s*\]"
_PAIR = rf"{_TEXT}\s*:\s*(?:{_SCALAR}|{_SCALARS})"
_ENTRY = rf"(?:null|\{{\s*(?:{_PAIR}(?:\s*,\s*{_PAIR})*)?\s*\}})"


def flat_list(text: str, field: str, names: Iterable[str]) -> pl.Expr:
    """Return the list under a field of a JSON object, whose entries are objects of texts and numbers; null for any other text.

    What is not wanted of an entry may also be a list of them.

    The decoder of Polars ends the query on a value of another type, so only what is seen to fit is handed to it.

    Args:
        text: Column with the object, `field` its first key.
        field: Name of the list.
        names: Keys of an entry that are wanted, each as text: a figure is to be cast, so that one that is no number is null.

    >>> rows = pl.DataFrame({"arms": ['{"arms": [{"share": 0.1}, null]}', '{"arms": [5]}', None]})
    >>> rows.select(flat_list("arms", "arms", ["share"])).to_series().to_list()
    [[{'share': '0.1'}, None], None, None]
    """
    fits = rf'^\s*\{{\s*"{field}"\s*:\s*\[\s*(?:{_ENTRY}(?:\s*,\s*{_ENTRY})*)?\s*\](?:\s*,\s*{_PAIR})*\s*\}}\s*$'
    wanted = tuple(names)
    spoiled = rf'"(?:{"|".join(wanted)})"\s*:\s*\['
    entries = pl.Struct({field: pl.List(pl.Struct(dict.fromkeys(wanted, pl.String())))})
    known = pl.when(pl.col(text).str.contains(fits), ~pl.col(text).str.contains(spoiled)).then(text)
    return known.str.json_decode(entries).struct.field(field)
