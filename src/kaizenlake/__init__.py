"""Closes the learning loop for teams whose content and code are made by generators and LLM agents.

The public names are fetched from their homes when they are first used, so that `import kaizenlake.context` in a service
costs no more than the standard library.
"""

import os
from _thread import RLock

from kaizenlake._version import __version__

# Every public name with its home; the stub `__init__.pyi` and `__all__` follow from it.
_HOMES = {
    "IngestStats": "kaizenlake.events.write.boundaries",
    "ingest_performance_batch": "kaizenlake.events.write.boundaries",
    "ingest_performance_data": "kaizenlake.events.write.boundaries",
    "log_allocation": "kaizenlake.events.write.boundaries",
    "log_pack_event": "kaizenlake.events.write.boundaries",
    "log_pack_quality_assessment": "kaizenlake.events.write.boundaries",
    "log_section_generation": "kaizenlake.events.write.boundaries",
    "mark_creative_as_loser": "kaizenlake.events.write.boundaries",
    "mark_creative_as_winner": "kaizenlake.events.write.boundaries",
    "PerformanceData": "kaizenlake.events.write.functions",
    "log_route": "kaizenlake.events.write.functions",
    "close": "kaizenlake.events.write.log",
    "configure": "kaizenlake.events.write.log",
    "flush": "kaizenlake.events.write.log",
    "log_event": "kaizenlake.events.write.log",
    "CampaignTimelinePlanner": "kaizenlake.jobs.agency.timeline",
    "plan_timeline_for_brand": "kaizenlake.jobs.agency.timeline",
    "BenchmarkEnforcementError": "kaizenlake.errors",
    "enforce": "kaizenlake.readiness.enforce",
    "enforce_benchmarks_with_regen": "kaizenlake.readiness.enforce",
    "judge": "kaizenlake.readiness.judge",
    "sentences": "kaizenlake.text.sentences",
    "AutoExecutionEngine": "kaizenlake.generate.agency.engine",
    "ExecutionContext": "kaizenlake.generate.agency.engine",
    "FeedbackLoop": "kaizenlake.decide.agency.feedback",
    "create_feedback_loop_orchestrator": "kaizenlake.decide.agency.feedback",
    "SchedulerRepository": "kaizenlake.decide.agency.scheduler",
    "SchedulerRuntime": "kaizenlake.decide.agency.scheduler",
    "Lake": "kaizenlake.lake.store",
    "LearningOps": "kaizenlake.learning_ops",
    "KaizenContext": "kaizenlake.publish.context.model",
    "KaizenService": "kaizenlake.service",
    "redact": "kaizenlake.redaction",
    "LearningService": "kaizenlake.decide.training.learning_service",
    "ExampleSource": "kaizenlake.training.examples",
    "TrainingExample": "kaizenlake.training.examples",
    "filter_examples": "kaizenlake.training.example_filter",
    "load_model": "kaizenlake.decide.training.registry",
    "validate_model": "kaizenlake.training.validation.validate",
}

# The log functions of the single event types, such as `log_lead_created`, follow from the catalogue.
_LOG_FUNCTIONS = "kaizenlake.events.write.functions"

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - names, whose types the stub beside this file gives


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
            from importlib import import_module

            if home.startswith("kaizenlake.events"):
                # All that logging needs, so that no later call has to open a file of code.
                import_module(_LOG_FUNCTIONS)
            return getattr(import_module(home), name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    from kaizenlake.events.write.functions import FUNCTIONS

    return sorted({*globals(), *_HOMES, *FUNCTIONS})
