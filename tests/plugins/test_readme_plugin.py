"""The plug-in of the README, from its first event to what leaves: tables, contexts, report, verification and graph."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from kaizenlake import configure, log_event
from kaizenlake.cli.app import app
from kaizenlake.context import load
from kaizenlake.events.write import log
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.night.verify import checks
from kaizenlake.publish.context.plugin_fields import plain
from kaizenlake.service import KaizenService
from kaizenlake.tables import Outcomes, WinRates
from plugins.declared import trusted

ROOT = Path(__file__).parents[2]
(WEBINARS,) = [
    text
    for text in re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    if "PLUGIN = Plugin(" in text
]
NIGHT = datetime(2026, 3, 1, tzinfo=UTC)
BOOKED = {"SEO": (40, 10), "AI": (40, 30)}
"""Seats and guests that came within a week, by topic."""


def book(lake, tenant=None, booked=BOOKED):
    """Log what was booked long before the night, who came on the next day, and one who came after ten days."""
    configure(lake=lake.root)
    at = NIGHT - timedelta(days=20)
    log_event("LEAD_CREATED", lead_id="l", occurred_at=at, tenant_id=tenant)
    for topic, (seats, guests) in booked.items():
        for seat in range(seats):
            said = {"booking_id": f"{topic}-{seat}", "project_id": "p1", "tenant_id": tenant}
            log_event("WEBINAR_BOOKED", topic=topic, occurred_at=at, **said)
            if seat < guests:
                log_event("WEBINAR_ATTENDED", occurred_at=at + timedelta(days=1), **said)
            if seat == guests:
                log_event("WEBINAR_ATTENDED", occurred_at=at + timedelta(days=10), **said)
    log.close()
    configure()


def rates(lake):
    found = lake.scan(WinRates).filter(kind="webinar").sort("dimension", "value").collect()
    return {
        (row["dimension"], row["value"]): (row["wins"], row["decided"], row["age_days"])
        for row in found.iter_rows(named=True)
    }


def kaizen(*words):
    done = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_it_goes_from_the_log_to_what_generators_and_people_read(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=WEBINARS)
    book(lake)
    done = nightly(lake, as_of=NIGHT, reports=tmp_path / "reports")
    assert (done.errors, done.exit_code) == ([], 0)
    assert rates(lake) == {("all", "all"): (40, 80, 7), ("topic", "AI"): (30, 40, 7), ("topic", "SEO"): (10, 40, 7)}
    found = load(str(lake.path("published")), public_key=str(lake.path("published", "public_key.pem")))
    assert found.context["plugins"] == {"show_up": {"AI": 0.75, "SEO": 0.25}}
    assert KaizenService(lake).build_context_for_project("p1").plugins == {"show_up": {"AI": 0.75, "SEO": 0.25}}
    page = next(Path(path) for path in done.reports if path.endswith("kaizen.html")).read_text(encoding="utf-8")
    section = page[page.index('id="plugin-webinars-webinars"') :]
    section = section[: section.index("</section>")]
    assert [words in section for words in ("Webinars", "AI", "75.0%", "SEO", "25.0%", "gold.win_rates")] == [True] * 6
    assert {check.name: check.error for check in checks(lake) if check.error is not None} == {}
    monkeypatch.setenv("KAIZEN_LAKE", str(lake.root))
    assert len(json.loads(kaizen("show", "webinar_bookings", "--format", "json"))) == 80
    assert {"webinars", "webinar_bookings", "webinar_subjects"} <= {
        row["table"] for row in json.loads(kaizen("tables", "--json"))
    }
    graph = {row["job"]: row for row in json.loads(kaizen("graph", "--format", "json"))}
    assert graph["webinar_bookings"]["reads"] == ["silver.webinars"]
    assert "gold.webinar_subjects" in graph["outcomes"]["reads"]
    assert '"type":"WEBINAR_BOOKED"' in kaizen("events")
    assert json.loads(kaizen("doctor", "--json"))["lake"]["plugins"]["taken"] == {
        "webinars": str(lake.path("plugins", "webinars.py"))
    }
    kaizen("maintain")
    again = nightly(Lake(lake.root), as_of=NIGHT, reports=tmp_path / "reports")
    assert not again.changed


def test_a_kind_whose_job_fails_takes_nothing_from_ours_and_tells_nothing_old(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=WEBINARS)
    book(lake)
    nightly(lake, as_of=NIGHT)
    ours = lake.scan(Outcomes).filter(pl.col("kind") != "webinar").collect()
    lake.path("plugins", "webinars.py").write_text(
        WEBINARS.replace("    booked, at = ", "    1 / 0\n    booked, at = ")
    )
    later = Lake(lake.root)
    done = nightly(later, as_of=NIGHT, reports=tmp_path / "reports")
    assert [error.step for error in done.errors] == ["webinar_bookings"]
    assert done.exit_code == 1
    assert rates(later) == {}
    assert later.scan(Outcomes).collect().equals(ours)
    found = load(str(lake.path("published")), public_key=str(lake.path("published", "public_key.pem"))).context
    assert found["plugins"] in ({}, {"show_up": {}})
    assert any(path.endswith("kaizen.html") for path in done.reports)
    lake.path("plugins", "webinars.py").write_text(WEBINARS)
    mended = Lake(lake.root)
    assert nightly(mended, as_of=NIGHT).exit_code == 0
    assert rates(mended)["topic", "AI"] == (30, 40, 7)


def test_tenants_see_their_own_alone(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=WEBINARS)
    book(lake, "a", {"SEO": (40, 10)})
    book(lake, "b", {"AI": (40, 30)})
    done = nightly(lake, as_of=NIGHT)
    assert done.errors == []
    shown = {}
    for tenant in ("a", "b"):
        view = lake.of(tenant, is_walled=True)
        shown[tenant] = load(
            str(lake.path("published")), tenant=tenant, public_key=str(view.path("published", "public_key.pem"))
        ).context["plugins"]
    assert shown == {"a": {"show_up": {"SEO": 0.25}}, "b": {"show_up": {"AI": 0.75}}}


FIELDS = {
    "too long": ("{str(n): 'x' * 100 for n in range(9)}", "bytes, and 400 are allowed"),
    "not finite": ("float('inf')", "not finite"),
    "no json": ("rates", "DataFrame is no JSON"),
    "an error": ("1 / 0", "ZeroDivisionError"),
}


@pytest.mark.parametrize("case", FIELDS)
def test_a_field_that_cannot_be_taken_is_left_out_and_told_and_the_rest_is_published(monkeypatch, tmp_path, case):
    value, words = FIELDS[case]
    text = WEBINARS.replace("    known = rates", f"    return {value}\n    known = rates")
    assert text != WEBINARS
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=text)
    book(lake, booked={"AI": (2, 1)})
    jobs = [job for job in lake.declared.jobs if job.name in {"event_counts", "projects"}]
    done = nightly(lake, as_of=NIGHT, jobs=jobs)
    (error,) = done.errors
    assert (done.exit_code, error.step) == (1, "publish")
    assert words in error.message
    assert str(lake.path("plugins", "webinars.py")) in error.message
    found = load(str(lake.path("published")), public_key=str(lake.path("published", "public_key.pem"))).context
    assert (found["plugins"], found["why_empty"]["plugins.show_up"]) == ({}, "It could not be made.")


def test_texts_of_a_field_become_lines_of_data():
    assert plain({"a\nb": ["x\x1b[31m", 1.23456789, None, True]}) == {"a b": ["x[31m", 1.234568, None, True]}
