"""Closes the learning loop for teams whose content and code are made by generators and LLM agents.

The public names are fetched from their homes when they are first used, so that `import kaizenlake.context` in a service
costs no more than the standard library.
"""

import os
from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kaizenlake.events.boundaries import (
        IngestStats,
        ingest_performance_batch,
        ingest_performance_data,
        log_pack_event,
        log_pack_quality_assessment,
        log_section_generation,
        mark_creative_as_loser,
        mark_creative_as_winner,
    )
    from kaizenlake.events.functions import *  # noqa: F403 - one log function for every event type
    from kaizenlake.events.functions import PerformanceData, log_route
    from kaizenlake.events.log import close, configure, flush, log_event
    from kaizenlake.lake.store import Lake
    from kaizenlake.learning_ops import LearningOps
    from kaizenlake.publish.context import KaizenContext
    from kaizenlake.redaction import redact
    from kaizenlake.service import KaizenService

__version__ = "0.2.0"

_HOMES = {
    "IngestStats": "kaizenlake.events.boundaries",
    "ingest_performance_batch": "kaizenlake.events.boundaries",
    "ingest_performance_data": "kaizenlake.events.boundaries",
    "log_pack_event": "kaizenlake.events.boundaries",
    "log_pack_quality_assessment": "kaizenlake.events.boundaries",
    "log_section_generation": "kaizenlake.events.boundaries",
    "mark_creative_as_loser": "kaizenlake.events.boundaries",
    "mark_creative_as_winner": "kaizenlake.events.boundaries",
    "PerformanceData": "kaizenlake.events.functions",
    "log_route": "kaizenlake.events.functions",
    "close": "kaizenlake.events.log",
    "configure": "kaizenlake.events.log",
    "flush": "kaizenlake.events.log",
    "log_event": "kaizenlake.events.log",
    "Lake": "kaizenlake.lake.store",
    "LearningOps": "kaizenlake.learning_ops",
    "KaizenContext": "kaizenlake.publish.context",
    "KaizenService": "kaizenlake.service",
    "redact": "kaizenlake.redaction",
}

# The log functions of the single event types, such as `log_lead_created`, follow from the catalogue.
_LOG_FUNCTIONS = "kaizenlake.events.functions"

__all__ = [
    "IngestStats",
    "KaizenContext",
    "KaizenService",
    "Lake",
    "LearningOps",
    "PerformanceData",
    "__version__",
    "close",
    "configure",
    "flush",
    "ingest_performance_batch",
    "ingest_performance_data",
    "log_event",
    "log_pack_event",
    "log_pack_quality_assessment",
    "log_route",
    "log_section_generation",
    "mark_creative_as_loser",
    "mark_creative_as_winner",
    "redact",
]


_FETCHING = RLock()
"""Held while a name is fetched, and by whoever forks: a child could never end an import that another thread had begun."""

os.register_at_fork(before=_FETCHING.acquire, after_in_parent=_FETCHING.release, after_in_child=_FETCHING.release)


def __getattr__(name: str) -> object:
    """Fetch a public name from its home."""
    home = _HOMES.get(name) or (_LOG_FUNCTIONS if name.startswith("log_") else None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        with _FETCHING:
            from importlib import import_module  # noqa: PLC0415 - a service that only reads contexts never pays for it

            if home.startswith("kaizenlake.events"):
                # All that logging needs, so that no later call has to open a file of code.
                import_module(_LOG_FUNCTIONS)
            return getattr(import_module(home), name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    from kaizenlake.events.functions import FUNCTIONS  # noqa: PLC0415 - as above

    return sorted({*globals(), *_HOMES, *FUNCTIONS})
