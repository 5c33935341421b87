"""Small tables and events that ship with the package; where they come from stands in the README beside them."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """A shipped file.

    Args:
        file: Its name in this package.
        mapping: Mapping that reads it; None for events of our own form.
        source: Source of the events it becomes.
    """

    file: str
    mapping: str | None
    source: str


SAMPLES: tuple[Sample, ...] = (
    Sample("facebook_posts.csv", "facebook_posts", "facebook_posts"),
    Sample("upworthy_headline_tests.csv", "upworthy_headline_tests", "upworthy_headline_tests"),
    Sample("agent_runs.csv", "agent_runs", "agent_runs"),
    Sample("aider_polyglot_runs.yml", "aider_polyglot_runs", "aider_polyglot_runs"),
    Sample("agency_events.ndjson", None, "invented-sample"),
)

AGENCY = Sample("agency_weeks.ndjson", None, "invented-sample")
"""Eight weeks of an agency that never was; the demo of an agency is made of it alone."""


def samples() -> tuple[Sample, ...]:
    """Return the shipped samples, each with the mapping that reads it.

    >>> [(sample.file, sample.mapping) for sample in samples()][-1]
    ('agency_events.ndjson', None)
    """
    return SAMPLES
