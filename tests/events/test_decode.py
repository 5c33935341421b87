"""Silver from bronze: every type's payload as columns."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.lines import NOW, good, line, payloads
from kaizenlake import tables
from kaizenlake.events.catalogue import EVENTS, FAMILIES
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.decode import ENVELOPE_COLUMNS, decode
from kaizenlake.events.rules import value_problems
from kaizenlake.events.values.platforms import normalise_column
from kaizenlake.tables import SILVER


def bronze(*lines):
    found = check_lines(lines, range(1, len(lines) + 1), now=NOW, decisions=True)
    assert found.rejected == []
    return found.frame.lazy()


PAIRS = list(zip(FAMILIES, SILVER, strict=True))


@pytest.mark.parametrize(("family", "table"), PAIRS, ids=lambda item: getattr(item, "name", ""))
def test_nothing_is_the_empty_table(family, table):
    found = decode(bronze(), family)
    assert found.collect_schema() == tables.schema(table)
    assert found.collect().height == 0


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_every_field_comes_back(event):
    table = SILVER[FAMILIES.index(event.family)]

    @settings(max_examples=15)
    @given(payloads(event))
    def check(payload):
        found = decode(bronze(line(event.name, payload)), event.family).collect()
        tables.check(table, found)
        row = found.row(0, named=True)
        for field in event.fields:
            value = payload.get(field.name, field.default)
            if field.name == "platform" and value is not None:
                value = pl.select(normalise_column(pl.lit(value))).item()
            if field.kind == "dict" and value is not None:
                # Polars reads numbers within free objects to the last digit but one.
                assert json.loads(row[field.name]) == pytest.approx(value, rel=1e-15, abs=0)
            elif field.kind == "datetime":
                assert (row[field.name] is None) == (value is None)
            else:
                assert row[field.name] == value
        others = set(row) - {field.name for field in event.fields} - set(ENVELOPE_COLUMNS)
        assert all(row[name] is None for name in others)

    check()


@given(st.lists(good(), max_size=6))
def test_families_share_out_all_events(documents):
    documents = [document for document in documents if not any(value_problems(document))]
    frame = bronze(*(json.dumps(document).encode() for document in documents))
    parts = [decode(frame, family).select("event_id").collect().height for family in FAMILIES]
    assert sum(parts) == len(documents)


def test_free_object_stays_text():
    payload = {"content_id": "c", "reason": "best", "metrics": {"ctr": 0.0831, "rank": 1}}
    found = decode(bronze(line("CREATIVE_MARKED_WINNER", payload)), FAMILIES[4]).collect()
    assert json.loads(found["metrics"].item()) == payload["metrics"]


def test_instants_are_utc():
    text = line("APPOINTMENT_SCHEDULED", {"lead_id": "x", "scheduled_for": "2026-12-01T11:00:00.5+01:00"})
    found = decode(bronze(text), FAMILIES[2]).select("scheduled_for").collect()
    assert found.schema == {"scheduled_for": pl.Datetime("us", "UTC")}
    assert found.item().isoformat() == "2026-12-01T10:00:00.500000+00:00"
