"""Spans of OTLP as the Collector writes them, to events and to the tables of traces: `python tests/benchmarks/span_landing.py`."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from kaizenlake import traces
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.jobs import JOBS
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import Events, Traces

START = 1_795_000_000_000_000_000
NOW = datetime.fromtimestamp(START / 1e9, UTC) + timedelta(days=40)
SPANS_OF_A_TRACE, SPANS_OF_A_LINE = 10, 500
JOBS_OF_TRACES = ("runs", "trace_steps", "traces", "trace_attributes", "run_records", "run_costs")


def request(first: int, random: Random) -> str:
    """One line of the file exporter: a batch of spans of an agent, its calls of a model and of tools."""
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop-bot"}}]},
                    "scopeSpans": [{"spans": [span(first + place, random) for place in range(SPANS_OF_A_LINE)]}],
                }
            ]
        }
    )


def span(number: int, random: Random) -> dict[str, object]:
    """The spans of a trace come one after the other: an agent, then calls and tools in turn."""
    trace, place = divmod(number, SPANS_OF_A_TRACE)
    start = START + trace * 25_000_000_000 + place * 1_000_000
    told: dict[str, object] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    if place % 2:
        told = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "model-1",
            "gen_ai.response.model": "model-1",
            "gen_ai.conversation.id": f"c-{trace % 1000}",
            "gen_ai.usage.input_tokens": random.randrange(1, 4_000),
            "gen_ai.usage.output_tokens": random.randrange(1, 900),
            "gen_ai.response.finish_reasons": "stop",
            "server.address": "api.example.com",
        }
    elif place:
        told = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "gen_ai.tool.call.id": f"call-{number}",
            "gen_ai.tool.call.arguments": '{"query": "weather in Tokyo"}',
        }
    return {
        "traceId": f"{trace + 1:032x}",
        "spanId": f"{number + 1:016x}",
        **({"parentSpanId": f"{trace * SPANS_OF_A_TRACE + 1:016x}"} if place else {}),
        "name": str(told["gen_ai.operation.name"]),
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 900_000),
        "status": {},
        "attributes": [
            {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
            for key, value in told.items()
        ],
    }


def timed(name: str, count: int, started: float) -> float:
    """Print the spans a second of processor time since a start, and give the time of now."""
    seconds = time.process_time() - started
    print(f"{name:32} {seconds:7.2f} s   {count / seconds:10,.0f} spans/s")
    return time.process_time()


def main() -> None:
    """Measure each part alone, in processor time, then landing and the tables as a whole."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--spans", type=int, default=100_000)
    count = parser.parse_args().spans // SPANS_OF_A_LINE * SPANS_OF_A_LINE
    random = Random(1)
    lines = [request(first, random).encode() for first in range(0, count, SPANS_OF_A_LINE)]
    print(f"{count:,} spans, {sum(map(len, lines)) / count:,.0f} bytes each")
    at = time.process_time()
    documents = [msgspec.json.decode(line) for line in lines]
    at = timed("JSON decoded", count, at)
    told = [item for document in documents for item in traces.FORMS[0].read(document)]
    at = timed("spans read", count, at)
    events = [traces.line_of(item) for item in told]
    at = timed("event lines made", count, at)
    checked = check_lines(events, range(len(events)), now=NOW)
    assert not checked.rejected
    timed("event lines checked", count, at)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "traces.jsonl"
        file.write_bytes(b"\n".join(lines))
        lake = Lake.create(Path(folder) / "lake")
        at, wall = time.process_time(), time.perf_counter()
        assert land(lake, file, now=NOW).landed == count
        at = timed("landed, in all", count, at)
        print(f"{'':32} {time.perf_counter() - wall:7.2f} s by the clock")
        wall = time.perf_counter()
        done = nightly(lake, as_of=NOW, take=None, jobs=[job for job in JOBS if job.name in JOBS_OF_TRACES])
        assert done.exit_code == 0
        timed("tables of traces, in all", count, at)
        print(f"{'':32} {time.perf_counter() - wall:7.2f} s by the clock")
        assert (lake.rows(Events), lake.rows(Traces)) == (count, count // SPANS_OF_A_TRACE)


if __name__ == "__main__":
    main()
