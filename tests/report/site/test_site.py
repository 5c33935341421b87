"""The site: every link leads somewhere, every page is small and asks for nothing, and what did not change is not written."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote

import polars as pl
import pytest

from kaizenlake.report.engine.rows import Figures
from kaizenlake.report.site.page_names import page_name
from kaizenlake.report.site.site_files import RECORD, remove_site
from kaizenlake.report.site.site_page import MOST_BYTES
from kaizenlake.report.site.site_scope import Fault
from kaizenlake.report.site.write_site import lay_out, write_site
from kaizenlake.tables import ContentExperiments
from publish.hostile_frames import HOSTILE, hostile
from publish.reading import Page
from publish.report_frames import AS_OF
from report.site.site_frames import TABLES_SHOWN, held, scope_of


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    write_site(scope_of(held(), faults=(Fault("A job failed: <b>x</b>", "Look.", ("kaizen", "nightly")),)), folder)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


def test_there_is_a_page_of_everything(site):
    for name in (
        "index.html", "search.html", "tables.html", "projects/cosmetics_2025.html", "experiments/test-1.html",
        "tables/gold--patterns.html", "patterns/hook_type--curiosity.html", "experiments.html", "agents.html",
    ):  # fmt: skip
        assert name in site, sorted(site)
    assert {name.partition("/")[0] for name in site} >= {"projects", "agents", "canaries", "experiments", "tasks"}
    assert all(re.fullmatch(r"([a-z]+/)?[~a-z0-9_-]+\.html", name) for name in site)


def test_every_link_leads_to_a_page_that_there_is_and_a_place_on_it(site):
    ids = {name: {given["id"] for _, given in Page(html).tags if "id" in given} for name, html in site.items()}
    for name, html in site.items():
        for tag, given in Page(html).tags:
            if tag != "a":
                continue
            link, _, place = unquote(given["href"]).partition("#")
            parts = [] if not link else name.split("/")[:-1]
            for part in link.split("/") if link else ():
                parts = parts[:-1] if part == ".." else [*parts, part]
            found = "/".join(parts) if link else name
            assert found in site, f"{name} leads to {given['href']}"
            assert not place or place in ids[found], f"{name} leads to {given['href']}"


def test_every_page_is_small_asks_for_nothing_and_allows_its_own_style_and_script_alone(site):
    for name, html in site.items():
        assert len(html.encode()) < MOST_BYTES, name
        tags = Page(html).tags
        assert [tag for tag, _ in tags if tag in {"img", "iframe", "link", "object", "form"}] == []
        policy = next(given["content"] for tag, given in tags if given.get("http-equiv"))
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)[1]
        assert len(script.encode()) < 20_000
        assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|innerHTML|eval\(", html.replace("&#", ""))


def test_the_start_page_says_what_to_do_what_waits_with_its_command_and_what_broke(site):
    start = site["index.html"]
    assert "kaizen task approve &#39;task 1; rm -rf /&#39;" in start
    assert "A job failed: &lt;b&gt;x&lt;/b&gt;" in start
    assert "Do: " in start
    assert "Expected " in start
    assert "crm_deals sent nothing for longer" in start
    for heading in ("What to do, stop and test next", "What waits for a person", "What broke", "What changed"):
        assert heading in start


def test_what_did_not_change_is_not_written_and_what_is_gone_is_taken_away(tmp_path):
    first = write_site(scope_of(held()), tmp_path)
    assert first.written == first.pages
    again = write_site(scope_of(held()), tmp_path)
    assert (again.written, again.pages, again.removed) == (0, first.pages, 0)
    page = tmp_path / "experiments" / "test-1.html"
    page.write_text("spoilt")
    kept = tmp_path / "notes.html"
    kept.write_text("mine")
    assert write_site(scope_of(held()), tmp_path).written == 1
    frames = held()
    frames[ContentExperiments] = frames[ContentExperiments].filter(pl.col("experiment_id") != "test-1")
    last = write_site(scope_of(frames), tmp_path)
    assert last.removed == 1
    assert not page.exists()
    assert kept.exists()
    assert 0 < last.written < 8, "lists and the search change, the pages of others do not"
    remove_site(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.html"]


def test_a_record_that_names_files_elsewhere_takes_nothing_away(tmp_path):
    outside = tmp_path / "precious.html"
    outside.write_text("mine")
    folder = tmp_path / "site"
    folder.mkdir()
    entry = {"made_of": "", "html": ""}
    (folder / RECORD).write_text(json.dumps({"../precious.html": entry, str(outside): entry}))
    write_site(scope_of({}), folder)
    remove_site(folder)
    assert outside.exists()


def test_an_empty_lake_has_a_start_page_and_its_tables(tmp_path):
    assert write_site(scope_of({}), tmp_path).pages == len(TABLES_SHOWN) + 10
    start = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Nothing waits for a person." in start
    assert "This is the first night" in start


def test_the_start_page_says_what_changed_since_the_report_before(tmp_path):
    before = Figures(AS_OF - timedelta(days=1), {"events": 1.0}, {"experiment|hook_type|curiosity": "unclear"})
    _, pages = lay_out(scope_of(held(), previous=before))
    changed = next(pages).lists[3]
    assert changed.title == "What changed since 1 March 2026"
    texts = [item.text for item in (*changed.items, *changed.others)]
    assert "Hook: curiosity: unclear before, works now." in texts
    assert any(text.startswith("Events: 1 before") for text in texts)


def test_more_of_a_kind_than_the_setting_allows_is_told(tmp_path):
    _, pages = lay_out(replace(scope_of(held()), most=2))
    listed = next(page for page in pages if page.path == "experiments.html")
    assert "without a page" in listed.facts


def test_names_from_outside_leave_no_folder_and_no_two_share_a_file():
    names = ["..", "../x", "a/b", "A", "a", "con", "x" * 300, "", "~", *HOSTILE, "~" + "0" * 24, "index"]
    made = [page_name((name,)) for name in names]
    assert len(set(made)) == len(names)
    assert all(re.fullmatch(r"~[0-9a-f]{24}|[a-z0-9][a-z0-9_-]*", name) for name in made)
    assert page_name(("a--b", "c")) != page_name(("a", "b--c"))
    assert page_name(("ann@example.com",)).startswith("~")


def test_hostile_text_stays_text_on_every_page(tmp_path, site):
    tied = {"project_id", "experiment_id", "deployment_id", "doer", "policy_id", "task_id"}
    frames = hostile(held(), tied=tied, kept={"kind", "figures", "guardrails", "gates", "cut", "config", "status"})
    write_site(scope_of(frames, faults=tuple(Fault(text, text, (text,)) for text in HOSTILE)), tmp_path)
    known = {tag for html in site.values() for tag, _ in Page(html).tags} | {"details", "summary"}
    for path in tmp_path.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        assert len(html.encode()) < MOST_BYTES
        assert {tag for tag, _ in Page(html).tags} <= known, path
        assert not [given for _, given in Page(html).tags if any(name.startswith("on") for name in given)]
