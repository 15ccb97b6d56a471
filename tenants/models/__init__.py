"""Whose data it is: the tables of tenants, people, places and what was done."""

from tenants.models.base import SoftDelete, TenantModel
from tenants.models.people import Seat, Staff, User
from tenants.models.place import Device, Location
from tenants.models.secret import OneTimeSecret
from tenants.models.session import Session
from tenants.models.tenant import Domain, Shop, Tenant
from tenants.models.trace import AuditEntry
from tenants.models.traffic import Guess, Usage
from tenants.models.world import Country, Currency, Language

__all__ = [
    "AuditEntry",
    "Country",
    "Currency",
    "Device",
    "Domain",
    "Guess",
    "Language",
    "Location",
    "OneTimeSecret",
    "Seat",
    "Session",
    "Shop",
    "SoftDelete",
    "Staff",
    "Tenant",
    "TenantModel",
    "Usage",
    "User",
]
