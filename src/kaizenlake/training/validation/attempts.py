"""Ask a model, and live with what it does: it may raise, hang, or give what is no text."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

MOST_HANGS: Final = 3
"""Calls that may run out of time before a function is asked no more."""


@dataclass(frozen=True)
class Attempt:
    """What came of one call.

    Args:
        value: What the function gave; None where it gave nothing.
        fault: Why it gave nothing, in words; None where it did.
        seconds: How long it took.
    """

    value: Any
    fault: str | None
    seconds: float


@dataclass
class TriedFunction:
    """A function that is tried: each call in a thread of its own, which is left alone where it takes too long.

    Args:
        function: The function.
        seconds: Longest time of a call.
    """

    function: Callable[..., Any]
    seconds: float
    attempts: list[Attempt] = field(default_factory=list)
    _hangs: int = 0
    _tasks: queue.SimpleQueue[tuple[Any, ...]] | None = None
    _answers: queue.SimpleQueue[tuple[Any, str | None, float]] | None = None

    def call(self, *arguments: Any) -> Attempt:
        """Call the function, keep what came of it, and return it."""
        made = self._call(arguments)
        self.attempts.append(made)
        return made

    def ask(self, text: str) -> Attempt:
        """Ask a model: only a text is an answer."""
        made = self._call((text,))
        if made.fault is None and not isinstance(made.value, str):
            made = Attempt(None, f"it gave {type(made.value).__name__}, no text", made.seconds)
        elif made.fault is None:
            # Halves of characters outside the first plane are no text that could be kept.
            made = Attempt(made.value.encode("utf-8", "replace").decode(), None, made.seconds)
        self.attempts.append(made)
        return made

    def _call(self, arguments: tuple[Any, ...]) -> Attempt:
        if self._hangs >= MOST_HANGS:
            return Attempt(None, f"it ran out of {self.seconds:g} s {MOST_HANGS} times and was asked no more", 0.0)
        if self._tasks is None or self._answers is None:
            self._tasks, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
            threading.Thread(target=_serve, args=(self.function, self._tasks, self._answers), daemon=True).start()
        self._tasks.put(arguments)
        try:
            value, fault, seconds = self._answers.get(timeout=self.seconds)
        except queue.Empty:
            self._hangs += 1
            # The thread is left to itself; what it gives later is read by nobody.
            self._tasks = self._answers = None
            return Attempt(None, f"it ran out of {self.seconds:g} s", self.seconds)
        return Attempt(value, fault, seconds)

    def end(self) -> None:
        """Let the thread end."""
        if self._tasks is not None:
            self._tasks.put(_END)
            self._tasks = self._answers = None


_END: Final[tuple[Any, ...]] = (object(),)


def _serve(
    function: Callable[..., Any],
    tasks: queue.SimpleQueue[tuple[Any, ...]],
    answers: queue.SimpleQueue[tuple[Any, str | None, float]],
) -> None:
    """Answer the tasks of a queue, whatever the function raises."""
    while (arguments := tasks.get()) is not _END:
        begun = time.perf_counter()
        try:
            value, fault = function(*arguments), None
        except BaseException as error:  # noqa: BLE001 - whatever a model does is a finding
            value, fault = None, f"it raised {type(error).__name__}: {_shorten(error)}"
        answers.put((value, fault, time.perf_counter() - begun))


def _shorten(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())[:200]
    except Exception:  # noqa: BLE001 - not even its words can be had
        return "without words"
