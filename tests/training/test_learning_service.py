"""The service does for an asynchronous application what the functions do, as the application would write it."""

from __future__ import annotations

import asyncio
import json

import polars as pl
import pytest
from typer.testing import CliRunner

import kaizenlake
from kaizenlake.cli.app import app
from kaizenlake.lake.store import Lake
from kaizenlake.training import (
    ExampleSource,
    LearningService,
    TrainingExample,
    extract_batch,
    extract_from_event,
)
from kaizenlake.training.error_codes import LearningError
from training.test_datasets import EXAMPLES, example
from training.test_traces_to_examples import EVALUATION, TASK, cloud


def event(kind, data, name="1", hours=1):
    return json.loads(cloud(kind, data, name, hours))


def test_the_service_works_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("KAIZEN_LAKE", str(tmp_path / "lake"))

    async def learn():
        service = LearningService()
        await service.initialize()
        example = TrainingExample(
            example_id="mine",
            source_type=ExampleSource.EXECUTION_TRACE,
            input_text="Sum it up.",
            output_text="It is short.",
            quality_score=85.0,
            confidence=0.9,
            metadata={"task_type": "summary"},
        )
        poor = TrainingExample(input_text="a", output_text="b", quality_score=10.0, confidence=0.9)
        filtered = await service.filter_examples([example, poor])
        assert filtered == [example]
        dataset = await service.create_training_dataset(name="test-dataset", examples=filtered)
        assert (dataset.dataset_id, dataset.version) == ("test-dataset", "1.0.0")
        assert sorted(dataset.splits) == ["test", "train", "val"]
        assert [name for ids in dataset.splits.values() for name in ids] == ["mine"]
        more = await service.add_examples("test-dataset", EXAMPLES[:2])
        assert (more.version, sum(map(len, more.splits.values()))) == ("1.1.0", 3)
        with pytest.raises(LearningError, match="1,000 examples") as raised:
            await service.create_training_dataset(name="of-the-lake")
        assert raised.value.code == "E7501"
        await service.cleanup()
        with pytest.raises(LearningError) as raised:
            await service.filter_examples([])
        assert raised.value.code == "E7901"
        await service.initialize()
        assert await service.filter_examples([]) == []

    asyncio.run(learn())
    assert (tmp_path / "lake" / "kaizen.toml").exists()


def test_an_event_that_is_processed_waits_to_be_landed(tmp_path):
    service = LearningService(Lake(tmp_path))
    made = asyncio.run(service.process_event(event("io.x.task.completed", TASK)))
    assert (made.input_text, made.metadata["task_type"]) == (TASK["input"], "summary")
    assert asyncio.run(service.process_event(event("evaluation.completed", EVALUATION))) is None
    files = sorted((tmp_path / "landing").iterdir())
    assert [json.loads(file.read_text())["type"] for file in files] == ["io.x.task.completed", "evaluation.completed"]


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("task.completed", {"trace_id": "t"}, "E7001"),
        ("evaluation.completed", EVALUATION | {"quality_score": "good"}, "E7002"),
        ("task.started", TASK, "E7003"),
    ],
)
def test_an_event_of_which_no_example_can_be_made_has_its_code(kind, data, code):
    with pytest.raises(LearningError) as raised:
        extract_from_event(event(kind, data))
    assert raised.value.code == code
    found = extract_batch([event("task.completed", TASK), event(kind, data)])
    assert [(item.place, item.error.code) for item in found.failures] == [(1, code)]


def test_a_batch_marks_each_trace_by_its_latest_evaluation():
    events = [
        event("evaluation.completed", EVALUATION | {"quality_score": 60.0}, "1", hours=1),
        event("evaluation.completed", EVALUATION, "2", hours=2),
        event("task.completed", TASK, "3", hours=3),
        event("task.completed", TASK, "4", hours=3),
    ]
    for order in (events, events[::-1]):
        (made,) = extract_batch(order).examples
        assert (made.quality_score, made.confidence, made.labels) == (60.0, 0.9, ["clear"])
        assert made.example_id == extract_from_event(events[2]).example_id


def test_the_names_are_public():
    assert kaizenlake.TrainingExample is TrainingExample
    assert kaizenlake.LearningService is LearningService


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a lake and lines of examples, some of which hold what identifies a person."""
    folder = tmp_path_factory.mktemp("place")
    Lake.create(folder / "lake")
    chat = {
        "messages": [{"role": "user", "content": "Weather?"}],
        "tools": [{"type": "function", "function": {"name": "look"}}],
    }
    call = {"tool_calls": [{"type": "function", "function": {"name": "look", "arguments": {"city": "Kiel"}}}]}
    made = [example(number) for number in range(40)]
    made += [
        example(50, input_text=json.dumps(chat), output_text=json.dumps(call)),
        example(51, output_text="Ask ann@example.com about | it."),
        *(
            example(52 + place, input_text="Which?", output_text=said, quality_score=score)
            for place, (said, score) in enumerate((("good one", 95.0), ("bad one", 75.0), ("none", 75.0)))
        ),
    ]
    names = ("example_id", "input_text", "output_text", "quality_score", "confidence", "metadata", "labels")
    lines = [json.dumps({name: getattr(item, name) for name in names}) for item in made]
    (folder / "examples.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "half.jsonl").write_text("\n".join(lines[:20]), encoding="utf-8")
    return folder


def kaizen(place, *words, code=0):
    done = CliRunner().invoke(app, [*words, "--lake", str(place / "lake")], catch_exceptions=True)
    if code:
        assert done.exception is not None
        return str(done.exception)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_data_sets_are_cut_read_and_written_by_commands(place):
    assert "Cut: demo 1.0.0" in kaizen(
        place, "dataset", "create", "demo", "--file", str(place / "half.jsonl"), "--by", "ann"
    )
    assert "It stands" in kaizen(place, "dataset", "create", "demo", "--file", str(place / "half.jsonl"), "--by", "ann")
    told = json.loads(
        kaizen(place, "dataset", "add", "demo", "--file", str(place / "examples.jsonl"), "--by", "ann", "--json")
    )
    assert (told["version"], sum(map(len, told["splits"].values()))) == ("1.1.0", 45)
    assert [row["dataset_version"] for row in json.loads(kaizen(place, "dataset", "list", "--json"))] == [
        "1.0.0",
        "1.1.0",
    ]
    assert "45 examples" in kaizen(place, "dataset", "show", "demo")
    diff = json.loads(kaizen(place, "dataset", "diff", "demo", "1.0.0", "1.1.0", "--json"))
    assert (diff["only_in_first"], len(diff["only_in_second"])) == ([], 25)
    assert kaizen(place, "dataset", "verify", "demo") == "ok      data set demo\n"
    audited = json.loads(kaizen(place, "dataset", "audit", "demo", "--json"))
    assert {name for name, *_ in audited["diversity"]} == {
        "distinct_1_rate",
        "distinct_2_rate",
        "cluster_rate",
        "entropy_bits",
    }
    page = place / "audit.html"
    kaizen(place, "dataset", "audit", "demo", "--html", str(page))
    assert "What was dropped" in page.read_text(encoding="utf-8")
    assert "no data set" in kaizen(place, "dataset", "show", "nothing", code=1)
    assert "examples of the lake" not in kaizen(place, "dataset", "audit", "demo")


@pytest.mark.parametrize("form", ["parquet", "jsonl", "chat", "preference", "huggingface"])
def test_a_data_set_is_written_in_every_form_without_persons(place, form):
    kaizen(place, "dataset", "create", "forms", "--file", str(place / "examples.jsonl"), "--by", "ann")
    out = place / form
    assert "Replaced: 1 email." in kaizen(place, "dataset", "export", "forms", "--form", form, "--to", str(out))
    assert (out / "README.md").read_text().startswith("---\nconfigs:")
    assert all(b"ann@example.com" not in file.read_bytes() for file in out.rglob("*.*") if file.is_file())
    if form in ("parquet", "huggingface"):
        held = pl.read_parquet(sorted(out.rglob("*.parquet")))
        assert held.height == 45
        return
    rows = [json.loads(line) for file in out.glob("*.jsonl") for line in file.read_text().splitlines()]
    if form == "jsonl":
        assert len(rows) == 45
        assert {"prompt", "completion"} == rows[0].keys()
    if form == "chat":
        (called,) = [row for row in rows if "tools" in row]
        assert [message["role"] for message in called["messages"]] == ["user", "assistant"]
        assert called["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"city": "Kiel"}
        assert called["tools"][0]["function"]["name"] == "look"
    if form == "preference":
        assert all(row["chosen"] == "good one" and row["prompt"] == "Which?" for row in rows)


def test_a_form_or_a_file_that_is_none_is_refused(place):
    kaizen(place, "dataset", "create", "one", "--file", str(place / "half.jsonl"), "--by", "ann")
    assert "There are parquet" in kaizen(
        place, "dataset", "export", "one", "--form", "csv", "--to", str(place / "x"), code=2
    )
    (place / "wrong.jsonl").write_text('{"text": 1}\n')
    assert "Each line" in kaizen(place, "dataset", "create", "two", "--file", str(place / "wrong.jsonl"), code=2)


def test_golden_texts_are_frozen_by_a_command_and_drop_examples(place):
    (place / "golden.jsonl").write_text('{"text": "What is the height of the tower?"}\n"Who built it?"\n')
    told = kaizen(place, "golden", "freeze", "bench", "--texts", str(place / "golden.jsonl"), "--by", "ann")
    assert told.startswith("Frozen: bench with 2 texts")
    service = LearningService(place / "lake")
    asked = [example(1, input_text="Who built it?"), example(2)]
    assert asyncio.run(service.filter_examples(asked)) == asked[1:]
    (place / "wrong.jsonl").write_text("1\n")
    assert "Text 1 is none" in kaizen(place, "golden", "freeze", "bench", "--texts", str(place / "wrong.jsonl"), code=2)
    assert "--texts" in kaizen(place, "golden", "freeze", "bench", code=2)


def test_figures_for_monitoring_are_counted_from_the_lake(place):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    from prometheus_client.parser import text_string_to_metric_families as older

    text = kaizen(place, "metrics")
    assert text.endswith("# EOF\n")
    figures = {item.name: item for item in text_string_to_metric_families(text)}
    named = {"examples_extracted", "examples_filtered", "datasets_created", "training_jobs", "models_registered"}
    assert {f"l07_{name}" for name in named} | {"l07_training_job_duration_seconds", "l07_validation_pass_rate"} <= set(
        figures
    )
    assert figures["l07_datasets_created"].samples[0].value >= 0
    file = place / "kaizen.prom"
    assert kaizen(place, "metrics", "--textfile", str(file)) == f"Wrote {file}.\n"
    assert any(item.name == "l07_datasets_created" for item in older(file.read_text()))


def test_errors_are_explained_by_a_command():
    listed = CliRunner().invoke(app, ["errors"]).output.splitlines()
    assert listed[0].startswith("E7001")
    assert all(line[:2] == "E7" for line in listed)
    told = CliRunner().invoke(app, ["errors", "e7203"]).output
    assert "Cause:" in told
    assert "Remedy:" in told
    assert CliRunner().invoke(app, ["errors", "E1"]).exception.exit_code == 2
