"""Progress of a run on stderr, where that is a terminal; nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kaizenlake.cli.shell.logs import is_json, log_step
from kaizenlake.cli.shell.output import clean, err, is_terminal, note

if TYPE_CHECKING:
    from kaizenlake.night.artifact import StepRecord

MARKS = {"done": "✓", "failed": "✗", "skipped": "-"}


@contextmanager
def watching() -> Iterator[Callable[[StepRecord], None] | None]:
    """Show the step that runs, and leave a line for each that ended; None where nobody watches."""
    if is_json():
        yield log_step
        return
    if not is_terminal():
        yield None
        return
    with err().status("starting") as status:

        def watch(step: StepRecord) -> None:
            if step.status == "running":
                status.update(step.name)
            elif step.status in MARKS:
                rows = "" if step.rows_out is None else f"  {step.rows_out:,} rows"
                note(f"{MARKS[step.status]} {step.name}{rows}  {step.seconds:.1f} s")

        yield watch


@contextmanager
def counting() -> Iterator[Callable[[str, int], None] | None]:
    """Show the file that is read and its lines so far; None where nobody watches."""
    if not is_terminal():
        yield None
        return
    with err().status("starting") as status:
        yield lambda file, lines: status.update(clean(f"{file}: {lines:,} lines"))
