"""Whether what the file of a mapping says makes sense: each rule that it breaks, by its key, in words."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from zoneinfo import available_timezones

import polars as pl

from kaizenlake.events.catalogue import OURS, Catalogue, EventType
from kaizenlake.lake.mapping.document import (
    MOMENTS,
    SOURCES,
    EventSection,
    Identity,
    MappingDocument,
    Moment,
    Test,
    Tests,
    Value,
    names_read,
    values,
)
from kaizenlake.lake.mapping.figures import CLOCKS


def problems(document: MappingDocument, catalogue: Catalogue = OURS) -> Iterator[str]:
    """Give every rule that a document breaks; its types were checked when it was read."""
    form = document.format
    try:
        codecs.lookup(form.encoding)
    except LookupError:
        yield f"`format.encoding`: there is no encoding {form.encoding!r}"
    if form.thousands is not None and (form.decimal or ".") == form.thousands and form.decimal is not None:
        yield "`format.thousands`: the mark of thousands and of decimals are the same"
    yield from _name_problems(document)
    for place, tests in enumerate(document.leave_out):
        yield from _tests_problems(f"leave_out[{place}]", tests)
    for place, section in enumerate(document.event):
        at = f"event[{place}]"
        event = catalogue.by_name(section.type)
        if event is None:
            near = get_close_matches(section.type, [item.name for item in catalogue.events], n=1)
            yield f"`{at}.type`: no event type {section.type!r}" + (f"; did you mean {near[0]}?" if near else "")
            continue
        yield from _identity_problems(f"{at}.id", section.id)
        yield from _tests_problems(f"{at}.when", section.when)
        if section.occurred_at is not None:
            yield from _moment_problems(f"{at}.occurred_at", section.occurred_at)
        if not event.is_record and (section.measured_at or section.figures or section.breakdown):
            records = [item.name for item in catalogue.events if item.is_record]
            yield f"`{at}`: `measured_at`, `figures` and `breakdown` go with {_list_words(records)}"
        if section.measured_at is not None:
            yield from _moment_problems(f"{at}.measured_at", section.measured_at)
        yield from _field_problems(at, section, event)


def _name_problems(document: MappingDocument) -> Iterator[str]:
    known = names_read(document)
    for key, names in (
        ("also_named", list(document.also_named)),
        ("optional", document.optional),
        ("silent", list(document.silent)),
    ):
        for name in names:
            if name not in known:
                yield f"`{key}`: the mapping reads no column {name!r}"


def _identity_problems(at: str, identity: Identity) -> Iterator[str]:
    if bool(identity.columns) == identity.row:
        yield f"`{at}`: exactly one of `columns` and `row = true`"


def _moment_problems(at: str, moment: Moment) -> Iterator[str]:
    if (
        sum(getattr(moment, key) not in (None, False) for key in MOMENTS if key != "columns") + bool(moment.columns)
        != 1
    ):
        yield f"`{at}`: exactly one of {_list_keys(MOMENTS)}"
    if moment.month is not None and (moment.year is None or moment.weekday is None):
        yield f"`{at}`: `month` needs `year` and `weekday` too"
    if moment.month is None and any(item is not None for item in (moment.year, moment.weekday, moment.hour)):
        yield f"`{at}`: `year`, `weekday` and `hour` go with `month`"
    yield from _zone_problems(at, moment.zone)


def _list_keys(keys: Sequence[str]) -> str:
    return _list_words([f"`{key}`" for key in keys])


def _list_words(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}"


def _tests_problems(at: str, tests: Tests) -> Iterator[str]:
    if not tests and at.startswith("leave_out"):
        yield f"`{at}`: it says of no column what holds"
    for name, test in tests.items():
        if isinstance(test, Test) and test.matches is not None:
            try:
                pl.select(pl.lit("").str.contains(test.matches))
            except pl.exceptions.PolarsError:
                yield f"`{at}.{name}.matches`: {test.matches!r} is no regular expression that is taken"


def _zone_problems(at: str, zone: str | None) -> Iterator[str]:
    if zone is not None and zone not in available_timezones():
        yield f"`{at}.zone`: there is no time zone {zone!r}"


def _field_problems(at: str, section: EventSection, event: EventType) -> Iterator[str]:
    fields = {field.name: field for field in event.fields}
    for name in section.fields:
        if name not in fields:
            near = get_close_matches(name, list(fields), n=1)
            yield f"`{at}.fields.{name}`: {event.name} has no such field" + (
                f"; did you mean {near[0]}?" if near else ""
            )
            return
    for name, field in fields.items():
        if field.required and name not in section.fields:
            yield f"`{at}.fields`: {event.name} needs `{name}`"
    if event.family.needs_project and section.project_id is None:
        yield f"`{at}.project_id`: {event.name} needs a project"
    for name, value in values(section):
        kind = fields[name].kind if name in fields else "str"
        is_money = name in fields and fields[name].unit == "usd"
        yield from _value_problems(
            f"{at}.fields.{name}" if name in fields else f"{at}.{name}", value, kind, is_money=is_money
        )


def _value_problems(at: str, value: Value, kind: str, *, is_money: bool) -> Iterator[str]:
    given = [key for key in SOURCES if getattr(value, key) is not None]
    if len(given) != 1:
        yield f"`{at}`: exactly one of {_list_keys(SOURCES)}"
        return
    if value.minus and value.sum is None:
        yield f"`{at}`: `minus` goes with `sum`"
    if kind == "dict" and given != ["constant"]:
        yield f"`{at}`: a free object cannot come from a table"
    said = sum(words is not None for words in (value.is_, value.is_not))
    if said != (value.count is not None or value.names is not None):
        yield f"`{at}`: exactly one of `is` and `is_not` goes with `count` and `names`, and they with it"
    if value.otherwise is not None and value.values is None:
        yield f"`{at}`: `otherwise` goes with `values`"
    if value.columns is None and (value.hash or value.join is not None):
        yield f"`{at}`: `hash` and `join` go with `columns`"
    if value.columns is not None and value.hash == (value.join is not None):
        yield f"`{at}`: `columns` needs one of `join` and `hash = true`"
    yield from _kind_problems(at, value, kind, is_money=is_money)


def _kind_problems(at: str, value: Value, kind: str, *, is_money: bool) -> Iterator[str]:
    """Yield rules that hang on the kind of the field."""
    if kind not in {"int", "float"} and value.figures:
        yield f"`{at}`: `sum`, `ratio` and `product` are for numbers, this field is {kind}"
    if kind not in {"int", "float"} and (value.multiply_by or value.divide_by or value.percent):
        yield f"`{at}`: `multiply_by`, `divide_by` and `percent` are for numbers, this field is {kind}"
    if value.divide_by == 0:
        yield f"`{at}.divide_by`: nothing can be divided by 0"
    if kind != "list" and value.split is not None:
        yield f"`{at}`: `split` is for lists, this field is {kind}"
    if value.currency is not None and not is_money:
        yield f"`{at}.currency`: this field is no money"
    is_clock = value.format in CLOCKS and kind in {"int", "float"} and value.zone is None
    if kind != "datetime" and not is_clock and (value.format is not None or value.zone is not None):
        yield f"`{at}`: `format` and `zone` are for times, this field is {kind}"
    yield from _zone_problems(at, value.zone)
