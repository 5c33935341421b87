"""Gather guides and reference into the sources of a site, and have MkDocs build it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

from kaizenlake.docs.guides import GUIDES, read_readme, split_sections, write_guides
from kaizenlake.docs.reference import write_reference
from kaizenlake.errors import UsageError

WRITTEN: tuple[tuple[str, str], ...] = (("Where it runs", "deploy.md"), ("A billion events a day", "scale.md"))
"""Guides that are files of the folder `guide`: what each is called, and its file."""

REFERENCE: tuple[tuple[str, str], ...] = (
    ("Commands", "reference/commands/index.md"),
    ("Events", "reference/events/index.md"),
    ("Tables", "reference/tables/index.md"),
    ("Settings", "reference/settings.md"),
    ("Errors of learning", "reference/errors.md"),
)


def write_sources(folder: Path) -> Path:
    """Write the sources of the site: its pages, and the file that MkDocs reads.

    Args:
        folder: An empty folder, or one that is not there yet.

    Returns:
        The file that MkDocs reads.

    Raises:
        UsageError: The folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "The folder of the sources is not empty.", where=str(folder), hint="Name one that is not there."
        )
    guides = resources.files("kaizenlake") / "docs" / "guide"
    written = {file: (guides / file).read_text("utf-8") for _, file in WRITTEN}
    sections = split_sections(readme := read_readme())
    home = {"index.md": f"{sections['']}\n"}
    pages = home | write_guides(readme) | written | write_reference()
    for name, text in pages.items():
        path = folder / "pages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # YAML takes JSON as it stands.
    settings = folder / "mkdocs.yml"
    settings.write_text(json.dumps(_list_settings(sorted(pages)), indent=2) + "\n", encoding="utf-8")
    return settings


def build(sources: Path, site: Path) -> None:
    """Build the site from its sources; a link that leads nowhere is an error.

    Args:
        sources: Where the sources are written, as for `write_sources`.
        site: Folder of the site.

    Raises:
        UsageError: MkDocs is not installed, or finds a fault, which the words give.
    """
    if importlib.util.find_spec("material") is None:
        raise UsageError(
            "MkDocs is not installed.", hint="Install kaizenlake[docs], or leave out the folder of the site."
        )
    settings = write_sources(sources)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    command += ["--config-file", str(settings.resolve()), "--site-dir", str(site.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise UsageError("The site cannot be built.", where=str(site), hint=(done.stdout + done.stderr).strip())


def _list_settings(pages: list[str]) -> dict[str, object]:
    guides = [("kaizenlake", "index.md"), *((title, file) for title, file, _ in GUIDES if file in pages), *WRITTEN]
    listed = {file for _, file in (*guides, *REFERENCE)}
    return {
        "site_name": "kaizenlake",
        "docs_dir": "pages",
        # No font and no script comes from elsewhere.
        "theme": {
            "name": "material",
            "font": False,
            "features": ["navigation.sections", "navigation.top", "content.code.copy"],
            "palette": [
                {"media": "(prefers-color-scheme: light)", "scheme": "default"},
                {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
            ],
        },
        "markdown_extensions": ["tables", "fenced_code", {"toc": {"permalink": True}}],
        "plugins": ["search"],
        "use_directory_urls": False,
        "validation": {"links": {"not_found": "warn", "anchors": "warn", "unrecognized_links": "warn"}},
        "nav": [
            {"Guides": [{title: file} for title, file in guides]},
            {"Reference": [{title: file} for title, file in REFERENCE]},
        ],
        "not_in_nav": "\n".join(page for page in pages if page not in listed),
    }
