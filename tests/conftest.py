"""What all tests share: how Hypothesis draws, and a lake filled by the demo."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import tempfile
from contextlib import contextmanager

import pytest
from hypothesis import settings

# The same examples every time, however busy the machine is.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

for name in [name for name in os.environ if name.startswith("KAIZEN_") and name != "KAIZEN_REQUIRE_BROWSER"]:
    # Settings of the machine are not what is tested.
    del os.environ[name]


# A night of a test writes no pages over its lake, unless the pages are what is tested: they take a quarter of its time.
SITE = "KAIZEN_SITE__NIGHTLY"
os.environ[SITE] = "false"

# What readers have seen stays with these tests.
os.environ["KAIZEN_READER_STATE"] = f"{tempfile.mkdtemp(prefix='kaizen-readers-')}/readers.json"


@contextmanager
def with_site():
    """Let nights write the pages over their lake."""
    del os.environ[SITE]
    try:
        yield
    finally:
        os.environ[SITE] = "false"


@pytest.fixture(scope="module")
def nightly_site():
    """Let the nights of a module write the pages over their lake, as they do where nobody says otherwise."""
    with with_site():
        yield


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """What `kaizen demo` makes, and its folder; made once for all workers; not to be changed: `demo_lake` gives a copy."""
    from kaizenlake.demo import make

    # Workers of one run have folders of their own beside each other.
    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    )
    folder, record = shared / "demo", shared / "demo.pickle"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            with with_site():
                made = make(folder / "lake", folder / "reports")
            record.write_bytes(pickle.dumps(made))
    made = pickle.loads(record.read_bytes())
    assert made.run.exit_code == 0, made.run.errors
    return made, folder


@pytest.fixture(scope="module")
def demo_lake(demo, tmp_path_factory):
    """The demo lake as a `Lake`, a copy for each module of tests; its reports lie beside it in `reports`."""
    from kaizenlake.lake.store import Lake

    folder = tmp_path_factory.mktemp("demo_copy")
    shutil.copytree(demo[1], folder, dirs_exist_ok=True)
    return Lake(folder / "lake")


@pytest.fixture(scope="session")
def agency(tmp_path_factory):
    """A lake of the invented agency after a night for the tables that tests look at; made once for all workers."""
    from importlib import resources

    from jobs.feeding import feeding
    from kaizenlake import demo, tables
    from kaizenlake.lake.landing.landing import land
    from kaizenlake.lake.store import Lake
    from kaizenlake.night.run import nightly
    from kaizenlake.samples import AGENCY

    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    )
    folder, done = shared / "agency", shared / "agency.done"
    with (shared / "agency.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            lake = Lake.create(folder)
            with resources.as_file(resources.files("kaizenlake.samples") / AGENCY.file) as file:
                assert land(lake, file).quarantined == 0
            shown = [getattr(tables, name) for name in AGENCY_TABLES]
            assert nightly(lake, as_of=demo.as_of(lake), jobs=feeding(*shown)).exit_code == 0
            done.touch()
    return folder


AGENCY_TABLES = (
    *(
        "Anomalies",
        "PerformanceSnapshots",
        "AvoidedPhrases",
        "Contents",
        "Funnel",
        "IcpPatterns",
        "IntakeSegments",
        "KpiTargets",
        "OutreachPerformance",
    ),
    *("PackFailures", "PackReadiness", "PackRuns", "Patterns", "TimeToClose", "WinRates"),
)


@pytest.fixture(scope="module")
def agency_lake(agency, tmp_path_factory):
    """The lake of the invented agency, a copy for each module of tests."""
    from kaizenlake.lake.store import Lake

    folder = tmp_path_factory.mktemp("agency_copy")
    shutil.copytree(agency, folder, dirs_exist_ok=True)
    return Lake(folder)


LONG = (
    "laws/test_night_laws.py",
    "faults/test_night_kill.py",
    "night/test_demo.py",
    "cli/test_nights.py",
    "faults/test_logging_while_landing.py",
    "test_readme.py",
    "test_notebooks.py",
    "cli/test_cli.py",
    "test_wheel.py",
    "cli/test_learning_reports.py",
    "jobs/test_contract.py",
    "night/test_canary_nights.py",
)
"""Files of tests that take longest: they begin first, so that no worker is left with one of them at the end."""


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONG)}

    def place(item):
        path = item.path.as_posix()
        return next((places[name] for name in LONG if path.endswith(f"tests/{name}")), len(LONG))

    items.sort(key=place)
