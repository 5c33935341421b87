"""What to do, what to stop and what to test next: at most five recommendations, each with its effect and how sure that is."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log1p
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

import msgspec
import polars as pl

from kaizenlake import tables
from kaizenlake.context.texts.features import idea_of
from kaizenlake.jobs.alerts._content_findings import pattern_id
from kaizenlake.jobs.alerts._content_words import pattern_words
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Basis
from kaizenlake.tables import (
    CanaryLooks,
    CrlTrends,
    Findings,
    LearnedValue,
    LearningProgress,
    Patterns,
    Scan,
    Table,
    TextEffects,
    WinRates,
)
from kaizenlake.tables.content import TEXT_FEATURES
from kaizenlake.vocabulary import OUTCOMES, plural

Action: TypeAlias = Literal["do", "stop", "test next"]
ACTIONS: tuple[Action, ...] = ("do", "stop", "test next")

MOST = 5
"""Most recommendations of a report."""

LIKELY, ALMOST_CERTAIN = 0.8, 0.999
"""Chances that an effect has the sign that was found, from which on it is told, and called almost certain."""

NAME_LENGTH = 160


@dataclass(frozen=True)
class Recommendation:
    """One thing to do, to stop or to test next.

    Args:
        action: Which of the three.
        what: What is recommended, in a sentence.
        effect: What it is expected to change, with its interval.
        certainty: How sure that is, and what it rests on.
        table: Table it comes from, by full name.
        section: Section of the Kaizen report that shows it.
        finding_id: Finding or term that it rests on, by name.
        basis: What it rests on.
        topic: What else measures the same thing, by name; one of a topic is told.
        command: Words of the command that does it; none where no command does.
        order: What is told first among those of its action: the smaller goes first.
    """

    action: Action
    what: str
    effect: str
    certainty: str
    table: str
    section: str
    finding_id: str
    basis: Basis = "experiment"
    topic: str = ""
    command: tuple[str, ...] = ()
    order: tuple[int, float] = (9, 0.0)

    @property
    def sentence(self) -> str:
        """The recommendation with its effect and certainty."""
        return f"{say.sentence(self.action)}: {self.what} Expected: {self.effect}. {say.sentence(self.certainty)}."


def recommend(scan: Scan, confidence: float = 0.95) -> tuple[Recommendation, ...]:
    """Return at most five recommendations: what is to be done, then what is to be stopped, then what is to be tested next.

    What a test or a canary has shown is recommended; what was only observed, or is likely and not yet clear, is to be tested.
    Each action gives its strongest before any gives its second, and of one topic one is told.

    Args:
        scan: Gives a table.
        confidence: Of the intervals of the tables.
    """
    found = [*_of_findings(scan, confidence), *_of_wording(scan, confidence), *_of_leads(scan, confidence)]
    ranked = _tell_once(sorted(found, key=lambda item: (*item.order, item.finding_id)))
    by_action = {action: [item for item in ranked if item.action == action] for action in ACTIONS}
    places = range(max(map(len, by_action.values())))
    mixed = [items[place] for place in places for items in by_action.values() if place < len(items)]
    return tuple(sorted(mixed[:MOST], key=lambda item: ACTIONS.index(item.action)))


def format_command(words: Iterable[str]) -> str:
    r"""Return a command that can be copied into a shell; nothing where a word of it is not shown as it is.

    >>> format_command(("kaizen", "task", "approve", "a b"))
    "kaizen task approve 'a b'"
    >>> format_command(("kaizen", "two\nlines"))
    ''
    """
    parts = tuple(words)
    return shlex.join(parts) if all(part and say.clean(part, NAME_LENGTH) == part for part in parts) else ""


def _tell_once(found: Iterable[Recommendation]) -> list[Recommendation]:
    kept: dict[str, Recommendation] = {}
    for item in found:
        kept.setdefault(item.topic or item.finding_id, item)
    return list(kept.values())


def _of_findings(scan: Scan, confidence: float) -> Iterator[Recommendation]:
    is_modelled = _is_modelled(scan)
    for row in scan(Findings).sort("kind", "finding_id").collect().iter_rows(named=True):
        figures = _decode(row["figures"])
        if row["kind"] in {"tested_pattern", "observed_pattern"}:
            is_tested = row["kind"] == "tested_pattern"
            if is_tested and is_modelled and row["topic"] in TEXT_FEATURES:
                # The text model tells of it with all other ideas alike.
                continue
            yield _recommend_pattern(row, figures, is_tested=is_tested, confidence=confidence)
        elif row["kind"].endswith("_win_rate") and row["verdict"] == "better":
            yield _recommend_value(row, figures)
        elif row["severity"] is not None and row["kind"] in _LEARNED:
            made = _LEARNED[row["kind"]](row, figures)
            if made is not None:
                yield made


def _recommend_pattern(
    row: Mapping[str, Any], figures: Mapping[str, Any], *, is_tested: bool, confidence: float
) -> Recommendation:
    subject, is_better = say.clean(row["subject"], NAME_LENGTH), row["verdict"] == "works"
    effect = _format_effect(figures.get("lift"), figures.get("ci_low"), figures.get("ci_high"))
    order = (1 if is_tested else 2, -(row["strength"] or 0.0))
    basis: Basis = "experiment" if is_tested else "observation"
    whence = (tables.full_name(Patterns), "patterns", row["finding_id"], basis, row["topic"] or "")
    if is_tested:
        chance = _chance(figures.get("lift"), figures.get("ci_low"), figures.get("ci_high"), confidence)
        certainty = f"{_name_chance(chance)}: tested in {_plural(figures.get('experiments'), 'experiment')}"
        return Recommendation(
            "do" if is_better else "stop",
            f"{'Write' if is_better else 'Stop writing'} posts with {subject}.",
            f"{effect} in the rate of posts with it",
            certainty,
            *whence,
            order=order,
        )
    what = (
        f"Test posts with {subject} against others."
        if is_better
        else f"Test whether posts do better without {subject}."
    )
    certainty = f"likely: observed over {_plural(figures.get('contents'), 'post')}, not tested"
    return Recommendation("test next", what, f"{effect} in the rate of posts with it", certainty, *whence, order=order)


def _recommend_value(row: Mapping[str, Any], figures: Mapping[str, Any]) -> Recommendation:
    kind = row["kind"].removesuffix("_win_rate")
    noun, lift = OUTCOMES[kind], figures.get("lift")
    often = f"{lift + 1.0:,.1f} times as often" if lift is not None and lift >= 1.0 else f"{say.lift(lift)} as often"
    ends = say.between(say.percent(figures.get("ci_low")), say.percent(figures.get("ci_high")))
    # Values of one dimension are alternatives: the strongest speaks for them.
    dimension = "/".join(str(row["finding_id"]).split("/")[:3])
    return Recommendation(
        "test next",
        f"Test {say.clean(row['subject'], NAME_LENGTH)} against others for {noun.many}.",
        f"{often}: {say.percent(figures.get('rate'))} ({ends}) {noun.won}",
        f"likely: observed over {_plural(figures.get('decided'), noun.one, noun.many)}, not tested",
        tables.full_name(WinRates),
        {"deal": "outreach", "outreach": "outreach", "pack": "packs", "run": "runs"}.get(kind, "win-rates"),
        row["finding_id"],
        "observation",
        dimension,
        order=(2, -(row["strength"] or 0.0)),
    )


def _recommend_promotion(row: Mapping[str, Any], figures: Mapping[str, Any]) -> Recommendation | None:
    version = (row["policy_id"], row["policy_version"])
    if None in version:
        return None
    ends = say.between(say.effect(figures.get("sequential_ci_low")), say.effect(figures.get("sequential_ci_high")))
    units = _plural((figures.get("units") or 0) + (figures.get("units_control") or 0), "unit")
    command = command_of_promotion(row)
    verb = command[2]
    return _of_version(
        "do",
        (
            f"{say.sentence(verb)} {say.clean(row['subject'], NAME_LENGTH)}: its canary says so.",
            f"loss {say.effect(figures.get('effect'))} ({ends} over all nights)",
            f"very likely: a randomised canary of {units}",
        ),
        row,
        command=command,
    )


def command_of_promotion(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the command for which a version waits: an approval, or the promotion itself; none where no version is named.

    Args:
        row: A finding of kind `promotion_waiting`; its sentence says what it waits for.
    """
    version = (row["policy_id"], row["policy_version"])
    if None in version:
        return ()
    needs_approval = str(row["sentence"]).startswith(f"{version[0]} {version[1]} waits for a person's approval")
    words = ("approve", *version) if needs_approval else ("promote", *version, "--to", "active")
    return ("kaizen", "policy", *words)


def _recommend_end(row: Mapping[str, Any], figures: Mapping[str, Any]) -> Recommendation | None:
    version = (row["policy_id"], row["policy_version"])
    if None in version:
        return None
    worse, tolerated = (say.figure(figures.get(name), signed=True) for name in ("effect", "margin"))
    return _of_version(
        "stop",
        (
            f"Take {say.clean(row['subject'], NAME_LENGTH)} out of service: it breaks a guardrail.",
            f"the guardrail is {worse} worse, and {tolerated} is tolerated",
            "almost certain: it holds over all nights of the canary",
        ),
        row,
        command=("kaizen", "policy", "rollback", *version, "--reason", "guardrail"),
    )


def _recommend_former(row: Mapping[str, Any], figures: Mapping[str, Any]) -> Recommendation | None:
    if row["verdict"] != "hurt" or row["policy_version"] is None:
        return None
    name = " ".join(filter(None, (row["policy_id"], row["policy_version"])))
    difference, low, high = (figures.get(part) for part in ("difference", "ci_low", "ci_high"))
    flipped = [None if value is None else -value for value in (difference, high, low)]
    ends = say.between(say.effect(flipped[1]), say.effect(flipped[2]))
    command = ("kaizen", "policy", "rollback", row["policy_id"], row["policy_version"]) if row["policy_id"] else ()
    return _of_version(
        "stop",
        (
            f"Go back from {say.clean(name, NAME_LENGTH)} of {say.clean(row['doer'] or '', NAME_LENGTH)}.",
            f"loss {say.effect(flipped[0])} ({ends})",
            "likely: before and after were compared, not tested",
        ),
        row,
        LearningProgress,
        command=command,
    )


def _recommend_search(row: Mapping[str, Any], figures: Mapping[str, Any]) -> Recommendation | None:
    rise = figures.get("difference")
    return _of_version(
        "do",
        (
            f"Find what changed about {say.clean(row['subject'], NAME_LENGTH)} since {say.day(row['raised_on'])}.",
            f"loss {say.effect(None if rise is None else -rise)}, back at its baseline",
            "very likely that it rose, by its control chart; why is not known",
        ),
        row,
        CrlTrends,
    )


def _of_version(
    action: Action,
    said: tuple[str, str, str],
    row: Mapping[str, Any],
    table: type[Table] = CanaryLooks,
    *,
    command: tuple[str, ...] = (),
) -> Recommendation:
    """Return a recommendation on a version or an agent; `said` is what, its effect and its certainty."""
    basis: Basis = "experiment" if table is CanaryLooks else "observation"
    whence = (tables.full_name(table), "learning", row["finding_id"], basis)
    return Recommendation(action, *said, *whence, command=command, order=(0, 0.0))


_LEARNED = {
    "promotion_waiting": _recommend_promotion,
    "broken_guardrail": _recommend_end,
    "version_change": _recommend_former,
    "degrading_doer": _recommend_search,
}


def _is_modelled(scan: Scan) -> bool:
    """Return whether a text model of all projects may be used."""
    usable = scan(LearnedValue).filter(pl.col("model") == "", pl.col("status") == "usable")
    return not usable.collect().is_empty()


def _of_wording(scan: Scan, confidence: float) -> Iterator[Recommendation]:
    """Yield rules of the text model of all projects whose interval leaves out 0."""
    if not _is_modelled(scan):
        return
    rules = scan(TextEffects).filter(pl.col("model") == "", pl.col("kind") == "rule").sort("term").collect()
    for row in rules.iter_rows(named=True):
        effect, low, high = row["effect"], row["ci_low"], row["ci_high"]
        if not (low > 0.0 or high < 0.0) or low >= high:
            continue
        meaning = say.clean(row["meaning"], NAME_LENGTH).rstrip(".")
        such = f" (such as “{say.clean(row['examples'][0], 60)}”)" if row["examples"] else ""
        chance = _chance(effect, low, high, confidence)
        idea = idea_of(row["term"], is_rule=True)
        yield Recommendation(
            "do" if effect > 0.0 else "stop",
            f"{'Prefer' if effect > 0.0 else 'Avoid'} wording of which this holds: "
            f"{meaning[:1].lower()}{meaning[1:]}{such}.",
            f"{_format_effect(effect, low, high)} clicks",
            f"{_name_chance(chance)}: from {plural(row['tests'], 'experiment')}, all other wording alike",
            tables.full_name(TextEffects),
            "wording",
            row["term"],
            topic=_TOPICS.get(idea, idea),
            order=(1, -abs(effect) / (high - low)),
        )


_TOPICS = {"question mark": "question"}
"""Ideas of the text model that patterns have under another name."""


def _of_leads(scan: Scan, confidence: float) -> Iterator[Recommendation]:
    """Yield patterns of experiments without a verdict that are likely to help."""
    is_lead = (pl.col("evidence") == "experiment") & (pl.col("verdict") == "unclear") & (pl.col("shrunk_lift") > 0.0)
    topic = pl.when(pl.col("pattern") == "yes").then("pattern_type").otherwise("pattern")
    rows = (
        scan(Patterns)
        .filter(is_lead)
        .with_columns(subject=pattern_words(), topic=topic, finding_id=pattern_id())
        .sort("pattern_type", "pattern")
        .collect()
    )
    is_modelled = _is_modelled(scan)
    for row in rows.iter_rows(named=True):
        lift, low, high = row["lift"], row["lift_ci_low"], row["lift_ci_high"]
        chance = _chance(lift, low, high, confidence)
        if chance < LIKELY or (is_modelled and row["pattern_type"] in TEXT_FEATURES):
            continue
        yield Recommendation(
            "test next",
            f"Test posts with {say.clean(row['subject'], NAME_LENGTH)} in more experiments.",
            f"{say.lift(row['shrunk_lift'])} in the rate, drawn toward none; measured {_format_effect(lift, low, high)}",
            f"likely, not yet clear: {say.percent(chance)} chance after {plural(row['experiments'], 'experiment')}",
            tables.full_name(Patterns),
            "patterns",
            row["finding_id"],
            topic=row["topic"],
            order=(1, -chance),
        )


def _chance(lift: float | None, low: float | None, high: float | None, confidence: float) -> float:
    """Return the chance that an effect has the sign that was found, by the width of its interval; 0.5 where it has none."""
    if lift is None or low is None or high is None or not -1.0 < low < high or lift <= -1.0:
        return 0.5
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    return NormalDist().cdf(abs(log1p(lift)) * 2.0 * z / (log1p(high) - log1p(low)))


def _name_chance(chance: float) -> str:
    """Return a chance in words.

    >>> _name_chance(0.9999), _name_chance(0.98), _name_chance(0.5)
    ('almost certain', 'very likely', 'likely')
    """
    return "almost certain" if chance >= ALMOST_CERTAIN else "very likely" if chance >= _CLEAR else "likely"


_CLEAR = 0.95


def _format_effect(effect: float | None, low: float | None, high: float | None) -> str:
    ends = say.between(say.lift(low), say.lift(high))
    return say.lift(effect) if ends == say.NOTHING else f"{say.lift(effect)} ({ends})"


def _plural(number: float | None, one: str, many: str = "") -> str:
    return plural(int(number or 0), one, many)


def _decode(text: str | None) -> Mapping[str, Any]:
    """Return the figures of a finding; none where they cannot be read."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, float | None])
    except msgspec.MsgspecError:
        return {}
