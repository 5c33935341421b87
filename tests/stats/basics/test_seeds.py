"""Folds by hash, and the spread over seeds."""

import hashlib

import numpy as np
import pytest

from kaizenlake.stats.basics.seeds import folds_by_hash, seed_spread


def test_a_fold_follows_from_seed_and_name_alone():
    names = [f"unit {number}" for number in range(5_000)]
    found = folds_by_hash(names, 3, 5)
    whole = int(hashlib.sha256(b"3\x1funit 7").hexdigest()[:16], 16)
    assert found[7] == whole % 5
    assert folds_by_hash(names[::-1], 3, 5).tolist() == found[::-1].tolist()
    assert folds_by_hash([None, "None"], 3, 5).dtype == np.int64
    counts = np.bincount(found, minlength=5)
    assert (np.abs(counts - 1_000) < 5 * np.sqrt(5_000 * 0.2 * 0.8)).all()
    assert 0.1 < (folds_by_hash(names, 4, 5) == found).mean() < 0.3  # another seed, other folds
    assert folds_by_hash([], 3, 5).size == 0


def test_the_spread_over_seeds_is_that_of_a_sample_and_none_of_one():
    estimates = np.random.default_rng(2).random((6, 3))
    assert seed_spread(estimates) == pytest.approx(estimates.std(axis=0, ddof=1))
    assert seed_spread(estimates[:1]).tolist() == [0.0, 0.0, 0.0]
