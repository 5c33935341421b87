"""Event ids: UUIDs of version 7, which sort by the time they were made."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def event_id() -> str:
    """Make a UUID of version 7 (RFC 9562, method 3); within a process each is greater than the one before.

    >>> first, second = event_id(), event_id()
    >>> first < second, len(first), first[14]
    (True, 36, '7')
    """
    global _last  # noqa: PLW0603 - the clock of this process
    nanoseconds = time.time_ns()
    # 48 bits of milliseconds and 12 bits of the fraction below.
    ticks = (nanoseconds // 1_000_000 << 12) | (nanoseconds % 1_000_000 * 4096 // 1_000_000)
    with _lock:
        _last = ticks = max(ticks, _last + 1)
    random = int.from_bytes(os.urandom(8)) >> 2
    value = (ticks >> 12 << 80) | 7 << 76 | (ticks & 0xFFF) << 64 | 2 << 62 | random
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _reset_after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
