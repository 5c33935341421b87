"""A language model behind a real HTTP server: what is tried again, checked, kept and logged; its key is nowhere."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter, sleep

import msgspec
import pytest

from kaizenlake import AutoExecutionEngine, settings
from kaizenlake.decide.agency import brands
from kaizenlake.errors import SettingsError
from kaizenlake.events.write.log import logging_to
from kaizenlake.generate.language_model.generator import GeneratorError, GeneratorRequest, SectionAnswer
from kaizenlake.generate.language_model.openai_endpoint import CACHE, OpenAIGenerator, generator_of
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.parameters import GeneratorEndpoint
from kaizenlake.tables import Events

KEY = "sk-do-not-tell-anyone-1234567890"
REQUEST = GeneratorRequest("Write.", "About bread.", {"workflow": "test"})


def completion(content, **more):
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    return 200, {"choices": [{"message": {"role": "assistant", "content": content}}], "usage": usage} | more


GOOD = completion(json.dumps({"markdown": "# Bread"}))


class Endpoint(ThreadingHTTPServer):
    """A server that answers with what it was told to, one after the other, the last one again and again."""

    def __init__(self):
        self.replies, self.asked, self.headers, self.delay = [GOOD], [], [], 0.0
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(json.loads(body) | {"path": self.path})
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        replies = self.server.replies
        state, told = replies.pop(0) if len(replies) > 1 else replies[0]
        sleep(self.server.delay)
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(state)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def make(endpoint, lake, **said):
    told = {"base_url": endpoint.url, "model": "small", "api_key": KEY, "wait_seconds": 0.01, "timeout_seconds": 5}
    return OpenAIGenerator(GeneratorEndpoint.model_validate(told | said), cache=lake.path(CACHE))


def ask(generator, lake, request=REQUEST):
    with logging_to(lake.path()):
        return generator.generate(request, SectionAnswer).markdown


def calls(lake):
    """Payloads of the events of all calls, landed."""
    land(lake, lake.path("landing"))
    rows = lake.scan(Events).filter(event_type="SPAN_RECORDED").sort("occurred_at", "event_id").collect()
    return [json.loads(payload) for payload in rows["payload"]]


def files_with(lake, words):
    return [path for path in lake.path().rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_an_answer_is_checked_kept_and_logged_and_the_key_is_sent_alone(endpoint, lake, caplog):
    caplog.set_level("DEBUG")
    generator = make(endpoint, lake)
    assert (ask(generator, lake), ask(generator, lake)) == ("# Bread", "# Bread")
    (sent,) = endpoint.asked
    assert (sent["path"], sent["model"], sent["seed"]) == ("/v1/chat/completions", "small", 0)
    assert '"markdown"' in sent["messages"][0]["content"]
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    first, second = calls(lake)
    assert (first["model"], first["input_tokens"], first["output_tokens"], first["status"]) == ("small", 11, 7, "ok")
    assert first["duration_seconds"] > 0
    assert (first["is_cached"], second["is_cached"]) == (False, True)
    assert files_with(lake, KEY) == []
    assert KEY not in caplog.text + repr(generator.endpoint)
    ask(make(endpoint, lake, seed=1), lake)
    assert len(endpoint.asked) == 2, "another seed is another request"


@pytest.mark.parametrize(
    ("replies", "asked", "errors"),
    [
        ([(429, {"error": "slow down"}), (503, b"no"), GOOD], 3, ["HTTP 429", "HTTP 503", None]),
        ([(429, {}), (500, {}), (529, {}), GOOD], 3, ["HTTP 429", "HTTP 500", "HTTP 529"]),
        ([(401, {"error": f"wrong key {KEY}"})], 1, ["HTTP 401"]),
        ([(200, b"<html>")], 1, ["something else"]),
        ([completion("no JSON"), completion('{"text": 1}'), GOOD], 3, [None, None, None]),
        ([completion("no JSON")], 3, [None, None, None]),
        ([completion('```json\n{"markdown": "# Bread"}\n```')], 1, [None]),
        ([completion(None)], 1, ["holds no text"]),
        ([(302, {})], 1, ["HTTP 302"]),
    ],
)
def test_what_may_work_again_is_tried_three_times_and_the_rest_once(endpoint, lake, replies, asked, errors):
    endpoint.replies = list(replies)
    works = (asked < 3 and errors == [None]) or GOOD in replies[:3]
    if works:
        assert ask(make(endpoint, lake), lake) == "# Bread"
    else:
        with pytest.raises(GeneratorError) as refused:
            ask(make(endpoint, lake), lake)
        assert KEY not in str(refused.value)
    assert len(endpoint.asked) == asked
    told = [call.get("error_type") for call in calls(lake)]
    assert [bool(said) for said in told] == [error is not None for error in errors]
    assert all(error in said for error, said in zip(errors, told, strict=True) if error)
    assert files_with(lake, KEY) == []
    if replies[0][0] == 200 and len(endpoint.asked) > 1:
        assert "was not the JSON" in endpoint.asked[1]["messages"][-1]["content"]


def test_an_endpoint_that_is_slow_or_away_ends_in_time(endpoint, lake):
    endpoint.delay, begun = 0.6, perf_counter()
    with pytest.raises(GeneratorError, match=r"took longer than 0\.1 s"):
        ask(make(endpoint, lake, timeout_seconds=0.1, tries=2), lake)
    assert perf_counter() - begun < 2
    nobody = make(endpoint, lake, base_url="http://127.0.0.1:9/v1", tries=2)
    with pytest.raises(GeneratorError, match="ConnectError"):
        ask(nobody, lake)


def test_settings_name_it_by_file_and_environment_and_show_no_key(endpoint, tmp_path, monkeypatch):
    assert generator_of(Lake.create(tmp_path / "other")) is None
    lake = Lake.create(tmp_path / "lake")
    (lake.path() / settings.FILE_NAME).write_text(f'[generator]\nbase_url = "{endpoint.url}"\nmodel = "small"\n')
    monkeypatch.setenv("KAIZEN_GENERATOR__API_KEY", KEY)
    lake = Lake(lake.root)
    assert ask(generator_of(lake), lake) == "# Bread"
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    shown = {item.name: item.value for item in settings.origins(lake.root)}
    assert shown["generator.api_key"] == "**********"
    assert KEY not in lake.settings.model_dump_json() + json.dumps(shown, default=str)
    monkeypatch.delenv("KAIZEN_GENERATOR__API_KEY")
    for name, value in (
        ("KAIZEN_GENERATOR_API_KEY", KEY),
        ("KAIZEN_GENERATOR", KEY),
        ("KAIZEN_GENERATOR__APIKEY", KEY),
        ("KAIZEN_GENERATOR__BASE_URL", f"http://me:{KEY}@host/v1"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(SettingsError) as refused:
                settings.load(lake.root)
            assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("texts", "is_prose", "reason"),
    [
        (["too short", "good"], True, None),
        (["too short"], False, "breaks the benchmark: TOO_FEW_WORDS"),
        ([], False, "HTTP 401"),
    ],
)
def test_prose_takes_the_place_of_a_brief_where_it_keeps_the_benchmark(endpoint, lake, texts, is_prose, reason):
    good = "The budget follows what worked before. " * 20 + "Aim at 98.7 %.\n"
    endpoint.replies = [completion(json.dumps({"markdown": good if text == "good" else text})) for text in texts] or [
        (401, {})
    ]
    brands.describe(lake, {"brand_id": "acme", "name": "Acme"})
    (lake.path() / settings.FILE_NAME).write_text(f'[generator]\nbase_url = "{endpoint.url}"\nmodel = "small"\n')
    engine = AutoExecutionEngine(lake=Lake(lake.root))
    task = {"task_type": "kpi_definition", "brand_id": "acme", "approval_status": "approved"}
    output = engine.execute_task("t", task).output
    assert output["generator"]["is_prose"] is is_prose
    assert (output["markdown"] == good) is is_prose
    assert (reason or "") in (output["generator"]["reason"] or "")
    if is_prose:
        # Prose keeps the benchmark; what nobody knows of the brand is missing all the same.
        assert {item["rule"] for item in output["readiness"]} <= {"MISSING_FACTS"}
        assert output["brief"].startswith("# KPI definition")
        assert "figure: 98.7 % stands in no row of the tables" in output["unknown"]
        assert "TOO_FEW_WORDS" in endpoint.asked[1]["messages"][1]["content"]
    assert {call["workflow"] for call in calls(lake)} == {"kpi_definition"}
    tries = lake.scan(Events).filter(event_type="SECTION_TRIED").collect().height
    assert tries == (3 if texts != ["too short", "good"] else 2)


def test_the_schema_of_an_answer_names_what_is_asked():
    assert "markdown" in json.dumps(msgspec.json.schema(SectionAnswer))
