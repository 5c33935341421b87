import doctest
import importlib
import pkgutil

import pytest

from kaizenlake import stats

MODULES = [module.name for module in pkgutil.walk_packages(stats.__path__, "kaizenlake.stats.") if not module.ispkg]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    own = name.rpartition(".")[2]
    assert own.startswith("_") or own == "expressions" or result.attempted > 0


@pytest.mark.parametrize("name", stats.__all__)
def test_every_public_name_is_there_and_described(name):
    public = getattr(stats, name)
    assert name in {"FLAT", "ESTIMATORS"} or public.__doc__
