"""Plug-ins beside ours: what they declare counts as ours does, and what is wrong with one stays its own affair."""

from __future__ import annotations

import polars as pl
import pytest

from kaizenlake import configure, log_event, tables
from kaizenlake.errors import EventError, PluginError
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.example import example_line
from kaizenlake.events.write import log
from kaizenlake.lake.landing import retry
from kaizenlake.lake.landing.landing import land, land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.night.verify import checks
from kaizenlake.plugins import Declarations, Plugin
from kaizenlake.tables import EventCounts, Quarantine
from plugins.declared import AT, HELD, NIGHT, trusted

FEEDING = ("event_counts", "webinars", "webinar_topics")


@pytest.fixture(autouse=True)
def logging_nowhere():
    yield
    configure()


def night(lake, *names):
    jobs = [job for job in lake.declared.jobs if job.name in (*FEEDING, *names)]
    return nightly(lake, as_of=NIGHT, jobs=jobs, take=land_folder)


def logged(lake, *topics, guests=3):
    configure(lake=lake.root)
    for topic in topics:
        log_event("WEBINAR_HELD", topic=topic, guests=guests, occurred_at=AT, project_id="p1")
    log.close()


def rows(lake, name):
    (table,) = [table for table in lake.declared.tables if tables.name(table) == name]
    return lake.scan(table).collect()


def status(done):
    return {step.name: step.status for step in done.steps}


def test_events_of_a_plug_in_are_logged_landed_computed_and_verified(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD)
    logged(lake, "AI", "AI", "SEO")
    done = night(lake)
    assert (done.exit_code, done.errors) == (0, [])
    assert sorted(rows(lake, "webinar_topics").iter_rows()) == [(None, "AI", 6), (None, "SEO", 3)]
    assert rows(lake, "webinars")["event_type"].to_list() == ["WEBINAR_HELD"] * 3
    found = {check.name: check.error for check in checks(lake)}
    assert found["gold.webinar_topics"] is None
    assert found["silver.webinars"] is None
    assert {"gold.webinar_topics", "silver.webinars"} <= {state.name for state in lake.describe()}
    assert done.versions["gold.webinar_topics"] == 0
    again = night(lake)
    assert not again.changed


def test_two_lakes_in_one_process_do_not_mix(monkeypatch, tmp_path):
    with_plugin = trusted(monkeypatch, tmp_path / "one", webinars=HELD)
    monkeypatch.setenv("KAIZEN_TRUST_PLUGINS", f"{with_plugin.path('plugins')}:{tmp_path / 'two' / 'plugins'}")
    without = Lake.create(tmp_path / "two")
    without.path("plugins").mkdir()
    other = HELD.replace("Webinar", "Podcast").replace("webinar", "podcast").replace("WEBINAR", "PODCAST")
    without.path("plugins", "podcasts.py").write_text(other)
    line = b'{"id":"a","type":"WEBINAR_HELD","occurred_at":"2026-03-01T12:00:00Z","payload":{"topic":"AI"}}\n'
    landed = {}
    for lake in (with_plugin, without, with_plugin):
        file = tmp_path / "events.ndjson"
        file.write_bytes(line)
        landed[lake] = land(lake, [file], now=AT)
    assert (landed[with_plugin].duplicate, landed[without].quarantined) == (1, 1)
    assert "WEBINAR_HELD" not in {event.name for event in without.declared.catalogue.events}
    assert [taken.plugin.name for taken in without.declared.plugins] == ["podcasts"]
    configure(lake=without.root)
    with pytest.raises(EventError):
        log_event("WEBINAR_HELD", topic="AI")
    configure(lake=with_plugin.root)
    log_event("WEBINAR_HELD", topic="AI")


def test_what_was_logged_before_its_plug_in_was_there_waits_and_lands_later(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD)
    folder = lake.path("plugins")
    logged(lake, "AI")
    monkeypatch.delenv("KAIZEN_TRUST_PLUGINS")
    blind = Lake(lake.root)
    night(blind)
    waiting = blind.scan(Quarantine).collect()
    assert waiting["rules"].to_list() == [["unknown_type"]]
    assert f"KAIZEN_TRUST_PLUGINS={folder}" in waiting["reasons"][0][0]
    configure(lake=lake.root)
    with pytest.raises(EventError, match="KAIZEN_TRUST_PLUGINS"):
        log_event("WEBINAR_HELD", topic="AI")
    monkeypatch.setenv("KAIZEN_TRUST_PLUGINS", str(folder))
    seeing = Lake(lake.root)
    assert retry.retry(seeing, now=NIGHT).landed == 1
    night(seeing)
    assert rows(seeing, "webinar_topics")["guests"].to_list() == [3]


def test_events_of_a_plug_in_are_checked_by_their_declaration(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD)
    configure(lake=lake.root)
    for fields, words in (
        ({}, "`topic` is missing"),
        ({"topic": "AI", "guests": -1}, "guests"),
        ({"topic": "AI", "x": 1}, "`x`"),
    ):
        with pytest.raises(EventError, match=words):
            log_event("WEBINAR_HELD", **fields)


def test_examples_of_all_event_types_land_as_they_stand(monkeypatch, tmp_path):
    catalogue = trusted(monkeypatch, tmp_path / "lake", webinars=HELD).declared.catalogue
    lines = [example_line(event).encode() for event in catalogue.logged]
    checked = check_lines(lines, range(len(lines)), now=NIGHT, catalogue=catalogue)
    assert [item.reasons for item in checked.rejected] == []
    assert checked.frame["event_type"].to_list() == [event.name for event in catalogue.logged]
    assert "WEBINAR_HELD" in checked.frame["event_type"]


BROKEN = {
    "no python": ("PLUGIN = (", "SyntaxError"),
    "an error": ("1 / 0", "ZeroDivisionError: division by zero (line 1)"),
    "an end": ("raise SystemExit(0)", "SystemExit"),
    "no declaration": ("x = 1", "declares no `PLUGIN"),
    "another thing": ("PLUGIN = [1]", "found list"),
    "a decision": (HELD.replace("(WebinarHeld,))", "(WebinarHeld,), is_decision=True)"), "decisions are signed"),
    "our event": (HELD.replace("WebinarHeld", "LeadCreated"), "already an event type 'LEAD_CREATED', of ours"),
    "our table": (HELD.replace("WebinarTopics", "WinRates"), "already a table 'win_rates', of ours"),
    "our family": (HELD.replace('Family("webinars"', 'Family("runs"'), "already a table 'runs', of ours"),
    "our job": (
        HELD.replace("def webinar_topics(", "def win_rates(").replace("(webinar_topics,)", "(win_rates,)"),
        "a job 'win_rates'",
    ),
    "no tenant": (
        HELD.replace("    tenant_id: str = tenant()\n", "").replace('grain=("tenant_id", "topic")', 'grain=("topic",)'),
        "must carry `tenant_id`",
    ),
    "no job": (HELD.replace("jobs=(webinar_topics,)", "jobs=()"), "0 jobs write it"),
    "a foreign table": (
        HELD.replace("writes=WebinarTopics", "writes=silver_table(WEBINARS)"),
        "no table of the plug-in",
    ),
    "no meaning": (HELD.replace('    """A webinar was held."""\n', ""), "no docstring"),
    "no description": (
        HELD.replace('Annotated[Count, says("People who came.")]', "Count"),
        "`guests` is not described",
    ),
    "a circle": (HELD.replace("reads=(silver_table(WEBINARS),)", "reads=(WebinarTopics,)"), "wait for one another"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_plug_in_that_is_wrong_is_named_and_leaves_ours_and_others_running(monkeypatch, tmp_path, broken):
    text, words = BROKEN[broken]
    other = HELD.replace("Webinar", "Podcast").replace("webinar", "podcast").replace("WEBINAR", "PODCAST")
    lake = trusted(monkeypatch, tmp_path / "lake", broken=text, podcasts=other)
    ((where, why),) = lake.declared.refused
    assert where == str(lake.path("plugins", "broken.py"))
    assert words in why
    assert [taken.plugin.name for taken in lake.declared.plugins] == ["podcasts"]
    configure(lake=lake.root)
    log_event("PODCAST_HELD", topic="AI", occurred_at=AT)
    log.close()
    done = night(lake, "podcasts", "podcast_topics")
    assert (done.status, done.exit_code) == ("failed", 1)
    assert [error.code for error in done.errors] == ["plugin"]
    assert where in done.errors[0].message
    assert status(done) | {"event_counts": "done", "podcast_topics": "done"} == status(done)


def test_the_second_of_two_plug_ins_that_declare_the_same_is_refused(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", a=HELD, b=HELD)
    assert lake.declared.refused == ((str(lake.path("plugins", "b.py")), "another plug-in is called 'webinars'"),)


def test_a_job_that_raises_is_told_with_file_and_line_and_ours_are_published(monkeypatch, tmp_path):
    text = HELD.replace("    return webinars", "    pl.DataFrame({'a': [1]})['b']\n    return webinars")
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=text)
    logged(lake, "AI")
    done = nightly(lake, as_of=NIGHT)
    number = text.splitlines().index("    pl.DataFrame({'a': [1]})['b']") + 1
    (error,) = done.errors
    assert (done.exit_code, error.step, error.code) == (1, "webinar_topics", "job_failed")
    assert f"(line {number})" in error.message
    assert str(lake.path("plugins", "webinars.py")) in error.message
    assert status(done)["publish"] == "done"
    assert lake.path("published", "latest.json").exists()
    assert lake.scan(EventCounts).select(pl.col("events").sum()).collect().item() == 1


def test_a_change_of_its_code_computes_its_tables_anew_and_no_other(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD)
    logged(lake, "AI")
    night(lake)
    lake.path("plugins", "webinars.py").write_text(HELD.replace("* 1)", "* 10)"))
    later = Lake(lake.root)
    done = night(later)
    assert rows(later, "webinar_topics")["guests"].to_list() == [30]
    assert status(done)["event_counts"] == "nothing to do"


def test_a_declaration_is_checked_where_it_is_made():
    with pytest.raises(PluginError, match="small letters"):
        Plugin(name="No Name")
    assert Declarations().catalogue.by_name("LEAD_CREATED") is not None
    assert Declarations().mark == ""
