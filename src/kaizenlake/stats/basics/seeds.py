"""What hangs on chance: folds that a seed draws, the same on every machine, and how far estimates of several seeds lie apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints


def folds_by_hash(names: Sequence[str | None], seed: int, folds: int) -> Ints:
    """Fold of each name, by SHA-256 of the seed and the name: the same in every version and on every machine.

    Args:
        names: of the units; equal ones share a fold.
        seed: draws other folds.
        folds: how many there are, from 0.

    >>> folds_by_hash(["u1", "u2", "u1"], 1, 5).tolist()
    [0, 4, 0]
    """
    distinct = set(names)
    digests = (hashlib.sha256(f"{seed}\x1f{name}".encode()).digest()[:8] for name in distinct)
    fold = {name: int.from_bytes(digest, "big") % folds for name, digest in zip(distinct, digests, strict=True)}
    return np.array([fold[name] for name in names], dtype=np.int64)


def seed_spread(estimates: ArrayLike) -> Floats:
    """Return the standard deviation of estimates over seeds, along the first axis; 0 of a single seed, which tells of no spread.

    >>> float(seed_spread([0.1, 0.3]).round(3)), float(seed_spread([0.1]))
    (0.141, 0.0)
    """
    values = np.asarray(estimates, dtype=np.float64)
    return np.asarray(np.std(values, axis=0, ddof=min(1, values.shape[0] - 1)))
