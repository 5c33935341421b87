"""Work products: documents in Markdown, each made of what is known of the brand by a template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kaizenlake.generate.agency.facts import NOT_OF_SUBSTANCE, OWN_PARTS, KnownFacts, gather, name_unknown
from kaizenlake.generate.agency.layout import ProductText, format_row
from kaizenlake.generate.agency.task_types import TaskType
from kaizenlake.generate.markdown_templates import render_markdown
from kaizenlake.lake.store import Lake
from kaizenlake.readiness.judge import judge
from kaizenlake.vocabulary import SectionVerdict

MISSING_FACTS = "MISSING_FACTS"
"""Rule that a document breaks which knows nothing of its brand."""


def make(lake: Lake, kind: TaskType, task: Mapping[str, Any]) -> dict[str, Any]:
    """Make the work product of a task.

    Args:
        lake: The lake, as a tenant has it where there are several.
        kind: The type of the task.
        task: The task: its `brand_id`, and `inputs` as an object or JSON.

    Returns:
        `markdown, pack, section, evidence, unknown`, `readiness`: the rules that it breaks, and `verdict`. A document that
        meets the benchmark of its section and knows nothing of its own brand is not ready: it breaks MISSING_FACTS.
    """
    facts = gather(lake, str(task["brand_id"]))
    inputs = task.get("inputs") or task.get("payload") or {}
    if isinstance(inputs, str):
        inputs = json.loads(inputs)
    unknown = name_unknown(facts, [name for name in kind.needs if name not in inputs], kind.parts)
    page = ProductText(facts)
    values = {"kind": kind, "facts": facts, "page": page, "inputs": inputs, "unknown": unknown, "row": format_row}
    text = render_markdown("agency", f"{kind.name}.md.j2", **values)
    markdown = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    broken = _readiness(markdown, kind) + name_missing(facts, kind, inputs)
    return {
        "markdown": markdown,
        "pack": kind.pack,
        "section": kind.section,
        "evidence": [{"number": number, **row} for number, row in page.cite_rows()],
        "unknown": unknown,
        "readiness": broken,
        "verdict": find_verdict(broken),
    }


def name_missing(facts: KnownFacts, kind: TaskType, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rule MISSING_FACTS, broken, where nothing that a document is about is known of the brand itself.

    What holds for the whole workspace is nothing of the brand, and neither is the zone that stands for one that nobody told.

    Args:
        facts: What is known.
        kind: The type of the task.
        inputs: What the task says itself.
    """
    asked = [name for name in kind.needs if name not in NOT_OF_SUBSTANCE]
    own = [name for name in kind.parts if name in OWN_PARTS]
    if any((facts.brand or {}).get(name) or inputs.get(name) for name in asked) or any(map(facts.parts.get, own)):
        return []
    wanted = ", ".join(name.replace("_", " ") for name in (*asked, *own))
    return [{"rule": MISSING_FACTS, "found": None, "wanted": wanted, "verdict": "FAIL"}]


def find_verdict(broken: Iterable[Mapping[str, Any]]) -> SectionVerdict:
    """Return what a document is, by the rules that it breaks."""
    verdicts = {rule["verdict"] for rule in broken}
    return "FAIL" if "FAIL" in verdicts else "PASS_WITH_WARNINGS" if verdicts else "PASS"


def _readiness(markdown: str, kind: TaskType) -> list[dict[str, Any]]:
    """Return the rules of the benchmark that a document breaks."""
    return [
        {"rule": rule.rule, "found": rule.found, "wanted": rule.wanted, "verdict": rule.verdict}
        for rule in judge(markdown, kind.pack, kind.section)
        if rule.verdict != "PASS"
    ]
