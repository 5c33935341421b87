"""Write the documentation: `python -m kaizenlake.docs SOURCES [SITE]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kaizenlake.docs.site import build, write_sources
from kaizenlake.errors import KaizenError


def main() -> int:
    """Write the sources, and the site where a folder is named for it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kaizenlake.docs", description=__doc__)
    parser.add_argument("sources", type=Path, help="New folder for the pages in Markdown and mkdocs.yml.")
    parser.add_argument("site", type=Path, nargs="?", help="Folder for the site; needs kaizenlake[docs].")
    given = parser.parse_args()
    try:
        if given.site is None:
            write_sources(given.sources)
        else:
            build(given.sources, given.site)
    except KaizenError as error:
        sys.stderr.write(f"error [{error.code}]: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
