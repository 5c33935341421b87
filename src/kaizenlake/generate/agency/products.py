"""Work products: documents in Markdown, each made of what is known of the brand by a template."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from kaizenlake.generate.agency.facts import gather, name_unknown
from kaizenlake.generate.agency.layout import ProductText, escape_markdown, format_row
from kaizenlake.generate.agency.task_types import TaskType
from kaizenlake.lake.store import Lake
from kaizenlake.readiness.judge import judge


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kaizenlake.generate.agency"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=escape_markdown,
        autoescape=False,  # noqa: S701 - it is Markdown, and every value is escaped as such
    )
    return environment.get_template(f"{name}.md.j2")


def make(lake: Lake, kind: TaskType, task: Mapping[str, Any]) -> dict[str, Any]:
    """Make the work product of a task.

    Args:
        lake: The lake, as a tenant has it where there are several.
        kind: The type of the task.
        task: The task: its `brand_id`, and `inputs` as an object or JSON.

    Returns:
        `markdown, pack, section, evidence, unknown`, and `readiness`: how it fares by the benchmark of its section.
    """
    facts = gather(lake, str(task["brand_id"]))
    inputs = task.get("inputs") or task.get("payload") or {}
    if isinstance(inputs, str):
        inputs = json.loads(inputs)
    unknown = name_unknown(facts, [name for name in kind.needs if name not in inputs], kind.parts)
    page = ProductText(facts)
    text = _template(kind.name).render(
        kind=kind, facts=facts, page=page, inputs=inputs, unknown=unknown, row=format_row
    )
    markdown = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return {
        "markdown": markdown,
        "pack": kind.pack,
        "section": kind.section,
        "evidence": [{"number": number, **row} for number, row in page.cite_rows()],
        "unknown": unknown,
        "readiness": _readiness(markdown, kind),
    }


def _readiness(markdown: str, kind: TaskType) -> list[dict[str, Any]]:
    """Return the rules of the benchmark that a document breaks."""
    return [
        {"rule": rule.rule, "found": rule.found, "wanted": rule.wanted, "verdict": rule.verdict}
        for rule in judge(markdown, kind.pack, kind.section)
        if rule.verdict != "PASS"
    ]
