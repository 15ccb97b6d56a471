"""Test databases are made, sealed and dropped by the owner, whatever role the tests then work
as.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.postgresql.creation import DatabaseCreation as Base


class DatabaseCreation(Base):
    def create_test_db(self, *args: Any, **kwargs: Any) -> str:
        with self._as_owner():
            return super().create_test_db(*args, **kwargs)

    def _destroy_test_db(self, *args: Any, **kwargs: Any) -> None:
        with self._as_owner():
            super()._destroy_test_db(*args, **kwargs)

    @contextmanager
    def _as_owner(self) -> Iterator[None]:
        """Django records migrations outside the schema editor: as the application's role it would
        die there.
        """
        settings = self.connection.settings_dict
        options = settings["OPTIONS"]
        settings["OPTIONS"] = {**options, "owner": True}
        settings["OPTIONS"].pop("assume_role", None)
        self.connection.close()
        try:
            yield
        finally:
            self.connection.close()
            settings["OPTIONS"] = options
