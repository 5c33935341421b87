"""The lint of the catalogue: what every declaration of an event must be like."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import getmembers, isclass
from itertools import combinations
from pathlib import Path

import pytest

from kaizenlake.events import catalogue, envelope, types
from kaizenlake.events.catalogue import EVENTS, FAMILIES, by_name
from kaizenlake.events.values.fields import Payload
from kaizenlake.events.write.functions import COMMON
from kaizenlake.parameters import LandingLimits

FIELDS = {f"{event.name}.{field.name}": field for event in EVENTS for field in event.fields}

NAMES = [
    "STRATEGY_GENERATED",
    "STRATEGY_FAILED",
    "CREATIVES_GENERATED",
    "EXECUTION_STARTED",
    "EXECUTION_COMPLETED",
    "EXECUTION_FAILED",
    "WORKFLOW_TRANSITION",
    "PACK_STARTED",
    "PACK_COMPLETED",
    "PACK_FAILED",
    "SECTION_GENERATED",
    "SECTION_FAILED",
    "PACK_QUALITY_ASSESSED",
    "PACK_QUALITY_PASSED",
    "PACK_QUALITY_FAILED",
    "LEAD_CREATED",
    "OUTREACH_SENT",
    "OUTREACH_REPLIED",
    "LEAD_QUALIFIED",
    "LEAD_LOST",
    "DEAL_WON",
    "APPOINTMENT_SCHEDULED",
    "INTAKE_CLARITY_SCORED",
    "INTAKE_CLARIFICATION_REQUESTED",
    "INTAKE_CLARIFICATION_RECEIVED",
    "INTAKE_BLOCKED",
    "INTAKE_APPROVED",
    "PERFORMANCE_RECORDED",
    "CREATIVE_MARKED_WINNER",
    "CREATIVE_MARKED_LOSER",
    "PERFORMANCE_INGESTION_FAILED",
    "RUN_COMPLETED",
]


def test_names_that_applications_emit_stay():
    assert [name for name in NAMES if by_name(name) is None] == []


def test_families_are_the_modules_that_declare_payloads():
    declared = {}
    folder = Path(types.__file__).parent
    for path in folder.rglob("*.py"):
        module = import_module(".".join(("kaizenlake.events.types", *path.relative_to(folder).with_suffix("").parts)))
        own = {
            item
            for name, item in getmembers(module, isclass)
            if issubclass(item, Payload) and item.__module__ == module.__name__ and not name.startswith("_")
        }
        if own - {Payload}:
            declared[path.stem] = own
    assert declared == {family.name: set(family.events) for family in FAMILIES}


def test_types_are_named_once():
    names = [event.name for event in EVENTS]
    assert len(names) == len(set(names))


SENTENCE = re.compile(r"[A-Z][^\n]{2,150}\.")
"""Short sentences are of fields; types and families say a little more."""


def test_meanings_are_sentences():
    said = {declared.name: declared.meaning for declared in (*EVENTS, *FAMILIES)}
    assert {name: text for name, text in said.items() if len(text) < 10 or not SENTENCE.fullmatch(text)} == {}


def test_descriptions_are_sentences():
    assert {
        name: field.description for name, field in FIELDS.items() if not SENTENCE.fullmatch(field.description)
    } == {}


UNITS = ("rate", "score", "usd", "seconds", "hours", "days")


def carries_its_unit(field):
    ends = {unit for unit in UNITS if field.name.endswith(f"_{unit}")}
    return field.name_given or (ends <= {field.unit} and (not field.unit or field.name.endswith(f"_{field.unit}")))


def test_names_carry_their_unit():
    assert [name for name, field in FIELDS.items() if not carries_its_unit(field)] == []


def test_counts_are_plurals_or_say_count():
    counts = {
        name: field
        for name, field in FIELDS.items()
        if field.kind == "int" and field.minimum == 0 and not field.name_given
    }
    assert [
        name
        for name, field in counts.items()
        if not field.name.endswith("_count") and not any(word.endswith("s") for word in field.name.split("_"))
    ] == []


def test_numbers_have_a_range():
    numbers = {name: field for name, field in FIELDS.items() if field.kind in {"int", "float"}}
    assert [name for name, field in numbers.items() if field.minimum is None or field.maximum is None] == []
    assert [name for name, field in numbers.items() if abs(field.maximum) >= 2**63] == []


def test_names_are_none_that_every_event_has():
    assert [name for name, field in FIELDS.items() if field.name in {*COMMON, "type", "payload", "id"}] == []


def test_a_name_means_one_kind_in_all_families():
    kinds = {}
    for event in EVENTS:
        for field in event.fields:
            kinds.setdefault(field.name, set()).add((field.kind, field.unit, field.minimum, field.maximum))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


TWINS = {
    ("forgotten_decisions_count", "forgotten_events_count"): "decisions and other events",
    ("subject_kind", "subject_line"): "whom something is about, and the line above an e-mail",
    ("subject_length", "subject_line"): "how long the name of whom something is about is, and the line above an e-mail",
    (
        "input",
        "inputs",
    ): "what goes into a task of an agent, as its events name it, and what a task for a brand is done with",
    ("agent", "sent"): "nothing in common but letters",
    ("kind", "link"): "nothing in common but letters",
    ("engaged_seconds", "engaged_sessions"): "how long people were there, and in how many visits",
    ("session_id", "sessions"): "the visit of an agent's user, and how many visits a page had",
    ("clicked", "clicks"): "people and gestures, as e-mail tools name both",
    ("opened", "opens"): "people and gestures, as e-mail tools name both",
    ("salt", "sent"): "nothing in common but letters",
    ("seed", "sent"): "nothing in common but letters",
    ("sent", "text"): "nothing in common but letters",
    ("roas", "runs"): "nothing in common but letters",
    ("person", "reason"): "nothing in common but letters",
    ("link", "risk"): "nothing in common but letters",
    ("tone", "zone"): "nothing in common but letters",
    ("resource", "source"): "nothing in common but letters",
    ("clarity_score", "quality_score"): "a mark of a brief, and one of a pack",
    ("client_type", "content_type"): "who it is for, and what it is",
    ("agent_version", "parent_version"): "of an agent, and of the version of a policy before",
    ("cache_read_tokens", "cache_write_tokens"): "the two directions, as the conventions for traces name them",
    ("input_text", "output_text"): "the two directions of a step",
    ("parent_version", "prompt_version"): "of a policy, and of a prompt",
    ("score_name", "score_value"): "what a score is called, and what it says",
    ("section_id", "session_id"): "other things, named after themselves",
    ("workflow", "workflow_id"): "as traces name one, and one of the generating application",
    ("comment", "comments"): "what somebody said of a run, and how many spoke of a post",
    ("score_label", "score_name"): "what a score says, and what it is called",
    ("content_sha256", "context_sha256"): "hashes of a golden set and of a context, named after them",
    ("decided_by", "edited_by"): "who decided, and who edited",
    ("content_sha256", "parent_sha256"): "hashes of two documents, named after them",
    ("deployment_id", "deployment_mode"): "the name of a thing and its kind",
    ("effect_ci_high", "effect_ci_low"): "the two ends of an interval",
    ("estimates", "estimator"): "all of them, and the one that counts",
    ("execution_id", "execution_job_id"): "one execution, and the job that made it, as applications name both",
    ("execution_id", "section_id"): "other things, named after themselves",
    ("experiment_id", "experiment_type"): "the name of a thing and its kind",
    ("from_state", "from_status"): "of a workflow, and of a policy",
    ("from_state", "to_state"): "the two ends of a transition",
    ("from_status", "to_status"): "the two ends of a promotion",
    ("gates", "saves"): "nothing in common but letters",
    ("input_tokens", "output_tokens"): "the two directions, as every model vendor names them",
    ("looks_count", "words_count"): "nothing in common but counting",
    ("looks_count", "rows_count"): "nothing in common but counting",
    ("rows_count", "words_count"): "nothing in common but counting",
    ("steps_count", "test_count"): "nothing in common but counting",
    ("attempts_count", "steps_count"): "nothing in common but counting",
    ("base_model", "baseline_model"): "what a model is trained from, and what it is compared with",
    ("media_type", "model_type"): "of a file of a run, and of a model",
    ("root_sha256", "rows_sha256"): "hashes of a manifest and of the rows of a job, named after them",
    ("content_sha256", "output_sha256"): "hashes of a golden set and of what came of a job, named after them",
    ("context_sha256", "output_sha256"): "hashes of a context and of what came of a job, named after them",
    ("quality_rate", "stability_rate"): "of a pack, and of an experiment",
    ("saves", "shares"): "two gestures, as every platform names them",
    ("to_state", "to_status"): "of a workflow, and of a policy",
}
"""Pairs that look alike and are meant to, with the reason."""


def distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for place, mark in enumerate(left, 1):
        last, row[0] = row[0], place
        for other, letter in enumerate(right, 1):
            last, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, last + (mark != letter))
    return row[-1]


def are_twins(left: str, right: str) -> bool:
    """Near twins: at most two edits apart, seven tenths of the letters in common, or the same words otherwise put."""
    far = distance(left, right)
    words = [sorted(word.rstrip("s") for word in name.split("_")) for name in (left, right)]
    return far <= 2 or far <= 0.3 * max(len(left), len(right)) or words[0] == words[1]


def test_no_two_fields_are_near_twins():
    names = sorted({field.name for event in EVENTS for field in event.fields})
    found = {pair for pair in combinations(names, 2) if are_twins(*pair)}
    assert found == set(TWINS)


@pytest.mark.parametrize(
    ("left", "right"), [("impression", "impressions"), ("cost_usd", "usd_cost"), ("click_rate", "clicks_rate")]
)
def test_twins_are_seen(left, right):
    assert are_twins(left, right)


def test_no_two_types_are_near_twins():
    ends = {"WINNER", "LOSER", "PASSED", "FAILED"}
    names = sorted(event.name for event in EVENTS)
    assert [pair for pair in combinations(names, 2) if distance(*pair) <= 2 and not ends & {*pair[0].split("_")}] == []


def test_defaults_of_landing_are_those_of_logging():
    assert LandingLimits().line_bytes == envelope.LINE_BYTES
    assert LandingLimits().future_hours == envelope.FUTURE_HOURS


def test_type_name_is_derived_from_the_class():
    assert catalogue.type_name(by_name("INTAKE_CLARITY_SCORED").payload) == "INTAKE_CLARITY_SCORED"
