"""Hold texts to the benchmark of their section: refuse those that break it, or have them written again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeAlias

from kaizenlake.errors import BenchmarkEnforcementError, SpoolError, UsageError
from kaizenlake.events.write.log import log_event
from kaizenlake.readiness.benchmarks import benchmark_of
from kaizenlake.readiness.judge import BenchmarkJudgement, JudgedRule, judge
from kaizenlake.text.markdown import read_markdown

Generate: TypeAlias = Callable[[tuple[JudgedRule, ...]], str]
"""Writes a text of a section, given the rules that the text before broke; none the first time."""

_LOG = logging.getLogger(__name__)


def enforce(text: str, pack: str, section: str, *, language: str | None = None) -> None:
    """Refuse a text that breaks the benchmark of its section; style alone is no reason.

    Args:
        text: Markdown.
        pack: Key of the pack.
        section: Name of the section.
        language: Language of its sentences, as a code of ISO 639-1; detected if not said.

    Raises:
        BenchmarkEnforcementError: It breaks rules; the error names each, and holds them in `rules`.
        UsageError: The pack or the section has no benchmark.
    """
    judgement = judge(text, pack, section, language=language)
    if judgement.failed:
        said = "; ".join(f"{rule.rule}: {rule.advice}" for rule in judgement.failed)
        raise BenchmarkEnforcementError(
            f"The section {section} of {pack} breaks {len(judgement.failed)} of its {len(judgement)} rules: {said}",
            rules=judgement.failed,
        )


def enforce_benchmarks_with_regen(generate: Generate, pack: str, section: str, max_tries: int = 3, **said: Any) -> str:
    """Have a section written until it keeps its benchmark, style aside, and return the best text.

    The best breaks the fewest rules, then the fewest of style, then is the nearest to its limits; of equals the first. Every try is logged, as the event
    SECTION_TRIED and to the logger of this module. A try that raises an error has no text; the last error is raised where no
    try has one.

    Args:
        generate: Writes a text, given the rules that the text before broke; none the first time.
        pack: Key of the pack.
        section: Name of the section.
        max_tries: Most texts that are asked for.
        **said: What else the events say, such as `project_id`, `pack_run_id` and `model`; see `log_event`.

    Raises:
        UsageError: The pack or the section has no benchmark, `max_tries` is below 1, or `generate` returned no text.
    """
    if max_tries < 1:
        raise UsageError(f"`max_tries` has to be at least 1, found {max_tries}.")
    benchmark_of(pack, section)
    best: tuple[tuple[int, int, float], str] | None = None
    broken: tuple[JudgedRule, ...] = ()
    error: Exception | None = None
    for attempt in range(1, max_tries + 1):
        about = {"pack_key": pack, "section_id": section, "attempts_count": attempt, **said}
        begun = perf_counter()
        try:
            text: object = generate(broken)
        except Exception as raised:  # noqa: BLE001 - a service that is down for one try may be up for the next
            error = raised
            _log(about, duration_seconds=perf_counter() - begun, reason=f"{type(raised).__name__}: {raised}"[:500])
            continue
        if not isinstance(text, str):
            wrong = UsageError(f"`generate` has to return a text, found {type(text).__name__}.")
            if best is None:
                raise wrong
            # A text that was paid for is not lost for an answer that is none.
            _log(about, duration_seconds=perf_counter() - begun, reason=wrong.message)
            continue
        judgement = judge(text, pack, section)
        _log(
            about,
            duration_seconds=perf_counter() - begun,
            verdict=judgement.verdict,
            broken_rules=sorted({rule.rule for rule in judgement.broken}),
            words_count=read_markdown(text).words,
        )
        broken = judgement.broken
        if best is None or _faults(judgement) < best[0]:
            best = _faults(judgement), text
        if not judgement.failed:
            break
    if best is None:
        assert error is not None
        raise error
    return best[1]


def _faults(judgement: BenchmarkJudgement) -> tuple[int, int, float]:
    """Return how many rules fail and are broken, and how far off their figures are, each as a share of what is wanted."""
    figures = [(rule.found, rule.wanted) for rule in judgement.broken]
    gaps = [
        abs(found - wanted) / max(abs(wanted), 1.0)
        for found, wanted in figures
        if isinstance(found, (int, float)) and isinstance(wanted, (int, float))
    ]
    return len(judgement.failed), len(judgement.broken), sum(gaps)


def _log(about: dict[str, Any], **found: Any) -> None:
    _LOG.info("%s of %s, try %d: %s", about["section_id"], about["pack_key"], about["attempts_count"], found)
    try:
        log_event("SECTION_TRIED", **about, **found)
    except SpoolError as fault:
        # A text that was paid for is not lost for a log that cannot be written.
        _LOG.warning("The try was not logged as an event: %s", fault)
