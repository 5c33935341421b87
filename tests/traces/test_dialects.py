"""The same call in every dialect is the same step; what the dialects write differently is read as what it is."""

import json
from datetime import UTC, datetime

import pytest

from kaizenlake.traces import FORMS, form_of
from kaizenlake.traces.dialects import ATTRIBUTES, FIELDS
from kaizenlake.traces.head import top_keys
from kaizenlake.traces.steps import usage_of
from kaizenlake.traces.values import nanoseconds, span_id, trace_id
from traces.told import START, chat, lines_of, otlp, span, tables_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
AT = datetime.fromtimestamp(START, UTC)


def iso(seconds):
    return datetime.fromtimestamp(START + seconds, UTC).isoformat().replace("+00:00", "Z")


def sdk(attributes, **rest):
    return {"name": "call", "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{SPAN}"}, "parent_id": None,
            "start_time": iso(0), "end_time": iso(2), "attributes": attributes} | rest  # fmt: skip


SAME = {
    "OpenTelemetry now": otlp(
        chat("call", None, 300, 60, seconds=2.0, trace=TRACE, gen_ai__usage__cache_read__input_tokens=250,
             gen_ai__usage__cost=0.5)
    ),
    "OpenTelemetry before": otlp(
        span("call", trace=TRACE, seconds=2.0, gen_ai__system="x", gen_ai__request__model="m",
             gen_ai__usage__prompt_tokens=300, gen_ai__usage__completion_tokens=60,
             gen_ai__usage__cache_read_input_tokens=250, gen_ai__usage__input_cost=0.2, gen_ai__usage__output_cost=0.3)
    ),
    "OpenInference": sdk({"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": 300,
                          "llm.token_count.completion": 60, "llm.token_count.prompt_details.cache_read": 250,
                          "llm.cost.total": 0.5}),
    "OpenInference, nested": sdk({"openinference": {"span": {"kind": "LLM"}}, "llm": {"model_name": "m", "token_count": {
        "prompt": 300, "completion": 60, "prompt_details": {"cache_read": 250}}, "cost": {"total": 0.5}}}),
    "OpenLLMetry": sdk({"traceloop.span.kind": "task", "llm.request.type": "chat", "gen_ai.response.model": "m",
                        "gen_ai.usage.input_tokens": "300", "gen_ai.usage.output_tokens": "60",
                        "gen_ai.usage.cache_read_input_tokens": "250", "gen_ai.usage.cost": "0.5"}),
    "Phoenix, by columns": {"name": "call", "span_kind": "LLM", "parent_id": None, "start_time": iso(0), "end_time": iso(2),
                            "status_code": "UNSET", "context.trace_id": TRACE, "context.span_id": SPAN, "attributes.llm.model_name":
                            "m", "attributes.llm.token_count.prompt": 300, "attributes.llm.token_count.completion": 60.0,
                            "attributes.llm.token_count.prompt_details.cache_read": 250, "attributes.llm.cost.total": 0.5,
                            "attributes.tool.name": None},
    "Jaeger": {"data": [{"traceID": TRACE, "spans": [
        {"traceID": TRACE, "spanID": SPAN, "operationName": "chat m", "startTime": START * 10**6, "duration": 2_000_000,
         "references": [], "tags": [{"key": key, "type": "x", "value": value} for key, value in {
             "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 300,
             "gen_ai.usage.output_tokens": 60, "gen_ai.usage.cache_read.input_tokens": 250, "gen_ai.usage.cost": 0.5}.items()]}]}],
        "total": 0},
    "AI SDK": sdk({"ai.operationId": "ai.generateText.doGenerate", "ai.response.model": "m", "ai.usage.promptTokens": 300,
                   "ai.usage.completionTokens": 60, "ai.usage.cachedInputTokens": 250, "gen_ai.usage.cost": 0.5}),
    "Langfuse, camel case": {"id": SPAN, "traceId": TRACE, "type": "GENERATION", "name": "call", "startTime": iso(0),
                             "endTime": iso(2), "parentObservationId": None, "model": "m", "latency": 2000,
                             "usageDetails": {"input": 50, "input_cached_tokens": 250, "output": 60, "total": 360},
                             "costDetails": {"input": 0.2, "output": 0.3, "total": 0.5}},
    "Langfuse, snake case": {"id": SPAN, "trace_id": TRACE, "type": "GENERATION", "name": "call", "start_time": iso(0),
                             "end_time": iso(2), "parent_observation_id": "", "provided_model_name": "m", "latency": 2.0,
                             "usage_details": '{"input": 50, "cache_read_input_tokens": 250, "output": 60}',
                             "total_cost": 0.5},
    "MLflow": {"info": {"trace_id": f"tr-{TRACE}", "request_time": iso(0), "state": "OK", "trace_metadata": {}}, "data": {"spans": [
        {"trace_id": "x", "span_id": SPAN, "parent_span_id": None, "name": "call", "status": {"code": "STATUS_CODE_UNSET"},
         "start_time_unix_nano": START * 10**9, "end_time_unix_nano": (START + 2) * 10**9,
         "attributes": {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.llm.model": '"m"', "mlflow.chat.tokenUsage":
             '{"input_tokens": 300, "output_tokens": 60, "total_tokens": 360, "cache_read_input_tokens": 250}',
             "mlflow.llm.cost": '{"input_cost": 0.2, "output_cost": 0.3, "total_cost": 0.5}'}}]}},
}  # fmt: skip


@pytest.mark.parametrize("dialect", SAME)
def test_the_same_call_is_the_same_step_in_every_dialect(dialect):
    (row,) = tables_of(SAME[dialect])["traces"].to_dicts()
    expected = {"trace_id": TRACE, "model": "m", "input_tokens": 300, "output_tokens": 60, "cache_read_tokens": 250,
                "cost_usd": 0.5, "latency_seconds": 2.0, "llm_calls": 1, "started_at": AT}  # fmt: skip
    assert {key: row[key] for key in expected} == expected


def test_a_name_is_of_one_field_and_every_dialect_says_what_it_follows():
    told = [name for dialect in ATTRIBUTES for names in dialect.names.values() for name in names]
    assert len(told) == len(set(told)) == len(FIELDS)
    assert all(len(dialect.follows) > 20 for dialect in ATTRIBUTES)


def test_forms_are_told_apart_whatever_the_order_of_keys():
    for document in SAME.values():
        form = form_of(dict(reversed(document.items())))
        assert form is form_of(document)
        keys = top_keys(json.dumps(document).encode())
        assert any(mark <= keys for mark in form.marks)
    assert form_of({"id": "e", "type": "LEAD_CREATED", "payload": {}, "occurred_at": "x"}) is None
    assert len({form.name for form in FORMS}) == len(FORMS)


IDS = {
    (trace_id, 39712373237291850001929057769826244787): "1de0532b350588ff152b1edf6bf358b3",
    (trace_id, "CvdlGRbNQ92ESOshHIAxnA=="): TRACE,
    (trace_id, TRACE.upper()): TRACE,
    (trace_id, "0" * 32): None,
    (trace_id, ""): None,
    (trace_id, "t1"): "t1",
    (span_id, 2795294992452118289): "26cae1fc4b896711",
    (span_id, "t60LcWkgMzE="): "b7ad0b7169203331",
    (nanoseconds, "1795000000000000000"): 1_795_000_000_000_000_000,
    (nanoseconds, 1795000000000): 1_795_000_000_000_000_000,
    (nanoseconds, 1795000000.5): 1_795_000_000_500_000_000,
    (nanoseconds, "2026-11-18T11:06:40Z"): 1_795_000_000_000_000_000,
    (nanoseconds, "2026-11-18 11:06:40"): 1_795_000_000_000_000_000,
    (nanoseconds, "soon"): None,
    (nanoseconds, 0): None,
}


def test_identifiers_and_instants_are_read_however_they_are_written():
    assert {key: key[0](key[1]) for key in IDS} == IDS


USAGE = {
    # Counted beside the whole, as Langfuse's own handlers do, and by name where no total tells.
    '{"input": 50, "input_cache_read": 250, "output": 40, "output_reasoning": 20, "total": 360}': (300, 60, 250, 20),
    '{"input": 50, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 50, "output": 60}': (
        300,
        60,
        200,
        None,
    ),
    # Counted within it: details by their dots, and where the total is of the wholes.
    '{"input": 300, "prompt_details.cache_read": 250, "output": 60, "completion_details.reasoning": 20}': (
        300,
        60,
        250,
        20,
    ),
    '{"input_tokens": 300, "cache_read_input_tokens": 250, "output_tokens": 60, "total_tokens": 360}': (
        300,
        60,
        250,
        None,
    ),
    # More from the cache than was read: it cannot be within.
    '{"input_tokens": 50, "cache_read_input_tokens": 250, "output_tokens": 60, "total_tokens": 110}': (
        300,
        60,
        250,
        None,
    ),
    '{"total": 5}': (None, None, None, None),
}


@pytest.mark.parametrize("usage", USAGE)
def test_parts_of_usage_are_counted_within_or_beside_as_the_total_says(usage):
    found = usage_of(json.loads(usage))
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")
    assert tuple(found.get(name) for name in names) == USAGE[usage]


def test_a_page_of_an_interface_is_read_by_its_items():
    items = [SAME["Langfuse, camel case"] | {"id": f"{number:016x}"} for number in (1, 2)]
    made = tables_of({"data": items, "meta": {"page": 1}})
    assert made["traces"]["llm_calls"].to_list() == [2]
    made = tables_of({"traces": [SAME["MLflow"]], "next_page_token": "x"})
    assert made["traces"]["trace_id"].to_list() == [TRACE]
    characters = SAME["Langfuse, camel case"] | {"usageDetails": {"input": 900, "output": 9, "unit": "CHARACTERS"}}
    assert tables_of(characters)["traces"]["input_tokens"].to_list() == [None]


def score(name, value, **rest):
    return {"id": name, "traceId": TRACE, "name": name, "value": value, "source": "EVAL", "timestamp": iso(9)} | rest


def test_scores_complete_the_run_by_what_they_mean():
    trace = {"id": TRACE, "name": "shop", "timestamp": iso(0), "userId": "u", "sessionId": "s", "version": "2"}
    scores = [score("quality", 0.8), score("toxicity", 0), score("passed", 1, dataType="BOOLEAN"),
              score("mood", None, stringValue="fine", dataType="CATEGORICAL"), score("quality", 0.1, observationId=SPAN)]  # fmt: skip
    document = {"trace": trace | {"scores": scores}, "observations": [SAME["Langfuse, camel case"]]}
    made = tables_of(document)
    (row,) = made["traces"].to_dicts()
    expected = {
        "quality_score": 80.0,
        "name": "shop",
        "doer": "shop",
        "user_id": "u",
        "session_id": "s",
        "agent_version": "2",
    }
    assert {key: row[key] for key in expected} == expected
    (run,) = made["run_records"].to_dicts()
    assert (run["gates_passed"], run["gates_total"], run["records"]) == (1, 1, 7)
    told = made["runs"].sort("score_name").filter(event_type="RUN_SCORED")
    assert told.select("score_name", "score_value", "score_label").rows() == [
        ("mood", None, "fine"), ("passed", 1.0, None), ("quality", 0.8, None), ("quality", 0.1, None), ("toxicity", 0.0, None),
    ]  # fmt: skip
    # A score that comes apart from its trace joins it.
    later = tables_of(document | {"trace": trace}, score("overall", 55))
    assert later["traces"]["quality_score"].to_list() == [55.0]


def test_texts_are_cut_and_content_may_be_absent():
    parts = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "x" * 30_000}]}])
    (line,), _ = lines_of(otlp(chat("call", gen_ai__input__messages=parts, gen_ai__output__messages="ok\0")))
    payload = json.loads(line)["payload"]
    assert len(payload["input_text"]) == 20_000
    assert payload["input_text"].endswith("[…]")
    assert payload["output_text"] == "ok"
    (line,), _ = lines_of(otlp(chat("call")))
    assert "input_text" not in json.loads(line)["payload"]


def test_flattened_messages_come_together_and_arguments_are_text_or_object():
    document = sdk({"llm.input_messages.1.message.content": "b", "llm.input_messages.0.message.content": "a",
                    "llm.input_messages.0.message.role": "user", "openinference.span.kind": "LLM"})  # fmt: skip
    (line,), _ = lines_of(document)
    payload = json.loads(line)["payload"]
    assert json.loads(payload["input_text"]) == [{"content": "a", "role": "user"}, {"content": "b"}]
    assert "unknown_attributes" not in payload
    for arguments in ('{"city":"Tokyo"}', {"city": "Tokyo"}):
        (line,), _ = lines_of(sdk({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": arguments}))
        assert json.loads(line)["payload"]["input_text"] == '{"city":"Tokyo"}'


def test_an_exception_and_an_evaluation_within_a_span_are_told():
    events = [
        {"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "Timeout"}}]},
        {"name": "gen_ai.evaluation.result", "timeUnixNano": str((START + 3) * 10**9), "attributes": [
            {"key": "gen_ai.evaluation.name", "value": {"stringValue": "quality"}},
            {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.6}}]},
    ]  # fmt: skip
    (row,) = tables_of(otlp(span("root", status=2, events=events)))["traces"].to_dicts()
    assert (row["outcome"], row["error_type"], row["quality_score"]) == ("error", "Timeout", 60.0)


def test_what_is_said_of_a_failed_status_is_its_error_where_nothing_else_is():
    failed = span("root", status=2)
    for message, told, expected in (("no such city", {}, "no such city"), ("x", {"error__type": "Timeout"}, "Timeout")):
        held = span("root", status=2, **told)
        held["status"] = failed["status"] | {"message": message}
        assert tables_of(otlp(held))["traces"]["error_type"].to_list() == [expected]


def test_whose_the_spans_are_the_resource_says():
    resource = {"service.name": "shop-bot", "kaizen.tenant_id": "acme", "kaizen.project_id": "p"}
    made = tables_of(otlp(span("GET /", trace=TRACE), resource=resource))
    (row,) = made["traces"].to_dicts()
    assert (row["tenant_id"], row["project_id"], row["doer"]) == ("acme", "p", "GET /")
    assert made["events"]["source"].to_list() == ["shop-bot"]


def test_langfuse_prices_that_nobody_gave_are_not_zero():
    nothing = {"costDetails": {}, "totalCost": 0}
    (row,) = tables_of(SAME["Langfuse, camel case"] | nothing)["traces"].to_dicts()
    assert (row["cost_usd"], row["calls_without_cost"]) == (None, 1)
    (row,) = tables_of(SAME["Langfuse, camel case"] | {"costDetails": {"total": 0}})["traces"].to_dicts()
    assert (row["cost_usd"], row["calls_without_cost"]) == (0.0, 0)
