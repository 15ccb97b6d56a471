"""Who acts: every verb takes one as `by=`, and the audit trail and the ledger keep it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tenants.models import ApiKey, Device, Staff


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at a till, a person in the portal, a shop's own system, or a command.

    `source` is the room in which an idempotency key is unique: "device:<id>", "web",
    "api-key:<id>", "import:<name>" or "command". `who` names the person or program: "staff:<id>",
    "command:demo".
    """

    source: str
    who: str
    staff: Staff | None = None
    device: Device | None = None

    @classmethod
    def at_till(cls, staff: Staff, device: Device) -> Actor:
        return cls(f"device:{device.pk}", f"staff:{staff.pk}", staff, device)

    @classmethod
    def of_staff(cls, staff: Staff) -> Actor:
        return cls("web", f"staff:{staff.pk}", staff)

    @classmethod
    def member(cls, member_id: UUID) -> Actor:
        """A customer acting on her own card."""
        return cls("card", f"member:{member_id}")

    @classmethod
    def command(cls, name: str) -> Actor:
        return cls("command", f"command:{name}")

    @classmethod
    def importing(cls, name: str) -> Actor:
        """An import: the same file again has the same keys."""
        return cls(f"import:{name}", "command:import")

    @classmethod
    def of_key(cls, key: ApiKey) -> Actor:
        """The shop's own system. What it may is told by the scopes of its token."""
        return cls(f"api-key:{key.pk}", f"api-key:{key.pk}")

    @property
    def manages(self) -> bool:
        """May this actor do what a manager may? A command is run by whoever runs the server, an
        API key was made by whoever manages the shop.
        """
        if self.staff:
            return self.staff.manages
        return self.who.startswith(("command:", "api-key:"))
