"""Functions of users that a word on the command line names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kaizenlake.errors import UsageError

if TYPE_CHECKING:
    from kaizenlake.decide.replays.re_execution import Call


def load_function(name: str) -> Call:
    """Return the function of the user that a word names, imported from the working folder."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise UsageError(f"Expected MODULE:FUNCTION, such as agents:run_again; found {name!r}.")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), function, None)
    except (Exception, SystemExit) as error:
        raise UsageError(f"The module {module!r} cannot be imported: {type(error).__name__}: {error}.") from error
    finally:
        sys.path.pop(0)
    if not callable(found):
        raise UsageError(f"The module {module!r} has no function {function!r}.")
    call: Call = found
    return call
