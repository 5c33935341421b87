"""The spool: whole lines, once, from many threads and processes, through forks, kills, full disks and lost folders."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from kaizenlake.errors import SpoolError
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.write import spool
from kaizenlake.events.write.spool import Spool, is_abandoned, is_open


def segments(lake, pattern="*"):
    return sorted((lake / "landing").glob(pattern))


def lines(lake):
    return [line for path in segments(lake) for line in path.read_bytes().splitlines(keepends=True)]


def test_segment_is_open_while_it_is_written_and_closed_after(tmp_path):
    held = Spool(tmp_path)
    held.write(b"one\n")
    (path,) = segments(tmp_path)
    assert is_open(path)
    assert not is_abandoned(path)
    assert path.read_bytes() == b"one\n"
    held.write(b"two\nthree\n")
    held.close()
    (closed,) = segments(tmp_path)
    assert not is_open(closed)
    assert closed.name == path.name.removesuffix(".open")
    assert closed.read_bytes() == b"one\ntwo\nthree\n"


def test_segment_is_handed_over_by_size(tmp_path):
    held = Spool(tmp_path, segment_bytes=100)
    for number in range(50):
        held.write(b"%09d\n" % number)
    held.close()
    assert [path.stat().st_size for path in segments(tmp_path)] == [100] * 5
    assert lines(tmp_path) == [b"%09d\n" % number for number in range(50)]


def test_segment_is_handed_over_by_age_though_nothing_more_is_logged(tmp_path):
    held = Spool(tmp_path, segment_seconds=0.1, sync_seconds=0.01)
    held.write(b"one\n")
    end = time.monotonic() + 10
    while segments(tmp_path, "*.open") and time.monotonic() < end:
        time.sleep(0.02)
    assert [path.suffix for path in segments(tmp_path)] == [".ndjson"]
    held.write(b"two\n")
    held.close()
    assert lines(tmp_path) == [b"one\n", b"two\n"]


def test_what_is_logged_reaches_the_disk_in_groups(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(spool.os, "fsync", synced.append)
    held = Spool(tmp_path, sync_seconds=0.2)
    for _ in range(500):
        held.write(b"one\n")
    end = time.monotonic() + 10
    while not synced and time.monotonic() < end:
        time.sleep(0.01)
    assert 1 <= len(synced) <= 3
    held.close()


def test_flush_brings_to_the_disk(tmp_path, monkeypatch):
    synced = []
    held = Spool(tmp_path, sync_seconds=60)
    held.write(b"one\n")
    monkeypatch.setattr(spool.os, "fsync", synced.append)
    held.flush()
    held.flush()
    assert len(synced) == 1
    held.close()


def test_a_disk_that_fails_later_is_told_at_the_next_call(tmp_path, monkeypatch):
    held = Spool(tmp_path, sync_seconds=0.01)

    def refuse(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(spool.os, "fsync", refuse)
    held.write(b"one\n")
    end = time.monotonic() + 10
    while held._fault is None and time.monotonic() < end:
        time.sleep(0.01)
    monkeypatch.undo()
    with pytest.raises(SpoolError, match="Input/output error"):
        held.write(b"two\n")
    held.write(b"three\n")
    held.close()
    assert lines(tmp_path) == [b"one\n", b"three\n"]


def test_missing_lake_is_told_and_nothing_is_made(tmp_path):
    held = Spool(tmp_path / "none")
    with pytest.raises(SpoolError, match=r"No such file or directory.*kaizen init"):
        held.write(b"one\n")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "none").mkdir()
    held.write(b"one\n")
    held.close()
    assert lines(tmp_path / "none") == [b"one\n"]


def test_a_folder_that_is_taken_away_is_noticed(tmp_path):
    lake = tmp_path / "lake"
    lake.mkdir()
    held = Spool(lake)
    held.write(b"one\n")
    lake.rename(tmp_path / "moved")
    for path in segments(tmp_path / "moved"):
        path.unlink()
    with pytest.raises(SpoolError, match="No such file or directory"):
        held.write(b"two\n")
    lake.mkdir()
    held.write(b"three\n")
    held.close()
    assert lines(lake) == [b"three\n"]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "landing").write_text("in the way")
    with pytest.raises(SpoolError, match="landing"):
        Spool(tmp_path).write(b"one\n")


def test_read_only_folder_is_told(tmp_path, monkeypatch):
    (tmp_path / "landing").mkdir(mode=0o500)
    if os.geteuid() == 0:
        # The superuser may write anywhere: the answer of the system is played.
        real = os.open

        def refuse(path, flags, mode=0o777):
            if flags & os.O_CREAT:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, flags, mode)

        monkeypatch.setattr(spool.os, "open", refuse)
    with pytest.raises(SpoolError, match=r"Permission denied.*right to write"):
        Spool(tmp_path).write(b"one\n")
    assert segments(tmp_path) == []


def test_a_line_that_does_not_fit_is_taken_back(tmp_path):
    """The kernel takes part of a line and refuses the rest, as on a disk that is filling up."""
    code = f"""
import resource, signal, sys
from kaizenlake.errors import SpoolError
from kaizenlake.events.write.spool import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (95, resource.RLIM_INFINITY))
held = Spool({str(tmp_path)!r}, sync_seconds=60)
refused = 0
for number in range(12):
    try:
        held.write(b"%09d\\n" % number)
    except SpoolError as error:
        refused += 1
        words = str(error)
print(refused, words)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
held.write(b"%09d\\n" % 99)
held.close()
"""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("3 An event could not be logged: File too large.")
    assert lines(tmp_path) == [b"%09d\n" % number for number in [*range(9), 99]]


def test_full_disk_is_told_and_leaves_whole_lines(tmp_path, monkeypatch):
    held = Spool(tmp_path, sync_seconds=60)
    held.write(b"one\n")
    real, free = os.write, [2]

    def full(descriptor, data):
        if not free[0]:
            raise OSError(28, "No space left on device")
        taken = real(descriptor, bytes(data)[: free[0]])
        free[0] -= taken
        return taken

    monkeypatch.setattr(spool.os, "write", full)
    with pytest.raises(SpoolError, match=r"No space left on device.*free space"):
        held.write(b"two\n")
    monkeypatch.undo()
    held.write(b"three\n")
    held.close()
    assert lines(tmp_path) == [b"one\n", b"three\n"]


def test_a_torn_line_that_cannot_be_taken_back_is_the_last_of_its_segment(tmp_path, monkeypatch):
    held = Spool(tmp_path, sync_seconds=60)
    real = os.write

    def tear(descriptor, data):
        if len(data) == 4:
            return real(descriptor, bytes(data)[:2])
        raise OSError(28, "No space left on device")

    def stay(descriptor, size):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(spool.os, "write", tear)
        patch.setattr(spool.os, "ftruncate", stay)
        with pytest.raises(SpoolError):
            held.write(b"one\n")
    held.write(b"two\n")
    held.close()
    torn, whole = sorted(segments(tmp_path), key=lambda path: path.stat().st_size)
    assert torn.read_bytes() == b"on"
    assert is_abandoned(torn)
    assert whole.read_bytes() == b"two\n"


def test_threads_lose_nothing_and_tear_nothing(tmp_path):
    held = Spool(tmp_path, segment_bytes=20_000, sync_seconds=0.01)

    def work(name):
        for number in range(500):
            held.write(b"%d-%d-%s\n" % (name, number, b"x" * (number % 50)))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held.close()
    seen = Counter(line.rpartition(b"-")[0] for line in lines(tmp_path))
    assert seen == Counter(b"%d-%d" % (name, number) for name in range(8) for number in range(500))


LOGGER = """
import os, sys, threading
import kaizenlake
from multiprocessing import get_context
def work(name):
    for number in range(int(sys.argv[1])):
        kaizenlake.log_lead_created(f"{os.getpid()}-{name}-{number}", source="x" * (number % 40 + 1))
def process():
    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def run(code, lake, *words):
    return subprocess.Popen(
        # From Python 3.12 on a fork beside any thread warns; here that is what is tested.
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:This process:DeprecationWarning",
            "-c",
            LOGGER + code,
            *map(str, words),
        ],
        env=os.environ | {"KAIZEN_LAKE": str(lake)},
        # Whoever reads from it waits; without one it would end at once, and with it its segment.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def checked(lake):
    found = lines(lake)
    return check_lines(found, range(1, len(found) + 1), now=datetime.now(UTC))


def test_processes_and_their_threads_lose_nothing(tmp_path):
    running = [run("process()", tmp_path, 250) for _ in range(4)]
    for item in running:
        _, errors = item.communicate(timeout=60)
        assert (item.returncode, errors) == (0, "")
    found = checked(tmp_path)
    assert found.rejected == []
    assert found.frame.height == 4 * 4 * 250
    assert found.frame["event_id"].n_unique() == found.frame.height
    assert found.frame["payload"].str.extract(r"(\d+-\d+-\d+)").n_unique() == found.frame.height
    # Every process handed over its segment as it left.
    assert len(segments(tmp_path, "*.ndjson")) == len(segments(tmp_path)) == 4


def test_a_forked_child_has_a_segment_of_its_own(tmp_path):
    code = """
process()
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        process()
        kaizenlake.close()
        os._exit(0)
    children.append(child)
process()
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""
    item = run(code, tmp_path, 50)
    _, errors = item.communicate(timeout=60)
    assert (item.returncode, errors) == (0, "")
    found = checked(tmp_path)
    assert found.rejected == []
    assert found.frame.height == found.frame["event_id"].n_unique() == 5 * 4 * 50
    assert len(segments(tmp_path)) == 4


def test_a_pool_that_leaves_without_a_word_loses_nothing(tmp_path):
    """Children of multiprocessing end without running exit handlers: their segments stay open, and abandoned."""
    code = """
process()
item = get_context("fork").Process(target=process)
item.start()
item.join()
"""
    item = run(code, tmp_path, 50)
    _, errors = item.communicate(timeout=60)
    assert (item.returncode, errors) == (0, "")
    (left,) = segments(tmp_path, "*.open")
    assert is_abandoned(left)
    assert checked(tmp_path).frame.height == 2 * 4 * 50


def test_a_killed_logger_loses_nothing_it_was_told_was_logged(tmp_path):
    code = """
number = 0
while True:
    print(kaizenlake.log_lead_created(str(number)), flush=True)
    number += 1
"""
    running = [run(code, tmp_path) for _ in range(4)]
    said = [item.stdout.readline().strip() for item in running]
    time.sleep(0.5)
    for item in running:
        item.send_signal(signal.SIGKILL)
    for item in running:
        # What was printed was logged before.
        said += item.communicate(timeout=60)[0].split("\n")
    assert [item.returncode for item in running] == [-signal.SIGKILL] * 4
    found = checked(tmp_path)
    assert all(item.rules == ("torn_line",) for item in found.rejected)
    assert len(found.rejected) <= 4
    whole = {name for name in said if len(name) == 36}
    assert len(whole) > 100
    assert whole <= set(found.frame["event_id"])
    assert all(is_abandoned(path) for path in segments(tmp_path))


def test_a_living_logger_has_not_abandoned_its_segment(tmp_path):
    item = run("print(kaizenlake.log_lead_created('x'), flush=True); sys.stdin.read()", tmp_path)
    try:
        item.stdout.readline()
        (path,) = segments(tmp_path)
        assert is_open(path)
        assert not is_abandoned(path)
    finally:
        item.kill()
        item.communicate()
    assert is_abandoned(path)


def test_a_segment_that_is_gone_is_not_abandoned(tmp_path):
    assert not is_abandoned(tmp_path / "none.ndjson.open")


def test_a_signal_handler_may_log_too(tmp_path):
    held = Spool(tmp_path, sync_seconds=60)
    before = signal.signal(signal.SIGALRM, lambda *_: held.write(b"alarm\n"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for _ in range(5000):
            held.write(b"plain\n")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    held.close()
    seen = Counter(lines(tmp_path))
    assert seen[b"plain\n"] == 5000
    assert set(seen) <= {b"plain\n", b"alarm\n"}


def test_an_event_is_one_line(tmp_path, monkeypatch):
    import kaizenlake

    monkeypatch.setenv("KAIZEN_LAKE", str(tmp_path))
    kaizenlake.log_lead_lost("x", reason="one\ntwo\r\nthree\u2028four")
    kaizenlake.close()
    (path,) = segments(tmp_path)
    assert path.read_bytes().count(b"\n") == 1
    assert json.loads(path.read_bytes())["payload"]["reason"] == "one\ntwo\r\nthree\u2028four"
    kaizenlake.configure()
