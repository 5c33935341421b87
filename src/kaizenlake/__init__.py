"""Closes the learning loop for teams whose content and code are made by generators and LLM agents.

The public names are fetched from their homes when they are first used, so that `import kaizenlake.context` in a service
costs no more than the standard library.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kaizenlake.publish.context import KaizenContext
    from kaizenlake.service import KaizenService

__version__ = "0.1.0"

_HOMES = {
    "KaizenContext": "kaizenlake.publish.context",
    "KaizenService": "kaizenlake.service",
}

__all__ = ["KaizenContext", "KaizenService", "__version__"]


def __getattr__(name: str) -> object:
    """Fetch a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - a service that only reads contexts never pays for it

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
