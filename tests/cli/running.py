"""The command line as people run it: as a process of its own, or within this one where only its answer matters."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

KAIZEN = (sys.executable, "-c", "from kaizenlake.cli import main; main()")


def environment(**more):
    return (
        {key: value for key, value in os.environ.items() if not key.startswith("KAIZEN_")} | {"COLUMNS": "120"} | more
    )


def kaizen(*words, cwd=None, code=0, **more):
    """Run a command within this process, with the files, variables and streams of one of its own; its exit code is checked."""
    from kaizenlake.cli import main

    before = dict(os.environ), Path.cwd(), sys.argv
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    try:
        os.environ.clear()
        os.environ.update(environment(**more))
        if cwd is not None:
            os.chdir(cwd)
        sys.argv = ["kaizen", *map(str, words)]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
        returned = 0
    except SystemExit as stop:
        returned = stop.code or 0
    finally:
        os.environ.clear()
        os.environ.update(before[0])
        os.chdir(before[1])
        sys.argv = before[2]
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8"))
    done = SimpleNamespace(stdout=texts[0], stderr=texts[1], returncode=returned)
    assert returned == code, f"exit {returned}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    return done


def start(*words, cwd=None):
    """Start a command and go on."""
    return subprocess.Popen(
        [*KAIZEN, *map(str, words)],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
