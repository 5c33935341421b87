"""Cut the README into guides, one a reader's question: what is written there once is read on the site, too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

GUIDES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Start",
        "start.md",
        ("Quick start", "Log what happens", "Run the night", "Read what was learned"),
    ),
    ("Own data", "own_data.md", ("Bring your own data", "What the real samples lack")),
    ("Agents", "agents.md", ("Traces of agents", "Improve your agents")),
    ("Agency", "agency.md", ("Sell packs that are ready", "Brands, tasks and plans")),
    ("Training", "training.md", ("Learn from traces",)),
    ("Operate", "operate.md", ("Operate", "Who can forge what")),
    ("What is computed", "computed.md", ("What is computed",)),
    ("Extend", "extend.md", ("Own events, tables and jobs", "Develop")),
    ("Benchmarks", "benchmarks.md", ("Benchmarks",)),
)
"""Guides in the order in which a newcomer needs them: title, file, and the sections of the README that it holds."""

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_LINK = re.compile(r"(?<!\\)\[([^\]]+)\]\((?!https?://)([^)]+)\)")


def read_readme() -> str:
    """Return the README: that of the checkout from which this package runs, else the one that was installed with it."""
    beside = Path(__file__).parents[3] / "README.md"
    if beside.is_file() and (beside.parent / "pyproject.toml").is_file():
        return beside.read_text("utf-8")
    return str(metadata.metadata("kaizenlake").json["description"])


def split_sections(text: str) -> dict[str, str]:
    r"""Return the sections of a text by their headings of the second level; what stands before the first one goes by "".

    A line of a block of code is no heading.

    >>> split_sections("intro\n## One\na\n```\n## no\n```\n## Two\nb")
    {'': 'intro', 'One': 'a\n```\n## no\n```', 'Two': 'b'}
    """
    sections: dict[str, list[str]] = {"": []}
    heading, fence = "", ""
    for line in text.splitlines():
        if (mark := _FENCE.match(line)) is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        if line.startswith("## ") and not fence:
            heading = line.removeprefix("## ").strip()
            sections[heading] = []
        else:
            sections[heading].append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in sections.items()}


def write_guides(readme: str) -> dict[str, str]:
    """Return the guides that a README holds, each by its file; sections that no guide names stand at the end of the first.

    Args:
        readme: Text of the README.
    """
    sections = split_sections(readme)
    named = {section for _, _, names in GUIDES for section in names}
    more = tuple(name for name in sections if name and name not in named)
    pages = {}
    for place, (title, file, names) in enumerate(GUIDES):
        parts = [(name, sections[name]) for name in (*names, *(more if place == 0 else ())) if name in sections]
        if parts:
            body = "\n\n".join(f"## {name}\n\n{text}" for name, text in parts)
            pages[file] = f"# {title}\n\n{_relink(body, sections, file)}\n"
    return pages


def _relink(text: str, sections: Mapping[str, str], file: str) -> str:
    """Return a text whose links lead within the site; of one that leads to a file of the repository its words are left."""
    anchors = {
        re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-"): page
        for _, page, names in GUIDES
        for name in names
        if name in sections
    }

    def lead(link: re.Match[str]) -> str:
        words, target = link[1], link[2]
        if target.startswith("#") and (page := anchors.get(target[1:])) is not None:
            return f"[{words}]({'' if page == file else page}{target})"
        if target.startswith("src/kaizenlake/docs/guide/"):
            return f"[{words}]({target.rpartition('/')[2]})"
        return words

    return _LINK.sub(lead, text)
