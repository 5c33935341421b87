"""Training of neural networks: the only place that imports torch, transformers, peft, trl and datasets, each when it is used.

Nothing here asks the network: models lie in folders, and no code that comes with a model is run.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from kaizenlake.training.error_codes import LearningError

LIBRARIES: Final = ("torch", "transformers", "peft", "trl", "datasets")

_OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRL_EXPERIMENTAL_SILENCE": "1",
}


def check_installed() -> None:
    """Check that the extra is there.

    Raises:
        LearningError: It is not (E7505).
    """
    if missing := [name for name in LIBRARIES if find_spec(name) is None]:
        raise LearningError("E7505", f"Neural training needs the extra `train`; not installed: {', '.join(missing)}.")


@contextmanager
def offline_and_quiet() -> Iterator[None]:
    """Keep the libraries from asking the network, and from saying what concerns their developers alone."""
    check_installed()
    os.environ.update(_OFFLINE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import datasets
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        datasets.disable_progress_bars()
        yield
