"""List the kinds of pages of the site, in the order of the navigation."""

from __future__ import annotations

from kaizenlake.report.site.agency_kinds import BRANDS, TASKS
from kaizenlake.report.site.agent_kinds import AGENTS, CANARIES
from kaizenlake.report.site.content_kinds import EXPERIMENTS, PATTERNS, PROJECTS
from kaizenlake.report.site.page_kind import PageKind

KINDS: tuple[PageKind, ...] = (PROJECTS, AGENTS, CANARIES, EXPERIMENTS, PATTERNS, BRANDS, TASKS)
"""Kinds of pages in the order of the navigation; tables have a module of their own."""
