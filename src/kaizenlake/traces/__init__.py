"""Traces of agents, read: documents of several dialects as event lines of runs, steps and scores; nothing opens a file."""

from kaizenlake.traces.forms import FORMS, Form, form_of
from kaizenlake.traces.records import Origin, line_of
from kaizenlake.traces.steps import Span
from kaizenlake.traces.values import BadSpanError

__all__ = ["FORMS", "BadSpanError", "Form", "Origin", "Span", "form_of", "line_of"]
