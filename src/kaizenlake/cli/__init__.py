"""The command line: words in, one call, words and an exit code out."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process; what goes wrong becomes words on stderr and an exit code."""
    from kaizenlake.cli.quick import print_context

    if not print_context(sys.argv[1:]):
        from kaizenlake.cli.app import run

        run()
