"""What the code is called, read out of every module: names that a newcomer understands."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import kaizenlake

ROOT = Path(kaizenlake.__file__).parent
TREES = {
    path.relative_to(ROOT).with_suffix("").as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in ROOT.rglob("*.py")
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def nodes(*kinds):
    """Yield the module and the node of everything of these kinds."""
    return ((module, node) for module, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, kinds))


def decorators(node):
    return [ast.unparse(item) for item in node.decorator_list]


def is_command(module, node):
    return module.startswith("cli/") and not module.startswith("cli/shell/") and not node.name.startswith("_")


NAMED_BY_A_SCHEMA = {"Policy", "Policies"}
"""Classes of published documents, whose JSON Schema prescribes their names."""


def test_no_two_classes_share_a_name():
    names = Counter(node.name for _, node in nodes(ast.ClassDef))
    assert {name for name, times in names.items() if times > 1} == NAMED_BY_A_SCHEMA


MOST_PARAMETERS = 6

PUBLIC = {
    "context/_reader": {"load", "load_evidence", "load_text"},
    "context/_router": {"route"},
    "decide/policies/policies": {"approve", "promote", "roll_back"},
    "decide/replays/golden": {"freeze"},
    "decide/replays/off_policy": {"replay_off_policy"},
    "decide/replays/re_execution": {"re_execute"},
    "events/write/boundaries": {"ingest_performance_data"},
    "events/write/log": {"log_event"},
    "job": {"job"},
    "jobs/agency/timeline": {"plan_timeline_for_brand"},
    "lake/store": {"write"},
    "night/run": {"nightly"},
    "tables/base/declaration": {"column"},
    "training/validation/validate": {"validate_model"},
}
"""Functions that programs of others call by these parameters."""


def parameters(node):
    names = [item.arg for item in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    given = names[1:] if names[:1] in (["self"], ["cls"]) else names
    reads = next((re.match(r"job\(.*?reads=\((.*?)\)", text) for text in decorators(node) if "reads=" in text), None)
    # A job takes a frame of each table that it reads.
    return len(given) - (len([name for name in reads[1].split(",") if name.strip()]) if reads else 0)


def test_a_function_takes_at_most_six_parameters():
    found = {}
    for module, node in nodes(*FUNCTIONS):
        # Parameters of a command are the options of the command line.
        if parameters(node) > MOST_PARAMETERS and not is_command(module, node):
            found.setdefault(module, set()).add(node.name)
    assert found == PUBLIC


ENDINGS = {"for", "by", "up", "out", "once", "before", "back", "away", "again", "in", "on", "to", "of", "with", "from"}
IRREGULAR = {
    *("made", "shown", "kept", "said", "found", "held", "told", "known", "written", "taken", "given", "seen", "done"),
    *("sent", "left", "lost", "won", "built", "drawn", "begun", "gone", "chosen", "spoken", "broken", "laid", "met"),
}
FOLDED_BY_GROUP = {"cuped_by", "stratified_by"}
"""Statistics of the field that are computed by group."""


def is_participle(name):
    first, *rest = name.strip("_").split("_")
    return (first in IRREGULAR or first.endswith("ed")) and first not in {"embed", "speed"} and ENDINGS.issuperset(rest)


def test_no_function_is_named_by_a_participle():
    found = {
        f"{module}.{node.name}"
        for module, node in nodes(*FUNCTIONS)
        if is_participle(node.name) and node.name not in FOLDED_BY_GROUP
        if not any("property" in text for text in decorators(node))
    }
    assert found == set()


def test_no_line_of_arguments_only_repeats_the_name():
    found = set()
    for module, node in nodes(*FUNCTIONS):
        for name, told in re.findall(r"^ +(\w+): (.+)$", ast.get_docstring(node) or "", re.MULTILINE):
            words = set(re.findall(r"\w+", told.lower())) - {"a", "an", "the", "its", "of"}
            if words <= set(name.split("_")):
                found.add(f"{module}.{node.name}: {name}: {told}")
    assert found == set()


def opening_verbs():
    """Return the verbs with which first lines of docstrings open: an imperative sentence each, which the linter checks."""
    told = (ast.get_docstring(node) for _, node in nodes(*FUNCTIONS))
    words = Counter(re.match(r"\w*", text)[0].lower() for text in told if text)
    return {word for word in words if word not in NO_VERBS} | ALSO_VERBS


NO_VERBS = {
    *(
        "",
        "codes",
        "columns",
        "decisions",
        "empty",
        "event",
        "events",
        "every",
        "files",
        "folders",
        "frames",
        "how",
        "in",
    ),
    *("it", "its", "jobs", "lines", "mappings", "names", "nulls", "number", "of", "one", "only", "passed", "policy"),
    *(
        "rows",
        "scope",
        "settings",
        "brand",
        "days",
        "instant",
        "tasks",
        "tend",
        "share",
        "something",
        "source",
        "step",
        "tables",
        "the",
        "there",
        "those",
        "time",
    ),
    *("unbiased", "variance", "version", "what", "where", "whether", "win", "with", "yaml"),
}
ALSO_VERBS = {
    *(
        "adjust",
        "assemble",
        "attest",
        "backtrack",
        "clean",
        "commit",
        "configure",
        "convert",
        "encode",
        "err",
        "escape",
    ),
    *("extend", "fill", "finish", "flatten", "foretell", "format", "get", "hash", "ingest", "init", "load", "maintain"),
    *("map", "mend", "migrate", "normalise", "parse", "pass", "place", "plot", "prune", "quote", "rebuild", "reckon"),
    *(
        "reject",
        "replay",
        "resolve",
        "retry",
        "rewrite",
        "roll",
        "rotate",
        "round",
        "route",
        "sample",
        "saturate",
        "save",
    ),
    *(
        "scan",
        "seal",
        "seek",
        "settle",
        "shorten",
        "shrink",
        "skip",
        "solve",
        "spend",
        "split",
        "spread",
        "stop",
        "swap",
    ),
    *("sync", "thaw", "unfold", "ungroup", "unnest", "update", "verify", "watch"),
    *("adds", "breaks", "can", "has", "holds", "ignores", "is", "keeps", "lacks", "needs", "repeats", "takes", "was"),
}


def test_most_functions_are_named_by_a_verb():
    """Nouns are for what is a figure of the field, a job, or a command; what is asked of an object is a property."""
    verbs = opening_verbs()
    named = [
        node.name
        for module, node in nodes(*FUNCTIONS)
        if not node.name.startswith("__")
        and not re.search(r"property|classmethod|validator|^job\(", " ".join(decorators(node)), re.MULTILINE)
        and not is_command(module, node)
    ]
    by_verb = sum(name.strip("_").split("_")[0] in verbs for name in named)
    assert by_verb >= len(named) / 2, f"{by_verb} of {len(named)}"
