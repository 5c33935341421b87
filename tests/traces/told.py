"""Traces drawn as tables, and what their jobs make of them."""

import json
from datetime import UTC, datetime

import polars as pl

from kaizenlake import traces
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.jobs import JOBS
from kaizenlake.tables import Events
from kaizenlake.testing import fold

NOW = datetime(2026, 12, 1, tzinfo=UTC)
START = 1_795_000_000
RUN_JOBS = ("runs", "trace_steps", "traces", "trace_attributes", "run_records", "run_costs", "pending_scores")


def lines_of(*documents):
    """Event lines of documents, and the reasons of what is left out."""
    lines, left = [], []
    for document in documents:
        form = traces.form_of(document)
        assert form is not None, document
        for told in form.read(document):
            try:
                lines.append(traces.line_of(told))
            except traces.BadSpanError as error:
                left.append(str(error))
    return lines, left


def events_of(lines):
    """Bronze events of lines, each once."""
    checked = check_lines(list(dict.fromkeys(lines)), range(1, len(set(lines)) + 1), now=NOW)
    assert not checked.rejected, checked.rejected
    return checked.frame.with_columns(
        file=pl.lit("f"), landed_at=pl.lit(NOW), batch=pl.lit(None, pl.Int64), seal=pl.lit(None, pl.String)
    )


def tables_of(*documents, lines=()):
    """Every table of runs that documents make, by the name of its job."""
    return of_lines([*lines_of(*documents)[0], *lines])


def of_lines(lines):
    frames = fold(events_of(lines), as_of=NOW, jobs=[job for job in JOBS if job.name in RUN_JOBS])
    return {job.name: frames[job.writes] for job in JOBS if job.name in RUN_JOBS} | {"events": frames[Events]}


def otlp(*spans, resource=None):
    """A request of OTLP out of spans."""
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in (resource or {}).items()]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]}


def span(name, parent=None, at=0.0, seconds=1.0, trace="a" * 32, status=None, events=(), **attributes):
    """A span of OTLP; `__` in the name of an attribute is a dot, and `name` is its first word too."""
    return {
        "traceId": trace,
        "spanId": f"{hash_of(name):016x}",
        **({"parentSpanId": f"{hash_of(parent):016x}"} if parent else {}),
        "name": name.split("#")[0],
        "startTimeUnixNano": str(round((START + at) * 1e9)),
        "endTimeUnixNano": str(round((START + at + seconds) * 1e9)),
        "status": {"code": status} if status else {},
        "events": list(events),
        "attributes": [{"key": key.replace("__", "."), "value": typed(value)} for key, value in attributes.items()],
    }


def hash_of(name):
    return 1 + int.from_bytes(name.encode()[-7:], "big") % (1 << 60)


def typed(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [typed(item) for item in value]}}
    return {"stringValue": value}


def chat(name, parent=None, read=None, written=None, model="m", **rest):
    """A call of a model."""
    tokens = {"gen_ai__usage__input_tokens": read, "gen_ai__usage__output_tokens": written}
    told = {key: value for key, value in tokens.items() if value is not None}
    return span(name, parent, gen_ai__operation__name="chat", gen_ai__response__model=model, **told, **rest)


def agent(name, parent=None, called=None, **rest):
    """A step of an agent."""
    return span(
        name,
        parent,
        gen_ai__operation__name="invoke_agent",
        **({"gen_ai__agent__name": called} if called else {}),
        **rest,
    )


def tool(name, parent=None, **rest):
    """An executed tool."""
    return span(name, parent, gen_ai__operation__name="execute_tool", gen_ai__tool__name=name.split("#")[0], **rest)


def run_scored(run_id, at=0, **payload):
    """The line of a RUN_SCORED that an application logs."""
    occurred_at = datetime.fromtimestamp(START + at, UTC).isoformat()
    said = {"run_id": run_id, "scorer": "judge", **payload}
    return json.dumps(
        {"id": f"score-{at}-{payload}", "type": "RUN_SCORED", "occurred_at": occurred_at, "payload": said}
    ).encode()
