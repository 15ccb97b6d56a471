"""Sessions, in PostgreSQL only: a cached one could come back to life after a frozen cache."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A browser's session on one tenant's host (`tenant_id` is NULL on the apex); see
    `tenants.sessions`.
    """

    tenancy = "local"

    tenant_id = models.UUIDField(null=True)
    user_id = models.UUIDField(null=True)
    begun_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    agent = models.CharField(max_length=40, default="")  # "Chrome on Android", not the header
    address = models.CharField(max_length=45, default="")  # the network: 203.0.113.0

    class Meta(AbstractBaseSession.Meta):
        indexes = [models.Index(fields=["user_id"], name="session_user")]

    @classmethod
    def get_session_store_class(cls) -> type:
        store: type = import_module(settings.SESSION_ENGINE).SessionStore
        return store
