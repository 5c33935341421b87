"""Nothing that identifies a person leaves a lake, whatever field of whatever event it came in."""

from __future__ import annotations

import json
from random import Random
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from decide.evidence import draft
from kaizenlake import testing
from kaizenlake.decide.policies import policies
from kaizenlake.events.catalogue import LOGGED
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import Events
from publish.reading import text_of

MARKED = {
    "email": "zoe.marked@secret-mail.example",
    "phone": "+49 30 901820",
    "card": "4111 1111 1111 1111",
    "secret": "sk-proj-marked1234567890abcdef",
}
FOUND_BY = {"doer", "policy_version", "industry", "client_type", "agent", "service", "workflow"}
"""Names by which files are found, which are no free text; so is whatever ends in `_id`. A trace names its doer by its agent, else by its step."""


def free_fields(event):
    hints = get_type_hints(event.payload)
    for field in event.fields:
        parts = (hints[field.name], *get_args(hints[field.name]))
        names_doer = field.name == "name" and event.name in {"SPAN_RECORDED", "TRACE_DESCRIBED"}
        is_free = field.kind == "str" and not names_doer and not any(get_origin(part) is Literal for part in parts)
        if is_free and field.name not in FOUND_BY and not field.name.endswith(("_id", "_sha256", "_version")):
            yield field.name


def marked_lines(number):
    """Lines of every type of event that applications log, each free field with all that is to be replaced."""
    random, mark = Random(7), " ".join(MARKED.values())
    for event in LOGGED:
        for index in range(number):
            line = json.loads(testing._line(index, event, random))
            line["id"] = f"{event.name}-{index}"
            for name in free_fields(event):
                if name in line["payload"]:
                    line["payload"][name] = f"{line['payload'][name]} {mark}"
            yield json.dumps(line)


def everything_that_left(lake, reports):
    for place in (lake.path("published"), lake.path("runs"), reports):
        for path in sorted(place.rglob("*")):
            if path.is_file():
                yield path, text_of(path.read_bytes()) if path.suffix == ".pdf" else path.read_text("utf-8")


def a_night(folder, settings=""):
    lake = Lake.create(folder / "lake")
    lake.path("kaizen.toml").write_text(settings)
    lake = Lake(lake.root)
    (lake.path("landing") / "marked.ndjson").write_text("\n".join(marked_lines(12)) + "\n")
    mark = " ".join(MARKED.values())
    policies.create(lake, draft("1.0.0"), by=f"ann {mark}", reason=f"Told by {mark}", now=testing.START)
    policies.promote(
        lake, "planner", "1.0.0", to="active", by=mark, override=True, reason=f"Asked {mark}", now=testing.START
    )
    done = nightly(lake, as_of=testing.AS_OF, reports=folder / "reports")
    return lake, done, list(everything_that_left(lake, folder / "reports"))


@pytest.fixture(scope="module")
def redacted(tmp_path_factory):
    return a_night(tmp_path_factory.mktemp("redacted"))


def test_the_marks_reached_the_lake(redacted):
    lake, done, left = redacted
    assert done.errors == []
    logged = {event.name for event in LOGGED if list(free_fields(event))}
    events = lake.scan(Events).select("event_type", "payload").collect()
    reached = {name for name, payload in events.iter_rows() if MARKED["email"] in payload}
    assert len(reached) >= 0.7 * len(logged), logged - reached
    assert {path.suffix for path, _ in left} >= {".json", ".html", ".pdf"}
    assert {"policy-audit.html", "kaizen.pdf", "alerts.json", "latest.json"} <= {path.name for path, _ in left}


@pytest.mark.parametrize("kind", MARKED)
def test_nothing_that_is_marked_leaves(redacted, kind):
    _, _, left = redacted
    parts = {MARKED[kind], MARKED[kind].replace(" ", ""), MARKED[kind].split("@")[0], MARKED[kind][:14]}
    assert [str(path) for path, text in left if any(part in text for part in parts)] == []


def test_placeholders_stand_in_their_place_and_the_record_counts_them(redacted):
    _, done, left = redacted
    assert any("[email]" in text for path, text in left if path.suffix == ".json")
    assert any("[email]" in text for path, text in left if path.suffix == ".html")
    assert set(done.redacted) >= set(MARKED)


def test_the_setting_turns_it_off(tmp_path):
    _, done, left = a_night(tmp_path, "[publishing]\nredact = false\n")
    assert any(MARKED["email"] in text for _, text in left)
    assert done.redacted == {}


def test_turning_it_on_rewrites_what_was_published_and_reported_without_it(tmp_path):
    lake, _, _ = a_night(tmp_path, "[publishing]\nredact = false\n")
    for is_on in (True, False):
        lake.path("kaizen.toml").write_text(f"[publishing]\nredact = {str(is_on).lower()}\n")
        lake = Lake(lake.root)
        done = nightly(lake, as_of=testing.AS_OF, reports=tmp_path / "reports")
        marked = {
            path.relative_to(tmp_path).parts[0]
            for path, text in everything_that_left(lake, tmp_path / "reports")
            if MARKED["email"] in text and path.parent != lake.path("runs")
        }
        assert marked == (set() if is_on else {"lake", "reports"})
        assert bool(done.redacted) is is_on
        again = nightly(lake, as_of=testing.AS_OF, reports=tmp_path / "reports")
        assert {again.step(name).status for name in ("publish", "report")} == {"nothing to do"}
