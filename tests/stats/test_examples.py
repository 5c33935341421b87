import doctest
import importlib
import pkgutil

import pytest

from kaizenlake import stats

MODULES = [module.name for module in pkgutil.iter_modules(stats.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    module = importlib.import_module(f"kaizenlake.stats.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
    assert name.startswith("_") or name == "expressions" or result.attempted > 0


@pytest.mark.parametrize("name", stats.__all__)
def test_every_public_name_is_there_and_described(name):
    public = getattr(stats, name)
    assert name in {"FLAT", "ESTIMATORS"} or public.__doc__
