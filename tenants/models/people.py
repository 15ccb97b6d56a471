"""Who: a User is a person, known across tenants; Staff is that person's place in one shop."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from tenants.fields import LocalForeignKey
from tenants.ids import uuid7
from tenants.models.base import SoftDelete, TenantModel


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, **fields: Any) -> User:
        """A person who signs in by code, link or passkey: nobody here has a password."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in. Knows no shop: which are hers is told by Seat."""

    tenancy = "local"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, default="", blank=True)
    language = models.CharField(max_length=12, default="", blank=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return str(self.pk)


class Seat(models.Model):
    """That a person belongs to a shop, and nothing else: what a list of "my shops" is made of."""

    tenancy = "local"

    user = models.ForeignKey(User, models.CASCADE, related_name="seats")
    tenant_id = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "tenant_id"], name="seat_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id}"


class Staff(SoftDelete, TenantModel):
    """A person at work in this shop. A cashier may have no User: a PIN at a paired till is
    enough.
    """

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        CASHIER = "cashier"

    user = LocalForeignKey(User, null=True, blank=True, db_index=False)
    name = models.CharField(max_length=80)
    role = models.CharField(max_length=8, choices=Role, default=Role.CASHIER)
    language = models.CharField(max_length=12, default="", blank=True)  # hers, on every device
    pin_hash = models.CharField(max_length=128, default="", editable=False)
    pin_wrong = models.PositiveSmallIntegerField(default=0, editable=False)  # in a row
    pin_wait_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"],
                condition=models.Q(is_active=True),
                name="staff_one_a_user",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def manages(self) -> bool:
        return self.role in (self.Role.OWNER, self.Role.MANAGER)


class Invitation(SoftDelete, TenantModel):
    """That somebody was asked to work here. The link in her letter is a OneTimeSecret whose subject
    is this row; taken up, she is Staff.
    """

    email = models.EmailField()
    name = models.CharField(max_length=80)
    role = models.CharField(max_length=8, choices=Staff.Role, default=Staff.Role.MANAGER)
    invited_by = models.ForeignKey(Staff, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(is_active=True, accepted_at=None),
                name="invitation_one_an_address",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
