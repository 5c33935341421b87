"""What all tests share: how Hypothesis draws, and a lake filled by the demo."""

from __future__ import annotations

import os

from hypothesis import settings

# The same examples every time, however busy the machine is.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

for name in [name for name in os.environ if name.startswith("KAIZEN_")]:
    # Settings of the machine are not what is tested.
    del os.environ[name]
