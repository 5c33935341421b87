"""The documentation as a site: every declaration has its place, and no link leads nowhere."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys

import pytest

from kaizenlake import tables
from kaizenlake.cli.app import app
from kaizenlake.cli.shell.command_list import list_commands
from kaizenlake.docs import guides, pages
from kaizenlake.docs.guides import GUIDES, read_readme, split_sections, write_guides
from kaizenlake.docs.pages import escape, lay_out_code, lay_out_table
from kaizenlake.docs.reference import write_reference
from kaizenlake.docs.site import write_sources
from kaizenlake.errors import UsageError
from kaizenlake.events.catalogue import FAMILIES
from kaizenlake.training.error_codes import ERROR_CODES


@pytest.fixture(scope="module")
def reference():
    return write_reference()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documentation")
    done = subprocess.run(
        [sys.executable, "-m", "kaizenlake.docs", folder / "sources", folder / "site"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_table_and_column_has_its_place(reference):
    for table in tables.TABLES:
        page = reference[f"reference/tables/{tables.full_name(table)}.md"]
        assert escape(tables.meaning(table)) in page
        assert [name for name in tables.schema(table).names() if f"| `{name}` |" not in page] == []


def test_every_event_has_its_place(reference):
    for family in FAMILIES:
        page = reference[f"reference/events/{family.name}.md"]
        for event in family.types:
            assert f"\n## {event.name}\n" in page
            assert [field.name for field in event.fields if f"| `{field.name}` |" not in page] == []


def test_every_command_has_its_place(reference):
    text = "\n".join(page for name, page in reference.items() if name.startswith("reference/commands/"))
    assert [command.words for command in list_commands(app) if f"# {command.words}\n" not in text] == []


def test_every_error_code_has_its_place(reference):
    assert [code.code for code in ERROR_CODES if f"| {code.code} |" not in reference["reference/errors.md"]] == []


def test_every_section_of_the_readme_is_in_one_guide():
    sections = [name for name in split_sections(read_readme()) if name]
    named = [section for _, _, names in GUIDES for section in names]
    assert sorted(sections) == sorted(named)


def test_the_site_is_built_without_a_broken_link(site):
    """MkDocs is strict: a link or an anchor that leads nowhere ends it."""
    built = {path.relative_to(site / "site").as_posix() for path in (site / "site").rglob("*.html")}
    written = {path.relative_to(site / "sources/pages").as_posix() for path in (site / "sources/pages").rglob("*.md")}
    assert built == {name.removesuffix(".md") + ".html" for name in written} | {"404.html"}
    start = (site / "site/index.html").read_text()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!squidfunk|delta\.io)[^"]*"', start)


def test_sources_are_not_written_over_something(site):
    with pytest.raises(UsageError, match="not empty"):
        write_sources(site / "sources")


@pytest.mark.parametrize(
    ("text", "file", "wanted"),
    [
        ("[a](#two)", "start.md", "[a](own_data.md#bring-your-own-data)"),
        ("[a](tests/x.md)", "start.md", "a"),
        ("[a](https://delta.io)", "start.md", "[a](https://delta.io)"),
        ("[`a`](src/kaizenlake/docs/guide/deploy.md)", "start.md", "[`a`](deploy.md)"),
    ],
)
def test_links_lead_within_the_site(text, file, wanted):
    text = text.replace("#two", "#bring-your-own-data")
    readme = f"intro\n## Quick start\n{text}\n## Bring your own data\nb"
    assert wanted in write_guides(readme)[file]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("a|b", r"a\|b"), ("<script>", r"\<script\>"), ("`a_b` c_d", r"`a_b` c\_d"), ("two\nlines", "two lines")],
)
def test_a_cell_holds_any_text(text, wanted):
    assert escape(text) == wanted


def test_columns_that_hold_nothing_are_left_out():
    assert lay_out_table(("a", "b"), [("1", ""), ("2", "")]) == ["", "| a |", "| --- |", "| 1 |", "| 2 |", ""]
    assert lay_out_table(("a",), []) == []


def test_code_may_hold_backticks():
    assert lay_out_code("```x```") == ["", "````", "```x```", "````", ""]


@pytest.mark.parametrize("module", [pages, guides])
def test_examples_of_docstrings(module):
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0
