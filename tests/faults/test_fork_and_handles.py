"""A child that is forked while another thread logs its first event, and a process without file handles."""

from __future__ import annotations

import subprocess
import sys

from kaizenlake.lake.store import Lake

FORK = """
import os, signal, sys, threading, time
import kaizenlake
lake, pause = sys.argv[1], float(sys.argv[2])
os.environ["KAIZEN_LAKE"] = lake
begun = threading.Event()
def log():
    begun.set()
    kaizenlake.log_lead_created("parent")
thread = threading.Thread(target=log)
thread.start()
begun.wait()
time.sleep(pause)
child = os.fork()
if child == 0:
    kaizenlake.log_lead_created("child")
    kaizenlake.close()
    os._exit(7)
thread.join()
kaizenlake.close()
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        sys.exit(os.waitstatus_to_exitcode(status))
    time.sleep(0.01)
os.kill(child, signal.SIGKILL)
sys.exit("the child hangs")
"""


def test_a_child_forked_while_another_thread_logs_its_first_event_logs_its_own(tmp_path):
    # The first event fetches the code of logging, which takes about a tenth of a second: the fork falls into it.
    for place, pause in enumerate((0.0, 0.002, 0.02, 0.05)):
        lake = Lake.create(tmp_path / str(place))
        done = subprocess.run(
            [sys.executable, "-c", FORK, str(lake.root), str(pause)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 7, done.stderr
        lines = b"".join(path.read_bytes() for path in lake.path("landing").iterdir())
        assert sorted(name for name in (b"parent", b"child") if b'"lead_id":"' + name in lines) == [b"child", b"parent"]


NO_HANDLES = """
import os, resource, sys
import kaizenlake
from kaizenlake.errors import KaizenError
kaizenlake.configure(lake=sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
held = []
try:
    while True:
        held.append(os.dup(0))
except OSError:
    pass
for call in (
    lambda: kaizenlake.log_event("LEAD_CREATED", lead_id="l"),
    lambda: kaizenlake.log_lead_created("l"),
    lambda: kaizenlake.log_event("LEAD_CREATE", lead_id="l"),
    lambda: kaizenlake.log_event("LEAD_CREATED", lead=1),
):
    try:
        call()
    except KaizenError as error:
        print(error.code)
for handle in held:
    os.close(handle)
kaizenlake.log_lead_created("later")
"""


def test_the_first_event_without_file_handles_raises_the_promised_error_and_a_later_one_is_logged(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    done = subprocess.run(
        [sys.executable, "-c", NO_HANDLES, str(lake.root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["spool", "spool", "spool", "spool"]
    (segment,) = lake.path("landing").iterdir()
    assert segment.read_bytes().count(b"\n") == 1
