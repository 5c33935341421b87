"""The spool: every logging process appends whole lines to a segment of its own, under `landing/` of the lake.

A segment is named `<time>-<host>-<pid>-<random>.ndjson.open` while it is written and `.ndjson` once it is closed. The
writer holds an advisory lock (`flock`) on it as long as it lives, so an open segment whose lock is free was abandoned.
A line is in the operating system's hands before the call returns: a killed process loses nothing that was logged. It is
brought to the disk in groups, so a power cut may cost what was logged in the last `SYNC_SECONDS`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import threading
import time
import weakref
from pathlib import Path

from kaizenlake.errors import SpoolError

LANDING = "landing"
OPEN_SUFFIX = ".ndjson.open"
CLOSED_SUFFIX = ".ndjson"

SEGMENT_BYTES = 32 * 1024 * 1024
"""Size at which a segment is closed and the next begun."""

SEGMENT_SECONDS = 300.0
"""Age at which a segment is closed, so that a process that runs for weeks hands over what it logged."""

SYNC_SECONDS = 0.2
"""Longest wait until what was logged is brought to the disk."""


class Spool:
    """Writes lines to segments under one lake; one object may be used by many threads, and survives a fork.

    Args:
        lake: Folder of the lake, which must exist; its `landing` folder is made.
        segment_bytes: Size at which a segment is closed.
        segment_seconds: Age at which a segment is closed.
        sync_seconds: Longest wait until what was logged is brought to the disk.
    """

    def __init__(
        self,
        lake: str | Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
        sync_seconds: float = SYNC_SECONDS,
    ) -> None:
        if "://" in str(lake):
            raise SpoolError(
                f"Events are logged to a folder of this machine, found {str(lake)!r}.",
                hint="Log to a local lake, and `kaizen land` its landing folder into the remote one.",
            )
        self.folder = Path(lake).absolute() / LANDING
        self.segment_bytes = segment_bytes
        self.segment_seconds = segment_seconds
        self.sync_seconds = sync_seconds
        self._forget()
        _SPOOLS.add(self)

    def _forget(self) -> None:
        """Begin anew, without any segment."""
        # Re-entrant, for a signal handler may log while its thread does.
        self._lock = threading.RLock()
        self._descriptor: int | None = None
        self._path = Path()
        self._size = 0
        self._opened = 0.0
        self._unsynced = False
        self._fault: OSError | None = None
        self._syncer: threading.Thread | None = None
        self._wake = threading.Event()

    def write(self, lines: bytes) -> None:
        """Append whole lines, all or none.

        Args:
            lines: One or more lines, each with its line feed.

        Raises:
            SpoolError: The folder is missing, is not writable, or the disk is full; nothing was appended.
        """
        with self._lock:
            try:
                self._raise_fault()
                descriptor = self._segment()
                self._append(descriptor, lines)
            except OSError as error:
                raise spool_error(error, self.folder) from error
            self._size += len(lines)
            self._unsynced = True
            if self._size >= self.segment_bytes or self._is_old():
                self.close()
            elif not self._wake.is_set():
                self._wake.set()
                self._start_syncer()

    def flush(self) -> None:
        """Bring everything that was logged to the disk.

        Raises:
            SpoolError: The disk refuses.
        """
        with self._lock:
            try:
                self._raise_fault()
                if self._unsynced and self._descriptor is not None:
                    os.fsync(self._descriptor)
                    self._unsynced = False
            except OSError as error:
                raise spool_error(error, self.folder) from error

    def close(self) -> None:
        """Close the segment under its final name; the next write begins another.

        Raises:
            SpoolError: The disk refuses; the segment stays under its open name, and is landed as an abandoned one.
        """
        with self._lock:
            descriptor, path = self._descriptor, self._path
            if descriptor is None:
                return
            self._descriptor, self._unsynced = None, False
            try:
                state = os.fstat(descriptor)
                if state.st_nlink and not state.st_size:
                    path.unlink(missing_ok=True)
                elif state.st_nlink:
                    os.fsync(descriptor)
                    path.rename(path.with_name(path.name.removesuffix(OPEN_SUFFIX) + CLOSED_SUFFIX))
                    _sync_folder(self.folder)
            except OSError as error:
                raise spool_error(error, self.folder) from error
            finally:
                os.close(descriptor)

    def _segment(self) -> int:
        """Return the descriptor of the segment, a new one where there is none or somebody removed it."""
        if self._descriptor is not None:
            if os.fstat(self._descriptor).st_nlink:
                return self._descriptor
            os.close(self._descriptor)
            self._descriptor = None
        if not self.folder.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.folder.parent))
        self.folder.mkdir(exist_ok=True)
        self._path = self.folder / _segment_name()
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        # Some network file systems know no such lock; there an open segment never counts as abandoned.
        with contextlib.suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._size, self._opened = 0, time.monotonic()
        return self._descriptor

    def _append(self, descriptor: int, lines: bytes) -> None:
        written = 0
        try:
            while written < len(lines):
                written += os.write(descriptor, memoryview(lines)[written:] if written else lines)
        except OSError:
            if written:
                self._take_back(descriptor, written)
            raise

    def _take_back(self, descriptor: int, written: int) -> None:
        """Remove the beginning of lines that did not fit, so that nothing is ever appended to a torn line."""
        try:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
        except OSError:
            # The torn line then stays the last of its segment, and landing puts it into quarantine.
            self._descriptor = None
            os.close(descriptor)

    def _raise_fault(self) -> None:
        """Raise what the syncing thread met since the last call."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _start_syncer(self) -> None:
        if self._syncer is None or not self._syncer.is_alive():
            self._syncer = threading.Thread(
                target=_sync_forever, args=(weakref.ref(self), self._wake), name="kaizenlake-spool", daemon=True
            )
            self._syncer.start()

    def _sync(self) -> None:
        """Bring to the disk what was logged, without holding up those who log."""
        with self._lock:
            self._wake.clear()
            if not self._unsynced or self._descriptor is None:
                return
            # A descriptor of its own: the segment may be closed meanwhile.
            descriptor = os.dup(self._descriptor)
            self._unsynced = False
        try:
            os.fsync(descriptor)
        except OSError as error:
            self._fault = error
        finally:
            os.close(descriptor)

    def _is_old(self) -> bool:
        return self._descriptor is not None and time.monotonic() - self._opened >= self.segment_seconds

    def _hand_over(self) -> None:
        """Close a segment that has grown old while nothing was logged."""
        with self._lock:
            if self._is_old():
                try:
                    self.close()
                except SpoolError as error:
                    self._fault = error.__cause__ if isinstance(error.__cause__, OSError) else None

    def _after_fork(self) -> None:
        """In a child: leave the parent's segment to the parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._forget()


def is_open(path: Path) -> bool:
    """Return whether a path is named as a segment that is being written, or was abandoned."""
    return path.name.endswith(OPEN_SUFFIX)


def is_abandoned(path: Path) -> bool:
    """Return whether the writer of an open segment is gone, so that nothing will be appended any more.

    Args:
        path: An open segment on a local file system.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        # Between the creation of a segment and its lock its writer is alive; an empty one is left alone.
        return os.fstat(descriptor).st_size > 0
    finally:
        os.close(descriptor)


def _sync_forever(reference: weakref.ref[Spool], wake: threading.Event) -> None:
    while (spool := reference()) is not None:
        idle, pause = spool.segment_seconds, spool.sync_seconds
        # The thread must not be what keeps its spool alive.
        del spool
        logged = wake.wait(min(idle, 60))
        if logged:
            time.sleep(pause)
        spool = reference()
        if spool is not None:
            tend = spool._sync if logged else spool._hand_over  # noqa: SLF001 - the thread of that object
            tend()
            del tend
        del spool


def _segment_name() -> str:
    now = time.time_ns()
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 1_000_000_000))
    host = re.sub(r"[^A-Za-z0-9.]+", "_", os.uname().nodename)[:60] or "host"
    return f"{moment}.{now % 1_000_000_000 // 1000:06d}Z-{host}-{os.getpid()}-{os.urandom(4).hex()}{OPEN_SUFFIX}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_HINTS = {
    errno.ENOENT: "`kaizen init` makes a lake; KAIZEN_LAKE or kaizenlake.configure(lake=...) says where it is.",
    errno.ENOTDIR: "A file stands where the lake's folder should be; KAIZEN_LAKE says where the lake is.",
    errno.ENOSPC: "The disk is full: free space on it, or log to a lake on another.",
    errno.EDQUOT: "The disk quota is used up: free space, or log to a lake elsewhere.",
    errno.EFBIG: "The largest file size allowed to this process is reached; raise it (ulimit -f).",
    errno.EACCES: "Give this process the right to write there, or point KAIZEN_LAKE to a lake it may write to.",
    errno.EPERM: "Give this process the right to write there, or point KAIZEN_LAKE to a lake it may write to.",
    errno.EROFS: "The file system is read-only: mount it for writing, or point KAIZEN_LAKE elsewhere.",
    errno.EMFILE: "The process has too many files open; close some, or raise the limit (ulimit -n).",
}


def spool_error(error: OSError, folder: Path | str) -> SpoolError:
    """Return what the operating system refused, as the error that the log functions promise."""
    words = os.strerror(error.errno) if error.errno else str(error)
    hint = _HINTS.get(error.errno or 0, "Nothing was appended; the call can be made again.")
    return SpoolError(f"An event could not be logged: {words}.", where=str(error.filename or folder), hint=hint)


_SPOOLS: weakref.WeakSet[Spool] = weakref.WeakSet()


def _after_fork() -> None:
    for spool in tuple(_SPOOLS):
        spool._after_fork()  # noqa: SLF001 - the other half of this module


os.register_at_fork(after_in_child=_after_fork)
