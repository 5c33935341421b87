"""Results of benchmarks: one run a case, its gates, cost and time; and what they do not tell."""

import json
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from kaizenlake import traces
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.readers import sources
from kaizenlake.lake.store import Lake
from kaizenlake.traces.records import Called, TraceOrigin, line_of
from kaizenlake.traces.results import of_tau_bench
from traces.told import NOW, of_lines

AT = "2026-11-18T12:00:00Z"
ORIGIN = traces.TraceOrigin("model-a.run-1", 1_795_000_000_000_000_000)

PROMPTFOO = {
    "evalId": "eval-1",
    "results": {
        "version": 3,
        "timestamp": AT,
        "results": [
            {"id": "r1", "testIdx": 0, "promptIdx": 0, "provider": {"id": "openai:m", "label": "bot"}, "success": True,
             "score": 0.5, "latencyMs": 1500, "cost": 0.01, "prompt": {"label": "short"}, "gradingResult": {
                 "pass": True, "componentResults": [{"pass": True}, {"pass": False}]},
             "response": {"output": "x", "tokenUsage": {"prompt": 10, "completion": 4, "total": 14}}},
            {"id": "r2", "testIdx": 1, "promptIdx": 0, "provider": {"id": "openai:m"}, "success": False, "score": 0,
             "latencyMs": 3, "cost": 0, "response": {"cached": True, "tokenUsage": {"cached": 14, "total": 14}}},
            {"id": "r3", "testIdx": 2, "provider": {"id": "openai:m"}, "success": False, "error": "401", "failureReason": 2},
        ],
    },
    "config": {},
}  # fmt: skip

INSPECT = {
    "version": 2, "status": "success",
    "eval": {"run_id": "run", "created": "2026-11-18T11:00:00+00:00", "task": "ctf", "model": "openai/m", "solver": "react"},
    "stats": {"completed_at": "2026-11-18T13:00:00+01:00"},
    "samples": [
        {"id": 1, "epoch": 1, "uuid": "u1", "total_time": 4.5, "scores": {"match": {"value": "C"}, "judge": {"value": 0.25}},
         "model_usage": {"openai/m": {"input_tokens": 50, "input_tokens_cache_read": 250, "output_tokens": 60,
                                      "total_tokens": 360, "reasoning_tokens": 20},
                         "openai/n": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}},
        {"id": 2, "epoch": 1, "uuid": "u2", "total_time": 0.1, "scores": {"match": {"value": "I"}},
         "limit": {"type": "token"}, "events": [{"event": "model", "cache": "read"}], "model_usage": {}},
    ],
}  # fmt: skip

AIDER = {"testdir": "/benchmarks/2026-11-18-12-00-00--m/python/exercises/practice/bowling", "testcase": "bowling",
         "model": "m", "edit_format": "diff", "tests_outcomes": [False, True], "cost": 0.02, "duration": 30.5,
         "num_malformed_responses": 1, "test_timeouts": 0, "prompt_tokens": 100, "completion_tokens": 50}  # fmt: skip

TAU = {"task_id": 3, "trial": 1, "reward": 1.0, "info": {}, "traj": [
    {"role": "user", "content": "Hi"}, {"role": "assistant", "content": None}, {"role": "assistant", "content": "Bye"}]}  # fmt: skip

SWE = {"schema_version": 2, "submitted_ids": ["django__django-1", "a__b-2", "a__b-3"], "resolved_ids": ["django__django-1"],
       "unresolved_ids": ["a__b-2"], "empty_patch_ids": [], "error_ids": ["a__b-3"]}  # fmt: skip

COLUMNS = ("doer", "task_id", "gates_passed", "gates_total", "cost_usd", "latency_seconds", "input_tokens", "output_tokens",
           "outcome")  # fmt: skip

RUNS = {
    "promptfoo": (PROMPTFOO, {
        "r1": ("bot", "0", 1, 2, 0.01, 1.5, 10, 4, None),
        "r2": ("openai:m", "1", 0, 1, None, None, None, None, None),
        "r3": ("openai:m", "2", 0, 1, None, None, None, None, "error"),
    }),
    "inspect": (INSPECT, {
        "u1": ("react", "1", 1, 1, None, 4.5, 301, 62, None),
        "u2": ("react", "2", 0, 1, None, None, None, None, None),
    }),
    "aider": (AIDER, {AIDER["testdir"]: ("aider", "bowling", 1, 1, 0.02, 30.5, 100, 50, None)}),
    "tau-bench": (TAU, {"model-a.run-1/3/1": ("model-a.run-1", "3", 1, 1, None, None, None, None, None)}),
    "swe-bench": (SWE, {
        "model-a.run-1/a__b-2": ("model-a.run-1", "a__b-2", 0, 1, None, None, None, None, None),
        "model-a.run-1/a__b-3": ("model-a.run-1", "a__b-3", 0, 1, None, None, None, None, "error"),
        "model-a.run-1/django__django-1": ("model-a.run-1", "django__django-1", 1, 1, None, None, None, None, None),
    }),
}  # fmt: skip


def made_of(document):
    form = traces.form_of(document)
    return form.name, of_lines([traces.line_of(told, ORIGIN) for told in form.read(document)])


@pytest.mark.parametrize("name", RUNS)
def test_each_case_is_a_run(name):
    document, expected = RUNS[name]
    form, made = made_of(document)
    assert form == name
    assert {row["run_id"]: tuple(row[key] for key in COLUMNS) for row in made["run_records"].to_dicts()} == expected


def test_scores_of_results_are_kept_and_their_time_is_that_of_the_run():
    _, made = made_of(PROMPTFOO)
    scored = made["run_records"].sort("run_id")["quality_score"].to_list()
    assert scored == [50.0, 0.0, None]
    _, made = made_of(INSPECT)
    rows = made["runs"].filter(event_type="RUN_SCORED").sort("run_id", "scorer").select("scorer", "score_value").rows()
    assert rows == [("judge", 0.25), ("match", 1.0), ("match", 0.0)]
    assert made["run_records"]["occurred_at"].dt.hour().unique().to_list() == [12]


def test_a_file_that_tells_no_time_says_so_and_a_copy_is_no_new_run(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = tmp_path / "model-a.run-1.json"
    file.write_text(json.dumps(SWE))
    done = land(lake, file, now=NOW.replace(year=2040))
    assert (done.landed, done.quarantined) == (3, 0)
    from kaizenlake.tables import Events

    assert "when the file was last changed" in lake.scan(Events).collect()["metadata"][0]
    copy = tmp_path / "copy" / file.name
    copy.parent.mkdir()
    copy.write_text(json.dumps(SWE, indent=1))
    again = land(lake, copy, now=NOW.replace(year=2040))
    assert (again.landed, lake.rows(Events)) == (0, 3)


def write_eval(path, samples, about="header.json"):
    """A log as inspect_ai packs it: what it says of itself, and a file a sample."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        header = {name: value for name, value in INSPECT.items() if name != "samples"}
        archive.writestr(about, json.dumps(header))
        archive.writestr("summaries.json", "[]")
        for number, sample in enumerate(samples):
            archive.writestr(f"samples/{number}_epoch_1.json", json.dumps(sample))


@pytest.mark.parametrize("about", ["header.json", "_journal/start.json"])
def test_a_packed_log_of_inspect_is_what_its_json_is(tmp_path, about):
    lake = Lake.create(tmp_path / "lake")
    write_eval(tmp_path / "run.eval", INSPECT["samples"], about)
    done = land(lake, tmp_path / "run.eval", now=NOW.replace(year=2040))
    (tmp_path / "run.json").write_text(json.dumps(INSPECT))
    again = land(lake, tmp_path / "run.json", now=NOW.replace(year=2040))
    assert (done.landed, done.quarantined, again.landed, again.duplicate) == (5, 0, 0, 5)


def test_a_packed_log_that_is_none_goes_to_quarantine_and_a_mapping_for_it_is_refused(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    for name, about in (("torn.eval", None), ("other.eval", "notes.json")):
        write_eval(tmp_path / name, [], about or "header.json")
        if about is None:
            (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
        done = land(lake, tmp_path / name, now=NOW.replace(year=2040))
        assert (done.landed, done.quarantined) == (0, 1), name
    found, left = sources.describe(tmp_path / "other.eval", "other.eval", "posts")
    assert (found, left) == ([], [("other.eval", sources.TAKES_NO_MAPPING)])


def test_reports_of_single_instances_and_logs_without_samples(tmp_path):
    report = {"django__django-1": {"patch_exists": True, "patch_successfully_applied": True, "resolved": True}}
    assert made_of(report)[1]["run_records"]["gates_passed"].to_list() == [1]
    lake = Lake.create(tmp_path / "lake")
    for name, document in (("report.json", report), ("log.json", INSPECT | {"samples": None})):
        (tmp_path / name).write_text(json.dumps(document))
    done = land(lake, [tmp_path / "report.json", tmp_path / "log.json"], now=NOW.replace(year=2040))
    assert (done.landed, done.by_rule) == (1, {"bad_record": 1})


def test_calls_of_a_trajectory_are_steps_in_their_order_and_have_no_time():
    def call(name, number):
        return {
            "role": "assistant",
            "tool_calls": [{"id": f"c{number}", "function": {"name": name, "arguments": "{}"}}],
        }

    odd = [{"role": "assistant", "tool_calls": 3}, {"role": "assistant", "tool_calls": [None]}, "text"]
    said = [call("find", 1), {"role": "tool", "tool_call_id": "c1", "content": "found"}, call("book", 2), *odd]
    told = list(of_tau_bench({"task_id": 3, "trial": 1, "reward": 1.0, "traj": said}))
    calls = [json.loads(line_of(item, TraceOrigin("model-a", 10**18))) for item in told if isinstance(item, Called)]
    assert [item["payload"]["tool_name"] for item in calls] == ["find", "book"]
    assert calls[0]["occurred_at"] < calls[1]["occurred_at"] < "2001-09-09T01:46:40"
    assert calls[0]["payload"]["output_text"] == "found"
    assert all("duration_seconds" not in item["payload"] for item in calls)
    assert {item["payload"]["agent"] for item in calls} == {"model-a"}
