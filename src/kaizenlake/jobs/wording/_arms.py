"""The wordings of experiments as a text model reads them: one row a wording and experiment, its features, and its block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.context.texts.features import find_rules, find_terms, meanings, read_text, seems_english
from kaizenlake.stats.regression.partly_centred import Codes, Floats, GroupedOutcomes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

EXPERIMENT = ("project_id", "experiment_id", "platform")

MOST_ARMS = 20_000
"""Wordings of a model; where there are more, the latest count."""

LEAST_TESTS = 4
"""Fewest experiments in which a word or phrase stands that a model knows."""

SHARE = 0.6
"""Share of an experiment's mean that is taken out of its arms."""

ARM_VARIANCE = 0.1
"""Variance of the true log rates of arms, which bounds the weight of one that was shown often."""

LEVEL_ARMS = 10.0
"""Arms of ordinary weight by which the level of a week is drawn to that of all."""

BLOCKS = 5


class Arms(NamedTuple):
    """Wordings of the experiments of one model, in order of time.

    Args:
        texts: The wordings.
        shown: Times each was shown.
        clicks: Clicks on it.
        outcomes: Log rates less the level of their week, with weights and experiments.
        sampling: Sampling variance of each log rate.
        weeks: Week of each, counted from 0.
        families: Experiments that share a wording are of one family, by wording.
        rules: Wordings by rules.
        terms: Wordings by words and phrases.
        rule_names: Names of the rules.
        term_names: The words and phrases.
        is_english: Whether the rules of English read them.
    """

    texts: Sequence[str]
    shown: Floats
    clicks: Floats
    outcomes: GroupedOutcomes
    sampling: Floats
    weeks: Codes
    families: Codes
    rules: csr_array
    terms: csr_array
    rule_names: Sequence[str]
    term_names: Sequence[str]
    is_english: bool

    @property
    def experiments(self) -> int:
        """How many experiments there are."""
        return int(self.outcomes.groups.max(initial=-1)) + 1

    def blocks(self, number: int = BLOCKS) -> Codes:
        """Return the block of each wording: so many blocks of weeks, each with about as many wordings.

        A family lies in the block of its latest week, so that what was learned from earlier blocks never saw it.
        Where there are fewer weeks than blocks, families are spread over them.
        """
        latest = np.zeros(int(self.families.max(initial=-1)) + 1, dtype=np.int64)
        np.maximum.at(latest, self.families, self.weeks)
        weeks = latest[self.families]
        if np.unique(weeks).size < number:
            # Told all at once, as by one export: experiments follow one another by name within their week.
            _, weeks = np.unique(weeks * latest.size + self.families, return_inverse=True)
        until = np.cumsum(np.bincount(weeks, minlength=1))
        block: Codes = np.minimum((until - 1) * number // max(weeks.size, 1), number - 1).astype(np.int64)[weeks]
        return block


def wordings(experiments: pl.DataFrame) -> pl.DataFrame:
    """Add up the arms of each experiment that have the same wording.

    Args:
        experiments: Rows of `ContentExperiments` of one tenant.

    Returns:
        `EXPERIMENT`, `metric`, `text`, `shown`, `clicks`, `measured_at`, in order of time.
    """
    usable = experiments.filter(
        pl.col("text").is_not_null(), (pl.col("shown") > 0).fill_null(False), pl.col("verdict") != "invalid"
    )
    added = usable.group_by(*EXPERIMENT, "metric", "text").agg(
        shown=pl.coalesce("weighed_shown", "shown").sum(),
        clicks=pl.coalesce("weighed_clicks", "clicks").fill_null(0).sum(),
        measured_at=pl.col("measured_at").max(),
    )
    return added.sort("measured_at", *EXPERIMENT, "text").tail(MOST_ARMS)


def count_comparisons(rows: pl.DataFrame) -> int:
    """Count the experiments with two wordings or more."""
    return rows.group_by(*EXPERIMENT).len().filter(pl.col("len") > 1).height


def read_wordings(rows: pl.DataFrame) -> Arms:
    """Read wordings for a model.

    Args:
        rows: What `wordings` returns, at least one.
    """
    texts = rows["text"].to_list()
    read = {text: read_text(text) for text in dict.fromkeys(texts)}
    is_english = seems_english(read.values())
    shown, clicks = (rows[name].cast(pl.Float64).to_numpy() for name in ("shown", "clicks"))
    clicks = np.minimum(clicks, shown)
    groups = rows.select(pl.struct(EXPERIMENT).rank("dense") - 1).to_series().cast(pl.Int64).to_numpy()
    sampling = 1.0 / (clicks + 0.5) - 1.0 / (shown + 1.0)
    weights = 1.0 / (sampling + ARM_VARIANCE)
    log_rate = np.log((clicks + 0.5) / (shown + 1.0))
    week = pl.col("measured_at").dt.truncate("1w")
    levels = rows.select(pl.struct("project_id", "platform", "metric", week).rank("dense") - 1).to_series()
    values = _less_level(log_rate, weights, levels.cast(pl.Int64).to_numpy())
    weeks = rows.select(week.rank("dense") - 1).to_series().cast(pl.Int64).to_numpy()
    rules = {text: find_rules(found, is_english=is_english) for text, found in read.items()}
    terms = {text: find_terms(found) for text, found in read.items()}
    known = sorted(name for name, rule in meanings().items() if is_english or rule.is_universal)
    rule_design = _design([rules[text] for text in texts], known)
    term_design, term_names = _common([terms[text] for text in texts], groups)
    return Arms(
        texts, shown, clicks, GroupedOutcomes(values, weights, groups, SHARE), sampling, weeks, _families(texts, groups),
        rule_design, term_design, known, term_names, is_english,
    )  # fmt: skip


def _less_level(log_rate: Floats, weights: Floats, levels: Codes) -> Floats:
    """Take out of log rates the level of their week, which is drawn to that of all where it has few arms."""
    over_all = float(weights @ log_rate / weights.sum())
    above = log_rate - over_all
    drawn = np.bincount(levels, weights * above) / (np.bincount(levels, weights) + LEVEL_ARMS * weights.mean())
    left: Floats = above - drawn[levels]
    return left


def _families(texts: Sequence[str], groups: Codes) -> Codes:
    """Return the family of each wording's experiment: experiments that share a wording are of one."""
    number = int(groups.max()) + 1
    words = {
        text: number + place for place, text in enumerate(dict.fromkeys(" ".join(t.lower().split()) for t in texts))
    }
    places = np.array([words[" ".join(text.lower().split())] for text in texts])
    size = number + len(words)
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    joined = csr_array((np.ones(places.size), (groups, places)), shape=(size, size))
    _, families = connected_components(joined, directed=False)
    found: Codes = families[groups].astype(np.int64)
    return found


def _design(found: Iterable[set[str]], names: Sequence[str]) -> csr_array:
    from scipy.sparse import csr_array

    places = {name: place for place, name in enumerate(names)}
    columns: list[int] = []
    ends = [0]
    for features in found:
        columns += sorted(places[name] for name in features if name in places)
        ends.append(len(columns))
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(ends) - 1, len(names)))


def _common(found: Sequence[set[str]], groups: Codes) -> tuple[csr_array, list[str]]:
    """Return the design of the words and phrases that stand in enough experiments, and these."""
    stand: dict[str, set[int]] = {}
    for features, group in zip(found, groups.tolist(), strict=True):
        for name in features:
            stand.setdefault(name, set()).add(group)
    names = sorted(name for name, tests in stand.items() if len(tests) >= LEAST_TESTS)
    return _design(found, names), names


def tests_with(design: csr_array, groups: Codes) -> NDArray[np.int64]:
    """Count the experiments of which some wording has each feature."""
    number = int(groups.max(initial=-1)) + 1
    from scipy.sparse import csr_array

    places = csr_array((np.ones(groups.size), (groups, np.arange(groups.size))), shape=(number, groups.size))
    has = (places @ design).tocsr()
    counts: NDArray[np.int64] = np.bincount(has.indices[has.data > 0], minlength=design.shape[1]).astype(np.int64)
    return counts
