"""Hold the version of the package, which names nothing else of ours."""

__version__ = "0.2.0"
