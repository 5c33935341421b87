"""The errors of kaizenlake: one tree, each class with a stable code and the exit code of the command line."""

from __future__ import annotations

import signal
from typing import Any, ClassVar


class KaizenError(Exception):
    """Something that a user or an operator can mend; its words say what, where and how.

    Args:
        message: What was expected and what was found.
        where: File, line, table or column concerned; empty where the message names it.
        hint: What to do about it; empty where the message says so.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    exit_meaning: ClassVar[str] = "a job, a check or the lake failed; the message says which"

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f" {self.hint}" if self.hint else ""
        return f"{self.message}{place}{advice}"


class UsageError(KaizenError):
    """The command or call was given words it does not take."""

    code = "usage"
    exit_code = 2
    exit_meaning = "usage: the command, a setting or a mapping says something that is not taken"


class TenantNeededError(UsageError):
    """The lake has several tenants, and a call or command named none of them."""

    code = "tenant_needed"


class SettingsError(UsageError):
    """A settings file or variable holds a value outside its rule."""

    code = "settings"


class MappingError(UsageError):
    """A mapping file is wrong, or does not fit the table it was given."""

    code = "mapping"


class EventError(UsageError):
    """An event breaks a rule of the catalogue at the call that logs it.

    Args:
        message: The event type, the field and the rule it breaks.
        field: The field concerned, as in the payload.
        rule: The stable name of the rule.
    """

    code = "event"

    def __init__(self, message: str, *, field: str = "", rule: str = "", where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.field = field
        self.rule = rule


class PluginError(KaizenError):
    """A plug-in cannot be read, or declares what cannot be taken; ours and other plug-ins go on."""

    code = "plugin"


class SpoolError(KaizenError):
    """An event could not be written to its spool segment."""

    code = "spool"


class LakeError(KaizenError):
    """The lake is missing, of another version, or cannot be read or written."""

    code = "lake"


class TableNotFoundError(LakeError):
    """A table has not been written yet, or no table has that name."""

    code = "table_not_found"


class WriteConflictError(LakeError):
    """Another writer changed a table between the read and the write; nothing was written."""

    code = "write_conflict"


class TableInvalidError(KaizenError):
    """A frame breaks the declaration of the table it was to be written to."""

    code = "table_invalid"


class ConservationError(KaizenError):
    """Lines read and lines accounted for differ: a landing lost or invented something."""

    code = "conservation"


class JobFailedError(KaizenError):
    """A job raised, or its output broke its table's rules."""

    code = "job_failed"


class PublishError(KaizenError):
    """A document to publish broke its schema, or could not be written whole."""

    code = "publish"


class VerificationError(KaizenError):
    """A published document, index or signature is not what it claims to be."""

    code = "verification"


class GateError(KaizenError):
    """A decision was refused by a gate; the words say which, with its figures."""

    code = "gate"


class BenchmarkEnforcementError(KaizenError):
    """A text breaks rules of the benchmark of its section.

    Args:
        message: The section, and each rule that is broken with what to change.
        rules: The rules that are broken, as `kaizenlake.judge` gives them.
    """

    code = "benchmark"
    exit_code = 9
    exit_meaning = "done, but a section fails its benchmark"

    def __init__(self, message: str, *, rules: tuple[Any, ...] = (), where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.rules = rules


class LockedError(KaizenError):
    """Another run holds the lock of this lake."""

    code = "locked"
    exit_code = 3
    exit_meaning = "another run holds the lock of the lake"


class QuarantinedError(KaizenError):
    """Strict landing: the landing was done, and lines wait in quarantine that nobody acknowledged, or a file was not read."""

    code = "quarantined"
    exit_code = 4
    exit_meaning = (
        "done, but lines wait in quarantine unacknowledged, or a file could not be read, and --strict was given"
    )


class StaleSourceError(KaizenError):
    """Strict night: a source has sent nothing for longer than its setting allows."""

    code = "stale_source"
    exit_code = 5
    exit_meaning = "done, but a source is stale and --strict was given"


class UnreadFileError(KaizenError):
    """The landing was done, and a file that was named is not among what it read."""

    code = "unread_file"
    exit_code = 6
    exit_meaning = "done, but a named file was not read"


class EmptyMappingError(KaizenError):
    """The landing was done, and of all rows that a mapping read not one became an event."""

    code = "empty_mapping"
    exit_code = 7
    exit_meaning = "done, but a mapping made no event of any row"


class AllQuarantinedError(KaizenError):
    """The night or the landing was done, and every line that it read went to quarantine."""

    code = "all_quarantined"
    exit_code = 8
    exit_meaning = "done, but every line that was read went to quarantine"


class Stopped(BaseException):
    """A run was told to stop; not an `Exception`, so that nothing on the way takes it for a failure and goes on.

    Args:
        signum: The signal: SIGTERM or SIGINT.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"Stopped by {signal.Signals(signum).name}.")
        self.exit_code = 128 + signum


UNEXPECTED = 70
"""Exit code of a mistake of this program, as in `sysexits.h`."""


def exit_codes() -> dict[int, str]:
    """Return what each exit code of the command line means.

    >>> exit_codes()[3]
    'another run holds the lock of the lake'
    """
    found: dict[int, str] = {0: "done"}
    ahead: list[type[KaizenError]] = [KaizenError]
    while ahead:
        kind = ahead.pop(0)
        found.setdefault(kind.exit_code, kind.exit_meaning)
        ahead += kind.__subclasses__()
    return dict(sorted(found.items())) | {
        UNEXPECTED: "a mistake of this program; the traceback is for its makers",
        130: "interrupted (SIGINT)",
        143: "terminated (SIGTERM)",
    }
