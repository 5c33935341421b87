import json
import os
import signal
import subprocess
import sys

import pytest

from kaizenlake.errors import LockedError
from kaizenlake.lake import lock

HOLD = """
import sys, time
from pathlib import Path
from kaizenlake.lake import lock
with lock.hold(Path(sys.argv[1]), "kaizen nightly"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_turned_away_and_told_by_whom(tmp_path, other):
    with pytest.raises(LockedError) as raised, lock.hold(tmp_path):
        pass

    assert raised.value.exit_code == 3
    assert "'kaizen nightly'" in str(raised.value)
    assert f"process {other.pid} on " in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_a_killed_run_holds_nothing(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / lock.HOLDER_NAME).exists()

    with lock.hold(tmp_path, "kaizen land"):
        assert json.loads((tmp_path / lock.HOLDER_NAME).read_bytes())["pid"] == os.getpid()


def test_words_of_a_killed_run_are_not_taken_for_the_present_one(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()

    assert lock.holder(tmp_path) == "a run that has only begun"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"pid": "x"}'])
def test_broken_words_do_no_harm(tmp_path, content):
    (tmp_path / lock.HOLDER_NAME).write_bytes(content)

    assert lock.holder(tmp_path) == "a run that has only begun"


def test_it_is_released_after_the_block_also_when_that_fails(tmp_path):
    with lock.hold(tmp_path / "new"):
        pass
    with pytest.raises(ZeroDivisionError), lock.hold(tmp_path / "new"):
        raise ZeroDivisionError
    with lock.hold(tmp_path / "new"):
        assert "process" in lock.holder(tmp_path / "new")

    assert not (tmp_path / "new" / lock.HOLDER_NAME).exists()


def test_one_can_ask_without_taking_it(tmp_path, other):
    assert f"process {other.pid}" in lock.find_holder(tmp_path)
    other.send_signal(signal.SIGKILL)
    other.wait()

    assert lock.find_holder(tmp_path) is None
    assert lock.find_holder(tmp_path / "nowhere") is None
    with lock.hold(tmp_path, "kaizen land"):
        assert "'kaizen land'" in lock.find_holder(tmp_path)


def test_one_process_holds_it_once(tmp_path):
    with lock.hold(tmp_path), pytest.raises(LockedError), lock.hold(tmp_path):
        pass
