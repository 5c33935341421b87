"""A model goes into service by what was found of it on logged inputs, and an endpoint serves what was decided."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from kaizenlake import signing
from kaizenlake.cli.app import app
from kaizenlake.decide.training import model_trials, registry
from kaizenlake.decide.training.gateways import EndpointGateway
from kaizenlake.decide.training.model_trials import ModelTrial
from kaizenlake.decide.training.registry import promote
from kaizenlake.errors import UsageError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys
from kaizenlake.publish.training.metrics import write_metrics
from kaizenlake.publish.training.served_models import find_served_model, publish_models, verify_models
from kaizenlake.training import LearningService, TrainingExample
from kaizenlake.training.error_codes import LearningError
from training.test_registry import code_of, make_folder, put_in_production, register

INPUTS = [f"question {number}" for number in range(40)]


def load(path):
    """A model whose answers follow from its folder: the good one ends what it says."""
    mark = "!" if path.name in {"a", "b"} else ""
    return lambda text: text + mark


def score(output):
    return float(output.endswith("!"))


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployment")
    lake = Lake.create(folder / "lake")
    register(lake, make_folder(folder / "a"), model_type="BASE")
    register(lake, make_folder(folder / "b", 2.0), "1.1.0", parents=["writer@1.0.0"])
    register(lake, make_folder(folder / "bad", 3.0), "1.2.0", parents=["writer@1.1.0"])
    put_in_production(lake, "1.0.0")
    return lake


class Endpoint(BaseHTTPRequestHandler):
    """A small server of models, as Ollama and vLLM answer."""

    served: dict = {"writer:1.0.0": "!", "writer:1.1.0": "!", "writer:1.2.0": ""}  # noqa: RUF012 - shared on purpose
    keys: list = []  # noqa: RUF012 - as above

    def answer(self, state, told):
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(state)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.keys.append(self.headers.get("Authorization"))
        if self.path == "/v1/models":
            self.answer(200, {"object": "list", "data": [{"id": name} for name in self.served]})
        else:
            self.answer(404, {})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/copy":
            self.served[asked["destination"]] = self.served[asked["source"]]
            self.answer(200, b"")
        elif asked["model"] not in self.served:
            self.answer(404, {"error": "no such model"})
        else:
            text = asked["messages"][0]["content"]
            if text == "odd":
                self.answer(200, b"<html>")
            else:
                message = {"role": "assistant", "content": text + self.served[asked["model"]]}
                self.answer(200, {"choices": [{"message": message}]})

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_deployment_rests_on_what_was_found(lake, endpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "own_models", sys.modules[__name__])
    (tmp_path / "inputs.jsonl").write_text("\n".join(json.dumps({"input": text}) for text in INPUTS))
    (tmp_path / "cases.jsonl").write_text(
        '{"input": "a", "kind": "exact", "expected": "a!"}\n{"input": "a", "kind": "callable", "expected": "score"}'
    )
    given = ("--inputs", tmp_path / "inputs.jsonl", "--score", "own_models:score", "--cases", tmp_path / "cases.jsonl")
    given += ("--functions", "own_models")

    def deploy(version, *more):
        words = ("model", "deploy", "writer", version, *given, *more, "--by", "ann", "--lake", lake.root)
        return CliRunner().invoke(app, [str(word) for word in words])

    refused = deploy("1.2.0", "--run", "own_models:load")
    assert refused.exception.code == "E7209"
    assert "REJECT" in str(refused.exception)
    assert deploy("1.1.0", "--run", "own_models:nothing").exception.code == "E7213"
    assert deploy("1.1.0", "--endpoint", "http://127.0.0.1:9").exception.code == "E7211"
    assert registry.state(lake).find_production("writer").version == "1.0.0"
    done = deploy("1.1.0", "--endpoint", endpoint, "--reason", "better")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "DEPLOY: On 40 inputs" in done.output
    assert "writer@1.1.0 is in production." in done.output
    assert Endpoint.served["writer:production"] == "!"
    key = (lake.path("published") / "public_key.pem").read_bytes()
    assert find_served_model(lake.path("published"), "writer", key).version == "1.1.0"
    assert verify_models(lake).files == 1
    again = deploy("1.1.0", "--endpoint", endpoint, "--json")
    assert json.loads(again.output)["stage"] == "production"
    rows = registry.state(lake).promotions.filter(action="validated")
    assert rows["recommendation"].to_list() == ["REJECT", "DEPLOY"]
    assert rows["baseline"].to_list() == ["writer@1.0.0"] * 2
    assert "question" not in "".join(rows["gates"])
    figures = write_metrics(lake)
    assert "l07_models_registered_total 3.0" in figures
    assert "l07_validation_pass_rate 0.5" in figures


def test_a_service_reads_the_signed_folder_alone_and_takes_nothing_that_was_changed(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    register(lake, make_folder(tmp_path / "a"))
    assert publish_models(lake, registry.state(lake).models) == 0
    put_in_production(lake, "1.0.0")
    assert publish_models(lake, registry.state(lake).models) == 1
    assert publish_models(lake, registry.state(lake).models) == 0
    published = lake.path("published")
    key = (published / "public_key.pem").read_bytes()
    found = find_served_model(published, "writer", key)
    assert (found.version, found.path) == ("1.0.0", tmp_path / "a")
    weights = tmp_path / "a" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"x")
    with pytest.raises(VerificationError, match="not what was registered"):
        find_served_model(published, "writer", key)
    weights.write_bytes(whole)
    (file,) = (published / "models").glob("*.json")
    said = file.read_text()
    file.write_text(said.replace(str(tmp_path / "a"), str(tmp_path / "b")))
    with pytest.raises(VerificationError, match="signature"):
        find_served_model(published, "writer", key)
    file.write_text(said)
    other = Lake.create(tmp_path / "other")
    foreign = signing.public_pem(keys.private_key(other).public_key())
    with pytest.raises(VerificationError):
        find_served_model(published, "writer", foreign)
    promote(lake, ("writer", "1.0.0"), "archived", by="ann", reason="over")
    assert publish_models(lake, registry.state(lake).models) == 1
    with pytest.raises(VerificationError, match="in production"):
        find_served_model(published, "writer", key)
    with pytest.raises(VerificationError):
        find_served_model(published, "reader", key)


def test_an_endpoint_that_answers_oddly_is_told_without_its_key(endpoint):
    gateway = EndpointGateway(f"{endpoint}/v1", api_key="a-secret-key", seconds=5)
    gateway.check("writer", "1.0.0")
    assert Endpoint.keys[-1] == "Bearer a-secret-key"
    assert gateway.run("writer", "1.0.0")("Hello") == "Hello!"
    assert code_of(gateway.check, "writer", "9.9.9") == "E7211"
    assert code_of(gateway.run("writer", "9.9.9"), "Hello") == "E7211"
    assert code_of(gateway.run("writer", "1.0.0"), "odd") == "E7211"
    with pytest.raises(LearningError) as raised:
        EndpointGateway("http://127.0.0.1:9", api_key="a-secret-key", seconds=1).check("writer", "1.0.0")
    assert "a-secret-key" not in str(raised.value)
    for url in ("localhost:11434", "ftp://x", "http://key@host", ""):
        with pytest.raises(UsageError):
            EndpointGateway(url)


def test_the_service_validates_and_deploys(lake):
    service = LearningService(lake, by="ann")
    trial = ModelTrial(run=load, inputs=INPUTS, score=score)

    async def learn():
        unknown = await service.validate_model("writer@1.2.0")
        assert (unknown.recommendation, unknown.stages) == ("REVIEW", ())
        found = await service.validate_model("writer@1.2.0", "writer@1.1.0", trial=trial)
        assert (found.recommendation, found.regression_detected) == ("REJECT", True)
        few = await service.validate_model("writer@1.1.0", "writer@1.0.0", trial=ModelTrial(run=load))
        assert (few.recommendation, few.reason) == ("REVIEW", "There is no data: neither inputs nor cases were given.")
        broken = await service.validate_model("writer@1.1.0", trial=ModelTrial(run=lambda path: 1 / 0, inputs=INPUTS))
        assert "ZeroDivisionError" in broken.reason
        with pytest.raises(LearningError) as raised:
            await service.deploy_model("writer@1.2.0", trial=trial)
        assert raised.value.code == "E7209"
        with pytest.raises(LearningError) as raised:
            await service.validate_model("reader@1.0.0")
        assert raised.value.code == "E7204"
        said = {"input_text": "Sum it up.", "quality_score": 85.0, "confidence": 0.9}
        own = TrainingExample(output_text="It is short.", metadata={"model": "writer@1.0.0"}, **said)
        edited = TrainingExample(
            output_text="It is quite short.", metadata={"model": "writer@1.0.0", "human_edited": True}, **said
        )
        others = TrainingExample(output_text="It was brief indeed, I think.", metadata={"model": "else@1.0.0"}, **said)
        assert await service.filter_examples([own, edited, others]) == [edited, others]
        assert await service.filter_examples([own], model_id="writer@1.2.0") == []
        await service.cleanup()

    asyncio.run(learn())


@pytest.mark.parametrize("named", ["os:system", "system", "json:dumps", "codecs", "", None, "dumps.__class__"])
def test_a_file_of_cases_names_no_code_but_functions_of_the_module_that_a_command_names(named):
    case = {"input": "a", "kind": "callable", "expected": named}
    for functions in (None, "json", "../x", "no_such_module"):
        assert code_of(model_trials.list_cases, [case], functions) == "E7213"
    (read,) = model_trials.list_cases([case | {"expected": "dumps"}], "json")
    assert read["expected"] is json.dumps


def test_a_function_is_named_by_module_and_name():
    assert model_trials.find_function("json:dumps") is json.dumps
    for text in ("json", "json:", "json:nothing", "no_such_module:f", "../x:f", "json:__doc__", "os.system('x'):f"):
        assert code_of(model_trials.find_function, text) == "E7213"
