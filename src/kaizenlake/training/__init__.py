"""Training: examples out of traces, what is near, poisoned or copied among them, and data sets cut of what stays.

The public names are fetched from their homes when they are first used.
"""

from importlib import import_module

_HOMES = {
    "ExampleSource": "kaizenlake.training.examples",
    "ExtractedExamples": "kaizenlake.training.extraction",
    "FilteredExamples": "kaizenlake.training.example_filter",
    "LearningService": "kaizenlake.decide.training.learning_service",
    "Rejection": "kaizenlake.training.example_filter",
    "TrainingExample": "kaizenlake.training.examples",
    "count_by_threshold": "kaizenlake.training.example_filter",
    "extract_batch": "kaizenlake.training.extraction",
    "extract_from_event": "kaizenlake.training.extraction",
    "filter_examples": "kaizenlake.training.example_filter",
    "load_model": "kaizenlake.decide.training.registry",
    "near_duplicates": "kaizenlake.training.text_clusters",
    "score_example": "kaizenlake.training.example_filter",
    "validate_model": "kaizenlake.training.validation.validate",
}


def __getattr__(name: str) -> object:
    """Fetch a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
