"""What came of telling alerts by one channel, and how the words of a failure are kept free of secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST = 20
"""Most alerts that one message lists; it says how many more there are."""

OUTPUT = 300
"""Most characters of what a channel answered that are kept."""


@dataclass(frozen=True)
class Delivery:
    """What came of it.

    Args:
        error: Why it failed, in words without any secret; empty where it arrived.
        tries: How often it was tried.
    """

    error: str = ""
    tries: int = 1


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return words of others without secrets, which some servers and libraries repeat.

    >>> hide("no answer from https://x/T0/abc", ["https://x/T0/abc"])
    'no answer from [hidden]'

    Args:
        text: The words.
        secrets: What must not be in them; empty ones are left out.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[hidden]")
    return " ".join(text.split())[:OUTPUT]
