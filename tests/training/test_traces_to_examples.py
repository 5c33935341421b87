"""Traces that agents tell become examples; what is malformed waits in quarantine with its code."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest

from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.jobs.training.example_rejections import example_rejections
from kaizenlake.jobs.training.training_examples import training_examples
from kaizenlake.parameters import Curation
from kaizenlake.tables import SILVER, DatasetLog, LearningLog, ModelLog, Runs, schema
from kaizenlake.testing import AS_OF

TASK = {"trace_id": "t1", "agent_id": "writer", "task_type": "summary", "input": "Sum it up.", "output": "It is short."}
EVALUATION = {"trace_id": "t1", "quality_score": 85.0, "confidence": 0.9, "labels": ["clear"]}


def cloud(kind, data, name="1", hours=1, **more):
    at = (AS_OF - timedelta(hours=hours)).isoformat()
    return json.dumps(
        {"specversion": "1.0", "id": name, "source": "app", "type": kind, "time": at, "data": data} | more
    ).encode()


def ours(kind, payload, name, hours=1, **more):
    at = (AS_OF - timedelta(hours=hours)).isoformat()
    return json.dumps({"id": name, "type": kind, "occurred_at": at, "payload": payload} | more).encode()


def checked(*lines):
    return check_lines(lines, range(1, len(lines) + 1), now=AS_OF, decisions=True)


def folded(*lines, curation=None):
    found = checked(*lines)
    assert found.rejected == []
    from kaizenlake.events.catalogue import FAMILIES
    from kaizenlake.jobs.silver import decode_family

    silver = {
        table: decode_family(family, found.frame.lazy(), as_of=AS_OF)
        for family, table in zip(FAMILIES, SILVER, strict=True)
        if table in (LearningLog, DatasetLog, ModelLog, Runs)
    }
    how = {"as_of": AS_OF, "curation": curation or Curation()}
    examples = training_examples(silver[LearningLog], silver[Runs], **how).collect()
    rejected = example_rejections(examples.lazy(), silver[DatasetLog], silver[ModelLog], **how).collect()
    return examples, rejected


@pytest.mark.parametrize("prefix", ["", "io.kaizenlake.", "com.acme.agents."])
def test_tasks_plans_and_evaluations_are_read_with_any_prefix(prefix):
    plan = {**TASK, "trace_id": "t2", "plan": [{"step": 1}]}
    del plan["output"]
    examples, rejected = folded(
        cloud(f"{prefix}task.completed", TASK | {"latency": 3, "password": "x"}, "1"),
        cloud(f"{prefix}plan.created", plan, "2"),
        cloud(f"{prefix}evaluation.completed", EVALUATION, "3"),
    )
    told = examples.sort("trace_id").select("trace_id", "source_type", "output_text", "quality_score", "labels").rows()
    assert told == [
        ("t1", "EXECUTION_TRACE", "It is short.", 85.0, ["clear"]),
        ("t2", "PLANNING_TRACE", '[{"step":1}]', None, []),
    ]
    assert rejected.select("rule", "code").rows() == [("incomplete", "E7102")]


def test_the_content_of_fields_that_nobody_named_is_not_kept():
    found = checked(cloud("task.completed", TASK | {"password": "x", "latency": 3})).frame
    assert json.loads(found["metadata"][0]) == {"left_out": ["latency", "password"]}
    examples, rejected = folded(cloud("task.completed", TASK), curation=Curation(capture=("output",)))
    assert examples.select("input_text", "output_text").row(0) == ("", "It is short.")
    assert rejected["rule"].to_list() == ["incomplete"]


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("task.completed", {"trace_id": "t1"}, ["missing_field", "E7001"]),
        ("plan.created", TASK, ["missing_field", "unknown_field", "E7001", "E7002"]),
        ("evaluation.completed", EVALUATION | {"quality_score": 101}, ["out_of_range", "E7002"]),
        ("evaluation.completed", EVALUATION | {"confidence": "sure"}, ["wrong_type", "E7002"]),
    ],
)
def test_what_is_malformed_or_incomplete_is_quarantined_with_its_code(kind, data, code):
    rules = list(checked(cloud(kind, data)).rejected[0].rules)
    assert [rule for rule in rules if rule in code] == [rule for rule in code if rule in rules]
    assert rules[-1] in ("E7001", "E7002")


def test_the_latest_mark_counts_whenever_it_comes_and_a_mark_of_a_step_does_not():
    scored = {"run_id": "t1", "scorer": "ann", "quality_score": 95.0, "confidence": 1.0}
    lines = (
        cloud("task.completed", TASK | {"quality_score": 10.0, "confidence": 0.5}, "1", hours=9),
        cloud("evaluation.completed", EVALUATION, "2", hours=8),
        ours("RUN_SCORED", scored, "3", hours=2),
        ours("RUN_SCORED", scored | {"quality_score": 1.0, "span_id": "s"}, "4", hours=1),
    )
    for count, mark in ((1, 10.0), (2, 85.0), (3, 95.0), (4, 95.0)):
        examples, _ = folded(*lines[:count])
        assert examples["quality_score"].to_list() == [mark]
        reverse, _ = folded(*lines[:count][::-1])
        assert examples.equals(reverse)


def test_what_was_told_twice_is_one_example_and_golden_texts_are_none():
    frozen = {
        "golden_set_id": "bench",
        "golden_texts": json.dumps(["Sum it up."]),
        "content_sha256": "0" * 64,
        "decided_by": "ann",
    }
    lines = (
        cloud("task.completed", TASK, "1"),
        cloud("task.completed", TASK, "2"),
        cloud("evaluation.completed", EVALUATION, "3"),
    )
    examples, rejected = folded(*lines)
    assert (examples.height, rejected.height) == (1, 0)
    _, rejected = folded(*lines, ours("GOLDEN_TEXTS_FROZEN", frozen, "4"))
    assert rejected["rule"].to_list() == ["contaminated"]
    other = ours("GOLDEN_TEXTS_FROZEN", frozen, "4", tenant_id="other")
    _, rejected = folded(*lines, other)
    assert rejected.height == 0, "a tenant is a wall"


def test_examples_of_one_tenant_are_no_copies_of_those_of_another():
    lines = [
        line
        for tenant in ("a", "b")
        for line in (
            cloud("task.completed", TASK, f"{tenant}1", tenantid=tenant),
            cloud("evaluation.completed", EVALUATION, f"{tenant}2", tenantid=tenant),
        )
    ]
    examples, rejected = folded(*lines)
    assert (examples.height, rejected.height) == (2, 0)


def test_without_a_task_nothing_is_read_of_runs():
    runs = pl.LazyFrame(schema=schema(Runs)).map_batches(lambda _: pytest.fail("the runs were read"))
    found = training_examples(pl.LazyFrame(schema=schema(LearningLog)), runs, as_of=AS_OF)
    assert found.collect().height == 0


SPANS = Curation(capture=("input", "output", "plan", "span_input", "span_output", "comment"))
ROOT = {"run_id": "a" * 32, "span_id": "s1", "kind": "agent", "name": "invoke_agent writer", "agent": "writer"}


def span(name="1", hours=3, **told):
    return ours("SPAN_RECORDED", ROOT | told, f"span-{name}", hours)


def score(comment=None, **told):
    said = {"run_id": "a" * 32, "scorer": "judge", "quality_score": 40.0, "confidence": 0.9, "comment": comment}
    return ours("RUN_SCORED", {key: value for key, value in (said | told).items() if value is not None}, "score", 1)


def test_contents_of_spans_are_taken_only_where_the_setting_names_them():
    lines = (
        span(input_text="Sum it up.", output_text="It is short."),
        span(
            "2",
            2,
            span_id="s2",
            parent_span_id="s1",
            kind="inference",
            model="m1",
            input_text="inner",
            output_text="inner",
        ),
        score(),
    )
    assert folded(*lines)[0].is_empty()
    (example,) = folded(*lines, curation=SPANS)[0].iter_rows(named=True)
    said = ("input_text", "output_text", "agent_id", "task_type", "model", "quality_score", "source_type")
    assert [example[name] for name in said] == [
        *("Sum it up.", "It is short.", "writer", "invoke_agent writer", "m1", 40.0, "EXECUTION_TRACE"),
    ]
    half = folded(*lines, curation=Curation(capture=("span_input",)))
    assert half[0]["output_text"].to_list() == [""]
    assert half[1]["code"].to_list() == ["E7102"]


def test_a_text_that_was_cut_is_none_to_learn_from():
    examples, rejected = folded(span(input_text="Sum up.", output_text="x" * 20_000), score(), curation=SPANS)
    assert examples["output_text"].to_list() == [""]
    assert rejected["rule"].to_list() == ["incomplete"]


def test_a_task_of_a_trace_stands_for_its_spans():
    task = cloud("task.completed", TASK | {"trace_id": "a" * 32})
    examples, _ = folded(task, span(input_text="Sum it up.", output_text="Other."), curation=SPANS)
    assert examples["output_text"].to_list() == ["It is short."]


def test_what_a_scorer_says_is_an_example_of_feedback():
    lines = (cloud("task.completed", TASK | {"trace_id": "a" * 32}), score("It leaves out the date."))
    assert folded(*lines)[0]["source_type"].to_list() == ["EXECUTION_TRACE"]
    examples, rejected = folded(*lines, curation=SPANS)
    (said,) = examples.filter(source_type="QUALITY_FEEDBACK").iter_rows(named=True)
    assert (said["input_text"], said["output_text"]) == ("Sum it up.\nIt is short.", "It leaves out the date.")
    assert (said["agent_id"], said["task_type"], said["quality_score"]) == ("judge", "summary", 90.0)
    assert rejected["rule"].to_list() == ["low_quality"]  # the output, not what was said of it
    assert folded(*lines[:1], score("  "), curation=SPANS)[0].height == 1
