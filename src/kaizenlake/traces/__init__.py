"""Traces of agents, read: documents of several dialects as event lines of runs, steps and scores; nothing opens a file."""

from kaizenlake.traces.forms import FORMS, TraceForm, form_of
from kaizenlake.traces.records import TraceOrigin, line_of
from kaizenlake.traces.steps import Span
from kaizenlake.traces.values import BadSpanError

__all__ = ["FORMS", "BadSpanError", "Span", "TraceForm", "TraceOrigin", "form_of", "line_of"]
