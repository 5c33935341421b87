"""Which arm of a canary serves a unit: the one rule, of the router that serves and of the analysis that looks back."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

_SPAN = 2**64


def point_of(salt: str, unit_id: object) -> float:
    """Return where a unit lies in [0, 1]: the first eight bytes of SHA-256 over the salt, U+001F and the unit, as a share of 2^64.

    >>> point_of("d1", "user_7") == point_of("d1", "user_7") != point_of("d2", "user_7")
    True

    Args:
        salt: Text of the deployment, so that deployments fall independently of each other.
        unit_id: What is randomised; whatever is no text counts as it is written.
    """
    digest = sha256(f"{salt}\x1f{unit_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / _SPAN


def arm_of(salt: str, unit_id: object, shares: Iterable[float]) -> int:
    """Return the arm of a unit: 0 is the control, 1 the first candidate, and so on; the same for ever.

    A candidate has the points from where the one before it ends; whoever lies beyond the last has the control. So as the
    share of a single candidate grows, the units that it has stay with it.

    >>> [arm_of("d1", f"user_{number}", (0.25, 0.25)) for number in range(8)]
    [0, 1, 0, 2, 0, 2, 0, 0]

    Args:
        salt: As for `point_of`.
        unit_id: As for `point_of`.
        shares: Share of the units that each candidate serves, in their order; the control has the rest.
    """
    point, end = point_of(salt, unit_id), 0.0
    for arm, share in enumerate(shares, 1):
        end += share
        if point < end:
            return arm
    return 0
