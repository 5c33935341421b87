"""Stepping down from look to look: against the rule told candidate by candidate, and Holm's own on a single look."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn
from scipy import stats as scipy_stats

from kaizenlake.stats import boundaries, holm, spend
from kaizenlake.stats.sequential.staged_holm import staged_holm


def told(p, levels, good):
    """The same for one family, in words: every crossing gives the others another chance on the same look."""
    since = [0] * len(p)
    for look in range(p.shape[1]):
        while True:
            left = max(since.count(0), 1)
            hits = [
                at for at, row in enumerate(p) if not since[at] and row[look] <= levels[left][look] and good[at, look]
            ]
            for at in hits:
                since[at] = look + 1
            if not hits:
                break
    return since


@given(
    p=drawn.arrays(float, (3, 4, 5), elements=st.sampled_from([0.001, 0.01, 0.012, 0.02, 0.04, 0.3, np.nan])),
    good=drawn.arrays(bool, (3, 4, 5)),
)
def test_every_family_steps_down_as_the_rule_is_told(p, good):
    share = np.linspace(0.2, 1.0, 5)
    levels = {among: 0.05 / among * share for among in range(1, 5)}
    found = staged_holm(p, lambda among: np.broadcast_to(levels[among], p.shape), good)
    assert found.crossed[..., -1].tolist() == [told(*family) for family in zip(p, [levels] * 3, good, strict=True)]
    assert (np.diff(found.crossed, axis=-1) >= 0).all()
    assert np.array_equal(found.level, 0.05 / found.among * share)


@given(drawn.arrays(float, (1, 5, 1), elements=st.floats(0.0, 0.1)))
def test_on_a_single_look_it_is_holms_rule(p):
    found = staged_holm(p, lambda among: np.full(p.shape, 0.05 / among), np.ones(p.shape, dtype=np.bool_))
    assert (found.crossed[0, :, 0] > 0).tolist() == (holm(p.ravel()) <= 0.05).tolist()


def test_levels_are_asked_for_only_where_they_are_needed():
    asked = []

    def level_of(among):
        asked.append(among)
        return np.full((2, 50, 3), 0.05 / among)

    p = np.full((2, 50, 3), 0.5)
    p[0, 7, 1] = 1e-6
    staged_holm(p, level_of, np.ones(p.shape, dtype=np.bool_))
    assert set(asked) == {50, 49}


def test_of_many_candidates_without_a_difference_one_crosses_no_more_often_than_alpha():
    rng = np.random.default_rng(5)
    families, candidates, looks = 4_000, 4, 5
    z = rng.normal(size=(families, candidates, looks)).cumsum(axis=-1) / np.sqrt(np.arange(1, looks + 1))
    p = 2.0 * scipy_stats.norm.sf(np.abs(z))
    known = np.arange(1.0, looks + 1.0)
    levels = {among: boundaries(known, spend(known / looks, 0.05 / among)).level for among in range(1, 5)}
    crossed = staged_holm(p, lambda among: np.broadcast_to(levels[among], p.shape), z < 0.0).crossed[..., -1]
    # Half of the two-sided alpha lies on the side that may cross.
    assert (crossed > 0).any(axis=1).mean() <= 0.025 + 3 * (0.025 / families) ** 0.5
