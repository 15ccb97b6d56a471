"""The ways through a connection by which a shop's rows might reach another.

A probe is a function of the Pair that gives its faults in words: none if the wall holds.
"""

from importlib import import_module

SUBJECTS = (
    "roads",
    "transactions",
    "threads",
    "loops",
    "views",
    "streams",
    "cursors",
    "caches",
    "commands",
    "jobs",
)


def load() -> None:
    """Enter them all in PROBES, which needs Django."""
    for subject in SUBJECTS:
        import_module(f"{__name__}.{subject}")
