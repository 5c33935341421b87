"""The one browser of all tests of pages."""

from __future__ import annotations

import os

import pytest

from browser.chromium import Chromium, find

pytest.register_assert_rewrite("browser.keeping")


@pytest.fixture(scope="session")
def chromium():
    """A Chromium; without one on the machine the test is skipped, or fails where one is required."""
    executable = find()
    if executable is None:
        if os.environ.get("KAIZEN_REQUIRE_BROWSER") == "1":
            pytest.fail("KAIZEN_REQUIRE_BROWSER=1, and no Chromium was found.")
        pytest.skip("No Chromium on this machine.")
    browser = Chromium(executable)
    yield browser
    browser.close()
