"""What the worker does for each shop by itself."""

from __future__ import annotations

import datetime as dt

from loyalty import operations
from tenants import jobs


@jobs.periodic("53 2 * * *", name="loyalty.forget_operations_of_all")
def forget_operations_of_all(at: dt.datetime) -> None:
    """Each night, one job a shop."""
    jobs.enqueue_for_all(forget_operations, at=at.isoformat())


@jobs.task(name="loyalty.forget_operations")
def forget_operations(at: str) -> None:
    """Forget the keys of commands that nobody will send again."""
    operations.forget_old(dt.datetime.fromisoformat(at))
