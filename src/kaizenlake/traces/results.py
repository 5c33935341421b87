"""Results of benchmarks, one run a case: promptfoo, inspect_ai, SWE-bench, aider and tau-bench, as they write them in 2026."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kaizenlake.traces import values
from kaizenlake.traces.records import Called, Description, Ran, Scored, Told
from kaizenlake.traces.steps import usage_of

_DAY_AND_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{2})-(\d{2})-(\d{2})--")

Document = dict[str, Any]


def is_promptfoo(document: Document) -> bool:
    """Return whether it is what `promptfoo eval --output` writes."""
    results = document.get("results")
    return isinstance(results, dict) and isinstance(results.get("results"), list)


def of_promptfoo(document: Document) -> Iterator[Told]:
    """Yield one run a test case and prompt; assertions are its gates. Time and cost of an answer from a cache are not known."""
    results = document["results"]
    at = values.nanoseconds(results.get("timestamp"))
    for row in results["results"]:
        provider, response = _dict(row.get("provider")), _dict(row.get("response"))
        name = row.get("id") or "/".join(
            map(str, (document.get("evalId", ""), row.get("testIdx"), row.get("promptIdx"), provider.get("id")))
        )
        usage = _dict(response.get("tokenUsage"))
        grading = _dict(row.get("gradingResult"))
        parts = [_dict(part) for part in grading.get("componentResults") or ()]
        is_cached = response.get("cached") is True
        is_error = row.get("failureReason") == 2 or (row.get("error") and not parts and not response.get("output"))
        cost = values.amount(row.get("cost"))
        yield Ran(
            name,
            at,
            {
                "doer": values.key(provider.get("label")) or values.key(provider.get("id")),
                "model": values.key(provider.get("id")),
                "policy_id": values.key(_dict(row.get("prompt")).get("label")),
                "task_id": values.key(row.get("testIdx")),
                "gates_passed": sum(part.get("pass") is True for part in parts)
                if parts
                else int(row.get("success") is True),
                "gates_total": len(parts) or 1,
                "cost_usd": cost if cost and not is_cached else None,
                "latency_seconds": None if is_cached else _over(row.get("latencyMs"), 1000),
                "input_tokens": values.count(usage.get("prompt")) or None,
                "output_tokens": values.count(usage.get("completion")) or None,
                "outcome": "error" if is_error else None,
            },
        )
        yield Scored(name, at, "promptfoo", "score", row.get("score"), grading.get("reason"), score_id="score")


def is_inspect(document: Document) -> bool:
    """Return whether it is a log of inspect_ai, as JSON."""
    return (
        isinstance(document.get("eval"), dict)
        and "status" in document
        and ("samples" in document or "stats" in document)
    )


def of_inspect(document: Document) -> Iterator[Told]:
    """Yield one run a sample and epoch; scores that say right or wrong are its gates."""
    held = document["eval"]
    samples = document.get("samples")
    if not samples:
        raise values.BadSpanError("the log holds no samples: write it whole, `inspect log convert --to json`")
    ended = values.nanoseconds(_dict(document.get("stats")).get("completed_at") or held.get("created"))
    for sample in samples:
        at = values.nanoseconds(sample.get("completed_at")) or ended
        name = sample.get("uuid") or "/".join(
            map(str, (held.get("eval_id") or held.get("run_id"), sample.get("id"), sample.get("epoch")))
        )
        used = [usage_of(usage) for usage in _dict(sample.get("model_usage")).values()]
        costs = [values.amount(_dict(usage).get("total_cost")) for usage in _dict(sample.get("model_usage")).values()]
        known = [cost for cost in costs if cost is not None]
        truths = [
            truth
            for score in _dict(sample.get("scores")).values()
            if (truth := _find_truth(_dict(score).get("value"))) is not None
        ]
        calls = [event for event in sample.get("events") or () if _dict(event).get("event") == "model"]
        yield Ran(
            name,
            at,
            {
                "doer": values.key(held.get("solver")) or values.key(held.get("task")),
                "model": values.key(held.get("model")),
                "task_id": values.key(sample.get("id")),
                "segment": values.key(held.get("task")),
                "gates_passed": sum(truths) if truths else None,
                "gates_total": len(truths) or None,
                "cost_usd": sum(known) if known and len(known) == len(costs) else None,
                "latency_seconds": None
                if any(event.get("cache") == "read" for event in calls)
                else values.amount(sample.get("total_time")),
                "input_tokens": sum(item.get("input_tokens", 0) for item in used) if used else None,
                "output_tokens": sum(item.get("output_tokens", 0) for item in used) if used else None,
                "outcome": "error" if sample.get("error") else None,
                "failure_modes": [mode] if (mode := values.key(_dict(sample.get("limit")).get("type"))) else None,
            },
        )
        for scorer, score in _dict(sample.get("scores")).items():
            value = _dict(score).get("value")
            truth = _find_truth(value)
            told = value if truth is None else truth
            yield Scored(name, at, scorer, scorer, told, _dict(score).get("explanation"), score_id=scorer)


def is_swe_bench(document: Document) -> bool:
    """Return whether it is the report of a run of SWE-bench, or of instances of one."""
    return "resolved_ids" in document or (
        bool(document)
        and all(isinstance(item, dict) and "patch_successfully_applied" in item for item in document.values())
    )


def of_swe_bench(document: Document) -> Iterator[Told]:
    """Yield one run an instance: solved is its one gate. A report names neither model nor time: its file does."""
    if "resolved_ids" not in document:
        for instance, report in document.items():
            yield _make_instance(
                instance, report.get("resolved") is True, None if report.get("patch_exists") else "empty_patch"
            )
        return
    solved, failed = set(document["resolved_ids"]), set(document.get("error_ids") or ())
    empty = set(document.get("empty_patch_ids") or ())
    told = dict.fromkeys(
        (*document.get("submitted_ids", ()), *document["resolved_ids"], *document.get("unresolved_ids", ()))
    )
    for instance in told:
        why = "error" if instance in failed else "empty_patch" if instance in empty else None
        yield _make_instance(instance, instance in solved, why)


def _make_instance(instance: Any, solved: bool, why: str | None) -> Ran:  # noqa: FBT001 - of one row
    fields = {
        "task_id": values.key(instance),
        "segment": values.key(str(instance).rpartition("-")[0]),
        "gates_passed": int(solved),
        "gates_total": 1,
        "outcome": "error" if why == "error" else None,
        "failure_modes": [why] if why else None,
    }
    return Ran(values.key(instance), None, fields, of_file=True)


def is_aider(document: Document) -> bool:
    """Return whether it is the result of one exercise of aider's benchmark."""
    return "testcase" in document and "tests_outcomes" in document


def of_aider(document: Document) -> Iterator[Told]:
    """Yield one run an exercise, passed where its last try did. Its folder names the day on which the benchmark began."""
    folder = str(document.get("testdir") or "")
    found = _DAY_AND_TIME.search(folder)
    at = values.nanoseconds(f"{found[1]}T{found[2]}:{found[3]}:{found[4]}Z") if found else None
    outcomes = document["tests_outcomes"] or []
    modes = {
        "malformed_response": "num_malformed_responses",
        "context_exhausted": "num_exhausted_context_windows",
        "test_timeout": "test_timeouts",
        "syntax_error": "syntax_errors",
        "indentation_error": "indentation_errors",
        "lazy_comment": "lazy_comments",
    }
    cost = values.amount(document.get("cost"))
    yield Ran(
        folder or values.key(document.get("testcase")),
        at,
        {
            "doer": "aider",
            "model": values.key(document.get("model")),
            "phase": values.key(document.get("edit_format")),
            "task_id": values.key(document.get("testcase")),
            "gates_passed": int(bool(outcomes) and outcomes[-1] is True),
            "gates_total": 1,
            "cost_usd": cost or None,
            "latency_seconds": values.amount(document.get("duration")),
            "input_tokens": values.count(document.get("prompt_tokens")) or None,
            "output_tokens": values.count(document.get("completion_tokens")) or None,
            "failure_modes": [mode for mode, name in modes.items() if values.count(document.get(name))] or None,
        },
        of_file=not folder,
    )


def is_tau_bench(document: Document) -> bool:
    """Return whether it is a trajectory of tau-bench."""
    return "task_id" in document and "reward" in document and "traj" in document


def of_tau_bench(document: Document) -> Iterator[Told]:
    """Yield one run a task and trial with its calls of tools: a reward of 1 is passed. It tells no time, tokens or agent."""
    reward = values.amount(document.get("reward"))
    messages = [message for message in document["traj"] if isinstance(message, dict)]
    name = f"{document['task_id']}/{document.get('trial', 0)}"
    yield Ran(
        name,
        None,
        {
            "task_id": values.key(document["task_id"]),
            "gates_passed": None if reward is None else int(reward >= 1),
            "gates_total": None if reward is None else 1,
        },
        of_file=True,
    )
    spoken = {
        role: [item.get("content") for item in messages if item.get("role") == role] for role in ("user", "assistant")
    }
    texts = {
        "input_text": values.text(next((text for text in spoken["user"] if text), None)),
        "output_text": values.text(next((text for text in reversed(spoken["assistant"]) if text), None)),
    }
    yield Description(name, None, texts | {"dialect": "tau-bench"}, of_file=True)
    calls = [
        (_dict(call.get("function")), call.get("id"))
        for item in messages
        if isinstance(item.get("tool_calls"), list)
        for call in item["tool_calls"]
        if isinstance(call, dict)
    ]
    answers = {item.get("tool_call_id"): item.get("content") for item in messages if item.get("role") == "tool"}
    for place, (function, call_id) in enumerate(calls):
        tool = values.key(function.get("name"))
        said = {
            "name": tool,
            "tool_name": tool,
            "tool_call_id": values.key(call_id),
            "dialect": "tau-bench",
            "input_text": values.text(function.get("arguments")),
            "output_text": values.text(answers.get(call_id)) if isinstance(call_id, str) else None,
        }
        yield Called(name, place, len(calls), said)


def _find_truth(value: Any) -> bool | None:
    """Return whether a score says right or wrong; None where it says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return {0.0: False, 1.0: True}.get(float(value))
    return {"C": True, "I": False, "N": False}.get(value) if isinstance(value, str) else None


def _over(value: Any, by: float) -> float | None:
    found = values.amount(value)
    return None if found is None else found / by


def _dict(held: Any) -> dict[str, Any]:
    return held if isinstance(held, dict) else {}
