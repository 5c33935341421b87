"""Rows of reports and of decisions: each field is a column of its table, of the same type, and null where that may be."""

from __future__ import annotations

import types
from dataclasses import fields
from datetime import date, datetime
from typing import Union, get_args, get_origin, get_type_hints

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.report.audit.data import DecisionRow
from kaizenlake.report.canary.data import DeploymentRow, LookRow, SegmentRow
from kaizenlake.report.engine.rows import AvoidedRow, ClarityRow, LabelRow, PatternRow, SourceRow, WinRow
from kaizenlake.report.kaizen.learning_data import AlertRow, DoerRow, ExperimentRow, SuccessRow, VersionRow
from kaizenlake.tables import (
    Alerts,
    AvoidedPhrases,
    CanaryLooks,
    CanarySegments,
    CreativeLabels,
    CrlTrends,
    Deployments,
    Experiments,
    ExperimentSuccess,
    Findings,
    Patterns,
    Policies,
    PolicyPromotions,
    SegmentClarity,
    SourceFreshness,
    WinRates,
)
from kaizenlake.tables.policy_rows import PolicyVersion

ROWS = [
    (PolicyVersion, Policies),
    (DecisionRow, PolicyPromotions),
    (DeploymentRow, Deployments),
    (LookRow, CanaryLooks),
    (SegmentRow, CanarySegments),
    (AlertRow, Alerts),
    (VersionRow, Findings),
    (DoerRow, CrlTrends),
    (ExperimentRow, Experiments),
    (SuccessRow, ExperimentSuccess),
    (ClarityRow, SegmentClarity),
    (PatternRow, Patterns),
    (SourceRow, SourceFreshness),
    (LabelRow, CreativeLabels),
    (WinRow, WinRates),
    (AvoidedRow, AvoidedPhrases),
]


def python_type(dtype):
    """What a value of a column is in Python."""
    kinds = {pl.String: str, pl.Boolean: bool, pl.Float64: float, pl.Date: date}
    if dtype.base_type() is pl.List:
        return list
    if dtype.base_type() is pl.Datetime:
        return datetime
    return int if dtype.is_integer() else kinds[dtype.base_type()]


def taken_apart(hint):
    """The type that a field holds, and whether it may be None."""
    parts = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    (one,) = (part for part in parts if part is not type(None))
    return get_origin(one) or one, type(None) in parts


@pytest.mark.parametrize(("row", "table"), ROWS, ids=lambda item: item.__name__)
def test_a_row_is_what_its_table_says(row, table):
    schema, declared = tables.schema(table), tables.columns(table)
    hints = get_type_hints(row)
    for item in fields(row):
        held, may_lack = taken_apart(hints[item.name])
        if item.name == "is_pause":  # worked out of several rows when they are read
            continue
        assert held is python_type(schema[item.name]), item.name
        assert may_lack or not declared[item.name].nullable, f"{item.name} may be null"


def test_a_version_has_every_column_of_the_table_of_policies():
    assert {item.name for item in fields(PolicyVersion)} == set(tables.schema(Policies).names())
