"""Sessions bound to their tenant: a session key of one shop is nothing on any other host.

The binding stands in the one statement that loads a session, so it costs nothing and cannot be
left out.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from tenants.context import current
from tenants.models import Session


def here() -> UUID | None:
    """The tenant a session of this request belongs to; None on the apex."""
    scope = current()
    return scope.tenant_id if scope else None


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _mine(self, key: str | None) -> QuerySet[Session]:
        return Session.objects.filter(session_key=key, tenant_id=here())

    def _get_session_from_db(self) -> Session | None:
        session = self._mine(self.session_key).filter(expire_date__gt=timezone.now()).first()
        if session is None:
            self._session_key = None
        return session

    def exists(self, session_key: str) -> bool:
        # Of any tenant: keys are unique over all of them.
        return Session.objects.filter(session_key=session_key).exists()

    def save(self, must_create: bool = False) -> None:
        """Django takes any error here for a session that was deleted, and answers 400."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError | InterfaceError):
                raise error.__context__ from error.__context__.__cause__
            raise

    def delete(self, session_key: str | None = None) -> None:
        self._mine(session_key or self.session_key).delete()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session: Any = super().create_model_instance(data)
        session.tenant_id = here()
        user = data.get(SESSION_KEY)
        session.user_id = UUID(str(user)) if user else None
        return session  # type: ignore[no-any-return]
