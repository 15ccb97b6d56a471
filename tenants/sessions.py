"""Sessions bound to their tenant: a session key of one shop is nothing on any other host.

The binding stands in the one statement that loads a session, so it costs nothing and cannot be
left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from tenants.context import current
from tenants.logs import place
from tenants.models import Session
from tenants.secrets import fingerprint

SEEN_EVERY = dt.timedelta(minutes=5)
AGENT, BEGUN = "agent", "begun"  # in a session that somebody signed in with
LONGEST_AGENT, LONGEST_MARK = 40, 16  # characters


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
        elif session.user_id:
            self._note_seen(session, timezone.now())
        return session

    def _note_seen(self, session: Session, now: dt.datetime) -> None:
        if session.seen_at is None or now - session.seen_at > SEEN_EVERY:
            here_now = {"seen_at": now, "address": place().address}
            self._mine(session.session_key).update(**here_now)

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
        begun = data.get(BEGUN)
        session.begun_at = dt.datetime.fromisoformat(str(begun)) if begun else None
        session.agent = str(data.get(AGENT, ""))
        if user:
            session.seen_at, session.address = timezone.now(), place().address
        return session  # type: ignore[no-any-return]


def begin(session: SessionBase, agent: str, *, at: dt.datetime) -> None:
    """Note when and with what somebody signs in ("Chrome on Android"), for the list of sessions."""
    session[AGENT], session[BEGUN] = agent[:LONGEST_AGENT], at.isoformat()


def mark(session_key: str | None) -> str:
    """What names a session in a page: the key itself opens it, this opens nothing."""
    return fingerprint(session_key or "")[:LONGEST_MARK]


def living(user: UUID, *, at: dt.datetime) -> list[Session]:
    """The sessions of a person in the shop we are inside, the one used last first."""
    rows = Session.objects.filter(user_id=user, tenant_id=here(), expire_date__gt=at)
    return sorted(rows, key=lambda row: (row.seen_at or at, row.session_key), reverse=True)


def end(user: UUID, named: str, *, at: dt.datetime) -> bool:
    """End this person's session with this `mark`; False if she has none, as the second time."""
    keys = [row.session_key for row in living(user, at=at) if mark(row.session_key) == named]
    return bool(Session.objects.filter(session_key__in=keys, tenant_id=here()).delete()[0])


def end_all(user: UUID, *, but: str | None = None) -> int:
    """End this person's sessions in the shop we are inside, except the one with the key `but`."""
    rows = Session.objects.filter(user_id=user, tenant_id=here())
    return int(rows.exclude(session_key=but or "").delete()[0])


def last_seen(users: Collection[UUID], *, at: dt.datetime) -> dict[UUID, dt.datetime]:
    """When each of these persons was last seen in the shop we are inside, if she is signed in."""
    rows = Session.objects.filter(user_id__in=users, tenant_id=here(), expire_date__gt=at)
    seen = rows.exclude(seen_at=None).order_by("seen_at").values_list("user_id", "seen_at")
    return {user: when for user, when in seen if user and when}
