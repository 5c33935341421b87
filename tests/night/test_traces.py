"""Files of traces through landing and nights: known by content, once, late roots joined, and the samples as they should be."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.readers.sources import SourceFile
from kaizenlake.lake.readers.trace_files import read_traces
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import Events, Quarantine, RunRecords, Traces, TraceSteps
from traces.told import START, agent, chat, otlp, span, tool

SHARED = Path(__file__).parents[3] / "shared"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def written(folder, name, *documents):
    path = folder / name
    path.write_text("\n".join(map(json.dumps, documents)))
    return path


def rows(lake, table, *columns):
    return lake.scan(table).select(columns).collect().sort(columns[0]).rows()


def night(lake, as_of=NOW):
    done = nightly(lake, as_of=as_of)
    assert done.exit_code == 0, done.errors


def test_a_root_that_comes_a_night_later_makes_the_run_what_it_is(lake, tmp_path):
    inner = chat("c", "root", 300, 60, at=90_000.0), tool("t", "root", at=90_001.0)
    land(lake, written(tmp_path, "one.json", otlp(*inner)), now=NOW)
    night(lake)
    assert rows(lake, Traces, "doer", "roots", "event_date") == [
        ("c", 0, datetime.fromtimestamp(START + 90_000, UTC).date())
    ]
    root = agent("root", called="planner", seconds=90_010.0)
    land(lake, written(tmp_path, "two.jsonl", otlp(root)), now=NOW)
    night(lake)
    day = datetime.fromtimestamp(START, UTC).date()
    assert rows(lake, Traces, "doer", "roots", "latency_seconds", "event_date") == [("planner", 1, 90_010.0, day)]
    assert rows(lake, RunRecords, "doer", "records", "input_tokens", "event_date") == [("planner", 3, 300, day)]
    assert lake.scan(TraceSteps).collect()["event_date"].unique().to_list() == [day]
    other = Lake.create(tmp_path / "other")
    land(other, [tmp_path / "two.jsonl", tmp_path / "one.json"], now=NOW)
    night(other)
    for table in (Traces, TraceSteps, RunRecords):
        assert sorted(map(repr, lake.scan(table).collect().rows())) == sorted(
            map(repr, other.scan(table).collect().rows())
        )


def test_landed_twice_adds_nothing_and_every_span_is_used_or_left_out(lake, tmp_path):
    good, bad = chat("c", None, 1, 1), span("x")
    no_trace, backwards = bad | {"traceId": ""}, bad | {"endTimeUnixNano": "1"}
    no_start = {key: value for key, value in bad.items() if key != "startTimeUnixNano"}
    file = written(tmp_path, "spans.jsonl", otlp(good, no_trace, backwards), otlp(no_start, chat("d", None, 2, 2)))
    done = land(lake, file, now=NOW)
    assert (done.lines_in, done.landed, done.quarantined, done.by_rule) == (5, 2, 3, {"bad_span": 3})
    reasons = " ".join(lake.scan(Quarantine).collect()["reasons"].explode().to_list())
    assert all(words in reasons for words in ("names no trace", "ends before it begins", "when it began"))
    again = land(lake, [file, written(tmp_path, "other.json", otlp(good))], now=NOW)
    assert (again.landed, again.duplicate, again.quarantined_before) == (0, 3, 3)


def test_spans_that_are_left_out_late_in_a_long_document_are_told(tmp_path):
    good, bad = chat("c", None, 1, 1), chat("c") | {"traceId": ""}
    spans = [good | {"spanId": f"{number:016x}"} if number % 1_000 else bad for number in range(1, 40_001)]
    source = SourceFile(written(tmp_path, "long.json", otlp(*spans)), "long.json", "json")
    chunks = list(read_traces(source, 1_000_000))
    assert len(chunks) > 2
    assert (
        sum(len(chunk.lines) for chunk in chunks) == len({line for chunk in chunks for line in chunk.lines}) == 39_960
    )
    assert [len(chunk.refused) > 0 for chunk in chunks] == [True] * len(chunks)
    assert sum(len(chunk.refused) for chunk in chunks) == 40


FORMS = {
    "one request": lambda: [otlp(chat("c", None, 300, 60))],
    "numbers as numbers": lambda: [
        json.loads(json.dumps(otlp(chat("c", None, 300, 60))).replace('"300"', "300").replace('"60"', "60"))
    ],
    "a list of requests": lambda: [[otlp(chat("c", None, 300, 60))]],
    "a request a line": lambda: [otlp(chat("c", None, 300, 60)), otlp(chat("c", None, 300, 60))],
    "a span a line": lambda: [chat("c", None, 300, 60)],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
def test_traces_are_known_by_what_is_in_them(lake, tmp_path, form, name):
    done = land(lake, written(tmp_path, name, *FORMS[form]()), now=NOW)
    assert (done.landed, done.quarantined) == (1, 0)
    assert lake.scan(Events).collect()["event_type"].to_list() == ["SPAN_RECORDED"]


def test_own_events_and_other_json_go_on_as_before(lake, tmp_path):
    own = {"id": "e", "type": "LEAD_CREATED", "occurred_at": "2026-01-01T00:00:00Z",
           "payload": {"lead_id": "l", "source": "s"}}  # fmt: skip
    done = land(lake, written(tmp_path, "own.jsonl", own, {"spans": 3}), now=NOW)
    assert (done.landed, done.quarantined) == (1, 1)
    assert "bad_span" not in done.by_rule
    # In a file of traces, what is none goes by the rules of our own form.
    mixed = land(lake, written(tmp_path, "mixed.jsonl", otlp(chat("c")), own | {"id": "f"}, {"x": 1}), now=NOW)
    assert (mixed.landed, mixed.quarantined) == (2, 1)


@pytest.mark.skipif(not (SHARED / "cases").exists(), reason="the cases lie beside the repository")
def test_the_case_of_nested_spans_gives_its_right_value(lake):
    land(lake, SHARED / "cases" / "otlp-nested" / "spans.json", now=NOW)
    night(lake)
    found = rows(lake, Traces, "trace_id", "doer", "latency_seconds", "input_tokens", "output_tokens", "model")
    assert found == [("t1", "planner", 4.0, 300, 60, "m")]
    assert rows(lake, RunRecords, "run_id", "doer", "input_tokens") == [("t1", "planner", 300)]


SAMPLES = {
    "any_agent/AGNO_trace.json": ("any_agent", 4.880778, 3, 2, 1396, 74, 0.0001618),
    "any_agent/LANGCHAIN_trace.json": ("any_agent", 1.792938, 4, 2, 1262, 125, 0.0001637),
    "any_agent/OPENAI_trace.json": ("any_agent", 1.22725, 3, 2, 1020, 76, 0.0001248),
    "any_agent/TINYAGENT_trace.json": ("any_agent", 3.099499, 4, 3, 1369, 156, 0.0001837),
    "langfuse/agno-2025-06-11.json": ("Agent.run", 6.991, 2, 1, 826, 245, 0.000270899999),
    "langfuse/autogen-2025-06-06.json": ("autogen-chat-trace", 0.645, 1, 0, 41, 3, 0.000025),
    "langfuse/google-adk-2025-08-28.json": ("hello_agent", 1.848, 2, 1, 67, 9, 0.0000103),
    "langfuse/google-gemini-2025-08-01.json": ("GenerateContent", 12.032, 1, 0, 6, 2055, 0.005139299999),
    "langfuse/langgraph-2025-08-22.json": ("LangGraph", 2.61, 2, 1, 168, 66, 0.000234),
    "langfuse/llamaindex-2025-06-05.json": ("llama-index-trace", 2.779, 1, 0, 13, 81, 0.000842499999),
    "langfuse/openai-agents-2025-09-30.json": ("Hello world", 2.19, 2, 1, 140, 44, 0.000632),
    "langfuse/pydantic-ai-tools-2025-12-04.json": ("joke_agent", 7.424, 4, 3, 1315, 209, 0.000322649999),
}
"""Doer, seconds, calls of models and of tools, tokens and cost, as the leaves of each trace tell them."""


@pytest.mark.skipif(not (SHARED / "data").exists(), reason="the samples lie beside the repository")
def test_every_sample_maps_with_its_own_totals(lake):
    files = [SHARED / "data" / "traces" / name for name in SAMPLES]
    done = land(lake, files, now=NOW)
    assert (done.quarantined, done.duplicate, done.left) == (0, 0, ())
    night(lake)
    columns = ("doer", "latency_seconds", "llm_calls", "tool_calls", "input_tokens", "output_tokens", "cost_usd")
    found = sorted(rows(lake, Traces, *columns))
    for made, expected in zip(found, sorted(SAMPLES.values()), strict=True):
        assert made[:6] == expected[:6]
        assert made[6] == pytest.approx(expected[6], abs=1e-9)
    assert lake.scan(RunRecords).collect().height == len(SAMPLES)
