"""Import functions of users that a word names: the one place where a word becomes code, and only a command's own word."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kaizenlake.errors import UsageError

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def load_function(name: str) -> Callable[..., Any]:
    """Return the function of the user that `module:function` names, imported from the working folder too.

    Args:
        name: What a command was given; never what an event or a file says.

    Raises:
        UsageError: There is none.
    """
    module, _, function = name.partition(":")
    if not _MODULE.fullmatch(module) or not function.isidentifier():
        raise UsageError(f"Expected MODULE:FUNCTION, such as agents:run_again; found {name[:200]!r}.")
    found = getattr(load_module(module), function, None)
    if not callable(found):
        raise UsageError(f"The module {module!r} has no function {function!r}.")
    taken: Callable[..., Any] = found
    return taken


def load_module(name: str) -> Any:
    """Return a module of the user, imported from the working folder too.

    Raises:
        UsageError: It cannot be imported.
    """
    if not _MODULE.fullmatch(name):
        raise UsageError(f"Expected the name of a module, such as checks; found {name[:200]!r}.")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise UsageError(f"The module {name!r} cannot be imported: {type(error).__name__}: {error}.") from error
    finally:
        sys.path.pop(0)
