"""Logging: what a call takes, what it refuses and how it says so, and where it goes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import numpy as np
import polars as pl
import pytest

import kaizenlake
from kaizenlake.errors import EventError, SpoolError
from kaizenlake.events import ids
from kaizenlake.events.catalogue import EVENTS, LOGGED
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.envelope import LINE_BYTES
from kaizenlake.events.write import log
from kaizenlake.events.write.functions import FUNCTIONS, signature


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("KAIZEN_LAKE", str(tmp_path))
    yield tmp_path
    kaizenlake.configure()


def landed(lake: Path) -> pl.DataFrame:
    """Everything that was logged, by the check that landing makes."""
    kaizenlake.close()
    lines = [text for path in sorted((lake / "landing").glob("*.ndjson")) for text in path.read_bytes().splitlines()]
    found = check_lines(lines, range(1, len(lines) + 1), now=datetime.now(UTC))
    assert found.rejected == []
    return found.frame


def test_event_says_everything_it_was_told(lake):
    at = datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=2)))
    said = kaizenlake.log_event(
        "LEAD_CREATED",
        {"lead_id": "lead_1"},
        source="website",
        project_id="p",
        tenant_id="t",
        tags=["a", "b"],
        occurred_at=at,
        event_id="my-id",
        metadata={"trace": {"id": 7}},
    )
    (row,) = landed(lake).rows(named=True)
    assert said == row["event_id"] == "my-id"
    assert row["occurred_at"] == at
    assert (row["project_id"], row["tenant_id"], row["tags"]) == ("p", "t", ["a", "b"])
    assert row["payload"] == '{"lead_id":"lead_1","source":"website"}'
    assert row["metadata"] == '{"trace":{"id":7}}'


def test_defaults_are_now_and_a_time_ordered_uuid(lake):
    before = datetime.now(UTC)
    names = [kaizenlake.log_lead_created(f"lead_{number}") for number in range(50)]
    after = datetime.now(UTC)
    assert names == sorted(names)
    assert {UUID(name).version for name in names} == {7}
    frame = landed(lake)
    assert frame["event_id"].to_list() == names
    assert frame["occurred_at"].is_between(before, after).all()
    assert frame["source"].unique().to_list() == ["application"]


def test_ids_carry_their_millisecond(monkeypatch):
    now = ids.time.time_ns()
    monkeypatch.setattr(ids.time, "time_ns", lambda: now + 3_600_000_000_000)
    assert UUID(ids.event_id()).int >> 80 == (now + 3_600_000_000_000) // 1_000_000
    # A clock that is put back does not put the ids back.
    monkeypatch.setattr(ids, "_last", ids._last)
    last = ids.event_id()
    monkeypatch.setattr(ids.time, "time_ns", lambda: now)
    assert ids.event_id() > last
    ids._last = 0


class Channel(StrEnum):
    EMAIL = "email"


@pytest.mark.parametrize(
    ("call", "payload"),
    [
        (lambda: kaizenlake.log_deal_won("l", deal_size=25000), '{"lead_id":"l","deal_size":25000.0}'),
        (lambda: kaizenlake.log_deal_won("l", deal_size=np.float32(2.5)), '{"lead_id":"l","deal_size":2.5}'),
        (lambda: kaizenlake.log_deal_won("l", deal_size=np.int64(3)), '{"lead_id":"l","deal_size":3.0}'),
        (lambda: kaizenlake.log_deal_won("l", deal_size=Decimal("1.5")), '{"lead_id":"l","deal_size":1.5}'),
        (lambda: kaizenlake.log_deal_won(17), '{"lead_id":"17"}'),
        (lambda: kaizenlake.log_deal_won(np.int32(17)), '{"lead_id":"17"}'),
        (lambda: kaizenlake.log_deal_won(UUID(int=1)), '{"lead_id":"00000000-0000-0000-0000-000000000001"}'),
        (lambda: kaizenlake.log_outreach_sent("l", Channel.EMAIL), '{"lead_id":"l","channel":"email"}'),
        (lambda: kaizenlake.log_deal_won("l", pack_sold=None), '{"lead_id":"l"}'),
        (
            lambda: kaizenlake.log_appointment_scheduled("l", scheduled_for="2026-12-01T10:00:00Z"),
            '{"lead_id":"l","scheduled_for":"2026-12-01T10:00:00Z"}',
        ),
        (
            lambda: kaizenlake.log_intake_blocked(4, "r", missing_fields=("a", "b")),
            '{"reason":"r","missing_fields":["a","b"]}',
        ),
        (
            lambda: kaizenlake.mark_creative_as_winner(5, "r", {"ctr": np.float64(0.5)}),
            '{"content_id":"5","reason":"r","metrics":{"ctr":0.5}}',
        ),
    ],
)
def test_values_of_other_libraries_are_taken(lake, call, payload):
    call()
    (found,) = landed(lake)["payload"]
    assert json.loads(found) == json.loads(payload)


def nested(levels):
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def endless():
    loop: dict = {}
    loop["loop"] = loop
    return loop


@pytest.mark.parametrize(
    ("call", "field", "rule"),
    [
        (lambda: kaizenlake.log_event("LEAD_CREATE", lead_id="x"), "type", "unknown_type"),
        (lambda: kaizenlake.log_event(["LEAD_CREATED"]), "type", "unknown_type"),
        (kaizenlake.log_lead_created, "lead_id", "missing_field"),
        (lambda: kaizenlake.log_lead_created(None), "lead_id", "missing_field"),
        (lambda: kaizenlake.log_lead_created("x", sauce="website"), "sauce", "unknown_field"),
        (lambda: kaizenlake.log_lead_created("x", "website"), "", "too_many_values"),
        (lambda: kaizenlake.log_lead_created("x", lead_id="y"), "lead_id", "given_twice"),
        (lambda: kaizenlake.log_event("LEAD_CREATED", {"lead_id": "x"}, lead_id="y"), "lead_id", "given_twice"),
        (lambda: kaizenlake.log_lead_created("x", icp_match_score=85), "icp_match_score", "out_of_range"),
        (lambda: kaizenlake.log_lead_created("x", icp_match_score=float("nan")), "icp_match_score", "not_finite"),
        (lambda: kaizenlake.log_lead_created("x", icp_match_score="high"), "icp_match_score", "wrong_type"),
        (lambda: kaizenlake.log_lead_created(True), "lead_id", "wrong_type"),
        (lambda: kaizenlake.log_lead_created("x", source=7), "source", "wrong_type"),
        (lambda: kaizenlake.log_lead_created(""), "lead_id", "bad_length"),
        (lambda: kaizenlake.log_lead_created("x" * 201), "lead_id", "bad_length"),
        (lambda: kaizenlake.log_lead_created("a\0"), "lead_id", "bad_text"),
        (lambda: kaizenlake.log_lead_created("\udc00"), "lead_id", "bad_text"),
        (lambda: kaizenlake.log_lead_created("x", occurred_at=datetime(2026, 1, 1)), "occurred_at", "no_zone"),  # noqa: DTZ001
        (lambda: kaizenlake.log_lead_created("x", occurred_at="2026-01-01T10:00"), "occurred_at", "bad_time"),
        (lambda: kaizenlake.log_lead_created("x", occurred_at=date(2026, 1, 1)), "occurred_at", "wrong_type"),
        (
            lambda: kaizenlake.log_lead_created("x", occurred_at=datetime.now(UTC) + timedelta(hours=25)),
            "occurred_at",
            "far_future",
        ),
        (
            lambda: kaizenlake.log_lead_created("x", occurred_at=datetime(1969, 1, 1, tzinfo=UTC)),
            "occurred_at",
            "too_old",
        ),
        (lambda: kaizenlake.log_lead_created("x", metadata={"a": [float("inf")]}), "metadata.a[0]", "not_finite"),
        (lambda: kaizenlake.log_lead_created("x", metadata={"a": object()}), "metadata.a", "wrong_type"),
        (lambda: kaizenlake.log_lead_created("x", metadata=nested(2000)), "", "too_deep"),
        (lambda: kaizenlake.log_lead_created("x", metadata=endless()), "", "too_deep"),
        (lambda: kaizenlake.log_lead_created("x", metadata={"a": "x" * LINE_BYTES}), "", "too_long"),
        (lambda: kaizenlake.log_lead_created("x", event_id=""), "id", "bad_length"),
        (lambda: kaizenlake.log_lead_created("x", tags=[7]), "tags", "wrong_type"),
        (lambda: kaizenlake.log_intake_blocked(None, "r"), "project_id", "missing_project"),
        (lambda: kaizenlake.log_run_completed("r", "d", seed=2**63), "seed", "out_of_range"),
        (lambda: kaizenlake.log_run_completed("r", "d", cost_usd=-1), "cost_usd", "out_of_range"),
        (
            lambda: kaizenlake.log_performance_recorded("c", "x", rate_of="clicks"),
            "rate_of",
            "not_allowed",
        ),
        (
            lambda: kaizenlake.mark_creative_as_loser("c", "r", {"ctr": float("nan")}),
            "metrics.ctr",
            "not_finite",
        ),
    ],
)
def test_bad_call_raises_at_the_call_and_logs_nothing(lake, call, field, rule):
    with pytest.raises(EventError) as raised:
        call()
    assert (raised.value.field, raised.value.rule) == (field, rule)
    assert field.split(".", maxsplit=1)[0] in str(raised.value)
    assert not list(lake.rglob("*.ndjson*"))


def test_refusal_names_the_type_every_field_and_the_near_name():
    with pytest.raises(EventError) as raised:
        kaizenlake.log_performance_recorded("c", "instagram", impresions=5, clicks=-1)
    assert str(raised.value) == (
        "PERFORMANCE_RECORDED: `impresions` is no field of PERFORMANCE_RECORDED (did you mean `impressions`?); "
        "`clicks`: expected `int` >= 0; found -1."
    )


def test_deepest_metadata_that_can_be_logged_is_landed(lake):
    levels = 64
    while levels:
        try:
            kaizenlake.log_lead_created("x", metadata=nested(levels))
        except EventError:
            levels -= 1
        else:
            break
    assert levels > 50
    assert landed(lake).height == 1


@pytest.mark.parametrize("event", LOGGED, ids=lambda event: event.name)
def test_every_type_has_its_function(event):
    function = getattr(kaizenlake, f"log_{event.name.lower()}")
    named = set(signature(event).parameters)
    assert {field.name for field in event.fields} < named
    assert {"project_id", "tenant_id", "tags", "occurred_at", "event_id", "metadata"} < named
    assert event.name in function.__doc__
    assert all(field.description in function.__doc__ for field in event.fields)


@pytest.mark.parametrize(
    "event", sorted({*EVENTS} - {*LOGGED}, key=lambda event: event.name), ids=lambda event: event.name
)
def test_a_decision_is_not_logged(lake, event):
    assert not hasattr(kaizenlake, f"log_{event.name.lower()}")
    with pytest.raises(EventError, match="kaizen policy") as refused:
        kaizenlake.log_event(event.name, policy_id="planner")
    assert refused.value.rule == "decision"
    assert landed(lake).height == 0


def test_types_of_the_functions_follow_the_catalogue(tmp_path):
    from kaizenlake.events.write import stub

    assert stub.PATH.read_text(encoding="utf-8") == stub.text(), "run `python -m kaizenlake.lists`"
    assert stub.PUBLIC_PATH.read_text(encoding="utf-8") == stub.public_text(), "run `python -m kaizenlake.lists`"
    assert set(FUNCTIONS) == {f"log_{event.name.lower()}" for event in LOGGED}


def test_public_names_are_found_and_listed():
    assert {*kaizenlake._HOMES, *FUNCTIONS} <= set(dir(kaizenlake))
    with pytest.raises(AttributeError, match="log_nothing"):
        _ = kaizenlake.log_nothing
    with pytest.raises(AttributeError, match="nothing"):
        _ = kaizenlake.nothing


def test_lake_may_be_said_by_code_by_variable_or_be_the_default(tmp_path, monkeypatch):
    for name in ("code", "variable", "lake"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KAIZEN_LAKE", raising=False)
    try:
        kaizenlake.log_lead_created("default")
        monkeypatch.setenv("KAIZEN_LAKE", "variable")
        kaizenlake.log_lead_created("variable")
        kaizenlake.configure(lake=tmp_path / "code", source="my-app")
        kaizenlake.log_lead_created("code")
        assert "variable" in landed(tmp_path / "variable")["payload"].item()
        assert "default" in landed(tmp_path / "lake")["payload"].item()
        assert landed(tmp_path / "code")["source"].item() == "my-app"
    finally:
        kaizenlake.configure()


def test_logging_goes_on_after_close(lake):
    for number in range(3):
        kaizenlake.log_lead_created(f"lead_{number}")
        kaizenlake.flush()
        kaizenlake.close()
    kaizenlake.close()
    assert landed(lake).height == 3


def test_missing_lake_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("KAIZEN_LAKE", str(tmp_path / "none"))
    with pytest.raises(SpoolError, match=r"No such file or directory.*none.*kaizen init"):
        kaizenlake.log_lead_created("x")
    kaizenlake.configure()


def test_remote_lake_is_told():
    kaizenlake.configure(lake="s3://bucket/lake")
    with pytest.raises(SpoolError, match="folder of this machine"):
        kaizenlake.log_lead_created("x")
    kaizenlake.configure()


def test_import_is_light():
    code = """
import sys
import kaizenlake
kaizenlake.log_event, kaizenlake.log_lead_created, kaizenlake.ingest_performance_data
print(sorted({"polars", "pandas", "pandera", "pydantic", "deltalake", "numpy", "scipy", "pyarrow"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_wrong_word_of_ours_is_no_user_error(lake, monkeypatch):
    monkeypatch.setattr(log.ids, "event_id", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        kaizenlake.log_lead_created("x")
